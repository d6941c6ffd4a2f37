"""States in SI units with any power on any graph, for the heat equation."""

import numpy as np

import kwant_dissip as kd


def on_graph(power, positions, bonds, contacts, lead_directions=None, bath_temperature=4.2):
    """A state of which nothing but the power, the places and the graph is known; positions in m."""
    sites, leads = len(power), max(lead for lead, _ in contacts) + 1
    nothing, of_leads = np.zeros(sites), np.zeros(leads)
    positions, contacts = np.asarray(positions, float), np.asarray(contacts)
    middles = np.array([positions[contacts[contacts[:, 0] == lead, 1]].mean(axis=0) for lead in range(leads)])
    return kd.SteadyState(
        power=np.asarray(power, float), mu=nothing, density=nothing, potential=nothing, current=of_leads,
        energy_current=of_leads, bonds=np.asarray(bonds), bond_current=np.zeros(len(bonds)),
        bond_energy_current=np.zeros(len(bonds)), positions=positions, wire=np.zeros(sites, int),
        bath_temperature=nothing + bath_temperature, reservoir_mu=of_leads, reservoir_temperature=of_leads + 4.2,
        lead_potential=of_leads, lead_positions=middles, fermi_wavelength=of_leads + 1, error=0.0, rtol=1e-6,
        newton_steps=0, products=0, energies=0, method="slices", contacts=contacts,
        lead_directions=np.zeros_like(middles) if lead_directions is None else lead_directions, units="SI")


def wire(power, spacing, **options):
    """A straight wire with a lead at either end."""
    sites = np.arange(len(power))
    return on_graph(power, spacing * sites[:, None], np.stack([sites[:-1], sites[1:]], axis=1),
                    [[0, 0], [1, len(power) - 1]], np.array([[-1.0], [1.0]]), **options)


def sheet(power, spacing):
    """A rectangle of the square lattice with leads at both ends of the first axis; power of shape (long, wide)."""
    number = np.arange(power.size).reshape(power.shape)
    positions = spacing * np.stack(np.indices(power.shape), axis=-1).reshape(-1, 2)
    bonds = np.concatenate([np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
                            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)])
    contacts = [(lead, site) for lead, end in enumerate((number[0], number[-1])) for site in end]
    return on_graph(power.ravel(), positions, bonds, contacts, np.array([[-1.0, 0.0], [1.0, 0.0]]))
