"""Modes and self-energy of a lead whose orbitals couple to few others, at many energies: no eigenvalue problems.

In some order of the orbitals Q(lambda) is a narrow band (`laurent`). Its roots are found together (`lead_roots`), from
them the modes (`lead_search`), and from these the self-energy (`lead_surface`).
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from .laurent import band
from .lead_search import search
from .lead_surface import from_modes, side_by_side, solve_surface
from .tile_arrays import aligned, packed, unpacked
from .tile_inverse import PIVOTS
from .vectors import LANES

# Widths of bands for which there are kernels, each compiled when it is needed.
_WIDTHS = (1, 2, 3, 4, 6, 8)
# Elements of H and V below this part of the largest are rounding.
_NOTHING = 1e-15
# Singular values of V below this part of the largest count as 0.
_RANK = 1e-12
# By how much starting values are parted, those of a guess by ten times this.
_APART = 1e-3
# Least hopping of the chains of the guess, relative to the largest.
_HOPPING = 0.1


def couples(cell, hopping):
    """Which orbitals are coupled by H, V or V^+: sparse matrix of bool, shape (n, n)."""
    size = np.abs(cell) + np.abs(hopping) + np.abs(hopping.T)
    return csr_matrix(size > _NOTHING * size.max(initial=0))


class BandedLead:
    """Modes of a lead whose orbitals are all coupled, directly or by others.

    Parameters
    ----------
    cell, hopping : arrays of complex, shapes (n, n) and (n, m)
        H and V, see `LeadModes`; V is not 0.

    Attributes
    ----------
    narrow : bool
        Whether it is of the kind that `modes` is made for.
    """

    def __init__(self, cell: np.ndarray, hopping: np.ndarray) -> None:
        n, m = self._size = hopping.shape
        self._cell, hopping = np.asarray(cell, complex), np.ascontiguousarray(hopping, complex)
        self._v = np.zeros((n, n), complex)
        self._v[:, :m] = hopping
        pattern = couples(self._cell, self._v)
        order = reverse_cuthill_mckee(pattern, symmetric_mode=True)
        self._place = np.argsort(order)
        rows, columns = pattern.nonzero()
        width = np.abs(self._place[rows] - self._place[columns]).max(initial=0)
        self.narrow = bool(width <= _WIDTHS[-1])
        if not self.narrow:
            return
        # The kernels take the width from the length of a tuple.
        self._width = (0,) * next(known for known in _WIDTHS if known >= width)
        rearranged = np.ix_(order, order)
        self._band = band(self._cell[rearranged], self._v[rearranged], len(self._width))
        self._bonds = np.argwhere(hopping)
        self._strengths = hopping[tuple(self._bonds.T)].view(float).reshape(-1, 2)
        self._minus_cell = packed(-self._cell[None])[0]

        # As many lambdas on each side of the circle; where that does not hold, no search succeeds.
        values = np.linalg.svd(hopping, compute_uv=False)
        self._rank = np.count_nonzero(values > _RANK * values[0])
        rng = np.random.default_rng(0)
        self._apart, self._guessed = (1 + size * rng.normal(size=(2 * self._rank, 2)).view(complex)[:, 0]
                                      for size in (_APART, 10 * _APART))
        self._starts = rng.normal(size=(n, 2 * self._rank))
        self._levels, states = np.linalg.eigh(self._cell)
        self._hoppings = (states.conj() * (self._v @ states)).sum(axis=0)

    def modes(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What leads away from the surface.

        Parameters
        ----------
        energies : array of float or complex

        Returns
        -------
        sigma : array of complex, shape (energies, m, m)
        flow : array of float, shape (energies,)
            Sum of the velocities of the modes that carry electrons away, in cells per time.
        number : array of int, shape (energies,)
            Of those modes.
        good : array of bool, shape (energies,)
            See `LeadModes`.
        """
        (n, m), rank = self._size, self._rank
        groups = -(-len(energies) // LANES)
        order = np.argsort(energies)
        # Lanes without an energy repeat the last.
        lanes = np.minimum(np.arange(groups * LANES), len(energies) - 1)
        padded = np.asarray(energies, complex)[order[lanes]].reshape(groups, LANES)
        real, imag = padded.real.copy(), padded.imag.copy()

        guess, state = self._guess(padded[0, 0]), np.zeros(2, np.int64)
        last = guess.copy()
        roots, modes = (np.empty((LANES, 2 * rank, *shape), complex) for shape in ((), (n,)))
        u, z = (aligned(rank * m) for _ in range(2))
        work = tuple(aligned(size) for size in (n * n, n * m, m * m))
        swaps, rows = np.empty((1 + LANES, n), np.int64), aligned(2 * PIVOTS * n)
        sigma, flows = aligned(groups * m * m).reshape(groups, -1), np.zeros((groups, LANES, 2 * rank))
        good = np.empty((groups, LANES), bool)
        for k in range(groups):
            search(last, state, guess, self._apart, self._starts, real[k], imag[k], self._band, self._width, roots,
                   modes, flows[k], good[k])
            side_by_side(roots, modes, flows[k], self._place, self._bonds, self._strengths, good[k], u, z)
            from_modes(u, z, rank, m, sigma[k])
            solve_surface(sigma[k], self._bonds, self._strengths, self._minus_cell, real[k], imag[k], (n, m), work,
                          swaps, rows, good[k])
        away = (flows > 0) & np.isfinite(flows)
        flow, number = np.where(away, flows, 0.0).sum(axis=2), away.sum(axis=2)
        back = np.argsort(order)
        return (unpacked(sigma, m, m, len(energies))[back], flow.ravel()[back], number.ravel()[back],
                good.ravel()[back])

    def _guess(self, energy):
        """Roots of chains, one for each of as many levels of a cell."""
        strongest = np.argsort(-np.abs(self._hoppings))[:self._rank]
        t, least = self._hoppings[strongest], _HOPPING * np.abs(self._v).max()
        t = np.where(np.abs(t) < least, least, t)
        x = energy - self._levels[strongest]
        root = np.sqrt(x ** 2 - 4 * np.abs(t) ** 2 + 0j)
        return np.concatenate([x + root, x - root]) / (2 * np.tile(t.conj(), 2)) * self._guessed
