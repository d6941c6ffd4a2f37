"""Approximate inverse of the linearised Boltzmann equation: ladders of energies solved directly, on a coarse chain.

Quanta connect the energies E + k w of one ladder only, and neighbouring sites at one energy. With sources S that are
constant on pieces of the chain, what arrives on a piece, N, and what passes its ends, l and r, follow from sums along
the scans (`Spectrum.passages`), exactly:

    N = g S + h^L l + h^R r,    l_next = p^L l + q^L S,    r_next = p^R r + q^R S,    m S - R N = sum of b,

with m the sites of a piece and R the collisions at its mean occupation. What varies within a piece stays as it is.
"""


import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

# Pieces per mean free path, and the part of states beyond which an energy counts as filled or empty throughout.
_PIECES = 2
_FULL = 1e-7
# Most energies times pieces that are solved directly on one ladder.
_MOST = 10_000


class LadderInverse:
    """Inverse of ds - R K ds = b.

    Parameters
    ----------
    passages : tuple of arrays, shape (sites, energies)
        See `Spectrum.passages`.
    filling, spectral : arrays of float, shape (sites, energies)
    coefficients : callable
        Of the first sites, the sizes, and the energies of pieces: pairs of a number of rungs k, and what part of the
        occupation k rungs above scatters into a state, shape (pieces, energies).
    base : int
        Energies of a rung.
    map_ : callable
    everywhere : bool
        Whether filled and empty energies count, too: elastic scattering alone couples them as the others.
    """

    def __init__(self, passages, filling, spectral, coefficients, base, map_, everywhere):
        own, to_right, to_left = passages
        sites, energies = own.shape
        rungs = energies // base
        open_ = (filling * (1 - filling) > _FULL).any(axis=0).reshape(rungs, base).any(axis=1) | everywhere
        if not open_.any():
            self._factors = []
            return
        first, last = np.flatnonzero(open_)[[0, -1]] * base
        self._energies = slice(first, last + base)
        own, to_right, to_left = (part[:, self._energies] for part in (own, to_right, to_left))
        active = last // base - first // base + 1
        # exp(-m / l) at the energies where electrons move
        weight = (filling * (1 - filling) * spectral)[:, self._energies]
        with np.errstate(divide="ignore"):
            lost = -np.log(np.clip(to_right, 1e-30, 1.0))
        lost = (weight * np.minimum(lost, 1.0)).sum() / weight.sum()
        size = max(1, int(1 / (_PIECES * lost)), -(-sites * active // _MOST))
        starts = np.arange(0, sites, size)
        self._starts, self._count = starts, np.diff(np.append(starts, sites))
        g, (h_left, p_left, q_left), (h_right, p_right, q_right) = _condensed(own, to_right, to_left, size)
        pieces = len(starts)
        terms = coefficients(self._starts, self._count, self._energies)
        self._shape = pieces, active, base
        shape = self._shape

        def factor(b):
            number = np.arange(pieces * active).reshape(pieces, active)
            source, left, right = number, number + number.size, number + 2 * number.size
            rows, columns, values = [], [], []

            def add(row, column, value):
                rows.append(np.ravel(row))
                columns.append(np.ravel(column))
                values.append(np.ravel(np.broadcast_to(value, row.shape)))

            def at(array):
                return array.reshape(shape)[:, :, b]

            add(source, source, self._count[:, None] * np.ones(shape[:2]))
            for column, arriving in ((source, at(g)), (left, at(h_left)), (right, at(h_right))):
                for shift, coefficient in terms:
                    # what arrives at rung k + shift scatters into rung k
                    here = slice(max(0, -shift), active - max(0, shift))
                    there = slice(max(0, shift), active + min(0, shift))
                    add(source[:, here], column[:, there], -(at(coefficient)[:, here] * arriving[:, there]))
            for own_, p, q, to, at_ in ((left, p_left, q_left, slice(1, None), slice(0, -1)),
                                        (right, p_right, q_right, slice(0, -1), slice(1, None))):
                add(own_, own_, np.ones(shape[:2]))
                add(own_[to], own_[at_], -at(p)[at_])
                add(own_[to], source[at_], -at(q)[at_])
            matrix = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
                                shape=2 * (3 * number.size,))
            return splu(matrix.tocsc())

        self._map = map_
        # Not in several threads: what SuperLU takes in one and leaves in another is never given back.
        self._factors = [factor(b) for b in range(base)]

    def __call__(self, b: np.ndarray) -> np.ndarray:
        """Approximate ds, shape (sites, energies)."""
        if not self._factors:
            return b
        total = np.add.reduceat(b[:, self._energies], self._starts, axis=0)
        right = total.reshape(self._shape)
        found = np.empty(self._shape)

        def work(base, factor):
            column = np.zeros(3 * self._shape[0] * self._shape[1])
            column[:column.size // 3] = right[:, :, base].ravel()
            found[:, :, base] = factor.solve(column)[:column.size // 3].reshape(self._shape[:2])

        list(self._map(work, range(self._shape[2]), self._factors))
        change = found.reshape(total.shape) - total / self._count[:, None]
        result = b.copy()
        result[:, self._energies] += np.repeat(change, self._count, axis=0)
        return result


def _condensed(own, to_right, to_left, size):
    """g, and (h, p, q) for both directions, of pieces of `size` sites; shape (pieces, energies)."""
    sites, energies = own.shape
    pieces = -(-sites // size)
    missing = pieces * size - sites

    def padded(array, value):
        return np.concatenate([array, np.full((missing, energies), value)]).reshape(pieces, size, energies)

    own = padded(own, 0.0)
    inside = padded(np.ones_like(to_right), 0.0)  # sites that are not there send nothing and pass on all
    g = own.sum(axis=1)
    ways = []
    for to, order in ((padded(to_right, 1.0), range(size)), (padded(to_left, 1.0), range(size - 1, -1, -1))):
        h, p, q = np.zeros_like(g), np.ones_like(g), np.zeros_like(g)
        for j in order:
            h += own[:, j] * p
            g = g + own[:, j] * q
            p = to[:, j] * p
            q = to[:, j] * (inside[:, j] + q)
        ways.append((h, p, q))
    return g, *ways
