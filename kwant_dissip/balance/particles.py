"""Local chemical potentials from particle balance with the bath, for any propagator.

    F_i(mu) = Int dE/2pi gamma_i (A_i f_i - n_i) = 0        no net particles to the bath
    p_i     = Int dE/2pi E gamma_i (n_i - A_i f_i)          power

Everything is computed with the deviation of every occupation from one equilibrium (mu_0, T_0). At every single
energy particles are conserved; so is energy.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ..errors import ConvergenceError
from ..numerics.quadrature import TWO_PI, Panels
from ..propagators.interface import Propagator
from .coarse import CoarseInverse
from .energy_grid import EnergyGrid, Integrals, Point
from .linear import Jacobian, require_states
from .newton import Linearization, chords, newton
from .probes import Probes
from .spectra import Spectra
from .temperatures import Temperatures

_GMRES_WORST = 1e-1
# To what linear equations with temperatures and floating leads are solved.
_WITH_FLOATING = 1e-8
_CYCLES = 20
_NEWTON_STEPS = 40
_HALVINGS = 12
# In units of the lowest temperature.
_SHORT_STEP = 5.0
# How far above or below all that drives a search may begin, in units of the highest temperature.
_ABOVE = 10.0
# Up to so many unknowns a derivative that is hard to invert is made a matrix.
_FEW = 300


class _Goal(NamedTuple):
    """How good a solution must be.

    Attributes
    ----------
    step, chord : float
        Largest last Newton step, and largest chord that is left, relative to the largest change of mu.
    gmres : float
        To what the linear equations of a Newton step are solved.
    lost : float
        Particles that the bath takes at a site and in all, and that floating leads take, relative to the largest
        current.
    """

    step: float
    chord: float
    gmres: float
    lost: float


# For thermal windows, for the energies, and for the result.
_FIRST, _ROUGH = _Goal(1e-1, 1e-1, 1e-2, np.inf), _Goal(1e-3, 1e-3, 1e-2, np.inf)
_EXACT = _Goal(1e-9, 1e-11, 1e-5, 1e-14)
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
    gross_current, gross_energy_current : float
        Largest of all leads of what flows at single energies, though it may cancel in the whole.
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
    gross_current: float
    gross_energy_current: float
    error: float
    newton_steps: int
    products: int
    panels: Panels
    unknowns: np.ndarray

    @property
    def energies(self) -> int:
        """Number of energies of the last grid."""
        return self.panels.energies


class Balance:
    """Particle balance of probes and floating leads through one propagator.

    Parameters
    ----------
    propagator : Propagator
    probes : Probes
    grid : EnergyGrid
        Of these probes.
    spectra : Spectra, optional
        Of the propagator, if another balance has kept some.
    """

    def __init__(self, propagator: Propagator, probes: Probes, grid: EnergyGrid,
                 spectra: Spectra | None = None) -> None:
        self.propagator = propagator
        self.spectra = grid.spectra(propagator) if spectra is None else spectra
        self.probes = probes
        self.grid = grid
        self.newton_steps = 0
        self.products = 0
        self._temperatures = Temperatures(self.spectra, probes, grid.progress)

    def solve(self, panels: Panels | None = None, unknowns: np.ndarray | None = None) -> BalanceResult:
        """Chemical potentials, power and currents to the requested accuracy.

        Parameters
        ----------
        panels : Panels, optional
            Grid of energies, relative to mu_0, to start from.
        unknowns : array of float, optional
            To start from, near the solution.

        Raises
        ------
        ConvergenceError
            If Newton's method or the energy integrals do not converge; its `state` is a `BalanceResult`.
        """
        panels = self.grid.first_panels(self.propagator) if panels is None else panels
        goals = (_FIRST, _ROUGH) if unknowns is None else (_ROUGH,)
        point = self.evaluate(panels, self.probes.start() if unknowns is None else unknowns)
        try:
            # Find the energies at a rough solution, on few of them; most often they serve the final one.
            coarse = None
            for goal in goals:
                point, coarse = self._found(self._covered(point), goal, coarse if self.probes.linear else None)
            panels = self.grid.fine(point.panels)
            if panels is not point.panels:
                point = self.evaluate(panels, point.unknowns)
            while True:
                point, coarse = self._found(self._refined(point), _EXACT, coarse)
                if self.grid.error(point.integrals) <= self.grid.rtol:
                    return self.result(point)
        except ConvergenceError as error:
            error.state = self.result(error.state if isinstance(error.state, Point) else point)
            raise

    def evaluate(self, panels: Panels, unknowns: np.ndarray) -> Point:
        """Integrals and residual at given unknowns."""
        return self._point(panels, self.grid.integrate(self.spectra, panels, unknowns), unknowns)

    def _point(self, panels, integrals, unknowns):
        return Point(unknowns, panels, integrals, particle_residual(integrals, self.probes))

    def _covered(self, point):
        """The point on panels that hold what electrons turned out to fill."""
        thresholds = self.propagator.edges() - self.probes.mu0
        panels = self.probes.covering(point.panels, point.unknowns, thresholds)
        return point if panels is point.panels else self.evaluate(panels, point.unknowns)

    def _refined(self, point):
        point = self._covered(point)
        try:
            panels, integrals = self.grid.refined(self.spectra, point.panels, point.integrals, point.unknowns)
        except ConvergenceError as error:
            panels, integrals = error.state
            error.state = self._point(panels, integrals, point.unknowns)
            raise
        return self._point(panels, integrals, point.unknowns)

    def result(self, point: Point) -> BalanceResult:
        """What a point says, whether it is a solution or not."""
        integrals, probes, mu0 = point.integrals, self.probes, self.probes.mu0
        mu, floating = probes.split(point.unknowns)
        loss, current = integrals.total("loss"), integrals.total("current")
        lead_mu = np.full(len(current), np.nan)
        lead_mu[probes.floating] = mu0 + floating
        _, gross, gross_energy = integrals.gross.sum(axis=1)
        return BalanceResult(
            mu=np.where(probes.coupled, mu0 + mu, np.nan), lead_mu=lead_mu,
            power=integrals.total("power") - mu0 * loss, density=integrals.total("density"), current=current,
            energy_current=integrals.total("energy_current") + mu0 * current, gross_current=float(gross),
            gross_energy_current=float(gross_energy + abs(mu0) * gross),
            error=self.grid.error(integrals), newton_steps=self.newton_steps, products=self.products,
            panels=point.panels, unknowns=point.unknowns)

    def _found(self, point, goal, coarse=None):
        """A solution on the point's panels, and the inverse for chords from there if it was good enough.

        By chords, or where they do not lead there by Newton's method.
        """
        if not np.any(point.residual):
            return point, coarse
        if len(self.probes.hot):
            return self._with_temperatures(point, goal), None
        coarse = coarse or CoarseInverse(self.propagator, self.probes, point.unknowns)
        panels, inverse = point.panels, _inverse(coarse, self._jacobian(point))

        def conserved(point):
            lost, current = point.integrals.total("loss"), point.integrals.total("current")
            largest, open_circuits = np.abs(current).max(), np.abs(current[self.probes.floating]).max(initial=0.0)
            return goal.lost == np.inf or max(np.abs(lost).max(), abs(lost.sum()),
                                              open_circuits) <= goal.lost * largest

        start = point
        point, found = chords(point, lambda unknowns: self.evaluate(panels, unknowns), inverse, scale=self.probes.scale,
                              tolerance=goal.chord, what=_WHAT, fulfilled=conserved, progress=self.grid.progress)
        # Chords that do not find a solution may have led far away.
        return (point, coarse) if found else (self._newton(start, coarse, goal), None)

    def _with_temperatures(self, point, goal):
        # A floating lead behind a weak link is a soft mode that this method's approximate inverse leaves out.
        rtol = _WITH_FLOATING if len(self.probes.floating) else goal.gmres
        panels, method = point.panels, self._temperatures
        point = method.find(point, lambda unknowns: self.evaluate(panels, unknowns), goal.step, rtol)
        self.newton_steps, self.products = method.newton_steps, method.products
        return point

    def _jacobian(self, point):
        return Jacobian(self.spectra, self.probes, point.panels, point.unknowns)

    def _newton(self, point, coarse, goal):
        first, exchange, dense = point.unknowns, np.zeros(0), False

        def linearize(point):
            nonlocal exchange
            jacobian = self._jacobian(point)
            exchange = jacobian.exchange
            self.newton_steps += 1
            inverse = _dense_inverse(jacobian, len(first)) if dense else _inverse(coarse, jacobian)

            def product(values):
                self.products += 1
                return jacobian(values)

            # Rows divided by their diagonal: in units of mu, that of an open mode for floating leads.
            diagonal = np.concatenate([exchange, np.full(len(self.probes.floating), 1 / TWO_PI)])
            return Linearization(product, inverse, lambda residual: np.abs(residual / diagonal).max(), goal.gmres,
                                 _GMRES_WORST, _CYCLES)

        def search(longest, steps, first=point):
            return newton(first, lambda unknowns: self.evaluate(point.panels, unknowns), linearize,
                          scale=self.probes.scale, tolerance=goal.step, steps=steps, halvings=_HALVINGS, what=_WHAT,
                          longest=longest, progress=self.grid.progress)

        try:
            return search(np.inf, _NEWTON_STEPS)
        except ConvergenceError:
            # Long steps can end where the slope vanishes, and soft modes, as floating leads behind weak links are, be
            # unknown to the approximate inverse; slow and safe then.
            dense, failures = len(first) <= _FEW, []
            for other in self._starts(first) if dense else (first,):
                start = point if other is first else self.evaluate(point.panels, other)
                try:
                    return search(_SHORT_STEP * self.probes.coldest, 10 * _NEWTON_STEPS, start)
                except ConvergenceError as error:
                    failures.append(error)
            failure = failures[0]
            if failure.state is not None and len(exchange):
                off = np.abs(failure.state.residual[:len(exchange)])
                require_states(self.probes, exchange, off / (_ASTRAY * self.probes.scale(first)), failure)
            raise failure from None

    def _starts(self, first):
        """Where a search may begin: here, or above or below all that drives, from where a band's edge is reached.

        Electrons at the edge of a band are so few that steps from below lead far beyond it, those from above not.
        """
        lead_mus = self.probes.lead_mus(np.zeros_like(first))
        reach = _ABOVE * np.ptp([self.probes.window(thermal)[1] for thermal in (0.0, 1.0)])
        yield first
        for mu in (lead_mus.max(), lead_mus.max() + reach, lead_mus.min(), lead_mus.min() - reach):
            yield np.concatenate([np.where(self.probes.coupled, mu, 0.0), np.full(len(self.probes.floating), mu)])


def _dense_inverse(product, size):
    """Exact inverse of a linear function of `size` numbers, by a product for each."""
    return partial(lu_solve, lu_factor(np.array([product(unit) for unit in np.eye(size)]).T))


def _inverse(coarse, jacobian):
    return partial(coarse, exchange=jacobian.exchange, conductance=lambda: jacobian.floating)


def particle_residual(integrals: Integrals, probes: Probes) -> np.ndarray:
    """What must vanish: net particles to the bath at each site, energy that stays, and floating leads' currents."""
    return np.concatenate([integrals.total("loss"), -integrals.total("power")[probes.hot],
                           integrals.total("current")[probes.floating]])
