"""Pictures of sweeps: heat against a parameter and position, and where its spots are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ..analysis.spots import Spot
from ..analysis.states import State
from .axes import subplots
from .style import SPOT_MARKERS, in_units, with_unit


class Row(NamedTuple):
    """What is drawn of one point.

    Attributes
    ----------
    value : float
        Of the parameter.
    curves : list of (array of float, array of float)
        Positions, growing, and power of each wire.
    spots : list of Spot
    """

    value: float
    curves: list[tuple[np.ndarray, np.ndarray]]
    spots: list[Spot]


def draw(rows: Sequence[Row], parameter: str, state: State, title: str = "", unit: str = "") -> Figure:
    """Power as an image over position and a parameter, above the positions of heat and cold spots as lines.

    Parameters
    ----------
    rows : list of Row
        In the order of their values.
    parameter : str
        Name of what is varied.
    state : SteadyState or KineticState
        One of the points, for units.
    title : str
    unit : str
        Of what is varied.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (image, lines) = subplots(2, 1, sharex=True, figsize=(6.4, 6.6), layout="constrained")
    edges = _edges(np.array([row.value for row in rows]))
    length, metre = in_units(np.ptp(state.coordinate), "length", state.units)
    watts, watt = in_units(np.concatenate([power for row in rows for _, power in row.curves]),
                           "power" if state.power_per == "site" else "power per length", state.units)
    largest = watts * max(np.abs(power).max() for row in rows for _, power in row.curves) or 1.0
    for row, low, high in zip(rows, edges[:-1], edges[1:], strict=True):
        for x, power in row.curves:
            drawn = image.pcolormesh(length * _edges(x), [low, high], watts * power[None], cmap="RdBu_r",
                                     vmin=-largest, vmax=largest, rasterized=True)
    what = f"power per {state.power_per}" if state.is_line else "power per cross section"
    figure.colorbar(drawn, ax=image, label=with_unit(what, watt))
    for kind, (marker, color, label) in SPOT_MARKERS.items():
        # What lies at the ends of wires stays where it is.
        found = [[spot for spot in row.spots if spot.kind == kind and not spot.is_end] for row in rows]
        for wire in sorted({spot.wire for spots in found for spot in spots}):
            # The most prominent one of each wire is followed by a line.
            best = [max((spot for spot in spots if spot.wire == wire), key=lambda spot: spot.prominence, default=None)
                    for spots in found]
            lines.plot([np.nan if spot is None else length * _position(spot, state) for spot in best],
                       [row.value for row in rows], color=color, lw=1.4)
        points = [(length * _position(spot, state), row.value) for row, spots in zip(rows, found, strict=True)
                  for spot in spots]
        if points:
            lines.plot(*np.transpose(points), marker, color=color, ms=5, mec="black", mew=0.4, ls="none", label=label)
    if lines.get_legend_handles_labels()[0]:
        lines.legend(frameon=False, fontsize="small")
    else:
        lines.text(0.5, 0.5, "no heat or cold spots inside the wires", ha="center", transform=lines.transAxes)
    for axis in (image, lines):
        axis.set(ylabel=with_unit(parameter.replace("_", " "), unit), ylim=(edges[0], edges[-1]))
    image.set_title(title or None)
    lines.set_xlabel(with_unit("position $x$", metre))
    return figure


def _position(spot, state):
    """Along the axis of the image."""
    if not isinstance(spot.position, tuple):
        return spot.position
    return spot.position[int(np.argmax(np.ptp(state.positions, axis=0)))]


def _edges(values):
    """Between neighbouring values, and as far beyond the outer ones."""
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    middle = 0.5 * (values[1:] + values[:-1])
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
