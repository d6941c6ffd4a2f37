"""Two wires around a scatterer at a bias: their balance on a mesh of cells, and the state that it is."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from scipy.special import expit

from ..balance.energy_grid import EnergyGrid
from ..balance.particles import Balance
from ..balance.thermal_probes import ThermalProbes
from ..errors import ConvergenceError
from ..model.baths import Bath, Baths
from ..model.by_bath import ByBath
from ..model.electrostatics import Law
from ..model.reservoirs import Reservoir, equilibrium_mu
from ..model.resolution import smallest_ratio, smooth_values
from ..numerics import gauss
from ..numerics.checks import is_number
from ..propagators.rows import in_rows
from ..results.kinetic_state import KineticState
from .mesh import Maker, Mesh
from .scatterers import FunctionScatterer, KwantScatterer
from .streams import Relaxation


def bath_temperature(bath: Bath) -> float:
    """Temperature of a bath that takes heat, the same everywhere."""
    if not is_number(bath.temperature):
        raise ValueError(f"The kinetic theory takes a {type(bath).__name__} with one temperature, "
                         f"got {bath.temperature!r}.")
    return float(cast(float, bath.temperature))


class KineticProblem:
    """What the kinetic `steady_state` solves.

    Parameters
    ----------
    scatterer : FunctionScatterer or KwantScatterer
    gamma : Relaxation
    reservoirs : sequence of two Reservoir
    baths : Baths
        The same everywhere.
    electrostatics : Law or None
    rtol : float
    """

    def __init__(self, scatterer: FunctionScatterer | KwantScatterer, gamma: Relaxation,
                 reservoirs: Sequence[Reservoir], baths: Baths, electrostatics: Law | None, rtol: float) -> None:
        self._scatterer, self._gamma, self._reservoirs, self._baths = scatterer, gamma, reservoirs, baths
        self._screens, self._rtol = electrostatics is not None, rtol
        self._lead_temperature = np.array([reservoir.temperature for reservoir in reservoirs], float)
        self._reference = float(
            self._lead_temperature.mean() if baths.phonons is None else bath_temperature(baths.phonons))

    def _temperatures(self, nodes):
        return self._baths.temperatures(range(nodes), np.full(nodes, self._reference))

    def _probes(self, nodes):
        temperatures = self._temperatures(nodes)
        return ThermalProbes(np.full(temperatures.shape, bool(self._baths.balanced)), temperatures,
                             self._baths.keeps_energy, self._reservoirs)

    def solve(self, make: Maker, start: Any, map_: Callable, progress: Callable) -> tuple:
        """See `mesh.adapt`; one step towards U = mu - mu_eq, which calls again until it is settled."""
        probes = self._probes(make.nodes)
        panels, profiles, lead_mu = start or (None, _profiles(probes, probes.start()), np.zeros(len(probes.floating)))
        shift = profiles[0]
        potentials = shift + probes.mu0 - equilibrium_mu(self._reservoirs) if self._screens else None
        propagator = make(potentials)
        balance = Balance(in_rows(propagator, probes.keeps_energy), probes,
                          EnergyGrid(probes, self._rtol, map_, progress))
        potential = np.zeros(make.nodes) if potentials is None else potentials
        try:
            solution = balance.solve(panels, np.concatenate([*profiles, lead_mu]))
        except ConvergenceError as error:
            if error.state is not None:
                power = self._heat(error.state, make.nodes) / make.mesh.node_widths
                error.state = make.mesh, (propagator, probes, error.state, potential), power, error.state.error
            raise
        profiles, lead_mu = _profiles(probes, solution.unknowns), probes.split(solution.unknowns)[1]
        new_shift = profiles[0]
        change = np.abs(new_shift - shift).max() / np.abs(new_shift).max() if self._screens else 0.0
        progress("potential", change)
        # U is constant on a cell: a linear change by d on it, in energies of width T, is missed to second order.
        variation = np.ptp(potential.reshape(-1, gauss.ORDER), axis=1)
        return ((propagator, probes, solution, potential), (solution.panels, profiles, lead_mu),
                [self._heat(solution, make.nodes)], profiles, change <= 0.1 * self._rtol,
                (variation / self._reference) ** 2 / 12)

    def _by_bath(self, nodes):
        return ByBath(self._baths, np.ones((len(self._baths.balanced), nodes), bool))

    def _heat(self, solution, nodes):
        """Power that each node gives to what takes heat."""
        by_bath = self._by_bath(nodes)
        return by_bath.heat(by_bath.of_balanced(solution.power))

    def state(self, mesh: Mesh, solved: tuple, power: np.ndarray, cell_error: float, *,
              occupation_energies: np.ndarray | None) -> KineticState:
        """The result, of what `solve` found."""
        propagator, probes, solution, potential = solved
        nodes, baths = len(mesh.nodes), self._baths
        by_bath, extra = self._by_bath(nodes), {}
        mus = by_bath.of_balanced(solution.mu)
        temperatures = by_bath.of_balanced(self._temperatures(nodes))
        if len(probes.hot):
            temperatures[probes.hot_baths] = probes.temperature0 + probes.excess(solution.unknowns).reshape(-1, nodes)
            extra = {"electron_mu": by_bath.keeping_energy(mus),
                     "electron_temperature": by_bath.keeping_energy(temperatures)}
        extra.update(by_bath.others(mus, by_bath.of_balanced(solution.power) / mesh.node_widths, temperatures))
        reservoir_mu = np.array([found if reservoir.mu is None else reservoir.mu
                                 for found, reservoir in zip(solution.lead_mu, self._reservoirs, strict=True)], float)
        mu = by_bath.taking_heat(mus)
        known = extra.get("electron_mu", np.full(nodes, probes.mu0)) if baths.phonons is None else mu
        rate = _local_rate(self._scatterer, self._gamma, known - potential, mesh.nodes)
        return KineticState(
            thermal_resolution=smallest_ratio(np.full(nodes, self._reference), rate), x=mesh.nodes,
            node_width=mesh.node_widths, power=power, mu=mu, potential=potential, current=solution.current,
            energy_current=solution.energy_current, gross_current=solution.gross_current,
            gross_energy_current=solution.gross_energy_current, reservoir_mu=reservoir_mu,
            reservoir_temperature=self._lead_temperature,
            bath_temperature=np.nan if baths.phonons is None else self._reference,
            error=max(solution.error, cell_error), rtol=float(self._rtol), newton_steps=solution.newton_steps,
            products=solution.products, energies=solution.energies, **extra,
            **_occupations(propagator, probes, solution.unknowns, occupation_energies))


def _local_rate(scatterer, gamma, energies, x):
    """Rate of all baths at each node's own energy, above its U."""
    rate = np.zeros(len(x))
    for side, nodes in enumerate((x < 0, x > 0)):
        def at(values, side=side):
            return np.array([gamma(np.array([value]), np.stack(scatterer.velocities(side, value))[:, :, None])[0]
                             for value in values])

        rate[nodes] = smooth_values(at, energies[nodes])
    return rate


def _profiles(probes, unknowns):
    """The unknowns at the nodes, one array for each mu and for each temperature."""
    return list(unknowns[:len(unknowns) - len(probes.floating)].reshape(-1, probes.sites))


def _occupations(propagator, probes, unknowns, energies):
    """Fields of a KineticState for the occupations at given energies."""
    if energies is None:
        return {}
    reference = expit((probes.mu0 - energies) / probes.temperature0)
    spectrum = propagator.spectrum(energies)
    filling, lead_filling = probes.fillings(energies - probes.mu0, unknowns)
    source = (np.array(propagator.bath_rates(energies)).reshape(-1, len(energies)) * filling
              if propagator.balanced else np.zeros_like(spectrum.rate))
    plus, minus = spectrum.directions(source.reshape(-1, *spectrum.rate.shape).sum(axis=0), lead_filling)
    return {"occupation_energies": energies, "occupation_plus": plus + reference, "occupation_minus": minus + reference}
