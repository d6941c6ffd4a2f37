"""Approximate inverse of the balance on two levels: groups of neighbouring sites, and each site by itself."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ..model.dissecting import hop_axes
from ..native import LANES
from .interface import mean_absorption
from .lattice import LatticePropagator

# Groups that have a transport of their own: all, at first. If more than STAYING of what one sends stays in it, which is
# also what is left of an error after a step, they are halved until that is reached, so often at most; the next one that
# shares a transport is then several mean free paths away.
_APART, _STAYING, _HALVINGS = 64, 0.35, 6


def aggregate_inverse(propagator: LatticePropagator, energies: np.ndarray,
                      weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """See `interface.Propagator.preconditioner`: exact for what is the same within each of some groups of sites.

    With D the diagonal, J = D - K, and P that spreads values of groups over their sites,

        y = (P^+ J P)^-1 P^+ b,    x = P y + D^-1 (b - J P y)

    J P takes one transport per group at each energy. In systems of many mean free paths groups that are far from each
    other share one: what arrives at a site counts as sent by the nearest of them.

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
    sites = np.flatnonzero(propagator.coupled)
    sources = _Sources(propagator, energies, weights, sites)
    diagonal = sources.diagonal
    if not len(sites):
        return (lambda b: b / diagonal), diagonal
    own, lattice = diagonal[sites], propagator.lattice
    axes = lattice.positions.T if lattice.has_positions else hop_axes(lattice)
    axes = axes[:, propagator.order[sites]]
    group = _halved(axes, _APART)
    passed = sources.sent(group)
    size = np.bincount(group, own, minlength=_APART)
    inside = np.bincount(group, passed[np.arange(len(sites)), group], minlength=_APART)
    staying = np.median(inside[size > 0] / size[size > 0])
    if staying > _STAYING:
        # What stays is to what leaves as their length to a mean free path; two halvings make half of a length.
        longer = staying / max(1 - staying, 1e-9) * (1 - _STAYING) / _STAYING
        group = _halved(axes, _APART << min(_HALVINGS, int(np.ceil(2 * np.log2(longer)))))
        passed = sources.sent(group)
    owner, place = _nearest(axes, group), np.unique(group, return_inverse=True)[1]
    here, column = np.nonzero(owner >= 0)
    all_sites = np.arange(len(sites))
    spread = csr_matrix((np.concatenate([own, -passed[here, column]]), (
        np.concatenate([all_sites, here]), np.concatenate([place, owner[here, column]]))))
    total = csr_matrix((np.ones(len(sites)), (place, all_sites)))
    coarse = splu(csc_matrix(total @ spread))

    def solve(b):
        mean = coarse.solve(total @ b[sites])
        result = b / diagonal
        result[sites] += mean[place] - (spread @ mean) / own
        return result

    return solve, diagonal


class _Sources:
    """What groups of sites send to all of them, several groups at a time at energies that stand side by side anyway."""

    def __init__(self, propagator, energies, weights, sites):
        self._copies = max(1, LANES // len(energies))
        self._spectrum = propagator.spectrum(np.tile(energies, self._copies))
        shares = np.tile(weights, self._copies)
        self.diagonal = mean_absorption(self._spectrum, shares / self._copies)
        self._sites, self._source = sites, (self._spectrum.rate * shares)[sites]

    def sent(self, group):
        """Sums over energies of rate times n that groups cause, those with equal numbers modulo APART together."""
        spectrum, sites, copies = self._spectrum, self._sites, self._copies
        result = np.empty((len(sites), _APART))
        nothing = np.zeros((spectrum.leads, spectrum.rate.shape[1]))
        for start in range(0, _APART, copies):
            now = np.repeat(np.arange(start, start + copies), spectrum.rate.shape[1] // copies)
            source = np.zeros_like(spectrum.rate)
            source[sites] = self._source * ((group % _APART)[:, None] == now)
            arriving = (spectrum.rate * spectrum.occupation(source, nothing)[0])[sites]
            result[:, start:start + copies] = arriving.reshape(len(sites), copies, -1).sum(axis=2)
        return result


def _halved(axes, count):
    """Number of the group of each site, by halving along the axis in which a group is longest, until there are `count`.

    Groups with the same number modulo a power of 2 have the same place in the groups that were there so many halvings
    before: these lie between them.
    """
    parts = [np.arange(axes.shape[1])]
    while len(parts) < count and max(map(len, parts)) > 1:
        parts = [half for part in parts for half in _halves(axes[:, part], part)]
    group = np.empty(axes.shape[1], int)
    for number, part in enumerate(parts):
        group[part] = number
    return group


def _halves(axes, part):
    if not len(part):
        return part, part
    ordered = part[np.argsort(axes[np.argmax(np.ptp(axes, axis=1))], kind="stable")]
    return ordered[:len(part) // 2], ordered[len(part) // 2:]


def _nearest(axes, group):
    """Of the groups that share a transport the one next to each site, counted without empty ones; -1: none."""
    number, place, size = np.unique(group, return_inverse=True, return_counts=True)
    centers = np.array([np.bincount(place, axis) / size for axis in axes]).T
    owner = np.full((len(group), _APART), -1)
    for shared in range(_APART):
        alike = np.flatnonzero(number % _APART == shared)
        if len(alike):
            owner[:, shared] = alike[cKDTree(centers[alike]).query(axes.T)[1]]
    return owner
