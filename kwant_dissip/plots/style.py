"""Colours, markers and units that all pictures share."""

from textwrap import wrap

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap
from numpy.typing import ArrayLike

Cmap = str | Colormap | None
# Okabe and Ito's colours, told apart by colour-blind readers.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SPOT_MARKERS = {"heat": ("^", VERMILION, "heat spot"), "cold": ("v", BLUE, "cold spot")}
# Of each kind of quantity: the model's unit, and SI's.
_UNITS = {"power": (r"$E_0^2/\hbar$", "W"), "power per length": (r"$E_0^2/\hbar$ / lattice unit", "W/m"),
          "energy": ("$E_0$", "eV"), "temperature": ("$E_0$", "K"), "length": ("lattice unit", "m"),
          "current": (r"$E_0/\hbar$", "A"), "force": ("$E_0$ / lattice unit", "eV/m"), "number": ("", ""),
          "electrons": ("", "")}
_PREFIXES = ((1.0, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n"), (1e12, "p"), (1e15, "f"), (1e18, "a"))
# Power where it is of one sign is white at 0, as where it is of both.
_BOTH, _WARM, _COLD, _NEUTRAL = "RdBu_r", "Reds", "Blues_r", "cividis"
# Matplotlib's maps with a middle.
_DIVERGING = ("PiYG", "PRGn", "BrBG", "PuOr", "RdGy", "RdBu", "RdYlBu", "RdYlGn", "Spectral", "coolwarm", "bwr",
              "seismic", "berlin", "managua", "vanimo")
# What is below 0 by this part of the largest is more than a rest of rounding.
NEGATIVE = 1e-3
# Characters in a line of a label beside a panel.
_LINE = 26


def scaled(values: ArrayLike, unit: str) -> tuple[float, str]:
    """Factor from SI, and name of the unit with the prefix that suits the largest value."""
    largest = np.nanmax(np.abs(values), initial=0.0)
    for factor, prefix in _PREFIXES:
        if largest * factor >= 1:
            return factor, prefix + unit
    return (1.0, unit) if largest == 0 else (factor, prefix + unit)


def in_units(values: ArrayLike, kind: str, units: str) -> tuple[float, str]:
    """Factor and name of the unit to show values of a kind ("power", "energy", ...) in.

    Parameters
    ----------
    values : array of float
    kind : str
        See `store.fields`.
    units : str
        "model" or "SI": of the values.

    Returns
    -------
    factor : float
    unit : str
        Empty for a number.
    """
    model, si = _UNITS[kind]
    return scaled(values, si) if units == "SI" and si else (1.0, model)


def with_unit(label: str, unit: str) -> str:
    """An axis label."""
    return f"{label} ({unit})" if unit else label


def in_lines(label: str) -> str:
    """A label of lines short enough for the side of a panel."""
    return "\n".join(wrap(label, _LINE))


def colours(values: np.ndarray, signed: bool, cmap: Cmap = None,
            limits: tuple[float, float] | None = None) -> tuple[str | Colormap, tuple[float, float]]:
    """Colour map, and the values at its ends.

    Parameters
    ----------
    values : array of float
    signed : bool
        Whether 0 is white: in the middle of the map if the values lie on both sides, of which the part that they reach
        is taken, else at one end.
    cmap : str or matplotlib colour map, optional
    limits : (float, float), optional
        Instead of the lowest and the highest of the values.
    """
    known = values[np.isfinite(values)]
    low, high = limits or ((float(known.min()), float(known.max())) if len(known) else (0.0, 1.0))
    if not signed:
        return cmap or _NEUTRAL, (low, high if high > low else low + 1)
    largest = max(high, -low) or 1.0
    if low >= -NEGATIVE * largest:
        return cmap or _WARM, (0.0, largest)
    if high <= NEGATIVE * largest:
        return cmap or _COLD, (-largest, 0.0)
    both = colormaps.get_cmap(cmap or _BOTH)
    if both.name.removesuffix("_r") not in _DIVERGING:
        return both, (low, high)
    part = both(np.linspace(0.5 + 0.5 * low / largest, 0.5 + 0.5 * high / largest, 256))
    return ListedColormap(part), (low, high)
