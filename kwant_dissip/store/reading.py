"""Reading what `storage` wrote: only what lies in the file itself, and every field with its checksum."""

import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

PREFIX = "kwant_dissip."
# Attributes of a group that are no fields: which class, which version of the package, hashes of the fields.
FORMAT, VERSION, CHECKSUM = "format", "version", "checksum"
_UNREADABLE = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)


class DamagedError(OSError):
    """What a file holds is not what was written."""


@dataclasses.dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes
    ----------
    kind : str
        Name of the result's class.
    version : str
        Of the package that wrote it.
    fields : dict
        Arrays and Python scalars.
    """

    kind: str
    version: str
    fields: dict[str, Any]


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[h5py.File]:
    """An HDF5 file to read.

    Raises
    ------
    TypeError, ValueError
        If `path` is no name of a file.
    OSError
        If the file cannot be read; the message says why.
    """
    source = file_of(path)
    try:
        mode = source.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would keep us waiting
            raise OSError(0, "it is no plain file")
        with open(source, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise type(error)(f"{path} cannot be read: {error.strerror}.") from error
    if not h5py.is_hdf5(source):
        raise DamagedError(f"{path} {'is empty' if empty else 'is not an HDF5 file'}.")
    try:
        file = h5py.File(source, "r")
    except (OSError, RuntimeError) as error:
        why = "is cut short" if "truncated" in str(error) else "cannot be opened as HDF5"
        raise DamagedError(f"{path} {why}: {error}") from error
    with file:
        yield file


def read_fields(file: h5py.File, group: str) -> Stored:
    """Read what `storage.write_record` wrote.

    Parameters
    ----------
    file : h5py.File
    group : str

    Returns
    -------
    Stored

    Raises
    ------
    KeyError
        If there is no such group.
    ValueError
        If the group holds something else, or has no checksum.
    OSError
        If the data are damaged, or lie elsewhere.
    """
    name = "/".join(parts_of(group)) or "/"
    try:
        place = _group(file, name)
        is_result = isinstance(place, h5py.Group) and FORMAT in place.attrs
        fields = _contents(place) if is_result else {}
        elsewhere = [] if FORMAT in fields else _results(file)
    except _UNREADABLE as error:
        raise DamagedError(f"{file.filename}, group {group!r}, is damaged: {error}") from error
    kind = str(fields.pop(FORMAT, ""))
    holds = f"the file holds results in {', '.join(map(repr, elsewhere))}" if elsewhere else "nor any other"
    if place is None:
        raise KeyError(f"{file.filename} has no group {group!r}; {holds}.")
    if not kind.startswith(PREFIX):
        raise ValueError(f"{file.filename}, group {group!r}, does not hold a result of kwant_dissip; {holds}.")
    written_by, known = str(fields.pop(VERSION, "0.1.0 or older")), fields.pop(CHECKSUM, None)
    if known is None:
        raise ValueError(f"{file.filename}, group {group!r}, has no checksum: written by kwant_dissip {written_by}, or "
                         "changed by another program. Nobody knows whether its numbers are what was computed.")
    if known != (checksum(fields) if _is_by_field(known) else _checksum_of_all(fields)):
        raise DamagedError(f"{file.filename}, group {group!r}, is damaged: its data do not fit their checksum.")
    return Stored(kind.removeprefix(PREFIX), written_by, fields)


def read_value(path: Path, name: str):
    """One field of the result in a file, without a look at the rest, as thousands of files are read like this.

    Raises
    ------
    OSError
        If the file cannot be read, or its data are damaged; the message names it.
    """
    try:
        if not path.is_file():
            raise OSError("it is no plain file")
        with h5py.File(path, "r") as file:
            attributes = file.attrs
            known = _scalar(attributes, CHECKSUM)
            if not _is_by_field(known):
                return read_fields(file, "/").fields[name]
            value = _scalar(attributes, name) if name in attributes else _array(file, name)
            if json.loads(known)[name] != _hash(name, value):
                raise OSError("its data do not fit their checksum")
            return value
    except _UNREADABLE as error:
        with opened(path):  # says what it is
            raise DamagedError(f"{path} is damaged, at {name!r}: {error}") from error


def checksum(fields: dict[str, Any]) -> str:
    """Hashes of all fields, as text."""
    return json.dumps({name: _hash(name, value) for name, value in sorted(fields.items())})


def file_of(path: str | os.PathLike) -> Path:
    """The file that a path means, links followed.

    Raises
    ------
    TypeError, ValueError
        If it is no name of a file.
    """
    return named("path", "file", path).resolve()


def named(argument: str, what: str, path: str | os.PathLike) -> Path:
    """The path of a file or folder, after a look at its name; `argument` is what it was given as."""
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str) or not os.fspath(path):
        raise TypeError(f"{argument} must be the name of a {what}, a string or a pathlib.Path, got {path!r}.")
    if "\0" in os.fspath(path):
        raise ValueError(f"{argument} must be the name of a {what}, which has no NUL, got {path!r}.")
    return Path(path)


def parts_of(group: str) -> list[str]:
    """Names on the way to a group; none for the whole file."""
    if not isinstance(group, str):
        raise TypeError(f"group must be a name, a string, got {group!r}.")
    parts = [] if group == "/" else group.removeprefix("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in group:
        raise ValueError(f"group must be a name such as 'cold' or 'bias/2', or '/' for the whole file, got {group!r}.")
    return parts


def _group(file, name):
    """What a file has under a name, or None."""
    place = file
    for part in name.split("/") if name != "/" else ():
        if not isinstance(place, h5py.Group) or part not in place:
            return None
        place = _inside(place, part)
    return place


def _contents(place):
    """Arrays and attributes of a group, these as Python scalars; nothing is read before all of it is checked."""
    items = {name: _inside(place, name) for name in place}
    arrays = {name: item for name, item in items.items() if isinstance(item, h5py.Dataset)}
    for name, array in arrays.items():
        _check_size(name, array)
    attributes = place.attrs
    fields = {name: _scalar(attributes, name) for name in attributes}
    fields.update({name: np.asarray(array[()]) for name, array in arrays.items()})
    return fields


def _array(place, name):
    array = _inside(place, name)
    _check_size(name, array)
    return np.asarray(array[()])


def _scalar(attributes, name):
    """An attribute as a Python scalar."""
    if attributes.get_id(name).shape != ():
        raise ValueError(f"the attribute {name!r} is no single value")
    value = attributes[name]
    scalar = value.item() if isinstance(value, np.generic) else value
    return scalar.decode() if isinstance(scalar, bytes) else scalar


def _inside(place, name):
    """What a group has under a name, unless that leads out of it."""
    if not isinstance(place.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} is a link to somewhere else")
    return place[name]


def _check_size(name, array):
    """Raise unless an array lies in this file, as large as it says it is."""
    if array.is_virtual or array.external:
        raise ValueError(f"the array {name!r} lies in another file")
    if array.dtype.kind not in "biufc":
        raise ValueError(f"the array {name!r} holds no numbers but {array.dtype}")
    size = os.stat(array.file.filename).st_size
    if not array.nbytes <= array.id.get_storage_size() <= size:
        raise ValueError(f"the array {name!r} of shape {array.shape} would take {array.nbytes} bytes and has "
                         f"{array.id.get_storage_size()} in a file of {size}")


def _is_by_field(known):
    """Whether a checksum is that of each field, not the first kind, of all together."""
    return str(known).startswith("{")


def _hash(name, value):
    return hashlib.sha256(_bytes(name, value)).hexdigest()[:16]


def _checksum_of_all(fields):
    result = hashlib.sha256()
    for name, value in sorted(fields.items()):
        result.update(_bytes(name, value))
    return result.hexdigest()


def _bytes(name, value):
    if isinstance(value, np.ndarray):
        return f"{name} {value.dtype.str} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    return f"{name} {value.item() if isinstance(value, np.generic) else value!r}".encode()


def _results(file):
    """Names of the groups that hold results."""
    groups = ["/"] if FORMAT in file.attrs else []
    file.visititems(lambda name, item: groups.append(name) if FORMAT in item.attrs else None)
    return groups
