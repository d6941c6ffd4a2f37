"""Two claims that the package grew from: spots away from the dot, and a resistivity that the dot changes in the wires.

Kinetic theory, energy-independent rate, parabolic band with its bottom E_F below mu, Lorentzian resonances, wires of 8
mean free paths. Left: power at the same drop of 0.002 E_F; a resonance of width 0.5 E_F at E_F makes a heat spot in one
wire and a cold spot in the other at low temperature, which means k_B T below that width; at 0.4 E_F there are none.
Right: resistivity, over that far away, next to resonances of width 0.1 E_F. One below E_F lets slow electrons through,
which relax sooner; one above lowers it. Writes origin.png.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd

LENGTH, DROP, RATE = 8.0, 0.002, np.sqrt(2.0)  # rate v(E_F) / l, in units of E_F and l
CONTACT = 3.0  # the last of the wires, which feel the contacts, are left out
TEMPERATURES = {0.1: "#000000", 0.2: "#0072B2", 0.4: "#E69F00"}
LEVELS = {(-0.3, 0.1): "#000000", (-0.1, 0.05): "#0072B2", (0.1, 0.05): "#E69F00"}
DISTANCES = (0.05, 0.5, 1.0, 2.0)


def velocity(energy):
    """In units of sqrt(E_F / m); energies count from E_F."""
    return np.sqrt(np.clip(2 * (energy + 1), 0, None))


def transmission(energy, width, level):
    """A Lorentzian of full width `width` at `level`."""
    return (0.5 * width) ** 2 / ((energy - level) ** 2 + (0.5 * width) ** 2)


def at_the_same_drop(temperature):
    """State of the wide resonance at E_F."""
    def solve(bias):
        reservoirs = [kd.Reservoir(0.5 * sign * bias, temperature) for sign in (1, -1)]
        return kd.kinetic.steady_state(partial(transmission, width=0.5, level=0.0), reservoirs,
                                       kd.PhononBath(temperature, rate=RATE), velocity=velocity, length=LENGTH)
    return kd.at_voltage_drop(DROP, solve)


def resistivity(level, temperature):
    """Distance from a narrow resonance, and -dmu/dx there over its value far from dot and contact."""
    response = kd.kinetic.linear_response(partial(transmission, width=0.1, level=level),
                                          kd.PhononBath(temperature, rate=RATE), mu=0.0, velocity=velocity,
                                          length=LENGTH)
    wire = response.x > 0
    x, slope = response.x[wire], -np.gradient(response.mu1[wire], response.x[wire])
    inside = x < LENGTH - CONTACT
    return x[inside], slope[inside] / slope[inside][-1]


if __name__ == "__main__":
    figure, (power, ratio) = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
    for temperature, color in TEMPERATURES.items():
        state = at_the_same_drop(temperature)
        for wire in (0, 1):
            x, heat = state.interpolate(state.power, wire)
            shown = np.abs(x) < LENGTH - CONTACT
            power.plot(x[shown], heat[shown] / (state.current[0] * temperature), color=color, lw=1.8,
                       label=f"{temperature:g}" if wire else None)
    power.axhline(0, color="0.6", lw=0.7)
    power.set(xlabel=r"position $x/\ell$, dot at 0", ylabel=r"power per length  $p\,\ell\,/\,(I\,k_BT)$")
    power.legend(title=r"$k_B T / E_F$", frameon=False)
    for (level, temperature), color in LEVELS.items():
        x, found = resistivity(level, temperature)
        ratio.plot(x, found, color=color, lw=1.8, label=f"{level:g}, {temperature:g}")
        print(f"level {level:g} E_F, k_B T = {temperature:g} E_F:", "  ".join(
            f"{np.interp(at, x, found):.3f} at {at:g} l" for at in DISTANCES))
    ratio.axhline(1, color="0.6", lw=0.7)
    ratio.set(xlabel=r"distance from the dot $x/\ell$", ylabel="resistivity over that far away")
    ratio.legend(title=r"level above $E_F$, $k_B T$ ($E_F$)", frameon=False)
    figure.savefig("origin.png", dpi=150)
