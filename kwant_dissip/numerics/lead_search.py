"""Modes of a banded lead (`laurent`) at energies that follow one another: those of one start the search at the next."""

import numpy as np

from .compiled import compiled
from .laurent import ENTRY, factor, solve
from .lead_roots import improve
from .tiles import ELEMENT
from .vectors import LANES, called

# |lambda| within this of 1 propagates.
ON_CIRCLE = 1e-7
# Modes on the circle closer than this are those of bands that cross.
CROSSING = 1e-6
# Steps to all roots from a guess, and from those of another energy.
_FROM_GUESS, _FROM_NEAR = 400, 80
# Searches from a guess that may fail before the rest is given up, if none has been successful.
_FAILURES = 3


@compiled
def search(last, state, guess, apart, starts, real, imag, band, width, roots, modes, flows, good):
    """Modes at one energy per lane.

    Parameters
    ----------
    last : array of complex, shape (roots,)
        Lambdas that were found last; replaced by new ones.
    state : array of int, shape (2,)
        Whether `last` are any, and how many searches have failed.
    guess : array of complex, shape (roots,)
        Where to start without them.
    apart : array of complex, shape (roots,)
        Factors close to 1 that part starting values, which may be equal or held on the unit circle by symmetry.
    starts : array of float, shape (n, roots)
        Vectors from which modes are found.
    real, imag : arrays of float, shape (LANES,)
        E.
    band : array of float
        See `laurent.band`, of n rows.
    width : tuple
    roots, modes : arrays of complex, shapes (LANES, roots) and (LANES, roots, n)
        Take lambdas and modes, in the order of the rows, of those that decay or propagate.
    flows : array of float, shape (LANES, roots)
        Takes what the modes carry away, inf for those that decay; 0 or less for those that grow or lead back.
    good : array of bool, shape (LANES,)
        Takes whether all are found.
    """
    called()
    for lane in range(LANES):
        found, here = False, roots[lane]
        if state[0] or state[1] < _FAILURES:
            if state[0]:
                here[:] = last * apart
                found = improve(here, band, len(starts), real[lane], imag[lane], width, _FROM_NEAR)
            if not found:
                here[:] = guess
                found = improve(here, band, len(starts), real[lane], imag[lane], width, _FROM_GUESS)
            if found:
                last[:] = here
                state[0] = 1
            else:
                state[1] += 1
        good[lane] = found and _choose(here, real[lane], imag[lane], band, width, starts, modes[lane], flows[lane])


@compiled
def _choose(roots, real, imag, band, width, starts, modes, flows):
    """Modes that decay or propagate, see `search`.

    Returns
    -------
    bool
        Whether the number of those that decay or lead away is right, and none that leads away has the same lambda as
        one that leads back.
    """
    called()
    count, zero = len(flows), np.int64(0)
    wanted, moving = np.empty(count, np.int64), np.zeros(count, np.bool_)
    total = 0
    for k in range(count):
        size = abs(roots[k])
        moving[k] = imag == 0 and abs(size - 1) < ON_CIRCLE
        flows[k] = np.inf if size < 1 and not moving[k] else 0.0
        if size < 1 or moving[k]:
            wanted[total] = k
            total += 1
    rows = len(starts)
    here, x = np.empty(ELEMENT), np.empty((rows + len(width) + 1) * ELEMENT)
    factors = np.empty((2 * len(width) + 1) * rows * ELEMENT)
    for first in range(0, total, LANES):
        for lane in range(LANES):
            k = wanted[min(first + lane, total - 1)]
            here[lane], here[LANES + lane] = roots[k].real, roots[k].imag
            # Different for each, so that equal roots have different modes; further steps would make these parallel.
            for i in range(rows):
                x[i * ELEMENT + lane], x[i * ELEMENT + LANES + lane] = starts[i, k], 0.0
        x[rows * ELEMENT:] = 0.0
        factor(factors, here, zero, band, rows, real, imag, width)
        solve(x, factors, rows, width)
        for lane in range(min(LANES, total - first)):
            k = wanted[first + lane]
            scale = 1 / np.sqrt(x[(rows + len(width)) * ELEMENT + lane])
            for i in range(rows):
                modes[k, i] = scale * complex(x[i * ELEMENT + lane], x[i * ELEMENT + LANES + lane])
            if moving[k]:
                flows[k] = _flow(modes[k], roots[k], band, len(width))
    chosen, alone = 0, True
    for k in range(count):
        chosen += flows[k] > 0
        if moving[k] and flows[k] > 0:
            for other in range(count):
                back = moving[other] and not flows[other] > 0
                alone &= not (back and abs(roots[k] - roots[other]) < CROSSING)
    return alone and 2 * chosen == count


@compiled
def _flow(mode, root, band, width):
    """-2 Im u^+ V^+ u lambda."""
    line, total = 2 * width + 1, 0j
    for k in range(len(mode)):
        for number in range(line):
            i, j = (k, k - width + number) if number <= width else (k - line + number, k)
            if i >= 0 and j >= 0:
                at = (k * line + number) * ENTRY + 4
                total += mode[i].conjugate() * complex(band[at], band[at + 1]) * mode[j]
    return -2 * (total * root).imag
