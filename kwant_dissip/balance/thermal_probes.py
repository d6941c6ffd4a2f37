"""Fermi functions at any bias: those of the leads' reservoirs, and of every bath's probes on the sites.

Rows (`propagators.rows`) are the sites for the first bath, then those for the next. Unknown are a chemical potential
for each row, relative to mu_0, a temperature for each row of baths that keep energy, relative to T_0, then one chemical
potential per floating lead.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import ConvergenceError
from ..model.reservoirs import Reservoir, known_mus
from ..native.energies import fermi_difference, fermi_slope
from ..numerics.quadrature import COUNTS, THERMAL_WINDOW, Panels, window_panels
from .probes import Probes

# Differences of temperature alone drive chemical potentials; those below 1e-6 of them count as zero.
_THERMOPOWER = 1e-6
# Temperatures that differ by less than this part are the same.
_SAME = 1e-12
# Within 10 k_B T of a chemical potential is what a panel of the first grid may hold.
_EDGE = 10.0
_MOST_FIRST_PANELS = 5000
# A long wire without phonons has T_e^2 = T^2 + (3/pi^2) V^2 xi (1 - xi) at the fraction xi of its length
# (Wiedemann-Franz): the largest value of the last term, and its mean.
_PEAK, _MEAN = 0.75 / np.pi ** 2, 0.5 / np.pi ** 2
# So many k_B T of the window may be cut off at an electrons' temperature before it is widened: exp(-37) = 1e-16.
_CUT = 3.0
# A temperature changes by this factor in a step, at most.
_FACTOR = 4.0


class ThermalProbes(Probes):
    """For each bath a probe on every site.

    Parameters
    ----------
    coupled : array of bool, shape (baths, sites)
        Where each bath couples; without a bath, one that couples nowhere.
    temperature : array of float, shape (baths, sites)
        k_B T at which a bath returns electrons; of one that keeps energy, that of the equilibrium.
    keeps_energy : array of bool, shape (baths,)
    reservoirs : sequence of Reservoir
        One per lead.

    Attributes
    ----------
    span : float
        Largest energy, above mu_0, that reservoirs and baths have to give.
    """

    def __init__(self, coupled: np.ndarray, temperature: np.ndarray, keeps_energy: np.ndarray,
                 reservoirs: Sequence[Reservoir]) -> None:
        coupled, temperature = np.atleast_2d(coupled), np.atleast_2d(temperature)
        self.sites = coupled.shape[1]
        self.coupled, self.hot = coupled.ravel(), np.flatnonzero(np.repeat(keeps_energy, self.sites))
        known = known_mus(reservoirs)
        bias = np.ptp(known)
        self.mu0 = 0.5 * (known.min() + known.max())
        self.floating = np.array([a for a, reservoir in enumerate(reservoirs) if reservoir.mu is None], int)
        of_leads = np.array([reservoir.temperature for reservoir in reservoirs], float)
        # Those of floating leads are unknown; here stands 0.
        self._lead_mu = np.array([0.0 if reservoir.mu is None else reservoir.mu - self.mu0 for reservoir in reservoirs])
        cold = coupled & ~np.asarray(keeps_energy)[:, None]
        # Without phonons what stands in their place still names the equilibrium.
        given = temperature[cold] if np.any(cold) else temperature.ravel()
        self.temperature0 = float(np.median(given))
        # What differs by rounding alone would drive currents that are rounding alone.
        rows, self._lead_temperature, given = (
            np.where(np.abs(values - self.temperature0) <= _SAME * self.temperature0, self.temperature0, values)
            for values in (temperature.ravel(), of_leads, given))
        self._excess = rows - self.temperature0
        warm = max(of_leads.max(), temperature.max())
        self.span = warm + bias
        self._coldest = self.coldest = given.min()
        self._hottest = max(self._lead_temperature.max(), given.max())
        self._spread = np.abs(self._lead_temperature - self.temperature0).max() + np.ptp(given)
        self.drive = np.abs(self._lead_mu).max() + self._spread
        # Where nothing drives, what differs from equilibrium by a rounding error of k_B T is equilibrium.
        self._least = 0.0 if self.drive > 0 else np.finfo(float).eps * self._coldest
        self._first = np.zeros(len(self.hot))
        if len(self.hot):
            self.coldest = min(self._coldest, of_leads.min())
            self._hottest = max(self._hottest, np.sqrt(warm ** 2 + _PEAK * bias ** 2))
            expected = np.sqrt(of_leads.mean() ** 2 + _MEAN * bias ** 2) - self.temperature0
            self._first = np.where(self.coupled[self.hot] & (np.abs(expected) > self._least), expected, 0.0)

    def start(self) -> np.ndarray:
        return np.concatenate([np.zeros(len(self.coupled)), self._first, np.zeros(len(self.floating))])

    def lead_mus(self, unknowns: np.ndarray) -> np.ndarray:
        result = self._lead_mu.copy()
        result[self.floating] = self.split(unknowns)[1]
        return result

    def _excesses(self, unknowns):
        """K_B T less T_0 of all rows."""
        if not len(self.hot):
            return self._excess
        result = self._excess.copy()
        result[self.hot] = self.excess(unknowns)
        return result

    def site_fillings(self, energies: np.ndarray, unknowns: np.ndarray) -> np.ndarray:
        """Occupations of the rows relative to the equilibrium, shape (rows, energies)."""
        return fermi_difference(energies, self.split(unknowns)[0], self._excesses(unknowns), self.temperature0)

    def lead_fillings(self, energies: np.ndarray, unknowns: np.ndarray) -> np.ndarray:
        """The same of the leads."""
        return fermi_difference(energies, self.lead_mus(unknowns), self._lead_temperature - self.temperature0,
                                self.temperature0)

    def fillings(self, energies: np.ndarray, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.site_fillings(energies, unknowns), self.lead_fillings(energies, unknowns)

    def site_slopes(self, energies: np.ndarray, unknowns: np.ndarray) -> np.ndarray:
        """Derivatives of the rows' occupations with their mu, shape (rows, energies)."""
        return fermi_slope(energies, self.split(unknowns)[0], self.temperature0 + self._excesses(unknowns))

    def floating_slopes(self, energies: np.ndarray, unknowns: np.ndarray) -> np.ndarray:
        """The same of the leads, 0 of those that do not float."""
        result = np.zeros((len(self._lead_mu), len(energies)))
        result[self.floating] = fermi_slope(energies, self.split(unknowns)[1], self._lead_temperature[self.floating])
        return result

    def slopes(self, energies: np.ndarray, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.site_slopes(energies, unknowns), self.floating_slopes(energies, unknowns)

    def lead_slopes(self, energies: np.ndarray) -> np.ndarray:
        return fermi_slope(energies, self._lead_mu, self._lead_temperature)

    def local(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return unknowns[self.hot], self.temperature0 + self.excess(unknowns)

    def thermal(self, unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mu, lead_mu = self.split(unknowns)
        temperature = self.temperature0 + self._excesses(unknowns)
        return (np.concatenate([mu[self.coupled], lead_mu]),
                np.concatenate([temperature[self.coupled], self._lead_temperature[self.floating]]))

    def window(self, reach: float = THERMAL_WINDOW) -> tuple[float, float]:
        outer = reach * self._hottest
        return self._lead_mu.min() - outer, self._lead_mu.max() + outer

    def first_panels(self, thresholds: np.ndarray, count: int) -> Panels:
        """See `Probes`: the edge of every Fermi function, wherever between the leads' mu it comes to lie."""
        outer = (THERMAL_WINDOW - _EDGE) * self._hottest
        low, high = self.window()
        needed = (high - low - 2 * outer) / (_EDGE * self._coldest)
        if needed > _MOST_FIRST_PANELS:
            raise ConvergenceError(f"A span of {high - low - 2 * outer:.1e} in energy at the temperature "
                                   f"{self._coldest:.1e} needs more than {count * needed:.0e} energies; raise the "
                                   "temperature, or use linear_response, which takes T = 0.")
        return Panels.join(window_panels(low, low + outer, thresholds, outer, count),
                           window_panels(low + outer, high - outer, thresholds, _EDGE * self._coldest, count),
                           window_panels(high - outer, high, thresholds, outer, count))

    def covering(self, panels: Panels, unknowns: np.ndarray, thresholds: np.ndarray) -> Panels:
        """See `Probes`: more where electrons turned out to be hotter than was thought."""
        mu, temperature = self.thermal(unknowns)
        if not len(self.hot) or not len(mu):
            return panels
        ends = panels.ends()
        low, high, hottest = ends.min(), ends.max(), temperature.max()
        lowest, highest = (mu - THERMAL_WINDOW * temperature).min(), (mu + THERMAL_WINDOW * temperature).max()
        parts = [panels]
        if lowest < low - _CUT * hottest:
            parts.insert(0, window_panels(lowest, low, thresholds, THERMAL_WINDOW * hottest, COUNTS[0]))
        if highest > high + _CUT * hottest:
            parts.append(window_panels(high, highest, thresholds, THERMAL_WINDOW * hottest, COUNTS[0]))
        return panels if len(parts) == 1 else Panels.join(*parts)

    def scale(self, unknowns: np.ndarray) -> float:
        return max(np.abs(unknowns).max(), np.abs(self._lead_mu).max(), _THERMOPOWER * self._spread, self._least)

    # The same direction is a step in (mu, T), or in (mu/T, 1/T), in which f depends on one linear function of the
    # unknowns. The second is safer far from the solution, the first near a temperature that is low.

    def moved(self, unknowns: np.ndarray, step: np.ndarray) -> np.ndarray:
        """See `Probes`: in (mu, T); a temperature grows or falls by a factor of 4 at most."""
        _, temperature = self.local(unknowns)
        new, where = unknowns + step, self.temperatures
        # Not by way of the temperature itself, whose rounding errors are larger than what a small bias makes.
        new[where] = np.clip(new[where], temperature / _FACTOR - self.temperature0,
                             _FACTOR * temperature - self.temperature0)
        return new

    def moved_safely(self, unknowns: np.ndarray, step: np.ndarray) -> np.ndarray:
        """See `Probes`: the same direction in (mu / T, 1 / T)."""
        mu, temperature = self.local(unknowns)
        relative = self.excess(step) / temperature
        # A part of the step, so that T grows by the factor at most.
        part = np.minimum(1.0, (1 - 1 / _FACTOR) / np.maximum(relative, 1e-300))
        new_temperature = np.maximum(temperature / (1 - part * relative), temperature / _FACTOR)
        new = unknowns + step
        new[self.hot] = (mu + part * (step[self.hot] - mu * relative)) / temperature * new_temperature
        new[self.temperatures] = new_temperature - self.temperature0
        return new
