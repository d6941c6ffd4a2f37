"""Chemical potential and temperature of Fermi functions that hold given numbers of particles and energy.

In the unknowns a = mu/T and b = 1/T both are the gradient of a convex function, so that Newton's method with short
steps finds the solution if there is one.
"""

import numpy as np

from ..native.energies import fermi_difference, fermi_slope

_STEPS = 100
# Largest change of 1/T in a step, relative.
_LONGEST = 0.75
# Change of the last step, relative to k_B T, that is let pass.
_TOLERANCE = 1e-6
# Below this part of the mean over all sites, states are rounding errors of others.
_FEWEST_STATES = 1e-12
# Electrons hotter than this times the window that was integrated over have no temperature.
_WIDEST = 0.25


def weak_probe(energies: np.ndarray, weights: np.ndarray, spectral: np.ndarray, n: np.ndarray,
               reference: float) -> tuple[np.ndarray, np.ndarray]:
    """Chemical potentials relative to mu_0, and temperatures; nan where there are none.

    Newton's method for all sites side by side; n holds the particles and the energy on each of them, less those of the
    equilibrium, shape (sites, 2).
    """
    mu, excess = np.zeros(len(n)), np.zeros(len(n))
    weighted = spectral * weights
    powers = np.stack([np.ones_like(energies), energies, energies ** 2], axis=1)
    for _ in range(_STEPS):
        temperature = reference + excess
        difference = fermi_difference(energies, mu, excess, reference)
        slope = weighted * fermi_slope(energies, mu, temperature)
        off = (weighted * difference) @ powers[:, :2] - n
        m0, m1, m2 = (slope @ powers).T
        # In x = (E - mu) / T: rows of particles and heat, unknowns dmu and dT.
        first, second = (m1 - mu * m0) / temperature, (m2 - 2 * mu * m1 + mu ** 2 * m0) / temperature ** 2
        heat = (off[:, 1] - mu * off[:, 0]) / temperature
        determinant = m0 * second - first ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            step = -(second * off[:, 0] - first * heat) / determinant, -(m0 * heat - first * off[:, 0]) / determinant
            change = np.abs(step).max(axis=0) / temperature
            # A step in (mu/T, 1/T), shortened so that 1/T changes by a part of itself only.
            relative = step[1] / temperature
            part = np.minimum(1.0, _LONGEST / np.maximum(np.abs(relative), 1e-300))
            new = temperature / (1 - part * relative)
            ratio = (mu + part * (step[0] - mu * relative)) / temperature
        good = np.isfinite(new) & np.isfinite(ratio) & (new < _WIDEST * np.ptp(energies))
        excess = np.where(good, new - reference, excess)
        mu = np.where(good, ratio * new, mu)
        if np.all((change < 1e-13) | ~good):
            break
    found = good & (change < _TOLERANCE) & (m0 > _FEWEST_STATES * m0.mean())
    return np.where(found, mu, np.nan), np.where(found, reference + excess, np.nan)
