"""How well k_B T resolves broadened states: what rates are meant for."""

from collections.abc import Callable

import numpy as np

# At more energies than this, functions of the energy are interpolated.
_ENERGIES = 64


def smallest_ratio(temperature: np.ndarray, rate: np.ndarray) -> float | None:
    """Smallest k_B T / gamma where gamma is not 0, of arrays of any equal shape; None if it is 0 everywhere."""
    broadened = rate > 0
    return float(np.min(temperature[broadened] / rate[broadened])) if broadened.any() else None


def smooth_values(function: Callable[[np.ndarray], np.ndarray], energies: np.ndarray) -> np.ndarray:
    """A smooth function at many energies that lie close together, asked at some of them only."""
    unique, index = np.unique(energies, return_inverse=True)
    if len(unique) <= _ENERGIES:
        return function(unique)[index]
    grid = np.linspace(unique[0], unique[-1], _ENERGIES)
    return np.interp(energies, grid, function(grid))
