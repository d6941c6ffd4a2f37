"""The linear balance of streams at a few energies, as a banded matrix."""

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix

from ..numerics import gauss


class SparseSystem:
    """Rows (values at the nodes; streams that enter the cells) of the linear balance at a few energies."""

    def __init__(self, spectrum, diagonal, share):
        self._entries = []
        self.size = 0
        places = [self._place(part) for part in spectrum.parts]
        self.nodes = np.concatenate([v.ravel() for v, _, _ in places])
        start = 0
        for part, (v, *streams) in zip(spectrum.parts, places, strict=True):
            stop = start + v.size
            self._balance(part, v, streams, diagonal[start:stop].reshape(v.shape), share)
            start = stop
            for direction, rows in enumerate(streams):
                self._add(rows, rows, np.ones(rows.shape))
                order = slice(None) if direction == 0 else slice(None, None, -1)
                rows, nodes, kind = rows[order], v[order], part.kind[order]
                self._leave(part, direction, kind[:-1], rows[1:], -1.0, rows[:-1], nodes[:-1])
        self._scatter(spectrum, places)

    def _place(self, part):
        shape = (len(part.kind), *part.is_open.shape[2:])
        streams = shape[1] * shape[2]
        width = gauss.ORDER + 2 * streams
        first = self.size + width * np.arange(shape[0])[:, None]
        self.size += width * shape[0]
        plus = (first + gauss.ORDER + np.arange(streams)).reshape(shape)
        return first + np.arange(gauss.ORDER), plus, plus + streams

    def _add(self, rows, columns, values):
        rows, columns, values = np.broadcast_arrays(rows, columns, values)
        self._entries.append((rows.ravel(), columns.ravel(), values.ravel()))

    def _balance(self, part, v, streams, diagonal, share):
        own = gauss.WEIGHTS[:, None] * (share * part.own).sum(axis=-1)[part.kind]
        self._add(v[:, :, None], v[:, None, :], np.eye(gauss.ORDER) * diagonal[:, :, None] - own)
        for direction, columns in enumerate(streams):
            weight = (gauss.WEIGHTS[:, None, None] * part.e[direction][part.kind]
                      * part.thickness[direction][part.kind][:, None])
            self._add(v[:, :, None, None], columns[:, None], -share * weight)

    def _leave(self, part, direction, kind, rows, factor, streams, v):
        """Add factor * (stream that leaves a cell) to rows; all of shape (cells, modes, energies)."""
        self._add(rows, streams, factor * part.a[direction][kind])
        gained = np.moveaxis(part.b[direction][kind], 1, -1)  # (cells, modes, energies, ORDER)
        self._add(rows[..., None], v[:, None, None, :], np.asarray(factor)[..., None] * gained)

    def _scatter(self, spectrum, places):
        (left_v, left_plus, left_minus), (right_v, right_plus, right_minus) = places
        left, right = spectrum.parts
        modes = left.is_open.shape[2]
        arriving = [(left, 0, left.kind[-1], left_plus[-1], left_v[-1], 0),
                    (right, 1, right.kind[0], right_minus[0], right_v[0], modes)]
        leaving = [(left_minus[-1], slice(0, modes)), (right_plus[0], slice(modes, None))]
        for rows, out in leaving:
            for part, direction, kind, streams, v, first in arriving:
                for mode, columns in enumerate(streams):
                    factor = -spectrum.scattering[:, out, first + mode].T  # (out modes, energies)
                    self._add(rows, columns, factor * part.a[direction][kind][mode])
                    gained = part.b[direction][kind][:, mode].T  # (energies, ORDER)
                    self._add(rows[..., None], v, factor[..., None] * gained)

    def matrix(self) -> csc_matrix:
        """The matrix in compressed columns."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return coo_matrix((values, (rows, columns)), shape=(self.size, self.size)).tocsc()
