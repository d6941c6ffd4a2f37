"""Heat in quanta: a dot at a bias of several quanta, with optical phonons, beside a bath of the same mean free path.

Writes phonon_cascade.png; takes six minutes of CPU. In the gallery it runs reduced: twice as warm, in wires of four
mean free paths instead of six, which takes ten seconds. Electrons come out of the dot with up to the bias more than
they keep. Optical phonons take it from them quantum by quantum, where states below are empty, and what is less than one
quantum stays with the electrons. A PhononBath takes all at once.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.analysis.smoothing import average
from kwant_dissip.plots.style import BLUE, VERMILION
from kwant_dissip.systems import chain

MU, BIAS, QUANTUM, WINDOW = -1.5, 0.2, 0.05, 5
TEMPERATURE, LENGTH, WIRE = (0.01, 20.0, 80) if "KWANT_DISSIP_GALLERY" in os.environ else (0.005, 30.0, 180)
VELOCITY = np.sqrt(4 - MU ** 2)
# Into empty states with the spectral function 2 / v of a wire, electrons emit at the rate 2 D / v = v / l.
COUPLING = 0.5 * VELOCITY ** 2 / LENGTH
CAPTION = (
    f"A resonant dot between two wires, bias of four quanta w (k_B T = w / {QUANTUM / TEMPERATURE:.0f}), electrons "
    "from the left; dashed: both mu, and whole quanta between. Optical phonons take no less than w: within one quantum "
    "of the filled states electrons keep their energy, and a band of partly filled states, w wide, runs through each "
    "wire. A bath of probes with the same mean free path takes all of it. Bottom: power, means over five sites.")


def solve():
    """The states with optical phonons and with probes."""
    syst = chain.resonant_dot(length=WIRE, coupling=0.3, level=MU).finalized()
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * BIAS, TEMPERATURE) for sign in (1, -1)]
    quanta = kd.OpticalPhonons(QUANTUM, lambda site: COUPLING * chain.in_wires(site), TEMPERATURE, level_shift=False)
    probes = kd.PhononBath(TEMPERATURE, rate=lambda site: VELOCITY / LENGTH * chain.in_wires(site))
    return kd.steady_state(syst, reservoirs, quanta, rtol=1e-2), kd.steady_state(syst, reservoirs, probes, rtol=1e-3)


def draw(quanta, probes):
    """Distributions as images, powers as curves."""
    figure, axes = plt.subplots(3, 1, figsize=(7, 9), layout="constrained", sharex=True,
                                gridspec_kw={"height_ratios": [1.2, 1.2, 1]})
    energies = quanta.energy[np.abs(quanta.energy - MU) < 0.75 * BIAS]
    order = np.argsort(quanta.coordinate)
    x = quanta.coordinate[order] / LENGTH
    for axis, state, name in ((axes[0], quanta, "optical phonons"), (axes[1], probes, "probes")):
        filling = (quanta.filling[:, np.isin(quanta.energy, energies)] if state is quanta
                   else kd.local_distribution(probes, energies))[order]
        image = axis.pcolormesh(x, (energies - MU) / QUANTUM, filling.T, cmap="cividis", vmin=0, vmax=1,
                                shading="nearest", rasterized=True)
        for level in (0.5 * BIAS - np.arange(1 + round(BIAS / QUANTUM)) * QUANTUM):
            axis.axhline(level / QUANTUM, color="w", lw=0.8, ls="--")
        axis.set(ylabel=r"$(E - E_F)\,/\,w$", title=name)
    figure.colorbar(image, ax=axes[:2], label="distribution $f_i(E)$")
    for state, colour, name in ((quanta, VERMILION, "optical phonons"), (probes, BLUE, "probes")):
        unit = state.current[0] * BIAS / LENGTH
        for wire in range(state.wires):
            sites = state.sites_of(wire)
            at, smooth = average(state.coordinate[sites], state.power[sites], WINDOW)
            axes[2].plot(at / LENGTH, smooth / unit, color=colour, label=name if wire == 0 else None)
    axes[2].set(xlabel="x / l, dot at 0", ylabel="power / (I V / l)", ylim=(0, None))
    axes[2].legend(frameon=False)
    figure.text(0.02, -0.02, CAPTION, wrap=True, va="top", fontsize=8)
    return figure


if __name__ == "__main__":
    states = solve()
    for name, state in zip(("optical phonons", "probes"), states, strict=True):
        left, right = (100 * state.power[np.sign(state.coordinate) == side].sum() / (state.current[0] * BIAS)
                       for side in (-1, 1))
        print(f"{name}: {left:.0f} % of current times bias goes to the phonons on the left, {right:.0f} % on the "
              "right, the rest to the leads")
    draw(*states).savefig("phonon_cascade.png", dpi=150, bbox_inches="tight")
