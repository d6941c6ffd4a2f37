"""Electrons on a lattice that scatter off phonons, as numbers, and the energies that matter."""

from collections.abc import Sequence

import numpy as np

from ..errors import ConvergenceError
from ..model.baths import Baths
from ..model.broadening import Broadening, Broadenings
from ..model.electrostatics import Law, ramps
from ..model.lattice import Lattice
from ..model.per_site import named
from ..model.phonons import AcousticPhonons, Phonons, common_quantum, modes_of
from ..model.reservoirs import Reservoir, equilibrium_mu, known_mus, neutral_potentials
from ..model.self_energy import bath_broadening
from ..numerics.ladders import Ladders, ladders
from ..propagators.choose import propagator_for
from .scattering import Surroundings
from .screening import BornScreening
from .tadpole import Tadpole

# Pieces are first no wider than so many k_B T; how far above the highest mu energies matter, in k_B T, and how far
# above and below all bands, in the largest quanta.
_WIDTH, _TOP, _MARGIN = 2.0, 35.0, 3
# More energies than these are not tried.
_MOST = 1e7
# Grids of acoustic phonons alone.
_STEP = 4.0


class QuantumProblem:
    """Electrons on a lattice that scatter off phonons.

    Parameters
    ----------
    lattice : Lattice
    reservoirs : sequence of Reservoir
    band_shifts : array of float, shape (leads,)
    quanta : sequence of Phonons
    baths : Baths
        Probes of phonons and elastic scattering beside them.
    method : str or None
    electrostatics : Law, optional

    Attributes
    ----------
    propagator : LatticePropagator
    site : array of int, shape (rows,)
        Site of each of the propagator's rows, which are sites or orbitals.
    each_orbital : bool
        Whether rows are orbitals.
    coupled : array of bool, shape (sites,)
        Where anything scatters.
    temperature : array of float, shape (sites,)
        Of the phonons, nan where none couple.
    mu0 : float
        Mean of the reservoirs' mu that are known.
    surroundings : Surroundings
    law : BornScreening or None
    has_tadpole : bool
        Whether the law is that of the static shift by phonons.
    step, hottest : float
        The largest quantum, and k_B T.
    """

    def __init__(self, lattice: Lattice, reservoirs: Sequence[Reservoir], band_shifts: np.ndarray,
                 quanta: Sequence[Phonons], baths: Baths, method: str | None,
                 electrostatics: Law | None = None) -> None:
        modes, acoustic = modes_of(quanta, lattice.sites)
        original = lattice
        self.quantum = common_quantum([mode.energy for mode in modes]) if modes else None
        balanced, elastic = ([bath_broadening(bath, lattice) for bath in kind]
                             for kind in (baths.balanced, baths.elastic))
        self.coupled = np.any([acoustic > 0, *(mode.coupling > 0 for mode in modes),
                               *(part.coupled for part in balanced + elastic)], axis=0)
        lost = lattice.unconnected(self.coupled)
        if len(lost):
            raise ValueError(f"{len(lost)} sites that scatter off phonons, the first "
                             f"{named(lattice.sites[lost[0]])}, are connected to no lead: their occupation is not "
                             "determined.")
        self.temperature = self._temperatures(lattice, quanta, baths)
        each = {one.each_orbital for one in quanta}
        if len(each) > 1:
            raise ValueError("Some phonons have each_orbital=True and some not: all of a list must be alike.")
        rows, self.each_orbital = np.arange(len(lattice.sites)), each.pop()
        if self.each_orbital:
            if method == "kwant":
                raise ValueError('method="kwant" sums over the orbitals of a site: it does not know each_orbital=True.')
            rows, lattice = np.repeat(rows, np.diff(lattice.offsets)), lattice.by_orbital()
            lost = lattice.unconnected(self.coupled[rows])
            if len(lost):
                raise ValueError(f"{len(lost)} orbitals, the first of {named(lattice.sites[rows[lost[0]]])}, are "
                                 "connected to no lead, and with each_orbital=True to no other orbital: their "
                                 "occupation is not determined.")
        self.propagator = propagator_for(lattice, Broadening(np.zeros(len(rows))), band_shifts, method)
        self.site = site = rows[self.propagator.order]
        self.mu0 = float(known_mus(reservoirs).mean())
        lead_temperature = np.array([reservoir.temperature for reservoir in reservoirs], float)
        known = self.temperature[~np.isnan(self.temperature)]
        self._coldest, self.hottest = (pick([lead_temperature.min(), lead_temperature.max(), *known])
                                        for pick in (np.min, np.max))
        reference = np.nan_to_num(self.temperature, nan=self._coldest)
        self.surroundings = Surroundings(
            [mode.in_order(site) for mode in modes], acoustic[site],
            any(one.level_shift for one in quanta if isinstance(one, AcousticPhonons)),
            Broadenings(balanced, elastic).in_order(site) if balanced or elastic else Broadening(np.zeros(len(site))),
            baths.temperatures(original.sites, reference)[:, site], baths.keeps_energy, reservoirs)
        if baths.cold:  # as without quanta
            known = np.concatenate([bath.site_temperatures(original.sites)[part.coupled] for bath, part in
                                    zip(baths.balanced, balanced, strict=True) if bath.takes_heat])
        temperature = float(np.median(known)) if len(known) else self._coldest
        self.law = None if electrostatics is None else self._screening(electrostatics, original, reservoirs,
                                                                       temperature)
        self.has_tadpole = any(mode.tadpole for mode in modes)
        if self.has_tadpole:
            self.law = self._tadpole(band_shifts, temperature)
        self.step = max([mode.energy for mode in modes], default=_STEP * self._coldest)

    @staticmethod
    def _temperatures(lattice: Lattice, quanta: Sequence[Phonons], baths: Baths) -> np.ndarray:
        """Of the phonons at a site: that of the probes, else of the first that couple and take heat."""
        result = np.full(len(lattice.sites), np.nan)
        for one in sorted(quanta, key=lambda one: isinstance(one, AcousticPhonons)):  # these take no heat
            coupled = np.isnan(result) & (one.site_couplings(lattice.sites) > 0)
            result[coupled] = one.site_temperatures(lattice.sites)[coupled]
        for bath in reversed(baths.cold):
            coupled = bath_broadening(bath, lattice).coupled
            result[coupled] = bath.site_temperatures(lattice.sites)[coupled]
        return result

    def _tadpole(self, band_shifts, temperature):
        if self.law is not None:
            raise ValueError("OpticalPhonons with tadpole=True do not go together with electrostatics: both shift the "
                             "levels by the electrons' density. Leave one of them out.")
        everywhere = self.surroundings.baths.coupled.any() or self.without_edges
        if everywhere and not (self.surroundings.baths.is_analytic and self.propagator.has_densities(self.mu0)):
            raise ValueError("OpticalPhonons with tadpole=True need the density, which beside a bath with a "
                             "mean_free_path is known only for leads of one orbital per cell, and with leads by "
                             "self-energy only where that can be called at complex energies. Give the bath a rate.")
        return Tadpole(self.surroundings.modes, band_shifts, self.mu0, temperature)

    def _screening(self, electrostatics, lattice, reservoirs, temperature):
        if not (self.surroundings.baths.is_analytic and self.propagator.has_densities(self.mu0)):
            raise ValueError("Electrostatics needs the density, which with a mean_free_path is known only for leads of "
                             "one orbital per cell, and with leads by self-energy only where that can be called at "
                             "complex energies. Give the bath a rate.")
        return BornScreening(electrostatics.equation(lattice), ramps(lattice), self.site,
                             neutral_potentials(reservoirs), equilibrium_mu(reservoirs), temperature)

    @property
    def without_edges(self) -> bool:
        """Whether some lead does not tell where its bands end."""
        return not all(len(lead.thresholds()) for lead in self.propagator.lattice.leads)

    def _levels_within(self, potential):
        """Two energies between which all levels of the system alone lie (Gershgorin)."""
        matrix = self.propagator.lattice.hamiltonian
        diagonal = matrix.diagonal().real
        reach = np.asarray(abs(matrix).sum(axis=1)).ravel() - np.abs(diagonal)
        low, high = np.min(potential), np.max(potential)
        return np.array([(diagonal - reach).min() + low, (diagonal + reach).max() + high])

    def highest(self, lead_mu: np.ndarray, temperature: np.ndarray) -> float:
        """Energy above which nothing is occupied, by leads, and electrons of these temperatures."""
        return float(lead_mu.max() + _TOP * max(self.hottest, temperature.max(initial=0.0)))

    def grid(self, order: int, potential: np.ndarray | None = None, lead_mu: np.ndarray | None = None) -> Ladders:
        """Ladders over the band, or without a level shift up to where nothing is occupied.

        Parameters
        ----------
        order : int
            Nodes on each piece.
        potential : array of float, shape (rows,), optional
            Electrostatic energies that were found; by default those without charge.
        lead_mu : array of float, shape (leads,), optional
            Those of floating leads as they were found; by default the mean of the others.
        """
        surroundings = self.surroundings
        if lead_mu is None:
            lead_mu = np.array([self.mu0 if reservoir.mu is None else reservoir.mu
                                for reservoir in surroundings.reservoirs])
        propagators, baths = [self.propagator], [surroundings.baths]
        if self.law is not None:
            potential = self.law.start(lead_mu) if potential is None else potential
            # Levels of the neutral system matter to its density.
            propagators = [self.propagator.at_potential(*where) for where in (
                (potential, self.law.lead_potentials(lead_mu)), (np.zeros_like(potential), np.zeros_like(lead_mu)))]
            baths = [baths[0].at_potential(potential), *baths]
        bands = propagators[0].edges()
        if self.without_edges:
            bands = np.concatenate([bands, self._levels_within(0.0 if potential is None else potential)])
        width = max(bands.max() - bands.min(), self.step)
        rate = Broadening(surroundings.typical_rate(width)[np.argsort(self.propagator.order)])
        # Levels next to the bands belong to the states, too.
        window = bands.min() - width, bands.max() + width
        levels = np.concatenate([*(propagator.with_self_energy(rate).thresholds(*window)
                                   for propagator in propagators), *(bath.thresholds() for bath in baths)])
        low, high = (pick([pick(bands), *levels]) + sign * _MARGIN * self.step for pick, sign in ((min, -1), (max, 1)))
        if self.without_edges:  # states of all energies: what electrons may come in with
            low = min(low, lead_mu.min() - _TOP * self.hottest)
            high = max(high, lead_mu.max() + _TOP * self.hottest)
        if not surroundings.shifts_levels:
            high = min(high, self.highest(lead_mu, np.empty(0)) + self.step)
        quantum = self.quantum or self.step
        count = order * (high - low) / min(quantum, _WIDTH * self._coldest)
        if count > _MOST:
            raise ConvergenceError(f"The energies from {low:.4g} to {high:.4g} with the lowest temperature "
                                   f"{self._coldest:.1e} and the quantum {quantum:.1e} are more than {count:.0e}: "
                                   "raise the temperature, or the quantum.")
        return ladders(low, high, quantum, levels[(levels > low) & (levels < high)],
                       _WIDTH * self._coldest, order)
