"""A result as HTML: currents, power, residuals and a picture."""

from typing import Any, Protocol

import numpy as np

from ..analysis.states import State
from ..notebook import html
from ..store.fields import unit_of

# Larger ones take seconds to draw.
_MOST_DRAWN = 20_000


class Shown(State, Protocol):
    """What is shown of a `Result`."""

    @property
    def energy_current(self) -> np.ndarray: ...
    @property
    def heat(self) -> np.ndarray: ...
    @property
    def error(self) -> float: ...
    @property
    def particle_residual(self) -> float: ...
    @property
    def energy_residual(self) -> float: ...
    @property
    def thermal_resolution(self) -> float | None: ...
    @property
    def graph(self) -> object: ...

    def plot(self) -> Any: ...


def as_html(result: Shown) -> str:
    """Currents, power, residuals and a picture of a `Result`.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    def listed(values, unit=""):
        return f"{', '.join(f'{value:.4g}' for value in values)} {unit}".strip()

    si = result.units == "SI"
    rows = {"current from each lead": listed(result.current, unit_of("current", si)),
            "energy current from each lead": listed(result.energy_current, unit_of("power", si)),
            "power to the phonons": listed([result.heat.sum()], unit_of("power", si)),
            "relative error": listed([result.error]), "particles lost": listed([result.particle_residual]),
            "energy lost": listed([result.energy_residual])}
    if result.thermal_resolution is not None:
        rows["smallest k_B T / gamma"] = listed([result.thermal_resolution])
    nodes = "sites" if result.power_per == "site" else "nodes"
    return html(f"{type(result).__name__}: {len(result.power)} {nodes}", rows,
                result.plot if len(result.power) <= _MOST_DRAWN and _is_placed(result) else None)


def _is_placed(result: Shown) -> bool:
    """Whether there is a place for every number."""
    try:
        return result.graph is not None
    except ValueError:
        return False
