"""Pictures of results in three dimensions: profiles along the longest direction, and projected maps."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..analysis.spots import smooth_power
from ..analysis.states import LatticeState
from .axes import subplots
from .panels import Fields, mark, names_of, panel, placed, spots_of
from .shapes import bar, filled
from .style import BLUE, GREEN, PURPLE, Cmap, in_units, with_unit

# Coordinates closer than this part of the system's size are one cross section.
_SAME = 1e-6
# Points between a spot and the triangle that points at it, on a map.
_BESIDE = 8.0
# What adds up over a cross section; of all else the mean is shown.
_SUMS = ("power", "electron_power", "density", "density_difference")


def draw(state: LatticeState, *, axes: Any = None, fields: Fields = None, cmap: Cmap = None, legend: bool = True,
         spots: bool = True) -> Figure:
    """Fields of the cross sections along the longest direction, and the power projected along the other two.

    See `SteadyState.plot`; `fields` are shown as profiles, without maps.
    """
    names = names_of(fields, ("power", "mu", "map", "second map"))
    if axes is None:
        axes = _figure(state, len(names), fields)
    axes, names = placed(axes, names, fields)
    extent = np.ptp(state.positions, axis=0)
    factor, unit = in_units(extent, "length", state.units)
    along, *across = np.argsort(-extent, kind="stable")
    found = spots_of(state, spots)
    for axis, name in zip(axes, names, strict=True):
        if name.endswith("map"):
            shown = across[name == "second map"]
            _map(axis, state, (along, shown), sum(across) - shown, factor, cmap, found)
            axis.set_ylabel(with_unit(f"${'xyz'[shown]}$", unit))
        else:
            _profile(axis, state, name, along, factor, found, legend, fields is None)
        axis.set_xlabel(with_unit(f"${'xyz'[along]}$", unit))
    return axes[0].figure


def _figure(state, count, fields):
    """Profiles below each other, or two of them above two maps."""
    if fields is not None:
        return subplots(count, 1, sharex=True, layout="constrained", figsize=(6.4, 0.8 + 2.4 * count))[1]
    extent = np.sort(np.ptp(state.positions, axis=0))[::-1]
    high = np.clip(4.0 * extent[1] / extent[0] + 0.9, 1.3, 4.5)
    return subplots(2, 2, layout="constrained", figsize=(9.6, 3.2 + high), height_ratios=[3.2, high])[1]


def _profile(axis, state, name, along, factor, found, legend, with_potential):
    x, section = _groups(state.positions[:, [along]])
    shown, sums = panel(state, name), name in _SUMS
    values = np.bincount(section, shown.values) if sums else _means(shown.values, section)
    curve = values
    if name == "power":
        curve = np.bincount(section, shown.factor * smooth_power(state))
        axis.plot(factor * x, values, color=BLUE, alpha=0.4, lw=0.8, label="each cross section" if legend else None)
    axis.plot(factor * x, curve, color=BLUE if shown.is_signed else GREEN, lw=1.5,
              label="averaged" if name == "power" and legend else None)
    axis.set_title(f"{'sum' if sums else 'mean'} over the cross section", fontsize="medium", pad=14)
    axis.set_ylabel(shown.label.replace(" per site", ""))
    axis.ticklabel_format(axis="y", scilimits=(-3, 4))
    if shown.is_signed:
        axis.axhline(0, color="0.6", lw=0.6, zorder=0)
    if name == "power":
        mark(axis, found, lambda spot: (
            factor * np.ravel(spot.position)[along],
            (values if spot.is_single else curve)[np.argmin(np.abs(x - np.ravel(spot.position)[along]))]), legend)
        if legend and axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize="small")
    if name == "mu" and with_potential and state.density_difference is not None:
        energy, beside = panel(state, "potential"), axis.twinx()
        beside.plot(factor * x, _means(energy.values, section), color=PURPLE, lw=1.2, ls="--")
        beside.set_ylabel(f"{energy.label}, dashed")


def _map(axis, state, directions, summed, factor, cmap, found):
    places, column = _groups(state.positions[:, directions])
    power = np.bincount(column, state.power)
    scale, unit = in_units(power, "power", state.units)
    bonds = column[state.bonds]
    drawn = filled(axis, factor * places, scale * power, bonds[bonds[:, 0] != bonds[:, 1]], signed=True, cmap=cmap)
    bar(axis, drawn, f"power\n({unit})")
    mark(axis, found, lambda spot: factor * np.array(spot.position)[list(directions)], legend=False, beside=_BESIDE)
    axis.locator_params(axis="y", nbins=2)  # wires are thin
    axis.set_title(f"power, sum along ${'xyz'[summed]}$", fontsize="medium")


def _groups(coordinates):
    """The different places among the sites' coordinates, and which of them each site is at."""
    step = _SAME * np.ptp(coordinates, axis=0).max()
    _, first, group = np.unique(np.round(coordinates / step), axis=0, return_index=True, return_inverse=True)
    return np.squeeze(coordinates[first]), group.ravel()


def _means(values, section):
    """Mean over each cross section of what is known; nan where nothing is."""
    known = ~np.isnan(values)
    count = np.bincount(section[known], minlength=section.max() + 1)
    total = np.bincount(section[known], values[known], minlength=len(count))
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
