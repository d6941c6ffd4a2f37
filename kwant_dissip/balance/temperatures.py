"""Newton's method for chemical potentials and temperatures of the electrons together.

    Int dE/2pi gamma_e (A f - n) = 0,    Int dE/2pi (E - mu_0) gamma_e (A f - n) = 0

With -f' = df/dmu the derivative with T_e is (E - mu_e) / T_e (-f'). The second row counts as heat, with
(E - mu_e) / T_e in place of E - mu_0, which makes both rows and both unknowns alike.

The same direction is a step in (mu, T), or in (mu/T, 1/T), in which f depends on one linear function of the unknowns.
The second is safer far from the solution, the first near a temperature that is low.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from ..errors import ConvergenceError
from ..numerics.quadrature import TWO_PI
from ..propagators.interface import Moments
from ..propagators.kept import KeptSpectra
from ..propagators.places import PlacesPropagator, node_inverse
from .electron_probes import ElectronProbes
from .energy_grid import Point, batches
from .jacobian import _JACOBIAN_MEMORY, _SLOPE_WINDOW, require_states
from .newton import Linearization, newton

_GMRES_WORST = 1e-1
_CYCLES = 20
_STEPS, _SAFE_STEPS = 25, 80
_HALVINGS = 12
# (E - mu) / T at the two nodes, of weight 1/2 each, that give the zeroth and the second moment of -f' exactly.
_NODES = np.array([-1, 1]) * np.pi / np.sqrt(3)
# A temperature changes by this factor in a step, at most.
_FACTOR = 4.0
# Spread of energies, in units of (k_B T)^2, at which a site exchanges electrons with its bath, below which their number
# and their energy are the same condition: a temperature is not determined.
_LEAST_SPREAD = 1e-9
# Electrons that are hotter than all that drives them by this factor have no temperature.
_HOTTEST = 100.0
_WHAT = "the chemical potentials and temperatures of the electrons"


class HeatJacobian:
    """Derivative of particle and energy balance with (mu, T, mu of floating leads), as a product with a vector.

    Parameters
    ----------
    spectra : KeptSpectra
    probes : ElectronProbes
    panels : Panels
    unknowns : array of float
    map_ : callable

    Attributes
    ----------
    exchange, spread : arrays of float
        Int dE/2pi gamma A (-f') of each place, and the variance of (E - mu) / T in it at places of electrons.
    floating : array of float
        Change of each floating lead's current with its own mu.
    """

    def __init__(self, spectra: KeptSpectra, probes: ElectronProbes, panels, unknowns: np.ndarray, map_) -> None:
        self._spectra, self._probes, self._unknowns, self._map = spectra, probes, unknowns, map_
        self._mu = unknowns[probes.hot]
        self._temperature = probes.temperature0 + probes.excess(unknowns)
        mu, temperature = probes.thermal(unknowns)
        reach = _SLOPE_WINDOW * temperature.max()
        self._parts = []
        for batch in batches(spectra, panels):
            nodes, weights, _ = (array.ravel() for array in batch.nodes())
            if nodes.max() > mu.min() - reach and nodes.min() < mu.max() + reach:
                self._parts.append((nodes, weights / TWO_PI))
        count = sum(len(nodes) for nodes, _ in self._parts)
        self._kept = spectra.propagator.response_size * count <= _JACOBIAN_MEMORY
        self._own = np.zeros((3, len(probes.coupled)))
        self._responses = []
        for own, response in map_(self._own_and_response, self._parts):
            self._own = self._own + own
            if self._kept:
                self._responses.append(response)
        exchange, first, second = self._own
        require_states(probes.coupled, exchange)
        self.exchange = np.where(probes.coupled, exchange, 1.0)
        first, second = first[probes.hot] / self.exchange[probes.hot], second[probes.hot] / self.exchange[probes.hot]
        where = probes.coupled[probes.hot]
        # E counts from mu_0; what the heat row holds on its diagonal is Int x^2 gamma A (-f').
        self.heat = np.where(where, (second - 2 * self._mu * first + self._mu ** 2) / self._temperature ** 2, 1.0)
        self.spread = np.where(where, (second - first ** 2) / self._temperature ** 2, 1.0)
        self.floating = self._floating_diagonal()

    def _part(self, nodes, weights):
        spectrum = self._spectra.spectrum(self._probes.mu0 + nodes)
        slope, lead_slope = self._probes.slopes(nodes, self._unknowns)
        source = spectrum.rate * slope
        own = source * spectrum.spectral * weights
        moments = np.stack([own.sum(axis=1), own @ nodes, own @ nodes ** 2])
        arguments = spectrum.by_bath(source), spectrum.by_bath(spectrum.rate * weights), nodes, spectrum.leads
        if len(self._probes.floating):
            return moments, _WithLeads(Moments(spectrum.sites, *arguments), lead_slope, self._probes.floating, weights)
        return moments, spectrum.sites.moments(*arguments)

    def _own_and_response(self, part):
        own, response = self._part(*part)
        return own, response if self._kept else None

    def _floating_diagonal(self):
        size, floating = len(self._unknowns), len(self._probes.floating)
        diagonal = [self(np.eye(1, size, size - floating + number)[0])[size - floating + number]
                    for number in range(floating)]
        if not all(value > 1e-300 for value in diagonal):
            raise ConvergenceError("A floating lead (mu=None) has no open modes in the thermal window, or nothing "
                                   "reaches it: its chemical potential is not defined.")
        return np.array(diagonal)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """J v, in the rows of the residual (energies relative to mu_0)."""
        probes, hot = self._probes, self._probes.hot
        mu, lead_mu = probes.split(values)
        # The change of f is -f' (constant + slope E).
        constant, slope = np.array(mu, float), np.zeros(len(mu))
        slope[hot] = probes.excess(values) / self._temperature
        constant[hot] -= self._mu * slope[hot]
        places = len(mu)
        arguments = [part.reshape(-1, len(hot)) for part in (constant, slope)] + [lead_mu] * bool(len(lead_mu))
        if self._kept:
            changes = sum(self._map(lambda response: np.ravel(response(*arguments)), self._responses))
        else:
            changes = sum(self._map(lambda part: np.ravel(self._part(*part)[1](*arguments)), self._parts))
        arriving, energy = changes[:places], changes[places:2 * places]
        m0, m1, m2 = self._own
        loss = np.where(probes.coupled, m0 * constant + m1 * slope - arriving, values[:places])
        heat = (m1 * constant + m2 * slope - energy)[hot]
        heat = np.where(probes.coupled[hot], heat, probes.excess(values))
        return np.concatenate([loss, heat, changes[2 * places:]])


class _WithLeads:
    """The sums, and the changes of the floating leads' currents."""

    def __init__(self, moments, lead_slope, floating, weights):
        self._moments = moments
        self._lead_slope, self._floating, self._weights = lead_slope, floating, weights

    def __call__(self, values, slopes, lead_values):
        filling = np.zeros_like(self._lead_slope)
        filling[self._floating] = self._lead_slope[self._floating] * lead_values[:, None]
        sums, inflow = self._moments.with_leads(values, slopes, filling)
        return np.concatenate([sums.ravel(), inflow[self._floating] @ self._weights])


class Temperatures:
    """The method for one propagator: `find` from a point.

    Parameters
    ----------
    spectra : KeptSpectra
        Of a `PlacesPropagator`.
    probes : ElectronProbes
    map_, progress : callable
        As of `EnergyGrid`.

    Attributes
    ----------
    newton_steps, products : int
        So far.
    """

    def __init__(self, spectra: KeptSpectra, probes: ElectronProbes, map_: Callable, progress: Callable) -> None:
        self._spectra, self._probes, self._map, self._progress = spectra, probes, map_, progress
        self.newton_steps = self.products = 0

    def find(self, point: Point, evaluate: Callable[[np.ndarray], Point], tolerance: float, rtol: float) -> Point:
        """Where particles and energy balance on the energies of a point.

        Parameters
        ----------
        point : Point
            To start from.
        evaluate : callable
            `Point` of unknowns.
        tolerance, rtol : float
            Of Newton's method, and of the linear equations.

        Raises
        ------
        ConvergenceError
            With the best point as its `state`.
        """
        linearize = self._linearizer(point, rtol)

        def search(move, steps):
            return newton(point, evaluate, linearize, scale=self._probes.scale, tolerance=tolerance, steps=steps,
                          halvings=_HALVINGS, what=_WHAT, move=move, progress=self._progress)

        try:
            found = search(self._plain_step, _STEPS)
        except ConvergenceError:
            try:
                found = search(self._natural_step, _SAFE_STEPS)
            except ConvergenceError as error:
                if isinstance(error.state, Point):
                    self._require_temperatures(error.state, error)
                raise
        self._require_temperatures(found)
        return found

    def _plain_step(self, unknowns, step):
        """A step in (mu, T)."""
        new, (temperature, change) = unknowns + step, self._hot_parts(unknowns, step)
        return self._with_temperatures(new, np.clip(temperature + change, temperature / _FACTOR, _FACTOR * temperature))

    def _natural_step(self, unknowns, step):
        """The same direction in (mu / T, 1 / T)."""
        hot, (temperature, change) = self._probes.hot, self._hot_parts(unknowns, step)
        relative = change / temperature
        part = np.minimum(1.0, (1 - 1 / _FACTOR) / np.maximum(relative, 1e-300))  # of the step, so that T stays below
        new_temperature = np.maximum(temperature / (1 - part * relative), temperature / _FACTOR)
        new = unknowns + step
        ratio = (unknowns[hot] + part * (step[hot] - unknowns[hot] * relative)) / temperature
        new[hot] = ratio * new_temperature
        return self._with_temperatures(new, new_temperature)

    def _hot_parts(self, unknowns, step):
        return self._probes.temperature0 + self._probes.excess(unknowns), self._probes.excess(step)

    def _with_temperatures(self, unknowns, temperature):
        places = len(self._probes.coupled)
        unknowns[places:places + len(self._probes.hot)] = temperature - self._probes.temperature0
        return unknowns

    def _require_temperatures(self, point, cause=None):
        """Raise unless the electrons have a temperature everywhere."""
        probes = self._probes
        temperature = np.where(probes.coupled[probes.hot], probes.temperature0 + probes.excess(point.unknowns), 0.0)
        bad = np.flatnonzero(temperature > _HOTTEST * probes.span)
        if len(bad):
            raise ConvergenceError(
                f"The temperature of the electrons at {len(bad)} sites, the first number {bad[0]} along the system, is "
                "negative, infinite or not determined: what reaches them is inverted, more of it at high energies "
                "than at low ones, as behind an energy filter at a large bias. A smaller bias, a higher rate of a "
                "PhononBath, or an ElectronBath that leaves these sites out, helps.", sites=bad, state=point) from cause

    def _linearizer(self, start, rtol):
        probes, hot = self._probes, self._probes.hot
        places = len(probes.coupled)

        @cache
        def inverse():
            return self._approximate_inverse(start.unknowns)

        def linearize(point):
            self.newton_steps += 1
            jacobian = HeatJacobian(self._spectra, probes, point.panels, point.unknowns, self._map)
            narrow = np.flatnonzero(~(jacobian.spread > _LEAST_SPREAD))
            if len(narrow):
                raise ConvergenceError(
                    f"The temperature of the electrons at {len(narrow)} sites, the first number {narrow[0]} along the "
                    "system, is not determined: they exchange electrons with their bath at one energy only. Leave "
                    "these sites out of the ElectronBath.", sites=narrow, state=point)
            mu, temperature = point.unknowns[hot], probes.temperature0 + probes.excess(point.unknowns)
            exchange, heat = jacobian.exchange, jacobian.exchange[hot] * jacobian.heat

            def scaled(residual):
                """Rows as changes of the unknowns: heat in place of energy, over the diagonal."""
                loss, energy, flow = np.split(residual, [places, places + len(hot)])
                return (loss / exchange, (energy - mu * loss[hot]) / (temperature * heat), flow / jacobian.floating)

            def approximate(residual):
                loss, energy, flow = scaled(residual)
                return np.concatenate([inverse()(loss, energy), flow])

            def product(values):
                self.products += 1
                return jacobian(values)

            return Linearization(product, approximate, lambda residual: np.abs(np.concatenate(scaled(residual))).max(),
                                 rtol, _GMRES_WORST, _CYCLES)

        return linearize

    def _approximate_inverse(self, unknowns):
        """Maps rows that are scaled to changes of (mu at all places, T), from two energies."""
        probes, hot = self._probes, self._probes.hot
        propagator: PlacesPropagator = self._spectra.propagator
        edges = propagator.edges() - probes.mu0
        energies = probes.mu0 + probes.quantiles(unknowns, edges, 1 / (1 + np.exp(-_NODES)))
        spectrum = propagator.spectrum(energies)
        rates, spectral = spectrum.by_bath(spectrum.rate), spectrum.sites.spectral
        factor = np.ones((len(rates) + 1, 1, 2))
        factor[-1] = _NODES
        absorption = np.concatenate([rates, rates[-1:]]) * factor
        emission = absorption / 2
        count = len(rates)
        local = np.zeros((count + 1, count + 1, len(hot)))
        for bath in range(count):
            rows = [bath] if bath < count - 1 else [bath, bath + 1]
            local[np.ix_(rows, rows)] = np.einsum("pim,im,qim->pqi", factor[rows], rates[bath] * spectral / 2,
                                                  factor[rows])
        diagonal = np.einsum("ppi->pi", local)
        diagonal[diagonal <= 0] = 1.0
        inverse = node_inverse(propagator.sites, energies, local, emission, absorption)
        return lambda loss, energy: inverse(diagonal * np.concatenate([loss, energy]).reshape(count + 1, -1)).ravel()
