"""Electron density in equilibrium, from the Green's function at complex energies."""

import numpy as np
from scipy.special import digamma

from .errors import ConvergenceError
from .quadrature import sum_rule

# Frequencies of the first block, taken one by one; every further block reaches twice as far.
_FIRST = 8
# Nodes per block: the rule's error is (3 + sqrt(8))^-18 = 2e-14 of the block.
_NODES = 9
_BLOCKS = 80
# Site-energies evaluated together.
_BATCH = 1 << 16


def equilibrium_density(propagator, mu, temperature, atol):
    """N_i = Int dE/2pi A_i(E) f(E) over all energies.

    G is analytic in the upper half plane, so that the integral is a sum over the Matsubara frequencies
    w_n = (2 n + 1) pi T: N_i = 2 T sum_n Re [G_ii - R_i](mu + i w_n) + Int dE/2pi (-2 Im R_i) f with the
    asymptote R = Z / (z - e), which has the same tails and a closed integral. Blocks of frequencies, each reaching
    twice as far as the one before, are summed by a Gauss rule until they add nothing.

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
    total = weight * (0.5 - digamma(0.5 + 0.5j * (pole - mu) / (np.pi * temperature)).imag / np.pi)
    size = max(_NODES, _BATCH // len(total))
    start, count = 0, _FIRST
    for _ in range(_BLOCKS):
        nodes, weights = sum_rule(count, _NODES)
        energies = mu + 1j * np.pi * temperature * (2 * (start + nodes) + 1)
        added = np.zeros(len(total))
        for first in range(0, len(nodes), size):
            part = slice(first, first + size)
            difference = propagator.green_diagonal(energies[part]) - weight[:, None] / (energies[part] - pole[:, None])
            added += 2 * temperature * difference.real @ weights[part]
        total += added
        start, count = start + count, start + count
        # The difference falls as z^-3: all later blocks together add a third of the last one.
        if start > _FIRST and np.abs(added).max() <= atol:
            return total
    raise ConvergenceError(f"The equilibrium density reached an accuracy of {np.abs(added).max():.1e} per site after "
                           f"{start:.0e} Matsubara frequencies, not {atol:.1e}.")
