"""How results show themselves in a notebook: numbers in a table, and a small picture."""

import base64
import io
from collections.abc import Callable, Mapping
from html import escape

from .fields import unit_of

# Larger ones take seconds to draw.
_MOST_DRAWN = 20_000
_DPI = 60


def html(title: str, rows: Mapping[str, str], plot: Callable | None = None) -> str:
    """A table and a picture, as HTML that needs nothing else.

    Parameters
    ----------
    title : str
    rows : dict of str to str
    plot : callable, optional
        Returns a figure, which is closed.
    """
    cells = "".join(f"<tr><th style='text-align: left'>{escape(name)}</th><td>{escape(text)}</td></tr>"
                    for name, text in rows.items())
    return f"<div><strong>{escape(title)}</strong><table>{cells}</table>{'' if plot is None else _picture(plot)}</div>"


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


def _picture(plot):
    import matplotlib.pyplot as plt  # slow to import

    with plt.ioff():
        figure = plot()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_DPI)
    plt.close(figure)  # or a notebook shows it a second time
    data = base64.b64encode(image.getvalue()).decode()
    return f"<img alt='picture of the result' src='data:image/png;base64,{data}'>"
