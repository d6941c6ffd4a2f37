"""Dissect a system: separators that leave two halves which no hopping connects, then halves of halves (`Tree`)."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from .lattice import Lattice

# Parts of so many orbitals are not cut any more: smaller ones take longer for their overhead, and lose more digits.
LEAF = 48
# Where a part is cut, as parts of its sites; and what an orbital costs by which one half is larger than the other, in
# orbitals of the separator.
_CUTS = (0.5, 0.44, 0.56)
_UNBALANCED = 0.02


@dataclass(frozen=True, eq=False)
class Tree:
    """Elimination tree of a system: every node's own orbitals go after those of its children.

    The hoppings and leads of a node's subtree reach beyond it to the node's boundary only, which is own to nodes that
    go later.

    Attributes
    ----------
    order : array of int, shape (sites,)
        Sites in the order in which they go.
    parent : array of int, shape (nodes,)
        Children before their parents, the root last; -1 there.
    first : array of int, shape (nodes + 1,)
        Own orbitals of node v are those from first[v] to first[v + 1], in this order.
    boundary_start : array of int, shape (nodes + 1,)
    boundary : array of int
        That of node v, sorted, is boundary[boundary_start[v]:boundary_start[v + 1]].
    """

    order: np.ndarray
    parent: np.ndarray
    first: np.ndarray
    boundary_start: np.ndarray
    boundary: np.ndarray

    @property
    def own_sizes(self) -> np.ndarray:
        """Own orbitals of each node, shape (nodes,)."""
        return np.diff(self.first)

    @property
    def boundary_sizes(self) -> np.ndarray:
        """Orbitals of each node's boundary, shape (nodes,)."""
        return np.diff(self.boundary_start)

    def operations(self) -> tuple[float, float]:
        """Complex multiplications of an energy: those of the Green's function, and of what sources send through it."""
        own, boundary = self.own_sizes.astype(float), self.boundary_sizes.astype(float)
        is_leaf = ~np.isin(np.arange(len(own)), self.parent)
        transport = 2 * own ** 3 + 3 * own ** 2 * boundary + 3 * own * boundary ** 2
        return ((own ** 3 + 1.5 * own ** 2 * boundary + 1.5 * own * boundary ** 2).sum(),
                np.where(is_leaf, 1.5 * own * boundary ** 2, transport).sum())


def dissect(lattice: Lattice, leaf: int = LEAF) -> Tree:
    """Nested dissection of a system by straight cuts and by layers of hoppings, whichever separator is smallest.

    Parameters
    ----------
    lattice : Lattice
    leaf : int, optional
        Orbitals of a part that is not cut any more.

    Returns
    -------
    Tree

    References
    ----------
    A. George, SIAM J. Numer. Anal. 10, 345 (1973).
    """
    owner, parent = _split(lattice, leaf)
    number = _postorder(parent)
    owner, above = number[owner], np.empty(len(parent), int)
    above[number] = np.where(parent < 0, -1, number[parent])
    order = np.argsort(owner, kind="stable")
    norbs = np.diff(lattice.offsets)
    first = np.concatenate([[0], np.cumsum(np.bincount(owner, norbs, minlength=len(parent)).astype(int))])
    return Tree(order, above, first, *_boundaries(lattice, order, above, first))


def hop_axes(lattice: Lattice) -> np.ndarray:
    """Distances in hoppings from the first lead, and from the site that is farthest away from it.

    Returns
    -------
    array of float, shape (2, sites)
        -1 where not connected.
    """
    hops = dijkstra(lattice.graph, unweighted=True, indices=lattice.interfaces[0], min_only=True)
    first = np.where(np.isfinite(hops), hops, -1.0)
    other = dijkstra(lattice.graph, unweighted=True, indices=int(np.argmax(first)))
    return np.array([first, np.where(np.isfinite(other), other, -1.0)])


def _split(lattice, leaf):
    """Node of each site, and parents of the nodes, of which the first is the root; all parts of a level at a time."""
    axes, size = hop_axes(lattice), np.diff(lattice.offsets)
    if lattice.has_positions:
        axes = np.concatenate([lattice.positions.T, axes])
    ranks = np.argsort(axes, axis=1, kind="stable")
    bonds = coo_matrix(lattice.graph)
    bonds = np.stack([bonds.row, bonds.col])[:, bonds.row < bonds.col]
    owner = np.zeros(len(size), int)
    parents, level = [-1], np.array([0])
    part = np.zeros(len(size), int)  # among those of the level; -1 where settled
    while len(level):
        bonds = bonds[:, (part[bonds[0]] == part[bonds[1]]) & (part[bonds[0]] >= 0)]
        separator, side = _best_cuts(axes, ranks, part, size, bonds, lattice.interfaces, len(level))
        inside = part >= 0
        weight = np.bincount(part[inside], size[inside], minlength=len(level))
        cut = weight > leaf
        # A part that no cut leaves anything of stays whole.
        cut &= np.bincount(part[inside], ~separator[inside], minlength=len(level)) > 0
        settled = inside & (~cut[part] | separator)
        part = np.where(settled | ~inside, -1, 2 * part + side)
        used, part[part >= 0] = np.unique(part[part >= 0], return_inverse=True)
        start = len(parents)
        parents += level[used // 2].tolist()
        level = np.arange(start, len(parents))
        owner[part >= 0] = level[part[part >= 0]]
    return owner, np.array(parents)


def _best_cuts(axes, ranks, part, size, bonds, interfaces, count):
    """For each part the smallest separator: whether each site is in it, and on which side the others are."""
    separator, sides = np.ones(len(part), bool), np.zeros(len(part), bool)
    best = np.full(count, np.inf)
    inside = part >= 0
    of_part = np.bincount(part[inside], minlength=count)
    start = np.cumsum(of_part) - of_part
    total = np.bincount(part[inside], size[inside], minlength=count)
    joined = [interface[inside[interface]] for interface in interfaces]
    for axis, rank in zip(axes, ranks, strict=True):
        sites = rank[inside[rank]]
        sites = sites[np.argsort(part[sites], kind="stable")]
        for where in _CUTS:
            value = axis[sites[start + (where * of_part).astype(int)]]
            side = inside & (axis >= value[part])
            crossing = bonds[:, side[bonds[0]] != side[bonds[1]]]
            touched = np.zeros(len(part), bool)
            touched[crossing] = True
            for interface in joined:
                # A lead connects all that it couples to.
                both = np.zeros((2, count), bool)
                both[side[interface].astype(int), part[interface]] = True
                touched[interface[np.all(both, axis=0)[part[interface]]]] = True
            above = np.bincount(part[side], size[side], minlength=count)
            valid = (above > 0) & (above < total)
            for upper in (False, True):
                chosen = touched & (side == upper)
                weight = np.bincount(part[chosen], size[chosen], minlength=count)
                halves = total - 2 * above + (weight if upper else -weight)
                cost = np.where(valid, weight + _UNBALANCED * np.abs(halves), np.inf)
                better = inside & (cost < best)[part]
                separator = np.where(better, chosen, separator)
                sides = np.where(better, side, sides)
                best = np.minimum(best, cost)
    return separator, sides


def _postorder(parent):
    """Number of each node such that children come right before their parent's, subtree by subtree."""
    children: list[list[int]] = [[] for _ in parent]
    for node, above in enumerate(parent.tolist()):
        if above >= 0:
            children[above].append(node)
    number, stack = np.empty(len(parent), int), [0]
    # Backwards: a parent, then its subtrees.
    for place in range(len(parent) - 1, -1, -1):
        node = stack.pop()
        number[node] = place
        stack += children[node]
    return number


def _boundaries(lattice, order, parent, first):
    """Start of each node's boundary, and all of them: what its own and its children's reach beyond it."""
    count, norbs = first[-1], np.diff(lattice.offsets)
    before = np.empty(len(order), int)
    before[order] = np.cumsum(norbs[order]) - norbs[order]
    place = np.repeat(before - lattice.offsets[:-1], norbs) + np.arange(count)
    node = np.repeat(np.arange(len(parent)), np.diff(first))
    entries = coo_matrix(lattice.hamiltonian)
    row, column = place[entries.row], place[entries.col]
    later = (node[row] < node[column]) & (entries.data != 0)
    reaching = [node[row[later]] * count + column[later]]
    for lead in range(len(lattice.leads)):
        together = np.sort(place[lattice.interface_orbitals(lead)])
        nodes = np.unique(node[together])
        here, there = np.repeat(nodes, len(together)), np.tile(together, len(nodes))
        reaching.append((here * count + there)[node[there] > here])
    pairs = np.unique(np.concatenate(reaching))
    depth = np.zeros(len(parent), int)
    for v in range(len(parent) - 2, -1, -1):
        depth[v] = depth[parent[v]] + 1
    level = depth[pairs // count]
    own = np.split(pairs[np.argsort(level, kind="stable")],
                   np.cumsum(np.bincount(level, minlength=depth.max() + 1))[:-1])
    found, passed = [], np.empty(0, int)
    for pairs in reversed(own):
        pairs = np.unique(np.concatenate([pairs, passed]))
        found.append(pairs)
        above, reached = parent[pairs // count], pairs % count
        passed = (above * count + reached)[reached >= first[above + 1]]
    pairs = np.sort(np.concatenate(found))
    start = np.searchsorted(pairs, np.arange(len(parent) + 1) * count)
    return start, pairs % count
