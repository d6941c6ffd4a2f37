"""Electrons on a lattice that scatter off phonons: which energies, and how many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..balance.born import BornBalance, BornPoint, Surroundings, fermi
from ..errors import ConvergenceError
from ..model.baths import Baths, named
from ..model.broadening import Broadening, bath_broadening
from ..model.lattice import Lattice
from ..model.phonons import AcousticPhonons, Phonons, common_quantum, modes_of
from ..model.reservoirs import Reservoir
from ..numerics.ladders import Ladders, ladders
from ..numerics.phonon_kernels import emitted
from ..numerics.quadrature import TWO_PI
from ..propagators.choose import propagator_for
from ..results.phonon_state import PhononState

# Nodes on each piece of a rung, one grid after the other, and whether pieces are halved before; the first are no wider
# than so many k_B T.
_GRIDS = ((6, False), (9, False), (13, False), (19, False), (15, True), (22, False), (18, True), (27, False))
_WIDTH = 2.0
# How far above the highest mu energies matter, in k_B T, and how far above and below all bands, in the largest quanta.
_TOP, _MARGIN = 35.0, 3
# Part of rtol that may lie beyond the grid, and how often it is widened by two quanta at an end.
_OUTSIDE, _WIDENED = 0.1, 20
# Grids of acoustic phonons alone.
_STEP = 4.0
# Rounding errors of power and currents, relative to the thermal scale of one open mode (particles T/2pi).
_ROUNDING = 1e-13


@dataclass(eq=False)
class PhononSolution:
    """Solution of one grid, in the propagator's order.

    Attributes
    ----------
    point : BornPoint
    balance : BornBalance
    error : float
        Change since the grid before, relative; inf for the first.
    power, mode_power : arrays of float, shapes (sites,) and (modes, sites)
    current, energy_current : arrays of float, shape (leads,)
    """

    point: BornPoint
    balance: BornBalance
    error: float
    power: np.ndarray
    mode_power: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray


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
    """

    def __init__(self, lattice: Lattice, reservoirs: Sequence[Reservoir], band_shifts: np.ndarray,
                 quanta: Sequence[Phonons], baths: Baths, method: str | None) -> None:
        if baths.electrons is not None:
            raise ValueError(f"{baths.electrons!r} and microscopic phonons cannot be in one list: give the electrons "
                             "a PhononBath, or leave one of them out.")
        if any(reservoir.mu is None for reservoir in reservoirs):
            raise ValueError("With microscopic phonons every Reservoir needs a mu: a floating one (mu=None) is not "
                             "found yet; look for the mu at which its current vanishes.")
        modes, acoustic = modes_of(quanta, lattice.sites)
        self.quantum = common_quantum([mode.energy for mode in modes]) if modes else None
        parts = {kind: bath_broadening(bath, lattice) for kind, bath in (("probes", baths.phonons), *(
            (number, bath) for number, bath in enumerate(baths.elastic))) if bath is not None}
        self.coupled = np.any([acoustic > 0, *(mode.coupling > 0 for mode in modes),
                               *(part.coupled for part in parts.values())], axis=0)
        adrift = lattice.adrift(self.coupled)
        if len(adrift):
            raise ValueError(f"{len(adrift)} sites that scatter off phonons, the first "
                             f"{named(lattice.sites[adrift[0]])}, are connected to no lead: their occupation is not "
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
            adrift = lattice.adrift(self.coupled[rows])
            if len(adrift):
                raise ValueError(f"{len(adrift)} orbitals, the first of {named(lattice.sites[rows[adrift[0]]])}, are "
                                 "connected to no lead, and with each_orbital=True to no other orbital: their "
                                 "occupation is not determined.")
        self.propagator = propagator_for(lattice, Broadening(np.zeros(len(rows))), band_shifts, method)
        self.site = site = rows[self.propagator.order]
        probes = parts.pop("probes", None)
        self._mu = np.array([reservoir.mu for reservoir in reservoirs], float)
        lead_temperature = np.array([reservoir.temperature for reservoir in reservoirs], float)
        known = self.temperature[~np.isnan(self.temperature)]
        self._coldest, self._hottest = (pick([lead_temperature.min(), lead_temperature.max(), *known])
                                        for pick in (np.min, np.max))
        self.surroundings = Surroundings(
            [mode.in_order(site) for mode in modes], acoustic[site],
            any(one.level_shift for one in quanta if isinstance(one, AcousticPhonons)),
            _rates([part.in_order(site) for part in parts.values()], len(site)),
            _rates([] if probes is None else [probes.in_order(site)], len(site)),
            np.nan_to_num(self.temperature[site], nan=self._coldest), self._mu, lead_temperature)
        self._top = self._mu.max() + _TOP * self._hottest
        self._step = max([mode.energy for mode in modes], default=_STEP * self._coldest)

    @staticmethod
    def _temperatures(lattice, quanta, baths):
        """Of the phonons at a site: that of the probes, else of the first that couple and take heat."""
        result = np.full(len(lattice.sites), np.nan)
        for one in sorted(quanta, key=lambda one: isinstance(one, AcousticPhonons)):  # these take no heat
            coupled = np.isnan(result) & (one.site_couplings(lattice.sites) > 0)
            result[coupled] = one.site_temperatures(lattice.sites)[coupled]
        if baths.phonons is not None:
            coupled = bath_broadening(baths.phonons, lattice).coupled
            result[coupled] = baths.phonons.site_temperatures(lattice.sites)[coupled]
        return result

    def first_grid(self) -> Ladders:
        """Ladders over the band, or without a level shift up to where nothing is occupied."""
        bands = self.propagator.edges()
        if not len(bands):
            raise ValueError("Microscopic phonons need the edges of the leads' bands, which leads by self-energy do "
                             "not tell.")
        width = bands.max() - bands.min()
        rate = self.surroundings.typical_rate(width)[np.argsort(self.propagator.order)]
        # Levels next to the bands belong to the states, too.
        levels = self.propagator.with_self_energy(Broadening(rate)).thresholds(bands.min() - width, bands.max() + width)
        low, high = levels.min() - _MARGIN * self._step, levels.max() + _MARGIN * self._step
        if not self.surroundings.shifts_levels:
            high = min(high, self._top + self._step)
        return ladders(low, high, self.quantum or self._step, levels[(levels > low) & (levels < high)],
                       _WIDTH * self._coldest, _GRIDS[0][0])

    def solved(self, rtol: float, map_: Callable, progress: Callable,
               near: PhononState | None = None) -> PhononSolution:
        """The solution on grids that grow until the error is below `rtol`; the first starts `near` a state.

        Raises
        ------
        ConvergenceError
            With the best solution as its `state`.
        """
        grid, start = self.first_grid(), None
        found: PhononSolution | None = None
        for order, halved in _GRIDS:
            finer = grid.finer(order, halved)
            if found is not None:
                start = [grid.interpolated(values, finer)
                         for values in (found.point.filling, found.point.phonon_rate)]
            grid = finer
            try:
                found, grid = self._widened(grid, start, found, rtol, map_, progress, near)
            except ConvergenceError as error:
                error.state = found
                raise
            progress("energies", found.error)
            if found.error <= rtol:
                return found
        reached = np.inf if found is None else found.error
        raise ConvergenceError(
            f"The energy integrals reached a relative error of {reached:.1e} with {len(grid.energies)} energies, not "
            f"rtol={rtol:.1e}: a resonance narrower than these resolve, or an rtol below rounding errors.",
            accuracy=reached, state=found)

    def _widened(self, grid, start, before, rtol, map_, progress, near=None):
        """Solution on a grid that is widened until nothing matters beyond it."""
        mu = np.full(len(self.propagator.order), self._mu.mean()) if before is None else before.point.mu
        for _ in range(_WIDENED):
            balance = BornBalance(self.propagator, self.surroundings, grid, map_, progress)
            if start is None:
                point = balance.solve(*self._start(grid.energies, near))
            else:
                point = balance.solve(start[0], mu, start[1])
            outside = balance.outside(point, round(self._step / grid.quantum))
            if not self.surroundings.shifts_levels and grid.energies[-1] >= self._top:
                outside = outside[0], 0.0  # nothing is occupied there
            if max(outside) <= _OUTSIDE * rtol:
                break
            more = [2 * round(self._step / grid.quantum) * (part > _OUTSIDE * rtol) for part in outside]
            wider = grid.extended(*more)
            ends = [count * grid.base for count in more]
            start = [np.pad(point.filling, ((0, 0), tuple(ends)), constant_values=((0, 0), (1.0, 0.0))),
                     np.pad(point.phonon_rate, ((0, 0), (0, 0), tuple(ends)))]
            mu, grid = point.mu, wider
        else:
            raise ConvergenceError(f"Electrons leave the energies from {grid.energies[0]:.4g} to "
                                   f"{grid.energies[-1]:.4g}: {max(outside):.1e} of what scatters lies beyond.",
                                   accuracy=max(outside))
        return self._evaluated(point, balance, before, rtol), grid

    def _start(self, energies, near):
        """First guess of f, and of the probes' mu."""
        mu = np.full(len(self.site), self._mu.mean())
        if near is None:
            filling = fermi(energies, self._mu, self.surroundings.lead_temperature).mean(axis=0)
            return np.broadcast_to(filling, (len(mu), len(energies))), mu
        filling = np.array([np.interp(energies, near.energy, row, left=1.0, right=0.0)
                            for row in np.nan_to_num(near.filling)])
        return filling[self.site], np.where(np.isnan(near.mu[self.site]), mu, near.mu[self.site])

    def _evaluated(self, point, balance, before, rtol):
        """Powers, currents, and their changes since the grid before."""
        weights, energies = balance.ladders.weights, balance.ladders.energies
        quanta, mode_power = np.empty_like(point.arrived), []
        for mode, shift in zip(self.surroundings.modes, balance.shifts, strict=True):
            emitted(point.arrived, point.spectral, mode.coupling, mode.quanta, shift, quanta)
            mode_power.append(mode.energy * (quanta @ weights))
        mode_power = np.array(mode_power).reshape(len(self.surroundings.modes), len(point.mu))
        power = mode_power.sum(axis=0) + balance.probe_power(point)
        current, energy_current = point.inflow @ weights, (point.inflow * energies) @ weights
        found = PhononSolution(point, balance, np.inf, power, mode_power, current, energy_current)
        if before is not None:
            # Heat counts from the mean mu. What vanishes but for rounding has no relative error.
            rounding = _ROUNDING / rtol * self._hottest / TWO_PI
            old, new = ([one.power, one.current, one.energy_current - self._mu.mean() * one.current]
                        for one in (before, found))
            found.error = max(np.abs(a - b).max() / max(np.abs(a).max(), least) for a, b, least in zip(
                new, old, (rounding * self._hottest, rounding, rounding * self._hottest), strict=True))
        return found


def _rates(parts, sites):
    """Sum of the rates of some broadenings at given energies."""
    def rates(energies):
        return sum((part.parts(energies)[0] for part in parts), np.zeros((sites, len(energies))))
    return rates
