"""A solution next to the one that is looked for, to start from: unknowns and energies."""

from dataclasses import dataclass

import numpy as np

from ..numerics.quadrature import Panels
from .probes import Probes

# A temperature of electrons to start from is no lower than this part of the others'.
_COLDEST = 0.25


@dataclass(frozen=True)
class NearSolution:
    """A solution of the same system under other conditions.

    Deviations from the middle of the reservoirs' mu are taken as proportional to the bias, heating of electrons to its
    square. That is exact in linear response, and changes nothing at the same bias.

    Attributes
    ----------
    mu, electron_mu, electron_temperature, potential : arrays of float, shape (sites,)
        In the propagator's order; nan where there is none.
    lead_mu, lead_temperature : arrays of float, shape (leads,)
    energies : Panels or None
        Its grid, if that is known, and
    mu0 : float
        where the grid counts from.
    is_screened : bool
        Whether it was found with electrostatics.
    """

    mu: np.ndarray
    electron_mu: np.ndarray
    electron_temperature: np.ndarray
    potential: np.ndarray
    lead_mu: np.ndarray
    lead_temperature: np.ndarray
    energies: Panels | None = None
    mu0: float = 0.0
    is_screened: bool = False

    def unknowns(self, probes: Probes) -> np.ndarray:
        """Unknowns of the probes to start from."""
        middle, ratio = self._ratio(probes)
        mu, hot = np.tile(self.mu, (probes.baths, 1)), probes.hot_baths
        mu[hot] = self.electron_mu
        heating = self.electron_temperature ** 2 - self.lead_temperature.mean() ** 2
        square = probes.temperature0 ** 2 + ratio ** 2 * heating
        excess = np.sqrt(np.maximum(square, (_COLDEST * probes.temperature0) ** 2)) - probes.temperature0
        floating = ratio * (self.lead_mu[probes.floating] - middle)
        first = np.concatenate([ratio * (mu.ravel() - middle), np.tile(excess, len(hot)), floating])
        coupled = np.concatenate([probes.coupled, probes.coupled[probes.hot], np.ones(len(floating), bool)])
        return np.where(coupled & np.isfinite(first), first, probes.start())

    def potentials(self, probes: Probes) -> np.ndarray:
        """Electrostatic energies of the sites to start from."""
        return self._ratio(probes)[1] * self.potential

    def _ratio(self, probes):
        """Middle of the mu of this solution's reservoirs, and the new bias in units of its own."""
        known = np.setdiff1d(np.arange(len(self.lead_mu)), probes.floating)
        middle = 0.5 * (self.lead_mu[known].min() + self.lead_mu[known].max())
        here = self.lead_mu[known] - middle
        there = probes.lead_mus(probes.start())[known]
        square = here @ here
        return middle, float(here @ there / square) if square > 0 else 1.0
