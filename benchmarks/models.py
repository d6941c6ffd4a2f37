"""The systems that are timed: a barrier in the middle of a chain, phonons on every other site."""

import time

import numpy as np

import kwant_dissip as kd
from kwant_dissip.balance.energy_grid import EnergyGrid
from kwant_dissip.balance.particles import Balance
from kwant_dissip.balance.thermal_probes import ThermalProbes
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.chain import ChainPropagator
from kwant_dissip.systems import chain

RATE, MU, TEMPERATURE = 0.05, -1.0, 0.03
RESERVOIRS = [kd.Reservoir(MU + 0.03, TEMPERATURE), kd.Reservoir(MU - 0.03, TEMPERATURE)]
BATH = kd.PhononBath(TEMPERATURE, rate=lambda site: RATE if chain.in_wires(site) else 0.0)


def barrier(sites):
    """Finalized chain of about that many sites."""
    return chain.barrier(length=sites // 2).finalized()


def balance(sites, rtol=1e-6, map_=map):
    """The balance of a chain, as `steady_state` sets it up."""
    lattice = read(barrier(sites))
    propagator = ChainPropagator(lattice, broadening(BATH, lattice), np.zeros(2))
    probes = ThermalProbes(propagator.coupled, BATH.site_temperatures(lattice.sites), [False], RESERVOIRS)
    return Balance(propagator, probes, EnergyGrid(probes, rtol, map_))


def seconds(function, least=0.5):
    """Shortest time of a call among as many as fit into `least` seconds, after one to warm up."""
    function()
    times, end = [], time.perf_counter() + least
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
