"""Colours, markers and units that all pictures share."""

import numpy as np

# Okabe and Ito's colours, told apart by colour-blind readers.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SPOT_MARKERS = {"heat": ("^", VERMILION, "heat spot"), "cold": ("v", BLUE, "cold spot")}
# Of each kind of quantity: the model's unit, and SI's.
_UNITS = {"power": (r"$E_0^2/\hbar$", "W"), "power per length": (r"$E_0^2/\hbar$ / lattice unit", "W/m"),
          "energy": ("$E_0$", "eV"), "temperature": ("$E_0$", "K"), "length": ("lattice unit", "m"),
          "current": (r"$E_0/\hbar$", "A"), "force": ("$E_0$ / lattice unit", "eV/m"), "number": ("", "")}
_PREFIXES = ((1.0, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n"), (1e12, "p"), (1e15, "f"), (1e18, "a"))
# Power where it is of one sign is white at 0, as where it is of both.
_BOTH, _WARM, _COLD, _NEUTRAL = "RdBu_r", "Reds", "Blues_r", "cividis"
# What is below 0 by this part of the largest is more than a rest of rounding.
_NEGATIVE = 1e-3


def scaled(values, unit):
    """Factor from SI, and name of the unit with the prefix that suits the largest value."""
    largest = np.nanmax(np.abs(values), initial=0.0)
    for factor, prefix in _PREFIXES:
        if largest * factor >= 1:
            return factor, prefix + unit
    return (1.0, unit) if largest == 0 else (factor, prefix + unit)


def in_units(values, kind, units):
    """Factor and name of the unit to show values of a kind ("power", "energy", ...) in.

    Parameters
    ----------
    values : array of float
    kind : str
        See `results.fields`.
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


def with_unit(label, unit):
    """An axis label."""
    return f"{label} ({unit})" if unit else label


def colours(values, signed, cmap=None):
    """Colour map, and the values at its ends: around 0 where `signed` values lie on both sides, else from 0 on."""
    known = values[np.isfinite(values)]
    if not len(known):
        return cmap or _NEUTRAL, (0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    if not signed:
        return cmap or _NEUTRAL, (low, high if high > low else low + 1)
    largest = max(high, -low) or 1.0
    if low >= -_NEGATIVE * largest:
        return cmap or _WARM, (0.0, largest)
    if high <= _NEGATIVE * largest:
        return cmap or _COLD, (-largest, 0.0)
    return cmap or _BOTH, (-largest, largest)
