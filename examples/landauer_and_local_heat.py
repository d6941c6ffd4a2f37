"""Where Landauer's heat has the wrong sign: which wire is heated, beside which reservoir would be.

Landauer's theory says how much heat a current through a coherent scatterer releases in either reservoir, and nothing
about where on the way. The dot of the README sends hot electrons to the right, and Landauer heats that side; yet within
three mean free paths the right wire is cooled at k_B T = 0.2 and 0.4 E_F. The wire has a Peltier coefficient of its
own: its current carries heat, more than what the dot sends where fast electrons go furthest, and the phonons next to
the dot have to give the difference. It comes back at the reservoir.

Writes landauer_and_local_heat.png, and prints the heat of the right wire by `local_heat` (without local Joule heat)
beside that by `analytic.landauer_heat`, at the same drop.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.figures import figure2
from kwant_dissip.plots.numbers import save
from kwant_dissip.systems import chain

NEAR, LENGTH = 3.0, 6.0  # in mean free paths: what counts as near the dot, and the wires
SHOWN = {0.1: "#0072B2", 0.2: "#009E73", 0.4: "#E69F00"}  # k_B T / E_F
CURVE = np.geomspace(0.04, 0.5, 14)


def landauer(kbt):
    """Half of Q_R - Q_L over current and k_B T, of a small bias."""
    reservoirs = [kd.Reservoir(figure2.MU + sign * 1e-4 * kbt, kbt) for sign in (1, -1)]
    heat = kd.analytic.landauer_heat(figure2.transmission, reservoirs)
    return 0.5 * (heat.heat_right - heat.heat_left) / (heat.current * kbt)


def kinetic(kbt, **bath):
    """Distance from the dot in l, and heat of the right wire up to there, over current and k_B T: linear response."""
    free_path = figure2.MEAN_FREE_PATH
    response = kd.kinetic.linear_response(figure2.transmission, kd.PhononBath(kbt, **bath), mu=figure2.MU, rtol=1e-4,
                                          velocity=figure2.velocity, length=LENGTH * free_path)
    return up_to(response, response.x > 0, kbt)


def lattice(kbt):
    """The same on the lattice."""
    level = figure2.MU * (1 - figure2.COUPLING ** 2)
    syst = chain.resonant_dot(length=figure2.WIRE_LENGTH, coupling=figure2.COUPLING, level=level).finalized()
    bath = kd.PhononBath(kbt, rate=lambda site: RATE["rate"] * chain.in_wires(site))
    response = kd.linear_response(syst, bath, mu=figure2.MU, rtol=1e-4)
    return up_to(response, response.x[:, 0] > 0, kbt)


def up_to(response, chosen, kbt):
    """Integral of the Peltier part of the power from the dot on."""
    x, power = np.ravel(response.x)[chosen], response.power1[chosen]
    order = np.argsort(x)
    x, power = np.append(0, x[order]), np.append(power[order[0]], power[order])
    heat = np.append(0, np.cumsum(0.5 * (power[1:] + power[:-1]) * np.diff(x)))
    return x / figure2.MEAN_FREE_PATH, heat / (response.current1[0] * kbt)


def near(curve):
    """Heat within three mean free paths."""
    return np.interp(NEAR, *curve)


def nonlocal_heat(state, kbt):
    """What the right wire takes near the dot beyond local Joule heat, over current and k_B T."""
    right = kd.local_heat(state)[1]
    order = np.argsort(right.x)
    x = right.x[order]
    inside = x < NEAR * figure2.MEAN_FREE_PATH
    return np.trapezoid(right.nonlocal_power[order][inside], x[inside]) / (state.flow * kbt)


RATE = {"rate": figure2.VELOCITY / figure2.MEAN_FREE_PATH}
FREE_PATH = {"mean_free_path": float(figure2.MEAN_FREE_PATH)}


def draw():
    """Against the temperature, and along the right wire."""
    figure, (over, along) = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True, layout="constrained")
    kbts = CURVE * figure2.FERMI_ENERGY
    over.plot(CURVE, [landauer(kbt) for kbt in kbts], color="black", lw=2.2, label="right reservoir (Landauer)")
    over.plot(CURVE, [near(kinetic(kbt, **FREE_PATH)) for kbt in kbts], color="#CC79A7", lw=2, ls="-.",
              label=r"right wire within $3\,\ell$, one $\ell$")
    over.plot(CURVE, [near(kinetic(kbt, **RATE)) for kbt in kbts], color="#56B4E9", lw=2.2, ls="--",
              label=r"right wire within $3\,\ell$, one rate")
    for ratio, color in SHOWN.items():
        kbt = ratio * figure2.FERMI_ENERGY
        sites = lattice(kbt)
        over.plot(ratio, near(sites), "o", color=color, mec="black", ms=8,
                  label="the same on the lattice" if ratio == 0.1 else None)
        along.plot(*sites, color=color, lw=2.2, label=f"{ratio:g}")
        along.plot(*kinetic(kbt, **RATE), color=color, lw=0.9, ls="--")
        along.axhline(landauer(kbt), color=color, lw=1.2, ls=":")
    over.set(xscale="log", xlabel=r"temperature $k_B T / E_F$", xlim=CURVE[[0, -1]],
             ylabel=r"heat on the right, Peltier part $/\,(I\, k_B T)$")
    over.set_xticks([0.05, 0.1, 0.2, 0.4], ["0.05", "0.1", "0.2", "0.4"])
    over.minorticks_off()
    along.set(xlabel=r"distance from the dot $x / \ell$", xlim=(0, LENGTH), title="heat taken between the dot and $x$")
    over.set_title("which side is heated")
    for axis in (over, along):
        axis.axhline(0, color="0.6", lw=0.7, zorder=0)
    over.legend(frameon=False, fontsize="small", loc="lower left")
    handles = [along.plot([], [], color="0.3", lw=width, ls=style, label=label)[0] for width, style, label in (
        (2.2, "-", "lattice"), (0.9, "--", "kinetic theory"), (1.2, ":", "right reservoir (Landauer)"))]
    along.add_artist(along.legend(handles=handles, frameon=False, fontsize="small", loc="lower center"))
    along.legend(handles=along.get_lines()[0:9:3], title=r"$k_B T / E_F$", frameon=False, fontsize="small",
                 loc="lower left")
    return figure


if __name__ == "__main__":
    print("k_B T / E_F   Landauer, right   right wire within 3 l: lattice   kinetic theory")
    for ratio in SHOWN:
        kbt = ratio * figure2.FERMI_ENERGY
        states = [kd.at_voltage_drop(figure2.DROP, partial(solve, ratio))
                  for solve in (figure2.lattice_state, figure2.kinetic_state)]
        found = [nonlocal_heat(state, kbt) for state in states]
        print(f"{ratio:11g} {landauer(kbt):17.3f} {found[0]:32.3f} {found[1]:16.3f}")
    save(draw(), "landauer_and_local_heat.png", dpi=150)
