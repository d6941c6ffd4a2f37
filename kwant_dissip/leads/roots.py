"""Modes and self-energy of a lead whose orbitals couple to few others, at many energies: no eigenvalue problems.

In some order of the orbitals Q(lambda) = V^+ lambda + V / lambda + H - E is a narrow band. Its roots are found
together, from them the modes, and from these the self-energy (`native/leads.h`).
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..native.leads import WIDTHS, band, lead_modes

# Elements of H and V below this part of the largest are rounding.
_NOTHING = 1e-15
# Singular values of V below this part of the largest count as 0.
_RANK = 1e-12
# By how much starting values are parted, those of a guess by ten times this.
_APART = 1e-3
# Least hopping of the chains of the guess, relative to the largest.
_HOPPING = 0.1


def couples(cell: np.ndarray, hopping: np.ndarray) -> csr_matrix:
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
        self._cell, hopping = (np.ascontiguousarray(matrix, complex) for matrix in (cell, hopping))
        self._v = np.zeros((n, n), complex)
        self._v[:, :m] = hopping
        pattern = couples(self._cell, self._v)
        order = reverse_cuthill_mckee(pattern, symmetric_mode=True)
        self._place = np.argsort(order)
        rows, columns = pattern.nonzero()
        width = np.abs(self._place[rows] - self._place[columns]).max(initial=0)
        self.narrow = bool(width <= WIDTHS[-1])
        if not self.narrow:
            return
        self._width = next(known for known in WIDTHS if known >= width)
        rearranged = np.ix_(order, order)
        self._band = band(self._cell[rearranged], self._v[rearranged], self._width)
        self._bonds = np.argwhere(hopping)
        self._strengths = hopping[tuple(self._bonds.T)]

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
        """What leads away from the surface: results as of `native.leads.lead_modes`, at energies in any order."""
        order = np.argsort(energies)
        growing = np.asarray(energies, complex)[order]
        results = lead_modes(growing, self._width, self._size[1], self._band, self._cell, self._place, self._bonds,
                             self._strengths, self._starts, self._guess(growing[0]), self._apart)
        back = np.argsort(order)
        sigma, flow, number, good = (result[back] for result in results)
        return sigma, flow, number, good

    def _guess(self, energy):
        """Roots of chains, one for each of as many levels of a cell."""
        strongest = np.argsort(-np.abs(self._hoppings))[:self._rank]
        t, least = self._hoppings[strongest], _HOPPING * np.abs(self._v).max()
        t = np.where(np.abs(t) < least, least, t)
        x = energy - self._levels[strongest]
        root = np.sqrt(x ** 2 - 4 * np.abs(t) ** 2 + 0j)
        return np.concatenate([x + root, x - root]) / (2 * np.tile(t.conj(), 2)) * self._guessed
