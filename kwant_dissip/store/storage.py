"""Results as HDF5, readable by anything that reads HDF5; a file is replaced as a whole or not at all."""

import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

from .reading import CHECKSUM, FORMAT, PREFIX, VERSION, checksum, file_of, named, opened, parts_of
from .record import Record

# Of the package: every file says which one wrote it.
PACKAGE_VERSION = version("kwant_dissip")


def check_writable(path: str | os.PathLike) -> None:
    """Raise unless a file can be made or replaced at a path; the message says why.

    Raises
    ------
    TypeError
        If `path` is no name of a file.
    OSError
        Of the kind that fits: FileNotFoundError if there is no such folder, PermissionError, ...
    """
    target = file_of(path)
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


def made_folder(path: str | os.PathLike) -> Path:
    """The folder of this name, made if it does not exist.

    Raises
    ------
    TypeError, ValueError
        If `path` is no name of a folder.
    OSError
        If it cannot be made; the message says why.
    """
    folder = named("folder", "folder", path).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"folder {path} cannot be made: {error.strerror}.") from error
    return folder


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A name beside `path`: the file that is written there takes the place of `path` at the end, if nothing fails.

    Whoever kills the process finds the old file or the new one, never a part (which can stay beside it under a name
    that ends in .tmp).
    """
    check_writable(path)
    target = file_of(path)
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
    parts = parts_of(group)
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
    for name, text in ((FORMAT, PREFIX + record.kind), (VERSION, PACKAGE_VERSION), (CHECKSUM, checksum(record.values))):
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
