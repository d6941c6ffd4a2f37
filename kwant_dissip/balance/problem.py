"""Electrons on a lattice between reservoirs and baths: as numbers, and solved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConvergenceError
from ..model.baths import Baths
from ..model.broadening import SelfEnergy
from ..model.electrostatics import Law, ramps
from ..model.lattice import Lattice
from ..model.reservoirs import Reservoir, check_resolved, equilibrium_mu, known_mus, neutral_potentials
from ..model.self_energy import broadening
from ..propagators.choose import propagator_for
from ..propagators.density import EquilibriumDensity
from ..propagators.interface import Propagator
from ..propagators.kwant_solver import warn_of_patience
from ..propagators.lattice import LatticePropagator
from ..propagators.rows import in_rows
from .energy_grid import EnergyGrid
from .near import NearSolution
from .particles import Balance, BalanceResult
from .screening import ScreenedBalance, ScreenedResult, neutral_density
from .solution import Solution
from .spectra import Counts
from .thermal_probes import ThermalProbes

# How often electrostatics evaluates all energies: a few Newton steps of some ten products each.
_EVALUATIONS = 40


class Problem:
    """What `steady_state` solves.

    Parameters
    ----------
    lattice : Lattice
    reservoirs : sequence of Reservoir
    band_shifts : array of float, shape (leads,)
    baths : Baths
    electrostatics : Law or None
    method : str or None

    Attributes
    ----------
    self_energy : SelfEnergy
        Of the baths, in the lattice's order, without electrostatics.
    reference : array of float, shape (sites,)
        k_B T of the phonons, in the lattice's order; without them the mean of the reservoirs.
    temperature : array of float, shape (baths, sites)
        That at which each bath returns electrons, likewise; the reference where it is found.
    propagator : LatticePropagator
        Without electrostatics.
    order : array of int, shape (sites,)
        The sites in the propagator's order.
    probes : ThermalProbes
    """

    def __init__(self, lattice: Lattice, reservoirs: Sequence[Reservoir], band_shifts: np.ndarray, baths: Baths,
                 electrostatics: Law | None, method: str | None) -> None:
        self.lattice, self.reservoirs, self.band_shifts, self.baths = lattice, reservoirs, band_shifts, baths
        self._electrostatics, self._method = electrostatics, method
        self.self_energy: SelfEnergy = broadening(baths, lattice, needed=electrostatics is None)
        of_leads = np.array([reservoir.temperature for reservoir in reservoirs], float)
        self.reference = (np.full(len(lattice.sites), of_leads.mean()) if baths.phonons is None else
                          baths.phonons.site_temperatures(lattice.sites))
        self.temperature = baths.temperatures(lattice.sites, self.reference)
        check_resolved(np.concatenate([of_leads, self.reference, *self.temperature]),
                       max(abs(lattice.hamiltonian).max(), *np.abs(known_mus(reservoirs))))
        self.propagator: LatticePropagator = propagator_for(lattice, self.self_energy, band_shifts, method)
        self.order = order = self.propagator.order
        self.probes = ThermalProbes(self.self_energy.coupling[:, order], self.temperature[:, order], baths.keeps_energy,
                                    reservoirs)

    def in_rows(self, propagator: LatticePropagator) -> Propagator:
        """A propagator as the balance of these baths needs it."""
        return in_rows(propagator, self.probes.keeps_energy)

    def solve(self, rtol: float, memory: float | None, near: NearSolution | None, map_: Callable,
              progress: Callable) -> "Solved":
        """The solution.

        Parameters
        ----------
        rtol, memory
            As of `steady_state`.
        near : NearSolution or None
            To start from.
        map_, progress : callables
            See `EnergyGrid`.

        Raises
        ------
        ConvergenceError
            Its `state` is a `Solved` without density and flows, or None.
        """
        energies = None if near is None or near.energies is None else near.energies.shifted(
            near.mu0 - self.probes.mu0)
        grid = EnergyGrid(self.probes, rtol, map_, progress, memory=memory, near=energies)
        try:
            return self._solved(grid, near) if self._electrostatics is None else self._screened(
                grid, near, self._electrostatics)
        except ConvergenceError as error:
            error.state = Solved(error.state, grid.counts) if isinstance(error.state, BalanceResult) else None
            raise

    def _solved(self, grid, near):
        probes, propagator = self.probes, self.propagator
        balance = Balance(self.in_rows(propagator), probes, grid)
        found = balance.solve(unknowns=None if near is None else near.unknowns(probes))
        density = None
        if propagator.has_densities(probes.mu0):
            equilibrium = EquilibriumDensity(probes.mu0, probes.temperature0, 1e-2 * grid.rtol, grid.map)
            density = found.density[:len(self.order)] + equilibrium(propagator)
        flows = grid.bond_currents(balance.spectra, found.panels, found.unknowns)
        return Solved(found, grid.counts, density, flows, self._solution(propagator, found, self.band_shifts))

    def _screened(self, grid, near, law):
        probes, propagator, order = self.probes, self.propagator, self.order
        if not propagator.has_densities(probes.mu0):
            raise ValueError("Electrostatics needs the density, which with a mean_free_path is known only for leads of "
                             "one orbital per cell, with leads by self-energy only where that can be called at complex "
                             "energies, and with a Bath's profile only where that is complex. Give the bath a "
                             "rate, or a profile with its level shift.")
        if self._method == "kwant":
            warn_of_patience(propagator, "electrostatics", probes.mu0,
                             _EVALUATIONS * probes.first_panels(np.empty(0), grid.count).energies, stacklevel=5)
        neutral_mu, first = equilibrium_mu(self.reservoirs), None
        if near is not None and near.is_screened:
            first = np.concatenate([near.unknowns(probes), near.potentials(probes)])
        found = ScreenedBalance(
            propagator, probes, grid, equation=law.equation(self.lattice).in_order(order),
            ramps=ramps(self.lattice)[order], lead_potentials=neutral_potentials(self.reservoirs),
            equilibrium_mu=neutral_mu, reference=neutral_density(propagator, neutral_mu, probes, grid),
            first=first).solve()
        moved = propagator.at_potential(found.potential, found.lead_potentials)
        unknowns = found.unknowns[:len(probes.start())]
        flows = grid.bond_currents(grid.spectra(self.in_rows(moved)), found.panels, unknowns)
        return Solved(found, grid.counts, found.density, flows, self._solution(moved, found, found.lead_potentials))

    def _solution(self, propagator, found, band_shifts):
        if self._method == "kwant":  # a new one does not hold the matrices of all energies
            potential = found.potential if isinstance(found, ScreenedResult) else np.zeros(len(self.order))
            propagator = propagator.at_potential(potential, band_shifts)
        return Solution(self.in_rows(propagator), self.probes, found.panels,
                        found.unknowns[:len(self.probes.start())], self.order)


@dataclass(frozen=True, eq=False)
class Solved:
    """A solution, and what was computed with it; in the propagator's order.

    Attributes
    ----------
    found : BalanceResult
    counts : Counts
    density : array of float, shape (sites,), or None
        Where it is known.
    flows : arrays of float, shape (2, hoppings), or None
        Particles and energy on every hopping.
    solution : Solution or None
        What spectra follow from.
    """

    found: BalanceResult
    counts: Counts
    density: np.ndarray | None = None
    flows: tuple[np.ndarray, np.ndarray] | None = None
    solution: Solution | None = None
