"""Banded matrices Q(lambda) = V^+ lambda + V / lambda + H - E: determinants and null vectors at LANES lambdas at once.

They are eliminated without exchanges of rows, a row at a time; what is left of the next rows, as many as the band is
wide, stays in registers. A small pivot costs accuracy, which whoever uses the results has to check. Intrinsics take the
width of the band as the length of a tuple, so that each width is compiled for itself, without loops.

A vector is a piece of a flat array of float with the elements of `tiles`: of the rows, and of as many zeros as the band
is wide.
"""

import numpy as np
from numba.extending import intrinsic

from . import complex_vectors as cv
from .tiles import load, store
from .vectors import written

# Numbers of an entry: real and imaginary parts of what H, V and V^+ have there.
ENTRY = 6


def band(cell, hopping, width):
    """Entries of a band in the order in which they are eliminated: array of float, for `log_derivative` and `factor`.

    Parameters
    ----------
    cell, hopping : arrays of complex, shape (n, n)
    width : int
        Number of diagonals on each side of the main one, at least 1.
    """
    n = len(cell)
    entries = np.zeros((n + width, 2 * width + 1, 3), complex)
    for number, matrix in enumerate((cell, hopping, hopping.conj().T)):
        padded = np.zeros((n + width, n + width), complex)
        padded[width:, width:] = matrix
        for k in range(n):
            entries[k, :width + 1, number] = padded[k + width, k:k + width + 1]
            entries[k, width + 1:, number] = padded[k:k + width, k + width]
    # Rows behind the last, which nothing couples to.
    entries[n:, width, 0] = 1.0
    return entries.view(float).ravel()


class _Rows:
    """Row and column of Q that come next: entries (k, k - width ... k), then (k - width ... k - 1, k)."""

    def __init__(self, w, band, factor, energy, width):
        self._w, self._band, self._energy, self._width = w, band, energy, width
        self._factor, self._inverse = factor, cv.reciprocal(w, factor)

    def border(self, k):
        """Pairs (q, lambda dq/dlambda)."""
        w, width = self._w, self._width
        first = w.builder.mul(k, w.number((2 * width + 1) * ENTRY))
        pairs = []
        for number in range(2 * width + 1):
            h, v, adjoint = ([w.everywhere(self._band, w.builder.add(first, w.number(number * ENTRY + at + part)))
                              for part in range(2)] for at in (0, 2, 4))
            up, down = cv.multiply(w, adjoint, self._factor), cv.multiply(w, v, self._inverse)
            q = cv.add(w, cv.add(w, up, down), h)
            pairs.append((cv.subtract(w, q, self._energy) if number == width else q, cv.subtract(w, up, down)))
        return pairs

    def first(self):
        """The first `width` rows and columns: list of lists of pairs."""
        width = self._width
        corner = [[None] * width for _ in range(width)]
        for k in range(width):
            border = self.border(self._w.number(k))
            for j in range(k + 1):
                corner[k][j] = border[width - k + j]
            for i in range(k):
                corner[i][k] = border[2 * width + 1 - k + i]
        return corner

    def bordered(self, corner, k):
        """What is left of the rows before k, with those of row and column k."""
        border = self.border(k)
        return [[*row, border[self._width + 1 + i]] for i, row in enumerate(corner)] + [border[:self._width + 1]]


def _flat(corner):
    return [part for row in corner for pair in row for number in pair for part in number]


def _pairs(values, width):
    values = iter(values)
    return [[((next(values), next(values)), (next(values), next(values))) for _ in range(width)] for _ in range(width)]


@intrinsic
def log_derivative(context, out, factors, at, band, rows, real, imag, width):  # noqa: ARG001
    """Derivative lambda d log det Q / d lambda, into element 0.

    Parameters
    ----------
    out, factors : arrays of float
    at : int
        Place of the lambdas among `factors`.
    band : array of float
    rows : int
    real, imag : float
        E.
    width : tuple
        Its length counts.
    """
    count = len(width)

    def write(w, out, factors, at, band, rows, real, imag, width):  # noqa: ARG001
        lines = _Rows(w, band, load(w, factors, at), (w.all_lanes(real), w.all_lanes(imag)), count)

        def step(number, values):
            left = lines.bordered(_pairs(values, count), w.builder.add(number, w.number(count)))
            pivot, slope = left[0][0]
            inverse = cv.reciprocal(w, pivot)
            total = cv.multiply_add(w, slope, inverse, values[-2:])
            corner = []
            for row in left[1:]:
                part = cv.negative(w, cv.multiply(w, row[0][0], inverse))
                change = cv.negative(w, cv.multiply(w, cv.multiply_add(w, part, slope, row[0][1]), inverse))
                corner.append([(cv.multiply_add(w, part, above, q),
                                cv.multiply_add(w, change, above, cv.multiply_add(w, part, above_slope, q_slope)))
                               for (above, above_slope), (q, q_slope) in zip(left[0][1:], row[1:], strict=True)])
            return [*_flat(corner), *total]

        end = w.loop(rows, [*_flat(lines.first()), *cv.zero(w)], step)
        store(w, end[-2:], out, w.number(0))
    return written(write, out, factors, at, band, rows, real, imag, width)


@intrinsic
def factor(context, out, factors, at, band, rows, real, imag, width):  # noqa: ARG001
    """Triangular factors of Q: for each row 1 / pivot, what is right of it, and minus the multiples of it below.

    Parameters
    ----------
    out : array of float, of (2 width + 1) * rows elements
    factors, at, band, rows, real, imag, width
        See `log_derivative`.
    """
    count = len(width)

    def write(w, out, factors, at, band, rows, real, imag, width):  # noqa: ARG001
        lines = _Rows(w, band, load(w, factors, at), (w.all_lanes(real), w.all_lanes(imag)), count)

        def step(number, values):
            left = lines.bordered(_pairs(values, count), w.builder.add(number, w.number(count)))
            inverse = cv.reciprocal(w, left[0][0][0])
            above = [q for q, _ in left[0][1:]]
            parts = [cv.negative(w, cv.multiply(w, row[0][0], inverse)) for row in left[1:]]
            first = w.builder.mul(number, w.number(2 * count + 1))
            for place, element in enumerate([inverse, *above, *parts]):
                store(w, element, out, w.builder.add(first, w.number(place)))
            # Slopes are carried along only in form: nothing is made of them, and the compiler leaves them out.
            return _flat([[(cv.multiply_add(w, part, over, q), slope)
                           for over, (q, slope) in zip(above, row[1:], strict=True)]
                          for part, row in zip(parts, left[1:], strict=True)])

        w.loop(rows, _flat(lines.first()), step)
    return written(write, out, factors, at, band, rows, real, imag, width)


@intrinsic
def solve(context, x, factors, rows, width):  # noqa: ARG001
    """Q^-1 x in place of x, by the factors; behind its rows and zeros, the real part of an element takes its norm^2."""
    count = len(width)

    def write(w, x, factors, rows, width):  # noqa: ARG001
        f = w.builder

        def element(row, place):
            return load(w, factors, f.add(f.mul(row, w.number(2 * count + 1)), w.number(place)))

        def down(number, values):
            here = [tuple(values[2 * k:2 * k + 2]) for k in range(count)]
            here.append(load(w, x, f.add(number, w.number(count))))
            store(w, here[0], x, number)
            return [part for k in range(count)
                    for part in cv.multiply_add(w, element(number, count + 1 + k), here[0], here[k + 1])]

        def up(number, values):
            row = f.sub(f.sub(rows, w.number(1)), number)
            after = [tuple(values[2 * k:2 * k + 2]) for k in range(count)]
            value = load(w, x, row)
            for k in range(count):
                value = cv.multiply_add(w, cv.negative(w, element(row, 1 + k)), after[k], value)
            value = cv.multiply(w, value, element(row, 0))
            store(w, value, x, row)
            return [part for number in [value, *after[:-1]] for part in number] + [
                w.fma(value[0], value[0], w.fma(value[1], value[1], values[-1]))]

        w.loop(rows, [part for k in range(count) for part in load(w, x, w.number(k))], down)
        end = w.loop(rows, [w.constant(0)] * (2 * count + 1), up)
        store(w, (end[-1], w.constant(0)), x, f.add(rows, w.number(count)))
    return written(write, x, factors, rows, width)
