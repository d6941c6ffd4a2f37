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
# Pictures of one colour map, for temperatures: light is hot, and what is not heated is dark.
HEAT = "inferno"


def scaled(values, unit):
    """Factor from SI, and name of the unit with the prefix that suits the largest value."""
    largest = np.abs(values).max(initial=0.0)
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
    panels = ((shown.excess, "$T - T_\\mathrm{substrate}$", "K", VERMILION, HEAT),
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


def image(shown, axis=None, *, limits=None):
    """A scan line as a curve, a raster as a map with the sample's outline and a scale bar: see `ThermalImage.plot`.

    Parameters
    ----------
    shown : ThermalImage
    axis : matplotlib axis, optional
    limits : (float, float), optional
        Values in K at the ends of the colour map; by default those of the image.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if axis is None:
        _, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    factor, unit = scaled(shown.values if limits is None else np.array(limits), "K")
    label = f"$T - T_\\mathrm{{substrate}}$ ({unit})"
    if shown.is_line:
        place, values = shown.line
        axis.plot(place, factor * values, color=VERMILION, lw=1.6)
        axis.set(xlabel=f"tip position ${'x' if len(shown.y) == 1 else 'y'}$ (nm)", ylabel=label)
        return axis.figure
    low, high = (None, None) if limits is None else (factor * limits[0], factor * limits[1])
    drawn = axis.pcolormesh(shown.x, shown.y, factor * shown.values, cmap=HEAT, shading="nearest", vmin=low, vmax=high,
                            rasterized=True)
    axis.figure.colorbar(drawn, ax=axis, label=label, pad=0.02)
    frame = axis.axis()
    axis.add_collection(LineCollection(shown.outline, colors="white", linewidths=0.8, alpha=0.8), autolim=False)
    axis.axis(frame)
    axis.set(aspect="equal", xlabel="$x$ (nm)", ylabel="$y$ (nm)")
    _scale_bar(axis, np.ptp(shown.x), np.ptp(shown.y))
    return axis.figure


def _scale_bar(axis, wide, high):
    """A round length in the lower left corner."""
    longest = _BAR * wide
    length = max(step * 10.0 ** np.floor(np.log10(longest / step)) for step in _ROUND)
    left, bottom = axis.get_xlim()[0] + 0.04 * wide, axis.get_ylim()[0] + 0.1 * high
    axis.plot([left, left + length], [bottom, bottom], color="white", lw=3, solid_capstyle="butt")
    axis.annotate(f"{length:g} nm", (left + 0.5 * length, bottom), xytext=(0, 4), textcoords="offset points",
                  color="white", ha="center", va="bottom", fontsize="small")
