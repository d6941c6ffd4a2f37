"""Pictures of results."""

import matplotlib.pyplot as plt
import numpy as np

from ..analysis.spots import heat_spots
from ..solve import SteadyState

# Okabe and Ito's colours, told apart by colour-blind readers.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SPOT_MARKERS = {"heat": ("^", VERMILION, "heat spot"), "cold": ("v", BLUE, "cold spot")}
LENGTHS = {"model": "lattice unit", "SI": "m"}
POWERS = {"model": r"$E_0^2/\hbar$", "SI": "W"}
ENERGIES = {"model": "$E_0$", "SI": "eV"}


def profile(state, axes=None):
    """Power and electrochemical potential along wires, and the electrostatic energy where it is not 0.

    Parameters
    ----------
    state : SteadyState or KineticState
    axes : sequence of two matplotlib axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the sites of a lattice do not lie on a line along one coordinate.
    """
    on_lattice = isinstance(state, SteadyState)
    if on_lattice and np.count_nonzero(np.ptp(state.positions, axis=0)) > 1:
        raise ValueError("The profile is drawn for sites on a line along one coordinate; these vary in several.")
    if axes is None:
        _, axes = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5.6), layout="constrained")
    above, below = axes
    for wire in range(state.wires):
        x, power, _ = state.profile(wire)
        name = None
        if on_lattice:
            chosen = state.sites_of(wire)
            sites = state.coordinate[chosen]
            above.plot(sites, state.power[chosen], color=BLUE, alpha=0.35, lw=0.8,
                       label="each site" if wire == 0 else None)
            below.plot(sites, state.mu[chosen], color=GREEN, lw=1.5)
            name = "mean over the Fermi wavelength" if wire == 0 else None
        else:
            below.plot(*state.interpolate(state.mu, wire), color=GREEN, lw=1.5)
        if len(x):
            above.plot(x, power, color=BLUE, lw=2, label=name)
    spots = heat_spots(state)
    for kind, (marker, color, label) in SPOT_MARKERS.items():
        found = [spot for spot in spots if spot.kind == kind]
        if found:
            above.plot([spot.position for spot in found], [spot.power for spot in found], marker, color=color, ms=8,
                       mec="black", mew=0.6, ls="none", label=label)
    above.axhline(0, color="0.6", lw=0.6, zorder=0)
    unit = POWERS[state.units]
    above.set_ylabel(f"power per site ({unit})" if on_lattice
                     else f"power per length ({unit} / {LENGTHS[state.units]})")
    if above.get_legend_handles_labels()[0]:
        above.legend(frameon=False, fontsize="small")
    below.set_ylabel(rf"electrochemical potential $\mu$ ({ENERGIES[state.units]})")
    if np.any(state.potential):
        x = state.coordinate if on_lattice else state.x
        order = np.argsort(x)
        beside = below.twinx()
        beside.plot(x[order], state.potential[order], color=PURPLE, lw=1.2, ls="--")
        beside.set_ylabel(f"electrostatic energy $U$, dashed ({ENERGIES[state.units]})")
    below.set_xlabel(f"position $x$ ({LENGTHS[state.units]})")
    return above.figure
