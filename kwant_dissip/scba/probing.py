"""Occupations that a few numbers describe, on a grid of energies: those of probes, and of leads that float.

The unknowns are those of `balance.thermal_probes`. They are such that no bath takes particles from a site, those that
keep energy no energy either, and that no current flows through a floating lead:

    0 = Int gamma_b (n - A F_b),    0 = Int (E - mu_b) gamma_b (n - A F_b),    0 = I_a.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from ..balance.thermal_probes import ThermalProbes
from ..model.broadening import SelfEnergy


class Probing:
    """Probes and leads on one grid of energies.

    Parameters
    ----------
    probes : ThermalProbes
    baths : SelfEnergy
        In the propagator's order, at the potential of the sites.
    energies, weights : arrays of float, shape (energies,)

    Attributes
    ----------
    probes : ThermalProbes
    rate, elastic : arrays of float, shape (sites, energies), or 0
        gamma of all probes, and of what scatters elastically.
    level_shift : array of float, shape (sites, energies), or None
        Re Sigma of all these; None: 0.
    """

    def __init__(self, probes: ThermalProbes, baths: SelfEnergy, energies: np.ndarray, weights: np.ndarray) -> None:
        self.probes, self._energies, self._weights = probes, energies - probes.mu0, weights
        self._equilibrium = expit(-self._energies / probes.temperature0)
        self._rates = np.array(baths.rates(energies)) if probes.coupled.any() else None
        self.rate = 0.0 if self._rates is None else self._rates.sum(axis=0)
        self.elastic = baths.elastic_rate(energies) if baths.is_elastic else 0.0
        # That of a mean free path, next to the velocity's band.
        shift = 0.5 * baths.parts(energies)[1]
        self.level_shift = shift if shift.any() else None

    def lead_mu(self, unknowns: np.ndarray) -> np.ndarray:
        """Of all leads, shape (leads,)."""
        return self.probes.mu0 + self.probes.lead_mus(unknowns)

    def temperatures(self, unknowns: np.ndarray) -> np.ndarray:
        """K_B T of probes that keep energy, shape (baths, sites)."""
        return self.probes.local(unknowns)[1].reshape(-1, self.probes.sites)

    def lead_filling(self, unknowns: np.ndarray) -> np.ndarray:
        """Fermi functions of the leads, shape (leads, energies)."""
        return self._equilibrium + self.probes.lead_fillings(self._energies, unknowns)

    def _filling(self, unknowns):
        return (self._equilibrium + self.probes.site_fillings(self._energies, unknowns)).reshape(
            -1, self.probes.sites, len(self._energies))

    def source(self, unknowns: np.ndarray) -> np.ndarray | float:
        """What all probes send in, shape (sites, energies), or 0."""
        return 0.0 if self._rates is None else (self._rates * self._filling(unknowns)).sum(axis=0)

    def taken(self, unknowns: np.ndarray, arrived: np.ndarray, spectral: np.ndarray) -> np.ndarray | None:
        """What probes take at each site and energy, shape (baths, sites, energies); None without any."""
        return None if self._rates is None else self._rates * (arrived - spectral * self._filling(unknowns))

    def power(self, unknowns: np.ndarray, arrived: np.ndarray, spectral: np.ndarray) -> np.ndarray:
        """Power that each bath takes, shape (baths, sites)."""
        taken = self.taken(unknowns, arrived, spectral)
        if taken is None:
            return np.zeros((self.probes.baths, self.probes.sites))
        return taken @ (self._weights * (self._energies + self.probes.mu0))

    def missing(self, unknowns: np.ndarray, arrived: np.ndarray, spectral: np.ndarray,
                inflow: np.ndarray) -> np.ndarray:
        """What should vanish: particles, and heat, that probes take; currents of floating leads."""
        return self._sums(unknowns, self.taken(unknowns, arrived, spectral), inflow)

    def largest(self, missing: np.ndarray) -> float:
        """The largest of what is missing, heat over the lowest temperature."""
        heat = np.abs(self.probes.excess(missing)).max(initial=0.0) / self.probes.coldest
        return max(heat, *(np.abs(part).max(initial=0.0) for part in self.probes.split(missing)))

    def _sums(self, unknowns, taken, inflow):
        probes, hot = self.probes, self.probes.hot
        particles = np.zeros(len(probes.coupled)) if taken is None else (taken @ self._weights).ravel()
        heat = np.zeros(len(hot))
        if len(hot) and taken is not None:
            energy = taken[probes.hot_baths] @ (self._weights * self._energies)
            heat = energy.ravel() - unknowns[hot] * particles[hot]
        return np.concatenate([particles, heat, inflow[probes.floating] @ self._weights])

    def slopes(self, unknowns: np.ndarray, spectral: np.ndarray, arrive: Callable) -> "Slopes":
        """How all of that changes with the unknowns; `arrive` as `Transport.arrive`."""
        return Slopes(self, unknowns, spectral, arrive)


class Slopes:
    """Derivatives with the unknowns, at some occupations; see `Probing.slopes`."""

    def __init__(self, probing: Probing, unknowns: np.ndarray, spectral: np.ndarray, arrive: Callable) -> None:
        self._probing, self._unknowns, probes = probing, unknowns, probing.probes
        energies, weights, rates = probing._energies, probing._weights, probing._rates
        self._lead_slope = probes.floating_slopes(energies, unknowns)
        # A floating lead's row is its current, as it is, over what it grows by with mu.
        self.own = np.ones(len(unknowns))
        if len(probes.floating):
            self.own[-len(probes.floating):] = 0.0
            self._conductance = (arrive(np.zeros_like(spectral), self._lead_slope)[1] @ weights)[probes.floating]
        self._emitted = None
        if rates is not None:
            self._emitted = rates * probes.site_slopes(energies, unknowns).reshape(rates.shape)
            own = (self._emitted * spectral * weights).reshape(-1, len(energies))
            self._particles = np.where(probes.coupled, own.sum(axis=1), 1.0)
            if len(probes.hot):
                mu, temperature = probes.local(unknowns)
                self._heat = (energies - mu[:, None]) / temperature[:, None]
                own, where = own[probes.hot], probes.coupled[probes.hot]
                first, second = (own * self._heat).sum(axis=1), (own * self._heat ** 2).sum(axis=1)
                # Changes of particles and heat with mu and T.
                self._hot_own = np.where(where, [[self._particles[probes.hot], first],
                                                 [first * temperature, second * temperature]], np.eye(2)[:, :, None])

    def lead_filling(self, step: np.ndarray) -> np.ndarray:
        """Change of the leads' Fermi functions."""
        result, probes = self._lead_slope.copy(), self._probing.probes
        result[probes.floating] *= probes.split(step)[1][:, None]
        return result

    def source(self, step: np.ndarray) -> np.ndarray | float:
        """Change of what probes send in."""
        if self._emitted is None:
            return 0.0
        probes, (baths, sites, _) = self._probing.probes, self._emitted.shape
        mu = probes.split(step)[0].reshape(baths, sites, 1)
        total = (self._emitted * mu).sum(axis=0)
        if len(probes.hot):
            warmer = (self._heat * probes.excess(step)[:, None]).reshape(-1, *self._emitted.shape[1:])
            total += (self._emitted[probes.hot_baths] * warmer).sum(axis=0)
        return total

    def scaled(self, missing: np.ndarray) -> np.ndarray:
        """The step that would make up for what is missing if nothing else changed; leads with the sign turned."""
        probes, step = self._probing.probes, np.zeros_like(missing)
        particles, current = probes.split(missing)
        with np.errstate(divide="ignore", invalid="ignore"):  # where there are no states at mu: `krylov` says so
            if self._emitted is not None:
                step[:len(particles)] = particles / self._particles
                if len(probes.hot):
                    (a, b), (c, d) = self._hot_own
                    heat, number, determinant = probes.excess(missing), particles[probes.hot], a * d - b * c
                    step[probes.hot] = (d * number - b * heat) / determinant
                    step[probes.temperatures] = (a * heat - c * number) / determinant
            if len(current):
                step[-len(current):] = -current / self._conductance
        return step

    def absorbed(self, change: np.ndarray, inflow: np.ndarray) -> np.ndarray:
        """`scaled` of what probes and floating leads take of a change of what arrives and enters."""
        rates = self._probing._rates
        return self.scaled(self._probing._sums(self._unknowns, None if rates is None else rates * change, inflow))
