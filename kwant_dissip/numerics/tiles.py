"""Matrices of many energies side by side, multiplied and inverted at the speed of the processor's vector units.

An element of a matrix is a vector of LANES complex numbers, one per energy: LANES real parts, then LANES imaginary
parts, which one instruction each loads. Matrices are pieces of flat arrays of float; places and strides count elements.
A small tile of the result stays in registers while the sum over the inner index runs, which the compiler does not find
by itself (`vectors`).
"""

import numpy as np
from numba.extending import intrinsic

from .compiled import compiled
from .vectors import LANES, WIDE, answered, called, written

# Doubles of an element.
ELEMENT = 2 * LANES
# Rows of the largest tile; with two columns, what the registers hold.
_TALL = 4 if WIDE else 2
# Columns that are eliminated together.
PIVOTS = 4
# A pivot smaller than this part of the largest element below it is exchanged.
_SMALL_PIVOT = 0.5
_TINY = 1e-150
_SMALLEST = 1e-300


def load(w, array, place):
    """Real and imaginary part of an element."""
    first = w.builder.mul(place, w.number(ELEMENT))
    return w.load(array, first), w.load(array, w.builder.add(first, w.number(LANES)))


def store(w, element, array, place):
    """Put an element's real and imaginary part at its place."""
    first = w.builder.mul(place, w.number(ELEMENT))
    w.store(element[0], array, first)
    w.store(element[1], array, w.builder.add(first, w.number(LANES)))


def _place(w, first, stride, count):
    """Place of an element, `count` strides after the first."""
    return w.builder.add(first, w.builder.mul(stride, w.number(count)))


def _tile(rows, columns):
    """Rows x columns elements of C = A B, or of C += A B; with `sign` -1 the elements of B are conjugated."""
    def write(w, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, b_column, inner, sign, add):
        builder = w.builder
        sign = w.all_lanes(sign)

        def step(number, values):
            new = []
            right = [load(w, b, builder.add(_place(w, b_at, b_column, q), builder.mul(b_step, number)))
                     for q in range(columns)]
            right = [(re, builder.fmul(sign, im)) for re, im in right]
            for r in range(rows):
                re, im = load(w, a, builder.add(_place(w, a_at, a_row, r), builder.mul(a_step, number)))
                minus = builder.fneg(im)
                for q, (b_re, b_im) in enumerate(right):
                    sum_re, sum_im = values[2 * (columns * r + q):][:2]
                    new.append(w.fma(minus, b_im, w.fma(re, b_re, sum_re)))
                    new.append(w.fma(im, b_re, w.fma(re, b_im, sum_im)))
            return new

        sums = w.loop(inner, [w.constant(0)] * (2 * rows * columns), step)
        places = [_place(w, _place(w, c_at, c_row, r), w.number(1), q) for r in range(rows) for q in range(columns)]
        with builder.if_else(add) as (more, plain):
            with more:
                for number, place in enumerate(places):
                    old = load(w, c, place)
                    store(w, [builder.fadd(old[part], sums[2 * number + part]) for part in range(2)], c, place)
            with plain:
                for number, place in enumerate(places):
                    store(w, sums[2 * number:][:2], c, place)

    def tile(context, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, b_column, inner, sign,  # noqa: ARG001
             add):
        return written(write, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, b_column, inner, sign, add)
    return intrinsic(tile)


_tall_pair, _pair, _tall, _one = _tile(_TALL, 2), _tile(1, 2), _tile(_TALL, 1), _tile(1, 1)


@intrinsic
def _reciprocal(context, c, c_at, a, a_at):  # noqa: ARG001 (all intrinsics have a context)
    """C = 1 / a, one element."""
    def write(w, c, c_at, a, a_at):
        re, im = load(w, a, a_at)
        size = w.fma(re, re, w.builder.fmul(im, im))
        inverse = w.builder.fdiv(w.constant(1), size)
        store(w, [w.builder.fmul(re, inverse), w.builder.fneg(w.builder.fmul(im, inverse))], c, c_at)
    return written(write, c, c_at, a, a_at)


@intrinsic
def grow(context, c, c_at, a, a_at):  # noqa: ARG001
    """The real part of c grows to |a|^2 where that is larger."""
    def write(w, c, c_at, a, a_at):
        (largest, rest), (re, im) = load(w, c, c_at), load(w, a, a_at)
        size = w.fma(re, re, w.builder.fmul(im, im))
        more = w.builder.fcmp_ordered(">", size, largest)
        store(w, [w.builder.select(more, size, largest), rest], c, c_at)
    return written(write, c, c_at, a, a_at)


@intrinsic
def fill(context, c, c_at, re, im):  # noqa: ARG001
    """A number in every lane of one element."""
    def write(w, c, c_at, re, im):
        store(w, [w.all_lanes(re), w.all_lanes(im)], c, c_at)
    return written(write, c, c_at, re, im)


@intrinsic
def fill_less(context, c, c_at, re, im, a, a_at):  # noqa: ARG001
    """C = re + i im - a, one element."""
    def write(w, c, c_at, re, im, a, a_at):
        store(w, [w.builder.fsub(w.all_lanes(part), old) for part, old in zip((re, im), load(w, a, a_at), strict=True)],
              c, c_at)
    return written(write, c, c_at, re, im, a, a_at)


@intrinsic
def subtract_from(context, c, c_at, a, a_at, count):  # noqa: ARG001
    """C = a - c for `count` > 0 elements that follow one another."""
    def write(w, c, c_at, a, a_at, count):
        def step(number, values):
            to = w.builder.add(c_at, number)
            (c_re, c_im), (a_re, a_im) = load(w, c, to), load(w, a, w.builder.add(a_at, number))
            store(w, [w.builder.fsub(a_re, c_re), w.builder.fsub(a_im, c_im)], c, to)
            return values

        w.loop(count, [], step)
    return written(write, c, c_at, a, a_at, count)


def _scaled(more):
    def write(w, c, c_at, c_step, a, a_at, a_step, count, re, im):
        re, im = w.all_lanes(re), w.all_lanes(im)
        minus = w.builder.fneg(im)

        def step(number, values):
            to, origin = (w.builder.add(at, w.builder.mul(by, number)) for at, by in ((c_at, c_step), (a_at, a_step)))
            a_re, a_im = load(w, a, origin)
            if more:
                c_re, c_im = load(w, c, to)
                first = w.fma(re, a_re, c_re), w.fma(re, a_im, c_im)
            else:
                first = w.builder.fmul(re, a_re), w.builder.fmul(re, a_im)
            store(w, [w.fma(minus, a_im, first[0]), w.fma(im, a_re, first[1])], c, to)
            return values

        w.loop(count, [], step)
    return write


@intrinsic
def scaled(context, c, c_at, c_step, a, a_at, a_step, count, re, im):  # noqa: ARG001
    """C = (re + i im) a for `count` > 0 elements in steps."""
    return written(_scaled(False), c, c_at, c_step, a, a_at, a_step, count, re, im)


@intrinsic
def add_scaled(context, c, c_at, c_step, a, a_at, a_step, count, re, im):  # noqa: ARG001
    """C += (re + i im) a for `count` > 0 elements in steps."""
    return written(_scaled(True), c, c_at, c_step, a, a_at, a_step, count, re, im)


@intrinsic
def grow_norm(context, largest, a, a_at, count):  # noqa: ARG001
    """Let one number a lane grow to sum_k |a_k|^2 of `count` > 0 elements that follow one another; nan stays."""
    def write(w, largest, a, a_at, count):
        builder = w.builder

        def sums(many):
            def step(number, values):
                first = builder.add(a_at, builder.mul(number, w.number(many)))
                parts = [part for k in range(many) for part in load(w, a, builder.add(first, w.number(k)))]
                return [w.fma(part, part, total) for part, total in zip(parts, values, strict=True)]

            totals = w.loop(builder.sdiv(count, w.number(many)), [w.constant(0)] * (2 * many), step)
            total = totals[0]
            for other in totals[1:]:
                total = builder.fadd(total, other)
            old = w.load(largest, w.number(0))
            stays = builder.or_(builder.fcmp_ordered("<=", total, old), builder.fcmp_unordered("uno", old, old))
            w.store(builder.select(stays, old, total), largest, w.number(0))

        # Sums that do not wait for each other.
        with builder.if_else(builder.icmp_signed("==", builder.and_(count, w.number(3)), w.number(0))) as (four, one):
            with four:
                sums(4)
            with one:
                sums(1)
    return written(write, largest, a, a_at, count)


@intrinsic
def mirror(context, c, c_at, a, a_at):  # noqa: ARG001
    """The complex conjugate of one element."""
    def write(w, c, c_at, a, a_at):
        re, im = load(w, a, a_at)
        store(w, [re, w.builder.fneg(im)], c, c_at)
    return written(write, c, c_at, a, a_at)


@intrinsic
def dot(context, c, c_at, a, a_at, b, b_at, count):  # noqa: ARG001
    """C = sum_k a_k conj(b_k) of `count` > 0 elements that follow one another."""
    def write(w, c, c_at, a, a_at, b, b_at, count):
        def step(number, values):
            (a_re, a_im), (b_re, b_im) = (load(w, array, w.builder.add(at, number))
                                          for array, at in ((a, a_at), (b, b_at)))
            return [w.fma(a_im, b_im, w.fma(a_re, b_re, values[0])),
                    w.fma(w.builder.fneg(a_re), b_im, w.fma(a_im, b_re, values[1]))]

        store(w, w.loop(count, [w.constant(0), w.constant(0)], step), c, c_at)
    return written(write, c, c_at, a, a_at, b, b_at, count)


def _times(w, a, b):
    """A b of two elements."""
    return (w.fma(w.builder.fneg(a[1]), b[1], w.builder.fmul(a[0], b[0])),
            w.fma(a[1], b[0], w.builder.fmul(a[0], b[1])))


def _less(w, c, a, b):
    """C - a b of elements."""
    minus = w.builder.fneg(a[0])
    return w.fma(a[1], b[1], w.fma(minus, b[0], c[0])), w.fma(w.builder.fneg(a[1]), b[0], w.fma(minus, b[1], c[1]))


def _more(w, c, a, b):
    """C + a b of elements."""
    return (w.fma(w.builder.fneg(a[1]), b[1], w.fma(a[0], b[0], c[0])),
            w.fma(a[1], b[0], w.fma(a[0], b[1], c[1])))


def _bounded(w, a):
    """In which lanes what a pivot was divided into is small enough."""
    return w.builder.fcmp_ordered("<=", _square(w, a), w.constant(_SMALL_PIVOT ** -2))


def _square(w, a):
    """|a|^2 of an element."""
    return w.fma(a[0], a[0], w.builder.fmul(a[1], a[1]))


def _minus(w, a):
    return tuple(w.builder.fneg(part) for part in a)


def _solved(w, row, upper, lower, inverse):
    """X and y with x U = row and y L = x; elements of U are divided by those on its diagonal, None is 0."""
    def less(value, a, b):
        if a is None:
            return value
        return _minus(w, _times(w, a, b)) if value is None else _less(w, value, a, b)

    count = len(row)
    x, y = [], [None] * count
    for k in range(count):
        value = None if row[k] is None else _times(w, row[k], inverse[k])
        for j in range(k):
            value = less(value, x[j], upper[j][k])
        x.append(value)
    for k in range(count - 1, -1, -1):
        value = x[k]
        for j in range(k + 1, count):
            value = less(value, y[j], lower[j][k])
        y[k] = value
    return x, y


@intrinsic
def _eliminate_block(context, panel, panel_at, factors, a, a_at, size, count):  # noqa: ARG001
    """Inverse of a block of `count` rows and columns into the panel, L and U into `factors`; whether pivots are large.

    Below the diagonal of `factors` is L, on it the inverse of that of U, above it U, each column divided by its
    element on the diagonal.
    """
    def write(w, panel, panel_at, factors, a, a_at, size, count):
        def of(count):
            builder = w.builder
            u = [[load(w, a, _place(w, builder.add(a_at, w.number(j)), size, i)) for j in range(count)]
                 for i in range(count)]
            inverse, good = [], []
            for k in range(count):
                square = _square(w, u[k][k])
                over = builder.fdiv(w.constant(1), square)
                inverse.append((builder.fmul(u[k][k][0], over), builder.fneg(builder.fmul(u[k][k][1], over))))
                good.append(builder.fcmp_ordered(">", square, w.constant(_SMALLEST)))
                for i in range(k + 1, count):
                    u[i][k] = _times(w, u[i][k], inverse[k])
                    good.append(_bounded(w, u[i][k]))
                    for j in range(k + 1, count):
                        u[i][j] = _less(w, u[i][j], u[i][k], u[k][j])
                for i in range(k):
                    u[i][k] = _times(w, u[i][k], inverse[k])
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
                store(w, _minus(w, y[k]), panel, builder.add(panel_at, w.number(k)))
            return w.all_true([_bounded(w, part) for part in x])
        return w.choice(count, range(1, PIVOTS + 1), of)
    return answered(write, panel, panel_at, factors, a, a_at, count)


@intrinsic
def _multiply_rows(context, c, c_at, size, columns, a, a_at, count):  # noqa: ARG001
    """C = A C of `count` rows and `columns` > 0 columns in C, whose rows are of `size` elements."""
    def write(w, c, c_at, size, columns, a, a_at, count):
        def of(count):
            def step(number, values):
                places = [_place(w, w.builder.add(c_at, number), size, k) for k in range(count)]
                column = [load(w, c, place) for place in places]
                for r, place in enumerate(places):
                    row = [load(w, a, w.builder.add(a_at, w.number(count * r + k))) for k in range(count)]
                    total = _times(w, row[0], column[0])
                    for k in range(1, count):
                        total = _more(w, total, row[k], column[k])
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


@intrinsic
def _copy(context, c, c_at, a, a_at, count):  # noqa: ARG001
    """C = a for `count` > 0 elements that follow one another."""
    def write(w, c, c_at, a, a_at, count):
        def step(number, values):
            store(w, load(w, a, w.builder.add(a_at, number)), c, w.builder.add(c_at, number))
            return values

        w.loop(count, [], step)
    return written(write, c, c_at, a, a_at, count)


@compiled
def _multiply(c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, b_column, rows, columns, inner, sign, add,
              upper):
    """C = A B or C += A B tile by tile, see `_tile`; if `upper`, tiles below the diagonal may be left out."""
    called()
    i = 0
    while i < rows:
        tall = i + _TALL <= rows
        j = 0
        if upper:
            # Pairs of columns that lie to the left of the diagonal in all of these rows.
            j = 2 * (i // 2)
        while j < columns:
            two = j + 2 <= columns
            c_here, a_here, b_here = c_at + i * c_row + j, a_at + i * a_row, b_at + j * b_column
            if tall:
                if two:
                    _tall_pair(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign,
                               add)
                else:
                    _tall(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign,
                          add)
            else:
                if two:
                    _pair(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign,
                          add)
                else:
                    _one(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign,
                         add)
            j += 2
        i += _TALL if tall else 1


@compiled
def multiply(c, c_at, a, a_at, b, b_at, rows, inner, columns):
    """C = A B; `rows` x `inner` times `inner` x `columns` elements."""
    one, no = np.int64(1), inner < 0
    _multiply(c, c_at, columns, a, a_at, inner, one, b, b_at, columns, one, rows, columns, inner, 1.0, no, no)


@compiled
def multiply_adjoint(c, c_at, a, a_at, b, b_at, rows, inner, columns, hermitian):
    """C = A B^+ with B of `columns` x `inner` elements; if the result is Hermitian, half of it is copied."""
    called()
    one, no = np.int64(1), inner < 0
    _multiply(c, c_at, columns, a, a_at, inner, one, b, b_at, one, inner, rows, columns, inner, -1.0, no, hermitian)
    if hermitian:
        # Exactly so: imaginary parts on the diagonal, of rounding, would grow from slice to slice as sum_j |B_ij|^2.
        for i in range(rows):
            imaginary = (c_at + i * columns + i) * ELEMENT + LANES
            for k in range(imaginary, imaginary + LANES):
                c[k] = 0.0
            for j in range(i):
                mirror(c, c_at + i * columns + j, c, c_at + j * columns + i)


@compiled
def multiply_transposed(c, c_at, a, a_at, b, b_at, rows, inner, columns):
    """C = A^T B^* with A of `inner` x `rows` and B of `inner` x `columns` elements."""
    one, no = np.int64(1), inner < 0
    _multiply(c, c_at, columns, a, a_at, one, rows, b, b_at, columns, one, rows, columns, inner, -1.0, no, no)


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
                swapped |= _pivot_step(a, a_at, size, p, first, count, swaps)
            for i in range(size):
                _copy(rows, i * count, a, a_at + i * size + first, count)
        row = a_at + first * size
        for start, stop in ((0, first), (first + count, size)):
            if start == stop:
                continue
            for above, below in ((0, first), (first + count, size)):
                _multiply(a, a_at + above * size + start, size, rows, above * count, count, one, a, row + start, size,
                          one, below - above, stop - start, count, 1.0, yes, no)
            _multiply_rows(a, row + start, size, stop - start, rows, first * count, count)
        for i in range(size):
            _copy(a, a_at + i * size + first, rows, i * count, count)
    if swapped:
        for p in range(size - 1, -1, -1):
            for lane in range(LANES):
                _swap(a, a_at + p, a_at + swaps[1 + lane, p], size, size, lane, lane + 1)
            _swap(a, a_at + p, a_at + swaps[0, p], size, size, 0 * one, LANES * one)


@compiled
def _pivot_step(a, a_at, size, p, first, count, swaps):
    """One step of Gauss and Jordan in `count` columns from `first` on; whether rows were exchanged."""
    called()
    zero, one, no, yes = np.int64(0), np.int64(1), size < 0, size >= 0
    factor, largest = np.empty(2 * ELEMENT), np.zeros(ELEMENT)
    row = a_at + p * size
    for i in range(p, size):
        grow(largest, 0, a, a_at + i * size + p)
    small = _worst_lane(a, row + p, largest) < _SMALL_PIVOT ** 2
    if small:
        _exchange(a, a_at, size, p, largest, swaps)
    _reciprocal(factor, 0, a, row + p)
    for k in range(ELEMENT):
        factor[ELEMENT + k] = -factor[k]
    for above, below in ((0, p), (p + 1, size)):
        here = a_at + above * size
        _multiply(a, here + p, size, a, here + p, size, zero, factor, one, zero, zero, below - above, one, one, 1.0, no,
                  no)
        for start, stop in ((first, p), (p + 1, first + count)):
            _multiply(a, here + start, size, a, here + p, size, zero, a, row + start, zero, one, below - above,
                      stop - start, one, 1.0, yes, no)
    for start, stop in ((first, p), (p + 1, first + count)):
        _multiply(a, row + start, size, factor, zero, zero, zero, a, row + start, zero, one, one, stop - start, one,
                  1.0, no, no)
    for k in range(ELEMENT):
        a[(row + p) * ELEMENT + k] = factor[k]
    return small


@compiled
def _worst_lane(a, at, largest):
    """Smallest square of an element over those in `largest`; 0 where these vanish."""
    called()
    worst = 1.0
    for lane in range(LANES):
        size = a[at * ELEMENT + lane] ** 2 + a[at * ELEMENT + LANES + lane] ** 2
        worst = min(worst, size / largest[lane] if largest[lane] > 0 else 0.0)
    return worst


@compiled
def _exchange(a, a_at, size, p, largest, swaps):
    """Put a large element into place p of column p; what was exchanged, in all lanes and in each, goes to `swaps`."""
    called()
    zero, one = np.int64(0), np.int64(1)
    at = a_at + p * size + p
    best, good = p, _worst_lane(a, at, largest)
    for i in range(p + 1, size):
        here = _worst_lane(a, at + (i - p) * size, largest)
        if here > good:
            best, good = i, here
    _swap(a, a_at + p * size, a_at + best * size, size, one, zero, zero + LANES)
    swaps[0, p] = best
    for lane in range(LANES):
        best, most = p, -1.0
        for i in range(p, size):
            place = (at + (i - p) * size) * ELEMENT + lane
            square = a[place] ** 2 + a[place + LANES] ** 2
            if i == p and square >= _SMALL_PIVOT ** 2 * largest[lane] and square > 0:
                break
            if square > most:
                best, most = i, square
        _swap(a, a_at + p * size, a_at + best * size, size, one, lane, lane + 1)
        swaps[1 + lane, p] = best
        if most == 0.0:
            # An energy that hits a level that nothing broadens.
            a[at * ELEMENT + lane] = _TINY


@compiled
def _swap(a, one, other, count, step, first, last):
    """Exchange elements, or some of their lanes, of two rows or columns."""
    called()
    if one == other:
        return
    for k in range(count):
        for start in ((one + k * step) * ELEMENT, (one + k * step) * ELEMENT + LANES):
            shift = (other - one) * ELEMENT
            for at in range(start + first, start + last):
                a[at], a[at + shift] = a[at + shift], a[at]


@compiled
def _from_a_vector_on(raw):
    start = (-raw.ctypes.data // raw.itemsize) % LANES
    return raw[start:start + len(raw) - LANES]


@compiled
def work_space(count):
    """Array of that many elements that starts where a vector does, so that no vector lies in two lines of the cache."""
    return _from_a_vector_on(np.empty(count * ELEMENT + LANES))


def aligned(count):
    """As `work_space`, from numpy, which for large arrays asks for large pages."""
    return _from_a_vector_on(np.empty(count * ELEMENT + LANES))


def packed(*matrices):
    """Complex matrices, each of shape (energies, rows, columns), as elements, those of an energy one after the other.

    Lanes without an energy repeat the last.

    Returns
    -------
    array of float, shape (groups of lanes, floats)
    """
    count = len(matrices[0])
    flat = [np.ascontiguousarray(matrix, complex).reshape(count, -1) for matrix in matrices]
    groups = -(-count // LANES)
    result = aligned(groups * sum(matrix.shape[1] for matrix in flat)).reshape(groups, -1)
    at = 0
    for matrix in flat:
        _pack(matrix, result, at)
        at += matrix.shape[1] * ELEMENT
    return result


@compiled
def _pack(matrices, result, at):
    for group in range(len(result)):
        for lane in range(LANES):
            energy = min(group * LANES + lane, len(matrices) - 1)
            for k in range(matrices.shape[1]):
                value, place = matrices[energy, k], at + k * ELEMENT + lane
                result[group, place], result[group, place + LANES] = value.real, value.imag


def unpacked(elements, rows, columns, count):
    """The complex matrices of `packed`, shape (energies, rows, columns), of `count` energies."""
    parts = elements.reshape(len(elements), rows, columns, 2, LANES)
    return np.moveaxis(parts[..., 0, :] + 1j * parts[..., 1, :], -1, 1).reshape(-1, rows, columns)[:count]
