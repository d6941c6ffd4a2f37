"""Recursions along slices of any width, a vector of energies side by side (`tiles`).

With M_i = E - H_ii - Sigma + i gamma / 2, W_i what sites (a diagonal) and leads (Gamma_a f_a) send in:

    g^L_i = (M_i - B_{i-1} H_{i-1,i})^-1,     B_i = H_{i+1,i} g^L_i       left-connected
    g^R_i = (M_i - C_{i+1} H_{i+1,i})^-1,     C_i = H_{i-1,i} g^R_i       right-connected
    G_ii  = (M_i - B_{i-1} H_{i-1,i} - C_{i+1} H_{i+1,i})^-1
    X_{i+1} = B_i (W_i + X_i) B_i^+,  Y_{i-1} = C_i (W_i + Y_i) C_i^+     what arrives from the left and the right
    (G W G^+)_ii = G_ii (W_i + X_i + Y_i) G_ii^+

Hoppings between slices are sparse: their products are sums over hoppings.

numba compiles a function anew for every constant among its arguments, and array expressions bring in what their errors
would say; hence `origin`, and plain loops.
"""

from collections import namedtuple

import numpy as np

from .compiled import compiled
from .tiles import ELEMENT, LANES, PIVOTS, add_scaled, dot, fill, invert, multiply, multiply_adjoint
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
def _lane_energy(group, lane, energies):
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
            energy = _lane_energy(group, lane, energies)
            matrix[at + lane] += own_re[orbital, energy]
            matrix[at + LANES + lane] += own_im[orbital, energy]
    for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
        _add_lead(layout, layout.lead_number[number], sigma, -1.0, np.ones(LANES), matrix, width)


@compiled
def _add_lead(layout, lead, matrices, sign, factor, matrix, width):
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


@compiled
def _add_sources(layout, i, group, source, lead_filling, lead_rate, matrix, at):
    """Add W_i to the matrix at a place."""
    called()
    width, energies = layout.width[i], source.shape[1]
    part = matrix[at * ELEMENT:(at + width * width) * ELEMENT]
    for row in range(width):
        site = layout.site[layout.first[i] + row]
        for lane in range(LANES):
            part[row * (width + 1) * ELEMENT + lane] += source[site, _lane_energy(group, lane, energies)]
    filling = np.empty(LANES)
    for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
        lead = layout.lead_number[number]
        for lane in range(LANES):
            filling[lane] = lead_filling[lead, _lane_energy(group, lane, energies)]
        _add_lead(layout, lead, lead_rate, 1.0, filling, part, width)


@compiled
def _from_left(layout, group, source, lead_filling, lead_rate, to_right, arrived, product):
    """W_i + X_i of every slice, at the places of G_ii."""
    called()
    slices = len(layout.width)
    origin = np.int64(0)
    for k in range(layout.width[0] ** 2 * ELEMENT):
        arrived[k] = 0.0
    for i in range(slices):
        width, at = layout.width[i], layout.green_at[i]
        _add_sources(layout, i, group, source, lead_filling, lead_rate, arrived, at)
        if i < slices - 1:
            after = layout.width[i + 1]
            multiply(product, origin, to_right, layout.right_at[i], arrived, at, after, width, width)
            multiply_adjoint(arrived, layout.green_at[i + 1], product, origin, to_right, layout.right_at[i], after,
                             width, after, True)


@compiled
def _to_the_left(layout, i, to_left, arriving, product):
    """From W_i + Y_i to Y_{i-1}, in the same place."""
    called()
    origin = np.int64(0)
    width, before = layout.width[i], layout.width[i - 1]
    multiply(product, origin, to_left, layout.left_at[i], arriving, origin, before, width, width)
    multiply_adjoint(arriving, origin, product, origin, to_left, layout.left_at[i], before, width, before, True)


@compiled
def block_occupation(layout, source, lead_filling, lead_rate, green, to_right, to_left, n, inflow):
    """Occupation that arrives at the sites, and what the leads send in.

    Parameters
    ----------
    layout : Layout
    source : array of float, shape (sites, energies)
    lead_filling : array of float, shape (leads, energies)
    lead_rate : array of float, shape (groups, floats)
        Gamma_a (`tiles.packed`).
    green, to_right, to_left : arrays of float, shape (groups, floats)
        From `block_green`.
    n, inflow : arrays of float, shapes (sites, energies) and (leads, energies)
        Results, which are added to.
    """
    origin = np.int64(0)
    slices, widest, energies = len(layout.width), layout.width.max(), source.shape[1]
    arrived = np.empty(green.shape[1])
    largest = widest * widest * ELEMENT
    arriving, product, total = np.empty(largest), np.empty(largest), np.empty(largest)
    element = np.empty(ELEMENT)
    for group in range(len(green)):
        g, rates = green[group], lead_rate[group]
        lanes = min(LANES, energies - group * LANES)
        _from_left(layout, group, source, lead_filling, rates, to_right[group], arrived, product)
        for k in range(len(arriving)):
            arriving[k] = 0.0
        for i in range(slices - 1, -1, -1):
            width, at = layout.width[i], layout.green_at[i]
            size, start = width * width * ELEMENT, at * ELEMENT
            for k in range(size):
                total[k] = arrived[start + k] + arriving[k]
            multiply(product, origin, g, at, total, origin, width, width, width)
            for row in range(width):
                dot(element, 0, product, row * width, g, at + row * width, width)
                site = layout.site[layout.first[i] + row]
                for lane in range(lanes):
                    n[site, group * LANES + lane] += element[lane]
            for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
                _add_inflow(layout, layout.lead_number[number], group, lanes, lead_filling, rates, g, at, width,
                            product, inflow)
            if i > 0:
                _add_sources(layout, i, group, source, lead_filling, rates, arriving, origin)
                _to_the_left(layout, i, to_left[group], arriving, product)


@compiled
def _add_inflow(layout, lead, group, lanes, lead_filling, lead_rate, green, at, width, product, inflow):
    """Tr Gamma_a (A f_a - G^n), with G^n = (G W) G^+ where the lead couples."""
    called()
    element = np.empty(ELEMENT)
    start, stop = layout.lead_first[lead], layout.lead_first[lead + 1]
    rate = layout.lead_at[lead] * ELEMENT
    for row in layout.lead_place[start:stop]:
        for column in layout.lead_place[start:stop]:
            # Element (column, row) of what is in brackets meets element (row, column) of Gamma.
            dot(element, 0, product, column * width, green, at + row * width, width)
            here, there = (at + column * width + row) * ELEMENT, (at + row * width + column) * ELEMENT
            for lane in range(lanes):
                energy = group * LANES + lane
                filling = lead_filling[lead, energy]
                # A = i (G - G^+)
                re = -(green[here + LANES + lane] + green[there + LANES + lane]) * filling - element[lane]
                im = (green[here + lane] - green[there + lane]) * filling - element[LANES + lane]
                inflow[lead, energy] += lead_rate[rate + lane] * re - lead_rate[rate + LANES + lane] * im
            rate += ELEMENT


@compiled
def block_bond_flows(layout, source, lead_filling, lead_rate, green, to_right, to_left, flows):
    """Particles on every bond of sites, from the later to the earlier one: 2 Im Tr H_ij G^n_ji.

    Between slices G^n_{i,i-1} = G_ii [B_{i-1} (W + X)_{i-1} + (W + Y)_i C_i^+] G_{i-1,i-1}^+.

    Parameters
    ----------
    layout, source, lead_filling, lead_rate, green, to_right, to_left
        As for `block_occupation`.
    flows : array of float, shape (bonds, energies)
        Result, which is added to.
    """
    origin = np.int64(0)
    slices, widest, energies = len(layout.width), layout.width.max(), source.shape[1]
    arrived = np.empty(green.shape[1])
    largest = widest * widest * ELEMENT
    arriving, product, total = np.empty(largest), np.empty(largest), np.empty(largest)
    for group in range(len(green)):
        g, rates = green[group], lead_rate[group]
        lanes = min(LANES, energies - group * LANES)
        _from_left(layout, group, source, lead_filling, rates, to_right[group], arrived, product)
        for k in range(len(arriving)):
            arriving[k] = 0.0
        for i in range(slices - 1, -1, -1):
            width, at = layout.width[i], layout.green_at[i]
            size, start = width * width * ELEMENT, at * ELEMENT
            for k in range(size):
                total[k] = arrived[start + k] + arriving[k]
            multiply(product, origin, g, at, total, origin, width, width, width)
            _add_flows(group, lanes, layout.bond_start[i], layout.bond_start[i + 1], layout.bond_row,
                       layout.bond_column, layout.bond_value, layout.bond_number, product, width, g, at, width, flows)
            if i == 0:
                continue
            before = layout.width[i - 1]
            _add_sources(layout, i, group, source, lead_filling, rates, arriving, origin)
            multiply_adjoint(total, origin, arriving, origin, to_left[group], layout.left_at[i], width, width, before,
                             False)
            multiply(product, origin, to_right[group], layout.right_at[i - 1], arrived, layout.green_at[i - 1], width,
                     before, before)
            for k in range(width * before * ELEMENT):
                total[k] += product[k]
            multiply(product, origin, g, at, total, origin, width, width, before)
            _add_flows(group, lanes, layout.hop_start[i - 1], layout.hop_start[i], layout.hop_row, layout.hop_column,
                       layout.hop_value, layout.hop_bond, product, before, g, layout.green_at[i - 1], before, flows)
            _to_the_left(layout, i, to_left[group], arriving, product)


@compiled
def _add_flows(group, lanes, first, last, rows, columns, values, bonds, product, inner, green, at, width, flows):
    """What the elements of the Hamiltonian from `first` to `last` carry."""
    called()
    element = np.empty(ELEMENT)
    for number in range(first, last):
        dot(element, 0, product, rows[number] * inner, green, at + columns[number] * width, inner)
        value = values[number]
        for lane in range(lanes):
            flows[bonds[number], group * LANES + lane] += 2 * (value.real * element[LANES + lane]
                                                               - value.imag * element[lane])


@compiled
def block_arrivals(layout, source, lead_filling, lead_rate, to_right, to_left, left, right):
    """X_i and Y_i of every slice.

    Parameters
    ----------
    layout, source, lead_filling, lead_rate, to_right, to_left
        As for `block_occupation`.
    left, right : arrays of float, shape (groups, floats)
        Results, at the places of G_ii.
    """
    origin = np.int64(0)
    slices, widest = len(layout.width), layout.width.max()
    arriving, product = np.empty(widest * widest * ELEMENT), np.empty(widest * widest * ELEMENT)
    for group in range(len(left)):
        rates = lead_rate[group]
        for k in range(len(arriving)):
            arriving[k] = 0.0
        for i in range(slices):
            width, start = layout.width[i], layout.green_at[i] * ELEMENT
            for k in range(width * width * ELEMENT):
                left[group, start + k] = arriving[k]
            _add_sources(layout, i, group, source, lead_filling, rates, arriving, origin)
            if i < slices - 1:
                after, at = layout.width[i + 1], layout.right_at[i]
                multiply(product, origin, to_right[group], at, arriving, origin, after, width, width)
                multiply_adjoint(arriving, origin, product, origin, to_right[group], at, after, width, after, True)
        for k in range(len(arriving)):
            arriving[k] = 0.0
        for i in range(slices - 1, -1, -1):
            width, start = layout.width[i], layout.green_at[i] * ELEMENT
            for k in range(width * width * ELEMENT):
                right[group, start + k] = arriving[k]
            _add_sources(layout, i, group, source, lead_filling, rates, arriving, origin)
            if i > 0:
                _to_the_left(layout, i, to_left[group], arriving, product)


@compiled
def block_exchange(layout, absorbed, source, green, to_right, to_left, result):
    """sum_k absorbed_ik |G_ij|^2_k source_jk between all sites, summed over energies.

    G_{i,j-1} = G_ij B_{j-1} to the left of i, G_{i,j+1} = G_ij C_{j+1} to its right.

    Parameters
    ----------
    layout : Layout
    absorbed, source : arrays of float, shape (sites, energies)
    green, to_right, to_left : arrays of float, shape (groups, floats)
        From `block_green`.
    result : array of float, shape (sites, sites)
        Which is added to.
    """
    origin = np.int64(0)
    slices, widest, energies = len(layout.width), layout.width.max(), source.shape[1]
    here, there = np.empty(widest * widest * ELEMENT), np.empty(widest * widest * ELEMENT)
    for group in range(len(green)):
        lanes = min(LANES, energies - group * LANES)
        for i in range(slices):
            width, at = layout.width[i], layout.green_at[i]
            size = width * width * ELEMENT
            for k in range(size):
                here[k] = green[group, at * ELEMENT + k]
            _add_squares(layout, i, i, group, lanes, absorbed, source, here, result)
            for j in range(i - 1, -1, -1):
                multiply(there, origin, here, origin, to_right[group], layout.right_at[j], width, layout.width[j + 1],
                         layout.width[j])
                here, there = there, here
                _add_squares(layout, i, j, group, lanes, absorbed, source, here, result)
            for k in range(size):
                here[k] = green[group, at * ELEMENT + k]
            for j in range(i + 1, slices):
                multiply(there, origin, here, origin, to_left[group], layout.left_at[j], width, layout.width[j - 1],
                         layout.width[j])
                here, there = there, here
                _add_squares(layout, i, j, group, lanes, absorbed, source, here, result)


@compiled
def _add_squares(layout, i, j, group, lanes, absorbed, source, matrix, result):
    called()
    for row in range(layout.width[i]):
        site = layout.site[layout.first[i] + row]
        for column in range(layout.width[j]):
            origin = layout.site[layout.first[j] + column]
            at = (row * layout.width[j] + column) * ELEMENT
            total = 0.0
            for lane in range(lanes):
                energy = group * LANES + lane
                total += (absorbed[site, energy] * source[origin, energy]
                          * (matrix[at + lane] ** 2 + matrix[at + LANES + lane] ** 2))
            result[site, origin] += total
