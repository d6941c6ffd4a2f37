"""Systems with microscopic phonons that several test modules use, and the package's fixed point on any grid."""

import kwant
import numpy as np

import kwant_dissip as kd
from kwant_dissip.model.broadening import Broadening
from kwant_dissip.model.lattice import read
from kwant_dissip.native.energies import emitted
from kwant_dissip.propagators.choose import propagator_for
from kwant_dissip.scba.boltzmann import BornBalance
from kwant_dissip.scba.scattering import Surroundings, fermi
from kwant_dissip.scba.tadpole import Tadpole
from models import chain

T = 0.1


def on_grid(syst, reservoirs, modes, acoustic, level_shift, grid, method=None, each_orbital=False):
    """The package's fixed point on any grid, as `dense_born.solve` returns it; of every orbital if these are apart."""
    lattice = read(syst)
    if each_orbital:
        lattice = lattice.by_orbital()
    sites = len(lattice.offsets) - 1
    propagator = propagator_for(lattice, Broadening(np.zeros(sites)), np.zeros(len(reservoirs)), method)
    order, back = propagator.order, np.argsort(propagator.order)
    mu, temperature = np.array(reservoirs, float).T

    inside = Surroundings([mode.in_order(order) for mode in modes], np.asarray(acoustic, float)[order], level_shift,
                          Broadening(np.zeros(sites)), np.full((1, sites), temperature.mean()), np.zeros(1, bool),
                          [kd.Reservoir(*pair) for pair in reservoirs])
    law = Tadpole(inside.modes, np.zeros(len(reservoirs)), mu.mean(), temperature.mean()) if any(
        mode.tadpole for mode in modes) else None
    balance = BornBalance(propagator, inside, grid, map, lambda *_: None, law)
    start = np.broadcast_to(fermi(grid.energies, mu, temperature).mean(axis=0), (sites, len(grid.energies)))
    point = balance.solve(start, inside.probes.start())
    power, quanta = np.zeros(sites), np.empty_like(point.arrived)
    for mode, shift in zip(inside.modes, balance.shifts, strict=True):
        emitted(point.arrived, point.spectral, mode.coupling, mode.quanta, shift, quanta)
        power += mode.energy * (quanta @ grid.weights)
    found = {"power": power[back], "density": (point.arrived @ grid.weights)[back],
             "states": (point.spectral @ grid.weights)[back], "current": point.inflow @ grid.weights,
             "energy_current": (point.inflow * grid.energies) @ grid.weights,
             "tadpole": point.potential[back], "balance": balance.balance(point)[back]}
    scale = np.abs(found["current"]).max() + 1e-6
    assert np.abs(found["balance"]).max() < 1e-10 * scale
    # where particles flow in equal parts both ways, what is left of their current is the rounding error of the parts
    flowing = max(scale, np.abs(found["energy_current"]).max())
    assert abs(found["current"].sum()) < 1e-10 * flowing
    assert abs(found["energy_current"].sum() - power.sum()) < 1e-10 * flowing
    return found


def with_hamiltonian(hamiltonian, orbitals=1):
    """A finalized system of this Hamiltonian, so many orbitals a site, whose first and last sites go on as chains."""
    lattice, builder, own = kwant.lattice.chain(norbs=orbitals), kwant.Builder(), np.eye(orbitals)
    blocks = np.reshape(hamiltonian, (len(hamiltonian) // orbitals, orbitals, -1, orbitals)).swapaxes(1, 2)
    for i, row in enumerate(blocks):
        builder[lattice(i)] = row[i]
        for j in range(i):
            if row[j].any():
                builder[lattice(i), lattice(j)] = row[j]
    for direction in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction,)))
        lead[lattice(0)] = 0 * own
        lead[lattice(0), lattice(1)] = -own
        builder.attach_lead(lead)
    return builder.finalized()


def barrier(left, right, phonons, temperatures=(T, T), onsite=(0, 0.1, 0.6, 0.2, 0, 0), **options):
    """State of a short chain with a lopsided barrier."""
    reservoirs = [kd.Reservoir(*pair) for pair in zip((left, right), temperatures, strict=True)]
    return kd.steady_state(chain(list(onsite), [-1.0] * (len(onsite) - 1), **options), reservoirs, phonons, rtol=1e-6)
