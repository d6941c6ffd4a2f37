"""Steady states with microscopic phonons: the entry, and the result."""

from collections.abc import Sequence

import numpy as np

from ..errors import ConvergenceError
from ..model.baths import Baths
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
            error.state = (_state(lattice, reservoirs, band_shifts, problem, error.state, rtol)
                           if isinstance(error.state, PhononSolution) else None)
            raise
        return _state(lattice, reservoirs, band_shifts, problem, solution, rtol)


def _state(lattice, reservoirs, band_shifts, problem, solution, rtol):
    point, balance, grid = solution.point, solution.balance, solution.balance.ladders
    sites, energies, weights = len(lattice.sites), grid.energies, grid.weights

    def by_site(values):
        """Sums over the rows of each site, along the first axis."""
        result = np.zeros((sites, *values.shape[1:]))
        np.add.at(result, problem.site, values)
        return result

    def of_modes(values):
        return np.array([by_site(value) for value in values]).reshape(-1, sites)

    rows = by_site(np.ones(len(problem.site)))
    spectral, occupied = by_site(point.spectral), by_site(point.arrived)
    lead_mu, lead_potential = point.lead_mu, band_shifts
    potential, screened = np.zeros(sites), {}
    if problem.has_tadpole:
        screened = {"tadpole": by_site(point.potential) / rows}
    elif problem.law is not None:
        lead_potential = problem.law.lead_potentials(lead_mu)
        potential[problem.site] = point.potential
        screened = {"density_difference": by_site(point.charge), "field": -lattice.gradient(potential),
                    "law_residual": point.law[1]}
    mu0, temperature0 = lead_mu.mean(), problem.surroundings.lead_temperature.mean()
    relative = energies - mu0
    equilibrium = fermi(relative, np.zeros(1), np.array([temperature0]))
    difference = (occupied - spectral * equilibrium) * weights
    measured, _ = weak_probe(relative, weights, spectral, np.stack(
        [difference.sum(axis=1), difference @ relative], axis=1), temperature0)
    mu = np.where(problem.coupled, mu0 + measured, np.nan)
    cold_mu, *hot, _ = point.probing.split(point.unknowns)
    probed = by_site(point.probing.coupled.astype(float)) > 0
    mu[probed] = (by_site(cold_mu) / rows)[probed]
    electrons = {}
    if len(hot[0]):
        heated = by_site(point.probing.heated.astype(float)) > 0
        electrons = {name: np.where(heated, by_site(values) / rows, np.nan)
                     for name, values in zip(("electron_mu", "electron_temperature"), hot, strict=True)}
        electrons["electron_power"] = by_site(balance.electron_power(point))
    resolution = smallest_ratio(np.nan_to_num(problem.temperature, nan=temperature0)[problem.site],
                                point.self_energy.local(np.where(np.isnan(mu), mu0, mu)[problem.site]))
    bonds, flows = _of_sites(problem.site[problem.propagator.bonds], balance.flows(point, mu0, temperature0))
    modes = problem.surroundings.modes
    # Occupations do not count from an equilibrium here: what one mode sends has their rounding errors at least.
    flows_in, least = np.abs(point.inflow) * weights, problem.hottest / TWO_PI
    gross = max(flows_in.sum(axis=1).max(), least)
    gross_energy = max((flows_in * np.abs(relative)).sum(axis=1).max(), least * problem.hottest) + abs(mu0) * gross
    return PhononState(
        power=by_site(solution.power), mu=mu, density=by_site(solution.density), potential=potential,
        current=solution.current, energy_current=solution.energy_current, gross_current=float(gross),
        gross_energy_current=float(gross_energy), bonds=bonds, bond_current=-flows[0],
        bond_energy_current=-flows[1], bath_temperature=problem.temperature, error=solution.error, rtol=float(rtol),
        thermal_resolution=resolution, newton_steps=balance.steps, products=balance.products, energies=len(energies),
        method=problem.propagator.method, green_functions=balance.green_functions * len(energies),
        transports=balance.transports * len(energies), energy=energies, energy_weights=weights, spectral=spectral,
        occupied=occupied, scattering_in=by_site(point.source) / rows[:, None],
        scattering_rate=by_site(point.rate) / rows[:, None],
        each_orbital=problem.each_orbital, phonon_energy=np.array([mode.energy for mode in modes], float),
        phonon_coupling=of_modes([mode.coupling for mode in modes]) / rows,
        phonon_number=of_modes([mode.quanta for mode in modes]) / rows, mode_power=of_modes(solution.mode_power),
        **electrons, **screened, **surroundings(lattice, problem.coupled, reservoirs, lead_mu, lead_potential))


def _of_sites(bonds, flows):
    """Bonds between sites, and their flows, from those between orbitals; within a site there is no bond."""
    backward = bonds[:, 0] > bonds[:, 1]
    outside = bonds[:, 0] != bonds[:, 1]
    pairs, number = np.unique(np.sort(bonds[outside], axis=1), axis=0, return_inverse=True)
    result = np.zeros((len(flows), len(pairs)))
    signed = np.where(backward, -1.0, 1.0) * flows
    np.add.at(result, (slice(None), np.ravel(number)), signed[:, outside])
    return pairs, result
