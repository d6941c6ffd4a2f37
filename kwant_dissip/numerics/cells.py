"""Cells of the sites of a plane: what lies nearer to one than to any other, where the lattice is thought to go on."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.spatial import Delaunay, KDTree, Voronoi

# In a plane, what has fewer hoppings per site is a net of wires: a ladder has 3/2, a row of hexagons 5/4, a ring 1.
_NET = 9 / 8
# Relative to the median hopping: vectors, places, and faces that are the same, or nothing.
SAME = 1e-4
# A lattice has no more kinds of hoppings, each in both directions; more are a disordered arrangement.
_KINDS = 62
# What is thought beyond an edge must be this far from what is there, in lengths of a hopping.
_APART, _AWAY = 0.3, 0.7
# A triangle of sites with a side longer than that is a hole, unless all three are hoppings; across a hexagon of the
# honeycomb the longest is 2.
_HOLE = 2.1


def is_net(bonds: np.ndarray, sites: int) -> bool:
    """Whether bonds (counted once) make a net of wires of so many sites."""
    return len(bonds) <= _NET * sites


def voronoi(where: np.ndarray, bonds: np.ndarray) -> Voronoi:
    """Voronoi cells of sites at distances of about 1, closed at the edges by where the lattice would go on."""
    ahead = where[bonds[:, 1]] - where[bonds[:, 0]]
    site, vector = np.concatenate([bonds[:, 0], bonds[:, 1]]), np.concatenate([ahead, -ahead])
    beyond = _continued(where, site, vector)
    points = np.concatenate([where, beyond[KDTree(where).query(beyond)[0] > _APART]])
    found = Voronoi(points)
    unclosed = np.full(len(points), len(beyond) == 0)
    unclosed[found.ridge_points[np.min(found.ridge_vertices, axis=1) < 0]] = True
    # No site of the lattice has all neighbours there, or there is no lattice: images of the neighbours there are.
    chosen = unclosed[site]
    if not np.any(chosen):
        return found
    site = site[chosen]
    mean = np.bincount(site, np.linalg.norm(vector[chosen], axis=1)) / np.maximum(np.bincount(site), 1)
    x, y = (vector[chosen] * (mean[site] / np.linalg.norm(vector[chosen], axis=1))[:, None]).T
    images = np.concatenate([where[site] + np.stack(image, axis=1) for image in ((-x, -y), (-y, x), (y, -x))])
    away = KDTree(points).query(images)[0] > _AWAY * np.tile(mean[site], 3)
    return Voronoi(np.concatenate([points, _distinct(images[away & ~_inside(where, bonds, images)])]))


def _inside(where, bonds, points):
    """Which points lie among the sites, not beyond their edge or in a hole."""
    triangles = Delaunay(where)
    corners = triangles.simplices
    sides = np.stack([corners, np.roll(corners, 1, axis=1)], axis=2)
    longest = np.linalg.norm(where[sides[..., 0]] - where[sides[..., 1]], axis=2).max(axis=1)
    hopping = face_of(sides.reshape(-1, 2), bonds, np.ones(len(bonds)), len(where)).reshape(-1, 3)
    simplex = triangles.find_simplex(points)
    return (simplex >= 0) & ((longest < _HOLE) | np.all(hopping > 0, axis=1))[simplex]


def _continued(where, site, vector):
    """Neighbours that sites would have if the lattice went on: those that other sites like them have."""
    kinds, kind = np.unique(np.round(vector / SAME).astype(int), axis=0, return_inverse=True)
    if len(kinds) > _KINDS:
        return np.empty((0, 2))
    kind = kind.ravel()
    has = np.zeros(len(where), np.int64)
    np.bitwise_or.at(has, site, np.int64(1) << kind)
    beyond = []
    for mine in np.unique(has):
        alike = np.unique(has)
        alike = alike[(alike & mine) == mine]
        missing = np.bitwise_or.reduce(alike) & ~mine
        beyond += [where[has == mine] + vector[np.argmax(kind == number)]
                   for number in range(len(kinds)) if missing >> number & 1]
    return _distinct(np.concatenate(beyond)) if beyond else np.empty((0, 2))


def _distinct(points):
    return points[np.unique(np.round(points / SAME).astype(int), axis=0, return_index=True)[1]]


def face_of(wanted: np.ndarray, pairs: np.ndarray, face: np.ndarray, count: int) -> np.ndarray:
    """Face that each wanted pair of sites shares, 0 if none."""
    low, high = np.sort(pairs, axis=1).T
    faces = coo_matrix((face, (low, high)), shape=(count, count)).tocsr()
    first, second = np.sort(wanted, axis=1).T
    return np.asarray(faces[first, second]).ravel()
