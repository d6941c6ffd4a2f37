"""Local chemical potentials from particle balance with the bath, for any propagator.

    F_i(mu) = Int dE/2pi gamma_i (A_i f_i - n_i) = 0        no net particles to the bath
    p_i     = Int dE/2pi E gamma_i (n_i - A_i f_i)          power

Everything is computed with the deviation of every occupation from one equilibrium (mu_0, T_0). At every single
energy particles are conserved; so is energy.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..errors import ConvergenceError
from ..numerics.quadrature import Panels
from ..propagators.interface import Propagator
from ..propagators.kept import KeptSpectra
from .energy_grid import EnergyGrid, Integrals, Point
from .jacobian import Jacobian, require_states
from .newton import Linearization, newton
from .probes import Probes
from .temperatures import Temperatures

# To what the linear equations are solved: far below what the steps leave, first and in the end.
_ROUGH_GMRES, _EXACT_GMRES, _WITH_FLOATING = 1e-2, 1e-5, 1e-8
_GMRES_WORST = 1e-1
_CYCLES = 20
_NEWTON_STEPS = 40
_HALVINGS = 12
# In units of the lowest temperature.
_SHORT_STEP = 5.0
# First for the energies, then for the result; relative to the largest change of mu.
_ROUGH, _EXACT = 1e-3, 1e-9
# Where Newton's method fails at a site whose mu would have to change by so many times the drive, states are missing.
_ASTRAY = 1e6
_WHAT = "the chemical potentials of the probes"


@dataclass
class BalanceResult:
    """Solution of the balance.

    Attributes
    ----------
    mu, power, density : arrays, shape (sites,)
        mu is nan where not coupled; density is the difference to the equilibrium (mu_0, T_0).
    lead_mu, current, energy_current : arrays, shape (leads,)
        lead_mu holds those of floating leads only, nan for the others.
    error : float
        Estimated relative error of the energy integrals: power over its largest value, currents likewise; density
        over its largest value, or 0.01 if that is less.
    newton_steps, products : int
        Newton steps; Jacobian products in all.
    panels : Panels
        The last grid of energies, relative to mu_0.
    unknowns : array
        See `Probes`.
    """

    mu: np.ndarray
    lead_mu: np.ndarray
    power: np.ndarray
    density: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray
    error: float
    newton_steps: int
    products: int
    panels: Panels
    unknowns: np.ndarray

    @property
    def energies(self) -> int:
        """Number of energies of the last grid."""
        return self.panels.nodes()[0].size


class Balance:
    """Particle balance of probes and floating leads through one propagator.

    Parameters
    ----------
    propagator : Propagator
    probes : Probes
    grid : EnergyGrid
        Of these probes.
    """

    def __init__(self, propagator: Propagator, probes: Probes, grid: EnergyGrid) -> None:
        self.propagator = propagator
        self.spectra = KeptSpectra(propagator)
        self.probes = probes
        self.grid = grid
        self.newton_steps = 0
        self.products = 0
        self._temperatures = Temperatures(self.spectra, probes, grid.map, grid.progress)

    def solve(self, panels: Panels | None = None, unknowns: np.ndarray | None = None) -> BalanceResult:
        """Chemical potentials, power and currents to the requested accuracy.

        Parameters
        ----------
        panels : Panels, optional
            Grid of energies, relative to mu_0, to start from.
        unknowns : array of float, optional
            To start from.

        Raises
        ------
        ConvergenceError
            If Newton's method or the energy integrals do not converge; its `state` is a `BalanceResult`.
        """
        panels = self.grid.first_panels(self.propagator) if panels is None else panels
        point = self.evaluate(panels, self.probes.start() if unknowns is None else unknowns)
        try:
            # Find the energies at a rough solution first; most often they serve the final one.
            # A floating lead behind a weak link is a soft mode that the preconditioner leaves out.
            floating = len(self.probes.floating) > 0
            rough, exact = 2 * (_WITH_FLOATING,) if floating else (_ROUGH_GMRES, _EXACT_GMRES)
            point = self._newton(self._refined(point), _ROUGH, rough)
            while True:
                point = self._newton(self._refined(point), _EXACT, exact)
                if self.grid.errors(point.integrals).sum() <= self.grid.rtol:
                    return self.result(point)
        except ConvergenceError as error:
            error.state = self.result(error.state if isinstance(error.state, Point) else point)
            raise

    def evaluate(self, panels: Panels, unknowns: np.ndarray) -> Point:
        """Integrals and residual at given unknowns."""
        return self._point(panels, self.grid.integrate(self.spectra, panels, unknowns), unknowns)

    def _point(self, panels, integrals, unknowns):
        return Point(unknowns, panels, integrals, particle_residual(integrals, self.probes))

    def _refined(self, point):
        thresholds = self.propagator.edges() - self.probes.mu0
        panels = self.probes.covering(point.panels, point.unknowns, thresholds)
        if panels is not point.panels:
            point = self.evaluate(panels, point.unknowns)
        try:
            panels, integrals = self.grid.refined(self.spectra, point.panels, point.integrals, point.unknowns)
        except ConvergenceError as error:
            error.state = self._point(*error.state, point.unknowns)
            raise
        return self._point(panels, integrals, point.unknowns)

    def result(self, point: Point) -> BalanceResult:
        """What a point says, whether it is a solution or not."""
        integrals, probes, mu0 = point.integrals, self.probes, self.probes.mu0
        mu, floating = probes.split(point.unknowns)
        loss, current = integrals.total("loss"), integrals.total("current")
        lead_mu = np.full(len(current), np.nan)
        lead_mu[probes.floating] = mu0 + floating
        return BalanceResult(
            mu=np.where(probes.coupled, mu0 + mu, np.nan), lead_mu=lead_mu,
            power=integrals.total("power") - mu0 * loss, density=integrals.total("density"), current=current,
            energy_current=integrals.total("energy_current") + mu0 * current,
            error=float(self.grid.errors(integrals).sum()), newton_steps=self.newton_steps, products=self.products,
            panels=point.panels, unknowns=point.unknowns)

    def _newton(self, point, tolerance, rtol):
        if len(self.probes.hot):
            method = self._temperatures
            point = method.find(point, lambda unknowns: self.evaluate(point.panels, unknowns), tolerance, rtol)
            self.newton_steps, self.products = method.newton_steps, method.products
            return point
        first, floating, exchange = point.unknowns, None, np.zeros(0)

        @cache
        def preconditioner():
            if not np.any(self.probes.coupled):  # only leads float
                return (lambda b: b), np.ones(len(self.probes.coupled))
            edges = self.propagator.edges() - self.probes.mu0
            return self.propagator.preconditioner(self.probes.mu0 + self.probes.quantiles(first, edges))

        def linearize(point):
            nonlocal floating, exchange
            jacobian = Jacobian(self.spectra, self.probes, point.panels, point.unknowns, self.grid.map, floating)
            floating, exchange = jacobian.floating, jacobian.diagonal[:len(self.probes.coupled)]
            inverse, mean = preconditioner()
            sites = len(mean)
            self.newton_steps += 1
            # Rows divided by the diagonal: residuals are in units of mu, alike on all sites.
            diagonal = jacobian.diagonal

            def approximate(residual):
                residual = residual / diagonal
                return np.concatenate([inverse(mean * residual[:sites]), residual[sites:]])

            def product(values):
                self.products += 1
                return jacobian(values)

            return Linearization(product, approximate, lambda residual: np.abs(residual / diagonal).max(), rtol,
                                 _GMRES_WORST, _CYCLES)

        def search(longest, steps):
            return newton(point, lambda unknowns: self.evaluate(point.panels, unknowns), linearize,
                          scale=self.probes.scale, tolerance=tolerance, steps=steps, halvings=_HALVINGS, what=_WHAT,
                          longest=longest, progress=self.grid.progress)

        try:
            return search(np.inf, _NEWTON_STEPS)
        except ConvergenceError:
            # Long steps can end where the slope vanishes; slow and safe then.
            try:
                return search(_SHORT_STEP * self.probes.coldest, 10 * _NEWTON_STEPS)
            except ConvergenceError as error:
                if len(exchange):
                    off = np.abs(error.state.residual[:len(exchange)])
                    require_states(self.probes.coupled, exchange, off / (_ASTRAY * self.probes.scale(first)), error)
                raise


def particle_residual(integrals: Integrals, probes: Probes) -> np.ndarray:
    """What must vanish: net particles to the bath at each site, energy that stays, and floating leads' currents."""
    return np.concatenate([integrals.total("loss"), -integrals.total("power")[probes.hot],
                           integrals.total("current")[probes.floating]])
