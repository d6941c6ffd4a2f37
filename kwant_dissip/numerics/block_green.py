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
from .tiles import ELEMENT, LANES, PIVOTS, add_scaled, dot, fill, invert
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
def _bare(layout, i, group, own_re, own_im, sigma, matrix):
    """M_i."""
    called()
    width, energies = layout.width[i], own_re.shape[1]
    for k in range(width * width):
        value = layout.onsite[layout.green_at[i] + k]
        fill(matrix, k, -value.real, -value.imag)
    for row in range(width):
        at = row * (width + 1) * ELEMENT
        orbital = layout.first[i] + row
        for lane in range(LANES):
            energy = lane_energy(group, lane, energies)
            matrix[at + lane] += own_re[orbital, energy]
            matrix[at + LANES + lane] += own_im[orbital, energy]
    for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
        add_lead(layout, layout.lead_number[number], sigma, -1.0, np.ones(LANES), matrix, width)


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
    own_re, own_im : arrays of float, shape (orbitals, energies)
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
    matrix, other = np.empty(widest * widest * ELEMENT), np.empty(widest * widest * ELEMENT)
    swaps, rows = np.empty((1 + LANES, widest), np.int64), np.empty(2 * PIVOTS * widest * ELEMENT)
    for group in range(len(green)):
        g, right, left = green[group], to_right[group], to_left[group]
        for lane in range(LANES):
            largest[group, lane] = 0.0
        for array in (right, left, g, other):
            for k in range(len(array)):
                array[k] = 0.0
        for i in range(slices - 1):
            width, after, at = layout.width[i], layout.width[i + 1], layout.right_at[i]
            size = width * width * ELEMENT
            _bare(layout, i, group, own_re, own_im, sigma[group], matrix)
            # Until the way back, the place of G_ii holds B_{i-1} H_{i-1,i}.
            start = layout.green_at[i] * ELEMENT
            for k in range(size):
                matrix[k] -= g[start + k]
            invert(matrix, origin, width, swaps, rows)
            for h in range(layout.hop_start[i], layout.hop_start[i + 1]):
                row, column, value = layout.hop_row[h], layout.hop_column[h], layout.hop_value[h]
                add_scaled(right, at + row * width, 1, matrix, column * width, 1, width, value.real, value.imag)
            _compare(right, at, width * after, largest[group])
            for h in range(layout.hop_start[i], layout.hop_start[i + 1]):
                row, column, value = layout.hop_row[h], layout.hop_column[h], layout.hop_value[h]
                add_scaled(g, layout.green_at[i + 1] + row, after, right, at + column, width, after, value.real,
                           -value.imag)
        for i in range(slices - 1, -1, -1):
            width = layout.width[i]
            size, start = width * width * ELEMENT, layout.green_at[i] * ELEMENT
            _bare(layout, i, group, own_re, own_im, sigma[group], matrix)
            for k in range(size):
                matrix[k] -= other[k]
                g[start + k] = matrix[k] - g[start + k]
            invert(g, layout.green_at[i], width, swaps, rows)
            if i > 0:
                before, at = layout.width[i - 1], layout.left_at[i]
                invert(matrix, origin, width, swaps, rows)
                for k in range(before * before * ELEMENT):
                    other[k] = 0.0
                for h in range(layout.hop_start[i - 1], layout.hop_start[i]):
                    row, column, value = layout.hop_row[h], layout.hop_column[h], layout.hop_value[h]
                    add_scaled(left, at + column * width, 1, matrix, row * width, 1, width, value.real, -value.imag)
                _compare(left, at, width * before, largest[group])
                for h in range(layout.hop_start[i - 1], layout.hop_start[i]):
                    row, column, value = layout.hop_row[h], layout.hop_column[h], layout.hop_value[h]
                    add_scaled(other, column, before, left, at + row, width, before, value.real, value.imag)


@compiled
def _compare(matrices, at, count, largest):
    """Let each lane's largest norm grow to that of a matrix; nan stays."""
    called()
    norm = np.empty(ELEMENT)
    dot(norm, 0, matrices, at, matrices, at, count)
    for lane in range(LANES):
        here = np.sqrt(norm[lane])
        if largest[lane] == largest[lane] and not here <= largest[lane]:
            largest[lane] = here
