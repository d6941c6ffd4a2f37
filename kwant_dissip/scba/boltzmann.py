"""Self-consistent Born approximation: occupations that electrons scattering off phonons settle in.

    n = K (Sin + ...) + leads,    K_ij = |G_ij|^2
    p_i = w D_i Int dE/2pi [(N + 1) n_i(E + w) h_i(E) - N n_i(E) h_i(E + w)]

Unknowns are the occupation f = n / A and, through it, the spectral function: A is settled at fixed f (`born_states`),
then f moves by a Newton step of Boltzmann's equation, in which A and K stay. That step conserves particles at every
site:

    dn = r + K ds,    ds = R dn,    (R x)(E) = D [(N + 1 - f) x(E + w) + (N + f) x(E - w)],    r = n(f) - A f.
"""

from collections.abc import Callable

import numpy as np

from ..errors import ConvergenceError
from ..native.energies import add_response
from ..numerics import krylov
from ..numerics.ladders import Ladders
from ..propagators.lattice import LatticePropagator
from .ladder_inverse import LadderInverse
from .scattering import Surroundings, fermi
from .screening import LAW_TOLERANCE, BornScreening
from .states import SETTLED, BornPoint, BornStates

# While f is far from the solution, by how much rates may still change, as a part of its change, and at most.
_LOOSELY, _LOOSEST = 1e-5, 1e-3
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
# Less than this part of what is exchanged is rounding.
_NOISE = 1e-13
_WHAT = "the occupations of sites that scatter off phonons"


class BornBalance(BornStates):
    """Fixed point of the self-consistent Born approximation on one grid of energies.

    Parameters
    ----------
    propagator, surroundings, ladders, map_, law, settled :
        As of `BornStates`.
    progress : callable

    Attributes
    ----------
    steps, products : int
        Newton steps, and products with their linear operator.
    """

    def __init__(self, propagator: LatticePropagator, surroundings: Surroundings, ladders: Ladders,
                 map_: Callable, progress: Callable, law: BornScreening | None = None,
                 settled: float = SETTLED) -> None:
        super().__init__(propagator, surroundings, ladders, map_, law, settled)
        self._progress = progress
        self.steps = self.products = 0

    def solve(self, filling: np.ndarray, unknowns: np.ndarray, phonon_rate: np.ndarray | None = None,
              potential: np.ndarray | None = None) -> BornPoint:
        """The solution, from a first guess of f, of the unknowns, of the phonons' part of gamma, and of U."""
        plain = _PLAIN if phonon_rate is None else 0
        phonon_rate = self._first_rate() if phonon_rate is None else phonon_rate
        if potential is None:
            potential = np.zeros(len(filling))
        tolerance = _LOOSEST if plain else _LOOSELY
        point = self._settled(filling, unknowns, potential, phonon_rate, tolerance)
        lost = best = self._lost(point)
        idle, last = 0, False
        # Where nothing flows but rounding errors of what is exchanged, one step more costs little.
        while lost > 1 or tolerance > self._enough < point.moving or not (last or self._flows(point)):
            last = lost <= 1
            potential = point.potential if plain else self._screened(point)
            adrift = self._adrift(point)
            filling, unknowns = self._plain_step(point) if plain else self._newton_step(point, adrift)
            filling[:, adrift] = self._anchor(point, adrift)
            change = np.abs((filling - point.filling) * point.spectral).max() / point.spectral.max()
            tolerance = np.clip(_LOOSELY * change, self._enough, _LOOSEST)
            new = self._settled(filling, unknowns, potential, point.phonon_rate, tolerance)
            new_lost = self._lost(new)
            self._progress(_WHAT, new_lost * _CONSERVED)
            # The first step from another grid's solution may lose what that had; then steps lead back.
            plain, idle = max(plain - 1, 0), 0 if new_lost < max(best, _CLOSER * lost) or plain else idle + 1
            if idle > _IDLE or self.steps > 2 * _NEWTON_STEPS:
                if self.steps > _NEWTON_STEPS:
                    raise ConvergenceError(
                        f"The self-consistent Born approximation did not converge in {self.steps} steps: particles are "
                        f"conserved to {self._lost(point, law=False) * _CONSERVED:.1e} of the current"
                        + ("" if self.law is None else
                           f", and {point.law[1]:.1e} of its largest term is left of {self.law.name}")
                        + ". A weaker coupling, a higher temperature or a smaller bias helps.",
                        accuracy=best * _CONSERVED, state=point)
                plain = _MORE_PLAIN
            best = min(best, new_lost)
            point, lost = new, new_lost
        return point

    def balance(self, point: BornPoint) -> np.ndarray:
        """Particles that each site takes, per time, shape (sites,)."""
        return (point.rate * point.arrived - point.source * point.spectral) @ self.ladders.weights

    def probe_power(self, point: BornPoint) -> np.ndarray:
        """Power that probes take, shape (baths, sites): 0 at the solution for those that keep energy."""
        return point.probing.power(point.unknowns, point.arrived, point.spectral)

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
        """What Boltzmann's equation, conservation, and the law of electrostatics miss, in units of what they may."""
        lost = self.balance(point)
        unlike = (point.rate * np.abs(point.arrived - point.occupied)) @ self.ladders.weights
        missing = point.probing.missing(point.unknowns, point.arrived, point.spectral, point.inflow)
        parts = unlike.max(), np.abs(lost).max(), abs(lost.sum()), point.probing.largest(missing)
        result = max(parts) / max(self._allowed(point))
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
                point.probing.probes.moved(point.unknowns, slopes.scaled(missing)))

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
                point.probing.probes.moved(point.unknowns, found[size:]))


def _filling(occupied, spectral):
    """F = n / A; 0 where there are no states."""
    return np.divide(occupied, spectral, out=np.zeros_like(occupied), where=spectral > 0)
