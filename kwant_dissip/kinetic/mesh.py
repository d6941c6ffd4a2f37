"""Cells along two wires, refined until the kinetic solution on them is resolved."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ConvergenceError
from ..numerics import gauss
from .scatterers import FunctionScatterer, KwantScatterer
from .streams import Relaxation, StreamPropagator, Wire

_FIRST_LEVELS = 4
# Cells of the relaxation length from each end on, before they grow, up to so many relaxation lengths: in a cell that is
# tau of them long rounding takes tau^2 eps of the current.
_EVEN, _DOUBLINGS = 16, 4
_WIDEST = _EVEN * 2 ** _DOUBLINGS
_GRADING = 4
_MAX_CELLS = 20000
_STEPS = 100
# Of a wire, in relaxation lengths: what is seen of a current, beside what goes both ways, is one part of so many.
_LONGEST = 1e5


def adapt(scatterer: FunctionScatterer | KwantScatterer, gamma: Relaxation, lengths: np.ndarray,
          mu: Sequence[float], temperature: Sequence[float] | np.ndarray, rtol: float, solve: Callable, map_: Callable,
          progress: Callable) -> tuple["Mesh", Any, list[np.ndarray], float]:
    """Refine the cells until the solution is resolved.

    Parameters
    ----------
    mu, temperature : sequences of two floats
        Where the relaxation length of each wire is taken.
    solve : callable
        ``solve(make, start, map_, progress)``, with ``make(potentials=None)`` the propagator on the mesh, returns the
        solution, (panels, profiles at the nodes, anything else) to start the next one from, the powers of the nodes
        (not per length), further profiles to resolve, whether the solution is settled on this mesh, and further errors
        of the cells.
    map_, progress : callable
        See `EnergyGrid`.

    Returns
    -------
    mesh, solution, powers per length, error
    """
    scales = [_relaxation_length(scatterer, gamma, side, *pair) for side, pair in
              enumerate(zip(mu, temperature, strict=True))]
    for total, scale in zip(lengths, scales, strict=True):
        if total > _LONGEST * scale:
            raise ValueError(f"length must be at most {_LONGEST:.0f} relaxation lengths of the electrons, which is "
                             f"{_LONGEST * scale:.3g} here, got {float(total)!r}.")
    left, right = (_first_edges(total, scale) for total, scale in zip(lengths, scales, strict=True))
    mesh, start, steps = Mesh([-left[::-1], right]), None, 0
    while True:
        solution, start, powers, others, settled, extra = solve(Maker(mesh, scatterer, gamma), start, map_, progress)
        powers = [power / mesh.node_widths for power in powers]
        errors = mesh.errors([*powers, *others], extra)
        largest = max(error.max() for error in errors)
        progress("cells", largest)
        steps += 1
        if largest <= rtol and settled:
            return mesh, solution, powers, largest
        flagged = [error > rtol for error in errors]
        finer, profiles = mesh.refine(flagged, powers if start is None else start[1])
        if steps > _STEPS or len(finer.nodes) > gauss.ORDER * _MAX_CELLS or finer.node_widths.min() < 1e-14 * max(
                lengths):
            raise ConvergenceError(f"The cells along the wires reached a relative error of {largest:.1e} in {steps} "
                                   f"steps, not rtol={rtol:.1e}: a larger rtol, or a smoother transmission, helps.",
                                   accuracy=largest, sites=np.argsort(np.concatenate(errors))[-10:] * gauss.ORDER,
                                   state=(mesh, solution, powers[0], largest))
        if start is not None:
            start = (start[0], profiles, start[2])
        mesh = finer


class Mesh:
    """Cells of both wires."""

    def __init__(self, edges):
        self.edges = edges
        self.wires = [Wire(part) for part in edges]
        self.nodes = np.concatenate([wire.nodes for wire in self.wires])
        self.node_widths = np.concatenate([wire.node_widths for wire in self.wires])
        self._left = len(self.wires[0].kind)

    def errors(self, profiles: Sequence[np.ndarray], extra: np.ndarray | float) -> list[np.ndarray]:
        """Highest Legendre coefficient per cell relative to the range of each profile, or `extra`, the largest."""
        result = np.zeros(len(self.nodes) // gauss.ORDER) + extra
        for values in profiles:
            scale = np.abs(values).max()
            if scale > 0:
                coefficients = gauss.TO_LEGENDRE @ values.reshape(-1, gauss.ORDER).T
                result = np.maximum(result, np.abs(coefficients[-1]) / scale)
        return np.split(result, [self._left])

    def cell_means(self, values: np.ndarray) -> list[np.ndarray]:
        """Mean of values over each cell; per wire."""
        return np.split(values.reshape(-1, gauss.ORDER) @ gauss.WEIGHTS, [self._left])

    def refine(self, flagged: Sequence[np.ndarray], profiles: Sequence[np.ndarray]) -> tuple["Mesh", list[np.ndarray]]:
        """The mesh with cells halved, and the profiles on it."""
        split = [np.split(values, [self._left * gauss.ORDER]) for values in profiles]
        edges, new = [], []
        for side in (0, 1):
            parts = [_refine(self.edges[side], flagged[side], values[side]) for values in split]
            edges.append(parts[0][0])
            new.append([values for _, values in parts])
        return Mesh(edges), [np.concatenate(pair) for pair in zip(*new, strict=True)]


class Maker:
    """Propagators on a mesh, for potentials given at its nodes."""

    def __init__(self, mesh, scatterer, gamma):
        self.nodes = len(mesh.nodes)
        self.mesh, self._scatterer, self._gamma = mesh, scatterer, gamma

    def __call__(self, potentials=None):
        """`StreamPropagator`, with the mean of `potentials` (one per node) on each cell."""
        if potentials is not None:
            potentials = self.mesh.cell_means(potentials)
        return StreamPropagator(self.mesh.wires, self._scatterer, self._gamma, potentials)


def _relaxation_length(scatterer, gamma, side, mu, temperature):
    """V / gamma in a wire near its reservoir's mu."""
    for distance in sorted(np.linspace(-10, 10, 41), key=abs):
        velocity = np.stack(scatterer.velocities(side, mu + temperature * distance))
        if velocity.size:
            rate = gamma(np.array([mu + temperature * distance]), velocity[:, :, None])[0]
            if rate > 0:
                return float(velocity.mean() / rate)
    raise ValueError(f"The {('left', 'right')[side]} wire has no open modes that a bath reaches within 10 k_B T of "
                     f"mu={mu!r}: the velocity is 0 there, or the rate.")


def _first_edges(total, scale):
    """Cells from 0 to the wire's end, halved several times towards both ends; in a long wire they grow to its middle.

    There mu is a straight line, for which one cell would do.
    """
    count = max(2, int(np.ceil(total / scale)))
    if count <= 2 * _EVEN:
        edges = np.linspace(0, total, count + 1)
    else:
        doubled = _EVEN * 2.0 ** np.arange(_DOUBLINGS + 1)
        half = scale * np.concatenate([np.arange(_EVEN), doubled[doubled * scale <= 0.5 * total]])
        middle = total - 2 * half[-1]
        even = np.linspace(half[-1], total - half[-1], 1 + int(np.ceil(middle / (_WIDEST * scale))))
        edges = np.concatenate([half[:-1], even, total - half[-2::-1]])
    levels = 0.5 ** np.arange(1, _FIRST_LEVELS + 1)
    near = edges[1] * levels
    return np.unique(np.concatenate([edges, near, total - near]))


def _refine(edges, flagged, values):
    """Halve the flagged cells, those at an end several times towards it; values interpolated to the new nodes."""
    new_edges, new_values = [], []
    last = len(flagged) - 1
    for c, (a, b) in enumerate(pairwise(edges)):
        if not flagged[c]:
            parts = np.array([0.0])
        elif c in (0, last):
            levels = 0.5 ** np.arange(_GRADING, 0, -1)
            parts = np.concatenate([[0.0], levels]) if c == 0 else np.concatenate([[0.0], 1 - levels[::-1]])
        else:
            parts = np.array([0.0, 0.5])
        ends = np.append(parts, 1.0)
        y = (ends[:-1, None] + np.diff(ends)[:, None] * gauss.NODES).ravel()
        new_values.append(values[c * gauss.ORDER:(c + 1) * gauss.ORDER] @ gauss.lagrange(y))
        new_edges.append(a + (b - a) * parts)
    return np.append(np.concatenate(new_edges), edges[-1]), np.concatenate(new_values)
