"""What the panels of a picture show, and where they go."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from ..analysis.spots import Spot, heat_spots
from ..analysis.states import State
from .style import SPOT_MARKERS, in_units, with_unit

# What users choose to see: names of fields, or None for what there is.
Fields = str | Sequence[str] | None
_LABELS = {"mu": r"electrochemical potential $\mu$", "electron_mu": r"electrons' potential $\mu_e$",
           "electron_temperature": "electrons' temperature $T_e$", "potential": "electrostatic energy $U$",
           "density": "electrons per site", "density_difference": "charge (electrons per site)",
           "bath_temperature": "phonons' temperature"}
# In points.
_INCH = 72
# Their sign is what matters.
_SIGNED = ("power", "power per length")


class Panel(NamedTuple):
    """A field of a result.

    Attributes
    ----------
    name : str
    values : array of float, shape (sites,)
        In the unit of the label.
    label : str
        With its unit.
    is_signed : bool
        Whether 0 is a value to tell apart.
    factor : float
        From the result's own unit.
    """

    name: str
    values: np.ndarray
    label: str
    is_signed: bool
    factor: float


def known_fields(state: Any) -> dict[str, str]:
    """Fields with a number for each site or node that can be drawn, by name, with their kinds."""
    return {field.name: field.metadata["kind"] for field in dataclasses.fields(state)
            if field.metadata["dimensions"] in (("site",), ("node",))
            and field.metadata["kind"] in ("power", "power per length", "energy", "temperature", "number", "electrons")
            and np.ndim(getattr(state, field.name)) == 1 and field.name != "wire"}


def panel(state: State, name: str) -> Panel:
    """A field by its name.

    Raises
    ------
    ValueError
        If there is none that can be drawn.
    """
    known = known_fields(state)
    if name not in known:
        raise ValueError(f"fields must be of {', '.join(known)}, got {name!r}.")
    values = state.local_mu if name == "mu" else getattr(state, name)
    factor, unit = in_units(values, known[name], state.units)
    label = f"power per {state.power_per}" if name == "power" else _LABELS.get(name, name.replace("_", " "))
    return Panel(name, factor * values, with_unit(label, unit),
                 known[name] in _SIGNED or name == "density_difference", factor)


def side_label(axis: Axes, label: str) -> None:
    """Label the ordinate of a user's axis, in as many lines as its height asks for."""
    text, room = axis.set_ylabel(label), axis.get_window_extent().height
    for width in range(len(label), max(map(len, label.split())) - 1, -1):
        text.set_text("\n".join(wrap(label, width)))
        if text.get_window_extent().height <= room:
            return


def label_abscissa(axes: Sequence[Axes], label: str) -> None:
    """Label the abscissa of the last axis, and of each that does not share it with one below."""
    for axis in axes:
        place = axis.get_subplotspec()
        shared = any(other.get_subplotspec() != place for other in axis.get_shared_x_axes().get_siblings(axis))
        if axis is axes[-1] or not shared or place is None or place.is_last_row():
            axis.set_xlabel(label)


def names_of(fields: Fields, defaults: Iterable[str]) -> list[str]:
    """Names of the panels: as asked for, or what there is."""
    return list(defaults) if fields is None else [fields] if isinstance(fields, str) else list(fields)


def placed(axes: Any, names: list[str], fields: Fields) -> tuple[list[Axes], list[str]]:
    """The axes as a list, and the names of what goes there: with fewer axes the first ones.

    Parameters
    ----------
    axes : matplotlib axis, or sequence of them in any shape
    names : list of str
        Of all panels.
    fields : object
        None unless the user chose them.

    Raises
    ------
    TypeError
        If `axes` are none.
    ValueError
        If there are too many, or not as many as chosen fields.
    """
    flat = np.ravel(np.array(axes, object)).tolist()
    if not flat or not all(hasattr(axis, "twinx") for axis in flat):
        raise TypeError(f"axes must be a matplotlib axis, or a sequence of them, got {axes!r}.")
    if len(flat) > len(names) or (fields is not None and len(flat) != len(names)):
        raise ValueError(f"axes must be {len(names)} for {', '.join(names)}, got {len(flat)}.")
    return flat, names[:len(flat)]


def spots_of(state: State, wanted: bool) -> list[Spot]:
    """Spots of a state, if they are wanted."""
    return heat_spots(state) if wanted else []


def mark(axis: Axes, spots: Iterable[Spot], place: Callable[[Spot], Any], legend: bool = True,
         beside: float = 0.0) -> None:
    """Triangles at the spots: up for heat, down for cold, white at ends.

    Parameters
    ----------
    axis : matplotlib axis
    spots : list of Spot
    place : callable
        From a spot to its (x, y) there.
    legend : bool
        Name them.
    beside : float
        How far the triangles stay away from what they point at, in points.
    """
    for kind, (marker, colour, label) in SPOT_MARKERS.items():
        shift = axis.transData + ScaledTranslation(0, (-beside if kind == "heat" else beside) / _INCH,
                                                   axis.figure.dpi_scale_trans)
        for at_end in (False, True):
            found = [place(spot) for spot in spots if spot.kind == kind and spot.is_end == at_end]
            if found:
                axis.plot(*np.transpose(found), marker, ms=7, mfc="white" if at_end else colour,
                          mec=colour if at_end else "black", mew=1.6 if at_end else 0.6, ls="none", zorder=6,
                          clip_on=False, transform=shift, label=(label + ", at an end" * at_end) if legend else None)
