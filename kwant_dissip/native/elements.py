"""Matrices of many energies as the kernels want them (`tiles.h`), and complex matrices in and out of them.

An element is LANES complex numbers, one for each of as many energies: LANES real parts, then LANES imaginary parts.
"""

import numpy as np

from . import LANES

# Doubles of an element.
ELEMENT = 2 * LANES


def aligned(count: int) -> np.ndarray:
    """Array of that many elements that starts where a vector does, so that none lies in two lines of the cache."""
    raw = np.empty(count * ELEMENT + LANES)
    start = (-raw.ctypes.data // raw.itemsize) % LANES
    return raw[start:start + count * ELEMENT]


def packed(*matrices: np.ndarray) -> np.ndarray:
    """Complex matrices, each of shape (energies, rows, columns), as elements, those of an energy one after the other.

    Lanes without an energy repeat the last.

    Returns
    -------
    array of float, shape (groups of lanes, floats)
    """
    count = len(matrices[0])
    groups = -(-count // LANES)
    lanes = np.minimum(np.arange(groups * LANES), count - 1)
    flat = np.concatenate([np.reshape(matrix, (count, -1)) for matrix in matrices], axis=1)[lanes]
    by_lane = np.moveaxis(flat.reshape(groups, LANES, -1), 1, 2)
    result = aligned(groups * flat.shape[1]).reshape(groups, -1)
    np.stack([by_lane.real, by_lane.imag], axis=2, out=result.reshape(groups, -1, 2, LANES))
    return result


def unpacked(elements: np.ndarray, rows: int, columns: int, count: int) -> np.ndarray:
    """The complex matrices of `packed`, shape (energies, rows, columns), of `count` energies."""
    parts = elements.reshape(len(elements), rows, columns, 2, LANES)
    return np.moveaxis(parts[..., 0, :] + 1j * parts[..., 1, :], -1, 1).reshape(-1, rows, columns)[:count]
