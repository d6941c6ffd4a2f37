"""States far below the band, of which broadened ones have Lorentzian tails."""

from collections.abc import Callable

import numpy as np

from .lattice import LatticePropagator

# Nodes on each piece of the way up, each piece longer than the one before, until the rest is nothing.
_NODES, _GROWTH, _PIECES = 8, 3.0, 14
# The least number of energies that are evaluated together.
_LEAST = 5


def states_below(propagator: LatticePropagator, energy: float, scale: float, map_: Callable = map) -> np.ndarray:
    """Int dE/2pi A_i(E) over all energies below one that lies below all bands.

    With the asymptote R = Z / (z - e) of the Green's function, whose part is known, the rest of the path is turned
    upwards, where G is smooth: Int_{-inf}^E Im (G - R) dE' = -Int_0^inf Re (G - R)(E + i y) dy.

    Parameters
    ----------
    propagator : LatticePropagator
        Known in the upper half plane.
    energy : float
    scale : float
        Over which the Green's function changes next to it, as the distance to the bands.
    map_ : callable, optional
        Works on several batches, as `map` or that of an executor.

    Returns
    -------
    array of float, shape (sites,)
    """
    weight, pole = propagator.green_asymptote()
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    ends = scale * np.concatenate([[0.0], _GROWTH ** np.arange(_PIECES)])
    half = 0.5 * np.diff(ends)[:, None]
    heights = (ends[:-1, None] + half * (1 + nodes)).ravel()
    weights = (half * weights).ravel()
    size = max(_LEAST, propagator.batch)

    def part_sum(start):
        z = energy + 1j * heights[start:start + size]
        difference = propagator.green_diagonal(z) - weight[:, None] / (z - pole[:, None])
        return difference.real @ weights[start:start + size]

    rest = sum(map_(part_sum, range(0, len(heights), size))) / np.pi
    return weight * (1 - np.angle(energy - pole) / np.pi) + rest
