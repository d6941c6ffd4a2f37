"""Results as HDF5, readable by anything that reads HDF5; a file is replaced as a whole or not at all."""

import dataclasses
import hashlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .record import Record

# Of the package: every file says which one wrote it.
PACKAGE_VERSION = version("kwant_dissip")
_PREFIX = "kwant_dissip."
# Attributes of a group that are no fields: which class, which version of the package, hash of the fields.
_FORMAT, _VERSION, _CHECKSUM = "format", "version", "checksum"


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


def check_writable(path: str | os.PathLike) -> None:
    """Raise unless a file can be made or replaced at a path; the message says why.

    Raises
    ------
    TypeError
        If `path` is no name of a file.
    OSError
        Of the kind that fits: FileNotFoundError if there is no such folder, PermissionError, ...
    """
    target = _named(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {target.parent}.")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} cannot be written: it is {'a folder' if target.is_dir() else 'no plain file'}.")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path} cannot be written: the file that is there is not writable.")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise type(error)(f"{path} cannot be written: no file can be made in {target.parent} "
                          f"({error.strerror}).") from error


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A name beside `path`: the file that is written there takes the place of `path` at the end, if nothing fails.

    Whoever kills the process finds the old file or the new one, never a part (which can stay beside it under a name
    that ends in .tmp).
    """
    check_writable(path)
    target = _named(path)
    beside = target.with_name(f".kwant_dissip-{secrets.token_hex(8)}.tmp")
    try:
        yield beside
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except OSError as error:
        raise type(error)(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[h5py.File]:
    """An HDF5 file to read.

    Raises
    ------
    TypeError
        If `path` is no name of a file.
    OSError
        If the file cannot be read; the message says why.
    """
    source = _named(path)
    try:
        with open(source, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise type(error)(f"{path} cannot be read: {error.strerror}.") from error
    if not h5py.is_hdf5(source):
        raise OSError(f"{path} {'is empty' if empty else 'is not an HDF5 file'}.")
    try:
        file = h5py.File(source, "r")
    except (OSError, RuntimeError) as error:
        why = "is cut short" if "truncated" in str(error) else "cannot be opened as HDF5"
        raise OSError(f"{path} {why}: {error}") from error
    with file:
        yield file


def write_record(record: Record, path: str | os.PathLike, group: str = "/", beside: dict | None = None) -> None:
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
    if parts and _named(path).exists():
        with opened(path) as file:
            _check_free(file, parts)
        image, mode = io.BytesIO(_named(path).read_bytes()), "r+"
    with h5py.File(image, mode, libver="v110") as file:  # which has checksums for metadata
        place = file.require_group(group)
        _write(record, place)
        for name, values in (beside or {}).items():
            place.require_group(name).attrs.update(values)
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
                       (_CHECKSUM, _checksum(record.values))):
        place.attrs[name] = _stored(text)


def read_fields(file: h5py.File, group: str) -> Stored:
    """Read what `write_record` wrote.

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
        If the group holds something else.
    OSError
        If the data are damaged.
    """
    name = "/".join(_parts(group)) or "/"
    try:
        place = file.get(name)
        fields = _contents(place) if isinstance(place, h5py.Group) else {}
        elsewhere = [] if _FORMAT in fields else _results(file)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise OSError(f"{file.filename}, group {group!r}, is damaged: {error}") from error
    kind = str(fields.pop(_FORMAT, ""))
    holds = f"the file holds results in {', '.join(map(repr, elsewhere))}" if elsewhere else "nor any other"
    if place is None:
        raise KeyError(f"{file.filename} has no group {group!r}; {holds}.")
    if not kind.startswith(_PREFIX):
        raise ValueError(f"{file.filename}, group {group!r}, does not hold a result of kwant_dissip; {holds}.")
    written_by, checksum = fields.pop(_VERSION, None), fields.pop(_CHECKSUM, None)
    # The first files had neither a version nor a checksum.
    if (written_by, checksum) != (None, None) and checksum != _checksum(fields):
        raise OSError(f"{file.filename}, group {group!r}, is damaged: its data do not fit their checksum.")
    return Stored(kind.removeprefix(_PREFIX), written_by or "0.1.0 or older", fields)


def read_value(path: Path, name: str):
    """One field of the result in a file, without a look at the rest, as thousands of files are read like this.

    Raises
    ------
    OSError
        If the file cannot be read, or has no such field.
    """
    try:
        with h5py.File(path, "r") as file:
            return _scalar(file.attrs[name]) if name in file.attrs else np.asarray(file[name][()])
    except (KeyError, OSError, RuntimeError) as error:
        with opened(path):  # says what it is
            raise OSError(f"{path} is damaged: {error}") from error


def _contents(place):
    """Arrays and attributes of a group, these as Python scalars."""
    fields = {name: np.asarray(item[()]) for name, item in place.items() if isinstance(item, h5py.Dataset)}
    fields.update({name: _scalar(value) for name, value in place.attrs.items()})
    return fields


def _scalar(value):
    """An attribute as a Python scalar."""
    scalar = value.item() if isinstance(value, np.generic) else value
    return scalar.decode() if isinstance(scalar, bytes) else scalar


def _stored(value):
    """A scalar as an attribute: text of fixed length, as HDF5 can run for ever on a damaged heap of other text."""
    return np.bytes_(value.encode()) if isinstance(value, str) else value

def _checksum(fields):
    """Hash of all fields, in hexadecimal."""
    result = hashlib.sha256()
    for name, value in sorted(fields.items()):
        if isinstance(value, np.ndarray):
            result.update(f"{name} {value.dtype.str} {value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            result.update(f"{name} {value.item() if isinstance(value, np.generic) else value!r}".encode())
    return result.hexdigest()


def _named(path):
    """The file that a path means, links followed."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise TypeError(f"path must be the name of a file, a string or a pathlib.Path, got {path!r}.")
    return Path(path).resolve()


def _parts(group):
    """Names on the way to a group; none for the whole file."""
    if not isinstance(group, str):
        raise TypeError(f"group must be a name, a string, got {group!r}.")
    parts = [] if group == "/" else group.removeprefix("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ValueError(f"group must be a name such as 'cold' or 'bias/2', or '/' for the whole file, got {group!r}.")
    return parts


def _check_free(file, parts):
    """Raise if an array has the name of a group, or lies above it."""
    for count in range(1, len(parts) + 1):
        name = "/".join(parts[:count])
        if isinstance(file.get(name), h5py.Dataset):
            raise ValueError(f"group must have a name of its own, and in {file.filename} {name!r} is an array, got "
                             f"{'/'.join(parts)!r}.")


def _results(file):
    """Names of the groups that hold results."""
    groups = ["/"] if _FORMAT in file.attrs else []
    file.visititems(lambda name, item: groups.append(name) if _FORMAT in item.attrs else None)
    return groups
