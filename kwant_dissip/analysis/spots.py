"""Heat spots and cold spots: interior extrema of the smoothed dissipation profile."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.signal import find_peaks

from .smoothing import average_nearby, check_window

_KINDS = (("heat", 1), ("cold", -1))


@dataclass(frozen=True)
class Spot:
    """A maximum ("heat") or minimum ("cold") of the power: along a wire in its interior, on a map anywhere.

    Attributes
    ----------
    kind : str
        "heat" or "cold".
    wire : int
        Number of the wire, as in `SteadyState.wire`.
    position : float, or tuple of float
        Coordinate along the wire, or on a map all coordinates of the site, in the model's length unit.
    power : float
        Power there, per site (smoothed) on a lattice, per length in the kinetic theory.
    prominence : float
        Height above the higher of the two adjacent minima (for cold spots: depth); on a map above the highest saddle on
        the way to a higher place, or above the lowest place where there is none.
    """

    kind: str
    wire: int
    position: float | tuple[float, ...]
    power: float
    prominence: float


def heat_spots(state, *, window=None, prominence=0.02):
    """Maxima and minima of the power, along wires (interior ones) or on the sites of a ribbon, a bar or a solid.

    Parameters
    ----------
    state : SteadyState or KineticState
    window : float, optional
        Length to average a lattice's power over (see `SteadyState.profile`). By default the largest Fermi wavelength
        of the leads: the standing waves near a scatterer have half of it as their period.
    prominence : float, optional
        Smallest prominence of a spot, as a fraction of the range of the smoothed power in its wire. On a lattice what
        is narrower than `window` at half of its prominence is a rest of a standing wave, and left out too.

    Returns
    -------
    list of Spot
        Ordered by wire and position. What is shorter than two windows holds none.

    Raises
    ------
    TypeError
        If `state` is no state.
    ValueError
        If `window` is not positive, or `prominence` not between 0 and 1, or the sites of a line are not equally spaced.

    Notes
    -----
    Where the sites of a wire (a connected piece of coupled sites) lie on no line, power is averaged over the sites of
    the wire within `window`, and a spot is a site that is highest within `window` and stands out, on the graph of
    the hoppings. Edges count there: the hottest place of a bar in a magnetic field is a corner. A narrow voltage lead
    can have a Fermi wavelength longer than the bar: give a `window` then.
    """
    if not hasattr(state, "along"):
        raise TypeError(f"Heat spots are those of a SteadyState or a KineticState, got {type(state).__name__}.")
    check_window(window)
    if not (isinstance(prominence, Real) and not isinstance(prominence, bool) and 0 <= prominence <= 1):
        raise ValueError(f"prominence must be a fraction between 0 and 1, got {prominence!r}.")
    along = _along if state.is_line else _on_graph
    spots = [spot for wire in range(state.wires) for spot in along(state, wire, window, prominence)]
    return sorted(spots, key=lambda spot: (spot.wire, spot.position))


def _along(state, wire, window, prominence):
    curves = state.along(wire, window)
    x, power = curves.x, curves.power
    if len(x) < 3:
        return
    least = _least(prominence, power)
    for kind, sign in _KINDS:
        peaks, properties = find_peaks(sign * power, prominence=least, width=curves.resolution)
        for i, height in zip(peaks, properties["prominences"], strict=True):
            yield Spot(kind, wire, float(x[i]), float(power[i]), float(height))


def _on_graph(state, wire, window, prominence):
    chosen = np.flatnonzero(state.wire == wire)
    positions, window = state.positions[chosen], state.smoothing_window if window is None else window
    if np.ptp(positions, axis=0).max() < 2 * window:
        return
    power = average_nearby(positions, state.power[chosen], window)
    place = np.full(len(state.wire), -1)
    place[chosen] = np.arange(len(chosen))
    bonds = place[state.bonds]
    bonds = bonds[np.all(bonds >= 0, axis=1)]
    least = _least(prominence, power)
    for kind, sign in _KINDS:
        height = sign * power
        for i, prominent in _prominences(height, bonds).items():
            near = np.linalg.norm(positions - positions[i], axis=1) < window
            if prominent >= least and height[i] >= height[near].max():
                yield Spot(kind, wire, tuple(positions[i].tolist()), float(power[i]), float(prominent))


def _prominences(height, bonds):
    """Prominence of every local maximum on a graph, by its site: islands meet at saddles as the water falls."""
    neighbours = [[] for _ in height]
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


def _least(prominence, power):
    return max(prominence * np.ptp(power), np.finfo(float).tiny)
