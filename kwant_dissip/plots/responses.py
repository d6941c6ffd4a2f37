"""Pictures of linear response."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .axes import over_plane, subplots
from .panels import Fields, label_abscissa, names_of, placed
from .shapes import bar, filled
from .style import BLUE, GREEN, VERMILION, Cmap

_LABELS = {"power1": "power per bias\n(Peltier part)", "power2": "power per bias$^2$\n(Joule part)",
           "mu1": r"$\mu$ per bias", "mu2": r"$\mu$ per bias$^2$",
           "electron_mu1": r"$\mu_e$ per bias", "electron_mu2": r"$\mu_e$ per bias$^2$",
           "electron_temperature1": r"$k_B T_e$ per bias", "electron_temperature2": r"$k_B T_e$ per bias$^2$"}
_COLOURS = {"power1": BLUE, "power2": VERMILION}


def draw(response: Any, axes: Any = None, *, fields: Fields = None, cmap: Cmap = None) -> Figure:
    """Fields along a line, or over a plane or the first two directions of a solid, see `LinearResponse.plot`."""
    names = names_of(fields, ("power1", "power2", "mu1"))
    known = [name for name in _LABELS if getattr(response, name) is not None]
    for name in names:
        if name not in known:
            raise ValueError(f"fields must be of {', '.join(known)}, got {name!r}.")
    x = np.reshape(response.x, (len(response.power1), -1))
    moving = np.flatnonzero(np.ptp(x, axis=0) > 0)
    if axes is None and len(moving) > 1:
        axes = over_plane(x[:, moving[:2]], len(names))
    elif axes is None:
        _, axes = subplots(len(names), 1, sharex=True, figsize=(6.4, 0.8 + 2.2 * len(names)), layout="constrained")
    axes, names = placed(axes, names, fields)
    for axis, name in zip(axes, names, strict=True):
        values = getattr(response, name)
        if len(moving) <= 1:
            order = np.argsort(x[:, moving].ravel()) if len(moving) else np.arange(len(x))
            axis.plot(x[order, moving[0] if len(moving) else 0], values[order], color=_COLOURS.get(name, GREEN), lw=1.5)
            axis.axhline(0, color="0.6", lw=0.6, zorder=0)
            axis.set_ylabel(_LABELS[name])
        else:
            bar(axis, filled(axis, x[:, moving[:2]], values, signed=True, cmap=cmap), _LABELS[name])
            axis.set(**{f"{'xy'[i]}label": f"${'xyz'[coordinate]}$ (lattice unit)"
                        for i, coordinate in enumerate(moving[:2])})
    if len(moving) <= 1:
        label_abscissa(axes, "position $x$ (lattice unit)")
    return axes[0].figure
