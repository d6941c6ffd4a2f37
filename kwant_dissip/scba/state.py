"""Steady states with microscopic phonons: the entry, and the result."""

from collections.abc import Sequence

import numpy as np

from ..errors import ConvergenceError
from ..model.baths import Baths
from ..model.by_bath import ByBath
from ..model.electrostatics import Law
from ..model.lattice import Lattice
from ..model.phonons import Phonons
from ..model.reservoirs import Reservoir
from ..model.resolution import smallest_ratio
from ..numerics.quadrature import TWO_PI
from ..numerics.threads import thread_pool
from ..numerics.weak_probe import weak_probe
from ..progress import reporting, stage_bar
from ..propagators.kwant_solver import warn_of_patience
from ..results.phonon_state import PhononState
from ..results.surroundings import surroundings
from .problem import QuantumProblem
from .refinement import PhononSolution, Refinement
from .scattering import fermi

# How often Green's functions of the first grid's energies are computed, or as many others: two grids, settled often.
_EVALUATIONS = 100


def quantum_state(lattice: Lattice, reservoirs: Sequence[Reservoir], band_shifts: np.ndarray,
                  quanta: Sequence[Phonons], baths: Baths, method: str | None, rtol: float,
                  start: PhononState | None = None, electrostatics: Law | None = None) -> PhononState:
    """`steady_state` with microscopic phonons in the list of baths; arguments as checked there.

    Raises
    ------
    ValueError
        If baths do not go together, or reach no site.
    ConvergenceError
        With the best state as its `state`.
    """
    problem = QuantumProblem(lattice, reservoirs, band_shifts, quanta, baths, method, electrostatics)
    with thread_pool(keep_freed=False) as threads, stage_bar("steady_state") as progress:
        map_ = reporting(threads, progress)
        refinement = Refinement(problem, rtol, map_, progress, start)
        if method == "kwant":
            warn_of_patience(problem.propagator, "microscopic phonons", problem.mu0,
                             _EVALUATIONS * len(refinement.first_grid().energies), stacklevel=4)
        try:
            solution = refinement.solved()
        except ConvergenceError as error:
            error.state = (_state(lattice, reservoirs, band_shifts, problem, baths, error.state, rtol)
                           if isinstance(error.state, PhononSolution) else None)
            raise
        return _state(lattice, reservoirs, band_shifts, problem, baths, solution, rtol)


class _Sites:
    """Values of a problem's rows, which are sites or orbitals, as those of sites."""

    def __init__(self, problem, sites):
        self._site, self._sites = problem.site, sites
        self.rows = self.sums(np.ones(len(problem.site)))

    def sums(self, values):
        """Over the rows of each site, along the first axis."""
        result = np.zeros((self._sites, *values.shape[1:]))
        np.add.at(result, self._site, values)
        return result

    def sums_of_each(self, values):
        """The same of each of several arrays, shape (arrays, sites)."""
        return np.array([self.sums(value) for value in values]).reshape(-1, self._sites)

    def means_of_each(self, values):
        """Likewise."""
        return self.sums_of_each(values) / self.rows


def _state(lattice, reservoirs, band_shifts, problem, baths, solution, rtol):
    point, balance, grid = solution.point, solution.balance, solution.balance.ladders
    energies, weights, sites = grid.energies, grid.weights, _Sites(problem, len(lattice.sites))
    spectral, occupied = sites.sums(point.spectral), sites.sums(point.arrived)
    lead_mu, lead_potential = point.lead_mu, band_shifts
    potential, extra = np.zeros(len(lattice.sites)), {}
    if problem.has_tadpole:
        extra = {"tadpole": sites.sums(point.potential) / sites.rows}
    elif problem.law is not None:
        lead_potential = problem.law.lead_potentials(lead_mu)
        potential[problem.site] = point.potential
        extra = {"density_difference": sites.sums(point.charge), "field": -lattice.gradient(potential),
                 "law_residual": point.law[1]}
    mu0, temperature0 = lead_mu.mean(), problem.surroundings.lead_temperature.mean()
    relative = energies - mu0
    equilibrium = fermi(relative, np.zeros(1), np.array([temperature0]))
    difference = (occupied - spectral * equilibrium) * weights
    measured, _ = weak_probe(relative, weights, spectral, np.stack(
        [difference.sum(axis=1), difference @ relative], axis=1), temperature0)
    probed, of_baths = _of_baths(baths, problem, sites, solution)
    extra.update(of_baths)
    mu = np.where(problem.coupled, np.where(np.isnan(probed), mu0 + measured, probed), np.nan)
    resolution = smallest_ratio(np.nan_to_num(problem.temperature, nan=temperature0)[problem.site],
                                point.self_energy.local(np.where(np.isnan(mu), mu0, mu)[problem.site]))
    bonds, flows = _of_sites(problem.site[problem.propagator.bonds], balance.flows(point, mu0, temperature0))
    modes = problem.surroundings.modes
    # Occupations do not count from an equilibrium here: what one mode sends has their rounding errors at least.
    flows_in, least = np.abs(point.inflow) * weights, problem.hottest / TWO_PI
    gross = max(flows_in.sum(axis=1).max(), least)
    gross_energy = max((flows_in * np.abs(relative)).sum(axis=1).max(), least * problem.hottest) + abs(mu0) * gross
    return PhononState(
        power=sites.sums(solution.power), mu=mu, density=sites.sums(solution.density), potential=potential,
        current=solution.current, energy_current=solution.energy_current, gross_current=float(gross),
        gross_energy_current=float(gross_energy), bonds=bonds, bond_current=-flows[0],
        bond_energy_current=-flows[1], bath_temperature=problem.temperature, error=solution.error, rtol=float(rtol),
        thermal_resolution=resolution, newton_steps=balance.steps, products=balance.products, energies=len(energies),
        method=problem.propagator.method, green_functions=balance.green_functions * len(energies),
        transports=balance.transports * len(energies), energy=energies, energy_weights=weights, spectral=spectral,
        occupied=occupied, scattering_in=sites.sums(point.source) / sites.rows[:, None],
        scattering_rate=sites.sums(point.rate) / sites.rows[:, None],
        each_orbital=problem.each_orbital, phonon_energy=np.array([mode.energy for mode in modes], float),
        phonon_coupling=sites.means_of_each([mode.coupling for mode in modes]),
        phonon_number=sites.means_of_each([mode.quanta for mode in modes]),
        mode_power=sites.sums_of_each(solution.mode_power), **extra,
        **surroundings(lattice, problem.coupled, reservoirs, lead_mu, lead_potential))


def _of_baths(baths, problem, sites, solution):
    """Mu of the probes that take heat at each site, nan where there are none, and fields that tell of the baths."""
    probes, unknowns, rows = problem.surroundings.probes, solution.point.unknowns, len(problem.site)
    by_bath = ByBath(baths, sites.sums_of_each(problem.surroundings.baths.balanced) > 0)
    mus, powers, temperatures = (by_bath.of_balanced(of_each(values.reshape(-1, rows))) for of_each, values in (
        (sites.means_of_each, probes.mu0 + probes.split(unknowns)[0]), (sites.sums_of_each, solution.probe_power),
        (sites.means_of_each, problem.surroundings.temperature)))
    fields = {}
    if len(probes.hot):
        temperatures[probes.hot_baths] = sites.means_of_each(solution.point.probing.temperatures(unknowns))
        fields = {"electron_mu": by_bath.keeping_energy(mus), "electron_power": by_bath.kept(powers),
                  "electron_temperature": by_bath.keeping_energy(temperatures)}
    return by_bath.taking_heat(mus), {**fields, **by_bath.others(mus, powers, temperatures)}


def _of_sites(bonds, flows):
    """Bonds between sites, and their flows, from those between orbitals; within a site there is no bond."""
    backward = bonds[:, 0] > bonds[:, 1]
    outside = bonds[:, 0] != bonds[:, 1]
    pairs, number = np.unique(np.sort(bonds[outside], axis=1), axis=0, return_inverse=True)
    result = np.zeros((len(flows), len(pairs)))
    signed = np.where(backward, -1.0, 1.0) * flows
    np.add.at(result.T, np.ravel(number), signed[:, outside].T)
    return pairs, result
