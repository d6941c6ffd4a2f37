"""Self-consistent Born approximation: electrons that scatter off phonons, on energies closed under their quanta.

    Sin_i(E)  = D_i [(N + 1) n_i(E + w) + N n_i(E - w)],    Sout_i(E) = D_i [(N + 1) h_i(E - w) + N h_i(E + w)]
    gamma = Sin + Sout,    h = A - n,    n = K (Sin + ...) + leads,    K_ij = |G_ij|^2
    p_i = w D_i Int dE/2pi [(N + 1) n_i(E + w) h_i(E) - N n_i(E) h_i(E + w)]

Unknowns are the occupation f = n / A and, through it, the spectral function: A is settled at fixed f, then f moves by
a Newton step of Boltzmann's equation, in which A and K stay. That step conserves particles at every site:

    dn = r + K ds,    ds = R dn,    (R x)(E) = D [(N + 1 - f) x(E + w) + (N + f) x(E - w)],    r = n(f) - A f.

Acoustic and other elastic collisions have the source gamma_x f; probes of a bath of phonons the source gamma_p F(mu_i).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..errors import ConvergenceError
from ..model.phonons import Mode
from ..model.tabulated import TabulatedSelfEnergy
from ..numerics import krylov
from ..numerics.anderson import Anderson
from ..numerics.ladders import Ladders
from ..numerics.phonon_kernels import add_response, add_scattering
from ..numerics.quadrature import TWO_PI
from ..propagators.lattice import LatticePropagator
from .ladder_inverse import LadderInverse
from .transport import Transport

# How often the spectral function may be settled again, and by how much the rate may still change, relative to its
# largest value; while f is far from the solution, by so much of its change.
_SETTLING, _SETTLED, _LOOSELY, _LOOSEST = 200, 2e-15, 1e-4, 1e-3
# How many former iterations are mixed.
_MIXED = 6
# Mixed rates are no smaller than this part of what was found.
_LEAST_RATE = 0.1
# Steps of the plain iteration at first, and again where Newton's method does not lead closer.
_PLAIN, _MORE_PLAIN = 3, 40
# Newton steps in all, and how many of them may pass without coming closer.
_NEWTON_STEPS, _IDLE = 40, 3
# What the linear equations of a step leave, and what is accepted.
_STEP_RTOL, _STEP_WORST = 1e-2, 0.5
# What conservation may miss at a site and in all, relative to the largest current; rounding, to what is exchanged.
_CONSERVED, _ROUNDING = 1e-12, 1e-15
# Less than this part of what is exchanged is rounding.
_NOISE = 1e-13
_WHAT = "the occupations of sites that scatter off phonons"


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What scatters electrons, and what sends them in; sites in the propagator's order.

    Attributes
    ----------
    modes : list of Mode
    acoustic : array of float, shape (sites,)
        D of elastic scattering by acoustic phonons.
    level_shift : bool
        Whether acoustic phonons have a level shift.
    elastic, probes : callables
        Of energies: gamma_x and gamma_p, shape (sites, energies).
    probe_temperature : array of float, shape (sites,)
    lead_mu, lead_temperature : arrays of float, shape (leads,)
    """

    modes: list[Mode]
    acoustic: np.ndarray
    level_shift: bool
    elastic: Callable[[np.ndarray], np.ndarray]
    probes: Callable[[np.ndarray], np.ndarray]
    probe_temperature: np.ndarray
    lead_mu: np.ndarray
    lead_temperature: np.ndarray

    @property
    def shifts_levels(self) -> bool:
        """Whether a real part of the self-energy is kept, for which all of the band is needed."""
        return self.level_shift or any(mode.level_shift for mode in self.modes)

    def typical_rate(self, band: float) -> np.ndarray:
        """Rate of all phonons if every site had one state in a band of this width, shape (sites,)."""
        couplings = [mode.coupling * (2 * mode.quanta + 1) for mode in self.modes]
        return sum(couplings, self.acoustic) * TWO_PI / band

    def lead_fillings(self, energies: np.ndarray) -> np.ndarray:
        """Shape (leads, energies)."""
        return fermi(energies, self.lead_mu, self.lead_temperature)


def fermi(energies, mu, temperature):
    """Fermi functions, shape (mu, energies)."""
    return expit((mu[:, None] - energies) / temperature[:, None])


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
    mu : array of float, shape (sites,)
        Of the probes.
    transport : Transport
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
    mu: np.ndarray
    transport: Transport


class BornBalance:
    """Fixed point of the self-consistent Born approximation on one grid of energies.

    Parameters
    ----------
    propagator : LatticePropagator
        Of the sites without self-energy.
    surroundings : Surroundings
    ladders : Ladders
    map_ : callable
    progress : callable

    Attributes
    ----------
    green_functions, transports, steps, products : int
        How often spectral functions were computed and something was sent through them, of all energies; Newton steps,
        and products with their linear operator.
    """

    def __init__(self, propagator: LatticePropagator, surroundings: Surroundings, ladders: Ladders,
                 map_: Callable, progress: Callable) -> None:
        self.propagator, self.surroundings, self.ladders = propagator, surroundings, ladders
        self._map, self._progress = map_, progress
        energies = ladders.energies
        self.shifts = [ladders.base * round(mode.energy / ladders.quantum) for mode in surroundings.modes]
        self._probes, self._fixed_elastic = surroundings.probes(energies), surroundings.elastic(energies)
        self._lead_filling = surroundings.lead_fillings(energies)
        self.coupled = self._probes.any(axis=1)
        kinds = {mode.level_shift for mode in surroundings.modes}
        if surroundings.acoustic.any():
            kinds.add(surroundings.level_shift)
        self._plain = len(kinds) > 1
        self.green_functions = self.transports = self.steps = self.products = 0

    def solve(self, filling: np.ndarray, mu: np.ndarray, phonon_rate: np.ndarray | None = None) -> BornPoint:
        """The solution, from a first guess of f, of the probes' mu, and of the phonons' part of gamma."""
        phonon_rate = self._first_rate() if phonon_rate is None else phonon_rate
        point = self._settled(filling, mu, phonon_rate, _LOOSEST)
        lost = best = self._lost(point)
        plain, idle = _PLAIN, 0
        while lost > 1:
            filling, mu = self._plain_step(point) if plain else self._newton_step(point)
            change = np.abs((filling - point.filling) * point.spectral).max() / point.spectral.max()
            new = self._settled(filling, mu, point.phonon_rate, np.clip(_LOOSELY * change, _SETTLED, _LOOSEST))
            new_lost = self._lost(new)
            self._progress(_WHAT, new_lost * _CONSERVED)
            plain, idle = max(plain - 1, 0), 0 if new_lost < best or plain else idle + 1
            if idle > _IDLE:
                if self.steps > _NEWTON_STEPS:
                    raise ConvergenceError(
                        f"The self-consistent Born approximation did not converge in {self.steps} steps: particles "
                        f"are conserved to {best * _CONSERVED:.1e} of the current only. A weaker coupling, a higher "
                        "temperature or a smaller bias helps.", accuracy=best * _CONSERVED, state=point)
                plain = _MORE_PLAIN
            best = min(best, new_lost)
            point, lost = new, new_lost
        return point

    def _first_rate(self):
        """As if every site had the states of a band as wide as the grid."""
        typical = self.surroundings.typical_rate(np.ptp(self.ladders.energies))
        rates = np.zeros((1 + self._plain, *self._probes.shape))
        rates[0] = typical[:, None]
        return rates

    def _scattering(self, occupied, spectral):
        """Sin of the optical phonons, the elastic rate, and the rate of phonons with and without a level shift."""
        into, part = np.zeros_like(occupied), np.zeros_like(occupied)
        rates = np.zeros((1 + self._plain, *occupied.shape))
        for mode, shift in zip(self.surroundings.modes, self.shifts, strict=True):
            part[:] = 0.0
            out = rates[0 if mode.level_shift else -1]
            add_scattering(occupied, spectral, mode.coupling, mode.quanta, shift, part, out)
            into += part
            out += part
        elastic = self.surroundings.acoustic[:, None] * spectral
        rates[0 if self.surroundings.level_shift else -1] += elastic
        return into, elastic + self._fixed_elastic, rates

    def _settled(self, filling, mu, phonon_rate, tolerance):
        """Spectral functions and rates that belong to each other, at given f."""
        mixing = Anderson(_MIXED)
        for _ in range(_SETTLING):
            rate = phonon_rate.sum(axis=0) + self._probes + self._fixed_elastic
            transport = self._transport(rate, phonon_rate[0])
            spectral = transport.spectral
            occupied = filling * spectral
            into, elastic, found = self._scattering(occupied, spectral)
            step = found - phonon_rate
            if np.abs(step).max() <= tolerance * rate.max():
                break
            mixed = np.maximum(phonon_rate + mixing.move(step), _LEAST_RATE * found)
            mixing.took(mixed - phonon_rate)
            phonon_rate = mixed
        source = into + elastic * filling + self._probes * fermi(
            self.ladders.energies, mu, self.surroundings.probe_temperature)
        self.transports += 1
        arrived, inflow = transport.arrive(source, self._lead_filling)
        return BornPoint(filling, occupied, spectral, arrived, inflow, source, rate, phonon_rate, elastic, mu,
                         transport)

    def _transport(self, rate, shifted):
        self.green_functions += 1
        level_shift = self.ladders.level_shift(shifted, self._map) if self.surroundings.shifts_levels else None
        energies = self.ladders.energies
        return Transport(self.propagator.with_self_energy(TabulatedSelfEnergy(energies, rate, level_shift)), energies,
                         self._map)

    def balance(self, point: BornPoint) -> np.ndarray:
        """Particles that each site takes, per time, shape (sites,)."""
        return (point.rate * point.arrived - point.source * point.spectral) @ self.ladders.weights

    def probe_power(self, point: BornPoint) -> np.ndarray:
        """Power that the probes of a bath of phonons take, shape (sites,)."""
        energies, temperature = self.ladders.energies, self.surroundings.probe_temperature
        taken = self._probes * (point.arrived - point.spectral * fermi(energies, point.mu, temperature))
        return (taken * energies) @ self.ladders.weights

    def outside(self, point: BornPoint, rungs: int) -> tuple[float, float]:
        """What goes on in the lowest and in the highest rungs, as a part of all.

        Both what is scattered by phonons, which makes levels and their shifts, and what that changes.
        """
        weights, end = self.ladders.weights, rungs * self.ladders.base
        changed = np.abs(point.rate * point.arrived - point.source * point.spectral) * weights
        least = _NOISE * ((point.rate * point.spectral) @ weights).sum()
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
        return point.transport.flows(point.source - point.rate * equilibrium, self._lead_filling - equilibrium,
                                     np.stack([weights, weights * energies], axis=1)).T

    def _lost(self, point):
        """What conservation misses, in units of what it may."""
        lost, weights = self.balance(point), self.ladders.weights
        current = np.abs(point.inflow @ weights).max()
        exchanged = (point.rate * point.spectral) @ weights
        return max(np.abs(lost).max(), abs(lost.sum())) / max(_CONSERVED * current, _ROUNDING * exchanged.sum())

    def _plain_step(self, point):
        return _filling(point.arrived, point.spectral), point.mu + self._probe_step(point, 0.0)

    def _probe_step(self, point, change):
        """Change of the probes' mu for their particles at `change` more than what arrives."""
        if not self.coupled.any():
            return np.zeros_like(point.mu)
        weights, own = self.ladders.weights, self._probes * point.spectral
        temperature = self.surroundings.probe_temperature
        filling = fermi(self.ladders.energies, point.mu, temperature)
        slope = filling * (1 - filling) / temperature[:, None]
        taken = (self._probes * (point.arrived + change) - own * filling) @ weights
        return np.divide(taken, (own * slope) @ weights, out=np.zeros_like(taken), where=self.coupled)

    def _inverse(self, point, elastic):
        """Approximate inverse of the step's operator."""
        filling, sites = point.filling, len(point.filling)
        modes = self.surroundings.modes

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
        inverse = LadderInverse(passages, filling, point.spectral, coefficients, self.ladders.base, self._map)
        return lambda b: np.append(inverse(b[:-sites].reshape(filling.shape)).ravel(), b[-sites:])

    def _newton_step(self, point):
        """F and mu after a step of the linearised Boltzmann equation."""
        self.steps += 1
        filling, sites = point.filling, len(point.filling)
        temperature = self.surroundings.probe_temperature
        occupation = fermi(self.ladders.energies, point.mu, temperature)
        slope = self._probes * occupation * (1 - occupation) / temperature[:, None]
        nowhere, weights = np.zeros_like(self._lead_filling), self.ladders.weights
        elastic = np.divide(point.elastic, point.spectral, out=np.zeros_like(filling), where=point.spectral > 0)
        own = np.where(self.coupled, (slope * point.spectral) @ weights, 1.0)

        def sources(change):
            """What scatters into states, and steps of mu, when n changes."""
            result = elastic * change
            for mode, shift in zip(self.surroundings.modes, self.shifts, strict=True):
                add_response(change, filling, mode.coupling, mode.quanta, shift, result)
            return np.append(result.ravel(), ((self._probes * change) @ weights) / own)

        def arriving(values):
            self.transports += 1
            source = values[:-sites].reshape(filling.shape) + slope * values[-sites:, None]
            return point.transport.arrive(source, nowhere)[0]

        def product(values):
            self.products += 1
            return values - sources(arriving(values))

        residual = point.arrived - point.occupied
        right = sources(residual)
        right[-sites:] = self._probe_step(point, 0.0)
        inverse = self._inverse(point, elastic)
        found = krylov.solve(product, right, inverse, rtol=_STEP_RTOL, worst=_STEP_WORST, what=_WHAT)
        change = residual + arriving(found)
        return (np.clip(_filling(point.occupied + change, point.spectral), 0.0, 1.0), point.mu + found[-sites:])


def _filling(occupied, spectral):
    """F = n / A; 0 where there are no states."""
    return np.divide(occupied, spectral, out=np.zeros_like(occupied), where=spectral > 0)
