"""All lambdas at which a banded Q(lambda) (`laurent`) is singular, improved together.

With k of them inside the unit circle, or on it, and k outside, or on it, det Q = c lambda^-k prod_i (lambda - l_i), so

    lambda d log det Q / d lambda = sum_i (lambda + l_i) / (2 (lambda - l_i)).

If all others are known, this gives one; taken for one after the other, that is the method of Ehrlich and Aberth (Bini
and Noferini, Linear Algebra and its Applications 439, 1130 (2013)): of third order, and it knows no difference between
lambda and 1 / lambda. Two that are equal are found, too, three times closer after each step.
"""

import numpy as np
from numba.extending import intrinsic

from . import complex_vectors as cv
from .compiled import compiled
from .laurent import log_derivative
from .tiles import ELEMENT, load, store
from .vectors import LANES, called, written

# One that changes by less than this part of itself is found.
_FOUND = 1e-12
# So is one, after so many steps, that changes by little, and not by less than before: this is rounding.
_PATIENCE, _CLOSE, _SLOWER = 40, 1e-6, 0.7
# Where modes are nearly dependent, rounding leaves more. In the end it is enough to know a root to this part of its
# distance from the unit circle, or as well as a double root there: what follows from it is improved and checked.
_ENOUGH, _DOUBLE = 0.2, 1e-8
# Largest factor by which one changes in a step.
_LEAP = 8.0


@intrinsic
def _subtract_others(context, total, factors, others, count):  # noqa: ARG001
    """Subtract (lambda + l) / (2 (lambda - l)) of all others from element 0; an equal one counts as itself."""
    def write(w, total, factors, others, count):
        f, here = w.builder, load(w, factors, w.number(0))

        def step(number, values):
            place = f.mul(number, w.number(2))
            other = w.everywhere(others, place), w.everywhere(others, f.add(place, w.number(1)))
            difference = cv.subtract(w, here, other)
            size = cv.square(w, difference)
            scale = f.select(f.fcmp_ordered("==", size, w.constant(0)), w.constant(0),
                             f.fdiv(w.constant(-0.5), size))
            inverse = f.fmul(difference[0], scale), f.fneg(f.fmul(difference[1], scale))
            return list(cv.multiply_add(w, cv.add(w, here, other), inverse, values))

        store(w, w.loop(count, list(load(w, total, w.number(0))), step), total, w.number(0))
    return written(write, total, factors, others, count)


@compiled
def improve(roots, band, rows, real, imag, width, most):
    """Improve all roots in `most` steps or fewer; whether they are found.

    Parameters
    ----------
    roots : array of complex
        All different, none 0.
    band : array of float
    rows : int
    real, imag : float
        E.
    width : tuple
        See `laurent`.
    most : int
    """
    called()
    count, zero, parts = len(roots), np.int64(0), roots.view(np.float64)
    active, left, before = np.arange(count), count, np.full(count, np.inf)
    here, total = np.empty(ELEMENT), np.empty(ELEMENT)
    for step in range(most):
        still = 0
        for first in range(0, left, LANES):
            for lane in range(LANES):
                k = active[min(first + lane, left - 1)]
                here[lane], here[LANES + lane] = roots[k].real, roots[k].imag
            log_derivative(total, here, zero, band, rows, real, imag, width)
            _subtract_others(total, here, parts, count)
            for lane in range(min(LANES, left - first)):
                k = active[first + lane]
                twice = 2 * complex(total[lane], total[LANES + lane])
                change = (twice - 1) / (twice + 1)
                size, moved = abs(change), abs(change - 1)
                if size > _LEAP:
                    change *= _LEAP / size
                elif size * _LEAP < 1:
                    change /= _LEAP * size
                if not np.isfinite(change):
                    return False
                roots[k] *= change
                rounding = step > _PATIENCE and _SLOWER * before[k] < moved < _CLOSE
                if not (moved <= _FOUND or rounding):
                    active[still] = k
                    still += 1
                before[k] = moved
        left = still
        if left == 0:
            return True
    for k in active[:left]:
        away = abs(abs(roots[k]) - 1)
        if not before[k] < max(_ENOUGH * min(away, 1), _DOUBLE):
            return False
    return True
