"""Heat around a point contact: on the first plateau, at the step, and below it.

Electrons that cross leave their heat in two lobes, about one inelastic length behind the contact on either side. Here
they are unequal in the direction of the transmission's slope, by 0.45 to 0.8 of what Landauer's theory says of the
reservoirs behind them. That is no law: where the wires' own Peltier heat is larger than the contact's, the direction is
the opposite one (landauer_and_local_heat.py). Writes point_contact.png, and prints the
difference of the heat right and left per current beside that of the coherent contact (`analytic.landauer_heat`).
"""

import kwant
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import SymLogNorm

import kwant_dissip as kd
from kwant_dissip.plots.shapes import filled
from kwant_dissip.systems import ribbon

LENGTH, WIDTH, TEMPERATURE, RATE, BIAS = 80, 12, 0.03, 0.08, 0.04
CONTACT = {"barrier": 0.3, "spacing": 0.3, "extent": 6.0}
MIDDLE = 0.5 * (LENGTH - 1)
CASES = {"first plateau": -3.38, "at the step": -3.55, "below it": -3.65}  # mu; the first mode opens at -3.55
COLORS = ("#0072B2", "#D55E00", "#000000")


def solve(mu):
    """State with phonons outside the contact."""
    syst = ribbon.point_contact(length=LENGTH, width=WIDTH, **CONTACT).finalized()
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: RATE * (abs(site.tag[0] - MIDDLE) > 1.5 * CONTACT["extent"]))
    reservoirs = [kd.Reservoir(mu + sign * 0.5 * BIAS, TEMPERATURE) for sign in (1, -1)]
    return kd.steady_state(syst, reservoirs, bath, rtol=1e-4)


def coherent(mu):
    """Heat left and right of the contact, and current, without phonons near it."""
    syst = ribbon.point_contact(length=int(6 * CONTACT["extent"]), width=WIDTH, **CONTACT).finalized()
    grid = np.linspace(mu - 0.6, mu + 0.6, 121)
    values = [kwant.smatrix(syst, energy).transmission(1, 0) for energy in grid]
    reservoirs = [kd.Reservoir(mu + sign * 0.5 * BIAS, TEMPERATURE) for sign in (1, -1)]
    return kd.analytic.landauer_heat(lambda energy: np.interp(energy, grid, values), reservoirs)


def draw(states):
    """A map for each case, and the power of every column of sites."""
    figure, axes = plt.subplots(len(states) + 1, 1, sharex=True, figsize=(7, 8), layout="constrained",
                                height_ratios=[1] * len(states) + [1.8])
    for axis, color, (name, state) in zip(axes, COLORS, states.items(), strict=False):
        positions = state.positions - [MIDDLE, 0.5 * (WIDTH - 1)]
        scale = state.current[0] * TEMPERATURE
        drawn = filled(axis, positions, 1e3 * state.power / scale, state.bonds, signed=True, limits=(-20, 20))
        drawn.set_norm(SymLogNorm(linthresh=1, vmin=-20, vmax=20))
        axis.set(title=name, ylabel="$y$ (sites)", aspect="equal")
        column = np.round(positions[:, 0] - 0.5).astype(int)
        x, index = np.unique(column, return_inverse=True)
        axes[-1].plot(x + 0.5, 1e3 * np.bincount(index, state.power) / scale, color=color, label=name)
    figure.colorbar(drawn, ax=axes[:-1], label=r"power per site $p\,/\,(I\,k_BT)$ ($10^{-3}$)", pad=0.02)
    axes[-1].axhline(0, color="0.6", lw=0.7)
    axes[-1].axvspan(-1.5 * CONTACT["extent"], 1.5 * CONTACT["extent"], color="0.92", label="contact, no phonons")
    axes[-1].set(xlabel="$x$ (sites)", ylabel=r"per column ($10^{-3}\,I\,k_BT$)")
    axes[-1].legend(frameon=False, fontsize="small")
    return figure


if __name__ == "__main__":
    states = {name: solve(mu) for name, mu in CASES.items()}
    print(f"{'':>14} {'lobe left at':>13} {'right at':>9} {'(Q_R - Q_L) / I k_B T':>22} {'coherent':>9}")
    for (name, state), mu in zip(states.items(), CASES.values(), strict=True):
        right = state.coordinate > MIDDLE
        column = np.bincount(np.round(state.coordinate).astype(int), state.power)
        smooth = np.convolve(column, np.ones(7) / 7, mode="same")
        half = LENGTH // 2
        lobes = np.argmax(np.abs(smooth[:half])) - MIDDLE, half + np.argmax(np.abs(smooth[half:])) - MIDDLE
        unequal = (state.power[right].sum() - state.power[~right].sum()) / (state.current[0] * TEMPERATURE)
        heat = coherent(mu)
        expected = (heat.heat_right - heat.heat_left) / (heat.current * TEMPERATURE)
        print(f"{name:>14} {lobes[0]:13.1f} {lobes[1]:9.1f} {unequal:22.2f} {expected:9.2f}")
    draw(states).savefig("point_contact.png", dpi=150)
