"""Matrices of many energies side by side, multiplied at the speed of the processor's vector units.

An element of a matrix is a vector of LANES complex numbers, one per energy: LANES real parts, then LANES imaginary
parts, which one instruction each loads. Matrices are pieces of flat arrays of float; places and strides count elements.
A small tile of the result stays in registers while the sum over the inner index runs, which the compiler does not find
by itself (`vectors`).
"""

import numpy as np
from numba.extending import intrinsic

from . import complex_vectors as cv
from .compiled import compiled
from .vectors import LANES, WIDE, called, written

# Doubles of an element.
ELEMENT = 2 * LANES
# Rows of the largest tile; with two columns, what the registers hold.
_TALL = 4 if WIDE else 2


def load(w, array, place):
    """Real and imaginary part of an element."""
    first = w.builder.mul(place, w.number(ELEMENT))
    return w.load(array, first), w.load(array, w.builder.add(first, w.number(LANES)))


def store(w, element, array, place):
    """Put an element's real and imaginary part at its place."""
    first = w.builder.mul(place, w.number(ELEMENT))
    w.store(element[0], array, first)
    w.store(element[1], array, w.builder.add(first, w.number(LANES)))


def place_after(w, first, stride, count):
    """Place of an element, `count` strides after the first."""
    return w.builder.add(first, w.builder.mul(stride, w.number(count)))


def _tile(rows, columns):
    """Rows x columns elements of C = A B, or of C += A B; with `sign` -1 the elements of B are conjugated."""
    def write(w, c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, b_column, inner, sign, add):
        builder = w.builder
        sign = w.all_lanes(sign)

        def step(number, values):
            new = []
            right = [load(w, b, builder.add(place_after(w, b_at, b_column, q), builder.mul(b_step, number)))
                     for q in range(columns)]
            right = [(re, builder.fmul(sign, im)) for re, im in right]
            for r in range(rows):
                re, im = load(w, a, builder.add(place_after(w, a_at, a_row, r), builder.mul(a_step, number)))
                minus = builder.fneg(im)
                for q, (b_re, b_im) in enumerate(right):
                    sum_re, sum_im = values[2 * (columns * r + q):][:2]
                    new.append(w.fma(minus, b_im, w.fma(re, b_re, sum_re)))
                    new.append(w.fma(im, b_re, w.fma(re, b_im, sum_im)))
            return new

        sums = w.loop(inner, [w.constant(0)] * (2 * rows * columns), step)
        places = [builder.add(place_after(w, c_at, c_row, r), w.number(q)) for r in range(rows) for q in range(columns)]
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
def grow(context, c, c_at, a, a_at):  # noqa: ARG001
    """The real part of c grows to |a|^2 where that is larger."""
    def write(w, c, c_at, a, a_at):
        (largest, rest), (re, im) = load(w, c, c_at), load(w, a, a_at)
        size = cv.square(w, (re, im))
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


@intrinsic
def copy(context, c, c_at, a, a_at, count):  # noqa: ARG001
    """C = a for `count` > 0 elements that follow one another."""
    def write(w, c, c_at, a, a_at, count):
        def step(number, values):
            store(w, load(w, a, w.builder.add(a_at, number)), c, w.builder.add(c_at, number))
            return values

        w.loop(count, [], step)
    return written(write, c, c_at, a, a_at, count)


@compiled
def product(c, c_at, c_row, a, a_at, a_row, a_step, b, b_at, b_step, b_column, rows, columns, inner, sign, add, upper):
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
                    _tall(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign, add)
            else:
                if two:
                    _pair(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign, add)
                else:
                    _one(c, c_here, c_row, a, a_here, a_row, a_step, b, b_here, b_step, b_column, inner, sign, add)
            j += 2
        i += _TALL if tall else 1


@compiled
def multiply(c, c_at, a, a_at, b, b_at, rows, inner, columns):
    """C = A B; `rows` x `inner` times `inner` x `columns` elements."""
    one, no = np.int64(1), inner < 0
    product(c, c_at, columns, a, a_at, inner, one, b, b_at, columns, one, rows, columns, inner, 1.0, no, no)


@compiled
def multiply_adjoint(c, c_at, a, a_at, b, b_at, rows, inner, columns, hermitian):
    """C = A B^+ with B of `columns` x `inner` elements; if the result is Hermitian, half of it is copied."""
    called()
    one, no = np.int64(1), inner < 0
    product(c, c_at, columns, a, a_at, inner, one, b, b_at, one, inner, rows, columns, inner, -1.0, no, hermitian)
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
    product(c, c_at, columns, a, a_at, one, rows, b, b_at, columns, one, rows, columns, inner, -1.0, no, no)
