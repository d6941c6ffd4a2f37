"""What a state says of the system and its reservoirs, whatever the theory inside."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..model.lattice import Lattice
from ..model.reservoirs import Reservoir


def surroundings(lattice: Lattice, coupled: np.ndarray, reservoirs: Sequence[Reservoir], mu: np.ndarray,
                 potential: np.ndarray) -> dict[str, Any]:
    """Fields of a `SteadyState` that need no solution but the leads' mu and potentials.

    Parameters
    ----------
    lattice : Lattice
    coupled : array of bool, shape (sites,)
    reservoirs : sequence of Reservoir
    mu, potential : arrays of float, shape (leads,)
    """
    temperature = np.array([reservoir.temperature for reservoir in reservoirs], float)
    potential = np.asarray(potential, float)
    return {"positions": lattice.positions, "wire": lattice.wires(coupled), "reservoir_mu": mu,
            "contacts": lattice.contacts, "lead_directions": lattice.lead_directions,
            "reservoir_temperature": temperature, "lead_potential": potential,
            "lead_positions": np.array([lattice.positions[interface].mean(axis=0) for interface in lattice.interfaces]),
            "fermi_wavelength": np.array([lead.fermi_wavelength_near(*where) for lead, *where in zip(
                lattice.leads, mu - potential, temperature, strict=True)])}
