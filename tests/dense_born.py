"""The self-consistent Born approximation by dense matrices and plain iteration, independent of the package."""

import numpy as np


class UniformGrid:
    """Midpoints E_k = e0 + (k + 1/2) step, closed under `base` steps; no states outside.

    Level shifts as in ``born_cases.json``: gamma is linear between points, and 0 one step beyond the ends.
    """

    def __init__(self, e0, step, energies, base):
        self.step, self.base, self.quantum, self.rungs = step, base, base * step, energies // base
        self.energies = e0 + (np.arange(energies) + 0.5) * step
        self.weights = np.full(energies, step / (2 * np.pi))
        distance = np.arange(1 - energies, energies).astype(float)

        def part(x):
            return x * np.log(np.abs(np.where(x == 0, 1, x)))

        hat = (part(distance + 1) - 2 * part(distance) + part(distance - 1)) / (2 * np.pi)
        index = np.arange(energies)
        self._matrix = hat[index[None, :] - index[:, None] + energies - 1]

    def level_shift(self, rate, map_=map):  # noqa: ARG002 (as `Ladders.level_shift`)
        return rate @ self._matrix


def shifted(values, by):
    """values(E + by), 0 outside."""
    result = np.zeros_like(values)
    if by >= 0:
        result[:, :values.shape[1] - by] = values[:, by:]
    else:
        result[:, -by:] = values[:, :by]
    return result


def chain_lead(energies):
    """Self-energy of a semi-infinite chain with hopping -1."""
    x = energies + 0j
    root = np.where(np.abs(energies) < 2, 1j * np.sqrt(np.clip(4 - energies ** 2, 0, None)),
                    np.sign(energies) * np.sqrt(np.clip(energies ** 2 - 4, 0, None)))
    return 0.5 * (x - root)


def solve(hamiltonian, leads, modes, acoustic, grid, level_shift, iterations=4000, tolerance=1e-14):
    """Plain iteration.

    Parameters
    ----------
    hamiltonian : array, shape (sites, sites)
    leads : list of (site, mu, temperature)
    modes : list of (steps, coupling per site, quanta per site)
    acoustic : array, shape (sites,)
    """
    sites, energies = len(hamiltonian), grid.energies
    sigma = chain_lead(energies)
    contacts = np.zeros((sites, len(energies)), complex)
    for site, _, _ in leads:
        contacts[site] += sigma
    filling = [1 / (np.exp((energies - mu) / temperature) + 1) for _, mu, temperature in leads]
    into = rate = np.full((sites, len(energies)), 1e-2)
    index = np.arange(sites)
    for _ in range(iterations):
        shift = grid.level_shift(rate) if level_shift else np.zeros_like(rate)
        matrix = np.broadcast_to(-hamiltonian, (len(energies), sites, sites)).astype(complex)
        matrix[:, index, index] += (energies - contacts - shift + 0.5j * rate).T
        green = np.linalg.inv(matrix)
        kernel = np.abs(green) ** 2
        spectral = -2 * green[:, index, index].imag.T
        n = np.einsum("kij,jk->ik", kernel, into)
        for (site, _, _), f in zip(leads, filling, strict=True):
            n += kernel[:, :, site].T * (-2 * sigma.imag) * f
        h = spectral - n
        new_into, out = acoustic[:, None] * n, acoustic[:, None] * h
        for steps, coupling, quanta in modes:
            d, q = coupling[:, None], quanta[:, None]
            new_into = new_into + d * ((q + 1) * shifted(n, steps) + q * shifted(n, -steps))
            out = out + d * ((q + 1) * shifted(h, -steps) + q * shifted(h, steps))
        change = max(np.abs(new_into - into).max(), np.abs(new_into + out - rate).max())
        into, rate = new_into, new_into + out
        if change <= tolerance * rate.max():
            break
    inflow = np.array([-2 * sigma.imag * (spectral[site] * f - n[site])
                       for (site, _, _), f in zip(leads, filling, strict=True)])
    power = sum(steps * grid.step * coupling * (((quanta[:, None] + 1) * shifted(n, steps) * h
                                                 - quanta[:, None] * n * shifted(h, steps)) @ grid.weights)
                for steps, coupling, quanta in modes)
    return {"current": inflow @ grid.weights, "energy_current": (inflow * energies) @ grid.weights, "power": power,
            "density": n @ grid.weights, "states": spectral @ grid.weights}
