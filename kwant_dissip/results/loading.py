"""Reading saved results."""

from os import PathLike
from typing import Any, cast

from ..store.file import read_record
from ..store.record import NUMBERS, PACKAGE_VERSION, class_of
from .result import Saved


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
    record = read_record(path, group)
    written = f"{path}, group {group!r}, was written by kwant_dissip {record.version}"
    if record.kind != NUMBERS and class_of(record.kind) is None:
        raise ValueError(f"{written} and holds a {record.kind}, which this version, {PACKAGE_VERSION}, does not know.")
    if record.missing:
        raise ValueError(f"{written}, without the fields of a {record.kind} that this version, {PACKAGE_VERSION}, "
                         f"needs: {', '.join(record.missing)}.")
    return cast("Saved | dict[str, Any]", record.load())
