"""A self-energy that is known at the energies of a grid only, as iterations find it, and how it goes on off it."""

import numpy as np

from ..numerics.quadrature import TWO_PI
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

    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `SelfEnergy`; the level shift is half of the imaginary part."""
        columns = self._columns(energies)
        rate = np.ascontiguousarray(self._rate[:, columns])
        shift = np.zeros_like(rate) if self._level_shift is None else 2 * self._level_shift[:, columns]
        return rate, shift

    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        return [self.parts(energies)[0]]

    def local(self, energies: np.ndarray) -> np.ndarray:
        """See `SelfEnergy`; at the nodes next above."""
        node = np.clip(np.searchsorted(self._energies, energies), 0, len(self._energies) - 1)
        return self._rate[np.arange(len(self._rate)), node]

    def typical(self) -> np.ndarray:
        return self._rate.mean(axis=1)

    def thresholds(self) -> np.ndarray:
        return np.empty(0)

    def all_alike(self) -> "TabulatedSelfEnergy":
        return self

    def in_order(self, order: np.ndarray) -> "TabulatedSelfEnergy":  # noqa: ARG002 (it is already)
        return self

    def at_potential(self, potential: np.ndarray) -> "TabulatedSelfEnergy":  # noqa: ARG002 (found at that potential)
        return self

    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError("A tabulated self-energy is not known off its grid.")


class ContinuedSelfEnergy(SelfEnergy):
    """The same at complex energies far from the grid's nodes, compared with their distances.

    Parameters
    ----------
    baths : SelfEnergy
        What is known at all energies, in a propagator's own order.
    energies, weights : arrays of float, shape (energies,)
    rate : array of float, shape (sites, energies), or None
        gamma of what is known on the grid, with its level shift; 0 beyond.
    """

    is_analytic = True

    def __init__(self, baths: SelfEnergy, energies: np.ndarray, weights: np.ndarray, rate: np.ndarray | None) -> None:
        self._baths, self._energies = baths, energies
        self._weighted = None if rate is None else rate * (TWO_PI * weights)
        self.coupled = np.ones(len(baths.coupled), bool)
        self.balanced = (self.coupled,)

    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `SelfEnergy`: gamma = 2 i Sigma, Sigma(z) = Int gamma(E) / (z - E) dE / 2 pi."""
        real, imaginary = self._baths.parts(energies)
        if self._weighted is not None:
            added = 1j / np.pi * (self._weighted @ (1 / (energies - self._energies[:, None])))
            real, imaginary = real + added.real, imaginary + added.imag
        return real, imaginary

    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        return [self.parts(energies)[0]]

    def local(self, energies: np.ndarray) -> np.ndarray:
        return self._baths.local(energies)

    def typical(self) -> np.ndarray:
        return self._baths.typical()

    def thresholds(self) -> np.ndarray:
        return np.empty(0)

    def all_alike(self) -> "ContinuedSelfEnergy":
        return self

    def in_order(self, order: np.ndarray) -> "ContinuedSelfEnergy":  # noqa: ARG002 (it is already)
        return self

    def at_potential(self, potential: np.ndarray) -> "ContinuedSelfEnergy":  # noqa: ARG002 (found at that potential)
        return self

    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        return self._baths.asymptote()
