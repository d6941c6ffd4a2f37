"""Three lengths around a resonant dot: where power, temperature and chemical potential of the electrons change.

Writes three_lengths.png. Elastic scattering is frequent, electrons collide with each other more seldom and with phonons
still more seldom: the electrons lose their momentum at once, thermalise among themselves, and their heat leaves over
lambda = sqrt(l l_ph), 1/l = 1/l_elastic + 1/l_electron + 1/l_ph.
"""

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.analysis.smoothing import average
from kwant_dissip.systems import chain

FERMI_ENERGY, BIAS = 0.3, 0.02
TEMPERATURE = 0.2 * FERMI_ENERGY
MU = -2 + FERMI_ENERGY
VELOCITY = np.sqrt(4 - MU ** 2)
COUPLING = np.sqrt(0.5 * FERMI_ENERGY / (2 * VELOCITY))  # a resonance of width 0.5 E_F at mu
LEVEL = MU * (1 - COUPLING ** 2)
ELASTIC, ELECTRONS, PHONONS = 40, 200, 1000  # mean free paths at mu, in sites
PATH = 1 / (1 / ELASTIC + 1 / ELECTRONS + 1 / PHONONS)
RELAXATION = np.sqrt(PATH * PHONONS)
WINDOW = 17  # sites over which standing waves are averaged
CASES = {"phonons alone": "#000000", "elastic, electrons, phonons": "#D55E00"}
CAPTION = (
    "A resonant dot between two wires of six relaxation lengths at a small bias; means over 17 sites, $T_e$ and "
    r"$\mu_e$ as a weak thermometer finds them. With phonons alone (black, a mean free path of $\lambda$) momentum and "
    r"energy relax together. With three lengths (orange) the wires have more resistance; heat leaves over $\lambda$ "
    "all the same, so that the electrons stay hot on one side of the dot and cold on the other for that long.")


def solve(case):
    """State with one or with all three baths."""
    def in_wires(mean_free_path):
        return lambda site: VELOCITY / mean_free_path * chain.in_wires(site)

    bath = kd.PhononBath(TEMPERATURE, rate=in_wires(RELAXATION))
    if case != "phonons alone":
        bath = [kd.ElasticBath(rate=in_wires(ELASTIC)), kd.ElectronBath(rate=in_wires(ELECTRONS)),
                kd.PhononBath(TEMPERATURE, rate=in_wires(PHONONS))]
    syst = chain.resonant_dot(length=int(6 * RELAXATION), coupling=COUPLING, level=LEVEL).finalized()
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * BIAS, TEMPERATURE) for sign in (1, -1)]
    return kd.steady_state(syst, reservoirs, bath)


def draw(states):
    """Three panels, one curve per case in each."""
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(7, 8.5), layout="constrained")
    for case, state in states.items():
        thermometer = kd.local_electrons(state)
        curves = (state.power / (state.current[0] * TEMPERATURE / RELAXATION),
                  (thermometer.temperature - TEMPERATURE) / BIAS, (thermometer.mu - MU) / BIAS)
        for wire in range(state.wires):
            sites = state.sites_of(wire)
            for axis, curve in zip(axes, curves, strict=True):
                x, smooth = average(state.coordinate[sites], curve[sites], WINDOW)
                axis.plot(x / RELAXATION, smooth, color=CASES[case], lw=1.6, label=case if wire == 0 else None)
    for axis, label in zip(axes, (r"power $p\;/\;(I\,k_BT/\lambda)$", r"$k_B(T_e - T)\;/\;V$",
                                  r"$(\mu_e - E_F)\;/\;V$"), strict=True):
        axis.set_ylabel(label)
        axis.axvline(0, color="0.8", lw=0.8, zorder=0)
        axis.axhline(0, color="0.8", lw=0.8, zorder=0)
    axes[0].legend(frameon=False)
    axes[-1].set(xlabel=r"$x/\lambda$, dot at 0", xlim=(-4.5, 4.5))
    axes[0].set_ylim(-0.06, 0.1)
    axes[1].set_ylim(-0.001, 0.002)
    figure.text(0.02, -0.02, CAPTION, wrap=True, va="top", fontsize=8)
    return figure


if __name__ == "__main__":
    draw({case: solve(case) for case in CASES}).savefig("three_lengths.png", dpi=150, bbox_inches="tight")
