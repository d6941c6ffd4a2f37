"""Pictures of results along wires."""

import matplotlib.pyplot as plt
import numpy as np

from ..analysis.spots import heat_spots
from .style import BLUE, ENERGIES, GREEN, LENGTHS, POWERS, PURPLE, SPOT_MARKERS, TEMPERATURES, VERMILION


def profile(state, axes=None):
    """Power and electrochemical potential along wires, the electrons' temperature, and an electrostatic energy not 0.

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
    TypeError
        If `axes` are not two.
    """
    if axes is None:
        _, axes = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5.6), layout="constrained")
    if not hasattr(axes, "__len__") or len(axes) != 2 or not all(hasattr(axis, "twinx") for axis in axes):
        raise TypeError(f"axes must be two matplotlib axes, for the power and for mu, got {axes!r}.")
    above, below = axes
    for wire in range(state.wires):
        curves, name, averaged = state.along(wire), None, True
        if state.averages:
            sites, power, mu, _ = state.points(wire)
            # Where no Fermi wavelength is known, sites are all there is.
            averaged = bool(np.any(np.isfinite(state.fermi_wavelength)))
            above.plot(sites, power, color=BLUE, alpha=0.35 if averaged else 1.0, lw=0.8,
                       marker=None if averaged else "o", label="each site" if wire == 0 else None)
            below.plot(sites, mu, color=GREEN, lw=1.5, marker=None if averaged else "o")
            name = "mean over the Fermi wavelength" if wire == 0 else None
        else:
            below.plot(curves.x, curves.mu, color=GREEN, lw=1.5)
        if averaged and len(curves.x):
            above.plot(curves.x, curves.power, color=BLUE, lw=2, label=name)
    if state.wires == 0:
        for axis in axes:
            axis.text(0.5, 0.5, "no phonons: no heat, no probe", ha="center", transform=axis.transAxes)
    elif np.all(np.isnan(state.local_mu)):
        below.text(0.5, 0.5, r"elastic collisions alone fix no $\mu$", ha="center", transform=below.transAxes)
    _electrons(state, above)
    spots = heat_spots(state)
    for kind, (marker, color, label) in SPOT_MARKERS.items():
        found = [spot for spot in spots if spot.kind == kind]
        if found:
            above.plot([spot.position for spot in found], [spot.power for spot in found], marker, color=color, ms=8,
                       mec="black", mew=0.6, ls="none", label=label)
    above.axhline(0, color="0.6", lw=0.6, zorder=0)
    unit = POWERS[state.units] if state.power_per == "site" else f"{POWERS[state.units]} / {LENGTHS[state.units]}"
    above.set_ylabel(f"power per {state.power_per} ({unit})")
    if above.get_legend_handles_labels()[0]:
        above.legend(frameon=False, fontsize="small")
    below.set_ylabel(rf"electrochemical potential $\mu$ ({ENERGIES[state.units]})")
    if np.any(state.potential):
        beside = below.twinx()
        order = np.argsort(state.coordinate)
        beside.plot(state.coordinate[order], state.potential[order], color=PURPLE, lw=1.2, ls="--")
        beside.set_ylabel(f"electrostatic energy $U$, dashed ({ENERGIES[state.units]})")
    below.set_xlabel(f"position $x$ ({LENGTHS[state.units]})")
    return above.figure


def _electrons(state, axis):
    """Their temperature, where they have one of their own, on a scale at the right."""
    temperature = state.electron_temperature
    if temperature is None or np.all(np.isnan(temperature)):
        return
    beside, order = axis.twinx(), np.argsort(state.coordinate)
    beside.plot(state.coordinate[order], temperature[order], color=VERMILION, lw=1.4, ls=":")
    beside.set_ylabel(f"electrons' {TEMPERATURES[state.units]}, dotted")
