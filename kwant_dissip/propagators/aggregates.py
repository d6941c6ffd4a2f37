"""Approximate inverse of the balance on two levels: groups of neighbouring sites, and each site by itself."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ..model.dissecting import hop_axes
from ..model.lattice import Lattice
from ..native import LANES
from .interface import mean_absorption
from .lattice import LatticePropagator

# Groups at first, and at most; they are halved as long as less than this part of what one sends leaves it.
_FEWEST, _MOST, _LEAVING = 32, 512, 0.4


def aggregate_inverse(propagator: LatticePropagator, energies: np.ndarray,
                      weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """See `interface.Propagator.preconditioner`: exact for what is the same within each of some groups of sites.

    With D the diagonal, J = D - K, and P that spreads values of groups over their sites,

        y = (P^+ J P)^-1 P^+ b,    x = P y + D^-1 (b - J P y)

    J P takes one transport per group at each energy. So much remains of what varies within a group as a mean free path
    is not long against it.

    Parameters
    ----------
    propagator : LatticePropagator
    energies : array of float, shape (energies,)
    weights : array of float, shape (sites, energies)

    Returns
    -------
    inverse : callable
    diagonal : array of float, shape (sites,)
    """
    # Several groups at a time, at energies that stand side by side in any case.
    copies = max(1, LANES // len(energies))
    spectrum = propagator.spectrum(np.tile(energies, copies))
    rate, shares = spectrum.rate, np.tile(weights, copies) / copies
    diagonal = mean_absorption(spectrum, shares)
    sites = np.flatnonzero(propagator.coupled)
    nothing = np.zeros((propagator.leads, rate.shape[1]))

    def columns(group, count):
        """J P."""
        result = np.zeros((len(rate), count))
        result[sites, group] = diagonal[sites]
        for start in range(0, count, copies):
            now = np.repeat(np.arange(start, start + copies), len(energies))
            source = np.zeros_like(rate)
            source[sites] = (copies * rate * shares)[sites] * (group[:, None] == now)
            arriving = rate * spectrum.occupation(source, nothing)[0]
            stop = min(start + copies, count)
            result[:, start:stop] -= arriving.reshape(len(rate), copies, -1).sum(axis=2)[:, :stop - start]
        return result

    axes = propagator.lattice.positions.T if propagator.lattice.has_positions else hop_axes(propagator.lattice)
    axes = axes[:, propagator.order[sites]]
    count = _FEWEST
    while True:
        group = _halved(axes, count)
        spread = columns(group, group.max() + 1)
        coarse = np.zeros(2 * (group.max() + 1,))
        np.add.at(coarse, group, spread[sites])
        leaving = np.diag(coarse) / np.bincount(group, diagonal[sites])
        count *= 2
        if np.median(leaving) > _LEAVING or count > _MOST:
            break
    factor = lu_factor(coarse)

    def solve(b):
        mean = lu_solve(factor, np.bincount(group, b[sites]))
        result = b / diagonal
        result[sites] += mean[group] - (spread @ mean)[sites] / diagonal[sites]
        return result

    return solve, diagonal


def _halved(axes: np.ndarray, count: int) -> np.ndarray:
    """Number of the group of each site, all of some `count`, by halving along the axis in which a group is longest."""
    group = np.zeros(axes.shape[1], int)
    parts = [np.arange(axes.shape[1])]
    while len(parts) < count and max(map(len, parts)) > 1:
        halves = []
        for part in parts:
            axis = axes[np.argmax(np.ptp(axes[:, part], axis=1)), part]
            ordered = part[np.argsort(axis, kind="stable")]
            halves += [half for half in np.array_split(ordered, 2) if len(half)]
        parts = halves
    for number, part in enumerate(parts):
        group[part] = number
    return group
