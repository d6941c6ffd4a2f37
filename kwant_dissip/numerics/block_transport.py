"""What sources on the slices of a system send to all others, a vector of energies side by side (`tiles`).

With G_ii, B_i and C_i of `block_green`, and W_i what sites (a diagonal) and leads (Gamma_a f_a) send in:

    X_{i+1} = B_i (W_i + X_i) B_i^+,  Y_{i-1} = C_i (W_i + Y_i) C_i^+     what arrives from the left and the right
    (G W G^+)_ii = G_ii (W_i + X_i + Y_i) G_ii^+
"""

import numpy as np

from .block_green import add_lead, lane_energy
from .compiled import compiled
from .tiles import ELEMENT, LANES, dot, multiply, multiply_adjoint
from .vectors import called


@compiled
def _add_sources(layout, i, group, source, lead_filling, lead_rate, matrix, at):
    """Add W_i to the matrix at a place."""
    called()
    width, energies = layout.width[i], source.shape[1]
    part = matrix[at * ELEMENT:(at + width * width) * ELEMENT]
    for row in range(width):
        site = layout.site[layout.first[i] + row]
        for lane in range(LANES):
            part[row * (width + 1) * ELEMENT + lane] += source[site, lane_energy(group, lane, energies)]
    filling = np.empty(LANES)
    for number in range(layout.lead_start[i], layout.lead_start[i + 1]):
        lead = layout.lead_number[number]
        for lane in range(LANES):
            filling[lane] = lead_filling[lead, lane_energy(group, lane, energies)]
        add_lead(layout, lead, lead_rate, filling, part, width)


@compiled
def _pass_on(transfer, transfer_at, width, to, matrix, matrix_at, result, result_at, product):
    """T M T^+ of a Hermitian M: what a slice of one width sends on to its neighbour of another; may take M's place."""
    called()
    origin = np.int64(0)
    multiply(product, origin, transfer, transfer_at, matrix, matrix_at, to, width, width)
    multiply_adjoint(result, result_at, product, origin, transfer, transfer_at, to, width, to, True)


@compiled
def _from_left(layout, group, source, lead_filling, lead_rate, to_right, arrived, product):
    """W_i + X_i of every slice, at the places of G_ii."""
    called()
    for k in range(layout.width[0] ** 2 * ELEMENT):
        arrived[k] = 0.0
    for i in range(len(layout.width)):
        at = layout.green_at[i]
        _add_sources(layout, i, group, source, lead_filling, lead_rate, arrived, at)
        if i < len(layout.width) - 1:
            _pass_on(to_right, layout.right_at[i], layout.width[i], layout.width[i + 1], arrived, at, arrived,
                     layout.green_at[i + 1], product)


@compiled
def _all_at(layout, i, green, arrived, arriving, total, product):
    """G_ii (W + X + Y)_i, from what has arrived from the left and arrives from the right."""
    called()
    origin = np.int64(0)
    width, at = layout.width[i], layout.green_at[i]
    for k in range(width * width * ELEMENT):
        total[k] = arrived[at * ELEMENT + k] + arriving[k]
    multiply(product, origin, green, at, total, origin, width, width, width)


@compiled
def block_occupation(layout, source, lead_filling, lead_rate, green, to_right, to_left, n, inflow):
    """Occupation that arrives at the sites, and what the leads send in.

    Parameters
    ----------
    layout : Layout
    source : array of float, shape (sites, energies)
    lead_filling : array of float, shape (leads, energies)
    lead_rate : array of float, shape (groups, floats)
        Gamma_a (`tile_arrays.packed`).
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
            _all_at(layout, i, g, arrived, arriving, total, product)
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
                _pass_on(to_left[group], layout.left_at[i], width, layout.width[i - 1], arriving, origin, arriving,
                         origin, product)


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
            _all_at(layout, i, g, arrived, arriving, total, product)
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
            _pass_on(to_left[group], layout.left_at[i], width, before, arriving, origin, arriving, origin, product)


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
                _pass_on(to_right[group], layout.right_at[i], width, layout.width[i + 1], arriving, origin, arriving,
                         origin, product)
        for k in range(len(arriving)):
            arriving[k] = 0.0
        for i in range(slices - 1, -1, -1):
            width, start = layout.width[i], layout.green_at[i] * ELEMENT
            for k in range(width * width * ELEMENT):
                right[group, start + k] = arriving[k]
            _add_sources(layout, i, group, source, lead_filling, rates, arriving, origin)
            if i > 0:
                _pass_on(to_left[group], layout.left_at[i], width, layout.width[i - 1], arriving, origin, arriving,
                         origin, product)


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
