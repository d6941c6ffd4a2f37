"""Names of files and folders that are written: checked, made, and replaced as a whole or not at all."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def named(argument: str, what: str, path: str | os.PathLike) -> Path:
    """The path of a file or folder, after a look at its name; `argument` is what it was given as."""
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str) or not os.fspath(path):
        raise TypeError(f"{argument} must be the name of a {what}, a string or a pathlib.Path, got {path!r}.")
    if "\0" in os.fspath(path):
        raise ValueError(f"{argument} must be the name of a {what}, which has no NUL, got {path!r}.")
    return Path(path)


def file_of(path: str | os.PathLike) -> Path:
    """The file that a path means, links followed.

    Raises
    ------
    TypeError, ValueError
        If it is no name of a file.
    """
    return named("path", "file", path).resolve()


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
