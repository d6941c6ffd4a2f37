"""Probes of phonons and of electrons side by side: the latter keep the energy, and have a temperature to be found.

Rows (`propagators.rows`) are the sites for the bath of phonons, if there is one, then the sites for the bath
of electrons. Unknown are a chemical potential for each row, relative to mu_0, then a temperature at each site of the
bath of electrons, relative to T_0, then one chemical potential per floating lead.
"""

from collections.abc import Sequence

import numpy as np

from ..model.reservoirs import Reservoir, known_mus
from ..native.energies import fermi_difference, fermi_slope
from ..numerics.quadrature import THERMAL_WINDOW, Panels, window_panels
from .probes import Probes, ThermalProbes

# A long wire without phonons has T_e^2 = T^2 + (3/pi^2) V^2 xi (1 - xi) at the fraction xi of its length
# (Wiedemann-Franz): the largest value of the last term, and its mean.
_PEAK, _MEAN = 0.75 / np.pi ** 2, 0.5 / np.pi ** 2
# So many k_B T of the window may be cut off at an electrons' temperature before it is widened: exp(-37) = 1e-16.
_CUT = 3.0
# A temperature changes by this factor in a step, at most.
_FACTOR = 4.0


class ElectronProbes(Probes):
    """Fermi functions at any bias: probes of phonons at the bath's temperature, those of electrons at their own.

    Parameters
    ----------
    phonons : array of bool, shape (sites,), or None
        Where the bath of phonons couples, if there is one.
    electrons : array of bool, shape (sites,)
        Where the bath of electrons couples.
    temperature : array of float, shape (sites,)
        k_B T of the phonons; without them, that of the equilibrium.
    reservoirs : sequence of Reservoir
        One per lead.

    Attributes
    ----------
    span : float
        Largest energy, above mu_0, that reservoirs and bath have to give.
    """

    def __init__(self, phonons: np.ndarray | None, electrons: np.ndarray, temperature: np.ndarray,
                 reservoirs: Sequence[Reservoir]) -> None:
        self._cold = 0 if phonons is None else len(phonons)
        temperatures = np.array([reservoir.temperature for reservoir in reservoirs], float)
        warm = max(temperatures.max(), temperature.max())
        bias = np.ptp(known_mus(reservoirs))
        self.span = warm + bias
        # Without phonons one site without a probe stands for them: leads, window and equilibrium are the same.
        self._plain = plain = ThermalProbes(
            np.zeros(1, bool) if phonons is None else phonons, temperature if self._cold else temperature[:1],
            reservoirs, np.sqrt(warm ** 2 + _PEAK * bias ** 2))
        self.coupled = electrons if phonons is None else np.concatenate([phonons, electrons])
        self.hot = np.arange(self._cold, len(self.coupled))
        self._temperatures = slice(len(self.coupled), len(self.coupled) + len(self.hot))  # among the unknowns
        self.floating, self.mu0, self.temperature0 = plain.floating, plain.mu0, plain.temperature0
        self.drive, self.coldest = plain.drive, min(plain.coldest, temperatures.min())
        expected = np.sqrt(temperatures.mean() ** 2 + _MEAN * bias ** 2) - self.temperature0
        self._first = np.where(electrons & (np.abs(expected) > plain.least), expected, 0.0)

    def local(self, unknowns):
        return unknowns[self.hot], self.temperature0 + self.excess(unknowns)

    def start(self):
        return np.concatenate([np.zeros(len(self.coupled)), self._first, np.zeros(len(self.floating))])

    def _of_plain(self, unknowns):
        mu, floating = self.split(unknowns)
        return np.concatenate([mu[:self._cold] if self._cold else np.zeros(1), floating])

    def lead_mus(self, unknowns):
        return self._plain.lead_mus(self._of_plain(unknowns))

    def fillings(self, energies, unknowns):
        cold, leads = self._plain.fillings(energies, self._of_plain(unknowns))
        hot = fermi_difference(energies, unknowns[self.hot], self.excess(unknowns), self.temperature0)
        return np.concatenate([cold[:self._cold], hot]), leads

    def slopes(self, energies, unknowns):
        """See `Probes`: with the chemical potentials; those with a temperature are (E - mu) / T times as large."""
        cold, leads = self._plain.slopes(energies, self._of_plain(unknowns))
        hot = fermi_slope(energies, unknowns[self.hot], self.temperature0 + self.excess(unknowns))
        return np.concatenate([cold[:self._cold], hot]), leads

    def thermal(self, unknowns):
        mus, temperatures = self._plain.thermal(self._of_plain(unknowns))
        where = self.coupled[self.hot]
        return (np.concatenate([unknowns[self.hot][where], mus]),
                np.concatenate([self.temperature0 + self.excess(unknowns)[where], temperatures]))

    def window(self, reach=THERMAL_WINDOW):
        return self._plain.window(reach)

    def first_panels(self, thresholds):
        return self._plain.first_panels(thresholds)

    # The same direction is a step in (mu, T), or in (mu/T, 1/T), in which f depends on one linear function of the
    # unknowns. The second is safer far from the solution, the first near a temperature that is low.

    def moved(self, unknowns, step):
        """See `Probes`: in (mu, T); a temperature grows or falls by a factor of 4 at most."""
        _, temperature = self.local(unknowns)
        new, where = unknowns + step, self._temperatures
        # Not by way of the temperature itself, whose rounding errors are larger than what a small bias makes.
        new[where] = np.clip(new[where], temperature / _FACTOR - self.temperature0,
                              _FACTOR * temperature - self.temperature0)
        return new

    def moved_safely(self, unknowns, step):
        """See `Probes`: the same direction in (mu / T, 1 / T)."""
        mu, temperature = self.local(unknowns)
        relative = self.excess(step) / temperature
        # A part of the step, so that T grows by the factor at most.
        part = np.minimum(1.0, (1 - 1 / _FACTOR) / np.maximum(relative, 1e-300))
        new_temperature = np.maximum(temperature / (1 - part * relative), temperature / _FACTOR)
        new = unknowns + step
        new[self.hot] = (mu + part * (step[self.hot] - mu * relative)) / temperature * new_temperature
        new[self._temperatures] = new_temperature - self.temperature0
        return new

    def lead_slopes(self, energies: np.ndarray) -> np.ndarray:
        """Derivatives of the leads' occupations, floating ones at mu_0, shape (leads, energies)."""
        return self._plain.lead_slopes(energies)

    def covering(self, panels: Panels, unknowns: np.ndarray, thresholds: np.ndarray) -> Panels:
        """The panels, and more where electrons turned out to be hotter than was thought."""
        mu, temperature = self.thermal(unknowns)
        if not len(mu):
            return panels
        ends = panels.ends()
        low, high, hottest = ends.min(), ends.max(), temperature.max()
        lowest, highest = (mu - THERMAL_WINDOW * temperature).min(), (mu + THERMAL_WINDOW * temperature).max()
        parts = [panels]
        if lowest < low - _CUT * hottest:
            parts.insert(0, window_panels(lowest, low, thresholds, THERMAL_WINDOW * hottest))
        if highest > high + _CUT * hottest:
            parts.append(window_panels(high, highest, thresholds, THERMAL_WINDOW * hottest))
        return panels if len(parts) == 1 else Panels.join(*parts)

    def scale(self, unknowns):
        return max(self._plain.scale(self._of_plain(unknowns)), np.abs(unknowns).max())
