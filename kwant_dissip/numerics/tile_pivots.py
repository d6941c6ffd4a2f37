"""One step of Gauss and Jordan on matrices of many energies side by side (`tiles`), with exchanges of rows."""

import numpy as np
from numba.extending import intrinsic

from . import complex_vectors as cv
from .compiled import compiled
from .tiles import ELEMENT, grow, load, product, store
from .vectors import LANES, called, written

# A pivot smaller than this part of the largest element below it is exchanged.
SMALL_PIVOT = 0.5
_TINY = 1e-150


@compiled
def pivot_step(a, a_at, size, p, first, count, swaps):
    """One step of Gauss and Jordan in `count` columns from `first` on; whether rows were exchanged."""
    called()
    zero, one, no, yes = np.int64(0), np.int64(1), size < 0, size >= 0
    factor, largest = np.empty(2 * ELEMENT), np.zeros(ELEMENT)
    row = a_at + p * size
    for i in range(p, size):
        grow(largest, 0, a, a_at + i * size + p)
    small = _worst_lane(a, row + p, largest) < SMALL_PIVOT ** 2
    if small:
        _exchange(a, a_at, size, p, largest, swaps)
    _reciprocal(factor, 0, a, row + p)
    for k in range(ELEMENT):
        factor[ELEMENT + k] = -factor[k]
    for above, below in ((0, p), (p + 1, size)):
        here = a_at + above * size
        product(a, here + p, size, a, here + p, size, zero, factor, one, zero, zero, below - above, one, one, 1.0, no,
                no)
        for start, stop in ((first, p), (p + 1, first + count)):
            product(a, here + start, size, a, here + p, size, zero, a, row + start, zero, one, below - above,
                    stop - start, one, 1.0, yes, no)
    for start, stop in ((first, p), (p + 1, first + count)):
        product(a, row + start, size, factor, zero, zero, zero, a, row + start, zero, one, one, stop - start, one,
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
    swap(a, a_at + p * size, a_at + best * size, size, one, zero, zero + LANES)
    swaps[0, p] = best
    for lane in range(LANES):
        best, most = p, -1.0
        for i in range(p, size):
            place = (at + (i - p) * size) * ELEMENT + lane
            square = a[place] ** 2 + a[place + LANES] ** 2
            if i == p and square >= SMALL_PIVOT ** 2 * largest[lane] and square > 0:
                break
            if square > most:
                best, most = i, square
        swap(a, a_at + p * size, a_at + best * size, size, one, lane, lane + 1)
        swaps[1 + lane, p] = best
        if most == 0.0:
            # An energy that hits a level that nothing broadens.
            a[at * ELEMENT + lane] = _TINY


@compiled
def swap(a, one, other, count, step, first, last):
    """Exchange elements, or some of their lanes, of two rows or columns."""
    called()
    if one == other:
        return
    for k in range(count):
        for start in ((one + k * step) * ELEMENT, (one + k * step) * ELEMENT + LANES):
            shift = (other - one) * ELEMENT
            for at in range(start + first, start + last):
                a[at], a[at + shift] = a[at + shift], a[at]


@intrinsic
def _reciprocal(context, c, c_at, a, a_at):  # noqa: ARG001 (all intrinsics have a context)
    """C = 1 / a, one element."""
    def write(w, c, c_at, a, a_at):
        store(w, cv.inverse(w, load(w, a, a_at)), c, c_at)
    return written(write, c, c_at, a, a_at)
