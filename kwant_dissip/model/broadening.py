"""The probes' self-energies -i gamma_i(E) / 2, of one bath or of several, whose gamma add up."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial, reduce

import numpy as np

from ..leads.lead import Lead
from .resolution import smooth_values


class SelfEnergy(ABC):
    """What collisions add to the energy of each site: -i gamma_i(E) / 2, at given electrostatic energies.

    Attributes
    ----------
    coupled : array of bool, shape (sites,)
        Which sites exchange electrons with their surroundings.
    balanced : tuple of arrays of bool, shape (sites,)
        The same for each bath whose occupation a balance has to find.
    is_elastic : bool
        Whether a part of gamma scatters at fixed energy.
    is_analytic : bool
        Whether gamma is known at complex energies.
    """

    coupled: np.ndarray
    balanced: tuple[np.ndarray, ...]
    is_elastic: bool = False
    is_analytic: bool

    @property
    def coupling(self) -> np.ndarray:
        """`balanced` as one array, shape (baths, sites); without such a bath, of one that couples nowhere."""
        return np.array(self.balanced) if self.balanced else np.zeros((1, len(self.coupled)), bool)

    @property
    def absorbing(self) -> np.ndarray:
        """Which sites have a bath whose occupation a balance has to find: array of bool, shape (sites,)."""
        return np.any([np.zeros(len(self.coupled), bool), *self.balanced], axis=0)

    @abstractmethod
    def all_alike(self) -> "SelfEnergy":
        """The same self-energy with every bath among those whose occupation a balance has to find."""

    @abstractmethod
    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        """Gamma of each of the `balanced` baths at real energies, each of shape (sites, energies)."""

    def elastic_rate(self, energies: np.ndarray) -> np.ndarray:
        """Gamma of what scatters at fixed energy, shape (sites, energies)."""
        return np.zeros((len(self.coupled), len(energies)))

    @abstractmethod
    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Real and imaginary part of gamma at real or complex energies, each of shape (sites, energies).

        What absorbs electrons is the real part.
        """

    @abstractmethod
    def local(self, energies: np.ndarray) -> np.ndarray:
        """Gamma of each site at a real energy of its own, shape (sites,)."""

    @abstractmethod
    def typical(self) -> np.ndarray:
        """Rate of each site at some energy in the band, shape (sites,)."""

    @abstractmethod
    def thresholds(self) -> np.ndarray:
        """Energies at which gamma has a square-root edge."""

    @abstractmethod
    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        """(alpha, beta), arrays of shape (sites,): i gamma(z) / 2 -> alpha z + beta for large |z|."""

    @abstractmethod
    def at_potential(self, potential: np.ndarray) -> "SelfEnergy":
        """The same with an electrostatic energy U_i at each site."""

    @abstractmethod
    def in_order(self, order: np.ndarray) -> "SelfEnergy":
        """The same with sites permuted."""


class Broadening(SelfEnergy):
    """gamma_i(E) = strength_i * v_c(i)(E - U_i), with v = 1 for a rate and the lead's velocity for a mean free path.

    Parameters
    ----------
    strength : array of float, shape (sites,)
        The rate, or one over the mean free path; 0 where a site is not coupled.
    leads : sequence of Lead or None
        The leads whose velocities count; None for a rate.
    lead_of_site : array of int or None
        Number of each site's lead.
    potential : array of float, shape (sites,), or None
        U_i; None: 0.
    """

    def __init__(self, strength: np.ndarray, leads: Sequence[Lead] | None = None,
                 lead_of_site: np.ndarray | None = None, potential: np.ndarray | None = None) -> None:
        self.strength = strength
        self.coupled = strength > 0
        self.balanced = (self.coupled,)
        self._leads = leads or ()
        self._lead_of_site = np.zeros(len(strength), int) if lead_of_site is None else lead_of_site
        self._potential = potential
        self._used = np.unique(self._lead_of_site[self.coupled]) if self._leads else np.empty(0, int)
        self.is_analytic = all(self._leads[a].is_chain for a in self._used)

    def at_potential(self, potential: np.ndarray) -> "Broadening":
        return Broadening(self.strength, self._leads, self._lead_of_site, potential)

    def in_order(self, order: np.ndarray) -> "Broadening":
        return Broadening(self.strength[order], self._leads, self._lead_of_site[order],
                          None if self._potential is None else self._potential[order])

    def thresholds(self) -> np.ndarray:
        edges = [np.empty(0)]
        for a in self._used:
            local: float | np.ndarray = 0.0
            if self._potential is not None:
                # Every site has edges of its own; between the outermost of them the panels adapt.
                at_sites = self._potential[self.coupled & (self._lead_of_site == a)]
                local = np.array([at_sites.min(), at_sites.max()])[:, None]
            edges.append(np.ravel(self._leads[a].thresholds() + local))
        return np.concatenate(edges)

    def local(self, energies: np.ndarray) -> np.ndarray:
        if not self._leads:
            return self.strength
        energies = energies if self._potential is None else energies - self._potential
        result = np.zeros(len(energies))
        for a in self._used:
            sites = np.flatnonzero(self.coupled & (self._lead_of_site == a))
            result[sites] = self.strength[sites] * smooth_values(partial(_speed, self._leads[a]), energies[sites])
        return result

    def typical(self) -> np.ndarray:
        """See `SelfEnergy`; in the middle of its lead's band."""
        if not self._leads:
            return self.strength
        speed = np.zeros(len(self._leads))
        for a in self._used:
            speed[a] = max(np.ptp(self._leads[a].thresholds()), 1e-300) * self._leads[a].period / 4
        return self.strength * speed[self._lead_of_site]

    def all_alike(self) -> "Broadening":
        return self

    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        return [self.parts(energies)[0]]

    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self._leads:
            shape = (len(self.strength), len(energies))
            return np.repeat(self.strength, shape[1]).reshape(shape), np.zeros(shape)
        if self._potential is not None:
            return self._local_parts(energies, self._potential)
        velocities = np.zeros((len(self._leads), len(energies)), complex)
        for a in self._used:
            velocities[a] = self._leads[a].velocity(energies)
        gamma = self.strength[:, None] * velocities[self._lead_of_site]
        return gamma.real, gamma.imag

    def _local_parts(self, energies, potential):
        result = np.zeros((2, len(self.strength), len(energies)))
        for a in self._used:
            sites = np.flatnonzero(self.coupled & (self._lead_of_site == a))
            velocity = self._leads[a].velocity(energies - potential[sites, None])
            result[:, sites] = self.strength[sites, None] * np.array([velocity.real, velocity.imag])
        return result

    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._leads:
            return np.zeros(len(self.strength)), 0.5j * self.strength
        # v(z) -> -i (z - center) a on a chain
        alpha = 0.5 * self.strength * np.array([lead.period for lead in self._leads])[self._lead_of_site]
        centers = np.array([lead.center for lead in self._leads])[self._lead_of_site]
        if self._potential is not None:
            centers = centers + self._potential
        return alpha, np.where(self.coupled, -alpha * centers, 0) + 0j


def _speed(lead, energies):
    return lead.velocity(energies).real


class Broadenings(SelfEnergy):
    """Several baths at once: their gamma add up in the Green's function, and each keeps its own.

    Parameters
    ----------
    balanced : sequence of SelfEnergy
        Of the baths whose occupation a balance has to find.
    elastic : sequence of SelfEnergy
    """

    def __init__(self, balanced: Sequence[SelfEnergy], elastic: Sequence[SelfEnergy]) -> None:
        self._balanced, self._elastic = tuple(balanced), tuple(elastic)
        self._all = self._balanced + self._elastic
        self.coupled = np.any([part.coupled for part in self._all], axis=0)
        self.balanced = tuple(part.coupled for part in self._balanced)
        self.is_elastic = bool(np.any([part.coupled for part in self._elastic]))
        self.is_analytic = all(part.is_analytic for part in self._all)

    def all_alike(self) -> "Broadenings":
        return Broadenings(self._all, [])

    def _each(self, change):
        return Broadenings([change(part) for part in self._balanced], [change(part) for part in self._elastic])

    def at_potential(self, potential: np.ndarray) -> "Broadenings":
        return self._each(lambda part: part.at_potential(potential))

    def in_order(self, order: np.ndarray) -> "Broadenings":
        return self._each(lambda part: part.in_order(order))

    def thresholds(self) -> np.ndarray:
        return np.unique(np.concatenate([part.thresholds() for part in self._all]))

    def local(self, energies: np.ndarray) -> np.ndarray:
        return reduce(np.add, (part.local(energies) for part in self._all))

    def typical(self) -> np.ndarray:
        return reduce(np.add, (part.typical() for part in self._all))

    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        real, imaginary = zip(*(part.parts(energies) for part in self._all), strict=True)
        return reduce(np.add, real), reduce(np.add, imaginary)

    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        return [part.parts(energies)[0] for part in self._balanced]

    def elastic_rate(self, energies: np.ndarray) -> np.ndarray:
        return sum((part.parts(energies)[0] for part in self._elastic), super().elastic_rate(energies))

    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        alpha, beta = zip(*(part.asymptote() for part in self._all), strict=True)
        return reduce(np.add, alpha), reduce(np.add, beta)
