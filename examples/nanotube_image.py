"""What a scanning thermometer sees of a nanotube with a resonant defect, and how narrow it must be.

A semiconducting nanotube, 1.7 nm wide, on SiO2 at room temperature: its conduction band is filled up to 0.1 eV above
the edge, where electrons have 0.69 of graphene's velocity, and counts four times (spin and valley). Heat and cold spot
lie about one mean free path from the defect, and change sides with the current. They are some mK: a scanning thermal
microscope touches the tube, and averages; the noise is assumed, 5 mK/Hz^(1/2) and 10 s at each point.

Assumed, too: the mean free path at the Fermi energy, a rate that does not depend on energy, and the conductance to the
substrate, which was measured on metallic tubes (a matter of phonons, not of electrons). The chain's velocity is the
tube's at the Fermi energy, but grows as E^0.46 there, the tube's as E^0.30: its spots differ from those drawn.

Writes nanotube_image.png (.pdf, .h5) with power, temperature, scan lines and rasters for both directions, and
tip_contrast.png: the difference between both spots against the width of the tip. ``kwant-dissip image`` draws the first
with other numbers, ``gaas_wire_image.py`` for a wire at 4 K.
"""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.figures import wire_image
from kwant_dissip.plots.numbers import save

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
FERMI_ENERGY = 0.1  # eV above the band's edge
WIRE = wire_image.Wire(temperature=300.0, fermi_energy=FERMI_ENERGY, resonance_width=0.05, mean_free_path=300e-9,
                       velocity=wire_image.nanotube_velocity(FERMI_ENERGY, 1.7e-9), degeneracy=4)
LONG = dataclasses.replace(WIRE, length=16)  # so that wide tips do not see the contacts
BIAS = 10e-3  # V
TIP = kd.Tip(50e-9, sensitivity=5e-3, dwell_time=10.0)
WIDTHS = np.array([0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8])  # of tips, in mean free paths
CURVES = {0.2: BLUE, 2.0: GREEN, 6.0: VERMILION}


def odd_line(fields, width, x):
    """What a tip of a width sees of the part that changes sign with the current, K."""
    seen = [kd.thermal_image(field, kd.Tip(width), x=x).values[0] for field in fields.values()]
    return 0.5 * (seen[0] - seen[1])


def contrasts(fields):
    """Hottest left less coldest right of the defect, within three mean free paths, for each width; K."""
    path = WIRE.mean_free_path
    left = np.linspace(-3 * path, 0, 201)
    return np.array([odd_line(fields, width * path, left).max() - odd_line(fields, width * path, -left).min()
                     for width in WIDTHS])


def draw(fields):
    """Scan lines of three tips, and contrast against width."""
    path = WIRE.mean_free_path
    x = np.linspace(-3 * path, 3 * path, 401)
    figure, (lines, curve) = plt.subplots(1, 2, figsize=(9.6, 3.8), layout="constrained")
    for width, color in CURVES.items():
        lines.plot(x / path, 1e3 * odd_line(fields, width * path, x), color=color, lw=1.8,
                   label=f"tip {width:g} $\\ell$ wide")
    lines.axhline(0, color="0.6", lw=0.7, zorder=0)
    lines.set(xlabel=r"tip position $x / \ell$, defect at 0", ylabel="odd part of $T - T_\\mathrm{substrate}$ (mK)")
    lines.legend(frameon=False)
    found = contrasts(fields)
    sharp = contrast_without_tip(fields)
    curve.semilogx(WIDTHS, found / sharp, "o-", color="black")
    curve.axhline(0.5, color="0.6", lw=0.8, ls="--", zorder=0)
    curve.set(xlabel=r"width of the tip over mean free path $w / \ell$", ylabel="contrast of heat and cold spot",
              ylim=(0, 1.05))
    curve.set_xticks(WIDTHS, [f"{width:g}" for width in WIDTHS], minor=False)
    curve.minorticks_off()
    return figure, found / sharp


def contrast_without_tip(fields):
    """The same of the temperature itself."""
    odd = 0.5 * (fields["forward"].excess - fields["backward"].excess)
    x = fields["forward"].positions[:, 0] / WIRE.mean_free_path
    return odd[(x > -3) & (x < 0)].max() - odd[(x > 0) & (x < 3)].min()


if __name__ == "__main__":
    thermal = kd.thermal.nanotube_on_silica()
    wire_image.make(".", WIRE, BIAS, thermal, TIP, name="nanotube_image", seed=1)
    figure, relative = draw({name: kd.temperature(LONG.state(sign * BIAS), thermal)
                             for name, sign in (("forward", 1), ("backward", -1))})
    save(figure, "tip_contrast.png", dpi=150)
    for width, value in zip(WIDTHS, relative, strict=True):
        print(f"tip {width:4.1f} mean free paths wide: contrast {value:.3f}")
