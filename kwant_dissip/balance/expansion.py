"""First and second order in the bias, for any propagator.

With s = df/dmu of the equilibrium, s' = ds/dmu, leads at mu + V d_a and probes at mu + V x_i + V^2 y_i, the balance
at first order has the occupations s x_i, at second order s y_i + s' x_i^2 / 2; both are linear problems with the same
operator. Powers follow as p = V p1 + V^2 p2: p1, odd in the current, is Peltier's heat, p2 holds Joule's.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..numerics import krylov
from ..numerics.energy_kernels import fermi_slope
from ..numerics.quadrature import THERMAL_WINDOW, TWO_PI, Panels, window_panels
from ..propagators.interface import Propagator
from .energy_grid import EnergyGrid
from .particles import Balance, BalanceResult
from .probes import Probes

_COLD_RTOL, _COLD_WORST = 1e-13, 1e-11


class ExpandedProbes(Probes):
    """Occupations s x_i of the sites and s d_a of the leads, each plus s' c / 2 for given curvatures c.

    Parameters
    ----------
    coupled : array of bool, shape (sites,)
    mu, temperature : float
        Of the equilibrium.
    drive : array of float, shape (leads,)
        d_a.
    curvature, lead_curvature : arrays of float, shapes (sites,) and (leads,), or None
        x_i^2 and d_a^2 at second order.
    """

    def __init__(self, coupled: np.ndarray, mu: float, temperature: float, drive: np.ndarray,
                 curvature: np.ndarray | None = None, lead_curvature: np.ndarray | None = None) -> None:
        self.coupled = coupled
        self.floating = np.empty(0, int)
        self.mu0, self.temperature0, self.coldest = float(mu), float(temperature), float(temperature)
        self._lead_drive = drive
        self._curvature = np.zeros(len(coupled)) if curvature is None else curvature
        self._lead_curvature = np.zeros(len(drive)) if lead_curvature is None else lead_curvature
        self.drive = float(max(np.abs(drive).max(), np.abs(self._lead_curvature).max()))

    def _slope(self, energies):
        return fermi_slope(energies, np.zeros(1), np.array([self.temperature0]))[0]

    def fillings(self, energies, unknowns):
        slope = self._slope(energies)
        curvature = 0.5 * slope * np.tanh(0.5 * energies / self.temperature0) / self.temperature0
        return tuple(change[:, None] * slope + square[:, None] * curvature for change, square in
                     ((unknowns, self._curvature), (self._lead_drive, self._lead_curvature)))

    def slopes(self, energies, unknowns):
        return (np.broadcast_to(self._slope(energies), (len(unknowns), len(energies))),
                np.zeros((len(self._lead_drive), len(energies))))

    def thermal(self, unknowns):  # noqa: ARG002 (always those of the equilibrium)
        return np.zeros(1), np.array([self.temperature0])

    def window(self):
        reach = THERMAL_WINDOW * self.temperature0
        return -reach, reach

    def first_panels(self, thresholds):
        return window_panels(*self.window(), thresholds, 0.25 * THERMAL_WINDOW * self.temperature0)

    def scale(self, unknowns):
        return max(np.abs(unknowns).max(), self.drive)


# Panels, and both orders' unknowns.
Start = tuple[Panels, np.ndarray, np.ndarray]


def expand(propagator: Propagator, mu: float, temperature: float, drive: Sequence[float], rtol: float,
           map_: Callable, progress: Callable | None = None, start: Start | None = None) -> tuple[dict, Start | None]:
    """Both orders of one propagator.

    Parameters
    ----------
    propagator : Propagator
    mu, temperature : float
        Of the equilibrium; temperature 0 is allowed.
    drive : sequence of float
        d_a: shift of each lead per unit of bias.
    rtol, map_, progress
        As for `EnergyGrid`.
    start : tuple or None
        What an earlier call returned as `start`, with arrays on the sites of this propagator.

    Returns
    -------
    dict
        Fields of `LinearResponse` but x, in the propagator's order.
    start : tuple
        Panels and chemical potentials, to start a similar calculation from.
    """
    lead_drive = np.asarray(drive, float)
    if temperature == 0:
        return _at_zero_temperature(propagator, mu, lead_drive), None
    panels, x, y = start or (None, None, None)

    def solve(panels, unknowns, *drives, least_current=0.0) -> BalanceResult:
        probes = ExpandedProbes(propagator.coupled, mu, temperature, *drives)
        grid = EnergyGrid(probes, rtol, map_, progress, least_current)
        return Balance(propagator, probes, grid).solve(panels, unknowns)

    one = solve(panels, x, lead_drive)
    # The second order may vanish by symmetry; it is needed relative to the first at a bias of k_B T.
    two = solve(one.panels, y, np.zeros_like(lead_drive), one.unknowns ** 2, lead_drive ** 2,
                least_current=np.abs(one.current).max() / temperature)
    return {"power1": one.power, "power2": two.power, "mu1": one.mu - mu, "mu2": two.mu - mu,
            "current1": one.current, "current2": two.current, "energy_current1": one.energy_current,
            "energy_current2": two.energy_current,
            "error": max(one.error, two.error)}, (two.panels, one.unknowns, two.unknowns)


def _at_zero_temperature(propagator, mu, drive):
    """The limit T -> 0: everything at E = mu; p2_i = gamma_i/4pi (sum_j |G_ij|^2 gamma_j x_j^2 + ... - A_i x_i^2)."""
    energy, drive = np.array([mu], float), drive[:, None]
    spectrum = propagator.spectrum(energy)
    rate, spectral = spectrum.rate[:, 0], spectrum.spectral[:, 0]
    diagonal = np.where(rate * spectral > 0, rate * spectral, 1.0)
    response = spectrum.response(spectrum.rate, spectrum.rate)
    inverse, _ = propagator.preconditioner(energy)
    arriving, _ = spectrum.occupation(np.zeros_like(spectrum.rate), drive)
    x = krylov.solve(lambda v: diagonal * v - response(v), rate * arriving[:, 0], inverse,
                     rtol=_COLD_RTOL, worst=_COLD_WORST, what="the chemical potentials at T = 0")
    _, inflow = spectrum.occupation(spectrum.rate * x[:, None], drive)
    heating, _ = spectrum.occupation(spectrum.rate * x[:, None] ** 2, drive ** 2)
    current = inflow[:, 0] / TWO_PI
    unknown, mu1 = np.full(len(drive), np.nan), np.where(rate > 0, x, np.nan)
    return {"power1": np.zeros(len(x)), "power2": rate * (heating[:, 0] - spectral * x ** 2) / (2 * TWO_PI),
            "mu1": mu1, "mu2": np.full(len(x), np.nan), "current1": current, "current2": unknown,
            "energy_current1": mu * current, "energy_current2": unknown, "error": 0.0}
