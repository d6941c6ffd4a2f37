"""Solutions on finer and wider grids of energies, until the error is small."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..balance.near import NearSolution
from ..errors import ConvergenceError
from ..native.energies import emitted
from ..numerics.ladders import Ladders
from ..numerics.quadrature import TWO_PI
from ..results.phonon_state import PhononState
from .boltzmann import BornBalance
from .problem import QuantumProblem
from .scattering import fermi
from .states import SETTLED, BornPoint

# Nodes on each piece of a rung, one grid after the other, and whether pieces are halved before.
_GRIDS = ((6, False), (9, False), (13, False), (19, False), (15, True), (22, False), (18, True), (27, False))
# Part of rtol that may lie beyond the grid, how often it is widened at an end, and by which part of its rungs.
_OUTSIDE, _WIDENED, _WIDER = 0.1, 20, 4
# Part of rtol to which rates are settled, and how much larger errors may be than what is left.
_SETTLED, _OF_RATES = 1e-2, 10.0
# Rounding errors of power and currents, relative to the thermal scale of one open mode (particles T/2pi); at least
# those of all that is exchanged, and of all that enters and leaves in the band.
_ROUNDING = 1e-13
# Levels and edges that move by less than this part of the lowest k_B T, or of a quantum, stay resolved.
_MOVED = 0.02


@dataclass(eq=False)
class PhononSolution:
    """Solution of one grid, in the propagator's order.

    Attributes
    ----------
    point : BornPoint
    balance : BornBalance
    error : float
        Change since the grid before, relative; inf for the first.
    power, mode_power, probe_power : arrays of float, shapes (sites,), (modes, sites) and (baths, sites)
    current, energy_current : arrays of float, shape (leads,)
    density : array of float, shape (sites,)
    """

    point: BornPoint
    balance: BornBalance
    error: float
    power: np.ndarray
    mode_power: np.ndarray
    probe_power: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray
    density: np.ndarray


@dataclass(eq=False)
class _Guess:
    """What a solution starts from, see `BornBalance.solve`."""

    filling: np.ndarray
    unknowns: np.ndarray
    phonon_rate: np.ndarray | None = None
    potential: np.ndarray | None = None


class Refinement:
    """Grids of a problem, one after the other.

    Parameters
    ----------
    problem : QuantumProblem
    rtol : float
    map_, progress : callables
    near : PhononState, optional
        To start from.
    """

    def __init__(self, problem: QuantumProblem, rtol: float, map_: Callable, progress: Callable,
                 near: PhononState | None = None) -> None:
        self._problem, self._rtol, self._map, self._progress, self._near = problem, rtol, map_, progress, near

    def first_grid(self) -> Ladders:
        """The coarsest."""
        return self._problem.grid(_GRIDS[0][0])

    def solved(self) -> PhononSolution:
        """The solution on grids that grow until the error is below `rtol`.

        Raises
        ------
        ConvergenceError
            With the best solution as its `state`.
        """
        grid, guess, made_for = self.first_grid(), None, None
        found: PhononSolution | None = None
        for order, halved in _GRIDS:
            if found is not None:
                grid, guess, made_for = self._next(grid, order, halved, found.point, made_for)
                if found.balance.endless and self._problem.surroundings.shifts_levels:
                    # Their levels' shifts are known as well as what lies beyond the grid: it must be seen to matter.
                    more = max(1, grid.rungs // _WIDER)
                    grid, guess = _extended(grid, guess, more, more)
            try:
                found, grid = self._widened(grid, guess, found)
            except ConvergenceError as error:
                error.state = found
                raise
            self._progress("energies", found.error)
            if found.error <= self._rtol:
                return found
        reached = np.inf if found is None else found.error
        raise ConvergenceError(
            f"The energy integrals reached a relative error of {reached:.1e} with {len(grid.energies)} energies, not "
            f"rtol={self._rtol:.1e}: a resonance narrower than these resolve, or an rtol below rounding errors.",
            accuracy=reached, state=found)

    def _next(self, grid, order, halved, point, made_for):
        """The next grid, what to start from on it, and the potential and leads' mu that its edges belong to."""
        problem = self._problem
        moving = problem.law is not None or len(problem.surroundings.probes.floating) > 0
        here = np.concatenate([point.potential, point.lead_mu])
        if moving and not halved and (made_for is None or np.abs(here - made_for).max() > _MOVED * grid.quantum):
            # Levels and edges are elsewhere than was thought.
            new = problem.grid(order, point.potential, point.lead_mu).covering(grid.low, grid.high)

            def taken(values, left):
                flat = values.reshape(-1, values.shape[-1])
                return np.array([np.interp(new.energies, grid.energies, row, left=left, right=0.0)
                                 for row in flat]).reshape(*values.shape[:-1], -1)

            return new, _Guess(taken(point.filling, 1.0), point.unknowns, taken(point.phonon_rate, 0.0),
                               point.potential), here
        new = grid.finer(order, halved)
        return new, _Guess(grid.interpolated(point.filling, new), point.unknowns,
                           grid.interpolated(point.phonon_rate, new), point.potential), made_for

    def _widened(self, grid, guess, before):
        """Solution on a grid that is widened until nothing matters beyond it."""
        problem = self._problem
        for _ in range(_WIDENED):
            balance = BornBalance(problem.propagator, problem.surroundings, grid, self._map, self._progress,
                                  problem.law, SETTLED if problem.law is not None else
                                  max(_SETTLED * self._rtol, SETTLED))
            guess = self._first(balance) if guess is None else guess
            point = balance.solve(guess.filling, guess.unknowns, guess.phonon_rate, guess.potential)
            step = round(problem.step / grid.quantum)
            outside = balance.outside(point, step)
            if not problem.surroundings.shifts_levels and grid.energies[-1] >= problem.highest(
                    point.lead_mu, point.probing.temperatures(point.unknowns)):
                outside = outside[0], 0.0  # nothing is occupied there
            if max(outside) <= _OUTSIDE * self._rtol:
                break
            more = [max(2 * step, grid.rungs // _WIDER) * (part > _OUTSIDE * self._rtol) for part in outside]
            grid, guess = _extended(grid, _Guess(point.filling, point.unknowns, point.phonon_rate, point.potential),
                                    *more)
        else:
            raise ConvergenceError(f"Electrons leave the energies from {grid.energies[0]:.4g} to "
                                   f"{grid.energies[-1]:.4g}: {max(outside):.1e} of what scatters lies beyond.",
                                   accuracy=max(outside))
        return self._evaluated(point, balance, before, max(outside)), grid

    def _first(self, balance):
        """First guess of all that is unknown."""
        problem, near, energies = self._problem, self._near, balance.ladders.energies
        probes = problem.surroundings.probes
        unknowns = probes.start()
        lead_mu = balance.probing.lead_mu(unknowns)
        potential = None if problem.law is None else problem.law.start(lead_mu)
        if near is None:
            filling = fermi(energies, lead_mu, problem.surroundings.lead_temperature).mean(axis=0)
            return _Guess(np.broadcast_to(filling, (len(problem.site), len(energies))), unknowns, None, potential)
        filling = np.array([np.interp(energies, near.energy, row, left=1.0, right=0.0)
                            for row in np.nan_to_num(near.filling)])
        unknowns = NearSolution(
            near.mu[problem.site], near.electron_mu[problem.site], near.electron_temperature[problem.site],
            near.potential[problem.site], near.reservoir_mu, near.reservoir_temperature).unknowns(probes)
        shifts = near.tadpole if problem.has_tadpole else near.potential
        if problem.law is not None and shifts is not None and (problem.has_tadpole or
                                                               near.density_difference is not None):
            potential = shifts[problem.site]
        return _Guess(filling[problem.site], unknowns, None, potential)

    def _evaluated(self, point, balance, before, outside):
        """Powers, currents, and their changes since the grid before; what lies `outside` of it counts, too."""
        problem = self._problem
        weights, energies = balance.ladders.weights, balance.ladders.energies
        modes = problem.surroundings.modes
        quanta, mode_power = np.empty_like(point.arrived), np.empty((len(modes), len(point.arrived)))
        for power_of_mode, mode, shift in zip(mode_power, modes, balance.shifts, strict=True):
            emitted(point.arrived, point.spectral, mode.coupling, mode.quanta, shift, quanta)
            power_of_mode[:] = mode.energy * (quanta @ weights)
        probe_power = balance.probe_power(point)
        power = mode_power.sum(axis=0) + probe_power[~problem.surroundings.keeps_energy].sum(axis=0)
        current, energy_current = point.inflow @ weights, (point.inflow * energies) @ weights
        found = PhononSolution(point, balance, np.inf, power, mode_power, probe_power, current,
                               energy_current, balance.density(point))
        if before is not None:
            # Heat counts from the mean mu. What vanishes but for rounding has no relative error.
            hottest, band = problem.hottest, np.ptp(energies)
            thermal, exact = (part / self._rtol for part in (_ROUNDING * hottest / TWO_PI, np.finfo(float).eps))
            smallest = (max(thermal * hottest, exact * balance.exchanged(point).max() * problem.step),
                        max(thermal, exact * band / TWO_PI), max(thermal * hottest, exact * band ** 2 / TWO_PI))
            old, new = ([one.power, one.current, one.energy_current - problem.mu0 * one.current]
                        for one in (before, found))
            changes = [np.abs(a - b).max() / max(np.abs(a).max(), least)
                       for a, b, least in zip(new, old, smallest, strict=True)]
            if problem.law is not None:
                changes += [np.abs(point.potential - before.point.potential).max() / max(
                    np.abs(point.potential).max(), hottest),
                    np.abs(found.density - before.density).max() / np.abs(found.density).max()]
            found.error = max(*changes, outside, _OF_RATES * point.moving)
        return found


def _extended(grid, guess, below, above):
    """A wider grid, and the guess on it: full below, empty above."""
    ends = below * grid.base, above * grid.base
    return grid.extended(below, above), _Guess(
        np.pad(guess.filling, ((0, 0), ends), constant_values=((0, 0), (1.0, 0.0))), guess.unknowns,
        np.pad(guess.phonon_rate, ((0, 0), (0, 0), ends)), guess.potential)
