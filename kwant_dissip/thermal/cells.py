"""How much of a wire or a sheet each site stands for, and how wide the way to its neighbours is.

A site's cell is what lies nearer to it than to any other site, where the lattice is thought to go on beyond the edges.
Heat flows between sites that a hopping connects, through the face that their cells share.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..numerics.cells import SAME, face_of, is_net, voronoi
from ..results.result import Graph


@dataclass(frozen=True, eq=False)
class Cells:
    """Geometry of the heat equation.

    Attributes
    ----------
    dimensions : int
        1 for wires, 2 for a sheet.
    size : array of float, shape (sites,)
        Length or area of each cell, m or m^2.
    links : array of int, shape (links, 2)
        Sites that share a face.
    shape : array of float, shape (links,)
        Cross section of the face over the length of the way: 1/m for wires (of which the conductivity holds the cross
        section), a number for sheets.
    contacts : array of int, shape (contacts, 2)
        Lead, and site that it continues.
    width, depth : array of float, shape (contacts,)
        Cross section of each contact (1 for wires), and distance from its site to the end of the model.
    outline : array of float, shape (pieces, 2, 2)
        Ends of the pieces of the wires, or of the sheet's edges, as `in_plane` has them.
    """

    dimensions: int
    size: np.ndarray
    links: np.ndarray
    shape: np.ndarray
    contacts: np.ndarray
    width: np.ndarray
    depth: np.ndarray
    outline: np.ndarray


def in_plane(positions: np.ndarray) -> np.ndarray:
    """The first two coordinates in which positions differ, the second one 0 if there is one only: shape (sites, 2)."""
    directions = np.flatnonzero(np.ptp(positions, axis=0) > 0)[:2]
    result = np.zeros((len(positions), 2))
    result[:, :len(directions)] = positions[:, directions]
    return result


def cells_of(graph: Graph) -> Cells:
    """Cells of a graph.

    Raises
    ------
    ValueError
        If a site's cell is not known, or the sites form neither wires nor a sheet.
    """
    low, high = np.sort(graph.bonds, axis=1).T
    bonds = np.stack(np.divmod(np.unique(low * len(graph.positions) + high), len(graph.positions)), axis=1)
    middle = graph.positions - graph.positions.mean(axis=0)
    _, extent, along = np.linalg.svd(middle, full_matrices=False)
    extent[extent <= 1e-9 * extent[0]] = 0
    if is_net(bonds, len(graph.positions)) and graph.size is None:
        return _wires(graph, bonds)
    if np.count_nonzero(extent) <= 1:
        return _line(graph, bonds, middle @ along[0])
    directions = np.flatnonzero(np.ptp(graph.positions, axis=0) > 0)
    if len(directions) == 2:
        return _sheet(graph, bonds, directions)
    raise ValueError(f"The {len(graph.positions)} sites with {len(bonds)} hoppings form a solid; the heat equation "
                     "here is that of wires, or of a sheet in a plane along two coordinates.")


def _wires(graph, bonds):
    """Any net of wires: each site has half of its hoppings, and the last one as much beyond itself."""
    first, second = bonds.T
    length = np.linalg.norm(graph.positions[second] - graph.positions[first], axis=1)
    _check_apart(graph, bonds, length)
    count, total = (np.bincount(bonds.ravel(), weights, len(graph.positions))
                    for weights in (None, np.repeat(length, 2)))
    if np.any(count == 0):
        raise ValueError(f"Site number {np.argmin(count)} has no hopping: which length of wire it stands for is not "
                         "known.")
    size = np.where(count == 1, total, 0.5 * total)
    return Cells(1, size, bonds, 1 / length, graph.contacts, np.ones(len(graph.contacts)),
                 0.5 * (total / count)[graph.contacts[:, 1]], _pieces(graph.positions, bonds))


def _pieces(positions, links):
    """Outline of wires; one piece if all are on one line."""
    plane = in_plane(positions)
    if not np.any(plane[:, 1]):
        return plane[[np.argmin(plane[:, 0]), np.argmax(plane[:, 0])]][None]
    return plane[links]


def _line(graph, bonds, x):
    """Sites at coordinates x on one line: what shares a face are neighbours there."""
    order = np.argsort(x)
    near, step = np.stack([order[:-1], order[1:]], axis=1), np.diff(x[order])
    _check_apart(graph, near, step)
    linked = face_of(bonds, near, np.ones(len(step)), len(x)) > 0
    links = bonds[linked]
    half = 0.5 * np.concatenate([step[:1], step, step[-1:]])
    size, half_depth = np.empty(len(x)), np.empty(len(x))
    size[order], half_depth[order] = half[:-1] + half[1:], np.minimum(half[:-1], half[1:])
    # A lead that couples to several sites of a line, by hoppings to second neighbours, goes on from the outermost.
    leads, nodes = graph.contacts.T
    inwards = np.minimum(x[nodes] - x.min(), x.max() - x[nodes])
    outermost = np.array([min(np.flatnonzero(leads == lead), key=lambda contact: inwards[contact])
                          for lead in np.unique(leads)], int)
    contacts = graph.contacts[outermost]
    depth = half_depth[contacts[:, 1]] if graph.depth is None else graph.depth[outermost]
    return Cells(1, size if graph.size is None else graph.size, links, 1 / np.abs(np.diff(x[links])[:, 0]), contacts,
                 np.ones(len(contacts)), depth, _pieces(graph.positions, links))


def _sheet(graph, bonds, directions):
    """Voronoi cells in a plane."""
    positions, count = graph.positions[:, directions], len(graph.positions)
    scale = np.median(np.linalg.norm(positions[bonds[:, 1]] - positions[bonds[:, 0]], axis=1))
    where = positions / scale
    nearest, neighbours = KDTree(where).query(where, k=2)
    _check_apart(graph, neighbours, nearest[:, 1] * scale)
    found = voronoi(where, bonds)
    pairs, corners = found.ridge_points, found.vertices[np.array(found.ridge_vertices)]
    real = pairs < count
    # Faces between what is thought beyond the edges do not count, and can be infinite.
    pairs, corners, real = (array[real.any(axis=1)] for array in (pairs, corners, real))
    face = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    away = np.linalg.norm(found.points[pairs[:, 1]] - found.points[pairs[:, 0]], axis=1)
    area = np.bincount(pairs[real], np.stack([0.25 * face * away] * 2, axis=1)[real], count)
    inner = real.all(axis=1)
    shared = face_of(bonds, pairs[inner], face[inner], count)
    linked = shared > SAME
    links = bonds[linked]
    length = np.linalg.norm(where[links[:, 1]] - where[links[:, 0]], axis=1)
    joined = np.zeros(len(pairs), bool)
    joined[inner] = face_of(pairs[inner], bonds, np.ones(len(bonds)), count) > 0
    width = _contact_widths(where, area, graph.contacts, graph.lead_directions[:, directions])
    return Cells(2, area * scale ** 2, links, shared[linked] / length, graph.contacts, width * scale,
                 scale * 0.5 * area[graph.contacts[:, 1]] / width, corners[~joined & (face > SAME)] * scale)


def _contact_widths(where, area, contacts, directions):
    """Width of a lead that each of its sites stands for: that of all of them shared out evenly."""
    width = np.empty(len(contacts))
    for lead in np.unique(contacts[:, 0]):
        chosen = contacts[:, 0] == lead
        sites = contacts[chosen, 1]
        across = np.array([-directions[lead, 1], directions[lead, 0]])
        if not np.any(across):
            across = np.linalg.svd(where[sites] - where[sites].mean(axis=0), full_matrices=False)[2][0]
        rows = np.unique(np.round(where[sites] @ across / SAME))
        # Evenly spaced rows, each with half of the distances to both neighbours, and as much beyond the last ones.
        whole = SAME * np.ptp(rows) * len(rows) / (len(rows) - 1) if len(rows) > 1 else np.sqrt(area[sites[0]])
        width[chosen] = whole / len(sites)
    return width


def _check_apart(graph, pairs, distance):
    """Raise ValueError if two sites are at one place."""
    if np.any(distance <= 1e-9 * np.ptp(graph.positions, axis=0).max(initial=0)):
        first, second = pairs[np.argmin(distance)]
        raise ValueError(f"Sites number {first} and {second} are at the same place: heat has no way between them.")
