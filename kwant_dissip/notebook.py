"""How results show themselves in a notebook: numbers in a table, and a small picture."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np

_DPI = 60


def html(title: str, rows: Mapping[str, str] | Sequence[Sequence[str]], plot: Callable | None = None) -> str:
    """A table and a picture, as HTML that needs nothing else.

    Parameters
    ----------
    title : str
    rows : dict of str to str, or sequence of sequences of str
        Names and values, or rows of a table, of which the first is its head.
    plot : callable, optional
        Returns a figure, which is closed.
    """
    if isinstance(rows, Mapping):
        cells = "".join(f"<tr>{_cells([name], 'th')}{_cells([text])}</tr>" for name, text in rows.items())
    else:
        cells = "".join(f"<tr>{_cells(row, 'td' if i else 'th')}</tr>" for i, row in enumerate(rows))
    return f"<div><strong>{escape(title)}</strong><table>{cells}</table>{'' if plot is None else _picture(plot)}</div>"


def ends(values: np.ndarray) -> str:
    """The least and the largest of some numbers that may be nan."""
    known = values[values == values]
    return f"{known.min():.4g} to {known.max():.4g}" if len(known) else "not known"


def _cells(texts, tag="td"):
    return "".join(f"<{tag} style='text-align: left'>{escape(text)}</{tag}>" for text in texts)


def _picture(plot):
    import matplotlib.pyplot as plt  # slow to import

    with plt.ioff():
        figure = plot()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_DPI)
    plt.close(figure)  # or a notebook shows it a second time
    data = base64.b64encode(image.getvalue()).decode()
    return f"<img alt='picture of the result' src='data:image/png;base64,{data}'>"
