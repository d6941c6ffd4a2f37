"""Pictures of results."""

import matplotlib.pyplot as plt
import numpy as np

from .spots import heat_spots, smoothed_power, smoothing_window

# Okabe and Ito's colours, told apart by colour-blind readers.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SPOT_MARKERS = {"heat": ("^", VERMILION, "heat spot"), "cold": ("v", BLUE, "cold spot")}
_LABELS = {"model": ("position $x$ (lattice unit)", r"power per site ($E_0^2/\hbar$)",
                     r"electrochemical potential $\mu$ ($E_0$)"),
           "SI": ("position $x$ (m)", "power per site (W)", r"electrochemical potential $\mu$ (eV)")}


def profile(state, axes=None):
    """Power and electrochemical potential along the wires of a chain.

    Parameters
    ----------
    state : SteadyState
    axes : sequence of two matplotlib axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the sites do not lie on a line along the first coordinate.
    """
    if np.ptp(state.positions[:, 1:], axis=0).any():
        raise ValueError("The profile is drawn for sites on a line along x; these have other coordinates too.")
    if axes is None:
        _, axes = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5.6), layout="constrained")
    above, below = axes
    label_x, label_power, label_mu = _LABELS[state.units]
    window = smoothing_window(state)
    spots = heat_spots(state)
    for wire in range(state.wire.max() + 1):
        chosen = np.flatnonzero(state.wire == wire)
        chosen = chosen[np.argsort(state.positions[chosen, 0])]
        x, first = state.positions[chosen, 0], wire == 0
        above.plot(x, state.power[chosen], color=BLUE, alpha=0.35, lw=0.8, label="each site" if first else None)
        above.plot(*smoothed_power(state, wire, window), color=BLUE, lw=2,
                   label="mean over the Fermi wavelength" if first else None)
        below.plot(x, state.mu[chosen], color=GREEN, lw=1.5)
    for kind, (marker, color, label) in SPOT_MARKERS.items():
        found = [spot for spot in spots if spot.kind == kind]
        if found:
            above.plot([spot.position for spot in found], [spot.power for spot in found], marker, color=color, ms=8,
                       mec="black", mew=0.6, ls="none", label=label)
    above.axhline(0, color="0.6", lw=0.6, zorder=0)
    above.set_ylabel(label_power)
    above.legend(frameon=False, fontsize="small")
    below.set_ylabel(label_mu)
    below.set_xlabel(label_x)
    return above.figure
