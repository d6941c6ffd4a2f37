"""Green's function of a system in slices of any width, a vector of energies side by side (`tiles`).

With M_i = E - H_ii - Sigma + i gamma / 2:

    g^L_i = (M_i - B_{i-1} H_{i-1,i})^-1,     B_i = H_{i+1,i} g^L_i       left-connected
    g^R_i = (M_i - C_{i+1} H_{i+1,i})^-1,     C_i = H_{i-1,i} g^R_i       right-connected
    G_ii  = (M_i - B_{i-1} H_{i-1,i} - C_{i+1} H_{i+1,i})^-1

Hoppings between slices are sparse: their products are sums over hoppings.

numba compiles a function anew for every constant among its arguments, and array expressions bring in what their errors
would say; hence `origin`, and plain loops.
"""

from collections import namedtuple

import numpy as np

from .compiled import compiled
from .tiles import (ELEMENT, LANES, PIVOTS, add_parts, add_scaled, add_squares, fill, fill_less, invert, scaled,
                    subtract_from, work_space)
from .vectors import called

Layout = namedtuple("Layout", """width green_at right_at left_at first site onsite
                    hop_start hop_row hop_column hop_value hop_bond
                    bond_start bond_row bond_column bond_value bond_number
                    lead_start lead_number lead_first lead_place lead_at""")
Layout.__doc__ = """A system in slices, as arrays of numbers.

Attributes
----------
width : array of int, shape (slices,)
    Orbitals of each slice.
green_at, right_at, left_at : arrays of int, shape (slices,)
    Place of G_ii, B_i and C_i among the elements of an energy.
first : array of int, shape (slices,)
    First orbital.
site : array of int, shape (orbitals,)
    Site of each orbital.
onsite : array of complex
    Elements of all H_ii, at the places of G_ii.
hop_start : array of int, shape (slices,)
    Hoppings from slice i to i + 1 are those from hop_start[i] to hop_start[i + 1]; the last slice has none.
hop_row, hop_column, hop_value, hop_bond : arrays
    Orbital in slice i + 1, orbital in slice i, matrix element of H_{i+1,i}, and number of the bond of sites.
bond_start, bond_row, bond_column, bond_value, bond_number : arrays
    Likewise the elements of H_ii between a later and an earlier site; bond_start has slices + 1 elements.
lead_start, lead_number : arrays of int
    Leads of slice i are lead_number[lead_start[i]:lead_start[i + 1]].
lead_first, lead_place, lead_at : arrays of int
    Orbitals of lead a within its slice: lead_place[lead_first[a]:lead_first[a + 1]]; lead_at[a] is the place of its
    matrix among those of all leads.
"""


@compiled
def lane_energy(group, lane, energies):
    """Number of the energy in a lane; lanes without one repeat the last."""
    return min(group * LANES + lane, energies - 1)


@compiled
def _bare(layout, i, group, own_re, own_im, sigma, passed, passed_at, matrix):
    """M_i less what neighbours have passed on."""
    called()
    width = layout.width[i]
    for k in range(width * width):
        value = layout.onsite[layout.green_at[i] + k]
        fill_less(matrix, k, -value.real, -value.imag, passed, passed_at + k)
    for row in range(width):
        orbital = layout.first[i] + row
        add_parts(matrix, row * (width + 1), own_re, own_im, orbital * own_re.shape[1] + group * LANES)
    one = np.int64(1)
    for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
        lead = layout.lead_number[number]
        places = layout.lead_place[layout.lead_first[lead]:layout.lead_first[lead + 1]]
        at = layout.lead_at[lead]
        for row in places:
            for column in places:
                add_scaled(matrix, row * width + column, one, sigma, at, one, one, -1.0, 0.0)
                at += 1


@compiled
def add_lead(layout, lead, matrices, sign, factor, matrix, width):
    """Add a lead's matrix, with a factor in each lane, to that of its slice."""
    called()
    start, stop = layout.lead_first[lead], layout.lead_first[lead + 1]
    at = layout.lead_at[lead] * ELEMENT
    for row in layout.lead_place[start:stop]:
        for column in layout.lead_place[start:stop]:
            to = (row * width + column) * ELEMENT
            for lane in range(LANES):
                matrix[to + lane] += sign * factor[lane] * matrices[at + lane]
                matrix[to + LANES + lane] += sign * factor[lane] * matrices[at + LANES + lane]
            at += ELEMENT


@compiled
def block_green(layout, own_re, own_im, sigma, green, to_right, to_left, largest):
    """Green's function on the slices, and how it goes on to their neighbours.

    Parameters
    ----------
    layout : Layout
    own_re, own_im : arrays of float, shape (orbitals, groups * LANES)
        E - U + i gamma / 2 of each orbital.
    sigma : array of float, shape (groups, floats)
        Self-energies of the leads (`tiles.packed`).
    green, to_right, to_left : arrays of float, shape (groups, floats)
        Results: G_ii, B_i and C_i.
    largest : array of float, shape (groups, LANES)
        Result: the largest norm of a B_i or C_i at each energy, nan if one is.
    """
    origin = np.int64(0)
    slices, widest = len(layout.width), layout.width.max()
    matrix, passed = work_space(widest * widest), work_space(widest * widest)
    swaps, rows = np.empty((1 + LANES, widest), np.int64), work_space(2 * PIVOTS * widest)
    first = np.empty(len(layout.hop_row), np.bool_)
    for group in range(len(green)):
        g, right, left = green[group], to_right[group], to_left[group]
        for lane in range(LANES):
            largest[group, lane] = 0.0
        for k in range(layout.width[0] ** 2 * ELEMENT):
            g[k] = 0.0
        for i in range(slices - 1):
            width, after, at = layout.width[i], layout.width[i + 1], layout.right_at[i]
            # Until the way back, the place of G_ii holds B_{i-1} H_{i-1,i}.
            _bare(layout, i, group, own_re, own_im, sigma[group], g, layout.green_at[i], matrix)
            invert(matrix, origin, width, swaps, rows)
            _pass_on(layout, layout.hop_start[i], layout.hop_start[i + 1], layout.hop_row, layout.hop_column, 1.0,
                     after, width, matrix, right, at, g, layout.green_at[i + 1], first)
            _compare(right, at, width * after, largest[group])
        for k in range(layout.width[slices - 1] ** 2 * ELEMENT):
            passed[k] = 0.0
        for i in range(slices - 1, -1, -1):
            width = layout.width[i]
            _bare(layout, i, group, own_re, own_im, sigma[group], passed, origin, matrix)
            subtract_from(g, layout.green_at[i], matrix, origin, width * width)
            invert(g, layout.green_at[i], width, swaps, rows)
            if i > 0:
                before, at = layout.width[i - 1], layout.left_at[i]
                invert(matrix, origin, width, swaps, rows)
                _pass_on(layout, layout.hop_start[i - 1], layout.hop_start[i], layout.hop_column, layout.hop_row, -1.0,
                         before, width, matrix, left, at, passed, origin, first)
                _compare(left, at, width * before, largest[group])


@compiled
def _pass_on(layout, start, stop, rows, columns, sign, to, width, matrix, passing, passing_at, passed, passed_at,
             first):
    """H g and H g H^+ with hoppings from `start` to `stop`, conjugated if `sign` is -1, and g of `width` orbitals."""
    called()
    one = np.int64(1)
    reached = np.zeros(to, np.bool_)
    for h in range(start, stop):
        row, value = rows[h], layout.hop_value[h]
        # What comes first to a row does not need it empty.
        first[h] = not reached[row]
        reached[row] = True
        if first[h]:
            scaled(passing, passing_at + row * width, one, matrix, columns[h] * width, one, width, value.real,
                   sign * value.imag)
        else:
            add_scaled(passing, passing_at + row * width, one, matrix, columns[h] * width, one, width, value.real,
                       sign * value.imag)
    for row in range(to):
        if not reached[row]:
            for k in range((passing_at + row * width) * ELEMENT, (passing_at + (row + 1) * width) * ELEMENT):
                passing[k] = 0.0
    for row in range(to):
        here, there = passing_at + row * width, passed_at + row * to
        for column in range(to):
            if not reached[column]:
                fill(passed, there + column, 0.0, 0.0)
        for h in range(start, stop):
            value = layout.hop_value[h]
            if first[h]:
                scaled(passed, there + rows[h], one, passing, here + columns[h], one, one, value.real,
                       -sign * value.imag)
            else:
                add_scaled(passed, there + rows[h], one, passing, here + columns[h], one, one, value.real,
                           -sign * value.imag)


@compiled
def _compare(matrices, at, count, largest):
    """Let each lane's largest norm grow to that of a matrix; nan stays."""
    called()
    norm = np.zeros(ELEMENT)
    add_squares(norm, 0, matrices, at, count)
    for lane in range(LANES):
        here = np.sqrt(norm[lane] + norm[LANES + lane])
        if largest[lane] == largest[lane] and not here <= largest[lane]:
            largest[lane] = here
