"""Who fills the states: Büttiker probes on the sites, and the leads' reservoirs.

Probes know the unknowns of a balance, the occupations that belong to them, and how these change with them. All
occupations are deviations from one equilibrium (mu_0, T_0), so that equilibrium is exact and small biases lose no
digits; energies and chemical potentials count from mu_0.
"""

from abc import ABC, abstractmethod

import numpy as np

from ..native.energies import fermi_slope
from ..numerics.quadrature import THERMAL_WINDOW, Panels, gauss_rule

# Sites over which thermal windows are averaged, at how many energies per k_B T, and no more than so many.
_MANY = 1000
_FINE, _FINEST = 10, 10000
# Beyond so many k_B T the averaged window is as good as empty.
_REACH = 15.0
# Of its window, what a site must find at the energies to have weights of its own.
_LEAST_WEIGHT = 1e-3


class Probes(ABC):
    """Occupations of sites and leads, linear or not in the unknowns of a balance of particles.

    The unknowns are one per row (a site, or one for each bath of a site; without meaning where no probe is), one more
    per row in `hot`, then one per floating lead.

    Attributes
    ----------
    sites : int
    coupled : array of bool, shape (rows,)
        Where probes are.
    floating : array of int
        Leads whose chemical potential is unknown.
    hot : array of int
        Rows whose probes keep the energy, too; with a temperature that is unknown.
    linear : bool
        Whether the occupations are linear in the unknowns.
    mu0, temperature0 : float
        The equilibrium from which everything counts.
    coldest : float
        Lowest temperature of all.
    drive : float
        How large the differences are that drive currents, in energy.
    span : float
        Largest energy, above mu_0, that reservoirs and baths have to give; inf where nothing is known of it.
    """

    sites: int
    coupled: np.ndarray
    floating: np.ndarray
    hot: np.ndarray = np.empty(0, int)
    linear: bool = False
    mu0: float
    temperature0: float
    coldest: float
    drive: float
    span: float = np.inf

    def split(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unknowns of the rows that are chemical potentials, and those of the floating leads."""
        rows = len(self.coupled)
        return unknowns[:rows], unknowns[rows + len(self.hot):]

    @property
    def baths(self) -> int:
        """How many there are."""
        return len(self.coupled) // self.sites

    @property
    def hot_baths(self) -> np.ndarray:
        """Numbers of the baths with rows in `hot`."""
        return self.hot[::self.sites] // self.sites

    @property
    def keeps_energy(self) -> np.ndarray:
        """Of each bath whether it does: array of bool."""
        return np.isin(np.arange(self.baths), self.hot_baths)

    @property
    def temperatures(self) -> slice:
        """Where among the unknowns the temperatures are, one for each row in `hot`."""
        return slice(len(self.coupled), len(self.coupled) + len(self.hot))

    @abstractmethod
    def lead_mus(self, unknowns: np.ndarray) -> np.ndarray:
        """Chemical potentials of the leads relative to mu_0, shape (leads,)."""

    @abstractmethod
    def fillings(self, energies: np.ndarray, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupations of sites and leads relative to the equilibrium, of shapes (sites or leads, energies)."""

    @abstractmethod
    def slopes(self, energies: np.ndarray, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the occupations with the unknowns, of sites and of leads (0 where not floating)."""

    def lead_slopes(self, energies: np.ndarray) -> np.ndarray:
        """Derivatives of the leads' occupations with their mu, floating ones at mu_0, shape (leads, energies)."""
        raise NotImplementedError("These probes do not know how the leads' occupations change.")

    @abstractmethod
    def thermal(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chemical potentials and temperatures around which the slopes lie."""

    @abstractmethod
    def first_panels(self, thresholds: np.ndarray, count: int) -> Panels:
        """Panels of so many nodes that resolve every occupation, broken at thresholds (relative to mu_0)."""

    @abstractmethod
    def window(self, reach: float = THERMAL_WINDOW) -> tuple[float, float]:
        """Energies, relative to mu_0, beyond which occupations differ from the equilibrium by less than exp(-reach)."""

    @abstractmethod
    def scale(self, unknowns: np.ndarray) -> float:
        """What changes of the unknowns are relative to."""

    def start(self) -> np.ndarray:
        """First guess of the unknowns."""
        return np.zeros(len(self.coupled) + len(self.hot) + len(self.floating))

    def local(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chemical potential and temperature of the occupations at rows in `hot`, around which they vary."""
        raise NotImplementedError("These probes have no temperature to be found.")

    def excess(self, unknowns: np.ndarray) -> np.ndarray:
        """The unknowns that belong to temperatures, one for each row in `hot`."""
        return unknowns[self.temperatures]

    def moved(self, unknowns: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Unknowns after a step."""
        return unknowns + step

    def moved_safely(self, unknowns: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Unknowns after a step that may be too long."""
        return self.moved(unknowns, step)

    def covering(self, panels: Panels, unknowns: np.ndarray,  # noqa: ARG002 (as wide as it was thought)
                 thresholds: np.ndarray) -> Panels:  # noqa: ARG002
        """Panels that hold the window of every occupation at these unknowns; thresholds relative to mu_0."""
        return panels

    def few_energies(self, unknowns: np.ndarray, edges: np.ndarray,
                     count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies and weights with which thermal averages -Int df_i/dE (...) are taken roughly.

        A Gauss rule for the mean of all sites' thermal windows, weighted for each site with its own.

        Parameters
        ----------
        unknowns : array of float
        edges : array of float
            Band edges, relative to mu_0: below all bands sites are cut off from the leads, and nothing is averaged.
        count : int
            Number of energies.

        Returns
        -------
        energies : array of float, shape (energies,)
            Relative to mu_0.
        weights, lead_weights : arrays of float, shapes (sites, energies) and (leads, energies)
            They add up to 1 for each site and each floating lead.
        """
        mu, temperature = self.thermal(unknowns)
        every = max(1, len(mu) // _MANY)
        mu, temperature = mu[::every], temperature[::every]
        low, high = (mu - _REACH * temperature).min(), (mu + _REACH * temperature).max()
        margin = 0.5 * temperature.max()
        if len(edges) and edges.max() - edges.min() > 2 * margin:
            low, high = np.clip([low, high], edges.min() + margin, edges.max() - margin)
        points = np.linspace(low, high, int(min(2 + _FINE * (high - low) / temperature.min(), _FINEST)))
        density = fermi_slope(points, mu, temperature).mean(axis=0)
        if high <= low or not density.any():
            energies, weights, density = np.array([0.5 * (low + high)]), np.ones(1), np.ones(len(points))
        else:
            energies, weights = gauss_rule(points, density, count)
        # Between windows that lie far apart there is nothing to divide by.
        weights /= np.maximum(np.interp(energies, points, density), 1e-300)
        site_weights, lead_weights = (slopes * weights for slopes in self.slopes(energies, unknowns))
        # A site whose window lies between the energies, or outside, takes them all alike.
        far = ~(site_weights.sum(axis=1, keepdims=True) >= _LEAST_WEIGHT)
        site_weights, lead_weights = np.where(far, 1.0, site_weights), np.maximum(lead_weights, _LEAST_WEIGHT ** 2)
        return (energies, *(part / part.sum(axis=1, keepdims=True) for part in (site_weights, lead_weights)))
