"""First and second order in the bias, for any propagator.

With s = df/dmu of the equilibrium, s' = ds/dmu, leads at mu + V d_a and probes at mu + V x_i + V^2 y_i, the balance
at first order has the occupations s x_i, at second order s y_i + s' x_i^2 / 2; both are linear problems with the same
operator. Powers follow as p = V p1 + V^2 p2: p1, odd in the current, is Peltier's heat, p2 holds Joule's.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.special import expit

from ..errors import ConvergenceError
from ..model.reservoirs import Reservoir
from ..numerics.quadrature import THERMAL_WINDOW, window_panels
from .particles import Balance


@dataclass(frozen=True, eq=False)
class LinearResponse:
    """Expansion in the bias V: power = V power1 + V^2 power2, and so on.

    Attributes
    ----------
    x : array of float
        Positions: of the sites (shape (sites, dimensions)) or along the wires (shape (nodes,)).
    power1, power2 : arrays of float, shape (sites,)
        Peltier part and Joule part; per site on a lattice, per length in the kinetic theory.
    mu1, mu2 : arrays of float, shape (sites,)
        Change of the local electrochemical potential; nan where not coupled.
    current1, current2, energy_current1, energy_current2 : arrays of float, shape (leads,)
    conductance : float
        current1 of the first lead, in e^2/hbar (multiply by 2 pi for e^2/h).
    error : float
        Estimated relative error of the energy integrals, and of the resolution along the wires; second-order currents
        count relative to those of first order at a bias of k_B T.

    Notes
    -----
    At temperature 0 power1 vanishes, and mu2, current2 and energy_current2 are nan: they would need derivatives of
    the Green's function.
    """

    x: np.ndarray
    power1: np.ndarray
    power2: np.ndarray
    mu1: np.ndarray
    mu2: np.ndarray
    current1: np.ndarray
    current2: np.ndarray
    energy_current1: np.ndarray
    energy_current2: np.ndarray
    error: float

    @property
    def conductance(self):
        """Current per bias, e^2/hbar."""
        return float(self.current1[0])


class _FirstOrder(Balance):
    """Balance of occupations s x_i, leads s d_a."""

    def __init__(self, propagator, mu, temperature, drive, rtol, progress):
        super().__init__(propagator, [Reservoir(mu, temperature)] * len(drive),
                         np.full(len(propagator.coupled), temperature), rtol, progress)
        self._lead_shift = np.asarray(drive, float)

    def _first_panels(self):
        reach = THERMAL_WINDOW * self.temperature0
        return window_panels(-reach, reach, self.propagator.thresholds() - self.mu0, reach / 4)

    def _quantiles(self, shift):
        return super()._quantiles(np.zeros_like(shift))

    def _slope(self, energies):
        return expit(energies / self.temperature0) * expit(-energies / self.temperature0) / self.temperature0

    def slopes(self, energies, shift):
        return np.broadcast_to(self._slope(energies), (len(shift), len(energies)))

    def fillings(self, energies, shift):
        slope = self._slope(energies)
        return shift[:, None] * slope, self._lead_shift[:, None] * slope


class _SecondOrder(_FirstOrder):
    """Balance of occupations s y_i + s' x_i^2 / 2, leads s' d_a^2 / 2."""

    def __init__(self, first, shift, current, progress):
        super().__init__(first.propagator, first.mu0, first.temperature0, first._lead_shift, first.rtol, progress)
        self._first_shift = shift
        # The second order may vanish by symmetry; it is needed relative to the first at a bias of k_B T.
        self._small_flow = np.abs(current).max() / first.temperature0

    def fillings(self, energies, shift):
        slope = self._slope(energies)
        curvature = 0.5 * slope * np.tanh(0.5 * energies / self.temperature0) / self.temperature0
        return (shift[:, None] * slope + self._first_shift[:, None] ** 2 * curvature,
                self._lead_shift[:, None] ** 2 * curvature)


def expand(propagator, mu, temperature, drive, rtol, progress=None, start=None):
    """Both orders of one propagator.

    Parameters
    ----------
    propagator : Propagator
    mu, temperature : float
        Of the equilibrium; temperature 0 is allowed.
    drive : sequence of float
        d_a: shift of each lead per unit of bias.
    rtol : float
    progress : callable or None
    start : tuple or None
        What an earlier call returned as `start`, with arrays on the sites of this propagator.

    Returns
    -------
    dict
        Fields of `LinearResponse` but x, in the propagator's order.
    start : tuple
        Panels and chemical potentials, to start a similar calculation from.
    """
    if temperature == 0:
        return _at_zero_temperature(propagator, mu, drive), None
    panels, shift1, shift2 = start or (None, None, None)
    first = _FirstOrder(propagator, mu, temperature, drive, rtol, progress)
    one = first.solve(panels, shift1)
    shift1 = np.where(propagator.coupled, one.mu - first.mu0, 0.0)
    second = _SecondOrder(first, shift1, one.current, progress)
    two = second.solve(one.panels, shift2)
    shift2 = np.where(propagator.coupled, two.mu - first.mu0, 0.0)
    return {"power1": one.power, "power2": two.power, "mu1": one.mu - first.mu0, "mu2": two.mu - first.mu0,
            "current1": one.current, "current2": two.current, "energy_current1": one.energy_current,
            "energy_current2": two.energy_current, "error": max(one.error, two.error)}, (two.panels, shift1, shift2)


def _at_zero_temperature(propagator, mu, drive):
    """The limit T -> 0: everything at E = mu; p2_i = gamma_i/4pi (sum_j |G_ij|^2 gamma_j x_j^2 + ... - A_i x_i^2)."""
    energy, drive = np.array([mu], float), np.asarray(drive, float)[:, None]
    spectrum = propagator.spectrum(energy)
    rate, spectral = spectrum.rate[:, 0], spectrum.spectral[:, 0]
    diagonal = np.where(rate * spectral > 0, rate * spectral, 1.0)
    response = spectrum.response(np.ones_like(spectrum.rate), np.ones(1))
    inverse, _ = propagator.preconditioner(energy)
    operator = LinearOperator(inverse.shape, matvec=lambda v: v - response(np.ravel(v)) / diagonal, dtype=float)
    preconditioner = LinearOperator(inverse.shape, matvec=lambda b: inverse(diagonal * b), dtype=float)
    arriving, _ = spectrum.occupation(np.zeros_like(spectrum.rate), drive)
    x, info = gmres(operator, rate * arriving[:, 0] / diagonal, M=preconditioner, rtol=1e-13, restart=60, maxiter=20)
    if info != 0:
        raise ConvergenceError("GMRES did not converge to 1e-13 while solving for the chemical potentials at T = 0.")
    _, inflow = spectrum.occupation(x[:, None], drive)
    heating, _ = spectrum.occupation(x[:, None] ** 2, drive ** 2)
    current = inflow[:, 0] / (2 * np.pi)
    unknown, mu1 = np.full(len(drive), np.nan), np.where(rate > 0, x, np.nan)
    return {"power1": np.zeros(len(x)), "power2": rate * (heating[:, 0] - spectral * x ** 2) / (4 * np.pi),
            "mu1": mu1, "mu2": np.full(len(x), np.nan), "current1": current, "current2": unknown,
            "energy_current1": mu * current, "energy_current2": unknown, "error": 0.0}
