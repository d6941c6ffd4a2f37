"""How electrons travel at all energies of a grid."""

from collections.abc import Callable

import numpy as np

from ..propagators.lattice import LatticePropagator


class Transport:
    """How electrons travel at all energies of a grid, with the self-energies found so far.

    Attributes
    ----------
    parts : list of slice
        Energies that are worked on together.
    spectral : array of float, shape (sites, energies)
    """

    def __init__(self, propagator: LatticePropagator, energies: np.ndarray, map_: Callable) -> None:
        size = max(1, propagator.batch)
        self.parts = [slice(start, start + size) for start in range(0, len(energies), size)]
        self._map = map_
        self._spectra = list(map_(lambda part: propagator.spectrum(energies[part]), self.parts))
        self.spectral = np.concatenate([spectrum.spectral for spectrum in self._spectra], axis=1)

    def arrive(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupation, shape (sites, energies), and what enters from each lead, shape (leads, energies)."""
        def work(part, spectrum):
            return spectrum.occupation(np.ascontiguousarray(source[:, part]),
                                       np.ascontiguousarray(lead_filling[:, part]))

        n, inflow = zip(*self._map(work, self.parts, self._spectra), strict=True)
        return np.concatenate(n, axis=1), np.concatenate(inflow, axis=1)

    def flows(self, source: np.ndarray, lead_filling: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sums over energies of the flow on every bond, shape (hoppings, columns of the weights)."""
        def work(part, spectrum):
            return spectrum.bond_flows(np.ascontiguousarray(source[:, part]),
                                       np.ascontiguousarray(lead_filling[:, part])) @ weights[part]

        return sum(self._map(work, self.parts, self._spectra))

    def passages(self) -> tuple[np.ndarray, ...] | None:
        """See `Spectrum.passages`, for all energies."""
        parts = [spectrum.passages() for spectrum in self._spectra]
        if any(part is None for part in parts):
            return None
        return tuple(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
