"""A function that is expensive, asked at few points: polynomials on pieces, halved where they do not resolve it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.polynomial import chebyshev

from ..errors import ConvergenceError

# Points on a piece, and how many of the polynomial's last coefficients say what is missing.
_POINTS, _LAST = 15, 3
# How closely the energy is found from which on a function is zero, in halvings of the distance of two points.
_HALVINGS = 36
_MOST_PIECES = 2000
_NODES = chebyshev.chebpts1(_POINTS)


class Sampled:
    """Values of a function of one number between two ends, as exactly as they count.

    Parameters
    ----------
    function : callable
        Of an array, shape (points,), to an array of that shape.
    rtol : float
        Largest error of its weighted integral, relative to that of its absolute value.
    progress : callable, optional
        Called with a name and the number of points so far.

    Attributes
    ----------
    low, high : arrays of float, shape (pieces,)
        Ends of the pieces, growing.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], rtol: float,
                 progress: Callable = lambda stage, value: None) -> None:
        self._function, self._rtol, self._progress = function, rtol, progress
        self.low = self.high = np.empty(0)
        self._coefficients, self._zero = np.empty((_POINTS, 0)), np.empty((_POINTS, 0), bool)

    def cover(self, ends: Sequence[float], weight: Callable[[np.ndarray], np.ndarray]) -> None:
        """Resolve the function between the first and the last of some ends.

        Parameters
        ----------
        ends : sequence of float
            Growing; those between are where the first pieces meet.
        weight : callable
            Positive, of an array of points: how much the function counts there.

        Raises
        ------
        ConvergenceError
            If it is too rough.
        """
        if not len(self.low):
            self._add(np.array(ends[:-1]), np.array(ends[1:]))
        for low, high in ((ends[0], self.low[0]), (self.high[-1], ends[-1])):
            if low < high:
                self._add(np.array([low]), np.array([high]))
        while True:
            middle = 0.5 * (self.low + self.high)
            size = np.max([weight(at) for at in (self.low, middle, self.high)], axis=0) * (self.high - self.low)
            missed = size * np.abs(self._coefficients[-_LAST:]).max(axis=0)
            total = (size * np.abs(self._coefficients[0])).sum()  # what is not negative has this integral
            rough = missed > self._rtol * total / len(size)
            if not rough.any():
                return
            if len(size) > _MOST_PIECES:
                raise ConvergenceError(f"What is integrated is too rough: {self._coefficients.size} values do not "
                                       f"resolve it near {middle[np.argmax(missed)]:.8g}.",
                                       accuracy=float(missed.sum() / total))
            middle[rough] = [self._edge(*where) for where in zip(self.low[rough], middle[rough], self.high[rough],
                                                                 self._zero[:, rough].T, strict=True)]
            halves = (np.concatenate(pair) for pair in ((self.low[rough], middle[rough]),
                                                        (middle[rough], self.high[rough])))
            self.low, self.high = self.low[~rough], self.high[~rough]
            self._coefficients, self._zero = self._coefficients[:, ~rough], self._zero[:, ~rough]
            self._add(*halves)

    def _edge(self, low, middle, high, zero):
        """Where a piece is best divided: where the function begins to be zero, as below a band, else in its middle."""
        change = np.flatnonzero(zero[1:] != zero[:-1])
        if len(change) != 1:
            return middle
        first, last = (low + 0.5 * (high - low) * (1 + _NODES[change[0] + side]) for side in (0, 1))
        for _ in range(_HALVINGS):
            between = 0.5 * (first + last)
            if (self._function(np.array([between]))[0] == 0) == zero[change[0]]:
                first = between
            else:
                last = between
        return last if zero[change[0]] else first

    def _add(self, low, high):
        points = low + 0.5 * (high - low) * (1 + _NODES[:, None])
        values = self._function(points.ravel()).reshape(points.shape)
        coefficients = chebyshev.chebfit(_NODES, values, _POINTS - 1)
        order = np.argsort(np.append(self.low, low))
        self.low, self.high = np.append(self.low, low)[order], np.append(self.high, high)[order]
        self._coefficients = np.concatenate([self._coefficients, coefficients], axis=1)[:, order]
        self._zero = np.concatenate([self._zero, values == 0], axis=1)[:, order]
        self._progress("pieces", len(order))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at points that are covered."""
        piece = np.clip(np.searchsorted(self.low, x, side="right") - 1, 0, len(self.low) - 1)
        low, high = self.low[piece], self.high[piece]
        return chebyshev.chebval((2 * x - low - high) / (high - low), self._coefficients[:, piece], tensor=False)
