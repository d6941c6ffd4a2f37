"""Inverses of matrices of many energies side by side (`tiles`).

Columns that are eliminated together stay in registers: in their rows L U is found without exchanges, and only where a
pivot turns out small in some lane, the columns are eliminated one by one, with exchanges (`tile_pivots`).
"""

import numpy as np
from numba.extending import intrinsic

from . import complex_vectors as cv
from .compiled import compiled
from .tile_pivots import SMALL_PIVOT, pivot_step, swap
from .tiles import ELEMENT, copy, load, place_after, product, store
from .vectors import LANES, answered, called, written

# Columns that are eliminated together.
PIVOTS = 4
# Squares of pivots that are smaller count as 0.
_SMALLEST = 1e-300


@compiled
def invert(a, a_at, size, swaps, rows):
    """Inverse of a matrix in its own place, by Gauss and Jordan, some columns at a time.

    Energies side by side are alike: where a pivot is small, rows are exchanged in all lanes at once, or if that does
    not serve all of them, in one. Where a matrix is singular, its inverse becomes very large.

    Parameters
    ----------
    a : array of float
    a_at, size : int
        Place of the matrix, and its rows.
    swaps : array of int, shape (1 + LANES, size or more)
        Work space.
    rows : array of float, of 2 PIVOTS * size elements or more
        Work space.
    """
    called()
    one, no, yes = np.int64(1), size < 0, size >= 0
    swapped = False
    factors = rows[PIVOTS * size * ELEMENT:]
    for first in range(0, size, PIVOTS):
        count = min(PIVOTS, size - first)
        # What the steps in these columns do to all others is, after them, in these columns.
        if not _eliminate(rows, factors, a, a_at, size, first, count):
            if not swapped:
                for p in range(size):
                    swaps[:, p] = p
            for p in range(first, first + count):
                swapped |= pivot_step(a, a_at, size, p, first, count, swaps)
            for i in range(size):
                copy(rows, i * count, a, a_at + i * size + first, count)
        row = a_at + first * size
        for start, stop in ((0, first), (first + count, size)):
            if start == stop:
                continue
            for above, below in ((0, first), (first + count, size)):
                product(a, a_at + above * size + start, size, rows, above * count, count, one, a, row + start, size,
                        one, below - above, stop - start, count, 1.0, yes, no)
            _multiply_rows(a, row + start, size, stop - start, rows, first * count, count)
        for i in range(size):
            copy(a, a_at + i * size + first, rows, i * count, count)
    if swapped:
        for p in range(size - 1, -1, -1):
            for lane in range(LANES):
                swap(a, a_at + p, a_at + swaps[1 + lane, p], size, size, lane, lane + 1)
            swap(a, a_at + p, a_at + swaps[0, p], size, size, 0 * one, LANES * one)


def _solved(w, row, upper, lower, inverse):
    """X and y with x U = row and y L = x; elements of U are divided by those on its diagonal, None is 0."""
    def less(value, a, b):
        if a is None:
            return value
        return cv.negative(w, cv.multiply(w, a, b)) if value is None else cv.less_product(w, value, a, b)

    count = len(row)
    x, y = [], [None] * count
    for k in range(count):
        value = None if row[k] is None else cv.multiply(w, row[k], inverse[k])
        for j in range(k):
            value = less(value, x[j], upper[j][k])
        x.append(value)
    for k in range(count - 1, -1, -1):
        value = x[k]
        for j in range(k + 1, count):
            value = less(value, y[j], lower[j][k])
        y[k] = value
    return x, y


def _bounded(w, a):
    """In which lanes what a pivot was divided into is small enough."""
    return w.builder.fcmp_ordered("<=", cv.square(w, a), w.constant(SMALL_PIVOT ** -2))


@intrinsic
def _eliminate_block(context, panel, panel_at, factors, a, a_at, size, count):  # noqa: ARG001
    """Inverse of a block of `count` rows and columns into the panel, L and U into `factors`; whether pivots are large.

    Below the diagonal of `factors` is L, on it the inverse of that of U, above it U, each column divided by its
    element on the diagonal.
    """
    def write(w, panel, panel_at, factors, a, a_at, size, count):
        def of(count):
            builder = w.builder
            u = [[load(w, a, place_after(w, builder.add(a_at, w.number(j)), size, i)) for j in range(count)]
                 for i in range(count)]
            inverse, good = [], []
            for k in range(count):
                inverse.append(cv.inverse(w, u[k][k]))
                good.append(builder.fcmp_ordered(">", cv.square(w, u[k][k]), w.constant(_SMALLEST)))
                for i in range(k + 1, count):
                    u[i][k] = cv.multiply(w, u[i][k], inverse[k])
                    good.append(_bounded(w, u[i][k]))
                    for j in range(k + 1, count):
                        u[i][j] = cv.less_product(w, u[i][j], u[i][k], u[k][j])
                for i in range(k):
                    u[i][k] = cv.multiply(w, u[i][k], inverse[k])
                u[k][k] = inverse[k]
            # Rows of the inverse are what those of the identity come to.
            for k in range(count):
                one = [(w.constant(1), w.constant(0)) if j == k else None for j in range(count)]
                _, y = _solved(w, one, u, u, inverse)
                for j in range(count):
                    store(w, u[k][j], factors, w.number(count * k + j))
                    store(w, y[j], panel, builder.add(panel_at, w.number(count * k + j)))
            return w.all_true(good)
        return w.choice(count, range(1, PIVOTS + 1), of)
    return answered(write, panel, panel_at, factors, a, a_at, size, count)


@intrinsic
def _eliminate_row(context, panel, panel_at, factors, a, a_at, count):  # noqa: ARG001
    """What the steps of `_eliminate_block` make of another row of their columns, and whether pivots are large."""
    def write(w, panel, panel_at, factors, a, a_at, count):
        def of(count):
            builder = w.builder
            row = [load(w, a, builder.add(a_at, w.number(j))) for j in range(count)]
            f = [[load(w, factors, w.number(count * k + j)) for j in range(count)] for k in range(count)]
            x, y = _solved(w, row, f, f, [f[k][k] for k in range(count)])
            for k in range(count):
                store(w, cv.negative(w, y[k]), panel, builder.add(panel_at, w.number(k)))
            return w.all_true([_bounded(w, part) for part in x])
        return w.choice(count, range(1, PIVOTS + 1), of)
    return answered(write, panel, panel_at, factors, a, a_at, count)


@intrinsic
def _multiply_rows(context, c, c_at, size, columns, a, a_at, count):  # noqa: ARG001
    """C = A C of `count` rows and `columns` > 0 columns in C, whose rows are of `size` elements."""
    def write(w, c, c_at, size, columns, a, a_at, count):
        def of(count):
            def step(number, values):
                places = [place_after(w, w.builder.add(c_at, number), size, k) for k in range(count)]
                column = [load(w, c, place) for place in places]
                for r, place in enumerate(places):
                    row = [load(w, a, w.builder.add(a_at, w.number(count * r + k))) for k in range(count)]
                    total = cv.multiply(w, row[0], column[0])
                    for k in range(1, count):
                        total = cv.multiply_add(w, row[k], column[k], total)
                    store(w, total, c, place)
                return values
            w.loop(columns, [], step)
        w.choice(count, range(1, PIVOTS + 1), of)
    return written(write, c, c_at, size, columns, a, a_at, count)


@compiled
def _eliminate(panel, factors, a, a_at, size, first, count):
    """Put into `panel` what steps without exchanges make of their columns; whether pivots are large enough."""
    called()
    at = a_at + first
    good = _eliminate_block(panel, first * count, factors, a, at + first * size, size, count)
    for i in range(first + count, size):
        good &= _eliminate_row(panel, i * count, factors, a, at + i * size, count)
    if good:
        for i in range(first):
            _eliminate_row(panel, i * count, factors, a, at + i * size, count)
    return good
