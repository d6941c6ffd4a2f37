"""States whose only content is a power on given sites."""

import numpy as np

import kwant_dissip as kd


def grid(length, width):
    """Positions of a square lattice, and its hoppings."""
    number = np.arange(length * width).reshape(length, width)
    bonds = np.concatenate([np.stack([number[1:], number[:-1]], axis=-1).reshape(-1, 2),
                            np.stack([number[:, 1:], number[:, :-1]], axis=-1).reshape(-1, 2)])
    return np.stack(np.unravel_index(number.ravel(), number.shape), axis=1).astype(float), bonds


def state_of(power, positions=None, bonds=None, *, wavelength=5.0, spacing=1.0, wire=None):
    """A state of a chain, or of sites at positions, all coupled unless `wire` says otherwise."""
    sites, power = len(power), np.asarray(power, float)
    if positions is None:
        positions = spacing * np.arange(sites)[:, None]
        bonds = np.stack([np.arange(sites - 1), np.arange(1, sites)], axis=1)
    empty, ends = np.zeros(sites), positions[[0, -1]]
    return kd.SteadyState(
        power=power, mu=empty, density=empty, potential=empty, current=np.zeros(2), energy_current=np.zeros(2),
        positions=positions, wire=np.zeros(sites, int) if wire is None else np.asarray(wire),
        bath_temperature=empty + 1, reservoir_mu=np.zeros(2), reservoir_temperature=np.ones(2),
        fermi_wavelength=np.full(2, wavelength), lead_positions=ends, lead_potential=np.zeros(2), bonds=bonds,
        bond_current=np.zeros(len(bonds)), bond_energy_current=np.zeros(len(bonds)), error=0.0, rtol=1e-6,
        newton_steps=0, products=0, energies=0, method="slices", contacts=np.array([[0, 0], [1, sites - 1]]),
        lead_directions=np.zeros_like(ends))
