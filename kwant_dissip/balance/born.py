"""Self-consistent Born approximation: electrons that scatter off phonons, on energies closed under their quanta.

    Sin_i(E)  = D_i [(N + 1) n_i(E + w) + N n_i(E - w)],    Sout_i(E) = D_i [(N + 1) h_i(E - w) + N h_i(E + w)]
    gamma = Sin + Sout,    h = A - n,    n = K (Sin + ...) + leads,    K_ij = |G_ij|^2
    p_i = w D_i Int dE/2pi [(N + 1) n_i(E + w) h_i(E) - N n_i(E) h_i(E + w)]

Unknowns are the occupation f = n / A and, through it, the spectral function: A is settled at fixed f, then f moves by
a Newton step of Boltzmann's equation, in which A and K stay. That step conserves particles at every site:

    dn = r + K ds,    ds = R dn,    (R x)(E) = D [(N + 1 - f) x(E + w) + (N + f) x(E - w)],    r = n(f) - A f.

Acoustic and other elastic collisions have the source gamma_x f; what probes and floating leads send in, see `probing`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ConvergenceError
from ..model.tabulated import ContinuedSelfEnergy, TabulatedSelfEnergy
from ..numerics import krylov
from ..numerics.anderson import Anderson
from ..numerics.ladders import Ladders
from ..numerics.phonon_kernels import add_response, add_scattering
from ..propagators.lattice import LatticePropagator
from ..propagators.states_below import states_below
from .born_screening import DIFFERENCE, LAW_TOLERANCE, BornScreening
from .ladder_inverse import LadderInverse
from .probing import Probing
from .scattering import Surroundings, fermi
from .transport import Transport

# How often the spectral function may be settled again, and by how much the rate may still change, relative to its
# largest value; while f is far from the solution, by so much of its change.
_SETTLING, _SETTLED, _LOOSELY, _LOOSEST = 200, 2e-15, 1e-5, 1e-3
# By how much those of the neutral system may.
_NEUTRAL = 1e-8
# The same where only a change with the potential is looked for, as a part of that.
_RESPONDING = 1e-3
# How many former iterations are mixed: more take memory and gain little.
_MIXED = 3
# Sites that are worked on together, so that their energies stay in the processor's cache.
_SITES = 64
# Mixed rates are no smaller than this part of what was found.
_LEAST_RATE = 0.1
# Steps of the plain iteration at first, if little is known, and again where Newton's method does not lead closer.
_PLAIN, _MORE_PLAIN = 3, 40
# Newton steps in all, and how many of them may pass without coming closer, to this part of what was missing.
_NEWTON_STEPS, _IDLE, _CLOSER = 40, 3, 0.5
# What the linear equations of a step leave, and what is accepted.
_STEP_RTOL, _STEP_WORST = 1e-2, 0.5
# Electrons that leads and what is not elastic send to no site in more than this part of its states reach none; rates
# are elastic but for rounding errors.
_DARK, _ELASTIC = 1e-6, 1e-10
# What conservation may miss at a site and in all, relative to the largest current; rounding, to what is exchanged.
_CONSERVED, _ROUNDING = 1e-12, 1e-15
# Less than this part of what is exchanged is rounding, and less than the other nothing.
_NOISE, _TINY = 1e-13, 1e-300
_WHAT = "the occupations of sites that scatter off phonons"


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
        All that scatters into states, gamma of all, and gamma_x of what scatters elastically.
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


class BornBalance:
    """Fixed point of the self-consistent Born approximation on one grid of energies.

    Parameters
    ----------
    propagator : LatticePropagator
        Of the sites without self-energy; its leads' bands are shifted as without electrostatics.
    surroundings : Surroundings
    ladders : Ladders
    map_ : callable
    progress : callable
    law : BornScreening, optional
        With electrostatics.

    Attributes
    ----------
    probing : Probing
        Without electrostatics.
    green_functions, transports, steps, products : int
        How often spectral functions were computed and something was sent through them, of all energies; Newton steps,
        and products with their linear operator.
    """

    def __init__(self, propagator: LatticePropagator, surroundings: Surroundings, ladders: Ladders,
                 map_: Callable, progress: Callable, law: BornScreening | None = None) -> None:
        self._propagator, self._unmoved, self.ladders, self.law = propagator, surroundings, ladders, law
        self._map, self._progress = map_, progress
        self.probing = Probing(surroundings, ladders.energies, ladders.weights)
        self.shifts = [ladders.base * round(mode.energy / ladders.quantum) for mode in surroundings.modes]
        kinds = {mode.level_shift for mode in surroundings.modes}
        if surroundings.acoustic.any():
            kinds.add(surroundings.level_shift)
        self._plain = len(kinds) > 1
        self.green_functions = self.transports = self.steps = self.products = 0
        self._reference: np.ndarray | None = None

    def solve(self, filling: np.ndarray, unknowns: np.ndarray, phonon_rate: np.ndarray | None = None,
              potential: np.ndarray | None = None) -> BornPoint:
        """The solution, from a first guess of f, of the unknowns, of the phonons' part of gamma, and of U."""
        plain = _PLAIN if phonon_rate is None else 0
        phonon_rate = self._first_rate() if phonon_rate is None else phonon_rate
        if potential is None:
            potential = np.zeros(len(filling))
        if self.law is not None and self._reference is None:
            self._reference = self._neutral_density()
        point = self._settled(filling, unknowns, potential, phonon_rate, _LOOSEST if plain else _LOOSELY)
        lost = best = self._lost(point)
        idle, last = 0, False
        # Where nothing flows but rounding errors of what is exchanged, one step more costs little.
        while lost > 1 or not (last or self._flows(point)):
            last = lost <= 1
            potential = point.potential if plain else self._screened(point)
            adrift = self._adrift(point)
            filling, unknowns = self._plain_step(point) if plain else self._newton_step(point, adrift)
            filling[:, adrift] = self._anchor(point, adrift)
            change = np.abs((filling - point.filling) * point.spectral).max() / point.spectral.max()
            new = self._settled(filling, unknowns, potential, point.phonon_rate,
                                np.clip(_LOOSELY * change, _SETTLED, _LOOSEST))
            new_lost = self._lost(new)
            self._progress(_WHAT, new_lost * _CONSERVED)
            # The first step from another grid's solution may lose what that had; then steps lead back.
            plain, idle = max(plain - 1, 0), 0 if new_lost < max(best, _CLOSER * lost) or plain else idle + 1
            if idle > _IDLE or self.steps > 2 * _NEWTON_STEPS:
                if self.steps > _NEWTON_STEPS:
                    raise ConvergenceError(
                        f"The self-consistent Born approximation did not converge in {self.steps} steps: particles are "
                        f"conserved to {self._lost(point, law=False) * _CONSERVED:.1e} of the current, and "
                        f"{point.law[1]:.1e} of its largest term is left of the law of electrostatics. A weaker "
                        "coupling, a higher temperature or a smaller bias helps.", accuracy=best * _CONSERVED,
                        state=point)
                plain = _MORE_PLAIN
            best = min(best, new_lost)
            point, lost = new, new_lost
        return point

    def _first_rate(self):
        """As if every site had the states of a band as wide as the grid."""
        typical = self._unmoved.typical_rate(np.ptp(self.ladders.energies))
        rates = np.zeros((1 + self._plain, len(typical), len(self.ladders.energies)))
        rates[0] = typical[:, None]
        return rates

    def _scattering(self, filling, spectral, phonon_rate):
        """Occupation, Sin of the optical phonons, the step of the phonons' rate, and its largest value."""
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
            return np.abs(found).max()

        return occupied, into, step, max(self._map(work, around))

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
            point.charge = self.density(point) - self._reference
            point.law = self.law.residual(potential, point.lead_mu, point.charge)
        return point

    def _states(self, filling, propagator, probing, phonon_rate, tolerance):
        """Settle spectral functions and rates at given f."""
        mixing = Anderson(_MIXED)
        for _ in range(_SETTLING):
            rate = phonon_rate.sum(axis=0) + probing.rate + probing.elastic
            self_energy = self._self_energy(rate, phonon_rate[0], probing)
            transport = self._transport(propagator, self_energy)
            occupied, into, step, largest = self._scattering(filling, transport.spectral, phonon_rate)
            if largest <= tolerance * rate.max():
                break
            mixed = phonon_rate + mixing.move(step)
            np.maximum(mixed, _LEAST_RATE * (phonon_rate + step), out=mixed)
            mixing.took(mixed - phonon_rate)
            phonon_rate = mixed
        elastic = self._unmoved.acoustic[:, None] * transport.spectral + probing.elastic
        return transport, self_energy, phonon_rate, rate, occupied, into, elastic, largest / max(rate.max(), _TINY)

    def _at(self, potential, unknowns):
        """Propagator without self-energy, and probes, at a potential of the sites."""
        if self.law is None:
            return self._propagator, self.probing
        leads = self.law.lead_potentials(self.probing.lead_mu(unknowns))
        grid = self.ladders
        return (self._propagator.at_potential(potential, leads),
                Probing(self._unmoved.at_potential(potential), grid.energies, grid.weights))

    def _self_energy(self, rate, shifted, probing):
        level_shift = probing.level_shift
        if self._unmoved.shifts_levels:
            own = self.ladders.level_shift(shifted, self._map)
            level_shift = own if level_shift is None else own + level_shift
        return TabulatedSelfEnergy(self.ladders.energies, rate, level_shift)

    def _transport(self, propagator, self_energy):
        self.green_functions += 1
        return Transport(propagator.with_self_energy(self_energy), self.ladders.energies, self._map)

    def _neutral_density(self):
        """N0: U = 0, leads unshifted, one mu and one temperature everywhere."""
        grid, mu, temperature = self.ladders, self.law.neutral_mu, self.law.neutral_temperature
        surroundings = self._unmoved.in_equilibrium(mu, temperature)
        propagator = self._propagator.at_potential(np.zeros(len(surroundings.acoustic)),
                                                   np.zeros(len(surroundings.lead_mu)))
        neutral = BornBalance(propagator, surroundings, grid, self._map, self._progress)
        filling = np.broadcast_to(fermi(grid.energies, np.array([mu]), np.array([temperature])),
                                  (len(surroundings.acoustic), len(grid.energies)))
        point = neutral._settled(filling, neutral.probing.start(mu), np.zeros(len(filling)), neutral._first_rate(),
                                 _SETTLED)
        self.green_functions += neutral.green_functions
        if point.moving > _NEUTRAL:
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
        states = (filling * (1 - filling) * point.spectral) @ weights / self._unmoved.probe_temperature
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

    def balance(self, point: BornPoint) -> np.ndarray:
        """Particles that each site takes, per time, shape (sites,)."""
        return (point.rate * point.arrived - point.source * point.spectral) @ self.ladders.weights

    def probe_power(self, point: BornPoint) -> np.ndarray:
        """Power that the probes of a bath of phonons take, shape (sites,)."""
        taken = point.probing.cold_taken(point.unknowns, point.arrived, point.spectral)
        return np.zeros(len(point.potential)) if taken is None else taken @ (self.ladders.weights
                                                                             * self.ladders.energies)

    def electron_power(self, point: BornPoint) -> np.ndarray:
        """Power that the probes of a bath of electrons take, shape (sites,): 0 at the solution."""
        taken = point.probing.hot_taken(point.unknowns, point.arrived, point.spectral)
        return np.zeros(len(point.potential)) if taken is None else taken @ (self.ladders.weights
                                                                             * self.ladders.energies)

    def outside(self, point: BornPoint, rungs: int) -> tuple[float, float]:
        """What goes on in the lowest and in the highest rungs, as a part of all.

        Both what is scattered by phonons, which makes levels and their shifts, and what that changes.
        """
        weights, end = self.ladders.weights, rungs * self.ladders.base
        changed = np.abs(point.rate * point.arrived - point.source * point.spectral) * weights
        least = _NOISE * self.exchanged(point).sum()
        low, high = 0.0, 0.0
        for going_on in (changed, point.phonon_rate.sum(axis=0) * point.spectral * weights):
            total = max(going_on.sum(), least)
            if total > 0:
                low, high = max(low, going_on[:, :end].sum() / total), max(high, going_on[:, -end:].sum() / total)
        return low, high

    def flows(self, point: BornPoint, mu: float, temperature: float) -> np.ndarray:
        """Particles and energy on every bond, relative to an equilibrium, shape (2, hoppings)."""
        weights, energies = self.ladders.weights, self.ladders.energies
        equilibrium = fermi(energies, np.array([mu]), np.array([temperature]))
        return point.transport.flows(point.source - point.rate * equilibrium, point.lead_filling - equilibrium,
                                     np.stack([weights, weights * energies], axis=1)).T

    def _lost(self, point, law=True):
        """What conservation, and the law of electrostatics, miss, in units of what they may."""
        lost = self.balance(point)
        missing = point.probing.missing(point.unknowns, point.arrived, point.spectral, point.inflow)
        cold, particles, heat, currents = (np.abs(part).max(initial=0.0) for part in point.probing.split(missing))
        heat /= self._unmoved.lead_temperature.min()
        result = max(np.abs(lost).max(), abs(lost.sum()), cold, particles, heat, currents) / max(self._allowed(point))
        return max(result, point.law[1] / LAW_TOLERANCE) if law else result

    def exchanged(self, point: BornPoint) -> np.ndarray:
        """Particles that pass each site's collisions per time if all states are full, shape (sites,)."""
        return (point.rate * point.spectral) @ self.ladders.weights

    def _allowed(self, point):
        """What may be missed: of the current, and rounding errors of all that is exchanged."""
        return (_CONSERVED * np.abs(point.inflow @ self.ladders.weights).max(),
                _ROUNDING * self.exchanged(point).sum())

    def _flows(self, point):
        """Whether currents stand out from rounding errors."""
        current, rounding = self._allowed(point)
        return current > rounding

    def _adrift(self, point):
        """Energies at which electrons scatter elastically alone and no lead reaches them: array of bool.

        Below a lead's band there are such states where collisions broaden them; nothing determines their occupation.
        """
        if not (self._unmoved.acoustic.any() or self._unmoved.baths.is_elastic):
            return np.zeros(len(self.ladders.energies), bool)
        self.transports += 1
        given = np.clip(point.rate - point.elastic, 0.0, None)
        given[given < _ELASTIC * point.rate] = 0.0  # rounding errors
        reached, _ = point.transport.arrive(given, np.ones_like(point.lead_filling))
        return (reached <= _DARK * point.spectral).all(axis=0)

    def _anchor(self, point, adrift):
        """Filling of states that nothing fills: Fermi's function of the leads' mean mu, as of bound states."""
        return fermi(self.ladders.energies[adrift], point.lead_mu.mean(keepdims=True),
                     self._unmoved.lead_temperature.mean(keepdims=True))

    def _plain_step(self, point):
        slopes = point.probing.slopes(point.unknowns, point.spectral, point.transport.arrive)
        missing = point.probing.missing(point.unknowns, point.arrived, point.spectral, point.inflow)
        return (_filling(point.arrived, point.spectral),
                point.probing.moved(point.unknowns, slopes.scaled(missing)))

    def _inverse(self, point, elastic):
        """Approximate inverse of the step's operator."""
        filling, size = point.filling, point.filling.size
        modes = self._unmoved.modes

        def coefficients(starts, count, energies):
            def mean(values):
                return np.add.reduceat(values, starts, axis=0) / count.reshape(-1, *(1,) * (values.ndim - 1))

            n = mean(point.occupied[:, energies])
            f = np.divide(n, mean(point.spectral[:, energies]), out=np.zeros_like(n), where=n > 0)
            terms = [(0, mean(elastic[:, energies]))]
            for mode, shift in zip(modes, self.shifts, strict=True):
                d, quanta = mean(mode.coupling)[:, None], mean(mode.quanta)[:, None]
                rungs = shift // self.ladders.base
                terms += [(rungs, d * (quanta + 1 - f)), (-rungs, d * (quanta + f))]
            return terms

        passages = point.transport.passages()
        if passages is None:
            return lambda b: b
        inverse = LadderInverse(passages, filling, point.spectral, coefficients, self.ladders.base, self._map,
                                everywhere=not modes)
        return lambda b: np.append(inverse(b[:size].reshape(filling.shape)).ravel(), b[size:])

    def _newton_step(self, point, adrift):
        """F and the unknowns after a step of the linearised Boltzmann equation, but for energies `adrift`."""
        self.steps += 1
        filling, size = point.filling, point.filling.size
        arrive = point.transport.arrive
        slopes = point.probing.slopes(point.unknowns, point.spectral, arrive)
        elastic = np.divide(point.elastic, point.spectral, out=np.zeros_like(filling),
                            where=(point.spectral > 0) & ~adrift)

        def scattered(change):
            """What scatters into states when n changes."""
            result = elastic * change
            for mode, shift in zip(self._unmoved.modes, self.shifts, strict=True):
                add_response(change, filling, mode.coupling, mode.quanta, shift, result)
            return result.ravel()

        def arriving(values):
            self.transports += 1
            step = values[size:]
            return arrive(values[:size].reshape(filling.shape) + slopes.source(step), slopes.lead_filling(step))

        def product(values):
            self.products += 1
            change, inflow = arriving(values)
            return np.append(values[:size] - scattered(change),
                             slopes.own * values[size:] - slopes.absorbed(change, inflow))

        residual = np.where(adrift, 0.0, point.arrived - point.occupied)
        missing = point.probing.missing(point.unknowns, point.arrived, point.spectral, point.inflow)
        right = np.append(scattered(residual), slopes.scaled(missing))
        found = krylov.solve(product, right, self._inverse(point, elastic), rtol=_STEP_RTOL, worst=_STEP_WORST,
                             what=_WHAT)
        change = residual + arriving(found)[0]
        return (np.clip(_filling(point.occupied + change, point.spectral), 0.0, 1.0),
                point.probing.moved(point.unknowns, found[size:]))


def _filling(occupied, spectral):
    """F = n / A; 0 where there are no states."""
    return np.divide(occupied, spectral, out=np.zeros_like(occupied), where=spectral > 0)
