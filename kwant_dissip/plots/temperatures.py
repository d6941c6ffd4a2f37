"""Pictures of temperatures: along wires, over sheets, and as a tip sees them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, SubFigure

from .axes import over_plane, subplots
from .panels import Fields, label_abscissa, names_of, placed
from .shapes import bar, filled
from .style import BLUE, VERMILION, Cmap, scaled

# Lengths of a scale bar, in powers of ten.
_ROUND = (1, 2, 5)
# Part of a picture's width that a scale bar takes at most.
_BAR = 0.3
# What is colder than the substrate by this part of the hottest is worth colours of its own.
_COLD = 0.2
# Pictures of one colour map, for temperatures: light is hot, and what is not heated is dark.
HEAT = "inferno"
EXCESS = r"$T - T_\mathrm{substrate}$"


def field(shown: Any, axes: Any = None, *, fields: Fields = None, cmap: Cmap = None) -> Figure:
    """Temperature less the substrate's, and power: see `TemperatureField.plot`."""
    known = {"excess": (EXCESS, "K", VERMILION, HEAT), "temperature": ("$T$", "K", VERMILION, HEAT),
             "heat": ("power per site", "W", BLUE, None), "to_substrate": ("power to substrate", "W", BLUE, None)}
    names = names_of(fields, ("excess", "heat"))
    for name in names:
        if name not in known:
            raise ValueError(f"fields must be of {', '.join(known)}, got {name!r}.")
    moving = np.flatnonzero(np.ptp(shown.positions, axis=0) > 0)[:2]
    is_line = len(moving) <= 1
    if axes is None and not is_line:
        axes = over_plane(shown.positions[:, moving], len(names))
    elif axes is None:
        _, axes = subplots(len(names), 1, sharex=True, figsize=(6.4, 0.8 + 2.4 * len(names)), layout="constrained")
    axes, names = placed(axes, names, fields)
    length, nm = scaled(np.ptp(shown.outline, axis=(0, 1)), "m")
    for axis, name in zip(axes, names, strict=True):
        label, unit, colour, colours = known[name]
        values = getattr(shown, name)
        factor, unit = scaled(values, unit)
        if is_line:
            place = shown.positions[:, np.argmax(np.ptp(shown.positions, axis=0))]
            order = np.argsort(place)
            axis.plot(length * place[order], factor * values[order], color=colour, lw=1.6)
            if name != "temperature":
                axis.axhline(0, color="0.6", lw=0.6, zorder=0)
            axis.set_ylabel(f"{label} ({unit})")
        else:
            drawn = filled(axis, length * shown.positions[:, moving], factor * values, shown.links,
                           signed=colours is None, cmap=cmap or colours)
            bar(axis, drawn, f"{label}\n({unit})")
            axis.set(xlabel=f"${'xyz'[moving[0]]}$ ({nm})", ylabel=f"${'xyz'[moving[1]]}$ ({nm})")
    if is_line:
        label_abscissa(axes, f"position $x$ ({nm})")
    return axes[0].figure


def image(shown: Any, axis: Axes | None = None) -> Figure | SubFigure:
    """A scan line as a curve, a raster as a map: see `ThermalImage.plot`."""
    if axis is None:
        _, axis = subplots(figsize=(6.4, 3.6), layout="constrained")
    if shown.is_line:
        place, values = shown.line
        factor, unit = scaled(values, "K")
        axis.plot(place, factor * values, color=VERMILION, lw=1.6)
        axis.set(xlabel=f"tip position ${'x' if len(shown.y) == 1 else 'y'}$ (nm)", ylabel=f"{EXCESS} ({unit})")
        return axis.figure
    drawn, label = raster(shown, axis)
    bar(axis, drawn, label)
    return axis.figure


def raster(shown: Any, axis: Axes, limits: tuple[float, float] | None = None) -> tuple[ScalarMappable, str]:
    """A map with the sample's outline and a scale bar.

    Parameters
    ----------
    shown : ThermalImage
    axis : matplotlib axis
    limits : (float, float), optional
        Values in K at the ends of the colours; by default the lowest and the highest.

    Returns
    -------
    drawn : matplotlib artist
        For a colour bar.
    label : str
        Of that.
    """
    low, high = limits or (shown.values.min(), shown.values.max())
    factor, unit = scaled([low, high], "K")
    low, high = factor * low, factor * high
    colors, line = HEAT, "white"
    if low < -_COLD * high:
        colors, line, high = "RdBu_r", "black", max(-low, high)
        low = -high
    drawn = axis.pcolormesh(shown.x, shown.y, factor * shown.values, cmap=colors, shading="nearest", vmin=low,
                            vmax=high, rasterized=True)
    edges = [(values[0] - 0.5 * (values[1] - values[0]), values[-1] + 0.5 * (values[-1] - values[-2]))
             for values in (shown.x, shown.y)]
    axis.add_collection(LineCollection(shown.outline, colors=line, linewidths=0.8, alpha=0.8), autolim=False)
    axis.set(aspect="equal", xlabel="$x$ (nm)", ylabel="$y$ (nm)", xlim=edges[0], ylim=edges[1])
    _scale_bar(axis, line)
    return drawn, f"{EXCESS} ({unit})"


def _scale_bar(axis, color):
    """A round length in the lower left corner."""
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    longest = _BAR * (right - left)
    length = max(step * 10.0 ** np.floor(np.log10(longest / step)) for step in _ROUND)
    left, bottom = left + 0.04 * (right - left), bottom + 0.12 * (top - bottom)
    axis.plot([left, left + length], [bottom, bottom], color=color, lw=3, solid_capstyle="butt")
    axis.annotate(f"{length:g} nm", (left + 0.5 * length, bottom), xytext=(0, 4), textcoords="offset points",
                  color=color, ha="center", va="bottom", fontsize="small")
