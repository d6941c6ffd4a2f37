"""How a result shows itself in a notebook: numbers in a table, and a small picture."""

import base64
import io
from html import escape

from .fields import unit_of

# Larger ones take seconds to draw.
_MOST_DRAWN = 100_000
_DPI = 60


def as_html(result) -> str:
    """Currents, power, residuals and a picture of a `Result`, as HTML that needs nothing else.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    def row(name, values, unit=""):
        shown = ", ".join(f"{value:.4g}" for value in values)
        return f"<tr><th style='text-align: left'>{escape(name)}</th><td>{escape(f'{shown} {unit}'.strip())}</td></tr>"

    si = result.units == "SI"
    rows = [row("current from each lead", result.current, unit_of("current", si)),
            row("energy current from each lead", result.energy_current, unit_of("power", si)),
            row("power to the phonons", [result.heat.sum()], unit_of("power", si)),
            row("relative error", [result.error]), row("particles lost", [result.particle_residual]),
            row("energy lost", [result.energy_residual])]
    title = f"{type(result).__name__}: {len(result.power)} {result.power_per}s" if result.power_per == "site" else \
        f"{type(result).__name__}: {len(result.power)} nodes"
    return (f"<div><strong>{escape(title)}</strong><table>{''.join(rows)}</table>"
            f"{_picture(result) if len(result.power) <= _MOST_DRAWN else ''}</div>")


def _picture(result):
    import matplotlib.pyplot as plt  # slow to import

    figure = result.plot()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_DPI)
    plt.close(figure)  # or a notebook shows it a second time
    data = base64.b64encode(image.getvalue()).decode()
    return f"<img alt='power and chemical potential' src='data:image/png;base64,{data}'>"
