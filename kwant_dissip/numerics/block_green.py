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
from .tile_arrays import work_space
from .tile_inverse import PIVOTS, invert
from .tiles import ELEMENT, LANES, add_scaled, fill, fill_less, grow_norm, scaled, subtract_from
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
def _bare(layout, i, own, sigma, passed, passed_at, matrix):
    """M_i less what neighbours have passed on."""
    called()
    width, one = layout.width[i], np.int64(1)
    for k in range(width * width):
        value = layout.onsite[layout.green_at[i] + k]
        fill_less(matrix, k, -value.real, -value.imag, passed, passed_at + k)
    for row in range(width):
        add_scaled(matrix, row * (width + 1), one, own, layout.first[i] + row, one, one, 1.0, 0.0)
    for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
        lead = layout.lead_number[number]
        places = layout.lead_place[layout.lead_first[lead]:layout.lead_first[lead + 1]]
        at = layout.lead_at[lead]
        for row in places:
            for column in places:
                add_scaled(matrix, row * width + column, one, sigma, at, one, one, -1.0, 0.0)
                at += 1


@compiled
def add_lead(layout, lead, matrices, factor, matrix, width):
    """Add a lead's matrix, with a factor in each lane, to that of its slice."""
    called()
    start, stop = layout.lead_first[lead], layout.lead_first[lead + 1]
    at = layout.lead_at[lead] * ELEMENT
    for row in layout.lead_place[start:stop]:
        for column in layout.lead_place[start:stop]:
            to = (row * width + column) * ELEMENT
            for lane in range(LANES):
                matrix[to + lane] += factor[lane] * matrices[at + lane]
                matrix[to + LANES + lane] += factor[lane] * matrices[at + LANES + lane]
            at += ELEMENT


@compiled
def lead_rates(first, starts, sigma, rates):
    """Gamma_a = i (Sigma_a - Sigma_a^+) of all leads, from their self-energies; `first` and `starts` as in `Layout`."""
    for group in range(len(sigma)):
        s, gamma = sigma[group], rates[group]
        for lead in range(len(first) - 1):
            width = first[lead + 1] - first[lead]
            for row in range(width):
                for column in range(width):
                    here = (starts[lead] + row * width + column) * ELEMENT
                    there = (starts[lead] + column * width + row) * ELEMENT
                    for k in range(LANES):
                        gamma[here + k] = -s[here + LANES + k] - s[there + LANES + k]
                        gamma[here + LANES + k] = s[here + k] - s[there + k]


@compiled
def block_green(layout, energies, potential, gamma_re, gamma_im, sigma, green, to_right, to_left, diagonal, largest):
    """Green's function on the slices, and how it goes on to their neighbours.

    Parameters
    ----------
    layout : Layout
    energies : array of complex
    potential : array of float, shape (sites,)
    gamma_re, gamma_im : arrays of float, shape (sites, energies)
        gamma of each site.
    sigma : array of float, shape (groups, floats)
        Self-energies of the leads (`tile_arrays.packed`).
    green, to_right, to_left : arrays of float, shape (groups, floats)
        Results: G_ii, B_i and C_i.
    diagonal : array of complex, shape (orbitals, energies)
        Result: the diagonals of all G_ii.
    largest : array of float, shape (energies,)
        Result: the largest norm of a B_i or C_i, nan if one is or a diagonal is not finite.
    """
    origin = np.int64(0)
    slices, widest = len(layout.width), layout.width.max()
    matrix, passed = work_space(widest * widest), work_space(widest * widest)
    swaps, rows = np.empty((1 + LANES, widest), np.int64), work_space(2 * PIVOTS * widest)
    first, reached = np.empty(len(layout.hop_row), np.bool_), np.empty(widest, np.bool_)
    own, norms = work_space(len(layout.site)), np.empty(LANES)
    for group in range(len(green)):
        g, right, left = green[group], to_right[group], to_left[group]
        norms[:] = 0.0
        for orbital in range(len(layout.site)):
            site, at = layout.site[orbital], orbital * ELEMENT
            for lane in range(LANES):
                k = lane_energy(group, lane, len(energies))
                own[at + lane] = energies[k].real - potential[site] - 0.5 * gamma_im[site, k]
                own[at + LANES + lane] = energies[k].imag + 0.5 * gamma_re[site, k]
        for k in range(layout.width[0] ** 2 * ELEMENT):
            g[k] = 0.0
        for i in range(slices - 1):
            width, after, at = layout.width[i], layout.width[i + 1], layout.right_at[i]
            # Until the way back, the place of G_ii holds B_{i-1} H_{i-1,i}.
            _bare(layout, i, own, sigma[group], g, layout.green_at[i], matrix)
            invert(matrix, origin, width, swaps, rows)
            _pass_on(layout, layout.hop_start[i], layout.hop_start[i + 1], layout.hop_row, layout.hop_column, 1.0,
                     after, width, matrix, right, at, g, layout.green_at[i + 1], reached, first)
            grow_norm(norms, right, at, width * after)
        for k in range(layout.width[slices - 1] ** 2 * ELEMENT):
            passed[k] = 0.0
        for i in range(slices - 1, -1, -1):
            width = layout.width[i]
            _bare(layout, i, own, sigma[group], passed, origin, matrix)
            subtract_from(g, layout.green_at[i], matrix, origin, width * width)
            invert(g, layout.green_at[i], width, swaps, rows)
            if i > 0:
                before, at = layout.width[i - 1], layout.left_at[i]
                invert(matrix, origin, width, swaps, rows)
                _pass_on(layout, layout.hop_start[i - 1], layout.hop_start[i], layout.hop_column, layout.hop_row, -1.0,
                         before, width, matrix, left, at, passed, origin, reached, first)
                grow_norm(norms, left, at, width * before)
        for lane in range(min(LANES, len(energies) - group * LANES)):
            energy = group * LANES + lane
            largest[energy] = np.sqrt(norms[lane])
            for i in range(slices):
                for row in range(layout.width[i]):
                    at = (layout.green_at[i] + row * (layout.width[i] + 1)) * ELEMENT + lane
                    value = complex(g[at], g[at + LANES])
                    diagonal[layout.first[i] + row, energy] = value
                    if not np.isfinite(value):
                        largest[energy] = np.nan


@compiled
def _pass_on(layout, start, stop, rows, columns, sign, to, width, matrix, passing, passing_at, passed, passed_at,
             reached, first):
    """H g and H g H^+ with hoppings from `start` to `stop`, conjugated if `sign` is -1, and g of `width` orbitals."""
    called()
    one = np.int64(1)
    for row in range(to):
        reached[row] = False
    for h in range(start, stop):
        row, column, re, im = rows[h], columns[h] * width, layout.hop_value[h].real, sign * layout.hop_value[h].imag
        # What comes first to a row does not need it empty.
        first[h] = not reached[row]
        reached[row] = True
        if first[h]:
            scaled(passing, passing_at + row * width, one, matrix, column, one, width, re, im)
        else:
            add_scaled(passing, passing_at + row * width, one, matrix, column, one, width, re, im)
    for row in range(to):
        if not reached[row]:
            for k in range(width):
                fill(passing, passing_at + row * width + k, 0.0, 0.0)
            for k in range(to):
                fill(passed, passed_at + row + k * to, 0.0, 0.0)
    for h in range(start, stop):
        column, re, im = passed_at + rows[h], layout.hop_value[h].real, -sign * layout.hop_value[h].imag
        if first[h]:
            scaled(passed, column, to, passing, passing_at + columns[h], width, to, re, im)
        else:
            add_scaled(passed, column, to, passing, passing_at + columns[h], width, to, re, im)
