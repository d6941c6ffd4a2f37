"""Pictures of temperatures: along wires, over sheets, and as a tip sees them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

from .maps import patches
from .style import BLUE, VERMILION

# Units of a temperature, a power, a length, and what 1 in SI is in them.
_PREFIXES = ((1.0, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n"), (1e12, "p"), (1e15, "f"), (1e18, "a"))
# Lengths of a scale bar, in powers of ten.
_ROUND = (1, 2, 5)
# Part of a picture's width that a scale bar takes at most.
_BAR = 0.3
# What is colder than the substrate by this part of the hottest is worth colours of its own.
_COLD = 0.2
# Pictures of one colour map, for temperatures: light is hot, and what is not heated is dark.
HEAT = "inferno"
EXCESS = r"$T - T_\mathrm{substrate}$"


def scaled(values, unit):
    """Factor from SI, and name of the unit with the prefix that suits the largest value."""
    largest = np.nanmax(np.abs(values), initial=0.0)
    for factor, prefix in _PREFIXES:
        if largest * factor >= 1:
            return factor, prefix + unit
    return (1.0, unit) if largest == 0 else (factor, prefix + unit)


def field(shown, axes=None):
    """Temperature less the substrate's, and power: see `TemperatureField.plot`."""
    if axes is None:
        wide = shown.dimensions == 1 or np.ptp(shown.outline[..., 0]) > np.ptp(shown.outline[..., 1])
        shape = (2, 1) if wide else (1, 2)
        size = (6.4, 5.6) if wide else (9.6, 5.2)
        _, axes = plt.subplots(*shape, sharex=bool(wide), figsize=size, layout="constrained")
    if not hasattr(axes, "__len__") or len(axes) != 2:
        raise TypeError(f"axes must be two matplotlib axes, for the temperature and for the power, got {axes!r}.")
    moving = np.flatnonzero(np.ptp(shown.positions, axis=0) > 0)
    length, nm = scaled(np.ptp(shown.outline, axis=(0, 1)), "m")
    panels = ((shown.excess, EXCESS, "K", VERMILION, HEAT),
              (shown.heat, "power per site", "W", BLUE, "RdBu_r"))
    for axis, (values, label, unit, color, colors) in zip(axes, panels, strict=True):
        factor, name = scaled(values, unit)
        if shown.dimensions == 1:
            place = shown.positions[:, np.argmax(np.ptp(shown.positions, axis=0))]
            order = np.argsort(place)
            axis.plot(length * place[order], factor * values[order], color=color, lw=1.6,
                      marker=None if len(moving) == 1 else ".", ls="-" if len(moving) == 1 else "none")
            axis.axhline(0, color="0.6", lw=0.6, zorder=0)
            axis.set_ylabel(f"{label} ({name})")
        else:
            drawn = patches(axis, length * shown.positions[:, moving], factor * values, colors)
            axis.figure.colorbar(drawn, ax=axis, label=f"{label} ({name})", pad=0.02)
            axis.set(aspect="equal", ylabel=f"$y$ ({nm})")
    if shown.dimensions == 1:
        axes[-1].set_xlabel(f"position $x$ ({nm})")
    else:
        for axis in axes:
            axis.set_xlabel(f"$x$ ({nm})")
    return axes[0].figure


def image(shown, axis=None):
    """A scan line as a curve, a raster as a map: see `ThermalImage.plot`."""
    if axis is None:
        _, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    if shown.is_line:
        place, values = shown.line
        factor, unit = scaled(values, "K")
        axis.plot(place, factor * values, color=VERMILION, lw=1.6)
        axis.set(xlabel=f"tip position ${'x' if len(shown.y) == 1 else 'y'}$ (nm)", ylabel=f"{EXCESS} ({unit})")
        return axis.figure
    drawn, label = raster(shown, axis)
    axis.figure.colorbar(drawn, ax=axis, label=label, pad=0.02)
    return axis.figure


def raster(shown, axis, limits=None):
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
    limits = np.array((shown.values.min(), shown.values.max()) if limits is None else limits)
    factor, unit = scaled(limits, "K")
    low, high = factor * limits
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
