"""The same dot on the lattice, in kinetic theory, and in the closed form; and how they approach each other.

Writes lattice_and_continuum.png (power along the wires) and interference.png (ratio of the currents against l).
"""

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain

MU, TEMPERATURE, BIAS = -1.0, 0.04, 0.2
VELOCITY = np.sqrt(4 - MU ** 2)
COUPLING = np.sqrt(0.06 / (2 * VELOCITY))  # resonance of width 0.06
LEVEL = (MU + 0.03) * (1 - COUPLING ** 2)  # 0.03 above mu
RESERVOIRS = [kd.Reservoir(MU + 0.5 * BIAS, TEMPERATURE), kd.Reservoir(MU - 0.5 * BIAS, TEMPERATURE)]


def velocity(energy):
    """Velocity on the chain."""
    return np.sqrt(np.clip(4 - energy ** 2, 0, None))


def transmission(energy):
    """Transmission of the dot, closed form (see `systems.chain.resonant_dot`)."""
    width = COUPLING ** 2 * velocity(energy)
    return np.divide(width ** 2, (energy - LEVEL - COUPLING ** 2 * energy) ** 2 + width ** 2, where=width > 0,
                     out=np.zeros_like(energy))


def lattice(length):
    """Wires of 6 mean free paths."""
    syst = chain.resonant_dot(length=6 * length, coupling=COUPLING, level=LEVEL).finalized()
    bath = kd.PhononBath(TEMPERATURE, mean_free_path=lambda site: length if chain.in_wires(site) else np.inf)
    return kd.steady_state(syst, RESERVOIRS, bath)


def closed_form(state, length):
    """Closed form for the drop between the straight parts of mu, from 3 l to 5 l, extrapolated to the dot."""
    ends = []
    for wire, sign in ((0, -1), (1, 1)):
        sites = state.sites_of(wire)
        x = sign * state.coordinate[sites] / length
        straight = (x > 3) & (x < 5)
        ends.append(np.polyval(np.polyfit(x[straight], state.mu[sites][straight], 1), 0))
    middle = 0.5 * sum(ends)
    return kd.analytic.constant_mean_free_path(lambda energy: transmission(energy + middle), temperature=TEMPERATURE,
                                               drop=ends[0] - ends[1], mean_free_path=length)


def draw_profiles(length=120):
    """Power of all three along both wires."""
    state = lattice(length)
    continuum = kd.kinetic.steady_state(transmission, RESERVOIRS, kd.PhononBath(TEMPERATURE, mean_free_path=length),
                                        velocity=velocity, length=6 * length)
    exact = closed_form(state, length)
    figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for wire in (0, 1):
        first = wire == 0
        sites = state.sites_of(wire)
        axis.plot(state.coordinate[sites] / length, 1e6 * state.power[sites], color="0.75", lw=0.7,
                  label="lattice, each site" if first else None)
        x, power, _ = state.profile(wire)
        axis.plot(x / length, 1e6 * power, color="#0072B2", lw=3, label="lattice, averaged" if first else None)
        x, power = continuum.interpolate(continuum.power, wire)
        axis.plot(x / length, 1e6 * power, color="#E69F00", lw=1.6, ls="--", label="kinetic theory" if first else None)
        axis.plot(x / length, 1e6 * exact.power(x), color="black", lw=1.2, ls=":",
                  label="closed form, infinite wires" if first else None)
    axis.set(xlabel=r"position $x/\ell$", ylabel=r"power per site ($10^{-6}\,E_0^2/\hbar$)", xlim=(-6, 6),
             ylim=(0, 1.5e6 * exact.power(np.array([-1e-9, 1e-9])).max()))
    axis.legend(frameon=False)
    figure.savefig("lattice_and_continuum.png", dpi=150)


def draw_ratio(lengths=(30, 60, 120, 240)):
    """Current on the lattice over that of the closed form: standing waves matter less the longer l is."""
    ratios = []
    for length in lengths:
        state = lattice(length)
        ratios.append(state.current[0] / closed_form(state, length).current)
        print(f"l = {length}: J_lattice / J_closed = {ratios[-1]:.4f}")
    figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
    axis.loglog(lengths, 1 - np.array(ratios), "o-", color="#0072B2", label="lattice")
    axis.loglog(lengths, (1 - ratios[-1]) * lengths[-1] / np.array(lengths), color="0.5", ls="--",
                label=r"$\propto 1/\ell$")
    axis.set_xticks(lengths, [str(length) for length in lengths])
    axis.set_yticks([0.01, 0.02, 0.05], ["0.01", "0.02", "0.05"])
    axis.minorticks_off()
    axis.set(xlabel=r"mean free path $\ell$ (sites)", ylabel=r"$1 - I_\mathrm{lattice} / I_\mathrm{closed\ form}$")
    axis.legend(frameon=False)
    figure.savefig("interference.png", dpi=150)


if __name__ == "__main__":
    draw_profiles()
    draw_ratio()
