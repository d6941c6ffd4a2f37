"""Results as named values with their meanings: what files and datasets are made of."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..numerics.checks import shortened
from .fields import unit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Of the package: every file says which one wrote it.
PACKAGE_VERSION = version("kwant_dissip")
# Classes of results by their names.
_CLASSES: dict[str, type] = {}
# Of a dict, as its class.
NUMBERS = "numbers"
# Of whole numbers in files.
_LARGEST = 2 ** 63
# What files hold beside the fields.
_RESERVED = ("checksum", "format", "parameters", "version")


class Declared(NamedTuple):
    """What is known of a field.

    Attributes
    ----------
    meaning, unit : str
    dimensions : tuple of str
        Names of an array's axes.
    is_place : bool
        Whether it says where or what the system is: the same at all points of most sweeps.
    """

    meaning: str
    unit: str
    dimensions: tuple[str, ...]
    is_place: bool


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Record:
    """Values of a result, without those that are None; of a sweep also a finished point that stays in memory.

    Attributes
    ----------
    kind : str
        Name of the result's class, or "numbers" for a dict.
    values : dict
        Arrays, numbers and text.
    version : str
        Of the package that computed them.
    """

    kind: str
    values: dict[str, Any]
    version: str = PACKAGE_VERSION

    @staticmethod
    def of(result: "DataclassInstance") -> "Record":
        """The record of a result, a dataclass with fields declared by `fields.quantity`."""
        values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        values = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
        return Record(type(result).__name__, {name: value for name, value in values.items() if value is not None})

    @staticmethod
    def of_numbers(values: Mapping) -> "Record":
        """The record of a dict of numbers, text and arrays of numbers.

        Raises
        ------
        TypeError, ValueError
            If a name is no text or taken, or a value is something else.
        """
        return Record(NUMBERS, {_name(name): _number(name, value) for name, value in values.items()})

    def only(self, names: Sequence[str] | None) -> "Record":
        """The record with these fields only, those that are None left out; with None, of all.

        Raises
        ------
        ValueError
            If there is no such field.
        """
        if names is None:
            return self
        known = {**self.declared, **self.values}
        for name in names:
            if name not in known:
                raise ValueError(f"keep must name fields of a {self.kind}, got {name!r}; there are "
                                 f"{', '.join(sorted(known))}.")
        # Units say what all other numbers mean.
        kept = {name: value for name, value in self.values.items() if name in names or name == "units"}
        return Record(self.kind, kept, self.version)

    def record(self) -> "Record":
        """All of it, as a point in a file has it too."""
        return self

    def value(self, name: str) -> Any:
        """One of the values."""
        return self.values[name]

    def load(self) -> Any:
        """The result; its values where some of them are left out, or its class is not known here."""
        cls = class_of(self.kind)
        if cls is None or self.missing:
            return self.values
        return cls(**{name: self.values[name] for name in self.declared if name in self.values})

    @property
    def missing(self) -> list[str]:
        """What a result of its class needs, and is not there."""
        cls = class_of(self.kind)
        return [] if cls is None else [field.name for field in dataclasses.fields(cls) if field.name not in self.values
                                       and field.default is dataclasses.MISSING]

    @cached_property
    def declared(self) -> dict[str, Declared]:
        """What is known of all fields of its class, also those that are None; empty for a dict."""
        cls, si = class_of(self.kind), self.values.get("units") == "SI"
        return {} if cls is None else {field.name: Declared(
            field.metadata["meaning"], unit(field, si), field.metadata.get("dimensions", ()),
            field.metadata.get("is_place", False)) for field in dataclasses.fields(cls)}

    def is_place(self, name: str) -> bool:
        """Whether a value says where the system is."""
        return self.declared[name].is_place if name in self.declared else name == "x" and np.ndim(self.values[name]) > 0

    @cached_property
    def form(self) -> str:
        """Hash of all names, types and shapes, in hexadecimal: records of one form fit into one array."""
        types = [f"{name} {value.dtype.str} {value.shape}" if isinstance(value, np.ndarray) else
                 f"{name} {type(value).__name__}" for name, value in sorted(self.values.items())]
        return _hash([self.kind, str(self.values.get("units")) * bool(self.declared), *types])

    @cached_property
    def place(self) -> str:
        """Hash of the values that say where the system is, in hexadecimal."""
        names = sorted(name for name in self.values if self.is_place(name))
        return _hash([name.encode() + np.ascontiguousarray(self.values[name]).tobytes() for name in names])

    def __repr__(self):
        return f"<{self.kind}: load() returns it>"


def joins(cls: type) -> None:
    """Let files hold results of a class, under its name."""
    _CLASSES[cls.__name__] = cls


def class_of(kind: str) -> type | None:
    """The class of results of this name, or None; `results` has imported all of them."""
    cls = _CLASSES.get(kind)
    return cls if cls is not None and dataclasses.is_dataclass(cls) else None


def check_text(what: str, text: str) -> None:
    """Raise ValueError if files cannot hold a text."""
    if "\0" in text or (not text.isascii() and text.encode(errors="ignore").decode() != text):
        raise ValueError(f"{what} must be text without NUL that has an encoding in UTF-8, got {text!r}.")


def _name(name):
    if not isinstance(name, str) or name in ("", ".") or "/" in name:
        raise TypeError(f"Names of results must be text without '/', got {name!r}.")
    check_text("Names of results", name)
    if name in _RESERVED:
        raise ValueError(f"Results cannot be called {', '.join(_RESERVED)}, got {name!r}.")
    return name


def _number(name, value):
    """A value as it is stored: numpy's scalars as Python's."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, list | tuple | np.ndarray):
        array = np.asarray(value)
        if array.dtype.kind in "biufc":
            return array.item() if array.ndim == 0 else array
    elif isinstance(value, str):
        check_text(f"The result {name!r}", value)
        return value
    elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        raise ValueError(f"Results must be below 2^63 if they are whole numbers; {name!r} is {shortened(value)}.")
    elif isinstance(value, bool | int | float | complex):
        return value
    raise TypeError(f"Results must be numbers, text, or arrays of numbers; {name!r} is {shortened(value)}.")


def _hash(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:8]
