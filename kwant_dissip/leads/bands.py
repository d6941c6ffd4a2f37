"""Extrema of a lead's bands: the energies at which a mode opens or closes."""

import numpy as np
from scipy.optimize import minimize_scalar

from .._kwant import kwant

# Momenta per half Brillouin zone at which bands are searched for extrema, before refinement.
_GRID = 256
# Bands that change from one such momentum to the next by less, relative to the largest energy, are flat there.
_FLAT = 1e-12
# Where bands cross, the search finds the crossing from both sides: this close to each other, relative to the largest.
_CROSSING = 1e-7


def band_extrema(lead: kwant.system.InfiniteSystem, params: dict | None) -> np.ndarray:
    """All extrema of all bands, sorted: array of float.

    Parameters
    ----------
    lead : kwant.system.InfiniteSystem
        Finalized lead.
    params : dict or None
        Parameters of its Hamiltonian.
    """
    bands = kwant.physics.Bands(lead, params=params)
    momenta = np.linspace(-np.pi, np.pi, 2 * _GRID + 1)
    energies = np.array([bands(k) for k in momenta])
    step, scale = momenta[1] - momenta[0], np.abs(energies).max()
    extrema: list[float] = []
    for band, values in enumerate(energies.T):
        # The grid is periodic; its last point repeats the first.
        before, after = np.roll(values[:-1], 1), np.roll(values[:-1], -1)
        flat = np.maximum(np.abs(before - values[:-1]), np.abs(after - values[:-1])) < _FLAT * scale
        for sign in (1, -1):
            extremal = (sign * values[:-1] <= sign * before) & (sign * values[:-1] <= sign * after)
            extrema.extend(values[:-1][extremal & flat])
            for k in momenta[:-1][extremal & ~flat]:
                best = minimize_scalar(lambda q, band=band, sign=sign: sign * bands(q)[band],
                                       bounds=(k - step, k + step), method="bounded", options={"xatol": 1e-9})
                extrema.append(sign * best.fun)
    found = np.sort(extrema)
    return found[np.concatenate([[True], np.diff(found) > _CROSSING * np.abs(found).max()])]
