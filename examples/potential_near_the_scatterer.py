"""What drives the current near a resonant dot: chemical and electrostatic potential, resistivity and heat.

Writes potential_near_the_scatterer.png. The resonance lies below the Fermi energy: it lets slow electrons through,
which relax within a shorter distance than the thermal mean, so that the resistivity rises next to the dot.
"""

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain

FERMI_ENERGY, MEAN_FREE_PATH, DROP = 0.3, 100, 1e-3
MU = -2 + FERMI_ENERGY
VELOCITY = np.sqrt(4 - MU ** 2)
COUPLING = np.sqrt(0.1 * FERMI_ENERGY / (2 * VELOCITY))  # a resonance of width 0.1 E_F ...
RESONANCE = MU - 0.1 * FERMI_ENERGY                      # ... 0.1 E_F below mu
COLORS = {0.05: "#000000", 0.1: "#0072B2", 0.2: "#E69F00"}  # k_B T / E_F
CAPTION = (
    "A resonance below the Fermi energy between two wires, the same voltage drop at every temperature. Far from the "
    r"dot $\mu$ and $U$ fall together: the field drives the current. At the dot $\mu$ jumps, and screened charge bends "
    "$U$ over the Thomas-Fermi length. Within a mean free path the electrons that came through the dot relax: they are "
    r"slow, the resistivity $-\mathrm{d}\mu/\mathrm{d}x\,/\,I$ rises (next to the dot it is that of standing waves), "
    "and they heat one wire and cool the other.")


def solve(temperature):
    """State with Poisson's equation at the chosen drop."""
    level = RESONANCE * (1 - COUPLING ** 2)
    syst = chain.resonant_dot(length=6 * MEAN_FREE_PATH, coupling=COUPLING, level=level).finalized()
    kbt = temperature * FERMI_ENERGY
    bath = kd.PhononBath(kbt, rate=lambda site: VELOCITY / MEAN_FREE_PATH * chain.in_wires(site))

    def at(bias):
        reservoirs = [kd.Reservoir(MU + sign * 0.5 * bias, kbt) for sign in (1, -1)]
        return kd.steady_state(syst, reservoirs, bath, electrostatics=kd.Poisson(1.0))

    return kd.at_voltage_drop(DROP, at)


def draw(states):
    """Four panels, one curve per temperature in each."""
    figure, axes = plt.subplots(2, 2, sharex=True, figsize=(9, 7.4), layout="constrained")
    (mu_axis, u_axis), (resistivity_axis, power_axis) = axes
    for temperature, state in states.items():
        style = {"color": COLORS[temperature], "lw": 1.6}
        kbt = temperature * FERMI_ENERGY
        x = state.coordinate / MEAN_FREE_PATH
        u_axis.plot(x, 1e3 * state.potential, label=f"{temperature:g}", **style)
        for wire, part in enumerate(kd.local_heat(state)):
            sites = state.sites_of(wire)
            mu_axis.plot(x[sites], 1e3 * (state.mu[sites] - MU), **style)
            unit = np.pi / MEAN_FREE_PATH  # of a cold wire
            resistivity_axis.plot(part.x / MEAN_FREE_PATH, part.resistivity / unit, **style)
            resistivity_axis.plot(part.x / MEAN_FREE_PATH, part.electrostatic_resistivity / unit, ls=":",
                                  color=COLORS[temperature], lw=2.4)
            power_axis.plot(part.x / MEAN_FREE_PATH, 1e3 * part.power / (state.current[0] * kbt), **style)
    mu_axis.set_ylabel(r"$\mu - E_F$ ($10^{-3}$ hopping)")
    u_axis.set_ylabel(r"$U$ ($10^{-3}$ hopping)")
    u_axis.legend(title=r"$k_B T / E_F$", frameon=False)
    resistivity_axis.set_ylabel(r"resistivity ($\pi\hbar / e^2 \ell$)")
    resistivity_axis.plot([], [], color="0.3", label=r"from $\mu$")
    resistivity_axis.plot([], [], color="0.3", ls=":", label=r"from $U$")
    resistivity_axis.legend(frameon=False)
    resistivity_axis.set_ylim(0.98, 1.22)  # next to the dot standing waves reach far beyond
    power_axis.axhline(0, color="0.6", lw=0.7)
    power_axis.set_ylabel(r"power per site  $p\,/\,(I\,k_BT)$ ($10^{-3}$)")
    for axis in axes[1]:
        axis.set(xlabel=r"position $x/\ell$, dot at 0", xlim=(-4, 4))
    figure.text(0.02, -0.01, CAPTION, wrap=True, va="top", fontsize=9)
    return figure


if __name__ == "__main__":
    draw({temperature: solve(temperature) for temperature in COLORS}).savefig(
        "potential_near_the_scatterer.png", dpi=150, bbox_inches="tight")
