"""Growth with the length of the chain, Krylov steps, and the speed of memory."""

import resource
import time

import numpy as np

import kwant_dissip as kd
from kwant_dissip.balance.linear import Jacobian
from kwant_dissip.numerics.threads import thread_pool

from .models import BATH, RESERVOIRS, balance, barrier, seconds

LENGTHS = (1_000, 3_000, 10_000, 30_000, 100_000)


def length():
    """Rows (sites, seconds, energies, Green's functions and transports per energy) of whole calls."""
    kd.steady_state(barrier(100), RESERVOIRS, BATH)  # compiles
    for sites in LENGTHS:
        syst = barrier(sites)
        start = time.perf_counter()
        state = kd.steady_state(syst, RESERVOIRS, BATH)
        elapsed = time.perf_counter() - start
        yield sites, elapsed, state.energies, state.green_functions / state.energies, state.transports / state.energies


def memory_speed(sites=3_000):
    """Bytes per second of one Jacobian product, every stored array once, and of a plain numpy copy."""
    with thread_pool() as map_:
        system = balance(sites, map_=map_)
        shift = np.linspace(0.03, -0.03, len(system.probes.coupled))
        panels = system.grid.first_panels(system.propagator)
        panels, _ = system.grid.refined(system.spectra, panels, system.evaluate(panels, shift).integrals, shift)
        jacobian = Jacobian(system.spectra, system.probes, panels, shift)
        values = np.ones(len(shift))
        product = jacobian.nbytes / seconds(lambda: jacobian(values), least=2.0)
    source = np.ones(max(jacobian.nbytes // 8, 1 << 24))
    target = np.empty_like(source)
    copy = 2 * source.nbytes / seconds(lambda: np.copyto(target, source), least=2.0)
    return jacobian.nbytes, product, copy


def main():
    """Print all of it."""
    print(f"{'sites':>8} {'seconds':>9} {'energies':>9} {'Green/energy':>13} {'transports/energy':>18}")
    rows = []
    for row in length():
        rows.append(row)
        print("{:8d} {:9.2f} {:9d} {:13.2f} {:18.1f}".format(*row))
    rows = np.array(rows)
    exponent = np.polyfit(np.log(rows[:, 0]), np.log(rows[:, 1]), 1)[0]
    print(f"wall time grows as length^{exponent:.2f}; transports per energy: largest over smallest "
          f"{rows[:, 4].max() / rows[:, 4].min():.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20
    print(f"peak memory {peak:.1f} GiB")
    for sites in (3_000, 30_000):
        stored, product, copy = memory_speed(sites)
        print(f"Jacobian product, {sites} sites, {stored / 2 ** 20:.0f} MiB: {product / 1e9:.1f} GB/s; numpy copy: "
              f"{copy / 1e9:.1f} GB/s; fraction {product / copy:.2f}")
