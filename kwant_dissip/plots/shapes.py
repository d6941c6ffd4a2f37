"""What values at sites look like: filled cells of a plane, coloured lines of a network of wires, and their bars."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection, LineCollection, PolyCollection
from matplotlib.colorbar import Colorbar
from matplotlib.transforms import Bbox
from mpl_toolkits.axes_grid1 import make_axes_locatable
from scipy.spatial import KDTree

from ..numerics.cells import is_net, voronoi
from .style import Cmap, colours

# Colour of sites whose value is not known.
_UNKNOWN = "0.85"
# Positions closer than this part of a plane's size are one place.
_SAME = 1e-6
# More cells than this are an image in a vector picture.
_MOST_POLYGONS = 3000
# Neighbours where hoppings are not known, in nearest distances.
_NEAR = 1.2
# Width of wires, points; of a colour bar, in parts of its panel, or inches.
_WIRE, _BAR, _BAR_INCHES = 5.0, 0.025, 0.1


def filled(axis: Axes, positions: np.ndarray, values: np.ndarray, bonds: np.ndarray | None = None, *,
           signed: bool = False, cmap: Cmap = None, limits: tuple[float, float] | None = None) -> Collection:
    """Draw values at the sites of a plane: each site's cell, or the wires if the sites form a net of them.

    Parameters
    ----------
    axis : matplotlib axis
    positions : array of float, shape (sites, 2)
    values : array of float, shape (sites,)
        Grey where nan.
    bonds : array of int, shape (bonds, 2), optional
        Sites next to each other; by default those at the smallest distance.
    signed : bool
        Colours around 0, or from 0 on, see `style.colours`.
    cmap : str or matplotlib colour map, optional
    limits : (float, float), optional
        Values at the ends of the colours.

    Returns
    -------
    matplotlib collection
        For a colour bar.
    """
    positions, values, bonds = _places(np.asarray(positions, float), np.asarray(values, float), bonds)
    chosen, ends = colours(values, signed, cmap, limits)
    known = np.isfinite(values)
    collection, pieces, margin = _wires(positions, bonds) if is_net(bonds, len(positions)) else \
        _cells(positions, bonds)
    for shown, style in ((~known, {"color": _UNKNOWN}), (known, {"array": values[known], "cmap": chosen})):
        drawn = collection([pieces[i] for i in np.flatnonzero(shown)], **style)
        axis.add_collection(drawn, autolim=False)
    drawn.set_clim(*ends)
    corners = np.concatenate([np.reshape(piece, (-1, 2)) for piece in pieces])
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    return drawn


def bar(axis: Axes, drawn: ScalarMappable, label: str, **options: Any) -> Colorbar:
    """A colour bar as tall as its panel.

    Parameters
    ----------
    axis : matplotlib axis
    drawn : matplotlib artist
    label : str
    **options
        Of `Figure.colorbar`.

    Returns
    -------
    matplotlib.colorbar.Colorbar
    """
    if axis.figure.get_layout_engine() is None:  # takes its room from the panel
        beside = make_axes_locatable(axis).append_axes("right", size=_BAR_INCHES, pad=0.6 * _BAR_INCHES)
    else:
        beside = axis.inset_axes((1 + 0.6 * _BAR, 0, _BAR, 1))
        axis.child_axes.remove(beside)  # to be among the figure's axes instead, as other colour bars are
        axis.figure.add_axes(beside)
        axis.figure.sca(axis)
        axis.add_artist(_Room(beside)).set_clip_on(False)
    made = axis.figure.colorbar(drawn, cax=beside, **options)
    made.ax.yaxis.set_offset_position("left")  # a power of ten over the bar, not over the panel
    made.formatter.set_locs(made.get_ticks().tolist())
    # A label longer than its bar goes on below, or it would run into the power of ten.
    made.set_label(label, loc="top" if made.formatter.get_offset() else "center")
    return made


class _Room(Artist):
    """Nothing to see: tells the layout of a panel that a bar beside it needs room.

    Parameters
    ----------
    beside : matplotlib axis
    """

    def __init__(self, beside: Axes) -> None:
        super().__init__()
        self._beside = beside

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        return self._beside.get_window_extent(renderer)

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox | None:
        return self._beside.get_tightbbox(renderer)


def neighbours(positions: np.ndarray) -> np.ndarray:
    """Pairs of sites at the smallest distance: array of int, shape (bonds, 2)."""
    if len(positions) < 2:
        return np.empty((0, 2), int)
    nearest, _ = KDTree(positions).query(positions, k=2)
    return KDTree(positions).query_pairs(_NEAR * np.median(nearest[:, 1]), output_type="ndarray")


def _places(positions, values, bonds):
    """Different places, with the last value at each, and their bonds once each."""
    step = _SAME * (np.ptp(positions, axis=0).max() or 1.0)
    _, first, place = np.unique(np.round(positions / step), axis=0, return_index=True, return_inverse=True)
    places = positions[first]
    if bonds is None or len(bonds) == 0:
        return places, values[first], neighbours(places)
    pairs = np.unique(np.sort(place.ravel()[np.asarray(bonds)], axis=1), axis=0)
    return places, values[first], pairs[pairs[:, 0] != pairs[:, 1]]


def _cells(positions, bonds):
    """Cells of all sites: what draws them, their corners, and the margin around."""
    scale = np.median(np.linalg.norm(positions[bonds[:, 1]] - positions[bonds[:, 0]], axis=1))
    found = voronoi(positions / scale, bonds)
    pieces = []
    for site, position in enumerate(positions):
        region = found.regions[found.point_region[site]]
        if not region or min(region) < 0:  # nothing closes it
            pieces.append(position + 0.5 * scale * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]))
            continue
        corners = scale * found.vertices[region]
        pieces.append(corners[np.argsort(np.arctan2(*(corners - position).T))])

    def collection(polygons, color=None, **style):
        style = {"facecolors": color, **style} if color else style
        # Edges of the same colour, or hairlines of the background show between the cells.
        return PolyCollection(polygons, edgecolors=color or "face", linewidths=0.3,
                              rasterized=len(pieces) > _MOST_POLYGONS, **style)

    return collection, pieces, 0.02 * np.ptp(positions, axis=0).max()


def _wires(positions, bonds):
    """Halves of all bonds of each site likewise."""
    site, other = np.concatenate([bonds, bonds[:, ::-1]]).T
    halves = np.stack([positions[site], 0.5 * (positions[site] + positions[other])], axis=1)
    order = np.argsort(site, kind="stable")
    pieces = np.split(halves[order], np.cumsum(np.bincount(site, minlength=len(positions)))[:-1])
    pieces = [piece if len(piece) else np.repeat(position[None, None], 2, axis=1)
              for piece, position in zip(pieces, positions, strict=True)]

    def collection(chosen, array=None, **style):
        counts = [len(piece) for piece in chosen]
        if array is not None:
            style["array"] = np.repeat(array, counts)
        lines = list(np.concatenate(chosen)) if chosen else []
        return LineCollection(lines, linewidths=_WIRE, capstyle="round", **style)

    return collection, pieces, 0.09 * np.ptp(positions, axis=0).max()
