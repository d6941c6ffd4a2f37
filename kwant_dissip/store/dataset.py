"""Results as an `xarray.Dataset`: one of them, or many at the points of a sweep."""

from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from .fields import short_name
from .plan import Plan
from .points import PointFile
from .record import PACKAGE_VERSION, Record

# Names of dimensions that are only a number of values in the results' own declarations.
_RENAMED = {"2": "end"}
# A field or a dimension that has the name of a parameter gets this before its own.
OF_RESULT = "result_"
# What is said of points beside their results; "point_" comes before the name if a parameter or a field has it.
_ABOUT_POINTS = {"finished": "whether the point is finished", "failure": "what went wrong at the point",
                 "result": "the point's result: .item().load()"}
# What files of other tools are written with: HDF5's and zstd's checksums.
_CHECKED = {"fletcher32": True, "compressors": {"name": "zstd", "configuration": {"level": 0, "checksum": True}}}


def dataset_of(plan: Plan, points: Sequence[Record | None] | Sequence[PointFile | None],
               failures: Mapping[int, str] | None = None, **attributes: str) -> xr.Dataset:
    """Results at the points of a plan.

    Parameters
    ----------
    plan : Plan
    points : sequence of Record, PointFile or None
        In the plan's order, all in memory, or all read when they are asked for; None where a point is not finished.
    failures : dict of int to str, optional
        Errors of points that failed, by their place in the plan.
    **attributes
        Of the dataset.

    Returns
    -------
    xarray.Dataset
        See `sweep`.
    """
    variables: dict[str, xr.Variable] = {}
    coordinates = {name: xr.Variable(plan.dimensions if not plan.is_grid else (name,), np.array(column),
                                     {"units": plan.units[name]} if name in plan.units else None)
                   for name, column in zip(plan.names, plan.columns, strict=True)}
    failures = {i: text for i, text in (failures or {}).items() if points[i] is None}
    about: dict[str, np.ndarray] = {}
    if any(point is None for point in points):
        about["finished"] = np.array([point is not None for point in points])
    if failures:
        about["failure"] = np.array([failures.get(i, "") for i in range(len(plan))], object)
    there = [point for point in points if point is not None]
    if there:
        fields, places = _fields(plan, points, there)
        variables.update(fields)
        coordinates.update(places)
        sample = there[0].record()
        attributes = {"kind": sample.kind, **attributes}
        if sample.declared:
            attributes["result_units"] = sample.values.get("units", "model")
        if len({point.form for point in there}) > 1:
            about["result"] = np.empty(len(points), object)
            about["result"][:] = points
    taken = {*variables, *coordinates, *plan.dimensions}
    variables.update({free(name, taken, "point_"): xr.Variable(
        plan.dimensions, values.reshape(plan.shape), {"long_name": _ABOUT_POINTS[name]})
        for name, values in about.items()})
    for variable in (*variables.values(), *coordinates.values()):
        if variable.dtype.kind in "biufc":
            variable.encoding = dict(_CHECKED)
    return xr.Dataset(variables, coordinates, {**attributes, "written_by": f"kwant_dissip {PACKAGE_VERSION}"})


def about_points(dataset: xr.Dataset, name: str) -> xr.DataArray | None:
    """What a dataset says of its points as "finished", "failure" or "result", whatever it is called there, or None."""
    for variable in dataset.data_vars.values():
        if variable.attrs.get("long_name") == _ABOUT_POINTS[name]:
            return variable
    return None


def free(name: str, taken: Collection[Hashable], prefix: str = OF_RESULT) -> str:
    """A name that is not taken, with as many prefixes as that needs."""
    while name in taken:
        name = prefix + name
    return name


def _fields(plan, points, there):
    """Variables and coordinates of what all points agree on; the points themselves where they do not."""
    samples = list({point.form: point for point in there}.values())
    records = [point.record() for point in samples]
    first, one_place = records[0], len({point.place for point in there}) == 1
    variables: dict[str, xr.Variable] = {}
    coordinates: dict[str, xr.Variable] = {}
    for name, value in first.values.items():
        if name == "units" and first.declared:
            continue
        if not all(_same_form(value, record.values.get(name)) and record.kind == first.kind for record in records):
            continue
        declared = first.declared.get(name)
        attributes = {"long_name": short_name(name), "description": declared.meaning, "units": declared.unit} \
            if declared else {}
        dimensions = _dimensions(plan, first, name, one_place)
        if first.is_place(name) and one_place and len(samples) == 1:
            variable = xr.Variable(dimensions, value, attributes)
        else:
            stacked = _Stacked(plan, points, name, value)
            whole = stacked.whole() if isinstance(there[0], Record) else indexing.LazilyIndexedArray(stacked)
            variable = xr.Variable((*plan.dimensions, *dimensions), whole, attributes)
        known = coordinates if first.is_place(name) else variables
        known[_free(plan, name, first)] = variable
    if one_place and len(samples) == 1 and first.declared and first.values.get("positions", np.empty(0)).size:
        extent = np.ptp(first.values["positions"], axis=0)
        along = int(np.argmax(np.nan_to_num(extent, nan=-1.0))) if extent.size else 0
        coordinates[_free(plan, "x")] = xr.Variable(
            (_free(plan, "site"),), first.values["positions"][:, along],
            {"long_name": "position", "description": "coordinate in which the system is longest",
             "units": first.declared["positions"].unit})
    return variables, coordinates


def _same_form(one, other):
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and \
            (one.dtype, one.shape) == (other.dtype, other.shape)
    return type(one) is type(other)


def _dimensions(plan, record, name, one_place):
    """Names of an array's axes; none of a scalar."""
    value = record.values[name]
    if not isinstance(value, np.ndarray):
        return ()
    if name in record.declared:
        names = [_RENAMED.get(axis, axis) for axis in record.declared[name].dimensions]
        names = ["x" if axis == "node" and one_place and "x" in record.values else axis for axis in names]
    else:
        x = record.values.get("x")
        along_x = np.ndim(x) == 1 and value.shape == x.shape and one_place
        names = ["x"] if along_x else [f"{name}_{axis}" for axis in range(value.ndim)]
    return tuple(_free(plan, axis) for axis in names)


def _free(plan, name, record=None):
    """A name that no parameter has, nor another field of a record."""
    taken = {*plan.names, *plan.dimensions}
    others = set() if record is None else {*record.values, *record.declared} - {name}
    return name if name not in taken else free(name, taken | others)


class _Stacked(BackendArray):
    """A field at all points, read from those that are asked for; nan (text: empty) where one is not finished."""

    def __init__(self, plan, points, name, sample):
        self._points, self._name, self._plan_shape = points, name, plan.shape
        self._value_shape = np.shape(sample)
        dtype = object if isinstance(sample, str) else np.asarray(sample).dtype
        if any(point is None for point in points) and np.dtype(dtype).kind in "biu":
            dtype = float
        self.dtype = np.dtype(dtype)
        self.shape = plan.shape + self._value_shape

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def whole(self):
        """All of it."""
        return self._read((slice(None),) * len(self.shape))

    def _read(self, key):
        along = len(self._plan_shape)
        chosen = _outer(np.arange(len(self._points)).reshape(self._plan_shape), key[:along])
        missing = np.full(self._value_shape, {"O": "", "f": np.nan, "c": np.nan}.get(self.dtype.kind, 0), self.dtype)
        result = np.empty(np.shape(chosen) + np.shape(_outer(missing, key[along:])), self.dtype)
        for place, i in np.ndenumerate(chosen):
            point = self._points[i]
            value = _outer(missing if point is None else np.asarray(point.value(self._name)), key[along:])
            result[place] = value if self._value_shape else value.item()
        return result


def _outer(array, key):
    """Indices along each axis by itself."""
    for axis in reversed(range(len(key))):
        array = array[(slice(None),) * axis + (key[axis],)]
    return array
