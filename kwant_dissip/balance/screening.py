"""Chemical potentials and electrostatic potential together, by Newton's method with the full response.

    F_i(mu, U) = 0             no net particles to the bath (`particles`)
    A U - b - B q(mu, U) = 0   law of electrostatics (`model.electrostatics`), q = N - N0

N is an equilibrium part, over the complex frequencies, and a window part on the real axis. The response of all of it
to a change of mu and U together is one more evaluation at a point close by. Krylov steps are few, as both parts
have an approximate inverse: that of the balance at five energies, and Thomas and Fermi's, q_i = D_i (dmu_i - dU_i).
In equilibrium F vanishes whatever U is, so that the problem is triangular there.
"""

import dataclasses
from functools import partial
from typing import cast

import numpy as np

from ..errors import ConvergenceError
from ..model.electrostatics import Equation
from ..numerics.quadrature import TWO_PI, Panels
from ..propagators.density import EquilibriumDensity
from ..propagators.interface import Propagator
from ..propagators.lattice import LatticePropagator
from ..propagators.rows import RowsPropagator, in_rows
from .coarse import CoarseInverse
from .energy_grid import EnergyGrid, Point
from .linear import require_states
from .newton import Linearization, newton
from .particles import Balance, BalanceResult, particle_residual
from .probes import Probes
from .temperatures import Scaling, approximate_inverse

_STEPS = 20
_SHORT_STEPS = 60
_HALVINGS = 8
# First for the energies, then for the result; relative to the largest potential.
_ROUGH, _EXACT = 1e-3, 1e-5
# A directional derivative is a difference over this fraction of k_B T.
_DIFFERENCE = 1e-6
_KRYLOV_RTOL = 1e-4
_KRYLOV_WORST = 0.1
_KRYLOV_CYCLES = 5
# Of the largest states per energy at a site; where there are next to none, Thomas-Fermi's inverse needs a floor.
_FEWEST_STATES = 1e-2
# What is left of the law of electrostatics, relative to its largest term, when it counts as fulfilled.
_LAW_TOLERANCE = 1e-9
# The most that is let pass where rounding stops the progress.
_LAW_WORST = 1e-6
# Densities are sums of terms of order one, so that their differences are known to 1e-14 or so; a law with no larger
# terms than this is fulfilled to rounding.
_SMALLEST_TERM = 1e-14 / _LAW_TOLERANCE
# Potentials below this fraction of k_B T are not resolved to more digits than it is: rounding of densities.
_SMALLEST_ENERGY = 1e-6
_WHAT = "the electrostatic and chemical potentials"


@dataclasses.dataclass
class ScreenedResult(BalanceResult):
    """Solution with electrostatics; `density` is the density itself.

    Attributes
    ----------
    potential, density_difference : arrays of float, shape (sites,)
        U, and N - N0.
    lead_potentials : array of float, shape (leads,)
    law_residual : float
        What is left of the law of electrostatics, over its largest term.
    """

    potential: np.ndarray
    lead_potentials: np.ndarray
    density_difference: np.ndarray
    law_residual: float


@dataclasses.dataclass
class _ScreenedPoint(Point):
    """A `Point`, the propagator at its potentials, the equilibrium part of the density, and the law's residual."""

    propagator: LatticePropagator
    equilibrium: np.ndarray
    law_residual: float


class ScreenedBalance:
    """Balance of particles and law of electrostatics of one propagator.

    The unknowns are those of the probes, then the electrostatic energies of the sites.

    Parameters
    ----------
    propagator : LatticePropagator
        At any potential of the sites.
    probes : ThermalProbes
    grid : EnergyGrid
        Of these probes.
    equation : Equation
        Law of electrostatics, with sites in the propagator's order.
    ramps : array of float, shape (sites, leads)
        Potential without charge, per potential of each lead.
    lead_potentials : array of float, shape (leads,)
        Electrostatic energies of the leads; nan for that of a floating lead which follows its mu.
    equilibrium_mu : float
        mu_eq of the neutral system.
    reference : array of float, shape (sites,)
        N0, its density.
    first : array of float, optional
        Unknowns to start from.
    """

    def __init__(self, propagator: LatticePropagator, probes: Probes, grid: EnergyGrid, *, equation: Equation,
                 ramps: np.ndarray, lead_potentials: np.ndarray, equilibrium_mu: float, reference: np.ndarray,
                 first: np.ndarray | None = None) -> None:
        self.propagator = propagator
        self.probes = probes
        self.grid = grid
        self._equation = equation
        self._lead_potentials = lead_potentials
        self._neutral_mu = equilibrium_mu - probes.mu0
        self._reference = reference
        self._first = first
        self._equilibrium_density = _density(probes.mu0, probes, grid)
        # Floating leads start where mu_eq is.
        self._ramp = ramps @ np.nan_to_num(lead_potentials)
        self.newton_steps = 0
        self.products = 0

    def solve(self) -> ScreenedResult:
        """Both potentials, power and currents to the requested accuracy.

        Raises
        ------
        ConvergenceError
            If Newton's method or the energy integrals do not converge; its `state` is a `ScreenedResult` if there is
            one.
        """
        point = None
        try:
            point = self.evaluate(None, self._start())
            # Levels move with U: every point has its own panels. Where full steps lead astray, short ones may not.
            search = partial(self._newton, tolerance=_ROUGH, law=_ROUGH)
            try:
                point = search(point, None, steps=_STEPS, halvings=_HALVINGS)
            except ConvergenceError:
                if self.probes.drive > 0.5 * _SHORT_STEPS * self.probes.coldest:  # farther than they lead
                    raise
                point = search(point, None, steps=_SHORT_STEPS, halvings=0, longest=self.probes.coldest)
            while True:
                point = self._refined(point)
                point = self._newton(point, point.panels, steps=_STEPS, halvings=0, tolerance=_EXACT,
                                     law=_LAW_TOLERANCE)
                if self.grid.error(point.integrals) <= self.grid.rtol:
                    return self._polished(point)
        except ConvergenceError as error:
            best = error.state if isinstance(error.state, _ScreenedPoint) else point
            if best is not None:
                chemical, *_ = self._split(best.unknowns)
                balance = Balance(self._by_row(best.propagator), self.probes, self.grid)
                error.state = self._result(best, balance.result(Point(chemical, best.panels, best.integrals,
                                                                      best.residual)))
            raise

    def _by_row(self, propagator: LatticePropagator) -> Propagator:
        """The propagator for the balance of the probes, one row for each bath of a site if there are several."""
        return in_rows(propagator, self.probes.keeps_energy)

    def _split(self, unknowns):
        """Unknowns of the probes, electrostatic energies of the sites and of the leads."""
        chemical, potential = np.split(unknowns, [-len(self._reference)])
        following = self.probes.lead_mus(chemical) - self._neutral_mu
        return chemical, potential, np.where(np.isnan(self._lead_potentials), following, self._lead_potentials)

    def _start(self):
        if self._first is not None:
            return self._first
        # Neutral wires: mu follows U.
        chemical, rows = self.probes.start(), len(self.probes.coupled)
        ramp = np.tile(self._ramp, rows // len(self._ramp))
        chemical[:rows] = np.where(self.probes.coupled, self._neutral_mu + ramp, 0.0)
        chemical[rows + len(self.probes.hot):] = self._neutral_mu
        return np.concatenate([chemical, self._ramp])

    def evaluate(self, panels: Panels | None, unknowns: np.ndarray) -> _ScreenedPoint:
        """Integrals and residuals at given unknowns, on given panels, or on panels made for them."""
        chemical, *potentials = self._split(unknowns)
        propagator = self.propagator.at_potential(*potentials)
        spectra = self.grid.spectra(self._by_row(propagator))
        if panels is not None:
            integrals = self.grid.integrate(spectra, panels, chemical)
        else:
            panels = self._covering(propagator, self.grid.first_panels(propagator), chemical)
            panels, integrals = self.grid.refined(spectra, panels, self.grid.integrate(spectra, panels, chemical),
                                                  chemical)
        return self._point(propagator, panels, integrals, unknowns, self._equilibrium_density(propagator))

    def _point(self, propagator, panels, integrals, unknowns, equilibrium):
        _, potential, lead_potentials = self._split(unknowns)
        law, relative = self._law(potential, lead_potentials, equilibrium + self._of_sites(integrals))
        residual = np.concatenate([particle_residual(integrals, self.probes), law])
        return _ScreenedPoint(unknowns, panels, integrals, residual, propagator, equilibrium, relative)

    def _law(self, potential, lead_potentials, density):
        """Residual of the law of electrostatics, and its largest value relative to the largest term."""
        law, largest = self._equation.residual(potential, lead_potentials, density - self._reference)
        return law, float(np.abs(law).max() / max(largest, _SMALLEST_TERM))

    def _of_sites(self, integrals):
        """Density relative to the equilibrium."""
        return integrals.total("density")[:len(self._reference)]

    def _covering(self, propagator, panels, chemical):
        return self.probes.covering(panels, chemical, propagator.edges() - self.probes.mu0)

    def _refined(self, point):
        chemical = self._split(point.unknowns)[0]
        panels = self.grid.fine(self._covering(point.propagator, point.panels, chemical))
        if panels is not point.panels:
            point = self.evaluate(panels, point.unknowns)
        panels, integrals = self.grid.refined(self.grid.spectra(self._by_row(point.propagator)), point.panels,
                                              point.integrals, chemical)
        return self._point(point.propagator, panels, integrals, point.unknowns, point.equilibrium)

    def _newton(self, point, panels, *, law, **options):
        return newton(point, partial(self.evaluate, panels), self._linearize, scale=self._scale, what=_WHAT,
                      move=self._moved, fulfilled=lambda point: cast(_ScreenedPoint, point).law_residual <= law,
                      progress=self.grid.progress, **options)

    def _moved(self, unknowns, step):
        sites = len(self._reference)
        return np.concatenate([self.probes.moved(unknowns[:-sites], step[:-sites]), unknowns[-sites:] + step[-sites:]])

    def _scale(self, unknowns):
        chemical, potential, lead_potentials = self._split(unknowns)
        return max(self.probes.scale(chemical), np.abs(potential).max(), np.abs(lead_potentials).max(),
                   _SMALLEST_ENERGY * self.probes.temperature0)

    def _linearize(self, point):
        self.newton_steps += 1
        inverse = self._approximate_inverse(point)

        def product(direction):
            self.products += 1
            largest = np.abs(direction).max()
            if largest == 0:
                return np.zeros_like(direction)
            length = _DIFFERENCE * self.probes.coldest / largest
            near = self.evaluate(point.panels, point.unknowns + length * direction)
            return (near.residual - point.residual) / length

        return Linearization(product, inverse, lambda residual: np.abs(inverse(residual)).max(), _KRYLOV_RTOL,
                             _KRYLOV_WORST, _KRYLOV_CYCLES)

    def _approximate_inverse(self, point):
        """Approximate inverse of the derivative of both residuals: what it maps to are energies."""
        probes, chemical = self.probes, self._split(point.unknowns)[0]
        coupled, hot, rows = probes.coupled, probes.hot, len(probes.coupled) + len(probes.hot)
        sites = len(self._reference)
        states, own, conductance = self._states(point, chemical)
        thomas_fermi = self._equation.thomas_fermi(np.maximum(states, _FEWEST_STATES * states.max()))
        if np.any(coupled):
            require_states(probes, own[0])
        if len(hot):
            scaled = Scaling(probes, chemical, own)
            rows_inverse = approximate_inverse(cast(RowsPropagator, self._by_row(point.propagator)), probes, chemical)
        else:
            coarse = CoarseInverse(self._by_row(point.propagator), probes, chemical)
            exchange = np.where(coupled, own[0], 1.0)

        def changes(balance):
            if not len(hot):
                return coarse(balance, exchange, lambda: conductance)
            exchanged, flow = np.split(balance, [rows])
            return np.concatenate([rows_inverse(scaled(exchanged)), flow / conductance])

        def apply(residual):
            balance, law = np.split(residual, [len(residual) - sites])
            change = changes(balance)
            return np.concatenate([change, thomas_fermi(law, self._leading(change[:len(coupled)]))])

        return apply

    def _leading(self, values):
        """Of values of the rows, those that the density of each site follows.

        Of electrons among themselves where they are hot, else of the first bath that couples.
        """
        by_bath, coupled = (part.reshape(-1, len(self._reference), *part.shape[1:])
                            for part in (values, self.probes.coupled))
        rank = coupled.astype(int)
        rank[self.probes.hot_baths] *= 2
        leading = np.argmax(rank, axis=0)
        return by_bath[leading, np.arange(len(leading))]

    def _states(self, point, chemical):
        """Int dE/2pi A_i (-df_i/dE) of the sites; the same of gamma A times 1, E, E^2 at rows; d(current)/d(mu).

        The first is the thermal density of states (`_leading`), the last that of floating leads.
        """
        probes, sites, rows = self.probes, len(self._reference), len(self.probes.coupled)
        spectra = self.grid.spectra(self._by_row(point.propagator))

        def part_sums(spectrum, part):
            energies, weight = part.points()
            slopes, lead_slopes = probes.slopes(energies, chemical)
            inflow = lead_slopes  # as many rows
            if len(probes.floating):
                _, inflow = spectrum.occupation(np.zeros_like(spectrum.rate), lead_slopes)
            # Where no probe is, the leads fill the states.
            slopes = np.where(probes.coupled[:, None], slopes, probes.lead_slopes(energies).mean(axis=0))
            slopes *= spectrum.spectral
            own = slopes * spectrum.rate
            return np.concatenate([self._leading(slopes) @ weight, own @ weight, own @ (weight * energies),
                                   own @ (weight * energies ** 2), inflow[probes.floating] @ weight]) / TWO_PI

        total = sum(spectra.each(part_sums, spectra.parts(point.panels), 0))
        states, own, conductance = np.split(total, [sites, sites + 3 * rows])
        return states, own.reshape(3, rows), conductance

    def _polished(self, point):
        """At fixed U the balance is found more exactly than together with it, which matters where little flows."""
        balance = Balance(self._by_row(point.propagator), self.probes, self.grid)
        result = self._result(point, balance.solve(point.panels, self._split(point.unknowns)[0]))
        if result.law_residual > _LAW_WORST:
            raise ConvergenceError(f"The law of electrostatics is off by {result.law_residual:.1e} of its largest "
                                   "term, where rounding stopped the progress: sites with next to no states at mu, or "
                                   "levels that nothing broadens. A higher temperature or rate helps.", state=point,
                                   residual=result.law_residual)
        return result

    def _result(self, point, plain):
        _, potential, lead_potentials = self._split(point.unknowns)
        density = point.equilibrium + plain.density[:len(self._reference)]
        fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
        fields.update(density=density, newton_steps=self.newton_steps, products=self.products,
                      unknowns=np.concatenate([plain.unknowns, potential]))
        return ScreenedResult(**fields, potential=potential, lead_potentials=lead_potentials,
                              density_difference=density - self._reference,
                              law_residual=self._law(potential, lead_potentials, density)[1])


def neutral_density(propagator: LatticePropagator, equilibrium_mu: float, probes: Probes,
                    grid: EnergyGrid) -> np.ndarray:
    """N0: density with U = 0, unshifted leads, and mu_eq everywhere."""
    leads = len(propagator.lattice.leads)
    return _density(equilibrium_mu, probes, grid)(propagator.at_potential(np.zeros(len(propagator.order)),
                                                                          np.zeros(leads)))


def _density(mu, probes, grid):
    # To 1e-8 per site, at least.
    return EquilibriumDensity(mu, probes.temperature0, 1e-2 * min(grid.rtol, 1e-6), grid.map)
