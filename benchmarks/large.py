"""What is large: a chain of a million sites against shorter ones, linear response of 100 x 100 sites, cold and warm.

Each in a process of its own, so that peaks of memory are its own.
"""

import resource
import subprocess
import sys
import time

import numpy as np

import kwant_dissip as kd
from kwant_dissip.model.lattice import read
from kwant_dissip.systems import chain, ribbon

_CHAINS = (10_000, 100_000, 1_000_000)


def peak():
    """Peak memory of this process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20


def wire(sites):
    """Row of a chain with a barrier in its middle."""
    def solve(syst):
        return kd.steady_state(syst, [kd.Reservoir(-0.9, 0.1), kd.Reservoir(-1.1, 0.1)], kd.PhononBath(0.1, rate=0.05))

    solve(chain.barrier(length=50, height=0.5).finalized())  # compiles
    start = time.perf_counter()
    syst = chain.barrier(length=sites // 2, height=0.5).finalized()
    built = time.perf_counter()
    read(syst)
    known = time.perf_counter()
    state = solve(syst)
    return (f"chain of {sites} sites: {time.perf_counter() - known:.1f} s, {state.energies} energies, "
            f"{state.green_functions / state.energies:.1f} Green's functions and "
            f"{state.transports / state.energies:.1f} transports per energy, peak {peak():.1f} GiB; kwant builds it in "
            f"{built - start:.1f} s, it is read in {known - built:.1f} s")


def plane(width, temperature=0.0):
    """Row of a disordered plane."""
    values = np.random.default_rng(0).uniform(-0.3, 0.3, size=(width, width))

    def solve(width):
        syst = ribbon.ribbon(length=width, width=width, potential=lambda x, y: values[x, y]).finalized()
        return kd.linear_response(syst, kd.PhononBath(0.01, rate=0.02), mu=-2.0, temperature=temperature, rtol=1e-3)

    solve(4)
    start = time.perf_counter()
    response = solve(width)
    return (f"linear response, {width} x {width} sites, k_B T = {temperature}: {time.perf_counter() - start:.0f} s, "
            f"error {response.error:.1e}, peak {peak():.1f} GiB")


def main():
    """Print all of it."""
    seconds = []
    for work, *numbers in (*(("wire", sites) for sites in _CHAINS), ("plane", 100, 0.0), ("plane", 100, 0.01)):
        done = subprocess.run([sys.executable, "-m", "benchmarks.large", work, *map(str, numbers)], check=True,
                              capture_output=True, text=True)
        row = done.stdout.strip().splitlines()[-1]
        print(row, flush=True)
        if work == "wire":
            seconds.append(float(row.split(": ")[1].split()[0]))
    print(f"from {_CHAINS[0]} to {_CHAINS[-1]} sites time grows as length^"
          f"{np.log(seconds[-1] / seconds[0]) / np.log(_CHAINS[-1] / _CHAINS[0]):.2f}")


if __name__ == "__main__":
    print({"wire": wire, "plane": plane}[sys.argv[1]](int(sys.argv[2]), *map(float, sys.argv[3:])))
