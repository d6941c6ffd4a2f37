"""A result as HTML: currents, power, residuals and a picture."""

from ..notebook import html
from ..store.fields import unit_of

# Larger ones take seconds to draw.
_MOST_DRAWN = 20_000


def as_html(result) -> str:
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


def _is_placed(result):
    """Whether there is a place for every number."""
    try:
        return result.graph is not None
    except ValueError:
        return False
