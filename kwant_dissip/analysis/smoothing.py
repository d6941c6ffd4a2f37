"""Averages over the Fermi wavelength."""

import numpy as np
from scipy.spatial import KDTree

from ..numerics.checks import is_finite, shortened

# Sites that are averaged at a time on a map.
_BATCH = 256


def check_window(window: float | None) -> None:
    """Raise ValueError unless a window is None or a positive length."""
    if window is not None and not (is_finite(window) and window > 0):
        raise ValueError("window must be a positive length, or None for the Fermi wavelength, "
                         f"got {shortened(window)}.")


def average(x: np.ndarray, values: np.ndarray, window: float) -> tuple[np.ndarray, ...]:
    """Average of values at equally spaced positions over a length.

    The average weights a distance d with cos^2(pi d / 2 window), |d| < window: half as wide as high at `window`, it
    leaves nothing of a wave with the period window / 2, and little of shorter ones, where a plain mean rings.

    Parameters
    ----------
    x, values : arrays of float
        Positions, growing, and the values there.
    window : float

    Returns
    -------
    x, values : arrays
        Positions where all of the weight lies inside, and the average; both empty if `x` is shorter than two windows.

    Raises
    ------
    ValueError
        If `x` is not equally spaced.
    """
    if len(x) < 2:
        return x[:0], values[:0]
    spacing = np.diff(x)
    if spacing[0] <= 0 or np.ptp(spacing) > 1e-6 * spacing[0]:
        raise ValueError("The sites of a wire do not follow each other at equal distances along one coordinate: "
                         "there is no profile to smooth.")
    reach = int(np.ceil(window / spacing[0])) - 1
    if len(x) <= 2 * reach:
        return x[:0], values[:0]
    weight = _weight(np.arange(-reach, reach + 1) * spacing[0], window)
    return x[reach:len(x) - reach], np.convolve(values, weight / weight.sum(), mode="valid")


def average_nearby(positions: np.ndarray, values: np.ndarray, window: float) -> np.ndarray:
    """Average of values over all sites closer than a length, weighted as in `average`.

    Parameters
    ----------
    positions : array of float, shape (sites, dimensions)
    values : array of float, shape (sites,)
    window : float

    Returns
    -------
    array of float, shape (sites,)
        Next to an edge the average over what lies inside.
    """
    tree, parts = KDTree(positions), []
    for start in range(0, len(positions), _BATCH):
        near = KDTree(positions[start:start + _BATCH]).sparse_distance_matrix(tree, window, output_type="coo_matrix")
        weight = _weight(near.data, window)
        parts.append(np.bincount(near.row, weight * values[near.col]) / np.bincount(near.row, weight))
    return np.concatenate(parts)


def _weight(distance, window):
    return np.cos(0.5 * np.pi * distance / window) ** 2
