"""Microscopic phonons: energies for an error, products and time against length; spots and a cascade of quanta."""

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


def phonons(ratio, level_shift=False, temperature=_TEMPERATURE, path=_PATH, where=lambda _: True):
    """Optical phonons of `ratio` k_B T whose rate at mu gives the mean free path, at some sites."""
    quantum = ratio * temperature
    number = 1 / np.expm1(ratio)

    def states(energy):
        return 2 / np.sqrt(4 - energy ** 2) if abs(energy) < 2 else 0.0

    filled = [1 / (np.exp(sign * ratio) + 1) for sign in (1, -1)]
    rate = ((number + filled[0]) * states(_MU + quantum) + (number + 1 - filled[1]) * states(_MU - quantum))
    coupling = np.sqrt(4 - _MU ** 2) / path / rate
    return kd.OpticalPhonons(quantum, lambda site: coupling * where(site), temperature, level_shift=level_shift)


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


def spots(fraction, ratio, path):
    """Row of the spots around the dot of section 4 of the design at k_B T / E_F, with quanta of `ratio` k_B T."""
    temperature, velocity = fraction * (_MU + 2), np.sqrt(4 - _MU ** 2)
    coupling = np.sqrt(0.25 * (_MU + 2) / velocity)
    dot = chain.resonant_dot(length=6 * path, coupling=coupling, level=_MU * (1 - coupling ** 2)).finalized()
    reservoirs = [kd.Reservoir(_MU + bias, temperature) for bias in (0.003, -0.003)]
    state = kd.steady_state(dot, reservoirs, phonons(ratio, temperature=temperature, path=path, where=chain.in_wires),
                            rtol=1e-1)
    found = []
    for side in (1, -1):
        sites = np.flatnonzero(side * state.coordinate > 3)
        sites = sites[np.argsort(np.abs(state.coordinate[sites]))]
        x = np.abs(state.coordinate[sites])[8:-8] / path
        power = np.convolve(state.power[sites] / (state.current[0] * temperature / path), np.full(17, 1 / 17), "valid")
        inside = np.flatnonzero((x > 0.3) & (x < 5))
        most = inside[np.argmin(side * power[inside])]
        found.append(f"{power[most]:+.4f} at {x[most]:.2f} l")
    return (f"| {fraction:g} | {ratio:g} k_B T | {path} | {found[0]} | {found[1]} |")


def cascade(quantum, path=30):
    """Row of a barrier at a bias of 0.2 and k_B T = 0.005: where the heat goes."""
    syst, bias, temperature = chain.barrier(length=8 * path, height=1.5).finalized(), 0.2, 0.005
    coupling = 0.5 * (4 - _MU ** 2) / path
    quanta = kd.OpticalPhonons(quantum, lambda site: coupling * chain.in_wires(site), temperature, level_shift=False)
    reservoirs = [kd.Reservoir(_MU + sign * 0.5 * bias, temperature) for sign in (1, -1)]
    state = kd.steady_state(syst, reservoirs, quanta, rtol=1e-1)
    shares = [100 * state.power[side * state.coordinate > 0].sum() / (state.current[0] * bias) for side in (1, -1)]
    above, fillings = state.energy - _MU + 0.5 * bias, []
    for low, high in ((0.10, 0.15), (0.15, 0.20)):
        energies = (above > low) & (above < high)
        for first, last in ((0.05, 1.1), (5.5, 6.5)):
            places = (state.coordinate >= first * path) & (state.coordinate <= last * path)
            occupied, states = ((values[np.ix_(places, energies)] @ state.energy_weights[energies]).sum()
                                for values in (state.occupied, state.spectral))
            fillings.append(occupied / states)
    return (f"| {quantum:g} | {path} | {shares[0]:.1f} % | {shares[1]:.1f} % | {fillings[0]:.3f}, {fillings[1]:.3f} | "
            f"{fillings[2]:.3f}, {fillings[3]:.4f} |")


def physics():
    """Print what quanta make: spots around a dot, and a cascade behind a barrier."""
    print("k_B T / E_F, quanta, l, extremum on the right and on the left in I k_B T / l")
    for fraction, ratio, path in ((0.2, 1, 60), (0.2, 3, 60), (0.2, 0.25, 60), (0.4, 1, 60), (0.4, 1, 120)):
        print(spots(fraction, ratio, path), flush=True)
    print("w, l, heat on the right and on the left in I V, f near the barrier and after 6 l: 0.10 to 0.15 above mu on "
          "the right, and 0.15 to 0.20")
    for quantum, path in ((0.05, 30), (0.15, 30), (0.05, 15), (0.15, 15)):
        print(cascade(quantum, path), flush=True)


def main():
    """Print all of it."""
    physics()
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
