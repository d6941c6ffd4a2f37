"""First and second order in the bias, for any propagator.

With f(mu, T) the equilibrium, s = df/dmu, leads at mu + V d_a and T + V t_a and probes at mu + V x_i + V^2 y_i, the
balance at first order has the occupations s x_i of the sites and s d_a + f_T t_a of the leads, at second order
s y_i + f_mumu x_i^2 / 2 and (f_mumu d_a^2 + 2 f_muT d_a t_a + f_TT t_a^2) / 2; both are linear problems with the same
operator. With e = (E - mu) / T and h = e tanh(e / 2): f_T = s e, f_mumu = s tanh(e / 2) / T, f_muT = s (h - 1) / T,
f_TT = s e (h - 2) / T. Powers follow as p = V p1 + V^2 p2: p1, odd in the current, is Peltier's heat, p2 holds Joule's.
A floating lead has its d_a, and the second order of its mu, as unknowns. Sites have a t_i like leads: given where
phonons follow a thermal drive, and unknown at both orders where electrons keep their energy.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..native.energies import fermi_slope
from ..numerics import krylov
from ..numerics.quadrature import THERMAL_WINDOW, TWO_PI, Panels, window_panels
from ..propagators.interface import Propagator
from ..propagators.rows import in_rows
from .energy_grid import EnergyGrid
from .particles import Balance, BalanceResult
from .probes import Probes
from .spectra import Spectra

_COLD_RTOL, _COLD_WORST = 1e-13, 1e-11


class ExpandedProbes(Probes):
    """Occupations of one order: unknowns times s, plus what the orders below leave.

    Parameters
    ----------
    sites : int
    coupled : array of bool, shape (rows,)
    mu, temperature : float
        Of the equilibrium.
    drive, thermal_drive : arrays of float, shape (leads,)
        d_a, nan where a lead floats, and t_a.
    warming : array of float, shape (sites,)
        t_i of the phonons; without meaning in `hot`.
    first : tuple of three arrays, or None
        At second order: x_i, d_a, and t_i.
    hot : array of int, optional
        Rows with a temperature to be found.
    """

    linear = True

    def __init__(self, sites: int, coupled: np.ndarray, mu: float, temperature: float, drive: np.ndarray,
                 thermal_drive: np.ndarray, warming: np.ndarray,
                 first: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
                 hot: np.ndarray | None = None) -> None:
        self.sites, self.coupled = sites, coupled
        self.hot = np.empty(0, int) if hot is None else hot
        self.floating = np.flatnonzero(np.isnan(drive))
        self.mu0, self.temperature0, self.coldest = float(mu), float(temperature), float(temperature)
        self._lead_drive, self._thermal_drive = np.nan_to_num(drive), thermal_drive
        self._warming, self._first = warming, first
        # What is heated alike stays in equilibrium: what counts are differences to that.
        self._common = 0.5 * (thermal_drive.min() + thermal_drive.max())
        self.drive = float(max(np.abs(change).max(initial=0.0) for change in (
            self._lead_drive, thermal_drive - self._common, (warming - self._common)[coupled])))

    def lead_mus(self, unknowns: np.ndarray) -> np.ndarray:
        """Changes of the leads' mu at this order, shape (leads,)."""
        result = self._lead_drive.copy() if self._first is None else np.zeros_like(self._lead_drive)
        result[self.floating] = self.split(unknowns)[1]
        return result

    def warming(self, unknowns: np.ndarray) -> np.ndarray:
        """Changes of the sites' temperature at this order, shape (sites,)."""
        result = self._warming.copy() if self._first is None else np.zeros(len(self.coupled))
        result[self.hot] = self.excess(unknowns)
        return result

    def _slope(self, energies):
        return fermi_slope(energies, np.zeros(1), np.array([self.temperature0]))[0]

    def fillings(self, energies: np.ndarray, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope, e = self._slope(energies), energies / self.temperature0
        sites, leads = (change[:, None] * slope for change in (self.split(unknowns)[0], self.lead_mus(unknowns)))
        thermal, common, warm = self._thermal_drive[:, None], self._common, self.warming(unknowns)
        if self._first is None:
            warm = warm - common
        if warm.any():
            sites += warm[:, None] * (slope * e)
        if self._first is None:
            return sites, leads + (thermal - common) * slope * e
        x, d, t = (change[:, None] for change in self._first)
        h, half = e * np.tanh(0.5 * e), 0.5 * slope / self.temperature0
        curvature = half * np.tanh(0.5 * e)
        sites += x ** 2 * curvature
        for filling, mu, heat in ((sites, x, t), (leads, d, thermal)):
            if common or heat.any():
                filling += half * (2 * mu * heat * (h - 1) + (heat ** 2 - common ** 2) * e * (h - 2))
        return sites, leads + d ** 2 * curvature

    def slopes(self, energies: np.ndarray, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002 (linear)
        slope, leads = self._slope(energies), np.zeros((len(self._lead_drive), len(energies)))
        leads[self.floating] = slope
        return np.broadcast_to(slope, (len(self.coupled), len(energies))), leads

    def local(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002 (always those of the equilibrium)
        return np.zeros(len(self.hot)), np.full(len(self.hot), self.temperature0)

    def thermal(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002 (always those of the equilibrium)
        return np.zeros(1), np.array([self.temperature0])

    def window(self, reach: float = THERMAL_WINDOW) -> tuple[float, float]:
        return -reach * self.temperature0, reach * self.temperature0

    def first_panels(self, thresholds: np.ndarray, count: int) -> Panels:
        low, high = self.window()
        return window_panels(low, high, thresholds, _WIDTH * self.temperature0, count)

    def scale(self, unknowns: np.ndarray) -> float:
        return max(np.abs(unknowns).max(), self.drive)


_OF_ROWS = "power1", "power2", "mu1", "mu2", "temperature1", "temperature2"
# Panels are first no wider than so many k_B T.
_WIDTH = 10.0
# Panels, and both orders' unknowns.
Start = tuple[Panels, np.ndarray, np.ndarray]


def expand(propagator: Propagator, mu: float, temperature: float, drive: np.ndarray, thermal_drive: np.ndarray,
           warming: np.ndarray, rtol: float, map_: Callable, progress: Callable | None = None, *,
           start: Start | None = None,
           keeps_energy: Sequence[bool] | np.ndarray = (False,)) -> tuple[dict, Start | None]:
    """Both orders of one propagator.

    Parameters
    ----------
    propagator : Propagator
    mu, temperature : float
        Of the equilibrium; temperature 0 is allowed without thermal drive and floating leads.
    drive, thermal_drive : arrays of float, shape (leads,)
        d_a and t_a: shift of each lead's mu (nan: floating) and temperature per unit of bias.
    warming : array of float, shape (sites,)
        t_i: the same of the phonons' temperature.
    rtol, map_, progress
        As for `EnergyGrid`.
    start : tuple or None
        What an earlier call returned as `start`, with arrays on the sites of this propagator.
    keeps_energy : sequence of bool, optional
        Of each bath whether it does, and has a temperature to be found; not at temperature 0. By default there is one
        that does not.

    Returns
    -------
    dict
        Fields of `LinearResponse` but x, in the propagator's order, those of sites of shape (baths, sites); and the
        changes of temperature, `temperature1` and `temperature2`, if some are to be found.
    start : tuple
        Panels and unknowns, to start a similar calculation from.
    """
    sites = len(propagator.coupled)
    propagator = in_rows(propagator, keeps_energy)

    def by_bath(fields):
        return {name: values.reshape(-1, sites) if name in _OF_ROWS else values for name, values in fields.items()}

    if temperature == 0:
        return by_bath(_at_zero_temperature(propagator, mu, drive)), None
    panels, x, y = start or (None, None, None)
    hot = np.flatnonzero(np.repeat(keeps_energy, sites))
    warming = np.tile(warming, len(propagator.coupled) // sites)

    # Both orders go through the same propagator at most of the same energies.
    spectra = Spectra(propagator, mu, map_)

    def solve(panels: Panels | None, unknowns: np.ndarray | None, first: tuple | None = None,
              least_current: float = 0.0) -> tuple[ExpandedProbes, BalanceResult]:
        probes = ExpandedProbes(sites, propagator.coupled, mu, temperature, drive, thermal_drive, warming, first, hot)
        grid = EnergyGrid(probes, rtol, map_, progress, least_current)
        return probes, Balance(propagator, probes, grid, spectra).solve(panels, unknowns)

    probes, one = solve(panels, x)
    first = probes.split(one.unknowns)[0], probes.lead_mus(one.unknowns), probes.warming(one.unknowns)
    # The second order may vanish by symmetry; it is needed relative to the first, heat if nothing else flows, at a bias
    # of k_B T.
    heat = (one.energy_current - mu * one.current) / temperature
    probes, two = solve(one.panels, y, first, max(np.abs(one.current).max(), np.abs(heat).max()) / temperature)
    warmth = {"temperature1": first[2], "temperature2": probes.warming(two.unknowns)} if len(hot) else {}
    return by_bath({"power1": one.power, "power2": two.power, "mu1": one.mu - mu, "mu2": two.mu - mu,
            "current1": one.current, "current2": two.current, "energy_current1": one.energy_current,
            "energy_current2": two.energy_current, "reservoir_mu1": first[1],
            "reservoir_mu2": probes.lead_mus(two.unknowns),
            "error": max(one.error, two.error), **warmth}), (two.panels, one.unknowns, two.unknowns)


def _at_zero_temperature(propagator, mu, drive):
    """The limit T -> 0: everything at E = mu; p2_i = gamma_i/4pi (sum_j |G_ij|^2 gamma_j x_j^2 + ... - A_i x_i^2)."""
    energy, drive = np.array([mu], float), drive[:, None]
    spectrum = propagator.spectrum(energy)
    rate, spectral = spectrum.rate[:, 0], spectrum.spectral[:, 0]
    diagonal = np.where(rate * spectral > 0, rate * spectral, 1.0)
    response = spectrum.response(spectrum.rate, spectrum.rate)
    inverse, _ = propagator.preconditioner(energy, np.ones((len(rate), 1)))
    arriving, _ = spectrum.occupation(np.zeros_like(spectrum.rate), drive)
    x = krylov.solve(lambda v: diagonal * v - response(v), rate * arriving[:, 0], inverse,
                     rtol=_COLD_RTOL, worst=_COLD_WORST, what="the chemical potentials at T = 0")
    _, inflow = spectrum.occupation(spectrum.rate * x[:, None], drive)
    heating, _ = spectrum.occupation(spectrum.rate * x[:, None] ** 2, drive ** 2)
    current = inflow[:, 0] / TWO_PI
    unknown, mu1 = np.full(len(drive), np.nan), np.where(rate > 0, x, np.nan)
    return {"power1": np.zeros(len(x)), "power2": rate * (heating[:, 0] - spectral * x ** 2) / (2 * TWO_PI),
            "mu1": mu1, "mu2": np.full(len(x), np.nan), "current1": current, "current2": unknown,
            "energy_current1": mu * current, "energy_current2": unknown, "reservoir_mu1": drive[:, 0],
            "reservoir_mu2": np.zeros(len(drive)), "error": 0.0}
