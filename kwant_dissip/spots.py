"""Heat spots and cold spots: interior extrema of the smoothed dissipation profile."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks


@dataclass(frozen=True)
class Spot:
    """An interior maximum ("heat") or minimum ("cold") of the power along a wire.

    Attributes
    ----------
    kind : str
        "heat" or "cold".
    wire : int
        Number of the wire, as in `SteadyState.wire`.
    position : float
        Coordinate along the wire, model's length unit.
    power : float
        Smoothed power per site there.
    prominence : float
        Height above the higher of the two adjacent minima (for cold spots: depth), per site.
    """

    kind: str
    wire: int
    position: float
    power: float
    prominence: float


def heat_spots(state, *, window=None, prominence=0.02):
    """Interior maxima and minima of the dissipation profile in each wire, smoothed over the Fermi wavelength.

    Parameters
    ----------
    state : SteadyState
        Of wires along the first coordinate, one site after the other.
    window : float, optional
        Length to average over (see `smoothed_power`). By default the largest Fermi wavelength of the leads: the
        standing waves near a scatterer have half of it as their period.
    prominence : float, optional
        Smallest prominence of a spot, as a fraction of the range of the smoothed power in its wire. What is narrower
        than `window` at half of its prominence is a rest of a standing wave, and left out too.

    Returns
    -------
    list of Spot
        Ordered by wire and position. A wire shorter than two windows holds none.

    Raises
    ------
    ValueError
        If `window` is not positive, or `prominence` not between 0 and 1, or the wires are no straight chains.
    """
    window = smoothing_window(state) if window is None else window
    if not 0 < window < np.inf:
        raise ValueError(f"window must be a positive length, got {window!r}.")
    if not 0 <= prominence <= 1:
        raise ValueError(f"prominence must be a fraction between 0 and 1, got {prominence!r}.")
    spots = []
    for wire in range(state.wire.max() + 1):
        x, power = smoothed_power(state, wire, window)
        if len(x) < 3:
            continue
        least = max(prominence * np.ptp(power), np.finfo(float).tiny)
        for kind, sign in (("heat", 1), ("cold", -1)):
            peaks, properties = find_peaks(sign * power, prominence=least, width=window / (x[1] - x[0]))
            spots += [Spot(kind, wire, float(x[i]), float(power[i]), float(height))
                      for i, height in zip(peaks, properties["prominences"], strict=True)]
    return sorted(spots, key=lambda spot: (spot.wire, spot.position))


def smoothing_window(state):
    """Length over which standing waves average out: the largest Fermi wavelength of the leads."""
    return float(np.nanmax(state.fermi_wavelength))


def smoothed_power(state, wire, window):
    """Power per site along one wire, averaged over a length.

    The average weights a distance d with cos^2(pi d / 2 window), |d| < window: half as wide as high at `window`, it
    leaves nothing of a wave with the period window / 2, and little of shorter ones, where a plain mean rings.

    Parameters
    ----------
    state : SteadyState
    wire : int
    window : float

    Returns
    -------
    x, power : arrays
        Positions where all of the weight lies inside the wire, and the average of the power over it; both empty if
        the wire is shorter than two windows.

    Raises
    ------
    ValueError
        If the sites of the wire do not follow each other at equal distances along the first coordinate.
    """
    chosen = np.flatnonzero(state.wire == wire)
    chosen = chosen[np.argsort(state.positions[chosen, 0])]
    x, power = state.positions[chosen, 0], state.power[chosen]
    if len(x) < 2:
        return x[:0], power[:0]
    spacing = np.diff(x)
    if spacing[0] <= 0 or np.ptp(spacing) > 1e-6 * spacing[0]:
        raise ValueError(f"The sites of wire {wire} are not equally spaced along x: no profile to smooth.")
    reach = int(np.ceil(window / spacing[0])) - 1
    if len(x) <= 2 * reach:
        return x[:0], power[:0]
    weight = np.cos(0.5 * np.pi * np.arange(-reach, reach + 1) * spacing[0] / window) ** 2
    return x[reach:len(x) - reach], np.convolve(power, weight / weight.sum(), mode="valid")
