"""Compiled kernels: Fermi functions of many sites, and sums over the nodes of energy panels."""

import numpy as np

from .compiled import compiled

# A few units in the last place: what terms that cancel leave.
_ROUNDING = 1e-15
# Shifts by more than so many k_B T are far.
_FAR = 30.0


@compiled
def _equilibrium(energies, reference):
    """f(E / T_0) and 1 - f(E / T_0)."""
    filled, empty = np.empty_like(energies), np.empty_like(energies)
    for k in range(len(energies)):
        small = np.exp(-abs(energies[k] / reference))
        filled[k] = (small if energies[k] > 0 else 1.0) / (1.0 + small)
        empty[k] = (1.0 if energies[k] > 0 else small) / (1.0 + small)
    return filled, empty


@compiled
def fermi_difference(energies, shifts, temperatures, reference):
    """f((E - s_i) / T_i) - f(E / T_0), to full relative precision however small it is.

    f(x) - f(y) = -f(x) (1 - f(y)) (exp(x - y) - 1), where exp(x - y) = exp(E/T_i - E/T_0) exp(-s_i/T_i): one
    exponential per energy and temperature, one per site. Where x and y are far apart, the plain difference serves: the
    exponentials could overflow there, and a large E/T_i less a large s_i/T_i would lose digits.

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
    filled, empty = _equilibrium(energies, reference)
    growth, drift = np.empty(count), np.empty(count)
    near = np.empty(count, np.bool_)
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
        close = abs(offset) < _FAR
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
                    x = (energies[k] - shifts[i]) / temperature
                    small = np.exp(-abs(x))
                    result[i, k] = (small if x > 0 else 1.0) / (1.0 + small) - filled[k]
    return result


@compiled
def fermi_excess(energies, shifts, excess, reference):
    """f((E - s_i) / (T_0 + t_i)) - f(E / T_0), to full relative precision however small s_i and t_i are.

    f(x) - f(y) = -f(x) (1 - f(y)) (exp(x - y) - 1) with x - y = -(E t_i / T_0 + s_i) / T_i.

    Parameters
    ----------
    energies : array of float, shape (energies,)
        Relative to the chemical potential of the reference.
    shifts, excess : arrays of float, shape (sites,)
        s_i and t_i.
    reference : float
        T_0.

    Returns
    -------
    array of float, shape (sites, energies)
    """
    sites, count = len(shifts), len(energies)
    result = np.empty((sites, count))
    filled, empty = _equilibrium(energies, reference)
    for i in range(sites):
        inverse = 1.0 / (reference + excess[i])
        for k in range(count):
            x = (energies[k] - shifts[i]) * inverse
            small = np.exp(-abs(x))
            f = (small if x > 0 else 1.0) / (1.0 + small)
            difference = -(energies[k] * excess[i] / reference + shifts[i]) * inverse
            if abs(difference) < 1.0:
                result[i, k] = -f * empty[k] * np.expm1(difference)
            else:
                result[i, k] = f - filled[k]
    return result


@compiled
def fermi_slope(energies, shifts, temperatures):
    """Derivative of f((E - s_i) / T_i) with s_i.

    Parameters
    ----------
    energies : array of float, shape (energies,)
    shifts, temperatures : arrays of float, shape (sites,)
        s_i and T_i.

    Returns
    -------
    array of float, shape (sites, energies)
    """
    sites, count = len(shifts), len(energies)
    result, growth = np.empty((sites, count)), np.empty(count)
    temperature, small = -1.0, False
    for i in range(sites):
        if temperatures[i] != temperature:
            # f (1 - f) = y / (1 + y)^2, y = exp(E/T) exp(-s/T): one exponential per energy, one per site
            temperature = temperatures[i]
            small = np.abs(energies).max() < 300 * temperature
            for k in range(count):
                growth[k] = np.exp(energies[k] / temperature) if small else 0.0
        offset = shifts[i] / temperature
        factor = np.exp(-offset) if abs(offset) < 300 else 0.0
        for k in range(count):
            y = growth[k] * factor if small and factor > 0 else np.exp(-abs(energies[k] / temperature - offset))
            result[i, k] = y / ((1.0 + y) * (1.0 + y) * temperature)
    return result


@compiled
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
    exchange : array of float, shape (panels,)
        Largest of sum_k w_k |gamma (A f - n)|.
    """
    sites = len(rate)
    panels, count = nodes.shape
    loss, power, density = np.empty((sites, panels)), np.empty((sites, panels)), np.empty((sites, panels))
    errors, exchange = np.zeros((3, panels)), np.zeros(panels)
    for i in range(sites):
        for p in range(panels):
            first = p * count
            sum0, sum1, sum2, error0, error1, error2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            size0, size1, size2, gross = 0.0, 0.0, 0.0, 0.0
            for k in range(count):
                j = first + k
                taken = rate[i, j] * (spectral[i, j] * filling[i, j] - n[i, j])
                size = weights[p, k] * rate[i, j] * (spectral[i, j] * abs(filling[i, j]) + abs(n[i, j]))
                size0 += size
                size2 += weights[p, k] * abs(n[i, j])
                size1 += size * abs(nodes[p, k])
                sum0 += weights[p, k] * taken
                gross += weights[p, k] * abs(taken)
                sum1 -= weights[p, k] * nodes[p, k] * taken
                sum2 += weights[p, k] * n[i, j]
                error0 += differences[p, k] * taken
                error1 += differences[p, k] * nodes[p, k] * taken
                error2 += differences[p, k] * n[i, j]
            loss[i, p], power[i, p], density[i, p] = sum0, sum1, sum2
            exchange[p] = max(exchange[p], gross)
            errors[0, p] = max(errors[0, p], abs(error0) - _ROUNDING * abs(size0))
            errors[1, p] = max(errors[1, p], abs(error1) - _ROUNDING * abs(size1))
            errors[2, p] = max(errors[2, p], abs(error2) - _ROUNDING * abs(size2))
    return loss, power, density, errors, exchange
