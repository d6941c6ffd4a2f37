"""Where heat and cold spots exist: temperature against level of a resonant dot, their distance in colour.

Kinetic theory in linear response, energy-independent rate, parabolic band with its bottom E_F below mu, Lorentzian of
width 0.1 E_F, wires of 8 l. In linear response p is odd: what is a heat spot in one wire is a cold spot in the other.
Writes spot_map.png; takes two minutes of CPU. In the gallery it runs reduced, at a quarter of the points.
"""

import os
from concurrent.futures import ProcessPoolExecutor

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd

WIDTH, LENGTH, CONTACT = 0.1, 8.0, 3.0  # the last 3 l next to the leads are left out
NEAR = 0.05  # nor is what turns at the dot itself a spot away from it
FEWER = 2 if "KWANT_DISSIP_GALLERY" in os.environ else 1
TEMPERATURES = np.geomspace(0.04, 0.6, 17)[::FEWER]
LEVELS = np.linspace(-0.6, 0.6, 25)[::FEWER]


def velocity(energy):
    """Velocity in a parabolic band, in units of sqrt(E_F / m)."""
    return np.sqrt(np.clip(2 * (energy + 1), 0, None))


def solve(temperature, level):
    """Distance of the interior extremum of p from the scatterer in l(E_F); nan where there is none."""
    def transmission(energy):
        return (0.5 * WIDTH) ** 2 / ((energy - level) ** 2 + (0.5 * WIDTH) ** 2)

    response = kd.kinetic.linear_response(transmission, kd.PhononBath(temperature, rate=np.sqrt(2.0)), mu=0.0,
                                          velocity=velocity, length=LENGTH, rtol=1e-4)
    inside = (response.x > NEAR) & (response.x < LENGTH - CONTACT)
    slope = np.diff(response.power1[inside])
    turns = np.flatnonzero(np.sign(slope[1:]) != np.sign(slope[:-1]))
    return {"distance": response.x[inside][turns[0] + 1] if len(turns) else np.nan}


if __name__ == "__main__":
    with ProcessPoolExecutor(os.cpu_count()) as executor:
        found = kd.sweep(solve, {"temperature": TEMPERATURES, "level": LEVELS}, executor=executor)
    figure, axis = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    axis.set_facecolor("0.88")
    mesh = found.distance.plot(ax=axis, cmap="viridis", vmin=0, vmax=5, add_colorbar=False)
    axis.set(yscale="log", xlabel=r"level of the dot above $\mu$, $e_0 / E_F$", ylabel=r"temperature $k_B T / E_F$",
             title=r"spots in the wires (grey: none), $\Gamma = 0.1\,E_F$")
    figure.colorbar(mesh, label=r"distance from the dot ($\ell$)")
    figure.savefig("spot_map.png", dpi=150)
