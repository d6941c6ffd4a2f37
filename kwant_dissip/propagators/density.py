"""Electron density in equilibrium, from the Green's function at complex energies."""

from collections.abc import Callable

import numpy as np
from scipy.special import digamma

from ..errors import ConvergenceError
from ..numerics.quadrature import sum_rule
from .lattice import LatticePropagator

# Frequencies of the first block, taken one by one; every further block reaches twice as far.
_FIRST = 8
# Nodes per block: the rule's error is (3 + sqrt(8))^-18 = 2e-14 of the block.
_NODES = 9
_BLOCKS = 80
# The least number of energies that are evaluated together.
_LEAST = 5


class EquilibriumDensity:
    """N_i = Int dE/2pi A_i(E) f(E) over all energies, for any propagator of a lattice.

    G is analytic in the upper half plane, so that the integral is a sum over the Matsubara frequencies
    w_n = (2 n + 1) pi T: N_i = 2 T sum_n Re [G_ii - R_i](mu + i w_n) + Int dE/2pi (-2 Im R_i) f with the
    asymptote R = Z / (z - e), which has the same tails and a closed integral. Blocks of frequencies, each reaching
    twice as far as the one before, are summed by a Gauss rule until they add nothing.

    Parameters
    ----------
    mu, temperature : float
    atol : float
        Accuracy per site.
    map_ : callable, optional
        Works on several batches, as `map` or that of an executor.
    """

    def __init__(self, mu: float, temperature: float, atol: float, map_: Callable = map) -> None:
        self.mu = mu
        self.temperature = temperature
        self.atol = atol
        self._map = map_
        self._blocks: int | None = None

    def __call__(self, propagator: LatticePropagator) -> np.ndarray:
        """Density of a propagator.

        The first call finds how many frequencies `atol` takes; later ones use as many, so that the result is a
        smooth function of the propagator's potential.

        Parameters
        ----------
        propagator : LatticePropagator

        Returns
        -------
        array of float, shape (sites,)

        Raises
        ------
        ConvergenceError
            If `atol` is not reached.
        """
        weight, pole = propagator.green_asymptote()
        total = weight * (0.5 - digamma(0.5 + 0.5j * (pole - self.mu) / (np.pi * self.temperature)).imag / np.pi)
        start, count = 0, _FIRST
        for block in range(self._blocks or _BLOCKS):
            added = self._block(propagator, weight, pole, start, count)
            total += added
            start, count = start + count, start + count
            # The difference falls as z^-3: all later blocks together add a third of the last one.
            if self._blocks is None and block > 0 and np.abs(added).max() <= self.atol:
                self._blocks = block + 1
                break
        if self._blocks is None:
            reached = float(np.abs(added).max())
            raise ConvergenceError(f"The equilibrium density reached an accuracy of {reached:.1e} per site after "
                                   f"{start:.0e} Matsubara frequencies, not {self.atol:.1e}: a larger rtol, or a "
                                   "higher temperature, helps.", accuracy=reached)
        return total

    def _block(self, propagator, weight, pole, start, count):
        """Sum over the frequencies start .. start + count - 1."""
        nodes, weights = sum_rule(count, _NODES)
        energies = self.mu + 1j * np.pi * self.temperature * (2 * (start + nodes) + 1)
        size = max(_LEAST, propagator.batch)

        def part_sum(first):
            part = slice(first, first + size)
            difference = propagator.green_diagonal(energies[part]) - weight[:, None] / (energies[part] - pole[:, None])
            return 2 * self.temperature * difference.real @ weights[part]

        return sum(self._map(part_sum, range(0, len(nodes), size)))
