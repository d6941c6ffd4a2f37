"""Averages over the Fermi wavelength."""

import numpy as np


def average(x, values, window):
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
    weight = np.cos(0.5 * np.pi * np.arange(-reach, reach + 1) * spacing[0] / window) ** 2
    return x[reach:len(x) - reach], np.convolve(values, weight / weight.sum(), mode="valid")
