"""Electron density in equilibrium, from the Green's function at complex energies."""

import numpy as np
from scipy.special import digamma

from .errors import ConvergenceError
from .quadrature import fermi_poles

_FIRST_COUNT = 32
_LAST_COUNT = 2048
# Site-energies evaluated together.
_BATCH = 1 << 16


def equilibrium_density(propagator, mu, temperature, atol):
    """N_i = Int dE/2pi A_i(E) f(E) over all energies.

    G is analytic in the upper half plane, so that the integral is a sum over poles of (an approximation of) the
    Fermi function. The sum runs over the difference to Z / (z - e), which has the same tails and a closed integral.

    Parameters
    ----------
    propagator : Propagator
    mu, temperature : float
    atol : float
        Accuracy per site.

    Returns
    -------
    array of float, shape (sites,)

    Raises
    ------
    ConvergenceError
        If `atol` is not reached.
    """
    weight, pole = propagator.green_asymptote()
    # Int dE/2pi (-2 Im) [Z / (E - e)] f(E), with Im e <= 0
    tail = weight * (0.5 + digamma(0.5 + 0.5j * (pole - mu) / (np.pi * temperature)).imag / -np.pi)
    previous, count = None, _FIRST_COUNT
    while count <= _LAST_COUNT:
        poles, residues = fermi_poles(count)
        energies = mu + 1j * temperature * poles
        total = tail.copy()
        size = max(1, _BATCH // len(tail))
        for start in range(0, count, size):
            part = slice(start, start + size)
            difference = propagator.green_diagonal(energies[part]) - weight[:, None] / (energies[part] - pole[:, None])
            total += 2 * temperature * difference.real @ residues[part]
        if previous is not None:
            error = np.abs(total - previous).max()
            if error <= atol:
                return total
        previous, count = total, 2 * count
    raise ConvergenceError(f"The equilibrium density reached an accuracy of {error:.1e} per site with {_LAST_COUNT} "
                           f"poles, not {atol:.1e}; the temperature may be too low for the width of the spectrum.")
