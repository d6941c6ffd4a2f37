"""The points of a sweep: a grid of parameters, or a list of points."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..numerics.checks import shortened
from .record import check_text

# Dimension of points that are no grid.
POINT = "point"
# Numbers that agree in so many digits are the same.
_DIGITS = 12
# What files hold.
_LARGEST = 2 ** 63
# Points of a sweep: each has a file of its own.
MOST = 10_000_000
# A parameter at a point.
Value = float | str


@dataclass(frozen=True)
class Plan:
    """Points at which something is computed.

    Attributes
    ----------
    names : tuple of str
        The parameters.
    columns : tuple of tuples of numbers or of text
        Values of each parameter: of a grid those along its dimension, of a list those of every point.
    is_grid : bool
    units : dict of str to str
        Of the parameters whose unit is known.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[Value, ...], ...]
    is_grid: bool
    units: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(parameters: Mapping[str, Sequence[Value]] | Sequence[Mapping[str, Value]]) -> "Plan":
        """The plan that a user means.

        Parameters
        ----------
        parameters : dict of sequences of numbers or text, or sequence of dicts of these

        Raises
        ------
        TypeError, ValueError
            If it is none; the message names the parameter.
        """
        if isinstance(parameters, Mapping):
            if not parameters:
                raise ValueError("parameters must name at least one parameter, got {}.")
            columns = tuple(_column(name, values) for name, values in parameters.items())
            if math.prod(map(len, columns)) > MOST:
                raise ValueError(f"parameters has {' x '.join(str(len(column)) for column in columns)} points, and a "
                                 f"sweep at most {MOST}.")
            for name, column in zip(parameters, columns, strict=True):
                _check_different([{name: value} for value in column],
                                 lambda point, name=name: f"The parameter {name!r} has {point[name]!r} twice.")
            units = {name: unit for name, values in parameters.items() if (unit := _unit(name, values))}
            return Plan(tuple(parameters), columns, True, units)
        if not isinstance(parameters, Sequence) or not all(isinstance(point, Mapping) for point in parameters):
            raise TypeError("parameters must be a dict with the values of each parameter, {'bias': [0.1, 0.2]}, or a "
                            f"list of points, [{{'bias': 0.1}}, {{'bias': 0.2}}], got {parameters!r}.")
        if not parameters or not parameters[0]:
            raise ValueError(f"parameters must hold at least one point of one parameter, got {parameters!r}.")
        names = tuple(parameters[0])
        for point in parameters:
            if set(point) != set(names):
                raise ValueError(f"All points must have the same parameters, {', '.join(map(str, names))}; one has "
                                 f"{', '.join(map(str, point))}.")
        columns = tuple(_column(name, [point[name] for point in parameters]) for name in names)
        plan = Plan(names, columns, False)
        _check_different(plan, lambda point: f"The point {point} is there twice.")
        return plan

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of points along each dimension."""
        return tuple(map(len, self.columns)) if self.is_grid else (len(self.columns[0]),)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return self.names if self.is_grid else (POINT,)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def __getitem__(self, i: int) -> dict[str, Value]:
        """One of the points."""
        places = map(int, np.unravel_index(i, self.shape)) if self.is_grid else (i,) * len(self.names)
        return {name: column[place] for name, column, place in zip(self.names, self.columns, places, strict=True)}

    def __iter__(self) -> Iterator[dict[str, Value]]:
        """The points in order, the last dimension running fastest."""
        combined = itertools.product(*self.columns) if self.is_grid else zip(*self.columns, strict=True)
        for values in combined:
            yield dict(zip(self.names, values, strict=True))

    def joined(self, other: "Plan") -> "Plan":
        """All points of both, which have the same parameters; two grids make one that holds both."""
        if other.names != self.names:
            order = [other.names.index(name) for name in self.names]
            other = Plan(self.names, tuple(other.columns[i] for i in order), other.is_grid, other.units)
        units = {**self.units, **other.units}
        if self.is_grid and other.is_grid:
            return Plan(self.names, tuple(map(_joined, self.columns, other.columns)), True, units)
        points = {key(point): tuple(point.values()) for plan in (other, self) for point in plan}
        return Plan(self.names, tuple(zip(*points.values(), strict=True)), False, units)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        units = {"parameter_units": dict(self.units)} if self.units else {}
        return {"grid" if self.is_grid else "points": dict(zip(self.names, self.columns, strict=True)), **units}

    @staticmethod
    def from_json(text: Mapping) -> "Plan":
        """The plan that `to_json` wrote.

        Raises
        ------
        TypeError, ValueError
            If it is none.
        """
        is_grid = "grid" in text
        columns = text.get("grid" if is_grid else "points")
        if not isinstance(columns, Mapping) or not columns:
            raise ValueError("it names no points")
        units = text.get("parameter_units", {})
        if not isinstance(units, Mapping) or not all(isinstance(unit, str) for unit in units.values()):
            raise ValueError("its units are none")
        plan = Plan(tuple(columns), tuple(_column(name, values) for name, values in columns.items()), is_grid, units)
        if not is_grid and len(set(map(len, plan.columns))) > 1:
            raise ValueError("its points are incomplete")
        return plan


# Of a single result: a grid of no parameters.
ONE_POINT = Plan((), (), True)


def key(point: Mapping[str, Value]) -> str:
    """Name of a point, in hexadecimal, whatever the order of its parameters and the rounding of their values."""
    text = ",".join(f"{name}={_rounded(value)}" for name, value in sorted(point.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _rounded(value):
    """A value as text: numbers that differ by rounding are the same, as are 1 and 1.0; the text "1" is another."""
    if isinstance(value, str):
        return json.dumps(value)
    return str(int(value)) if value == int(value) else f"{value:.{_DIGITS}g}"


def _joined(column, other):
    """All values of both, in order if there are new ones."""
    known = {_rounded(value) for value in column}
    new = [value for value in other if _rounded(value) not in known]
    return tuple(sorted([*column, *new])) if new else column


def _unit(name, values):
    """Unit of a parameter whose values come as an `xarray.DataArray` with one, as everywhere in xarray."""
    attributes = getattr(values, "attrs", None)
    unit = attributes.get("units", "") if isinstance(attributes, Mapping) else ""
    if not isinstance(unit, str):
        raise TypeError(f"The unit of the parameter {name!r} must be text, got {unit!r}.")
    check_text(f"The unit of the parameter {name!r}", unit)
    return unit


def _column(name, values):
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"Names of parameters must be those of arguments, got {name!r}.")
    if isinstance(values, str | bytes | bytearray | Mapping | Set) or not hasattr(values, "__iter__") \
            or (isinstance(values, np.ndarray) and values.ndim == 0):
        raise TypeError(f"The parameter {name!r} must have a sequence of numbers or of text, got {values!r}.")
    if isinstance(getattr(values, "attrs", None), Mapping):
        values = np.asarray(values)
    values = list(itertools.islice(values, MOST + 1))
    if not values:
        raise ValueError(f"The parameter {name!r} must have at least one value, got {values!r}.")
    if len(values) > MOST:
        raise ValueError(f"The parameter {name!r} has more than {MOST} values, the most points of a sweep.")
    column = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    for value in column:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError(f"The parameter {name!r} must have numbers or text as its values, got {value!r}.")
        if isinstance(value, str) != isinstance(column[0], str):
            raise TypeError(f"The parameter {name!r} must have only numbers or only text as its values, got "
                            f"{column[0]!r} and {value!r}.")
        if isinstance(value, str):
            check_text(f"The parameter {name!r}", value)
        elif not -_LARGEST < value < _LARGEST:
            raise ValueError(f"The parameter {name!r} must have finite numbers below 2^63 as its values, "
                             f"got {shortened(value)}.")
    return column


def _check_different(points, message):
    seen = set()
    for point in points:
        if key(point) in seen:
            raise ValueError(message(point))
        seen.add(key(point))
