"""Fermi functions of many sites, sums over panels, electrons that exchange quanta with phonons (`energies.h`)."""

import numpy as np

from . import KERNELS


def fermi_difference(energies: np.ndarray, shifts: np.ndarray, excess: np.ndarray, reference: float) -> np.ndarray:
    """f((E - s_i) / (T_0 + t_i)) - f(E / T_0), to full relative precision however small s_i and t_i are.

    Parameters
    ----------
    energies : array of float, shape (energies,)
        Relative to the chemical potential of the reference.
    shifts, excess : arrays of float, shape (sites,)
        s_i and t_i: chemical potential and temperature relative to those of the reference.
    reference : float
        T_0.

    Returns
    -------
    array of float, shape (sites, energies)
    """
    result = np.empty((len(shifts), len(energies)))
    KERNELS["fermi_difference"](result.shape, energies, shifts, excess, np.array([reference], float), result)
    return result


def fermi_slope(energies: np.ndarray, shifts: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
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
    result = np.empty((len(shifts), len(energies)))
    KERNELS["fermi_slope"](result.shape, energies, shifts, temperatures, result)
    return result


def panel_sums(rate: np.ndarray, spectral: np.ndarray, filling: np.ndarray, n: np.ndarray, nodes: np.ndarray,
               weights: np.ndarray,
               differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums over each panel's nodes of what the bath takes, its energy, and the density.

    Parameters
    ----------
    rate, spectral, filling, n : arrays of float, shape (sites, energies)
        gamma_i, A_i, f_i, n_i.
    nodes, weights : arrays of float, shape (panels, nodes per panel)
        Energies, and weights of the rule; panels * nodes = energies.
    differences : array of float, shape (2, panels, nodes per panel)
        What weights differ by from those of a coarser rule, and that from a still coarser one.

    Returns
    -------
    loss, power, density : arrays of float, shape (sites, panels)
        sum_k w_k gamma (A f - n), -sum_k w_k E_k gamma (A f - n), sum_k w_k n.
    errors : array of float, shape (2, 3, panels)
        Largest absolute value over sites of the same three sums with `differences` as weights, the first less what
        rounding makes of the terms.
    exchange : array of float, shape (panels,)
        Largest of sum_k w_k |gamma (A f - n)|.
    """
    sites, panels = len(rate), len(nodes)
    loss, power, density = (np.empty((sites, panels)) for _ in range(3))
    errors, exchange = np.empty((2, 3, panels)), np.empty(panels)
    KERNELS["panel_sums"]((sites, *nodes.shape), rate, spectral, filling, n, nodes, weights, differences, loss, power,
                          density, errors, exchange)
    return loss, power, density, errors, exchange


def add_scattering(occupied: np.ndarray, spectral: np.ndarray, coupling: np.ndarray, quanta: np.ndarray, shift: int,
                   into: np.ndarray, rate: np.ndarray) -> None:
    """Add what one mode of phonons scatters into states, and that in and out of them together.

    Parameters
    ----------
    occupied, spectral : arrays of float, shape (sites, energies)
        n and A.
    coupling, quanta : arrays of float, shape (sites,)
        D and N.
    shift : int
        Number of energies by which a quantum leads further.
    into, rate : arrays of float, shape (sites, energies)
        To be added to: in, and in + out.
    """
    KERNELS["add_scattering"]((*occupied.shape, shift), occupied, spectral, coupling, quanta, into, rate)


def add_response(change: np.ndarray, filling: np.ndarray, coupling: np.ndarray, quanta: np.ndarray, shift: int,
                 result: np.ndarray) -> None:
    """Add how the sources of one mode change with the occupation, at fixed spectral function.

    Parameters
    ----------
    change, filling : arrays of float, shape (sites, energies)
        x, the change of n, and f = n / A.
    coupling, quanta : arrays of float, shape (sites,)
    shift : int
    result : array of float, shape (sites, energies)
        To be added to.
    """
    KERNELS["add_response"]((*change.shape, shift), change, filling, coupling, quanta, result)


def emitted(occupied: np.ndarray, spectral: np.ndarray, coupling: np.ndarray, quanta: np.ndarray, shift: int,
            result: np.ndarray) -> None:
    """Net quanta that one mode gets at each site from electrons that end at an energy.

    Parameters
    ----------
    occupied, spectral : arrays of float, shape (sites, energies)
    coupling, quanta : arrays of float, shape (sites,)
    shift : int
    result : array of float, shape (sites, energies)
        Filled.
    """
    KERNELS["emitted"]((*occupied.shape, shift), occupied, spectral, coupling, quanta, result)
