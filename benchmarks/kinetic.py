"""Kinetic theory: time against the lattice, and growth with the number of cells."""

import time

import numpy as np

import kwant_dissip as kd
from kwant_dissip import kinetic
from kwant_dissip.figures import figure2
from kwant_dissip.numerics import gauss

LENGTHS = (16, 64, 256, 1024)  # in mean free paths


def timed(function):
    """Result and seconds of a call, after one to warm up."""
    function()
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def growth():
    """Rows (cells, seconds) of wires of growing length."""
    def transmission(energy):
        return 0.25 ** 2 / (energy ** 2 + 0.25 ** 2)

    for length in LENGTHS:
        state, seconds = timed(lambda length=length: kinetic.steady_state(
            transmission, [kd.Reservoir(0.1, 0.1), kd.Reservoir(-0.1, 0.1)], kd.PhononBath(0.1, mean_free_path=1.0),
            velocity=np.ones_like, length=float(length), rtol=1e-4))
        yield len(state.x) // gauss.ORDER, seconds


def main():
    """Print both."""
    _, lattice = timed(lambda: figure2.lattice_state(0.2, 0.006))
    _, continuum = timed(lambda: figure2.kinetic_state(0.2, 0.006))
    print(f"wire of figure 2, k_B T / E_F = 0.2: kinetic {continuum:.2f} s, lattice {lattice:.2f} s, ratio "
          f"{lattice / continuum:.2f}")
    rows = np.array(list(growth()))
    for count, seconds in rows:
        print(f"kinetic theory, {count:5.0f} cells: {seconds:6.2f} s")
    print(f"kinetic time grows as cells^{np.polyfit(np.log(rows[:, 0]), np.log(rows[:, 1]), 1)[0]:.2f}")
