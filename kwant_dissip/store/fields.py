"""One declaration per field of a result: meaning, unit, SI factor and dimensions."""

import dataclasses
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .units import Units

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Documented = TypeVar("Documented", bound="DataclassInstance")

# What a field can be: the model's unit, the SI unit, and what one of the first is in the second.
_KINDS: dict[str, tuple[str, str, Callable[[Units], float] | None]] = {
    "number": ("1", "1", None),
    "energy": ("E0", "eV", lambda units: units.energy_unit),
    "temperature": ("E0", "K", lambda units: units.temperature),
    "power": ("E0^2/hbar", "W", lambda units: units.power),
    "power per length": ("E0^2/hbar per lattice unit", "W/m", lambda units: units.power / units.lattice_constant),
    "current": ("E0/hbar", "A", lambda units: units.current),
    "electrons": ("1", "1", lambda units: units.degeneracy),
    "length": ("lattice unit", "m", lambda units: units.lattice_constant),
    "states per energy": ("1/E0", "1/eV", lambda units: 1 / units.energy_unit),
    "energy squared": ("E0^2", "eV^2", lambda units: units.energy_unit ** 2),
    "size": ("lattice unit, or its square", "m (wires), m^2 (sheets)", None),
    "nanometres": ("nm", "nm", None),
    "force": ("E0 per lattice unit", "eV/m", lambda units: units.energy_unit / units.lattice_constant),
}


def quantity(meaning: str, kind: str = "number", dimensions: tuple[str, ...] = (), *, is_place: bool = False,
             **options: Any) -> Any:
    """A field of a result.

    Parameters
    ----------
    meaning : str
        A sentence without its full stop.
    kind : str, optional
        "energy", "power" and so on: which unit it has.
    dimensions : tuple of str, optional
        Names of an array's axes: "site", "lead", ...
    is_place : bool, optional
        Whether it says where the system is, or what: the same at all biases.
    **options
        As of `dataclasses.field`.
    """
    metadata = {"meaning": meaning, "kind": kind, "dimensions": dimensions, "is_place": is_place}
    return dataclasses.field(metadata=metadata, **options)


# Where a field's own name says too little.
_NAMES = {"mu": "electrochemical potential", "x": "position", "potential": "electrostatic energy",
          "density_difference": "charge", "error": "relative error"}


def short_name(name: str) -> str:
    """Of a field, for the axis of a picture."""
    return _NAMES.get(name, name.replace("_", " "))


def unit(field: dataclasses.Field, si: bool) -> str:
    """Unit of a field in the model's units, or in SI."""
    return unit_of(field.metadata["kind"], si)


def unit_of(kind: str, si: bool) -> str:
    """Unit of a kind of quantity: "energy", "power" and so on."""
    of_model, of_si, _ = _KINDS[kind]
    return of_si if si else of_model


def in_si(result: "DataclassInstance", units: Units) -> dict[str, Any]:
    """Values of all fields that have a unit, in SI."""
    values = {}
    for field in dataclasses.fields(result):
        factor = _KINDS[field.metadata["kind"]][2]
        value = getattr(result, field.name)
        if factor is not None and value is not None:
            values[field.name] = factor(units) * value
    return values


def documented(cls: type[Documented]) -> type[Documented]:
    """Class decorator: the fields' meanings as the docstring's section Attributes."""
    lines = ["Attributes", "----------"]
    si = any(field.name == "units" and field.default == "SI" for field in dataclasses.fields(cls))
    for field in dataclasses.fields(cls):
        dimensions = field.metadata["dimensions"]
        kind = getattr(field.type, "__name__", str(field.type)).removesuffix(" | None")
        if dimensions:
            axes = ", ".join(name if name.isdecimal() else name + "s" for name in dimensions)
            kind = f"array, shape ({axes}{',' if len(dimensions) == 1 else ''})"
        if "None" in str(field.type):
            kind += ", or None"
        meaning = field.metadata["meaning"] + "."
        if field.metadata["kind"] != "number":
            meaning += f" Unit: {unit(field, si)}."
        lines += [f"{field.name} : {kind}", *textwrap.indent(textwrap.fill(meaning, 108), "    ").splitlines()]
    text, notes, rest = (cls.__doc__ or "").rstrip().partition("\n    Notes\n")
    cls.__doc__ = text.rstrip() + "\n\n    " + "\n    ".join(lines) + "\n" + notes + rest
    return cls
