"""Ribbons: one energy against kwant and a dense inverse, growth with length and width, memory."""

import resource
import time

import numpy as np
from threadpoolctl import threadpool_limits

import kwant_dissip as kd
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import ribbon

from .alternatives import probed_lead_by_lead
from .models import seconds

MU, TEMPERATURE, RATE = -2.0, 0.02, 0.05
BATH = kd.PhononBath(TEMPERATURE, rate=RATE)
RESERVOIRS = [kd.Reservoir(MU + 0.01, TEMPERATURE), kd.Reservoir(MU - 0.01, TEMPERATURE)]


def disordered(length, width):
    """Finalized ribbon with a fixed random potential."""
    values = np.random.default_rng(1).uniform(-0.3, 0.3, size=(length, width))
    return ribbon.ribbon(length=length, width=width, potential=lambda x, y: values[x, y]).finalized()


def one_energy(length=100, width=10):
    """Seconds per energy of Green's function and occupation: slices, dense inverse, kwant with one lead per probe."""
    syst = disordered(length, width)
    lattice = read(syst)
    propagator = SlicePropagator(lattice, broadening(BATH, lattice), np.zeros(2))
    energies = MU + np.linspace(-0.05, 0.05, propagator.batch)
    source, lead_filling = np.full((length * width, len(energies)), 0.5 * RATE), np.full((2, len(energies)), 0.5)

    def ours():
        propagator.spectrum(energies).occupation(source, lead_filling)

    matrix = MU * np.eye(length * width) - lattice.hamiltonian.toarray() + 0.5j * RATE * np.eye(length * width)
    for number, lead in enumerate(lattice.leads):
        orbitals = lattice.interface_orbitals(number)
        matrix[np.ix_(orbitals, orbitals)] -= lead.self_energy(np.array([MU]))[0]

    def dense():
        return np.abs(np.linalg.inv(matrix)) ** 2 @ np.full(length * width, RATE)

    with threadpool_limits(1):
        return seconds(ours) / len(energies), seconds(dense), probed_lead_by_lead(syst, MU, RATE)


def whole(length, width):
    """Seconds of a whole call, and the state."""
    syst = disordered(length, width)
    start = time.perf_counter()
    state = kd.steady_state(syst, RESERVOIRS, BATH, rtol=1e-3)
    return time.perf_counter() - start, state


def growth(name, shapes):
    """Print whole calls of several shapes, and the exponent with which their time grows."""
    times = []
    for length, width in shapes:
        elapsed, state = whole(length, width)
        times.append(elapsed / state.energies)
        print(f"{length:6d} x {width:<4d} {elapsed:8.1f} s {state.energies:6d} energies "
              f"{state.green_functions / state.energies:5.2f} Green's functions, "
              f"{state.transports / state.energies:5.1f} transports per energy")
    sizes = [length if name == "length" else width for length, width in shapes]
    print(f"ribbons: time per energy grows as {name}^{np.polyfit(np.log(sizes), np.log(times), 1)[0]:.2f}")


def main():
    """Print all of it."""
    ours, dense, kwant_time = one_energy()
    print(f"ribbon 100 x 10, one energy: slices {ours * 1e3:.2f} ms; dense inverse {dense * 1e3:.0f} ms, ratio "
          f"{dense / ours:.0f}; kwant, one lead per probe {kwant_time * 1e3:.0f} ms, ratio {kwant_time / ours:.0f}")
    whole(10, 3)  # warms up
    growth("length", [(50, 10), (100, 10), (250, 10), (500, 10), (1000, 10)])
    growth("width", [(60, 5), (60, 10), (60, 20), (60, 40)])
    elapsed, state = whole(400, 20)
    print(f"ribbon 400 x 20: {elapsed:.0f} s, {state.transports / state.energies:.1f} transports per energy, peak "
          f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20:.1f} GiB")
