"""Arrays of elements as the vector units want them (`tiles`), and complex matrices in and out of them."""

import numpy as np

from .compiled import compiled
from .tiles import ELEMENT
from .vectors import LANES


@compiled
def _from_a_vector_on(raw):
    start = (-raw.ctypes.data // raw.itemsize) % LANES
    return raw[start:start + len(raw) - LANES]


@compiled
def work_space(count):
    """Array of that many elements that starts where a vector does, so that no vector lies in two lines of the cache."""
    return _from_a_vector_on(np.empty(count * ELEMENT + LANES))


def aligned(count):
    """As `work_space`, from numpy, which for large arrays asks for large pages."""
    return _from_a_vector_on(np.empty(count * ELEMENT + LANES))


def packed(*matrices):
    """Complex matrices, each of shape (energies, rows, columns), as elements, those of an energy one after the other.

    Lanes without an energy repeat the last.

    Returns
    -------
    array of float, shape (groups of lanes, floats)
    """
    count = len(matrices[0])
    flat = [np.ascontiguousarray(matrix, complex).reshape(count, -1) for matrix in matrices]
    groups = -(-count // LANES)
    result = aligned(groups * sum(matrix.shape[1] for matrix in flat)).reshape(groups, -1)
    at = 0
    for matrix in flat:
        _pack(matrix, result, at)
        at += matrix.shape[1] * ELEMENT
    return result


@compiled
def _pack(matrices, result, at):
    for group in range(len(result)):
        for lane in range(LANES):
            energy = min(group * LANES + lane, len(matrices) - 1)
            for k in range(matrices.shape[1]):
                value, place = matrices[energy, k], at + k * ELEMENT + lane
                result[group, place], result[group, place + LANES] = value.real, value.imag


def unpacked(elements, rows, columns, count):
    """The complex matrices of `packed`, shape (energies, rows, columns), of `count` energies."""
    parts = elements.reshape(len(elements), rows, columns, 2, LANES)
    return np.moveaxis(parts[..., 0, :] + 1j * parts[..., 1, :], -1, 1).reshape(-1, rows, columns)[:count]
