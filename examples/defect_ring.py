"""The heat of one resonant defect in a sheet of graphene, and what a tip above it sees.

Phonons couple to every site. Electrons stay longest at the defect's resonant state, and give off heat in a ring of
sites around it; further away their power follows the standing waves. Phonons carry the heat about one healing length,
and the tip blurs the rest. Writes defect_ring.png: power and tip's image, with the defect, and the difference that it
makes.

The lattice is graphene's with a lattice constant 150 times as long and a hopping 150 times as small: the same velocity,
good for energies far below the hopping (M.-H. Liu et al., Phys. Rev. Lett. 114, 036601 (2015)). The thermal numbers are
assumed, not measured: Kapitza's law with a healing length of 60 nm at 4.2 K.
"""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
from scipy.constants import Boltzmann, eV

import kwant_dissip as kd
from kwant_dissip.plots.numbers import save
from kwant_dissip.plots.shapes import bar, filled
from kwant_dissip.plots.temperatures import raster
from kwant_dissip.systems import graphene

HOPPING, LATTICE = 2.7 / 150, 0.246e-9 * 150  # eV, m
LENGTH, WIDTH = 26.0, 18.0  # lattice constants
MU, BIAS, RATE, LEVEL = 0.15, 0.04, 0.05, -8.0  # in hoppings; LEVEL: onsite energy of the defect
TEMPERATURE, HEALING, CONDUCTIVITY = 4.2, 60e-9, 1e-10  # K, m, W/K
TIP = kd.Tip(50e-9, height=20e-9)


def solve(level):
    """State in SI, and the defect's number; no defect where `level` is 0."""
    builder = graphene.constriction(length=LENGTH, width=WIDTH, neck=WIDTH, extent=1.0)
    defect = min(builder.sites(), key=lambda site: np.hypot(site.pos[0], site.pos[1] - 0.1))
    builder[defect] = level
    syst = builder.finalized()
    kbt = TEMPERATURE * Boltzmann / eV / HOPPING
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * BIAS, kbt) for sign in (1, -1)]
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(kbt, rate=RATE), rtol=1e-3)
    return state.to_si(HOPPING, LATTICE), syst.id_by_site[defect]


def draw(states, images, defect):
    """Power of the sites above, what the tip sees below; the difference that the defect makes at the right."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 4.6), sharex=True, sharey=True, layout="compressed")
    with_, without = states
    positions = 1e9 * with_.positions
    for axis, power, title in ((axes[0, 0], with_.power, "power with the defect"),
                               (axes[0, 1], with_.power - without.power, "what the defect adds to the power")):
        drawn = filled(axis, positions, 1e15 * power, with_.bonds, signed=True, limits=(-20, 20))
        bar(axis, drawn, "power per site (fW)", extend="max")
        axis.plot(*positions[defect], "o", mfc="none", mec="black", ms=16)
        axis.set_title(title, fontsize="medium")
        axis.set(ylabel="$y$ (nm)")
    titles = ("the tip's image", "what the defect adds to the image")
    for axis, image, title in zip(axes[1], images, titles, strict=True):
        drawn, label = raster(image, axis)
        bar(axis, drawn, label)
        axis.set_title(title, fontsize="medium")
    return figure


if __name__ == "__main__":
    (with_, defect), (without, _) = solve(LEVEL), solve(0.0)
    thermal = kd.Thermal(conductivity=CONDUCTIVITY, substrate_temperature=TEMPERATURE,
                         coupling=kd.thermal.kapitza(CONDUCTIVITY / HEALING ** 2, TEMPERATURE))
    fields = [kd.temperature(state, thermal) for state in (with_, without)]
    low, high = with_.positions.min(axis=0) - TIP.resolution, with_.positions.max(axis=0) + TIP.resolution
    x, y = (np.linspace(*ends, 201) for ends in zip(low, high, strict=True))
    images = [kd.thermal_image(field, TIP, x=x, y=y) for field in fields]
    own = dataclasses.replace(images[0], values=images[0].values - images[1].values)
    distance = np.hypot(*(with_.positions - with_.positions[defect]).T)
    near = distance < 2 * LATTICE
    print(f"within two lattice constants of the defect: {with_.power[near].sum():.3g} W, without it "
          f"{without.power[near].sum():.3g} W; in all {with_.power.sum():.3g} and {without.power.sum():.3g} W")
    for field, name in zip(fields, ("with", "without"), strict=True):
        print(f"{name} the defect: {field}")
    save(draw((with_, without), (images[0], own), defect), "defect_ring.png", dpi=150)
