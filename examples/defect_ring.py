"""The heat of one resonant well in a sheet of graphene, and what a tip above it sees.

Phonons couple to every site. Electrons stay longest at the well, and give off heat at the sites around it; further away
their power follows the standing waves. Phonons carry the heat about one healing length, and the tip blurs the rest.
Writes defect_ring.png: power and tip's image, with the well, and the difference that it makes.

The lattice is graphene's with a lattice constant 150 times as long and a hopping 150 times as small: the same velocity,
good for energies far below the hopping and for potentials that are smooth on the scale of the true lattice (M.-H. Liu
et al., Phys. Rev. Lett. 114, 036601 (2015)). One site of it stands for 590 nm^2. So the well, 0.14 eV deep on one such
site, is no atomic defect (a vacancy or an adatom), which takes the true lattice: it is a puddle of charge, or what a
gate makes. As it sits on one of the two sublattices it mixes valleys, too, which a smooth well would not.

It is no picture of the rings of D. Halbertal et al., Science 358, 1303 (2017): those are drawn against the position of
the tip, whose own potential tunes an atomic defect to resonance; here the tip only reads.

k_B T is 0.4 gamma, below what rates are meant for. The thermal numbers are assumed, not measured: Kapitza's law with a
healing length of 60 nm at 4.2 K.
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
MU, BIAS, RATE, LEVEL = 0.15, 0.04, 0.05, -8.0  # in hoppings; LEVEL: onsite energy of the well
TEMPERATURE, HEALING, CONDUCTIVITY = 4.2, 60e-9, 1e-10  # K, m, W/K
TIP = kd.Tip(50e-9, height=20e-9)


def solve(level):
    """State in SI, and the number of the well's site; no well where `level` is 0."""
    builder = graphene.constriction(length=LENGTH, width=WIDTH, neck=WIDTH, extent=1.0)
    defect = min(builder.sites(), key=lambda site: np.hypot(site.pos[0], site.pos[1] - 0.1))
    builder[defect] = level
    syst = builder.finalized()
    kbt = TEMPERATURE * Boltzmann / eV / HOPPING
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * BIAS, kbt) for sign in (1, -1)]
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(kbt, rate=RATE), rtol=1e-3)
    return state.to_si(HOPPING, LATTICE), syst.id_by_site[defect]


def draw(states, images, defect):
    """Power of the sites above, what the tip sees below; the difference that the well makes at the right."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 4.6), sharex=True, sharey=True, layout="compressed")
    with_, without = states
    positions = 1e9 * with_.positions
    for axis, power, title in ((axes[0, 0], with_.power, "power with the well"),
                               (axes[0, 1], with_.power - without.power, "what the well adds to the power")):
        drawn = filled(axis, positions, 1e15 * power, with_.bonds, signed=True, limits=(-20, 20))
        bar(axis, drawn, "power per site (fW)", extend="max")
        axis.plot(*positions[defect], "o", mfc="none", mec="black", ms=16)
        axis.set_title(title, fontsize="medium")
        axis.set(ylabel="$y$ (nm)")
    titles = ("the tip's image", "what the well adds to the image")
    for axis, image, title in zip(axes[1], images, titles, strict=True):
        drawn, label = raster(image, axis)
        bar(axis, drawn, label)
        axis.set_title(title, fontsize="medium")
    figure.suptitle(f"$k_B T / \\gamma$ = {with_.thermal_resolution:.2g}", fontsize="medium")
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
    print(f"within two lattice constants of the well: {with_.power[near].sum():.3g} W, without it "
          f"{without.power[near].sum():.3g} W; in all {with_.power.sum():.3g} and {without.power.sum():.3g} W")
    for field, name in zip(fields, ("with", "without"), strict=True):
        print(f"{name} the well: {field}")
    save(draw((with_, without), (images[0], own), defect), "defect_ring.png", dpi=150)
