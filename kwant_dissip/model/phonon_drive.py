"""How the phonons' temperature follows the leads' in a thermal drive."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .baths import Baths
from .electrostatics import ramps
from .lattice import Lattice
from .per_site import PerSite, per_site

PhononDrive = Literal["leads", "graded"] | PerSite
_NAME = "phonon_drive"
_FORMS = "leads", "graded"


def phonon_drives(value: PhononDrive | None, thermal_drive: Sequence[float] | np.ndarray, lattice: Lattice,
                  baths: Baths) -> np.ndarray:
    """Shift of the phonons' k_B T per unit of bias, shape (sites,).

    Parameters
    ----------
    value : {"leads", "graded"}, float, sequence of float, function of a site, or None
        As `linear_response` takes it; None: "leads".
    thermal_drive : array of float, shape (leads,)
    lattice : Lattice
    baths : Baths

    Raises
    ------
    ValueError
        If it is something else, or there are no phonons with a temperature.
    """
    check_phonon_drive(value, baths)
    thermal_drive = np.asarray(thermal_drive, float)
    if baths.phonons is None:
        return np.zeros(len(lattice.sites))
    if value is None or isinstance(value, str):
        if not thermal_drive.any():
            return np.zeros(len(lattice.sites))
        if value == "graded":
            return ramps(lattice) @ thermal_drive
        distances = lattice.lead_distances()
        nearest = distances == distances.min(axis=0)
        return thermal_drive @ nearest / nearest.sum(axis=0)
    return checked_drive(per_site(_NAME, value, lattice.sites))


def check_phonon_drive(value: Any, baths: Baths) -> None:
    """Raise ValueError where a phonon drive has a name that is none, or no phonons to act on."""
    if isinstance(value, str) and value not in _FORMS:
        raise ValueError(f'{_NAME} must be "leads", "graded", a number, one per site, or a function, got {value!r}.')
    if value is not None and baths.phonons is None:
        raise ValueError(f"{_NAME}={value!r} shifts the temperature of a PhononBath, and there is none: leave it out.")


def checked_drive(values: np.ndarray) -> np.ndarray:
    """The values, after checking that all are finite."""
    good = np.isfinite(values)
    if not np.all(good):
        raise ValueError(f"{_NAME} must be finite, got {values[~good][0]!r}.")
    return values
