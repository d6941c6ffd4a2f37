"""Pictures of results along wires."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..analysis.states import State
from .axes import subplots
from .panels import Fields, label_abscissa, mark, names_of, panel, placed, side_label, spots_of
from .style import BLUE, GREEN, PURPLE, VERMILION, in_units, with_unit

_DEFAULT = ("power", "mu")


def profile(state: State, axes: Any = None, *, fields: Fields = None, legend: bool = True,
            spots: bool = True) -> Figure:
    """Fields along wires, see `Result.plot`.

    By default power and electrochemical potential; with them the electrons' temperature, and an electrostatic energy
    that is not 0, on scales at the right.
    """
    names = names_of(fields, _DEFAULT)
    label = Axes.set_ylabel if axes is None else side_label
    if axes is None:
        _, axes = subplots(len(names), 1, sharex=True, figsize=(6.4, 0.8 + 2.4 * len(names)), layout="constrained")
    axes, names = placed(axes, names, fields)
    factor, unit = in_units(np.ptp(state.coordinate), "length", state.units)
    for axis, name in zip(axes, names, strict=True):
        shown = panel(state, name)
        if name == "power":
            _power(axis, state, factor, shown.factor)
            mark(axis, spots_of(state, spots), partial(_place, factor, shown.factor), legend)
        else:
            _curve(axis, state, factor, shown.values, color=GREEN, lw=1.5)
        if name in ("power", "mu"):
            _what_is_missing(axis, state, name)
        # Also where few sites, or those in the middle alone, are coupled.
        axis.update_datalim(factor * np.repeat(state.coordinate[:, None], 2, axis=1), updatey=False)
        axis.autoscale_view()
        label(axis, shown.label)
        if fields is None:
            _beside(axis, state, factor, name, label)
        if shown.is_signed:
            axis.axhline(0, color="0.6", lw=0.6, zorder=0)
        if legend and axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize="small")
    label_abscissa(axes, with_unit("position $x$", unit))
    return axes[0].figure


def _place(length, watts, spot):
    return length * spot.position, watts * spot.power


def _power(axis, state, length, watts):
    """Each site and the mean along a lattice; the curve of the kinetic theory."""
    for wire in range(state.wires):
        first = wire == 0
        if not state.averages:
            curves = state.along(wire)
            axis.plot(length * curves.x, watts * curves.power, color=BLUE, lw=2)
            continue
        x, power = state.points(wire)[:2]
        # Where no Fermi wavelength is known, and in short wires, sites are all there is.
        curves = state.along(wire) if np.any(np.isfinite(state.fermi_wavelength)) else None
        sites, = axis.plot(length * x, watts * power, "o-", color=BLUE, lw=0.8, ms=3,
                           label="each site" if first else None)
        if curves is not None and len(curves.x):
            sites.set(alpha=0.4, marker="None")
            axis.plot(length * curves.x, watts * curves.power, color=BLUE, lw=2,
                      label="averaged" if first else None)


def _curve(axis, state, length, values, **style):
    """A field along each wire; between them, where no bath couples, if it is known there."""
    order = np.argsort(state.coordinate)
    known = np.isfinite(values[order])
    axis.plot(length * state.coordinate[order], values[order], marker="o" if known.sum() < 3 else None, **style)


def _what_is_missing(axis, state, name):
    text = None
    if state.wires == 0:
        text = "no phonons: no heat, no probe"
    elif name == "mu" and np.all(np.isnan(state.local_mu)):
        text = r"elastic collisions alone fix no $\mu$"
    if text:
        axis.text(0.5, 0.5, text, ha="center", transform=axis.transAxes)


def _beside(axis, state, length, name, label):
    """The electrons' temperature beside the power, the electrostatic energy beside mu."""
    if name == "power":
        values, field, colour, line = state.electron_temperature, "electron_temperature", VERMILION, ":"
        if values is None or np.all(np.isnan(values)):
            return
    else:
        values, field, colour, line = state.potential, "potential", PURPLE, "--"
        if not np.any(values):
            return
    shown, beside = panel(state, field), axis.twinx()
    _curve(beside, state, length, shown.values, color=colour, lw=1.3, ls=line)
    label(beside, shown.label + (", dotted" if line == ":" else ", dashed"))
