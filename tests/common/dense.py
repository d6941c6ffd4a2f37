"""A chain by dense matrices and fixed Gauss rules: the formulas as they stand, independent of the package."""

from itertools import pairwise

import numpy as np
from scipy.special import expit


class DenseChain:
    """Chain with hopping -1 between leads of the same kind, shifted by `shifts`.

    gamma is a function of the energy less U_i, for all sites.
    """

    def __init__(self, onsite, hopping, potential, shifts, gamma):
        self.hamiltonian = np.diag(onsite + potential) + np.diag(hopping, 1) + np.diag(hopping, -1)
        self.potential, self.shifts, self.gamma = potential, shifts, gamma

    def at(self, energy):
        """G, gamma and the leads' Gamma at one energy above or on the real axis."""
        sigma = []
        for shift in self.shifts:
            x = energy - shift + 0j
            sigma.append(0.5 * (x - np.sqrt(x - 2) * np.sqrt(x + 2)))
        gamma = self.gamma(energy - self.potential)
        matrix = energy * np.eye(len(self.potential)) - self.hamiltonian + 0.5j * np.diag(gamma)
        matrix[0, 0] -= sigma[0]
        matrix[-1, -1] -= sigma[1]
        return np.linalg.inv(matrix), gamma.real, -2 * np.imag(sigma)

    def spectrum(self, energy, filling, lead_filling):
        """A, n at every site, and what enters from both leads."""
        green, gamma, width = self.at(energy)
        weight = np.abs(green) ** 2
        n = weight @ (gamma * filling) + weight[:, 0] * width[0] * lead_filling[0] \
            + weight[:, -1] * width[1] * lead_filling[1]
        spectral = -2 * green.diagonal().imag
        inflow = [width[a] * (spectral[i] * lead_filling[a] - n[i]) for a, i in ((0, 0), (1, -1))]
        return spectral, n, np.array(inflow), gamma

    def balance(self, mu, temperature, lead_mu, lead_temperature, energies, weights):
        """Loss, power, current and energy current, by a rule on the real axis."""
        loss = power = current = energy_current = 0
        for energy, weight in zip(energies, weights / (2 * np.pi), strict=True):
            filling = expit((mu - energy) / temperature)
            lead_filling = expit((lead_mu - energy) / lead_temperature)
            spectral, n, inflow, gamma = self.spectrum(energy, filling, lead_filling)
            taken = gamma * (n - spectral * filling)
            loss, power = loss - weight * taken, power + weight * energy * taken
            current, energy_current = current + weight * inflow, energy_current + weight * energy * inflow
        return loss, power, current, energy_current


def gauss(points, count):
    """Gauss-Legendre rule on every interval between growing points, with square-root edges at each made smooth."""
    u, w = np.polynomial.legendre.leggauss(count)
    u, w = 0.5 * (u + 1), 0.5 * w
    energies, weights = [], []
    for a, b in pairwise(points):
        energies.append(a + (b - a) * np.sin(0.5 * np.pi * u) ** 2)
        weights.append(w * (b - a) * 0.5 * np.pi * np.sin(np.pi * u))
    return np.concatenate(energies), np.concatenate(weights)
