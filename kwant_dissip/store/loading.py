"""Reading saved results."""

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from typing import Any

from ..results.result import Saved
from .reading import opened, read_fields
from .record import NUMBERS, Declared, declared_by
from .storage import PACKAGE_VERSION

# Where each kind of result is declared: imported when a file holds one.
_HOMES = {"SteadyState": "kwant_dissip.results.lattice_state", "PhononState": "kwant_dissip.results.phonon_state",
          "KineticState": "kwant_dissip.results.kinetic_state",
          "TemperatureField": "kwant_dissip.results.temperature_field", "ThermalImage": "kwant_dissip.results.thermal_image"}


def load(path: str | PathLike, group: str = "/") -> Saved | dict[str, Any]:
    """Read a result that its method ``save`` wrote, bit for bit the same.

    Parameters
    ----------
    path : path-like
    group : str, optional
        Group of the file.

    Returns
    -------
    SteadyState, PhononState, KineticState, TemperatureField, ThermalImage or dict
        A dict of numbers from the folder of a `sweep` whose function returns such.

    Raises
    ------
    TypeError
        If `path` or `group` is no name.
    OSError
        If the file cannot be read: it does not exist, is not HDF5, is cut short or damaged, or its arrays lie in
        another one.
    KeyError
        If the file has no such group.
    ValueError
        If the group holds something else, a result without a checksum, or one without fields that this version of the
        package needs. Fields that this version does not know are ignored.
    """
    with opened(path) as file:
        stored = read_fields(file, group)
    return rebuilt(stored.kind, stored.fields,
                   f"{path}, group {group!r}, was written by kwant_dissip {stored.version}")


def rebuilt(kind: str, fields: dict[str, Any], written: str) -> Saved | dict[str, Any]:
    """The result of its kind and its fields; `written` says in errors where they come from."""
    if kind == NUMBERS:
        return fields
    if kind not in _HOMES:
        raise ValueError(f"{written} and holds a {kind}, which this version, {PACKAGE_VERSION}, does not know.")
    cls = class_of(kind)
    missing = _missing(cls, fields)
    if missing:
        raise ValueError(f"{written}, without the fields of a {kind} that this version, {PACKAGE_VERSION}, needs: "
                         f"{', '.join(missing)}.")
    declared = dataclasses.fields(cls)  # type: ignore[arg-type]
    return cls(**{field.name: fields[field.name] for field in declared if field.name in fields})


def rebuilt_if_whole(kind: str, fields: dict[str, Any]) -> Saved | dict[str, Any]:
    """The result of its kind and its fields, or these themselves where some are left out."""
    if kind not in _HOMES or _missing(class_of(kind), fields):
        return fields
    return rebuilt(kind, fields, "")


def _missing(cls, fields):
    """What a result of this class needs and `fields` do not have."""
    return [field.name for field in dataclasses.fields(cls)
            if field.name not in fields and field.default is dataclasses.MISSING]


def declared_of(kind: str, fields: Mapping[str, Any]) -> dict[str, Declared]:
    """What is known of the fields of a result of this kind; nothing of a dict."""
    return declared_by(class_of(kind), fields.get("units") == "SI") if kind in _HOMES else {}


def class_of(kind: str) -> type[Saved]:
    """The class of results of this name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return getattr(import_module(_HOMES[kind]), kind)
