"""Chemical potentials and electrostatic potential together, by Newton's method with the full response.

    F_i(mu, U) = 0             no net particles to the bath (`balance`)
    A U - b - B q(mu, U) = 0   law of electrostatics (`electrostatics`), q = N - N0

N is an equilibrium part, over the complex frequencies, and a window part on the real axis. The response of all of it
to a change of mu and U together is one more evaluation at a point close by. Krylov steps are few, as both parts
have an approximate inverse: that of the balance at five energies, and Thomas and Fermi's, q_i = D_i (dmu_i - dU_i).
In equilibrium F vanishes whatever U is, so that the problem is triangular there.
"""

import dataclasses

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.special import expit

from ..errors import ConvergenceError
from ..model.electrostatics import ramps
from ..propagators.density import EquilibriumDensity
from .jacobian import require_states
from .particles import Balance, BalanceResult

_STEPS = 20
_SHORT_STEPS = 60
_HALVINGS = 8
# A directional derivative is a difference over this fraction of k_B T.
_DIFFERENCE = 1e-6
_KRYLOV_RTOL = 1e-4
_KRYLOV_WORST = 0.1
_KRYLOV_RESTART = 80
_KRYLOV_CYCLES = 4
# Of the largest states per energy at a site; where there are next to none, Thomas-Fermi's inverse needs a floor.
_FEWEST_STATES = 1e-2
# What is left of the law of electrostatics, relative to its largest term, when it counts as fulfilled.
_LAW_TOLERANCE = 1e-9
# Densities are sums of terms of order one, so that their differences are known to 1e-14 or so; a law with no larger
# terms than this is fulfilled to rounding.
_SMALLEST_TERM = 1e-14 / _LAW_TOLERANCE
# Potentials below this fraction of k_B T are not resolved to more digits than it is: rounding of densities.
_SMALLEST_ENERGY = 1e-6
_TWO_PI = 2 * np.pi


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


class ScreenedBalance(Balance):
    """Balance of particles and law of electrostatics of one propagator.

    The unknowns are those of `Balance`, then the electrostatic energies.

    Parameters
    ----------
    propagator : Propagator
        At any potential of the sites, with the leads shifted.
    reservoirs, bath_temperature, rtol, progress
        As for `Balance`.
    equation : Equation
        Law of electrostatics, with sites in the propagator's order.
    ramps : array of float, shape (sites, leads)
        Potential without charge, per potential of each lead.
    lead_potentials : array of float, shape (leads,)
        Electrostatic energies of the leads; nan for that of a floating lead which follows its mu.
    reference : array of float, shape (sites,)
        N0, density of the neutral system.
    equilibrium_mu : float
        mu_eq.
    """

    def __init__(self, propagator, reservoirs, bath_temperature, rtol, progress, *, equation, ramps,
                 lead_potentials, reference, equilibrium_mu):
        super().__init__(propagator, reservoirs, bath_temperature, rtol, progress)
        self._reservoirs = reservoirs
        self._equation = equation
        self._lead_potentials = lead_potentials
        self._reference = reference
        self._equilibrium_mu = equilibrium_mu
        self._equilibrium_density = EquilibriumDensity(self.mu0, self.temperature0, density_accuracy(rtol),
                                                       self.pool.map)
        # Floating leads start where mu_eq is.
        self._ramp = ramps @ np.nan_to_num(lead_potentials)
        self._move(self._start())

    def _split(self, unknowns):
        """Unknowns of `Balance`, electrostatic energies of the sites and of the leads."""
        chemical, potential = np.split(unknowns, [-len(self.coupled)])
        following = self.mu0 + self.lead_shift(chemical) - self._equilibrium_mu
        return chemical, potential, np.where(np.isnan(self._lead_potentials), following, self._lead_potentials)

    def _move(self, unknowns):
        self.propagator = self.propagator.at_potential(*self._split(unknowns)[1:])

    def _result(self, panels, integrals, unknowns, error):  # noqa: ARG002 (as of `Balance`)
        # At fixed U the balance is found more exactly than together with it, which matters where little flows.
        chemical, potential, lead_potentials = self._split(unknowns)
        self.propagator = self.propagator.at_potential(potential, lead_potentials)
        plain = Balance(self.propagator, self._reservoirs, self.bath_temperature, self.rtol).solve(panels, chemical)
        fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
        density = self._equilibrium_density(self.propagator) + plain.density
        difference = density - self._reference
        law, largest = self._equation.residual(potential, lead_potentials, difference)
        fields.update(density=density, newton_steps=self.newton_steps, products=self.products,
                      unknowns=np.concatenate([plain.unknowns, potential]))
        return ScreenedResult(**fields, potential=potential, lead_potentials=lead_potentials,
                              density_difference=difference,
                              law_residual=float(np.abs(law).max() / max(largest, _SMALLEST_TERM)))

    def _start(self):
        # Neutral wires: mu follows U.
        neutral = self._equilibrium_mu - self.mu0
        shift = np.where(self.coupled, neutral + self._ramp, 0.0)
        return np.concatenate([shift, np.full(len(self.floating), neutral), self._ramp])

    def _integrate(self, panels, unknowns):
        self._move(unknowns)
        return super()._integrate(panels, self._split(unknowns)[0])

    def _gridded(self, unknowns):
        """Panels for a point of which nothing is known, and the integrals over them."""
        self._move(unknowns)
        panels = self._first_panels()
        return self._refine(panels, self._integrate(panels, unknowns), unknowns)

    def _approach(self, panels, integrals, unknowns):
        # Levels move with U: every point has its own panels. Where full steps lead astray, short ones may not.
        try:
            return self._search(panels, integrals, unknowns, np.inf, _STEPS)
        except ConvergenceError:
            return self._search(panels, integrals, unknowns, self._coldest, _SHORT_STEPS)

    def _search(self, panels, integrals, unknowns, longest, steps):
        """Newton's method to 1e-3, with panels for every point, and no step longer than `longest`.

        Full steps must lead closer, in the measure of the approximate inverse; short ones need not.
        """
        change = np.inf
        for _ in range(steps):
            residual, law = self._residual(integrals, unknowns)
            inverse = self._approximate_inverse(panels, unknowns)
            change = np.abs(inverse(residual)).max()
            if change <= 1e-3 * self._scale(unknowns) and law <= 1e-3:
                return panels, integrals, unknowns
            step = np.clip(self._newton_step(panels, unknowns, residual, inverse), -longest, longest)
            for _ in range(_HALVINGS):
                panels, integrals = self._gridded(unknowns + step)
                new = np.abs(inverse(self._residual(integrals, unknowns + step)[0])).max()
                if new < change or longest < np.inf:
                    break
                step = 0.5 * step
            else:
                break
            unknowns = unknowns + step
        raise self._failure(change, law)

    def _densities(self, integrals):
        """N at the point that was integrated last."""
        return self._equilibrium_density(self.propagator) + integrals.total("density")

    def _residual(self, integrals, unknowns):
        """Both residuals, one after the other, and the law's relative to its largest term."""
        law, largest = self._law(integrals, unknowns)
        return np.concatenate([self._losses(integrals), law]), np.abs(law).max() / max(largest, _SMALLEST_TERM)

    def _law(self, integrals, unknowns):
        _, *potentials = self._split(unknowns)
        return self._equation.residual(*potentials, self._densities(integrals) - self._reference)

    def _newton(self, panels, integrals, unknowns, tolerance):
        change = law = np.inf
        for _ in range(_STEPS):
            residual, law = self._residual(integrals, unknowns)
            step = self._newton_step(panels, unknowns, residual, self._approximate_inverse(panels, unknowns))
            scale = self._scale(unknowns + step)
            previous, change = change, np.abs(step).max()
            unknowns = unknowns + step
            integrals = self._integrate(panels, unknowns)
            law = self._residual(integrals, unknowns)[1]
            self._progress("potentials", change / scale)
            # A step leaves what the linear solver left of it, `_KRYLOV_RTOL`; in the end rounding stops the progress.
            if ((_KRYLOV_RTOL * change <= tolerance * scale and law <= _LAW_TOLERANCE)
                    or (change <= 1e-8 * scale and change > 0.1 * previous)):
                return unknowns, integrals
        raise self._failure(change, law)

    @staticmethod
    def _failure(change, law):
        return ConvergenceError("Newton's method did not find the electrostatic and chemical potentials; they are off "
                                f"by {change:.1e}, the law of electrostatics by {law:.1e} of its largest term.")

    def _scale(self, unknowns):
        """What potentials are relative to."""
        return max(np.abs(unknowns).max(), np.abs(self._lead_shift).max(), np.nanmax(np.abs(self._lead_potentials)),
                   _SMALLEST_ENERGY * self.temperature0)

    def _newton_step(self, panels, unknowns, residual, inverse):
        self.newton_steps += 1
        error = inverse(residual)
        if not np.all(np.isfinite(error)):
            raise ConvergenceError("The electrostatic potentials left the range in which there are states.")

        def product(direction):
            self.products += 1
            direction = np.ravel(direction)
            length = _DIFFERENCE * self._coldest / np.abs(direction).max()
            near = unknowns + length * direction
            changed, _ = self._residual(self._integrate(panels, near), near)
            return inverse((changed - residual) / length)

        if not np.any(error):
            return np.zeros_like(unknowns)
        operator = LinearOperator((len(unknowns),) * 2, matvec=product, dtype=float)
        step, info = gmres(operator, -error, rtol=_KRYLOV_RTOL, restart=_KRYLOV_RESTART, maxiter=_KRYLOV_CYCLES)
        # A step that is not exact still leads on, as long as it is a good one.
        if info != 0 and not np.linalg.norm(operator.matvec(step) + error) <= _KRYLOV_WORST * np.linalg.norm(error):
            raise ConvergenceError("GMRES did not find the response of the potentials in "
                                   f"{_KRYLOV_RESTART * _KRYLOV_CYCLES} products.")
        return step

    def _approximate_inverse(self, panels, unknowns):
        """Approximate inverse of the derivative of both residuals: what it maps to are energies."""
        self._move(unknowns)
        shift = self._split(unknowns)[0]
        sites = len(self.coupled)
        states, exchange, conductance = self._states(panels, shift)
        thomas_fermi = self._equation.thomas_fermi(np.maximum(states, _FEWEST_STATES * states.max()))
        if np.any(self.coupled):
            require_states(self.coupled, exchange)
            exchange = np.where(self.coupled, exchange, 1.0)
            inverse, diagonal = self.propagator.preconditioner(self.mu0 + self._quantiles(shift))

        def apply(residual):
            loss, flow, law = np.split(residual, [sites, len(residual) - sites])
            mu_change = inverse(diagonal * loss / exchange) if np.any(self.coupled) else loss
            return np.concatenate([mu_change, flow / conductance, thomas_fermi(law, mu_change)])

        return apply

    def _states(self, panels, shift):
        """Int dE/2pi A_i (-df_i/dE), the thermal density of states; the same with gamma_i A_i; d(current)/d(mu).

        The last for floating leads.
        """
        nodes, weights, _ = (array.ravel() for array in panels.nodes())
        lead_slope = np.mean([self._slope(nodes, mu, temperature) for mu, temperature
                              in zip(self._lead_shift, self._lead_temperature, strict=True)], axis=0)
        size = max(21, self.propagator.batch)

        def part_sums(start):
            part = slice(start, start + size)
            spectrum = self.propagator.spectrum(self.mu0 + nodes[part])
            inflow = np.empty((len(self._lead_potentials), len(nodes[part])))
            if len(self.floating):
                _, inflow = spectrum.occupation(np.zeros_like(spectrum.rate), self.lead_slopes(nodes[part], shift))
            # Where no probe is, the leads fill the states.
            slopes = np.where(self.coupled[:, None], self.slopes(nodes[part], shift), lead_slope[part])
            slopes *= spectrum.spectral
            return np.concatenate([part_sum @ weights[part] / _TWO_PI for part_sum in
                                   (slopes, slopes * spectrum.rate, inflow[self.floating])])

        total = sum(self.pool.map(part_sums, range(0, len(nodes), size)))
        return np.split(total, [len(self.coupled), 2 * len(self.coupled)])

    @staticmethod
    def _slope(energies, mu, temperature):
        filling = expit((mu - energies) / temperature)
        return filling * (1 - filling) / temperature


def screened_balance(law, lattice, gamma, lead_potentials, equilibrium_mu, propagator, reservoirs, bath_temperature,
                     rtol, progress):
    """`ScreenedBalance` of a law on a lattice.

    Parameters
    ----------
    law : Poisson, Neutrality or CoulombKernel
    lattice : Lattice
    gamma : Broadening
    lead_potentials : array of float, shape (leads,)
        nan for a floating lead whose potential follows its mu.
    equilibrium_mu : float
    propagator, reservoirs, bath_temperature, rtol, progress
        As for `ScreenedBalance`; arrays in the propagator's order.

    Raises
    ------
    ValueError
        If the densities are not known, or the law does not fit the lattice.
    """
    if not gamma.is_analytic:
        raise ValueError("Electrostatics needs the density, which with a mean_free_path is known only for leads of one "
                         "orbital per cell. Give the PhononBath a rate.")
    order = propagator.order
    equation = law.equation(lattice).in_order(order)
    temperature = Balance(propagator, reservoirs, bath_temperature, rtol).temperature0
    density = EquilibriumDensity(equilibrium_mu, temperature, density_accuracy(rtol))
    neutral = propagator.at_potential(np.zeros(len(order)), np.zeros(len(reservoirs)))
    return ScreenedBalance(propagator, reservoirs, bath_temperature, rtol, progress, equation=equation,
                           ramps=ramps(lattice)[order], lead_potentials=lead_potentials,
                           reference=density(neutral), equilibrium_mu=equilibrium_mu)


def density_accuracy(rtol):
    """Accuracy of densities, per site: at least 1e-8."""
    return 1e-2 * min(rtol, 1e-6)
