"""A self-energy that is known at the energies of a grid only, as iterations find it."""

import numpy as np

from .broadening import SelfEnergy


class TabulatedSelfEnergy(SelfEnergy):
    """gamma_i(E) as numbers; sites are in a propagator's own order already.

    Parameters
    ----------
    energies : array of float, shape (energies,)
        Growing.
    rate : array of float, shape (sites, energies)
        gamma, all of it.
    level_shift : array of float, shape (sites, energies), or None
        Re Sigma.
    """

    is_analytic = False

    def __init__(self, energies: np.ndarray, rate: np.ndarray, level_shift: np.ndarray | None) -> None:
        self._energies, self._rate, self._level_shift = energies, rate, level_shift
        self.coupled = np.ones(len(rate), bool)
        self.balanced = (self.coupled,)

    def _columns(self, energies):
        first = int(np.searchsorted(self._energies, energies[0]))
        together = slice(first, first + len(energies))
        if not np.array_equal(self._energies[together], energies):
            raise ValueError("A tabulated self-energy is known at successive energies of its grid only.")
        return together

    def parts(self, energies):
        """See `SelfEnergy`; the level shift is half of the imaginary part."""
        columns = self._columns(energies)
        rate = np.ascontiguousarray(self._rate[:, columns])
        shift = np.zeros_like(rate) if self._level_shift is None else 2 * self._level_shift[:, columns]
        return rate, shift

    def rates(self, energies):
        return [self.parts(energies)[0]]

    def typical(self):
        return self._rate.mean(axis=1)

    def thresholds(self):
        return np.empty(0)

    def all_alike(self):
        return self

    def in_order(self, order):  # noqa: ARG002 (it is already)
        return self

    def at_potential(self, potential):  # noqa: ARG002 (found at that potential)
        return self

    def asymptote(self):
        raise NotImplementedError("A tabulated self-energy is not known off its grid.")
