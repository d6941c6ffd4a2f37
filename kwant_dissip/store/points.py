"""Files of the points of a sweep."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .file import DamagedError, read_record, read_value, write_record
from .paths import replacing
from .plan import key
from .record import PACKAGE_VERSION, Record

# In place of an error that cannot be read.
LOST = "the file that says what went wrong is damaged"
_RESULT, _ERROR, _STARTED, _DAMAGED = ".h5", ".error.json", ".started", ".damaged"


@dataclass(frozen=True)
class PointFile:
    """A finished point in a folder, read when it is asked for.

    Attributes
    ----------
    path : pathlib.Path
    form, place : str
        See `Record`.
    """

    path: Path
    form: str
    place: str

    def damage(self) -> str | None:
        """What is wrong with the file, or None; all of it is read."""
        try:
            self.record()
        except (OSError, KeyError, ValueError) as error:
            if isinstance(error, OSError) and not isinstance(error, DamagedError):
                raise  # of the disk, or not ours to read
            return str(error.args[0])
        return None

    def record(self) -> Record:
        """All that was kept of the result."""
        return read_record(self.path)

    def value(self, name: str) -> Any:
        """One field of it."""
        return read_value(self.path, name)

    def load(self) -> Any:
        """The result: what `solve` returned, or a dict of what was kept of it."""
        return self.record().load()

    def __repr__(self):
        return f"<{self.path.name}: load() reads it>"


@dataclass(frozen=True)
class PointFolder:
    """A folder with one file for every point that is finished, each written as a whole or not at all.

        KEY-FORM-PLACE.h5       a result, as its method `save` writes it, and the parameters of its point
        KEY.error.json          what went wrong at a point
        KEY.started             a point that a worker is busy with, or was when it died
        KEY-FORM-PLACE.damaged  a result that could not be read, and was computed again

    KEY is a hash of the parameters, so that many workers write at once and need not know of each other; FORM and PLACE
    are those of `Record`: whether all points fit into one array is seen from the names.

    Attributes
    ----------
    path : pathlib.Path
    """

    path: Path

    def finished(self) -> dict[str, PointFile]:
        """The points that are finished, by their keys."""
        result = {}
        for name in self._names(_RESULT):
            parts = name.removesuffix(_RESULT).split("-")
            if len(parts) == 3:
                result[parts[0]] = PointFile(self.path / name, *parts[1:])
        return result

    def failed(self) -> dict[str, str]:
        """Errors of the points that failed, by their keys; `LOST` where the file with the error is damaged."""
        return {name.removesuffix(_ERROR): self._error(name) for name in self._names(_ERROR)}

    def _error(self, name):
        try:
            return str(json.loads((self.path / name).read_text())["error"])
        except (KeyError, TypeError, ValueError):
            return LOST

    def set_aside(self, point: PointFile) -> None:
        """Rename a damaged file, so that its point counts as missing."""
        point.path.replace(point.path.with_suffix(_DAMAGED))

    def started(self) -> set[str]:
        """Keys of points that a worker is busy with, or was when it died."""
        return {name.removesuffix(_STARTED) for name in self._names(_STARTED)}

    def _names(self, ending):
        with os.scandir(self.path) as entries:
            return [entry.name for entry in entries if entry.name.endswith(ending) and entry.is_file()]

    @contextmanager
    def busy(self, point: Mapping[str, float | str]) -> Iterator[None]:
        """Leave a mark for as long as a point is worked on: what is left of one tells where a process died."""
        mark = self.path / (key(point) + _STARTED)
        try:
            mark.touch()
        except OSError as error:
            raise type(error)(f"folder {self.path.parent} cannot be written: {error.strerror}.") from error
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def forget_started(self, keys: Iterable[str]) -> None:
        """Remove marks that earlier processes left at points with these keys."""
        for name in self.started().intersection(keys):
            (self.path / (name + _STARTED)).unlink(missing_ok=True)

    def write(self, point: Mapping[str, float | str], record: Record) -> None:
        """Write what came out at a point.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        name = key(point)
        write_record(record, self.path / f"{name}-{record.form}-{record.place}{_RESULT}",
                     beside={"parameters": point})
        (self.path / (name + _ERROR)).unlink(missing_ok=True)

    def write_failure(self, point: Mapping[str, float | str], error: str) -> None:
        """Write what went wrong at a point, as text."""
        with replacing(self.path / (key(point) + _ERROR)) as beside:
            beside.write_text(json.dumps({"parameters": dict(point), "version": PACKAGE_VERSION, "error": error},
                                         indent=1))
