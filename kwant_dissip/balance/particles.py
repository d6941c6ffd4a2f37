"""Local chemical potentials from particle balance with the bath, for any propagator.

    F_i(mu) = Int dE/2pi gamma_i (A_i f_i - n_i) = 0        no net particles to the bath
    p_i     = Int dE/2pi E gamma_i (n_i - A_i f_i)          power

Everything is computed with the deviation of every occupation from one equilibrium (mu_0, T_0), so that equilibrium
is exact and small biases lose no digits. At every single energy particles are conserved; so is energy.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.special import expit

from ..errors import ConvergenceError
from ..model.reservoirs import known_mus
from ..numerics.chain_kernels import fermi_difference, panel_sums
from ..numerics.quadrature import THERMAL_WINDOW, Panels, window_panels
from .jacobian import Jacobian

# Within 10 k_B T of a chemical potential is what a panel of the first grid may hold.
_EDGE = 10.0
# Errors of the particle balance at many sites add up in the chemical potentials.
_SAFETY = 5.0
# Rounding errors of integrals that cancel, relative to the thermal scale of one open mode (particles T/2pi, energy
# T^2/2pi), and to what the drive (differences of mu and T) sends through it. Less cannot be resolved to rtol.
_ROUNDING = 1e-14
_ROUNDING_OF_DRIVE = 1e-14
# Differences of temperature alone drive chemical potentials; those below 1e-6 of them count as zero.
_THERMOPOWER = 1e-6
_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
_GMRES_RTOL = 1e-8
_GMRES_WORST = 1e-3
_NEWTON_STEPS = 40
_HALVINGS = 12
_SHORT_STEP = 5.0
_MAX_PANELS = 20000
_TWO_PI = 2 * np.pi


@dataclass
class Integrals:
    """Integrals over each panel; energies relative to mu_0.

    Attributes
    ----------
    loss, power, density : arrays of float, shape (sites, panels)
        F_i, p_i, and the density's difference to the equilibrium.
    current, energy_current : arrays of float, shape (leads, panels)
    errors : array of float, shape (5, panels)
        Largest difference to the embedded rule, of the five in this order.
    """

    loss: np.ndarray
    power: np.ndarray
    density: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray
    errors: np.ndarray

    @staticmethod
    def join(parts):
        """All panels of several, in order."""
        return Integrals(*(np.concatenate([getattr(part, name) for part in parts], axis=-1)
                           for name in Integrals.__dataclass_fields__))

    def __getitem__(self, panels):
        return Integrals(*(getattr(self, name)[..., panels] for name in Integrals.__dataclass_fields__))

    def total(self, name):
        """Sum over panels."""
        return getattr(self, name).sum(axis=-1)


@dataclass
class BalanceResult:
    """Solution of the balance.

    Attributes
    ----------
    mu, power, density : arrays, shape (sites,)
        mu is nan where not coupled; density is the difference to the equilibrium (mu_0, T_0).
    lead_mu, current, energy_current : arrays, shape (leads,)
    error : float
        Estimated relative error of the energy integrals: power over its largest value, currents likewise; density
        over its largest value, or 0.01 if that is less.
    newton_steps, products : int
        Newton steps; Jacobian products in all.
    panels : Panels
        The last grid of energies, relative to mu_0.
    unknowns : array
        See `Balance`.
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
    def energies(self):
        """Number of energies of the last grid."""
        return self.panels.nodes()[0].size


class Balance:
    """Particle balance of one propagator between given reservoirs.

    The unknowns are the probes' chemical potentials, then those of floating leads, relative to mu_0.

    Parameters
    ----------
    propagator : Propagator
    reservoirs : sequence of Reservoir
        One per lead.
    bath_temperature : array of float, shape (sites,)
        In the propagator's order.
    rtol : float
        Relative accuracy of power and currents, each measured by its largest value.
    progress : callable or None
        Called with the name of each stage and the relative change it reached.
    """

    def __init__(self, propagator, reservoirs, bath_temperature, rtol, progress=None):
        self.propagator = propagator
        self.rtol = rtol
        self.coupled = propagator.coupled
        self.bath_temperature = bath_temperature
        known = known_mus(reservoirs)
        self.mu0 = 0.5 * (known.min() + known.max())
        self.floating = np.array([a for a, reservoir in enumerate(reservoirs) if reservoir.mu is None], int)
        self._lead_temperature = np.array([reservoir.temperature for reservoir in reservoirs], float)
        # Without a bath the temperature of the phonons still names the equilibrium.
        temperatures = bath_temperature[self.coupled] if np.any(self.coupled) else bath_temperature
        self.temperature0 = float(np.median(temperatures))
        # That of a floating lead is one of the unknowns; here stands 0.
        self._lead_shift = np.array([0.0 if reservoir.mu is None else reservoir.mu - self.mu0
                                     for reservoir in reservoirs])
        self._progress = progress or (lambda stage, value: None)
        self._bath_spread = np.ptp(temperatures)
        self._coldest = temperatures.min()
        self._hottest = max(self._lead_temperature.max(), temperatures.max())
        self.pool = ThreadPoolExecutor(os.cpu_count())
        self.newton_steps = 0
        self.products = 0
        self._small_flow = 0.0  # currents below count as this when relative errors are measured

    def solve(self, panels=None, unknowns=None):
        """Chemical potentials, power and currents to the requested accuracy.

        Parameters
        ----------
        panels : Panels, optional
            Grid of energies, relative to mu_0, to start from.
        unknowns : array of float, optional
            Chemical potentials, relative to mu_0, to start from.

        Returns
        -------
        BalanceResult

        Raises
        ------
        ConvergenceError
            If Newton's method or the energy integrals do not converge.
        """
        panels = self._first_panels() if panels is None else panels
        unknowns = self._start() if unknowns is None else unknowns
        panels, integrals = self._refine(panels, self._integrate(panels, unknowns), unknowns)
        # Find the energies at a rough solution first; most often they serve the final one.
        panels, integrals, unknowns = self._approach(panels, integrals, unknowns)
        while True:
            panels, integrals = self._refine(panels, integrals, unknowns)
            unknowns, integrals = self._newton(panels, integrals, unknowns, tolerance=1e-9)
            error = self._panel_errors(integrals).sum()
            if error <= self.rtol:
                return self._result(panels, integrals, unknowns, error)

    def _start(self):
        """First guess of the unknowns."""
        return np.zeros(len(self.coupled) + len(self.floating))

    def _approach(self, panels, integrals, unknowns):
        """A rough solution, and the panels for the final one."""
        return panels, *reversed(self._newton(panels, integrals, unknowns, tolerance=1e-3))

    def _result(self, panels, integrals, unknowns, error):
        loss, current = integrals.total("loss"), integrals.total("current")
        return BalanceResult(
            mu=np.where(self.coupled, self.mu0 + unknowns[:len(self.coupled)], np.nan),
            lead_mu=self.mu0 + self.lead_shift(unknowns),
            power=integrals.total("power") - self.mu0 * loss,
            density=integrals.total("density"),
            current=current,
            energy_current=integrals.total("energy_current") + self.mu0 * current,
            error=float(error),
            newton_steps=self.newton_steps, products=self.products, panels=panels, unknowns=unknowns)

    # Energy integrals

    def _first_panels(self):
        """Panels that resolve the edge of every Fermi function, wherever between the leads' mu it comes to lie."""
        lowest, highest = self._lead_shift.min(), self._lead_shift.max()
        inner = _EDGE * self._hottest
        outer = THERMAL_WINDOW * self._hottest
        edges = self.propagator.thresholds() - self.mu0
        count = (highest - lowest + 2 * inner) / (_EDGE * self._coldest)
        if count > _MAX_PANELS / 4:
            raise ConvergenceError(f"A span of {highest - lowest + 2 * inner:.1e} in energy at the temperature "
                                   f"{self._coldest:.1e} needs more than {21 * count:.0e} energies; raise the "
                                   "temperature, or use linear_response, which takes T = 0.")
        return Panels.join(
            Panels.join(window_panels(lowest - outer, lowest - inner, edges, outer - inner),
                        window_panels(lowest - inner, highest + inner, edges, _EDGE * self._coldest)),
            window_panels(highest + inner, highest + outer, edges, outer - inner))

    def _batches(self, panels):
        size = max(1, self.propagator.batch // 21)
        return [panels[start:start + size] for start in range(0, len(panels), size)]

    def _integrate(self, panels, shift):
        return Integrals.join(list(self.pool.map(lambda batch: self._integrate_batch(batch, shift),
                                                  self._batches(panels))))

    def _integrate_batch(self, panels, shift):
        nodes, weights, embedded = panels.nodes()
        weights, differences = weights / _TWO_PI, (weights - embedded) / _TWO_PI
        energies = nodes.ravel()
        spectrum = self.propagator.spectrum(self.mu0 + energies)
        filling, lead_filling = self.fillings(energies, shift)
        n, inflow = spectrum.occupation(filling, lead_filling)
        loss, power, density, errors = panel_sums(spectrum.rate, spectrum.spectral, filling, n, nodes, weights,
                                                  differences)
        inflow = inflow.reshape(-1, *nodes.shape)
        flow_errors = np.abs([(inflow * differences).sum(axis=2), (inflow * differences * nodes).sum(axis=2)])
        return Integrals(loss, power, density, (inflow * weights).sum(axis=2), (inflow * weights * nodes).sum(axis=2),
                         np.concatenate([errors, flow_errors.max(axis=1)]))

    def bond_currents(self, result):
        """Particles and energy per time on every hopping of a lattice, from its second site to its first.

        Relative to the equilibrium (mu_0, T_0): what flows in equilibrium, in a magnetic field, is left out.

        Parameters
        ----------
        result : BalanceResult
            What `solve` returned last.

        Returns
        -------
        current, energy_current : arrays of float, shape (hoppings,)
        """
        def sums(batch):
            nodes, weights = (array.ravel() for array in batch.nodes()[:2])
            flows = self.propagator.spectrum(self.mu0 + nodes).bond_flows(*self.fillings(nodes, result.unknowns))
            return np.array([flows @ weights, flows @ (weights * nodes)]) / _TWO_PI

        current, energy_current = sum(self.pool.map(sums, self._batches(result.panels)))
        return current, energy_current + self.mu0 * current

    def fillings(self, energies, shift):
        """Occupations of probes and leads relative to the equilibrium (mu_0, T_0), at energies relative to mu_0.

        Returns
        -------
        filling : array of float, shape (sites, energies)
        lead_filling : array of float, shape (leads, energies)
        """
        return (fermi_difference(energies, shift[:len(self.coupled)], self.bath_temperature, self.temperature0),
                fermi_difference(energies, self.lead_shift(shift), self._lead_temperature, self.temperature0))

    def lead_shift(self, unknowns):
        """Chemical potentials of the leads relative to mu_0, floating ones from the unknowns, shape (leads,)."""
        result = self._lead_shift.copy()
        start = len(self.coupled)
        result[self.floating] = unknowns[start:start + len(self.floating)]
        return result

    def unknown_mus(self, unknowns):
        """Chemical potentials that are not given, of coupled sites and floating leads, and their temperatures."""
        return (np.concatenate([unknowns[:len(self.coupled)][self.coupled], self.lead_shift(unknowns)[self.floating]]),
                np.concatenate([self.bath_temperature[self.coupled], self._lead_temperature[self.floating]]))

    def slopes(self, energies, shift):
        """Derivative of the probes' occupations with their chemical potentials, shape (sites, energies)."""
        return self._slopes(energies, shift[:len(self.coupled)], self.bath_temperature)

    def lead_slopes(self, energies, shift):
        """The same for the floating leads, 0 for others, shape (leads, energies)."""
        result = np.zeros((len(self._lead_shift), len(energies)))
        result[self.floating] = self._slopes(energies, self.lead_shift(shift)[self.floating],
                                             self._lead_temperature[self.floating])
        return result

    def _slopes(self, energies, shift, temperature):
        filling = fermi_difference(energies, shift, temperature, self.temperature0)
        filling += expit(-energies / self.temperature0)
        return filling * (1 - filling) / temperature[:, None]

    def _panel_errors(self, integrals):
        """Error of each panel relative to the largest power, current and density, shape (panels,)."""
        def largest(name):
            return np.abs(integrals.total(name)).max()

        # Energy counts from mu_0 here; a particle carries some k_B T.
        temperature = self.temperature0
        drive = (np.abs(self._lead_shift).max() + np.abs(self._lead_temperature - temperature).max()
                 + self._bath_spread)
        zero = max(_ROUNDING * temperature, _ROUNDING_OF_DRIVE / self.rtol * drive) / _TWO_PI
        power = max(largest("power"), zero * temperature)
        density = max(largest("density"), 1e-2)
        zero = max(zero, self._small_flow)
        scales = np.array([power / temperature, power, density, max(largest("current"), zero),
                           max(largest("energy_current"), zero * temperature)])
        return _SAFETY * (integrals.errors / scales[:, None]).max(axis=0)

    def _refine(self, panels, integrals, shift):
        """Halve panels until their errors, added up, are below rtol; the panels and the integrals over them."""
        while True:
            errors = self._panel_errors(integrals)
            self._progress("energies", errors.sum())
            if errors.sum() <= self.rtol:
                return panels, integrals
            # The worst panels, so many that the rest is within half of the tolerance.
            order = np.argsort(errors)
            kept = order[np.cumsum(errors[order]) <= 0.5 * self.rtol]
            split = order[len(kept):]
            if len(panels) + len(split) > _MAX_PANELS:
                raise ConvergenceError(f"The energy integrals reached a relative error of {errors.sum():.1e} with "
                                       f"{21 * len(panels)} energies, not rtol={self.rtol:.1e}. A resonance narrower "
                                       "than these resolve, or an rtol below rounding errors, can be the reason.")
            halves = panels[split].halves()
            panels = Panels.join(panels[kept], halves)
            integrals = Integrals.join([integrals[kept], self._integrate(halves, shift)])

    # Newton's method

    def _newton(self, panels, integrals, shift, tolerance):
        """Newton's method from `shift`, until a step is below `tolerance` of the largest shift."""
        try:
            return self._newton_from(panels, integrals, shift, tolerance, np.inf)
        except ConvergenceError:
            # Long steps can end where the slope vanishes; slow and safe then.
            return self._newton_from(panels, integrals, shift, tolerance, _SHORT_STEP * self._coldest)

    def _newton_from(self, panels, integrals, shift, tolerance, longest):
        preconditioner = None
        change = size = np.inf
        thermal = _THERMOPOWER * (np.abs(self._lead_temperature - self.temperature0).max()
                                  + self._bath_spread)
        for _ in range(_NEWTON_STEPS if longest == np.inf else 10 * _NEWTON_STEPS):
            loss = self._losses(integrals)
            if not np.any(loss):
                return shift, integrals
            if preconditioner is None:
                preconditioner = self._preconditioner(shift)
            step, diagonal = self._newton_step(panels, shift, loss, preconditioner)
            step = np.clip(step, -longest, longest)
            scale = max(np.abs(shift + step).max(), np.abs(self._lead_shift).max(), thermal)
            previous, change = change, np.abs(step).max()
            self._progress("chemical potentials", change / scale)
            # A step leaves its square, or the linear solver's tolerance; in the end rounding stops the progress.
            if change <= tolerance * scale or (change <= 1e-7 * scale and change > 0.1 * previous):
                return shift + step, self._integrate(panels, shift + step)
            size = np.abs(loss / diagonal).max()
            for _ in range(_HALVINGS):
                integrals = self._integrate(panels, shift + step)
                if np.abs(self._losses(integrals) / diagonal).max() < size:
                    break
                step = 0.5 * step
            else:
                break
            shift = shift + step
        raise ConvergenceError(f"Newton's method did not find the chemical potentials of the probes; its last step was "
                               f"{change:.1e}, the balance is off by {size:.1e} in units of mu.")

    def _losses(self, integrals):
        """What must vanish: net particles to the bath at each site, and from each floating lead."""
        return np.concatenate([integrals.total("loss"), integrals.total("current")[self.floating]])

    def _preconditioner(self, shift):
        inverse, diagonal = self.propagator.preconditioner(self.mu0 + self._quantiles(shift))
        sites = len(diagonal)

        def apply(b):
            # Rows divided by the diagonal, as below
            b = np.ravel(b)
            return np.concatenate([inverse(diagonal * b[:sites]), b[sites:]])

        return LinearOperator((len(shift),) * 2, matvec=apply, dtype=float)

    def _newton_step(self, panels, shift, loss, preconditioner):
        self.newton_steps += 1
        jacobian = Jacobian(self, panels, shift)
        # Rows divided by the diagonal: residuals are in units of mu, alike on all sites.
        operator = LinearOperator(preconditioner.shape, matvec=lambda v: jacobian(v) / jacobian.diagonal, dtype=float)
        step, info = gmres(operator, -loss / jacobian.diagonal, M=preconditioner, rtol=_GMRES_RTOL, restart=60,
                           maxiter=20)
        self.products += jacobian.products
        if info != 0:
            # A step that is not exact still leads on, as long as it is a good one.
            right = loss / jacobian.diagonal
            missed = np.linalg.norm(operator.matvec(step) + right) / np.linalg.norm(right)
            if not missed <= _GMRES_WORST:
                raise ConvergenceError(f"GMRES solved for the chemical potentials of the probes to {missed:.0e} only, "
                                       f"in {jacobian.products} products: the sites' exchange with the leads is much "
                                       "weaker than that with each other.")
        return step, jacobian.diagonal

    def _quantiles(self, shift):
        """Energies (relative to mu_0) that divide the sites' mean thermal window into equal parts."""
        mu, temperature = self.unknown_mus(shift)
        every = max(1, len(mu) // 1000)
        mu, temperature = mu[::every], temperature[::every]
        low, high = (mu - 40 * temperature).min(), (mu + 40 * temperature).max()

        def filled(energy):
            return 0.5 + 0.5 * np.tanh(0.5 * (energy - mu) / temperature).mean()

        quantiles = np.array([brentq(lambda e, q=q: filled(e) - q, low, high) for q in _QUANTILES])
        # Below all bands sites are cut off from the leads, and the Jacobian there is as good as singular.
        edges, margin = self.propagator.thresholds() - self.mu0, 0.5 * temperature.max()
        if len(edges) and edges.max() - edges.min() > 2 * margin:
            quantiles = np.clip(quantiles, edges.min() + margin, edges.max() - margin)
        return quantiles
