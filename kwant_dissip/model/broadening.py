"""The probes' self-energies -i gamma_i(E) / 2, from a PhononBath and the leads' velocities."""

import copy

import numpy as np


class Broadening:
    """gamma_i(E) = strength_i * v_c(i)(E - U_i), with v = 1 for a rate and the lead's velocity for a mean free path.

    Parameters
    ----------
    strength : array of float, shape (sites,)
        The rate, or one over the mean free path; 0 where a site is not coupled.
    leads : sequence of Lead or None
        The leads whose velocities count; None for a rate.
    lead_of_site : array of int or None
        Number of each site's lead.
    """

    def __init__(self, strength, leads=None, lead_of_site=None):
        self.strength = strength
        self._leads = leads
        self._lead_of_site = lead_of_site
        self._potential = None

    def at_potential(self, potential):
        """The same with an electrostatic energy U_i at each site."""
        other = copy.copy(self)
        other._potential = potential
        return other

    @property
    def coupled(self):
        """Which sites exchange electrons with phonons, array of bool, shape (sites,)."""
        return self.strength > 0

    @property
    def is_analytic(self):
        """Whether gamma is known at complex energies."""
        return self._leads is None or all(self._leads[a].is_chain for a in self._used())

    def _used(self):
        return np.unique(self._lead_of_site[self.coupled])

    def thresholds(self):
        """Energies at which gamma has a square-root edge."""
        if self._leads is None or not np.any(self.coupled):
            return np.empty(0)
        edges = []
        for a in self._used():
            local = 0.0
            if self._potential is not None:
                # Every site has edges of its own; between the outermost of them the panels adapt.
                local = self._potential[self.coupled & (self._lead_of_site == a)]
                local = np.array([local.min(), local.max()])[:, None]
            edges.append(np.ravel(self._leads[a].thresholds() + local))
        return np.concatenate(edges)

    def typical(self):
        """Rate of each site in the middle of its lead's band, array of float of shape (sites,)."""
        if self._leads is None:
            return self.strength
        speed = [max(np.ptp(lead.thresholds()), 1e-300) * lead.period / 4 for lead in self._leads]
        return self.strength * np.array(speed)[self._lead_of_site]

    def parts(self, energies):
        """Real and imaginary part of gamma at real or complex energies, each of shape (sites, energies).

        The self-energy is -i gamma / 2; what couples to the phonons is its real part.
        """
        if self._leads is None:
            shape = (len(self.strength), len(energies))
            return np.repeat(self.strength, shape[1]).reshape(shape), np.zeros(shape)
        if self._potential is not None:
            return self._local_parts(energies)
        velocities = np.zeros((len(self._leads), len(energies)), complex)
        for a in self._used():
            velocities[a] = self._leads[a].velocity(energies)
        return tuple(self.strength[:, None] * part[self._lead_of_site] for part in (velocities.real, velocities.imag))

    def _local_parts(self, energies):
        result = np.zeros((2, len(self.strength), len(energies)))
        for a in self._used():
            sites = np.flatnonzero(self.coupled & (self._lead_of_site == a))
            velocity = self._leads[a].velocity(energies - self._potential[sites, None])
            result[:, sites] = self.strength[sites, None] * np.array([velocity.real, velocity.imag])
        return result

    def asymptote(self):
        """(alpha, beta), arrays of shape (sites,): i gamma(z) / 2 -> alpha z + beta for large |z|."""
        if self._leads is None:
            return np.zeros(len(self.strength)), 0.5j * self.strength
        # v(z) -> -i (z - center) a on a chain
        alpha = 0.5 * self.strength * np.array([lead.period for lead in self._leads])[self._lead_of_site]
        centers = np.array([lead.center if lead.is_chain else np.nan for lead in self._leads])[self._lead_of_site]
        if self._potential is not None:
            centers = centers + self._potential
        return alpha, np.where(self.coupled, -alpha * centers, 0) + 0j

    def in_order(self, order):
        """The same with sites permuted."""
        return Broadening(self.strength[order], self._leads,
                          None if self._lead_of_site is None else self._lead_of_site[order])


def broadening(bath, lattice, needed=True):
    """Broadening of every site of a lattice.

    Parameters
    ----------
    bath : PhononBath
    lattice : Lattice
    needed : bool, optional
        Whether the bath must reach a site.

    Raises
    ------
    ValueError
        If the bath's values have the wrong length or range, or reach no site.
    """
    if bath.rate is not None:
        result = Broadening(bath.site_rates(lattice.sites))
    else:
        lead_of_site = bath.site_leads(lattice.sites, lattice.nearest_leads(), len(lattice.leads))
        result = Broadening(1 / bath.site_mean_free_paths(lattice.sites), lattice.leads, lead_of_site)
    if needed and not np.any(result.coupled):
        raise ValueError(f"{bath!r} reaches no site: every rate is 0 or every mean free path infinite.")
    return result
