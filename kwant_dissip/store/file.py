"""Results as HDF5: arrays with meaning and unit, a checksum of each field, nothing that lies in another file."""

import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from .paths import file_of, replacing
from .record import PACKAGE_VERSION, Record

# Attributes of a group that are no fields: which class, which version of the package, hashes of the fields.
_FORMAT, _VERSION, _CHECKSUM = "format", "version", "checksum"
_PREFIX = "kwant_dissip."
# What HDF5 raises where a file is damaged.
_UNREADABLE = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)
_CHANGED = "do not fit their checksum"


class DamagedError(OSError):
    """What a file holds is not what was written."""


def write_record(record: Record, path: str | os.PathLike, group: str = "/", beside: Mapping | None = None) -> None:
    """Write a record into an HDF5 file: arrays as datasets with meaning and unit, all else as attributes.

    Parameters
    ----------
    record : Record
    path : path-like
    group : str
        "/" replaces the whole file; otherwise all else in the file stays, groups within this one too.
    beside : dict of str to dict, optional
        Numbers that are no fields, as attributes of groups within this one.

    Raises
    ------
    TypeError
        If `path` or `group` is no name, or HDF5 cannot hold a field.
    ValueError
        If the name of the group is taken, or no name.
    OSError
        If the file cannot be written.
    """
    parts = _parts(group)
    for part in parts:
        if part in record.declared:
            raise ValueError(f"group must have a name of its own, and {part!r} is that of a field, got {group!r}.")
    # In memory: where the disk is full, HDF5 crashes.
    image, mode = io.BytesIO(), "w"
    if parts and file_of(path).exists():
        with opened(path) as file:
            _check_free(file, parts)
        image, mode = io.BytesIO(file_of(path).read_bytes()), "r+"
    with h5py.File(image, mode, libver="v110") as file:  # which has checksums for metadata
        place = file.require_group(group)
        _write(record, place)
        for name, values in (beside or {}).items():
            place.require_group(name).attrs.update({key: _stored(value) for key, value in values.items()})
    with replacing(path) as new:
        new.write_bytes(image.getbuffer())


def _write(record, place):
    for name in [name for name, item in place.items() if isinstance(item, h5py.Dataset)]:
        del place[name]
    for name in list(place.attrs):
        del place.attrs[name]
    for name, value in record.values.items():
        try:
            if isinstance(value, np.ndarray):
                dataset = place.create_dataset(name, data=value)
                if name in record.declared:
                    dataset.attrs["description"] = record.declared[name].meaning
                    dataset.attrs["unit"] = record.declared[name].unit
            else:
                place.attrs[name] = _stored(value)
        except (OverflowError, TypeError, ValueError) as error:
            raise TypeError(f"{record.kind}.{name} cannot be saved to HDF5: {error}") from error
    for name, text in ((_FORMAT, _PREFIX + record.kind), (_VERSION, PACKAGE_VERSION),
                       (_CHECKSUM, json.dumps(_hashes(record.values)))):
        place.attrs[name] = _stored(text)


def _stored(value):
    """A scalar as an attribute: text of fixed length, as HDF5 can run for ever on a damaged heap of other text."""
    return np.bytes_(value.encode()) if isinstance(value, str) else value


def _check_free(file, parts):
    """Raise if an array has the name of a group, or lies above it."""
    for count in range(1, len(parts) + 1):
        name = "/".join(parts[:count])
        if isinstance(file.get(name), h5py.Dataset):
            raise ValueError(f"group must have a name of its own, and in {file.filename} {name!r} is an array, got "
                             f"{'/'.join(parts)!r}.")


def read_record(path: str | os.PathLike, group: str = "/") -> Record:
    """Read what `write_record` wrote.

    Raises
    ------
    TypeError
        If `path` or `group` is no name.
    KeyError
        If there is no such group.
    ValueError
        If the group holds something else, or has no checksum.
    OSError
        If the file cannot be read; `DamagedError` if the data are damaged, or lie elsewhere.
    """
    with opened(path) as file:
        parts, where = _parts(group), f"{file.filename}, group {group!r},"
        try:
            place = _group(file, parts)
            values = _contents(place) if isinstance(place, h5py.Group) and _FORMAT in place.attrs else {}
            elsewhere = [] if values else _results(file)
        except _UNREADABLE as error:
            raise DamagedError(f"{where} is damaged: {error}") from error
        holds = f"the file holds results in {', '.join(map(repr, elsewhere))}" if elsewhere else "nor any other"
        if place is None:
            raise KeyError(f"{file.filename} has no group {group!r}; {holds}.")
    kind = str(values.pop(_FORMAT, ""))
    if not kind.startswith(_PREFIX):
        raise ValueError(f"{where} does not hold a result of kwant_dissip; {holds}.")
    written_by, known = str(values.pop(_VERSION, "0.1.0 or older")), values.pop(_CHECKSUM, None)
    if known is None:
        raise ValueError(f"{where} has no checksum: written by kwant_dissip {written_by}, or changed by another "
                         "program. Nobody knows whether its numbers are what was computed.")
    if not _fits(known, values):
        raise DamagedError(f"{where} is damaged: its data {_CHANGED}.")
    return Record(kind.removeprefix(_PREFIX), values, written_by)


def read_value(path: str | os.PathLike, name: str) -> Any:
    """One field of the result in a file, without a look at the rest, as thousands of files are read like this.

    Raises
    ------
    OSError
        If the file cannot be read, or its data are damaged; the message names it.
    """
    with opened(path) as file:
        try:
            attributes = file.attrs
            known = _scalar(attributes, _CHECKSUM)
            if not _is_by_field(known):
                return read_record(path).values[name]
            value = _scalar(attributes, name) if name in attributes else _array(name, _inside(file, name))
            if json.loads(known)[name] != _hashes({name: value})[name]:
                raise OSError(f"its data {_CHANGED}")
            return value
        except _UNREADABLE as error:
            raise DamagedError(f"{path} is damaged, at {name!r}: {error}") from error


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
        open(source, "rb").close()
    except OSError as error:
        raise type(error)(f"{path} cannot be read: {error.strerror}.") from error
    try:
        file = h5py.File(source, "r")
    except (OSError, RuntimeError) as error:
        if not h5py.is_hdf5(source):
            raise DamagedError(f"{path} is {'not an HDF5 file' if source.stat().st_size else 'empty'}.") from error
        why = "is cut short" if "truncated" in str(error) else "cannot be opened as HDF5"
        raise DamagedError(f"{path} {why}: {error}") from error
    with file:
        yield file


def _parts(group):
    """Names on the way to a group; none for the whole file."""
    if not isinstance(group, str):
        raise TypeError(f"group must be a name, a string, got {group!r}.")
    parts = [] if group == "/" else group.removeprefix("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in group:
        raise ValueError(f"group must be a name such as 'cold' or 'bias/2', or '/' for the whole file, got {group!r}.")
    return parts


def _group(file, parts):
    """What a file has under a name, or None."""
    place = file
    for part in parts:
        if not isinstance(place, h5py.Group) or part not in place:
            return None
        place = _inside(place, part)
    return place


def _results(file):
    """Names of the groups that hold results."""
    groups = ["/"] if _FORMAT in file.attrs else []
    file.visititems(lambda name, item: groups.append(name) if _FORMAT in item.attrs else None)
    return groups


def _contents(place):
    """Attributes and arrays of a group."""
    items = {name: _inside(place, name) for name in place}
    attributes = place.attrs
    values = {name: _scalar(attributes, name) for name in attributes}
    return values | {name: _array(name, item) for name, item in items.items() if isinstance(item, h5py.Dataset)}


def _scalar(attributes, name):
    """An attribute as a Python scalar."""
    if attributes.get_id(name).shape != ():
        raise ValueError(f"the attribute {name!r} is no single value")
    value = attributes[name]
    scalar = value.item() if isinstance(value, np.generic) else value
    return scalar.decode() if isinstance(scalar, bytes) else scalar


def _array(name, stored):
    """An array that lies in its own file, and is as large there as it says it is."""
    if stored.is_virtual or stored.external:
        raise ValueError(f"the array {name!r} lies in another file")
    if stored.dtype.kind not in "biufc":
        raise ValueError(f"the array {name!r} holds no numbers but {stored.dtype}")
    size = os.stat(stored.file.filename).st_size
    if not stored.nbytes <= stored.id.get_storage_size() <= size:
        raise ValueError(f"the array {name!r} of shape {stored.shape} would take {stored.nbytes} bytes and has "
                         f"{stored.id.get_storage_size()} in a file of {size}")
    return np.asarray(stored[()])


def _inside(place, name):
    """What a group has under a name, unless that leads out of it."""
    if not isinstance(place.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} is a link to somewhere else")
    return place[name]


def _fits(known, values):
    """Whether values are those of a checksum: of each field, or in old files of all together."""
    return known == (json.dumps(_hashes(values)) if _is_by_field(known) else _hash(values))


def _is_by_field(known):
    return str(known).startswith("{")


def _hashes(values):
    """Of each value."""
    return {name: _hash({name: value})[:16] for name, value in sorted(values.items())}


def _hash(values):
    """Of names, types and values, in hexadecimal."""
    digest = hashlib.sha256()
    for name, value in sorted(values.items()):
        if isinstance(value, np.ndarray):
            digest.update(f"{name} {value.dtype.str} {value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            digest.update(f"{name} {value.item() if isinstance(value, np.generic) else value!r}".encode())
    return digest.hexdigest()
