"""Pictures of results on planar systems: maps over the sites, and arrows for the current."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..analysis.states import LatticeState
from .axes import over_plane
from .panels import Fields, mark, names_of, panel, placed, spots_of
from .shapes import bar, filled
from .style import Cmap, in_lines, in_units, with_unit

# Arrows along the longer side of a map, and the least of the longest that is drawn.
_ARROWS, _SHORT = 18, 0.04
# Length of the stubs of leads on a network, in parts of its size.
_STUB = 0.07
# Points between a spot and the triangle that points at it.
_BESIDE = 8.0


def draw(state: LatticeState, *, axes: Any = None, fields: Fields = None, cmap: Cmap = None, legend: bool = True,
         spots: bool = True, arrows: bool = False) -> Figure:
    """Fields over a planar system, see `SteadyState.plot`.

    By default power, electrochemical potential, temperature of the electrons and electrostatic energy, what there is
    of them; the density where no bath fixes a chemical potential.
    """
    plane = np.flatnonzero(np.ptp(state.positions, axis=0))
    factor, unit = in_units(np.ptp(state.positions, axis=0), "length", state.units)
    positions = factor * state.positions[:, plane]
    names = names_of(fields, _defaults(state))
    if arrows and "current" not in names:
        names.insert(1, "current")
    if axes is None:
        axes = over_plane(positions, len(names))
    axes, names = placed(axes, names, fields)
    found = spots_of(state, spots)
    for axis, name in zip(axes, names, strict=True):
        if name == "current":
            _current(axis, state, positions)
        else:
            shown = panel(state, name)
            drawn = filled(axis, positions, shown.values, state.bonds, signed=shown.is_signed, cmap=cmap)
            bar(axis, drawn, in_lines(shown.label))
        _leads(axis, state, positions, plane)
        if name == "power":
            mark(axis, found, lambda spot: factor * np.array(spot.position)[plane], legend, _BESIDE)
            if legend and axis.get_legend_handles_labels()[0]:
                # Below the coordinate: above is the place of titles.
                axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=3.4, frameon=False,
                            fontsize="small", handletextpad=0.2, columnspacing=1, ncols=2)
        axis.set(**{f"{'xy'[i]}label": with_unit(f"${'xyz'[coordinate]}$", unit)
                    for i, coordinate in enumerate(plane)})
    return axes[0].figure


def _defaults(state):
    names = []
    if not np.all(np.isnan(state.mu)):
        names.append("power")
    if not np.all(np.isnan(state.local_mu)):
        names.append("mu")
    if not np.all(np.isnan(state.electron_temperature)):
        names.append("electron_temperature")
    names = names or ["density"]
    return names + ["potential"] * (state.density_difference is not None)


def _leads(axis, state, positions, plane):
    """Where leads go on from a network of wires: dotted stubs."""
    if state.contacts is None or not axis.collections or not hasattr(axis.collections[-1], "get_segments"):
        return
    length = _STUB * np.ptp(positions, axis=0).max()
    for lead, site in state.contacts:
        start = positions[site]
        axis.plot(*np.transpose([start, start + length * state.lead_directions[lead][plane]]), color="0.5", lw=2,
                  ls=":", zorder=0)


def _current(axis, state, positions):
    """Arrows, each the mean of the sites in a square, over the outline of the system."""
    filled(axis, positions, np.full(len(positions), np.nan), state.bonds)
    first, second = state.bonds.T
    flow = 0.5 * state.bond_current[:, None] * (positions[second] - positions[first])
    vectors = np.zeros_like(positions)
    np.add.at(vectors, first, flow)
    np.add.at(vectors, second, flow)
    size = np.ptp(positions, axis=0).max() / _ARROWS
    _, square = np.unique(np.floor((positions - positions.min(axis=0)) / size), axis=0, return_inverse=True)
    square = square.ravel()
    count = np.bincount(square)
    middle, mean = (np.stack([np.bincount(square, part) / count for part in array.T])
                    for array in (positions, vectors))
    length = np.hypot(*mean)
    shown = length >= _SHORT * length.max()
    axis.quiver(*middle[:, shown], *mean[:, shown], color="black", pivot="mid", width=0.004, zorder=4,
                scale=length.max() / (1.1 * size), scale_units="xy", angles="xy")
    axis.text(1.02, 0.5, "current", rotation=90, va="center", transform=axis.transAxes)
