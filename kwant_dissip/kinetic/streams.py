"""Kinetic propagator: streams of electrons in two wires around a scatterer, at fixed energy.

    s v d/dx f_s = -gamma (f_s - F(E - mu(x))),  s = +-1, in every open mode,
    f_out = P f_in at the scatterer, P the probabilities |S|^2 between the modes of both wires.

Each wire is cut into cells; on a cell F is a polynomial through its values at Gauss nodes, and f is solved exactly
(`cells`). The nodes are the sites of the balance: gamma_i A_i f_i - gamma_i n_i becomes w_i tau (2 F_i - n+_i - n-_i),
summed over modes, with tau = gamma h / v the optical thickness of the cell.
"""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from scipy.sparse.linalg import splu

from ..errors import ConvergenceError
from ..numerics import gauss
from ..propagators.elastic import ElasticSpectrum, beside_elastic
from ..propagators.interface import SITE_ENERGIES, Propagator, Spectrum, mean_absorption
from . import cells
from .scatterers import Scatterer
from .stream_matrix import SparseSystem

# Sweeps that electrons between two turning points may take to settle.
_BOUNCES = 2000
# Of a bath, as a function of energies and velocities.
Rate = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Wire:
    """One wire, cut into cells.

    Parameters
    ----------
    edges : array of float
        Ends of the cells, growing.
    """

    def __init__(self, edges: np.ndarray) -> None:
        self.edges = edges
        widths = np.diff(edges)
        # Cells of equal width share their coefficients; widths come from halvings and differ by rounding otherwise.
        self.widths, self.kind = np.unique(np.round(widths / widths.max(), 12), return_inverse=True)
        self.widths = self.widths * widths.max()

    @property
    def nodes(self) -> np.ndarray:
        """Positions of the nodes, shape (cells * ORDER,)."""
        return (self.edges[:-1, None] + np.diff(self.edges)[:, None] * gauss.NODES).ravel()

    @property
    def node_widths(self) -> np.ndarray:
        """Length that each node stands for, shape (cells * ORDER,)."""
        return (np.diff(self.edges)[:, None] * gauss.WEIGHTS).ravel()


class Relaxation:
    """Rates of all baths, the same everywhere along a wire.

    Parameters
    ----------
    balanced, elastic : lists of callables
        Rate of each bath whose occupation a balance has to find, and of what scatters at fixed energy: of shape
        (energies,), for energies and velocities of shape (2, modes, energies).
    levels : array of float
        Energies near which rates change fast.
    """

    def __init__(self, balanced: Sequence[Rate], elastic: Sequence[Rate], levels: np.ndarray) -> None:
        self.balanced, self.elastic, self.levels = balanced, elastic, levels

    def __call__(self, energies: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """All of them together."""
        return sum((rate(energies, velocity) for rate in (*self.balanced, *self.elastic)), np.zeros(()))


class StreamPropagator(Propagator):
    """Electrons in two wires around a scatterer; see `interface.Propagator`.

    Parameters
    ----------
    wires : (Wire, Wire)
        Left and right.
    scatterer : Scatterer
    gamma : Relaxation
    potentials : pair of arrays of float, or None
        Electrostatic energy U of each cell of both wires: velocities are taken at E - U. Only for a scatterer between
        wires of one mode.
    """

    def __init__(self, wires: Sequence[Wire], scatterer: Scatterer, gamma: Relaxation,
                 potentials: Sequence[np.ndarray] | None = None) -> None:
        self._potentials = potentials
        self.wires = wires
        self._scatterer = scatterer
        self._gamma = gamma
        self.sites = sum(len(wire.nodes) for wire in self.wires)
        self.coupled = np.full(self.sites, len(gamma.balanced) > 0)
        self.balanced = tuple(np.ones(self.sites, bool) for _ in gamma.balanced)
        self.leads = 2
        self.batch = max(1, SITE_ENERGIES // self.sites)
        self.response_size = 4 * 8 * self.sites

    def edges(self) -> np.ndarray:
        edges = self._scatterer.thresholds
        if self._potentials is None:
            return np.concatenate([edges, self._gamma.levels])
        values = np.concatenate(self._potentials)
        return np.concatenate([edges + values.min(), edges, edges + values.max()])

    def spectrum(self, energies: np.ndarray) -> "StreamSpectrum | ElasticStreamSpectrum":
        spectrum = self._all_alike(energies)
        if not self._gamma.elastic:
            return spectrum
        rate, elastic = (sum(self._shares(energies, rates), np.zeros_like(spectrum.rate))
                         for rates in (self._gamma.balanced, self._gamma.elastic))
        return ElasticStreamSpectrum(spectrum, rate * spectrum.rate, elastic * spectrum.rate, self.leads)

    def bath_rates(self, energies: np.ndarray) -> list[np.ndarray]:
        """Rate of each bath whose occupation a balance has to find, each of shape (sites, energies)."""
        rate = self._all_alike(energies).rate
        return [share * rate for share in self._shares(energies, self._gamma.balanced)]

    def kernel(self, energy: float) -> np.ndarray:
        """K at one energy, shape (sites, sites)."""
        spectrum = self.spectrum(np.full(self.sites, energy))
        return spectrum.occupation(np.eye(self.sites), np.zeros((self.leads, self.sites)))[0]

    def _shares(self, energies: np.ndarray, rates: Sequence[Rate]) -> list[np.ndarray]:
        """Part that each of some baths has of all rates: list of arrays of shape (sites, energies)."""
        if self._potentials is not None or len(self._gamma.balanced) + len(self._gamma.elastic) == 1:
            return [np.ones((self.sites, len(energies))) for _ in rates]
        velocities = self._scatterer.at(energies)[1:]
        nodes = [len(wire.nodes) for wire in self.wires]
        totals = [np.where((total := self._gamma(energies, velocity)) > 0, total, 1.0) for velocity in velocities]
        of_wires = list(zip(velocities, totals, strict=True))
        return [np.repeat([rate(energies, velocity) / total for velocity, total in of_wires], nodes, axis=0)
                for rate in rates]

    def _all_alike(self, energies: np.ndarray) -> "StreamSpectrum":
        """`Spectrum` with all baths absorbing."""
        if self._potentials is not None:
            return self._compute_with_potentials(energies, self._potentials)
        scattering, *velocities = self._scatterer.at(energies)
        parts = [_WireCoefficients.of_wire(wire, velocity, self._gamma(energies, velocity))
                 for wire, velocity in zip(self.wires, velocities, strict=True)]
        return StreamSpectrum(parts, scattering)

    def _compute_with_potentials(self, energies: np.ndarray, potentials: Sequence[np.ndarray]) -> "StreamSpectrum":
        """Every cell is of its own kind; one mode; a mode that ends in a cell is reflected there."""
        parts, is_open = [], []
        for side, (wire, potential) in enumerate(zip(self.wires, potentials, strict=True)):
            velocity = self._scatterer.velocity(side, (energies - potential[:, None]).ravel())
            velocity = velocity.reshape(len(potential), 1, -1)
            gamma = self._gamma(energies, np.ones((2, 1, len(energies))))  # a rate: no matter what the velocity
            parts.append(_WireCoefficients.of_cells(wire, velocity, gamma))
            is_open.append(velocity[-1 if side == 0 else 0, 0] > 0)
        left, right = is_open
        t = np.where(left & right, self._scatterer.transmission(energies), 0.0)
        return StreamSpectrum(parts, np.array([[(1 - t) * left, t], [t, (1 - t) * right]]).transpose(2, 0, 1))

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """See `interface.Propagator`.

        The Jacobian at a few energies is a banded matrix in the nodes' values and, in every cell, energy and mode,
        the two streams that enter the cell.
        """
        spectrum = self._all_alike(energies)
        # One weight for all rows, which differ by their mu only.
        share = weights.mean(axis=0)
        everything = mean_absorption(spectrum, share)
        system = SparseSystem(spectrum, everything, share)
        factor = splu(system.matrix(), permc_spec="NATURAL")

        def solve(b):
            full = np.zeros(system.size)
            full[system.nodes] = b
            return factor.solve(full)[system.nodes]

        if not self._gamma.elastic:
            return solve, everything
        diagonal = mean_absorption(self.spectrum(energies), share)
        return beside_elastic(solve, everything, diagonal, self.coupled), diagonal


class _WireCoefficients:
    """Coefficients of all kinds of cells of a wire at some energies; index 0: to the right, 1: to the left."""

    def __init__(self, kind: np.ndarray, widths: np.ndarray, velocity: np.ndarray, gamma: np.ndarray) -> None:
        # velocity: (2, kinds or 1, modes, energies)
        self.kind = kind
        is_open = velocity > 0
        decay = np.where(is_open, gamma / np.where(is_open, velocity, 1.0), 0.0)
        self.is_open = np.broadcast_to(is_open, (2, len(widths), *is_open.shape[2:]))
        # (kinds, modes, energies)
        self.thickness = [widths[:, None, None] * decay[direction] for direction in (0, 1)]
        self.walls = bool(np.any(self.is_open != self.is_open[:, :1]))
        self.a, self.b, self.e, self.m = [], [], [], []
        for thickness, is_open, nodes in zip(self.thickness, self.is_open, (slice(None), slice(None, None, -1)),
                                             strict=True):
            a, b, e, m = cells.transfer(thickness)
            self.a.append(np.where(is_open, a, 0.0))  # closed modes take and give nothing
            self.b.append(np.moveaxis(b[nodes], 0, 1))
            self.e.append(np.moveaxis(e[nodes], 0, 1))
            self.m.append(np.moveaxis(m[nodes, nodes], (0, 1), (1, 2)))
        # sum over modes and directions of tau M, (kinds, ORDER, ORDER, energies)
        self.own = sum(np.einsum("uijmk,umk->uijk", m, thickness)
                       for m, thickness in zip(self.m, self.thickness, strict=True))

    @classmethod
    def of_wire(cls, wire: Wire, velocity: np.ndarray, gamma: np.ndarray) -> Self:
        """Cells of equal width alike; velocity (2, modes, energies)."""
        return cls(wire.kind, wire.widths, velocity[:, None], gamma)

    @classmethod
    def of_cells(cls, wire: Wire, velocity: np.ndarray, gamma: np.ndarray) -> Self:
        """Every cell with a velocity of its own, (cells, modes, energies), the same in both directions."""
        return cls(np.arange(len(wire.kind)), wire.widths[wire.kind], np.stack([velocity, velocity]), gamma)

    def open_at(self, cell: int) -> np.ndarray:
        """Which modes are open in a cell: (2, modes, energies)."""
        return self.is_open[:, self.kind[cell]]

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (*self.a, *self.b, *self.e, *self.m, self.own))

    def returned(self, direction: int) -> np.ndarray:
        """Part of a stream away from the dot that comes back to it from a turning point: (modes, energies)."""
        order = slice(None) if direction == 0 else slice(None, None, -1)
        is_open = self.is_open[direction][self.kind][order]
        there = np.where(is_open, self.a[direction][self.kind][order], 1.0)
        back = np.where(is_open, self.a[1 - direction][self.kind][order], 1.0)
        # cells up to the first closed one; without one nothing comes back, and a closed first cell sends nothing
        before = np.cumprod(is_open, axis=0)
        passed = np.where(before, there * back, 1.0).prod(axis=0)
        return np.where(is_open[0] & ~is_open.all(axis=0), passed, 0.0)

    def sweep(self, direction: int, entering: np.ndarray, filling: np.ndarray,
              mirror: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Streams that enter each cell, and the one that leaves the last.

        `filling` has the shape (cells, ORDER, energies). A closed cell sends on what `mirror`, (cells, modes,
        energies), holds for it: what arrives there from the other side.
        """
        gained = np.einsum("cjmk,cjk->cmk", self.b[direction][self.kind], filling)
        streams = np.empty_like(gained)
        order = range(len(self.kind)) if direction == 0 else range(len(self.kind) - 1, -1, -1)
        stream = entering
        for c in order:
            streams[c] = stream
            stream = self.a[direction][self.kind[c]] * stream + gained[c]
            if mirror is not None:
                stream = np.where(self.is_open[direction, self.kind[c]], stream, mirror[c])
        return streams, stream


class StreamSpectrum(Spectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    leads = 2

    def __init__(self, parts: Sequence[_WireCoefficients], scattering: np.ndarray) -> None:
        self.parts = parts
        self.scattering = scattering
        rates = []
        for part in self.parts:
            # per node: w_i tau, mean of both directions, summed over modes; A = 2 counts the directions
            total = 0.5 * sum(part.thickness).sum(axis=1)[part.kind]
            rates.append((gauss.WEIGHTS[:, None] * total[:, None, :]).reshape(-1, total.shape[-1]))
        self.rate = np.concatenate(rates)
        self.spectral = np.where(self.rate > 0, 2.0, 0.0)

    @property
    def nbytes(self) -> int:
        """Memory it holds."""
        return sum(part.nbytes for part in self.parts) + 2 * self.rate.nbytes + self.scattering.nbytes

    def streams(self, filling: np.ndarray,
                lead_filling: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
        """Streams f_+ and f_- that enter each cell of each wire, and what leaves into the leads.

        Returns
        -------
        list of (plus, minus) of shape (cells, modes, energies) per wire; list of leaving streams (modes, energies).
        """
        left, right = self.parts
        split = gauss.ORDER * len(left.kind)
        count = filling.shape[1]
        of_left, of_right = (half.reshape(-1, gauss.ORDER, count) for half in (filling[:split], filling[split:]))
        modes = left.is_open.shape[2]
        from_left, from_right = left.open_at(0)[0] * lead_filling[0], right.open_at(-1)[1] * lead_filling[1]

        def inward(mirrors):
            return left.sweep(0, from_left, of_left, mirrors[0]), right.sweep(1, from_right, of_right, mirrors[1])

        def outward(out, mirrors):
            return left.sweep(1, out[:modes], of_left, mirrors[0]), right.sweep(0, out[modes:], of_right, mirrors[1])

        if not (left.walls or right.walls):
            (plus_left, to_dot_left), (minus_right, to_dot_right) = inward((None, None))
            out = np.einsum("koi,ik->ok", self.scattering, np.concatenate([to_dot_left, to_dot_right]))
            (minus_left, leave_left), (plus_right, leave_right) = outward(out, (None, None))
            return [(plus_left, minus_left), (plus_right, minus_right)], [leave_left, leave_right]

        # What leaves the dot may come back from a turning point, by the factors `back`: out = P (arriving + back out).
        back = np.concatenate([left.returned(1), right.returned(0)])
        mirrors = [np.zeros((len(part.kind), modes, count)) for part in self.parts]
        for _ in range(_BOUNCES):
            (minus_left, _), (plus_right, _) = outward(np.zeros_like(back), mirrors)
            (_, to_dot_left), (_, to_dot_right) = inward((minus_left, plus_right))
            matrix = np.eye(len(back)) - self.scattering * back.T[:, None, :]
            arriving = np.einsum("koi,ik->ko", self.scattering, np.concatenate([to_dot_left, to_dot_right]))
            out = np.linalg.solve(matrix, arriving[..., None])[..., 0].T
            (minus_left, leave_left), (plus_right, leave_right) = outward(out, mirrors)
            (plus_left, _), (minus_right, _) = inward((minus_left, plus_right))
            # Pieces of wire that turning points cut off, from the dot or from all, learn of their ends here.
            new = (plus_left, minus_right)
            change = max(np.abs(~part.is_open[d][part.kind] * (n - o)).max() for part, d, n, o
                         in zip(self.parts, (0, 1), new, mirrors, strict=True))
            mirrors = list(new)
            if change <= 1e-15 * max(np.abs(values).max() for values in (filling, lead_filling)):
                break
        else:
            raise ConvergenceError("Electrons that are reflected in the wires did not settle between the turning "
                                   f"points in {_BOUNCES} sweeps.")
        streams = [(plus_left, minus_left), (plus_right, minus_right)]
        return streams, [leave_left, leave_right]

    def _filling(self, source: np.ndarray) -> np.ndarray:
        """f_i of sources gamma_i f_i; 0 where nothing is sent."""
        return np.divide(source, self.rate, out=np.zeros_like(source), where=self.rate > 0)

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        filling = self._filling(source)
        streams, leaving = self.streams(filling, lead_filling)
        count = filling.shape[1]
        parts, start = [], 0
        for part, (plus, minus) in zip(self.parts, streams, strict=True):
            local = filling[start:start + gauss.ORDER * len(part.kind)].reshape(-1, gauss.ORDER, count)
            start += gauss.ORDER * len(part.kind)
            weighted = np.einsum("cijk,cjk->cik", part.own[part.kind], local)
            for direction, streams_in in enumerate((plus, minus)):
                weighted += np.einsum("cimk,cmk->cik", part.e[direction][part.kind],
                                      streams_in * part.thickness[direction][part.kind])
            parts.append((gauss.WEIGHTS[:, None] * weighted).reshape(-1, count))
        n = self._filling(np.concatenate(parts))
        inflow = np.array([(part.open_at(-into)[into] * f - leave).sum(axis=0) for part, into, f, leave
                           in zip(self.parts, (0, 1), lead_filling, leaving, strict=True)])
        return n, inflow

    def directions(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupations of right and left movers at the nodes (`cells`: their averages), means over the open modes.

        Returns
        -------
        plus, minus : arrays of float, shape (sites, energies)
            0 where no mode is open.
        """
        filling = self._filling(source)
        streams, _ = self.streams(filling, lead_filling)
        plus: list[np.ndarray] = []
        minus: list[np.ndarray] = []
        start = 0
        for part, entering in zip(self.parts, streams, strict=True):
            shape = (len(part.kind), gauss.ORDER, filling.shape[1])
            local = filling[start:start + shape[0] * shape[1]].reshape(shape)
            start += shape[0] * shape[1]
            for direction, means in enumerate((plus, minus)):
                modes = part.is_open[direction][part.kind]
                values = (np.einsum("cijmk,cjk->cimk", part.m[direction][part.kind], local)
                          + part.e[direction][part.kind] * entering[direction][:, None])
                mean = (values * modes[:, None]).sum(axis=2) / np.maximum(modes.sum(axis=1), 1)[:, None]
                means.append(mean.reshape(-1, shape[2]))
        return np.concatenate(plus), np.concatenate(minus)


class ElasticStreamSpectrum(ElasticSpectrum[StreamSpectrum]):
    """The same with elastic scattering."""

    def directions(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `StreamSpectrum`."""
        return self.inner.directions(self.total(source, lead_filling), lead_filling)
