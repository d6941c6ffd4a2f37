"""Heat spots and cold spots: where the power is highest or lowest, beyond what standing waves do."""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.signal import find_peaks
from scipy.spatial import KDTree

from ..notebook import html
from .smoothing import average, average_nearby, check_window
from .states import LatticeState, State, check_state

_KINDS = (("heat", 1), ("cold", -1))
# A window is at most this part of the wire: a profile along a line loses one at each end.
_LINE, _GRAPH = 1 / 4, 1 / 3
# How far from the wire's median ends are, and what no saddle measures, in parts of the range: an end also half as far
# as the farthest on the other side of the median. The hot end of a decay is, its far end is not.
_BEYOND, _OPPOSITE = 0.1, 0.5
# A site is hot by itself if it differs from the median around it by this many times what all others but one there do.
# Of a standing wave and of noise its crests are alike.
_ALONE = 3.0
# Sites around one that this is taken over, least and most.
_FEWEST, _MOST = 8, 48
# Fewer coupled sites than this have nothing to be compared with.
_FEWEST_OF_WIRE = 3
_PROMINENCE = 0.02


@dataclass(frozen=True)
class Spot:
    """A maximum ("heat") or minimum ("cold") of the power; a minimum may lie above 0.

    Attributes
    ----------
    kind : str
        "heat" or "cold".
    wire : int
        Number of the wire, as in `SteadyState.wire`.
    position : float, or tuple of float
        Coordinate along the wire, or in a plane or solid all coordinates of the site, in the model's length unit.
    power : float
        Power there, per length in the kinetic theory, on a lattice per site: that of the site if it `is_single`, else
        averaged; at the end of a wire along a line over the last two windows.
    prominence : float
        Height above the higher of the two adjacent minima (for cold spots: depth), at an end above the adjacent one; in
        a plane or solid above the highest saddle on the way to a higher place, or above the lowest place where there
        is none. Of a single site: difference from the median around it.
    is_end : bool
        Whether it is at the end of a wire: next to a lead, or to a scatterer without a bath. In a plane or solid: at
        its edge or surface.
    is_single : bool
        Whether it is one site (or a few) that stands out from the standing waves around it.
    """

    kind: str
    wire: int
    position: float | tuple[float, ...]
    power: float
    prominence: float
    is_end: bool = False
    is_single: bool = False


class Spots(list[Spot]):
    """A list of `Spot`.

    Attributes
    ----------
    reason : str or None
        Why the list is empty; None where it is not.
    """

    def __init__(self, spots: Iterable[Spot] = (), reason: str | None = None) -> None:
        super().__init__(spots)
        self.reason = None if self else reason

    def _repr_html_(self) -> str:
        if not self:
            return html("No heat or cold spots", {"why": self.reason or "an empty list"})
        rows = [("kind", "wire", "position", "power", "prominence", "")]
        for spot in self:
            place = ", ".join(f"{value:.4g}" for value in np.atleast_1d(spot.position))
            remarks = ", ".join(word for word, holds in (("an end", spot.is_end), ("a single site", spot.is_single))
                                if holds)
            rows.append((spot.kind, str(spot.wire), place, f"{spot.power:.4g}", f"{spot.prominence:.4g}", remarks))
        return html(f"Spots: {len(self)}", rows)


def heat_spots(state: State, *, window: float | None = None, prominence: float = _PROMINENCE) -> Spots:
    """Where the power is highest and lowest: inside of wires, at their ends, and on single sites.

    Parameters
    ----------
    state : SteadyState or KineticState
    window : float, optional
        Length to average a lattice's power over (see `SteadyState.profile`). By default the largest Fermi wavelength
        of the leads (the standing waves near a scatterer have half of it as their period), but at most a quarter of
        a wire along a line, a third of other ones.
    prominence : float, optional
        Smallest prominence of a spot, as a fraction of the range of the power in its wire, 0 included.

    Returns
    -------
    Spots
        A list of `Spot`, ordered by wire and position. Where it is empty, its `reason` says why.

    Raises
    ------
    TypeError
        If `state` is no state.
    ValueError
        If `window` is not positive, or `prominence` not between 0 and 1, or the sites of a line are not equally spaced.

    Notes
    -----
    A wire is a connected piece of coupled sites. In each of them

    1. a site is a single spot if it differs from the median of its surroundings (within `window`) by three times what
       all others but one differ there from theirs. It is left out of what follows;
    2. the rest is averaged over `window`. What is highest (lowest) within `window` and stands out by `prominence` is a
       spot. On a line, what is narrower than `window` at half of its prominence is a rest of a standing wave, and left
       out;
    3. an end (an edge of a plane, the surface of a solid) counts if it also differs from the wire's median by a tenth
       of the range, and by half of what the power does on the other side of the median: the hot end next to a
       scatterer does, the end of the decay from there does not. In a plane or solid the highest and the lowest place
       must differ by a tenth, too, and all places where `window` is less than the Fermi wavelength.

    One or two coupled sites by themselves are single spots, if their power is `prominence` of the largest in all wires.
    """
    check_state("Heat spots are those of", state)
    check_window(window)
    if not (isinstance(prominence, Real) and not isinstance(prominence, bool) and 0 <= prominence <= 1):
        raise ValueError(f"prominence must be a fraction between 0 and 1, got {prominence!r}.")
    find = _on_graph if not state.is_line else _on_line if state.averages else _on_curve
    spots = [spot for wire in range(state.wires) for spot in find(state, wire, window, prominence)]
    return Spots(sorted(spots, key=lambda spot: (spot.wire, spot.position)), _reason(state, prominence))


def smooth_power(state: LatticeState) -> np.ndarray:
    """The power that spots of a plane or solid are looked for in: without single sites, averaged over the window."""
    smooth = np.array(state.power)
    for wire in range(state.wires):
        chosen = np.flatnonzero(state.wire == wire)
        if len(chosen) >= _FEWEST_OF_WIRE:
            positions = state.positions[chosen]
            window = _window(state, positions, None, _GRAPH)
            rest, _ = _single(positions, smooth[chosen], window, _PROMINENCE)
            smooth[chosen] = average_nearby(positions, rest, window)
    return smooth


def _reason(state, prominence):
    """What can be said of a power without spots."""
    if state.wires == 0:
        return "No site is coupled to a bath: there is no power."
    power = state.power
    low, high = power.min(), power.max()
    if low == high == 0:
        return "The power is 0 everywhere."
    return (f"The power, from {low:.4g} to {high:.4g} per {state.power_per}, has no maximum or minimum inside of a "
            f"wire that stands out by prominence={prominence:g} of its range, and no end that stands out.")


def _on_curve(state, wire, window, prominence):
    curves = state.along(wire, window)
    yield from _extrema(wire, curves.x, curves.power, curves.x[[0, -1]], prominence)


def _on_line(state, wire, window, prominence):
    x, power = state.points(wire)[:2]
    if len(x) < _FEWEST_OF_WIRE:
        yield from _island(state, wire, prominence)
        return
    window = _window(state, x[:, None], window, _LINE)
    rest, single = _single(x[:, None], power, window, prominence)
    for i, height in single:
        yield Spot("heat" if height > 0 else "cold", wire, float(x[i]), float(power[i]), abs(height),
                   is_end=bool(i in (0, len(x) - 1)), is_single=True)
    at, smooth = average(x, rest, window)
    if len(at) > 2:
        yield from _extrema(wire, at, smooth, x[[0, -1]], prominence, resolution=window / (at[1] - at[0]))


def _extrema(wire, x, power, ends, prominence, resolution=None):
    """Spots of a smooth curve, and at its ends."""
    least, last = _least(prominence, power), 1 if resolution is None else int(np.ceil(resolution))
    for kind, sign in _KINDS:
        peaks, properties = find_peaks(sign * power, prominence=least, width=resolution)
        for i, height in zip(peaks, properties["prominences"], strict=True):
            yield Spot(kind, wire, float(x[i]), float(power[i]), float(height))
        for end, inwards, taken in ((0, power, peaks), (1, power[::-1], len(x) - 1 - peaks)):
            # The rest of a standing wave may lie lower at the very end.
            top = int(np.argmax(sign * inwards[:last]))
            height = sign * inwards[top:]
            higher = np.flatnonzero(height > height[0])
            prominent = height[0] - height[:higher[0] if len(higher) else None].min()
            if prominent >= least and _stands_out(inwards[top], power, sign, True) and not np.any(taken < last):
                yield Spot(kind, wire, float(ends[end]), float(inwards[top]), float(prominent), is_end=True)


def _on_graph(state, wire, window, prominence):
    chosen = np.flatnonzero(state.wire == wire)
    if len(chosen) < _FEWEST_OF_WIRE:
        yield from _island(state, wire, prominence)
        return
    positions, own = state.positions[chosen], state.power[chosen]
    window = _window(state, positions, window, _GRAPH)
    is_short = window < state.smoothing_window
    place = np.full(len(state.wire), -1)
    place[chosen] = np.arange(len(chosen))
    bonds = place[state.bonds]
    bonds = bonds[np.all(bonds >= 0, axis=1)]
    is_end = _ends(positions, bonds, window)
    rest, single = _single(positions, own, window, prominence)
    for i, height in single:
        yield Spot("heat" if height > 0 else "cold", wire, tuple(positions[i].tolist()), float(own[i]), abs(height),
                   is_end=bool(is_end[i]), is_single=True)
    power = average_nearby(positions, rest, window)
    least = _least(prominence, power)
    for kind, sign in _KINDS:
        height, highest = sign * power, np.argmax(sign * power)
        for i, prominent in _prominences(height, bonds).items():
            near = np.linalg.norm(positions - positions[i], axis=1) < window
            doubtful = is_end[i] or is_short or i == highest
            if prominent >= least and height[i] >= height[near].max() and (
                    not doubtful or _stands_out(power[i], power, sign, is_end[i])):
                yield Spot(kind, wire, tuple(positions[i].tolist()), float(power[i]), float(prominent),
                           is_end=bool(is_end[i]))


def _island(state, wire, prominence):
    """One or two sites: nothing to compare them with but the other wires."""
    chosen = np.flatnonzero(state.wire == wire)
    i = chosen[np.argmax(np.abs(state.power[chosen]))]
    if abs(state.power[i]) >= _least(prominence, state.power):
        position = float(state.coordinate[i]) if state.is_line else tuple(state.positions[i].tolist())
        yield Spot("heat" if state.power[i] > 0 else "cold", wire, position, float(state.power[i]),
                   abs(float(state.power[i])), is_single=True)


def _ends(positions, bonds, window):
    """Which sites are at the end of a wire, the edge of a plane, the surface of a solid."""
    extent = np.ptp(positions, axis=0)
    if np.sort(extent)[-2] < window:  # a wire of several sites across
        along = positions[:, np.argmax(extent)]
        return np.minimum(along - along.min(), along.max() - along) < 0.5 * window
    degree = np.bincount(bonds.ravel(), minlength=len(positions))
    return degree < np.median(degree)


def _stands_out(value, power, sign, is_end):
    """Whether a value lies above (sign 1) or below (-1) the median by enough."""
    median = np.median(power)
    beyond, opposite = sign * (value - median), (sign * (median - power)).max()
    return beyond >= _BEYOND * _range(power) and (not is_end or beyond >= _OPPOSITE * opposite)


def _window(state, positions, window, part):
    return min(state.smoothing_window, part * np.ptp(positions, axis=0).max()) if window is None else window


def _single(positions, power, window, prominence):
    """The power without single hot or cold sites, and those: numbers with their heights."""
    tree = KDTree(positions)
    count = np.median(tree.query_ball_point(positions, window, return_length=True))
    _, near = tree.query(positions, k=min(len(power), int(np.clip(count, _FEWEST, _MOST)) + 1))
    near = near[:, 1:]
    median = np.median(power[near], axis=1)
    height = power - median
    # The second largest around it, so that one of two hot sites does not hide the other.
    others = np.sort(np.abs(height)[near], axis=1)[:, -2]
    alone = (np.abs(height) >= _ALONE * others) & (np.abs(height) >= _least(prominence, power))
    chosen = np.flatnonzero(alone)
    highest = []
    for i in chosen:
        close = chosen[np.linalg.norm(positions[chosen] - positions[i], axis=1) < window]
        if np.abs(height[i]) >= np.abs(height[close]).max():
            highest.append((int(i), float(height[i])))
    return np.where(alone, median, power), highest


def _prominences(height, bonds):
    """Prominence of every local maximum on a graph, by its site: islands meet at saddles as the water falls."""
    neighbours: list[list[int]] = [[] for _ in height]
    for a, b in bonds:
        neighbours[a].append(b)
        neighbours[b].append(a)
    hill, found = np.full(len(height), -1), {}  # hill: the next site on the way to its top, itself at the top

    def top(site):
        while hill[site] != site:
            hill[site] = site = hill[hill[site]]
        return site

    for site in np.argsort(-height, kind="stable"):
        hill[site] = site
        tops = sorted({top(other) for other in neighbours[site] if hill[other] >= 0}, key=lambda i: -height[i])
        for lower in tops[1:]:
            found[lower] = height[lower] - height[site]
        for other in tops[1:] + [site] * bool(tops):
            hill[other] = tops[0]
    found[int(np.argmax(height))] = np.ptp(height)
    return found


def _range(power):
    """From the lowest to the highest, 0 included."""
    return max(power.max(), 0.0) - min(power.min(), 0.0)


def _least(prominence, power):
    return max(prominence * _range(power), np.finfo(float).tiny)
