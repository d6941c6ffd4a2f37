"""Newton's method for chemical potentials and temperatures of the electrons together.

    Int dE/2pi gamma_e (A f - n) = 0,    Int dE/2pi (E - mu_0) gamma_e (A f - n) = 0

With -f' = df/dmu the derivative with T_e is (E - mu_e) / T_e (-f'). The second row counts as heat, with
(E - mu_e) / T_e in place of E - mu_0, which makes both rows and both unknowns alike.
"""

from collections.abc import Callable
from functools import cache
from typing import cast

import numpy as np

from ..errors import ConvergenceError
from ..propagators.rows import RowsPropagator, node_inverse
from .energy_grid import Point
from .linear import Jacobian
from .newton import Linearization, newton
from .probes import Probes
from .spectra import Spectra

_GMRES_WORST = 1e-1
_CYCLES = 20
_STEPS, _SAFE_STEPS = 25, 80
_HALVINGS = 12
# (E - mu) / T at the two nodes, of weight 1/2 each, that give the zeroth and the second moment of -f' exactly.
_NODES = np.array([-1, 1]) * np.pi / np.sqrt(3)
# Spread of energies, in units of (k_B T)^2, at which a site exchanges electrons with its bath, below which their number
# and their energy are the same condition: a temperature is not determined.
_LEAST_SPREAD = 1e-9
# Electrons that are hotter than all that drives them by this factor have no temperature.
_HOTTEST = 100.0
_WHAT = "the chemical potentials and temperatures of the electrons"


class Scaling:
    """Equations of the balance as changes of the unknowns: heat in place of energy, over the diagonal.

    Parameters
    ----------
    probes : Probes
        With rows in `hot`.
    unknowns : array of float
    own : array of float, shape (3, rows)
        See `Jacobian`.
    """

    def __init__(self, probes: Probes, unknowns: np.ndarray, own: np.ndarray) -> None:
        hot, where = probes.hot, probes.coupled[probes.hot]
        self._hot, (self._mu, self._temperature) = hot, probes.local(unknowns)
        self._exchange = np.where(probes.coupled, own[0], 1.0)
        first, second = own[1][hot] / self._exchange[hot], own[2][hot] / self._exchange[hot]
        narrow = np.flatnonzero(where & ~(second - first ** 2 > _LEAST_SPREAD * self._temperature ** 2))
        if len(narrow):
            raise ConvergenceError(
                f"The temperature of the electrons at {len(narrow)} sites, the first number {narrow[0]} along the "
                "system, is not determined: they exchange electrons with their bath at one energy only. Leave these "
                "sites out of the ElectronBath.", sites=narrow)
        # The heat row holds Int x^2 gamma A (-f') on its diagonal, x = (E - mu) / T.
        square = np.where(where, second - 2 * self._mu * first + self._mu ** 2, self._temperature ** 2)
        self._heat = square * self._exchange[hot] / self._temperature

    def __call__(self, residual: np.ndarray) -> np.ndarray:
        """Of the particles of all rows, then of the energies."""
        loss, energy = np.split(residual, [len(self._exchange)])
        return np.concatenate([loss / self._exchange, (energy - self._mu * loss[self._hot]) / self._heat])


def approximate_inverse(propagator: RowsPropagator, probes: Probes,
                        unknowns: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Maps what `Scaling` makes to changes of the unknowns of all rows, from two energies."""
    edges = propagator.edges() - probes.mu0
    # The Gauss rule of two energies has these nodes; where it degenerates both are the same.
    energies = np.resize(probes.few_energies(unknowns, edges, len(_NODES))[0], len(_NODES)) + probes.mu0
    inverse = node_inverse(propagator, energies, _NODES, probes.hot_baths)
    return lambda rows: inverse(rows.reshape(-1, probes.sites)).ravel()


class Temperatures:
    """The method for one propagator: `find` from a point.

    Parameters
    ----------
    spectra : Spectra
        Of a `RowsPropagator`.
    probes : Probes
        With rows in `hot`.
    progress : callable
        As of `EnergyGrid`.

    Attributes
    ----------
    newton_steps, products : int
        So far.
    """

    def __init__(self, spectra: Spectra, probes: Probes, progress: Callable) -> None:
        self._spectra, self._probes, self._progress = spectra, probes, progress
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

        if self._probes.linear:
            return search(np.add, _STEPS)
        try:
            found = search(self._probes.moved, _STEPS)
        except ConvergenceError:
            found = search(self._probes.moved_safely, _SAFE_STEPS)
        self._require_temperatures(found)
        return found

    def _require_temperatures(self, point):
        """Raise unless the electrons have a temperature everywhere."""
        probes = self._probes
        temperature = np.where(probes.coupled[probes.hot], probes.temperature0 + probes.excess(point.unknowns), 0.0)
        bad = np.flatnonzero(temperature > _HOTTEST * probes.span)
        if len(bad):
            raise ConvergenceError(
                f"The temperature of the electrons at {len(bad)} sites, the first number {bad[0]} along the system, is "
                "negative, infinite or not determined: what reaches them is inverted, more of it at high energies "
                "than at low ones, as behind an energy filter at a large bias. A smaller bias, a higher rate of a "
                "PhononBath, or an ElectronBath that leaves these sites out, helps.", sites=bad, state=point)

    def _linearizer(self, start, rtol):
        probes, hot = self._probes, self._probes.hot
        count = len(probes.coupled)

        @cache
        def inverse():
            return approximate_inverse(cast(RowsPropagator, self._spectra.propagator), probes, start.unknowns)

        def linearize(point):
            self.newton_steps += 1
            if not probes.linear:
                self._require_temperatures(point)
            jacobian = Jacobian(self._spectra, probes, point.panels, point.unknowns)
            scaling = Scaling(probes, point.unknowns, jacobian.own)

            def scaled(residual):
                balance, flow = np.split(residual, [count + len(hot)])
                return scaling(balance), flow / jacobian.floating

            def approximate(residual):
                balance, flow = scaled(residual)
                return np.concatenate([inverse()(balance), flow])

            def product(values):
                self.products += 1
                return jacobian(values)

            return Linearization(product, approximate, lambda residual: np.abs(np.concatenate(scaled(residual))).max(),
                                 rtol, _GMRES_WORST, _CYCLES)

        return linearize
