"""Microscopic phonons: energies for an error, products and time against length."""

import resource
import subprocess
import sys
import time

import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain

_MU, _TEMPERATURE, _PATH = -1.7, 0.06, 60
# Products to 1e-9 in wires of 1, 4, 16, 64 mean free paths without a preconditioner, as first measured (prototype).
_WITHOUT = {1.0: (45, 119, 171, 433), 4.0: (24, 32, 57, 144), 0.25: (40, 149, 277)}
_PATHS = (1, 4, 16, 64)


def phonons(ratio, level_shift=False):
    """Optical phonons of `ratio` k_B T whose rate at mu gives the mean free path."""
    quantum = ratio * _TEMPERATURE
    number = 1 / np.expm1(quantum / _TEMPERATURE)

    def states(energy):
        return 2 / np.sqrt(4 - energy ** 2) if abs(energy) < 2 else 0.0

    filled = [1 / (np.exp(sign * ratio) + 1) for sign in (1, -1)]
    rate = ((number + filled[0]) * states(_MU + quantum) + (number + 1 - filled[1]) * states(_MU - quantum))
    return kd.OpticalPhonons(quantum, np.sqrt(4 - _MU ** 2) / _PATH / rate, _TEMPERATURE, level_shift=level_shift)


def solve(sites, ratio, rtol, level_shift=False):
    """State of a wire with a barrier, and seconds."""
    syst = chain.barrier(length=max(1, sites // 2), height=0.3).finalized()
    reservoirs = [kd.Reservoir(_MU + bias, _TEMPERATURE) for bias in (0.003, -0.003)]
    start = time.perf_counter()
    state = kd.steady_state(syst, reservoirs, phonons(ratio, level_shift), rtol=rtol)
    return state, time.perf_counter() - start


def length(sites):
    """Row of one length, whose peak of memory is that of its process."""
    solve(4, 4.0, 1e-1)
    state, seconds = solve(sites, 4.0, 1e-1)
    return (f"optical phonons, chain of {sites} sites: {seconds:.1f} s, {state.energies} energies, peak "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20:.1f} GiB")


def main():
    """Print all of it."""
    solve(4, 1.0, 1e-1)
    exact = solve(40, 1.0, 1e-10)[0]
    for rtol in (1e-1, 1e-2, 1e-4, 1e-6, 1e-8):
        state, _ = solve(40, 1.0, rtol)
        off = np.abs(state.power - exact.power).max() / np.abs(exact.power).max()
        print(f"optical phonons, 41 sites, rtol {rtol:.0e}: {state.energies} energies, error said {state.error:.0e}, "
              f"true {off:.0e}")
    for ratio, before in _WITHOUT.items():
        for paths, without in zip(_PATHS, before, strict=False):
            state, seconds = solve(_PATH * paths, ratio, 1e-1)
            print(f"optical phonons, w = {ratio:g} k_B T, {paths} mean free paths: {state.products} products in "
                  f"{state.newton_steps} steps to 1e-12 (without preconditioner to 1e-9: {without}), "
                  f"{state.green_functions / state.energies:.0f} Green's functions per energy, {seconds:.1f} s")
    times = []
    for sites in (100, 1000, 10_000):
        row = subprocess.run([sys.executable, "-m", "benchmarks.phonons", str(sites)], check=True, capture_output=True,
                             text=True).stdout.strip().splitlines()[-1]
        times.append(float(row.split(": ")[1].split()[0]))
        print(row)
    print(f"from 1000 to 10000 sites time grows as length^{np.log10(times[2] / times[1]):.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(length(int(sys.argv[1])))
    else:
        main()
