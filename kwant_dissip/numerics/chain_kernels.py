"""Compiled kernels: scans along a chain, all energies side by side.

Arrays have shape (sites, energies); the inner loops run over energies, which are independent, so that the compiler
turns them into vector instructions. A kernel releases the interpreter lock and works on arrays that are its own.
"""

import numpy as np
from numba import njit

# Sums over energies may be reordered; nothing else of fast-math is wanted (nan and inf must stay visible).
_compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


# Stands for 0 where an energy hits the level of a site that nothing broadens.
_TINY = 1e-150
# A few units in the last place: what terms that cancel leave.
_ROUNDING = 1e-15


@_compiled
def chain_green(bare_re, bare_im, at_lead, onsite, gamma_re, gamma_im, hopping2):
    """Diagonal of the Green's function of a chain, and the transfer ratios of the two scans.

    With a_i = E - h_i - sum_a Sigma_a + i gamma_i / 2:
    g^L_i = 1 / (a_i - |t_{i-1}|^2 g^L_{i-1}), g^R_i likewise from the right,
    G_ii = 1 / (a_i - |t_{i-1}|^2 g^L_{i-1} - |t_i|^2 g^R_{i+1}).

    Parameters
    ----------
    bare_re, bare_im : arrays of float, shape (1 + places, energies)
        E in row 0, E - sum_a Sigma_a of each place with leads in the others.
    at_lead : array of int, shape (sites,)
        Row of `bare_re` and `bare_im` that holds for a site.
    onsite : array of float, shape (sites,)
        h_i.
    gamma_re, gamma_im : arrays of float, shape (sites, energies)
    hopping2 : array of float, shape (sites - 1,)
        |t_i|^2, t_i the hopping between i and i + 1.

    Returns
    -------
    green_re, spectral, green2 : arrays of float, shape (sites, energies)
        Re G_ii, -2 Im G_ii, |G_ii|^2.
    rho_left, rho_right : arrays of float, shape (sites, energies)
        |t_{i-1}|^2 |g^L_{i-1}|^2 and |t_i|^2 |g^R_{i+1}|^2.
    """
    sites, energies = gamma_re.shape
    green_re, spectral, green2 = np.empty_like(gamma_re), np.empty_like(gamma_re), np.empty_like(gamma_re)
    rho_left, rho_right = np.empty_like(gamma_re), np.empty_like(gamma_re)
    x_re, x_im = np.zeros(energies), np.zeros(energies)  # |t|^2 g of the neighbour behind
    behind = np.zeros(energies)
    for i in range(sites):
        t2 = hopping2[i] if i < sites - 1 else 0.0
        a_re, a_im, h = bare_re[at_lead[i]], bare_im[at_lead[i]], onsite[i]
        for k in range(energies):
            # until the way back, these two hold |t_{i-1}|^2 g^L_{i-1}
            green_re[i, k] = x_re[k]
            spectral[i, k] = x_im[k]
            rho_left[i, k] = behind[k]
            d_re = a_re[k] - h - 0.5 * gamma_im[i, k] - x_re[k]
            d_im = a_im[k] + 0.5 * gamma_re[i, k] - x_im[k]
            if d_re == 0.0 and d_im == 0.0:
                d_re = _TINY
            g2 = t2 / (d_re * d_re + d_im * d_im)
            x_re[k] = g2 * d_re
            x_im[k] = -g2 * d_im
            behind[k] = g2
    x_re[:] = 0.0
    x_im[:] = 0.0
    behind[:] = 0.0
    for i in range(sites - 1, -1, -1):
        t2 = hopping2[i - 1] if i > 0 else 0.0
        a_re, a_im, h = bare_re[at_lead[i]], bare_im[at_lead[i]], onsite[i]
        for k in range(energies):
            rho_right[i, k] = behind[k]
            d_re = a_re[k] - h - 0.5 * gamma_im[i, k] - x_re[k]
            d_im = a_im[k] + 0.5 * gamma_re[i, k] - x_im[k]
            if d_re == 0.0 and d_im == 0.0:
                d_re = _TINY
            g2 = t2 / (d_re * d_re + d_im * d_im)
            x_re[k] = g2 * d_re
            x_im[k] = -g2 * d_im
            behind[k] = g2
            d_re -= green_re[i, k]
            d_im -= spectral[i, k]
            g2 = 1.0 / (d_re * d_re + d_im * d_im)
            green_re[i, k] = g2 * d_re
            spectral[i, k] = 2.0 * g2 * d_im
            green2[i, k] = g2
    return green_re, spectral, green2, rho_left, rho_right


@_compiled
def chain_occupation(source, green2, rho_left, rho_right):
    """n_i = sum_j |G_ij|^2 w_j on a chain.

    n_i = |G_ii|^2 (w_i + L_i + R_i), L_i = rho^L_i (w_{i-1} + L_{i-1}), R_i = rho^R_i (w_{i+1} + R_{i+1}).

    Parameters
    ----------
    source, green2, rho_left, rho_right : arrays of float, shape (sites, energies)
        w_i, |G_ii|^2, and the ratios from `chain_green`.

    Returns
    -------
    array of float, shape (sites, energies)
    """
    sites, energies = source.shape
    n = np.empty_like(source)
    carried = np.zeros(energies)
    for i in range(sites):
        for k in range(energies):
            carried[k] = source[i, k] + rho_left[i, k] * carried[k]
            n[i, k] = carried[k]
    carried[:] = 0.0
    for i in range(sites - 1, -1, -1):
        for k in range(energies):
            arriving = rho_right[i, k] * carried[k]
            n[i, k] = green2[i, k] * (n[i, k] + arriving)
            carried[k] = source[i, k] + arriving
    return n


@_compiled
def chain_response(values, source, weight, rho_left, rho_right):
    """sum_k weight_ik sum_j (|G_ij|^2 / |G_ii|^2)_k source_jk values_j on a chain: one Jacobian product.

    Parameters
    ----------
    values : array of float, shape (sites,)
    source, weight, rho_left, rho_right : arrays of float, shape (sites, energies)

    Returns
    -------
    array of float, shape (sites,)
    """
    sites, energies = source.shape
    result = np.empty(sites)
    carried = np.zeros(energies)
    for i in range(sites):
        value = values[i]
        total = 0.0
        for k in range(energies):
            carried[k] = source[i, k] * value + rho_left[i, k] * carried[k]
            total += weight[i, k] * carried[k]
        result[i] = total
    carried[:] = 0.0
    for i in range(sites - 1, -1, -1):
        value = values[i]
        total = 0.0
        for k in range(energies):
            arriving = rho_right[i, k] * carried[k]
            total += weight[i, k] * arriving
            carried[k] = source[i, k] * value + arriving
        result[i] += total
    return result


@_compiled
def fermi_difference(energies, shifts, temperatures, reference):
    """f((E - s_i) / T_i) - f(E / T_0), to full relative precision however small it is.

    f(x) - f(y) = -f(x) (1 - f(y)) (exp(x - y) - 1), where exp(x - y) = exp(E/T_i - E/T_0) exp(-s_i/T_i): one
    exponential per energy and temperature, one per site. Where that could overflow, x and y are far apart and the
    plain difference serves.

    Parameters
    ----------
    energies : array of float, shape (energies,)
        Relative to the chemical potential of the reference.
    shifts, temperatures : arrays of float, shape (sites,)
        s_i, the chemical potential relative to the reference's, and T_i.
    reference : float
        T_0.

    Returns
    -------
    array of float, shape (sites, energies)
    """
    sites, count = len(shifts), len(energies)
    result = np.empty((sites, count))
    filled, empty = np.empty(count), np.empty(count)
    growth, drift = np.empty(count), np.empty(count)
    near = np.empty(count, np.bool_)
    for k in range(count):
        small = np.exp(-abs(energies[k] / reference))
        filled[k] = (small if energies[k] > 0 else 1.0) / (1.0 + small)
        empty[k] = (1.0 if energies[k] > 0 else small) / (1.0 + small)
    temperature = -1.0
    for i in range(sites):
        if temperatures[i] != temperature:
            temperature = temperatures[i]
            for k in range(count):
                x = energies[k] / temperature
                difference = x - energies[k] / reference
                near[k] = abs(difference) < 1.0 and abs(x) < 500.0
                growth[k] = np.exp(x) if near[k] else 1.0
                drift[k] = np.expm1(difference) if near[k] else 0.0
            all_near = np.all(near)
        offset = shifts[i] / temperature
        close = abs(offset) < 100.0
        factor, change = (np.exp(-offset), np.expm1(-offset)) if close else (1.0, 0.0)
        if all_near and close:
            for k in range(count):
                f = 1.0 / (1.0 + growth[k] * factor)
                result[i, k] = -f * empty[k] * (drift[k] * factor + change)
        else:
            for k in range(count):
                if close and near[k]:
                    f = 1.0 / (1.0 + growth[k] * factor)
                    result[i, k] = -f * empty[k] * (drift[k] * factor + change)
                else:
                    x = energies[k] / temperature - offset
                    small = np.exp(-abs(x))
                    result[i, k] = (small if x > 0 else 1.0) / (1.0 + small) - filled[k]
    return result


@_compiled
def panel_sums(rate, spectral, filling, n, nodes, weights, differences):
    """Sums over each panel's nodes of what the bath takes, its energy, and the density.

    Parameters
    ----------
    rate, spectral, filling, n : arrays of float, shape (sites, energies)
        gamma_i, A_i, f_i, n_i.
    nodes, weights, differences : arrays of float, shape (panels, nodes per panel)
        Energies, weights of the rule, and what it differs by from the embedded rule; panels * nodes = energies.

    Returns
    -------
    loss, power, density : arrays of float, shape (sites, panels)
        sum_k w_k gamma (A f - n), -sum_k w_k E_k gamma (A f - n), sum_k w_k n.
    errors : array of float, shape (3, panels)
        Largest absolute value over sites of the same three sums with `differences` as weights, less what rounding
        makes of the terms.
    """
    sites = len(rate)
    panels, count = nodes.shape
    loss, power, density = np.empty((sites, panels)), np.empty((sites, panels)), np.empty((sites, panels))
    errors = np.zeros((3, panels))
    for i in range(sites):
        for p in range(panels):
            first = p * count
            sum0, sum1, sum2, error0, error1, error2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            size0, size1, size2 = 0.0, 0.0, 0.0
            for k in range(count):
                j = first + k
                taken = rate[i, j] * (spectral[i, j] * filling[i, j] - n[i, j])
                size = weights[p, k] * rate[i, j] * (spectral[i, j] * abs(filling[i, j]) + abs(n[i, j]))
                size0 += size
                size2 += weights[p, k] * abs(n[i, j])
                size1 += size * abs(nodes[p, k])
                sum0 += weights[p, k] * taken
                sum1 -= weights[p, k] * nodes[p, k] * taken
                sum2 += weights[p, k] * n[i, j]
                error0 += differences[p, k] * taken
                error1 += differences[p, k] * nodes[p, k] * taken
                error2 += differences[p, k] * n[i, j]
            loss[i, p], power[i, p], density[i, p] = sum0, sum1, sum2
            errors[0, p] = max(errors[0, p], abs(error0) - _ROUNDING * abs(size0))
            errors[1, p] = max(errors[1, p], abs(error1) - _ROUNDING * abs(size1))
            errors[2, p] = max(errors[2, p], abs(error2) - _ROUNDING * abs(size2))
    return loss, power, density, errors
