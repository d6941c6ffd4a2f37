"""What surrounds the electrons at the ends of the leads: reservoirs."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..leads.lead import LEAD_WINDOW, Lead
from ..numerics.checks import check_finite, real_array, shortened

# Least k_B T in units of the largest energy: eight digits of the thermal window are left.
_RESOLVED = 1e-8


def check_temperature(name: str, value: Any) -> None:
    """Raise unless a value is a positive temperature."""
    check_finite(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be a positive temperature (k_B T in the model's energy unit), got {value!r}.")


@dataclass(frozen=True)
class Reservoir:
    """Electron reservoir at the far end of a lead.

    Parameters
    ----------
    mu : float or None
        Electrochemical potential, in the model's energy unit. None: a floating (voltage) terminal, whose mu makes its
        net current vanish.
    temperature : float
        k_B T in the model's energy unit, positive.
    potential : float or None
        Electrostatic energy by which the lead's band is shifted, in the model's energy unit. None: not shifted, or,
        with electrostatics, shifted by mu - mu_eq, so that the lead is neutral (see `steady_state`).

    Raises
    ------
    ValueError
        If a value is not finite, or the temperature is not positive.
    """

    mu: float | None
    temperature: float
    potential: float | None = None

    def __post_init__(self) -> None:
        if self.mu is not None:
            check_finite("Reservoir mu", self.mu)
        check_temperature("Reservoir temperature", self.temperature)
        if self.potential is not None:
            check_finite("Reservoir potential", self.potential)

    @property
    def band_shift(self) -> float:
        """Shift of the lead's band, 0 where no potential was given."""
        return 0.0 if self.potential is None else self.potential


def known_mus(reservoirs: Sequence[Reservoir]) -> np.ndarray:
    """Chemical potentials of the reservoirs that are not floating.

    Raises
    ------
    ValueError
        If all are floating.
    """
    known = np.array([reservoir.mu for reservoir in reservoirs if reservoir.mu is not None], float)
    if not len(known):
        raise ValueError("Every reservoir is floating (mu=None); at least one must have a mu.")
    return known


def equilibrium_mu(reservoirs: Sequence[Reservoir]) -> float:
    """mu_eq: mean over the reservoirs that do not float of mu, less the potential where one was given."""
    return float(np.mean([reservoir.mu - reservoir.band_shift for reservoir in reservoirs
                          if reservoir.mu is not None]))


def neutral_potentials(reservoirs: Sequence[Reservoir]) -> np.ndarray:
    """Electrostatic energy of each lead: as given, else mu - mu_eq; nan where that follows a floating mu."""
    middle = equilibrium_mu(reservoirs)
    following = [np.nan if reservoir.mu is None else reservoir.mu - middle for reservoir in reservoirs]
    return np.array([value if reservoir.potential is None else reservoir.potential
                     for value, reservoir in zip(following, reservoirs, strict=True)])


def band_shifts(reservoirs: Sequence[Reservoir], leads: Sequence[Lead], neutral: bool) -> np.ndarray:
    """Energy by which each lead's band is shifted, after checking that every lead has open modes.

    Parameters
    ----------
    reservoirs : sequence of Reservoir
        One per lead.
    leads : sequence of Lead
    neutral : bool
        A lead without potential is shifted by mu - mu_eq (0 where it floats) instead of not at all.

    Returns
    -------
    array of float, shape (leads,)

    Raises
    ------
    ValueError
        If a lead has no open modes.
    """
    known = known_mus(reservoirs)
    reach = LEAD_WINDOW * max(reservoir.temperature for reservoir in reservoirs)
    low, high = known.min() - reach, known.max() + reach
    shifts = (np.nan_to_num(neutral_potentials(reservoirs)) if neutral
              else np.array([reservoir.band_shift for reservoir in reservoirs], float))
    for lead, reservoir, shift in zip(leads, reservoirs, shifts, strict=True):
        if neutral and reservoir.mu is not None:
            # Its own electrons must be in its band, or there is nothing that screens.
            reach = LEAD_WINDOW * reservoir.temperature
            lead.check_open(reservoir.mu - reach - shift, reservoir.mu + reach - shift)
        else:
            lead.check_open(low - shift, high - shift)
    return shifts


def checked_reservoirs(reservoirs: Sequence[Reservoir], count: int) -> list[Reservoir]:
    """The reservoirs as a list, after checking that there is one for each of `count` leads.

    Raises
    ------
    TypeError, ValueError
        If they are no reservoirs, or not as many as leads, or all floating.
    """
    if isinstance(reservoirs, Reservoir) or not np.iterable(reservoirs):
        what = "a single Reservoir" if isinstance(reservoirs, Reservoir) else repr(reservoirs)
        raise TypeError(f"reservoirs must hold one Reservoir per lead, got {what}.")
    reservoirs = list(reservoirs)
    if len(reservoirs) != count:
        raise ValueError(f"reservoirs must hold one Reservoir per lead: syst has {count} leads, "
                         f"got {len(reservoirs)} reservoirs.")
    for number, reservoir in enumerate(reservoirs):
        if not isinstance(reservoir, Reservoir):
            raise TypeError(f"reservoirs[{number}] must be a Reservoir, got {type(reservoir).__name__}.")
    known_mus(reservoirs)
    return reservoirs


def check_resolved(temperatures: np.ndarray, energy: float) -> None:
    """Raise ValueError if a temperature is so low that energies next to mu cannot be told apart."""
    least = _RESOLVED * abs(energy)
    if np.min(temperatures) < least:
        raise ValueError(f"The temperature {np.min(temperatures):.3g} (k_B T) is too low to be resolved next to "
                         f"energies of {abs(energy):.3g}: it must be {least:.1g} at least; linear_response takes 0.")


def checked_drives(drive: Sequence[float | None] | None, thermal_drive: Sequence[float] | None,
                   leads: int) -> tuple[np.ndarray, np.ndarray]:
    """Shifts of the leads' mu (nan: floating) and k_B T per unit of bias, of the defaults or as given: shape (leads,).

    Raises
    ------
    ValueError
        If they are something else.
    """
    if drive is None:
        drive = (0.5, -0.5) if thermal_drive is None else leads * (0.0,)
    heats = np.zeros(leads) if thermal_drive is None else per_lead("thermal_drive", thermal_drive, leads)
    return per_lead("drive", drive, leads, unknown=True), heats


def check_drives_at(temperature: float, shifts: np.ndarray, heats: np.ndarray, warming: bool) -> None:
    """Raise ValueError if at temperature 0 leads or phonons (`warming`) are heated, or leads float."""
    if temperature == 0 and (warming or np.any(heats) or np.any(np.isnan(shifts))):
        raise ValueError("At temperature 0 no lead and no phonons can be driven by a temperature, and no lead float: "
                         "raise temperature.")


def per_lead(name: str, values: Sequence[float | None], leads: int, unknown: bool = False) -> np.ndarray:
    """Array with one finite number per lead; with `unknown` some of them, not all, may be None: nan.

    Raises
    ------
    ValueError
        If it is something else.
    """
    what = f"one finite number for each of the {leads} leads{', or None for some that float' if unknown else ''}"
    given = [] if isinstance(values, str | bytes | Set | Mapping) or not np.iterable(values) else list(values)
    floats = [value is None and unknown for value in given]
    array = real_array(name, [0.0 if float_ else value for value, float_ in zip(given, floats, strict=True)], what)
    if array.shape != (leads,) or not np.all(np.isfinite(array)) or all(floats):
        raise ValueError(f"{name} must be {what}, got {shortened(values)}.")
    return np.where(floats, np.nan, array.astype(float))
