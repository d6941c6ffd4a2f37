"""Electrochemical drop in a scatterer between two wires."""

from typing import Protocol

import numpy as np

from ..numerics.checks import real_array, shortened
from .states import check_state

# Part of each wire, from the scatterer outwards, in which mu is a straight line: beyond what the scatterer stirs up,
# and before what the contact does.
STRAIGHT = (1 / 2, 5 / 6)


class TwoWires(Protocol):
    """A result of two wires with a scatterer between them."""

    def from_scatterer(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Distance from the scatterer, and mu there; the wire of lead 0 first."""


def voltage_drop(state: TwoWires, *, straight: tuple[float, float] = STRAIGHT) -> float:
    """Electrochemical drop in the scatterer between two wires.

    A straight line is fitted to mu in a part of each wire and extrapolated to the wire's end at the scatterer (on a
    lattice half a site beyond the last site that is coupled to the phonons): where nothing scatters the drop is 0, but
    for what the contacts of a stretch without phonons make.

    Parameters
    ----------
    state : SteadyState or KineticState
        Of two wires with a scatterer between them that is not coupled to the phonons.
    straight : (float, float), optional
        The part of each wire, as fractions of its length counted from the scatterer.

    Returns
    -------
    float
        mu of the wire at lead 0 less that of the other, in the state's energy unit.

    Raises
    ------
    ValueError
        If the state has not two wires, or fewer than two sites lie in the straight parts.
    """
    check_state("A voltage drop is that of", state)
    what = "two growing fractions between 0 and 1"
    fractions = real_array("straight", straight, what)
    if fractions.shape != (2,) or not 0 <= fractions[0] < fractions[1] <= 1:
        raise ValueError(f"straight must be {what}, got {shortened(straight)}.")
    near, far = map(float, fractions)
    ends = []
    for distance, mu in state.from_scatterer():
        length = distance.max()
        chosen = (distance >= near * length) & (distance <= far * length)
        if np.count_nonzero(chosen) < 2:
            raise ValueError(f"A wire of {len(mu)} sites has fewer than two in its straight part {straight!r}.")
        ends.append(np.polyval(np.polyfit(distance[chosen], mu[chosen], 1), 0))
    return float(ends[0] - ends[1])
