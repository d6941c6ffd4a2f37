"""Cut a system into slices: sets of sites of which each is connected to its two neighbours only."""

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from .lattice import Lattice


def cut(lattice: Lattice) -> list[np.ndarray]:
    """Slices of a system, by breadth-first layers from its leads.

    The sites of each lead's interface stay together, as its self-energy connects them all; the first and the last
    slice hold a lead each, as long as there are two.

    Parameters
    ----------
    lattice : Lattice

    Returns
    -------
    list of arrays of int
        Sites of each slice. The lead from which the slices are narrowest is where they start; pieces that are
        connected to no lead are sliced on their own.
    """
    joined, group = _contract(lattice)
    norbs = np.diff(lattice.offsets)
    weight = np.bincount(group, norbs)
    _, piece = connected_components(joined, directed=False)
    groups = {group[interface[0]] for interface in lattice.interfaces}
    slices = []
    for number in range(piece.max() + 1):
        inside = piece == number
        starts = sorted(g for g in groups if inside[g]) or [np.flatnonzero(inside)[0]]
        layers = [_layers(joined, start, starts) for start in starts]
        costs = [(np.bincount(layer[inside].astype(int), weight[inside]) ** 3).sum() for layer in layers]
        site_layer = layers[int(np.argmin(costs))][group]
        site_layer[~inside[group]] = np.inf
        slices += [np.flatnonzero(site_layer == k) for k in range(int(site_layer[np.isfinite(site_layer)].max()) + 1)]
    return slices


def slice_widths(lattice: Lattice) -> np.ndarray:
    """Orbitals of each slice of a system, array of float."""
    norbs = np.diff(lattice.offsets)
    return np.array([norbs[part].sum() for part in cut(lattice)], float)


def _contract(lattice):
    """Graph in which the sites of every lead's interface are one node, and the node of each site."""
    count = len(lattice.offsets) - 1
    links = [(np.full(len(interface), interface[0]), interface) for interface in lattice.interfaces]
    row, col = (np.concatenate(part) for part in zip(*links, strict=True))
    _, group = connected_components(csr_matrix((np.ones(len(row)), (row, col)), shape=(count, count)), directed=False)
    bonds = coo_matrix(lattice.graph)
    size = group.max() + 1
    return csr_matrix((np.ones(bonds.nnz), (group[bonds.row], group[bonds.col])), shape=(size, size)), group


def _layers(graph, start, leads):
    """Distance of each node from `start`, folded back at the lead that is farthest away.

    A last slice without a lead would be the end of a closed piece, with levels at which its Green's function diverges.
    """
    distance = dijkstra(graph, unweighted=True, indices=start)
    last = distance[leads].max()
    # What reaches farther beyond the last lead than that is from the first stays behind it.
    fold = np.isfinite(distance) & (distance > last)
    distance[fold] = np.abs(2 * last - distance[fold])
    return distance
