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
        Power there, per site (smoothed) on a lattice, per length in the kinetic theory.
    prominence : float
        Height above the higher of the two adjacent minima (for cold spots: depth).
    """

    kind: str
    wire: int
    position: float
    power: float
    prominence: float


def heat_spots(state, *, window=None, prominence=0.02):
    """Interior maxima and minima of the dissipation profile in each wire.

    Parameters
    ----------
    state : SteadyState or KineticState
        Of wires along the first coordinate, one site after the other.
    window : float, optional
        Length to average a lattice's power over (see `SteadyState.profile`). By default the largest Fermi wavelength
        of the leads: the standing waves near a scatterer have half of it as their period.
    prominence : float, optional
        Smallest prominence of a spot, as a fraction of the range of the smoothed power in its wire. On a lattice what
        is narrower than `window` at half of its prominence is a rest of a standing wave, and left out too.

    Returns
    -------
    list of Spot
        Ordered by wire and position. A wire shorter than two windows holds none.

    Raises
    ------
    ValueError
        If `window` is not positive, or `prominence` not between 0 and 1, or the wires are no straight chains.
    """
    if window is not None and not 0 < window < np.inf:
        raise ValueError(f"window must be a positive length, got {window!r}.")
    if not 0 <= prominence <= 1:
        raise ValueError(f"prominence must be a fraction between 0 and 1, got {prominence!r}.")
    spots = []
    for wire in range(state.wires):
        curves = state.along(wire, window)
        x, power = curves.x, curves.power
        if len(x) < 3:
            continue
        least = max(prominence * np.ptp(power), np.finfo(float).tiny)
        for kind, sign in (("heat", 1), ("cold", -1)):
            peaks, properties = find_peaks(sign * power, prominence=least, width=curves.resolution)
            spots += [Spot(kind, wire, float(x[i]), float(power[i]), float(height))
                      for i, height in zip(peaks, properties["prominences"], strict=True)]
    return sorted(spots, key=lambda spot: (spot.wire, spot.position))
