"""Occupations that a few numbers describe: those of probes, and of leads that float.

Unknown are, one after the other: mu of the probes of phonons at each site; with a bath of electrons mu and k_B T of its
probes; mu of each floating lead. They are such that the probes of phonons take no particles, those of electrons no
energy either, and that no current flows through a floating lead:

    0 = Int gamma_p (n - A F),    0 = Int gamma_e (n - A F_e),    0 = Int (E - mu_e) gamma_e (n - A F_e),    0 = I_a.
"""

from collections.abc import Callable

import numpy as np

from .scattering import Surroundings, fermi

# Temperatures change by this factor in a step, at most.
_FACTOR = 4.0
# T_e^2 = T^2 + (3/pi^2) V^2 xi (1 - xi) in a long wire (Wiedemann-Franz), whose mean is the first guess.
_MEAN = 0.5 / np.pi ** 2


class Probing:
    """Probes and leads on one grid of energies.

    Parameters
    ----------
    surroundings : Surroundings
        At the potential of the sites.
    energies, weights : arrays of float, shape (energies,)

    Attributes
    ----------
    rate, elastic : arrays of float, shape (sites, energies), or 0
        gamma of all probes, and of what scatters elastically.
    level_shift : array of float, shape (sites, energies), or None
        Re Sigma of all these; None: 0.
    coupled, heated : arrays of bool, shape (sites,)
        Where there are probes of phonons, and of electrons.
    """

    def __init__(self, surroundings: Surroundings, energies: np.ndarray, weights: np.ndarray) -> None:
        self._surroundings, self._energies, self._weights = surroundings, energies, weights
        self._sites = sites = len(surroundings.acoustic)
        baths = surroundings.baths
        balanced = [rate if where.any() else None
                    for where, rate in zip(baths.balanced, baths.rates(energies), strict=True)]
        self._hot = balanced.pop() if surroundings.hot else None
        self._cold = balanced[0] if balanced else None
        self.rate = sum((rate for rate in (self._cold, self._hot) if rate is not None), 0.0)
        self.elastic = baths.elastic_rate(energies) if baths.is_elastic else 0.0
        # That of a mean free path, next to the velocity's band.
        shift = 0.5 * baths.parts(energies)[1]
        self.level_shift = shift if shift.any() else None
        self.coupled = np.zeros(sites, bool) if self._cold is None else self._cold.any(axis=1)
        self.heated = np.zeros(sites, bool) if self._hot is None else self._hot.any(axis=1)
        self._floating = surroundings.floating
        self._splits = np.cumsum([sites, sites, sites] if surroundings.hot else [sites, 0, 0])

    def start(self, mu: float) -> np.ndarray:
        """First guess, around some chemical potential."""
        temperature = self._surroundings.lead_temperature
        known = self._surroundings.lead_mu[~np.isnan(self._surroundings.lead_mu)]
        hot = self._splits[2] - self._splits[1]
        return np.concatenate([np.full(self._splits[1], mu), np.full(hot, np.sqrt(
            (temperature ** 2).mean() + _MEAN * np.ptp(known) ** 2)), np.full(len(self._floating), mu)])

    def split(self, unknowns: np.ndarray) -> list[np.ndarray]:
        """Mu of the probes of phonons; mu and k_B T of those of electrons; mu of floating leads."""
        return np.split(unknowns, self._splits)

    def lead_mu(self, unknowns: np.ndarray) -> np.ndarray:
        """Of all leads, shape (leads,)."""
        result = self._surroundings.lead_mu.copy()
        result[self._floating] = self.split(unknowns)[3]
        return result

    def lead_filling(self, unknowns: np.ndarray) -> np.ndarray:
        """Fermi functions of the leads, shape (leads, energies)."""
        return fermi(self._energies, self.lead_mu(unknowns), self._surroundings.lead_temperature)

    def _cold_filling(self, unknowns):
        return fermi(self._energies, self.split(unknowns)[0], self._surroundings.probe_temperature)

    def _hot_filling(self, unknowns):
        _, mu, temperature, _ = self.split(unknowns)
        return fermi(self._energies, mu, temperature)

    def source(self, unknowns: np.ndarray) -> np.ndarray | float:
        """What all probes send in, shape (sites, energies), or 0."""
        total: np.ndarray | float = 0.0
        if self._cold is not None:
            total = self._cold * self._cold_filling(unknowns)
        if self._hot is not None:
            total = total + self._hot * self._hot_filling(unknowns)
        return total

    def cold_taken(self, unknowns: np.ndarray, arrived: np.ndarray, spectral: np.ndarray) -> np.ndarray | None:
        """What probes of phonons take at each site and energy; None where there are none."""
        return None if self._cold is None else self._cold * (arrived - spectral * self._cold_filling(unknowns))

    def hot_taken(self, unknowns: np.ndarray, arrived: np.ndarray, spectral: np.ndarray) -> np.ndarray | None:
        """The same of the probes of electrons."""
        return None if self._hot is None else self._hot * (arrived - spectral * self._hot_filling(unknowns))

    def missing(self, unknowns: np.ndarray, arrived: np.ndarray, spectral: np.ndarray,
                inflow: np.ndarray) -> np.ndarray:
        """What should vanish: particles, and heat, that probes take; currents of floating leads."""
        return self._sums(unknowns, self.cold_taken(unknowns, arrived, spectral),
                          self.hot_taken(unknowns, arrived, spectral), inflow)

    def _sums(self, unknowns, cold, hot, inflow):
        weights, none = self._weights, np.zeros(self._sites)
        parts = [none if cold is None else cold @ weights]
        if self._splits[2] > self._splits[1]:
            mu = self.split(unknowns)[1]
            particles, energy = (none, none) if hot is None else (hot @ weights, hot @ (weights * self._energies))
            parts += [particles, energy - mu * particles]
        return np.concatenate([*parts, inflow[self._floating] @ weights])

    def moved(self, unknowns: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Unknowns after a step; temperatures change by a factor of 4 at most."""
        new = unknowns + step
        temperature = self.split(unknowns)[2]
        new[self._splits[1]:self._splits[2]] = np.clip(self.split(new)[2], temperature / _FACTOR,
                                                       _FACTOR * temperature)
        return new

    def slopes(self, unknowns: np.ndarray, spectral: np.ndarray, arrive: Callable) -> "Slopes":
        """How all of that changes with the unknowns; `arrive` as `Transport.arrive`."""
        return Slopes(self, unknowns, spectral, arrive)


class Slopes:
    """Derivatives with the unknowns, at some occupations; see `Probing.slopes`."""

    def __init__(self, probing: Probing, unknowns: np.ndarray, spectral: np.ndarray, arrive: Callable) -> None:
        self._probing, self._unknowns = probing, unknowns
        energies, weights = probing._energies, probing._weights
        lead_filling = probing.lead_filling(unknowns)
        self._lead_slope = np.zeros_like(lead_filling)
        floating = probing._floating
        self._lead_slope[floating] = (lead_filling * (1 - lead_filling))[floating] / \
            probing._surroundings.lead_temperature[floating, None]
        # A floating lead's row is its current, as it is, over what it grows by with mu.
        self.own = np.ones(len(unknowns))
        self.own[probing._splits[2]:] = 0.0
        if len(floating):
            nothing = np.zeros_like(spectral)
            self._conductance = (arrive(nothing, self._lead_slope)[1] @ weights)[floating]
        self._cold = self._hot = None
        if probing._cold is not None:
            filling = probing._cold_filling(unknowns)
            self._cold = probing._cold * filling * (1 - filling) / probing._surroundings.probe_temperature[:, None]
            self._cold_own = np.where(probing.coupled, (self._cold * spectral) @ weights, 1.0)
        if probing._hot is not None:
            _, mu, temperature, _ = probing.split(unknowns)
            filling = probing._hot_filling(unknowns)
            self._hot = probing._hot * filling * (1 - filling) / temperature[:, None]
            self._heat = (energies - mu[:, None]) / temperature[:, None]
            own = self._hot * spectral * weights
            zeroth, first, second = own.sum(axis=1), (own * self._heat).sum(axis=1), (own * self._heat ** 2).sum(axis=1)
            self._hot_own = np.where(probing.heated, [[zeroth, first], [first * temperature, second * temperature]],
                                     np.eye(2)[:, :, None])

    def lead_filling(self, step: np.ndarray) -> np.ndarray:
        """Change of the leads' Fermi functions."""
        result = self._lead_slope.copy()
        result[self._probing._floating] *= self._probing.split(step)[3][:, None]
        return result

    def source(self, step: np.ndarray) -> np.ndarray | float:
        """Change of what probes send in."""
        cold_mu, mu, temperature, _ = self._probing.split(step)
        total: np.ndarray | float = 0.0
        if self._cold is not None:
            total = self._cold * cold_mu[:, None]
        if self._hot is not None:
            total = total + self._hot * (mu[:, None] + self._heat * temperature[:, None])
        return total

    def scaled(self, missing: np.ndarray) -> np.ndarray:
        """The step that would make up for what is missing if nothing else changed; leads with the sign turned."""
        probing = self._probing
        cold, particles, heat, current = probing.split(missing)
        step = np.zeros_like(missing)
        parts = probing.split(step)
        with np.errstate(divide="ignore", invalid="ignore"):  # where there are no states at mu: `krylov` says so
            if self._cold is not None:
                parts[0][:] = cold / self._cold_own
            if self._hot is not None:
                (a, b), (c, d) = self._hot_own
                determinant = a * d - b * c
                parts[1][:] = (d * particles - b * heat) / determinant
                parts[2][:] = (a * heat - c * particles) / determinant
            if len(current):
                parts[3][:] = -current / self._conductance
        return step

    def absorbed(self, change: np.ndarray, inflow: np.ndarray) -> np.ndarray:
        """`scaled` of what probes and floating leads take of a change of what arrives and enters."""
        cold, hot = (None if rate is None else rate * change for rate in (self._probing._cold, self._probing._hot))
        return self.scaled(self._probing._sums(self._unknowns, cold, hot, inflow))
