"""New figures."""

import traceback
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy.spatial import KDTree

# Shows all open figures at the end of a notebook's cell.
_INLINE = "matplotlib_inline.backend_inline"


class ShownOnce(Figure):
    """A figure that a notebook shows once: not as the value of a cell, too, if it shows all open ones at its end."""

    def _ipython_display_(self):
        by_backend = any(frame.f_globals.get("__name__") == _INLINE for frame, _ in traceback.walk_stack(None))
        is_open = plt.fignum_exists(getattr(self, "number", -1))
        if "inline" not in matplotlib.get_backend() or by_backend or not is_open:
            raise NotImplementedError  # IPython then shows it as any other figure


def subplots(rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """As `matplotlib.pyplot.subplots`."""
    return plt.subplots(rows, columns, FigureClass=ShownOnce, **options)


def over_plane(positions: np.ndarray, count: int) -> Any:
    """Axes for maps of a plane, in as many rows or columns as suits its shape.

    Parameters
    ----------
    positions : array of float, shape (sites, 2)
    count : int
        Of maps.

    Returns
    -------
    array of matplotlib axes, or one
    """
    distance, _ = KDTree(positions).query(positions, k=min(2, len(positions)))
    wide, high = np.ptp(positions, axis=0) + np.median(distance.reshape(len(positions), -1)[:, -1])
    rows = count if wide > high else 1
    size = (6.4, np.clip(5.0 * high / wide + 1.0, 1.7, 5.4) * rows) if wide > high else \
        (np.clip(4.0 * wide / high + 1.4, 2.4, 5) * count, 4.8)
    return subplots(rows, count // rows, figsize=size, layout="compressed")[1]
