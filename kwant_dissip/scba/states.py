"""States and rates of electrons that scatter off phonons, at given occupations: the self-consistent Born approximation.

    Sin_i(E)  = D_i [(N + 1) n_i(E + w) + N n_i(E - w)],    Sout_i(E) = D_i [(N + 1) h_i(E - w) + N h_i(E + w)]
    gamma = Sin + Sout,    h = A - n,    n = f A

Energies are closed under the quanta. Acoustic and other elastic collisions have the source gamma_x f; what probes and
floating leads send in, see `probing`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ConvergenceError
from ..model.tabulated import ContinuedSelfEnergy, TabulatedSelfEnergy
from ..native.energies import add_scattering
from ..numerics.anderson import Anderson
from ..numerics.ladders import Ladders
from ..propagators.lattice import LatticePropagator
from ..propagators.states_below import states_below
from .probing import Probing
from .scattering import Surroundings, fermi
from .screening import DIFFERENCE, BornScreening
from .transport import Transport

# How often the spectral function may be settled again, and by how much the rate may still change, relative to its
# largest value.
_SETTLING, SETTLED = 200, 2e-15
# By how much those of the neutral system may.
_NEUTRAL = 1e-8
# The same where only a change with the potential is looked for, as a part of that.
_RESPONDING = 1e-3
# How many former iterations are mixed: more take memory and gain little.
_MIXED = 3
# Sites that are worked on together, so that their energies stay in the processor's cache.
_SITES = 64
# Less than this part of the states is empty, more than all but this full.
_EMPTY = 1e-10
# Mixed rates are no smaller than this part of what was found.
_LEAST_RATE = 0.1
_TINY = 1e-300


@dataclass(eq=False)
class BornPoint:
    """Occupations, and what follows from them at settled spectral functions.

    Attributes
    ----------
    filling, occupied, spectral : arrays of float, shape (sites, energies)
        f and n that rates were made with, and A.
    arrived : array of float, shape (sites, energies)
        n that these sources send; the same at the solution.
    inflow : array of float, shape (leads, energies)
    source, rate, elastic : arrays of float, shape (sites, energies)
        All that scatters into states, gamma of all, and gamma_x of what scatters elastically; with it counts by how
        much gamma is larger than what the states make.
    phonon_rate : array of float, shape (1 or 2, sites, energies)
        Part of gamma that is the phonons'; of two, the first has a level shift and the second has none.
    unknowns : array of float
        Of probes and floating leads (`probing`).
    potential : array of float, shape (sites,)
    probing : Probing
        At this potential.
    self_energy : TabulatedSelfEnergy
    transport : Transport
    moving : float
        By how much rates would still change, relative to the largest.
    charge : array of float, shape (sites,), or None
        N - N0, with electrostatics.
    law : tuple
        What is left of the law of electrostatics, see `BornScreening.residual`.
    """

    filling: np.ndarray
    occupied: np.ndarray
    spectral: np.ndarray
    arrived: np.ndarray
    inflow: np.ndarray
    source: np.ndarray
    rate: np.ndarray
    phonon_rate: np.ndarray
    elastic: np.ndarray
    unknowns: np.ndarray
    potential: np.ndarray
    probing: Probing
    self_energy: TabulatedSelfEnergy
    transport: Transport
    moving: float
    charge: np.ndarray | None = None
    law: tuple[np.ndarray, float] = (np.empty(0), 0.0)

    @property
    def lead_mu(self) -> np.ndarray:
        """Of all leads, shape (leads,)."""
        return self.probing.lead_mu(self.unknowns)

    @property
    def lead_filling(self) -> np.ndarray:
        """Fermi functions of the leads, shape (leads, energies)."""
        return self.probing.lead_filling(self.unknowns)


class BornStates:
    """Spectral functions and rates that belong to occupations, on one grid of energies.

    Parameters
    ----------
    propagator : LatticePropagator
        Of the sites without self-energy; its leads' bands are shifted as without electrostatics.
    surroundings : Surroundings
    ladders : Ladders
    map_ : callable
    law : BornScreening, optional
        With electrostatics.
    settled : float, optional
        How far rates may be from what the states make, relative to the largest; the rest counts as elastic collisions,
        so that it costs neither particles nor energy.

    Attributes
    ----------
    probing : Probing
        Without electrostatics.
    shifts : list of int
        Energies of the grid in each mode's quantum.
    endless : bool
        Whether there are states at all energies, of leads without band edges or sites that other baths broaden.
    green_functions, transports : int
        How often spectral functions were computed, and something was sent through them, of all energies.
    """

    def __init__(self, propagator: LatticePropagator, surroundings: Surroundings, ladders: Ladders, map_: Callable,
                 law: BornScreening | None = None, settled: float = SETTLED) -> None:
        self._propagator, self._unmoved, self.ladders, self.law = propagator, surroundings, ladders, law
        self._map, self._enough = map_, settled
        self.probing = Probing(surroundings.probes, surroundings.baths, ladders.energies, ladders.weights)
        self.shifts = [ladders.base * round(mode.energy / ladders.quantum) for mode in surroundings.modes]
        kinds = {mode.level_shift for mode in surroundings.modes}
        if surroundings.acoustic.any():
            kinds.add(surroundings.level_shift)
        self._plain = len(kinds) > 1
        far = np.array([2 * ladders.energies[0] - ladders.energies[-1]])
        self.endless = np.any(surroundings.baths.parts(far)[0] > 0) or not all(
            len(lead.thresholds()) for lead in propagator.lattice.leads)
        self.green_functions = self.transports = 0
        self._reference: np.ndarray | None = None

    def _first_rate(self):
        """As if every site had the states of a band as wide as the grid."""
        typical = self._unmoved.typical_rate(np.ptp(self.ladders.energies))
        rates = np.zeros((1 + self._plain, len(typical), len(self.ladders.energies)))
        rates[0] = typical[:, None]
        return rates

    def _scattering(self, filling, spectral, phonon_rate):
        """Occupation, Sin of the optical phonons, the step of the phonons' rate, and its largest at each energy."""
        occupied, into, step = np.empty_like(spectral), np.zeros_like(spectral), np.empty_like(phonon_rate)
        acoustic, around = self._unmoved.acoustic, range(0, len(spectral), _SITES)

        def work(start):
            rows = slice(start, start + _SITES)
            np.multiply(filling[rows], spectral[rows], out=occupied[rows])
            found = step[:, rows]
            np.negative(phonon_rate[:, rows], out=found)
            for mode, shift in zip(self._unmoved.modes, self.shifts, strict=True):
                add_scattering(occupied[rows], spectral[rows], mode.coupling[rows], mode.quanta[rows], shift,
                               into[rows], found[0 if mode.level_shift else -1])
            if acoustic[rows].any():
                found[0 if self._unmoved.level_shift else -1] += acoustic[rows, None] * spectral[rows]
            return np.abs(found).max(axis=(0, 1))

        return occupied, into, step, np.max(list(self._map(work, around)), axis=0)

    def _settled(self, filling, unknowns, potential, phonon_rate, tolerance):
        """Occupations with spectral functions and rates that belong to each other, at given f and U."""
        propagator, probing = self._at(potential, unknowns)
        transport, self_energy, phonon_rate, rate, occupied, into, elastic, moving = self._states(
            filling, propagator, probing, phonon_rate, tolerance)
        source = into + elastic * filling + probing.source(unknowns)
        self.transports += 1
        arrived, inflow = transport.arrive(source, probing.lead_filling(unknowns))
        point = BornPoint(filling, occupied, transport.spectral, arrived, inflow, source, rate, phonon_rate, elastic,
                          unknowns, potential, probing, self_energy, transport, moving)
        if self.law is not None:
            if self._reference is None:
                self._reference = np.zeros(len(filling)) if self.law.counts_all else self._neutral_density(self.law)
            point.charge = self.density(point) - self._reference
            point.law = self.law.residual(potential, point.lead_mu, point.charge)
        return point

    def _states(self, filling, propagator, probing, phonon_rate, tolerance):
        """Settle spectral functions and rates at given f."""
        mixing, (near, far) = Anderson(_MIXED), self._matters(filling)
        for _ in range(_SETTLING):
            rate = phonon_rate.sum(axis=0) + probing.rate + probing.elastic
            self_energy = self._self_energy(rate, phonon_rate[0], probing)
            transport = self._transport(propagator, self_energy)
            occupied, into, step, sizes = self._scattering(filling, transport.spectral, phonon_rate)
            largest = max(sizes[near].max(), sizes @ far)
            if largest <= tolerance * rate.max():
                break
            mixed = phonon_rate + mixing.move(step)
            np.maximum(mixed, _LEAST_RATE * (phonon_rate + step), out=mixed)
            mixing.took(mixed - phonon_rate)
            phonon_rate = mixed
        elastic = self._unmoved.acoustic[:, None] * transport.spectral + probing.elastic - step.sum(axis=0)
        return transport, self_energy, phonon_rate, rate, occupied, into, elastic, largest / max(rate.max(), _TINY)

    def _matters(self, filling):
        """Energies where states are partly filled, or up to two of the largest quanta away; weights of all others.

        From there a step of the rate acts through the level shift, Int dE' gamma(E') / (E - E').
        """
        energies = self.ladders.energies
        quantum = self.ladders.quantum * max([1, *(shift // self.ladders.base for shift in self.shifts)])
        partly = ((filling > _EMPTY) & (filling < 1 - _EMPTY)).any(axis=0)
        low, high = energies[partly][[0, -1]] if partly.any() else energies[[0, -1]]
        distance = np.maximum(low - energies, energies - high)
        near = distance <= 2 * quantum
        return near, np.where(near, 0.0, self.ladders.weights / np.maximum(distance, quantum))

    def _at(self, potential, unknowns):
        """Propagator without self-energy, and probes, at a potential of the sites."""
        if self.law is None:
            return self._propagator, self.probing
        leads = self.law.lead_potentials(self.probing.lead_mu(unknowns))
        grid = self.ladders
        return (self._propagator.at_potential(potential, leads),
                Probing(self._unmoved.probes, self._unmoved.baths.at_potential(potential), grid.energies,
                        grid.weights))

    def _self_energy(self, rate, shifted, probing):
        level_shift = probing.level_shift
        if self._unmoved.shifts_levels:
            own = self.ladders.level_shift(shifted, self._map)
            if self.endless:
                own += self.ladders.tails(shifted, max(self.shifts, default=0) // self.ladders.base)
            level_shift = own if level_shift is None else own + level_shift
        return TabulatedSelfEnergy(self.ladders.energies, rate, level_shift)

    def _transport(self, propagator, self_energy):
        self.green_functions += 1
        return Transport(propagator.with_self_energy(self_energy), self.ladders.energies, self._map)

    def _neutral_density(self, law):
        """N0: U = 0, leads unshifted, one mu and one temperature everywhere."""
        grid, mu, temperature = self.ladders, law.neutral_mu, law.neutral_temperature
        surroundings = self._unmoved.in_equilibrium(mu, temperature)
        propagator = self._propagator.at_potential(np.zeros(len(surroundings.acoustic)),
                                                   np.zeros(len(surroundings.reservoirs)))
        neutral = BornStates(propagator, surroundings, grid, self._map, settled=self._enough)
        filling = np.broadcast_to(fermi(grid.energies, np.array([mu]), np.array([temperature])),
                                  (len(surroundings.acoustic), len(grid.energies)))
        point = neutral._settled(filling, surroundings.probes.start(), np.zeros(len(filling)), neutral._first_rate(),
                                 self._enough)
        self.green_functions += neutral.green_functions
        if point.moving > max(_NEUTRAL, self._enough):
            raise ConvergenceError("The states of the neutral system did not settle: rates still change by "
                                   f"{point.moving:.1e} of the largest. A weaker coupling helps, or a PhononBath "
                                   "beside it.", accuracy=point.moving)
        return point.occupied @ grid.weights + neutral._below(point)

    def _below(self, point):
        """Electrons below the grid, of tails of states that are broadened at all energies; shape (sites,)."""
        baths, grid, leads = self._unmoved.baths, self.ladders, self._propagator.lattice.leads
        if not baths.coupled.any() and all(len(lead.thresholds()) for lead in leads):
            return np.zeros(len(point.potential))
        if not (baths.is_analytic and all(lead.is_analytic(grid.low) for lead in leads)):
            return np.full(len(point.potential), np.nan)
        propagator, _ = self._at(point.potential, point.unknowns)
        if self.law is not None:
            baths = baths.at_potential(point.potential)
        shifted = point.phonon_rate[0] if self._unmoved.shifts_levels else None
        return states_below(propagator.with_self_energy(
            ContinuedSelfEnergy(baths, grid.energies, grid.weights, shifted)), grid.low, grid.quantum, self._map)

    def density(self, point: BornPoint) -> np.ndarray:
        """Electrons, shape (sites,)."""
        return point.arrived @ self.ladders.weights + self._below(point)

    def _screened(self, point):
        """Potential after a step towards the law of electrostatics."""
        if self.law is None:
            return point.potential
        weights, filling = self.ladders.weights, point.filling
        states = (filling * (1 - filling) * point.spectral) @ weights / self._unmoved.temperature[0]
        phonon_rate = point.phonon_rate

        def density(change):
            nonlocal phonon_rate
            propagator, probing = self._at(point.potential + change, point.unknowns)
            _, _, found, _, occupied, *_ = self._states(filling, propagator, probing, phonon_rate,
                                                        _RESPONDING * DIFFERENCE)
            if not change.any():
                phonon_rate = found  # what others start from
            # States that are pushed below the grid are not lost.
            return occupied @ weights + self._below(replace(point, potential=point.potential + change))

        return point.potential + self.law.step(point.law[0], states, density)
