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


def solve(hamiltonian, leads, modes, acoustic, grid, level_shift, site=None, iterations=4000, tolerance=1e-14,
          mixed=1.0, tadpole=False):
    """Plain iteration, where need be with a part of what is found only.

    Parameters
    ----------
    hamiltonian : array, shape (orbitals, orbitals)
    leads : list of (site or sites, mu, temperature)
        Each of their orbitals goes on as a chain of its own.
    modes : list of (steps, coupling per site, quanta per site)
    acoustic : array, shape (sites,)
    site : array of int, shape (orbitals,), optional
        Phonons scatter an electron from any orbital of a site into any other; by default each orbital is a site.
    tadpole : bool, optional
        Whether levels are shifted by -2 D n / w.
    """
    orbitals, energies = len(hamiltonian), grid.energies
    site = np.arange(orbitals) if site is None else site
    together = (np.arange(site.max() + 1)[:, None] == site).astype(float)
    sigma = chain_lead(energies)
    contacts = np.zeros((orbitals, len(energies)), complex)
    for end, _, _ in leads:
        contacts[np.isin(site, end)] += sigma
    filling = [1 / (np.exp((energies - mu) / temperature) + 1) for _, mu, temperature in leads]
    into = rate = np.full((len(together), len(energies)), 1e-2)
    index, static = np.arange(orbitals), np.zeros(len(together))
    for _ in range(iterations):
        shift = grid.level_shift(rate) if level_shift else np.zeros_like(rate)
        matrix = np.broadcast_to(-hamiltonian, (len(energies), orbitals, orbitals)).astype(complex)
        matrix[:, index, index] += (energies - contacts - shift[site] - static[site, None] + 0.5j * rate[site]).T
        green = np.linalg.inv(matrix)
        kernel = np.abs(green) ** 2
        spectral = -2 * green[:, index, index].imag.T
        occupied = np.einsum("kij,jk->ik", kernel, into[site])
        for (end, _, _), f in zip(leads, filling, strict=True):
            occupied += kernel[:, :, np.isin(site, end)].sum(axis=2).T * (-2 * sigma.imag) * f
        n, h = together @ occupied, together @ (spectral - occupied)
        new_into, out = acoustic[:, None] * n, acoustic[:, None] * h
        for steps, coupling, quanta in modes:
            d, q = coupling[:, None], quanta[:, None]
            new_into = new_into + d * ((q + 1) * shifted(n, steps) + q * shifted(n, -steps))
            out = out + d * ((q + 1) * shifted(h, -steps) + q * shifted(h, steps))
        displaced = -tadpole * sum(2 * coupling / (steps * grid.step) for steps, coupling, _ in modes) * (
            n @ grid.weights)
        change = max(np.abs(new_into - into).max(), np.abs(new_into + out - rate).max(),
                     np.abs(displaced - static).max())
        static = static + mixed * (displaced - static)
        into, rate = into + mixed * (new_into - into), rate + mixed * (new_into + out - rate)
        if change <= tolerance * rate.max():
            break
    inflow = np.array([-2 * sigma.imag * (spectral * f - occupied)[np.isin(site, end)].sum(axis=0)
                       for (end, _, _), f in zip(leads, filling, strict=True)])
    power = sum(steps * grid.step * coupling * (((quanta[:, None] + 1) * shifted(n, steps) * h
                                                 - quanta[:, None] * n * shifted(h, steps)) @ grid.weights)
                for steps, coupling, quanta in modes)
    return {"current": inflow @ grid.weights, "energy_current": (inflow * energies) @ grid.weights, "power": power,
            "tadpole": static, "density": n @ grid.weights, "states": (n + h) @ grid.weights}
