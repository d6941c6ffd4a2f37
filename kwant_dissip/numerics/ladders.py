"""Energies that stay on the grid when quanta are added, and Hilbert's transform on them.

The axis is cut into intervals of one quantum each, the rungs; every rung carries the same nodes. A shift by a multiple
of the quantum leads from node to node, with the same weight: what leaves at one energy arrives at another, exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.interpolate import BarycentricInterpolator

from .quadrature import TWO_PI, Panels, window_panels

# Nodes closer than this part of a piece to it, in units of the piece, see it in detail.
_NEAR = 1.0
# Edges closer than this part of a quantum are the same.
_SAME = 1e-9
# Pieces towards a singularity: how many, each a part of the one before, and nodes on each.
_GRADED, _RATIO, _FINE_NODES = 10, 0.25, 16
# Below this the first three terms of a series serve.
_CANCELS = 1e-4
# Sites that are transformed together.
_SITES = 256


@dataclass(frozen=True, eq=False)
class Ladders:
    """Nodes base_b + k quantum, k = 0, ..., rungs - 1, growing; shape (energies,) is rung by rung.

    Attributes
    ----------
    quantum : float
    rungs : int
    pieces : Panels
        Of the lowest rung.
    order : int
        Gauss nodes on each piece.
    """

    quantum: float
    rungs: int
    pieces: Panels
    order: int

    @cached_property
    def _lowest(self):
        return _nodes(self.pieces, *_unit_rule(self.order))

    @property
    def base(self) -> int:
        """Number of nodes of a rung: a shift by one quantum leads so many energies further."""
        return self.order * len(self.pieces)

    @property
    def low(self) -> float:
        """Where the lowest rung begins."""
        return float(self.pieces.ends().min())

    @property
    def high(self) -> float:
        """Where the highest rung ends."""
        return self.low + self.rungs * self.quantum

    @cached_property
    def energies(self) -> np.ndarray:
        """Array of shape (energies,)."""
        return (self.quantum * np.arange(self.rungs)[:, None] + self._lowest[0].ravel()).ravel()

    @cached_property
    def weights(self) -> np.ndarray:
        """Those of sums over the energies that stand for integrals Int dE / 2 pi, shape (energies,)."""
        return np.tile(self._lowest[1].ravel(), self.rungs) / TWO_PI

    def finer(self, order: int, halved: bool = False) -> "Ladders":
        """The same pieces, or both halves of each, with so many nodes."""
        return replace(self, order=order, pieces=self.pieces.halves() if halved else self.pieces)

    def extended(self, below: int, above: int) -> "Ladders":
        """With so many rungs more."""
        return replace(self, pieces=self.pieces.shifted(-below * self.quantum), rungs=self.rungs + below + above)

    def covering(self, low: float, high: float) -> "Ladders":
        """With as many rungs more as hold [low, high], too."""
        return self.extended(*(max(0, int(np.ceil(distance / self.quantum - 1e-9)))
                               for distance in (self.low - low, high - self.high)))

    def level_shift(self, rate: np.ndarray, map_: Callable = map) -> np.ndarray:
        """Real part of the self-energy that belongs to gamma: (1 / 2 pi) P Int gamma(E') / (E - E') dE'.

        Parameters
        ----------
        rate : array of float, shape (sites, energies)
            gamma, 0 outside the grid.
        map_ : callable, optional
            Works on several sites at a time.

        Returns
        -------
        array of float, shape (sites, energies)
        """
        parts = [slice(start, start + _SITES) for start in range(0, len(rate), _SITES)]
        return np.concatenate(list(map_(lambda part: self._shifted(rate[part]), parts)))

    def tails(self, rate: np.ndarray, hidden: int) -> np.ndarray:
        """What `level_shift` leaves out where gamma goes on beyond the grid: (1 / 2 pi) Int gamma(E') / (E - E') dE'.

        States that are broadened at all energies fall off as the distance squared, and so does what scatters there:
        gamma(E') = a / (E' - c)^2 beyond each end, with c the mean of gamma's energies. With x = E - c, the end at l,

            Int_l^inf dy / (y^2 (x - y)) = (r + log(1 - r)) / (r^2 l^2),    r = x / l.

        Parameters
        ----------
        rate : array of float, shape (sites, energies)
            gamma on the grid.
        hidden : int
            Rungs at each end of which a part scatters beyond it; `a` is taken from those that follow.

        Returns
        -------
        array of float, shape (sites, energies)
        """
        total = rate @ self.weights
        centre = np.divide(rate @ (self.weights * self.energies), total, where=total > 0,
                           out=np.full(len(rate), 0.5 * (self.low + self.high)))
        result, skipped = np.zeros_like(rate), self.base * hidden
        for sign, end, inner in ((-1, self.low, slice(skipped, skipped + self.base)),
                                 (1, self.high, slice(-skipped - self.base, -skipped or None))):
            strength = np.mean(rate[:, inner] * (self.energies[inner] - centre[:, None]) ** 2, axis=1)
            ratio = (self.energies - centre[:, None]) / (end - centre)[:, None]
            result += (sign * strength / (TWO_PI * (end - centre) ** 2))[:, None] * _beyond(ratio)
        return result

    def _shifted(self, rate):
        # Nodes of one rung act on those of another by the distance of the rungs alone: a convolution.
        size, transform = self._transform
        by_node = rfft(rate.reshape(len(rate), self.rungs, self.base), size, axis=1)
        moved = np.moveaxis(by_node, 1, 0) @ transform
        return irfft(np.moveaxis(moved, 0, 1), size, axis=1)[:, :self.rungs].reshape(rate.shape)

    @cached_property
    def _transform(self):
        """Length of the convolution, and what each node (row) of a rung gives at each (column), transformed."""
        lowest, weights = (part.ravel() for part in self._lowest)
        steps = np.arange(1 - self.rungs, self.rungs)
        distance = lowest + self.quantum * steps[:, None, None] - lowest[:, None]  # (steps, source, target)
        with np.errstate(divide="ignore"):
            parts = weights[:, None] / distance
        for number, (low, high) in enumerate(self.pieces.ends()):
            rows = slice(number * self.order, (number + 1) * self.order)
            targets = lowest + self.quantum * steps[:, None]
            near = (targets > low - _NEAR * (high - low)) & (targets < high + _NEAR * (high - low))
            for step, target in zip(*np.nonzero(near), strict=True):
                own = target - rows.start if steps[step] == 0 and rows.start <= target < rows.stop else None
                parts[step, rows, target] = _close(self.pieces[number:number + 1], self.order, targets[step, target],
                                                   own)
        size = next_fast_len(2 * self.rungs - 1, real=True)
        around = np.zeros((size, self.base, self.base))
        around[steps] = parts / TWO_PI
        return size, rfft(around, axis=0)

    def interpolated(self, values: np.ndarray, finer: "Ladders") -> np.ndarray:
        """Values at the nodes of ladders that are `finer`; energies are the last axis."""
        nodes = _unit_rule(finer.order)[0]
        halved = len(finer.pieces) > len(self.pieces)
        matrix = _lagrange(self.order, np.concatenate([0.5 * nodes, 0.5 + 0.5 * nodes]) if halved else nodes)
        return (values.reshape(-1, self.order) @ matrix.T).reshape(*values.shape[:-1], -1)


def ladders(low: float, high: float, quantum: float, edges: np.ndarray, width: float, order: int) -> Ladders:
    """Ladders that cover [low, high].

    Parameters
    ----------
    low, high : float
    quantum : float
        Positive.
    edges : array of float
        Energies with square-root edges; each breaks all rungs.
    width : float
        No piece is wider.
    order : int
        Gauss nodes on each piece.
    """
    # Edges that differ by whole quanta but for rounding are one, and those at an end none.
    same = _SAME * quantum + 8 * np.finfo(float).eps * max(abs(low), abs(high))
    breaks = np.sort(np.mod(edges - low, quantum))
    breaks = breaks[(np.diff(breaks, prepend=0.0) > same) & (breaks < quantum - same)]
    return Ladders(quantum, max(1, int(np.ceil((high - low) / quantum - 1e-9))),
                   window_panels(low, low + quantum, low + breaks, width), order)


def _beyond(ratio):
    """(r + log(1 - r)) / r^2, by its series where that cancels."""
    small = np.abs(ratio) < _CANCELS
    safe = np.where(small, 0.5, ratio)
    return np.where(small, -(1 / 2 + ratio / 3 + ratio ** 2 / 4), (safe + np.log1p(-safe)) / safe ** 2)


def _unit_rule(order):
    """Gauss's rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return 0.5 * (1 + nodes), 0.5 * weights


def _nodes(pieces, nodes, weights):
    """Energies and weights on each piece, shape (pieces, nodes)."""
    span = (pieces.u1 - pieces.u0)[:, None]
    u = pieces.u0[:, None] + span * nodes
    width = (pieces.b - pieces.a)[:, None]
    return (pieces.a[:, None] + width * np.sin(0.5 * np.pi * u) ** 2,
            weights * span * width * 0.5 * np.pi * np.sin(np.pi * u))


def _lagrange(order, at):
    """Lagrange's polynomials of Gauss's nodes at points of [0, 1], shape (points, order)."""
    nodes, weights = _unit_rule(order)
    # Known in closed form; scipy would find them in a random order, and with other rounding errors each time.
    barycentric = (-1.0) ** np.arange(order) * np.sqrt(nodes * (1 - nodes) * weights)
    return BarycentricInterpolator(nodes, np.eye(order), wi=barycentric)(at)


def _close(piece, order, target, own):
    """P Int of each Lagrange polynomial over one piece, divided by target - E, for a target in it or near it.

    `own` is the target's place among the nodes: there the polynomial's value is subtracted, and its integral added.
    """
    (low, high), nodes = piece.ends()[0], _unit_rule(order)[0]
    if own is None:
        u, w = _graded(target < low)
        value = 0.0
    else:
        # Denser there, too: with E ~ u^2 next to an edge, -u looks like another pole.
        (left, w_left), (right, w_right) = (_graded(side) for side in (False, True))
        u = np.concatenate([nodes[own] * left, nodes[own] + (1 - nodes[own]) * right])
        w = np.concatenate([nodes[own] * w_left, (1 - nodes[own]) * w_right])
        value = np.eye(order)[own]
    energies, weights = (part[0] for part in _nodes(piece, u, w))
    distance = target - energies
    if own is not None:  # by a sum of angles: next to an edge energies differ by less than their rounding
        here, there = (piece.u0 + (piece.u1 - piece.u0) * at for at in (nodes[own], u))
        distance = (piece.b - piece.a) * np.sin(0.5 * np.pi * (here + there)) * np.sin(0.5 * np.pi * (here - there))
    result = (weights / distance) @ (_lagrange(order, u) - value)
    return result if own is None else result + value * np.log((target - low) / (high - target))


def _graded(at_start):
    """Rule on [0, 1] with nodes that get denser towards its start, or its end."""
    ends = np.concatenate([[0.0], _RATIO ** np.arange(_GRADED, -1, -1)])
    x, w = _unit_rule(_FINE_NODES)
    nodes = (ends[:-1, None] + np.diff(ends)[:, None] * x).ravel()
    weights = (np.diff(ends)[:, None] * w).ravel()
    return (nodes, weights) if at_start else (1 - nodes, weights)
