"""The folder of a sweep: sweep.json says which it is, with which points; points/ is a `points.PointFolder`."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

from .paths import check_writable, made_folder, named, replacing
from .plan import Plan
from .points import PointFolder
from .record import PACKAGE_VERSION

_FORMAT = "kwant_dissip.sweep"


class SweepFolder:
    """The folder of one sweep.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    points : PointFolder
    about : dict
        What sweep.json says.

    Raises
    ------
    OSError
        If there is no sweep in it.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = named("folder", "folder", path).absolute()
        self.points = PointFolder(self.path / "points")
        self.about = self._read_about()

    @classmethod
    def made(cls, path: str | os.PathLike, plan: Plan, name: str, keep: Sequence[str] | None) -> "SweepFolder":
        """The folder of a sweep, made if it does not exist; its plan grows by the points of this one.

        Raises
        ------
        TypeError
            If `path` is no name.
        ValueError
            If the folder holds another sweep.
        OSError
            If it cannot be written.
        """
        about: dict[str, Any] = {"format": _FORMAT, "version": PACKAGE_VERSION, "name": name,
                                 "keep": None if keep is None else sorted(keep)}
        folder = made_folder(path)
        made_folder(folder / "points")
        check_writable(folder / "points" / "any")
        with _locked(folder / "sweep.lock"):  # another process may join its plan at the same time
            joined = plan
            if (folder / "sweep.json").exists():
                found = cls(path)
                found.check_same(plan, about)
                joined = found.plan.joined(plan)
                if joined == found.plan:
                    return found
            elif any((folder / "points").iterdir()):
                raise ValueError(f"folder {path} has points, but no sweep.json that says which sweep they belong to.")
            with replacing(folder / "sweep.json") as beside:
                beside.write_text(json.dumps(about | joined.to_json(), indent=1))
            return cls(path)

    def _read_about(self):
        file = self.path / "sweep.json"
        try:
            if file.exists() and not file.is_file():  # a pipe would keep us waiting
                raise OSError(0, "it is no plain file")
            about = json.loads(file.read_text())
        except OSError as error:
            raise type(error)(f"folder {self.path} holds no sweep: sweep.json cannot be read "
                              f"({error.strerror}).") from error
        except ValueError as error:
            raise OSError(f"folder {self.path} is damaged: sweep.json is no JSON: {error}") from error
        if not isinstance(about, dict) or about.get("format") != _FORMAT:
            raise OSError(f"folder {self.path} holds no sweep: sweep.json is not one of kwant_dissip.")
        try:
            if not isinstance(about.get("name"), str) or not isinstance(about.get("keep"), list | None):
                raise ValueError("it does not say the sweep's name and what is kept")
            Plan.from_json(about)
        except (TypeError, ValueError) as error:
            raise OSError(f"folder {self.path} is damaged: sweep.json is not whole: {error}") from error
        return about

    @property
    def plan(self) -> Plan:
        """All points that were asked for."""
        return Plan.from_json(self.about)

    def check_same(self, plan: Plan, about: Mapping) -> None:
        """Raise ValueError if a sweep is not that of the folder."""
        for what, here, there in (
                ("parameters", sorted(plan.names), sorted(self.plan.names)),
                ("name", about["name"], self.about["name"]), ("keep", about["keep"], self.about["keep"])):
            if here != there:
                raise ValueError(f"folder {self.path} holds another sweep: its {what} is {there!r}, not {here!r}. Its "
                                 "points are not mixed with others: take another folder.")


@contextmanager
def _locked(path):
    """One process at a time, on all machines that see the folder; the lock of one that dies is free."""
    with open(path, "ab") as file:
        # Some file systems of clusters know no locks, and Windows none of this kind.
        with suppress(OSError):
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                if fcntl is not None:  # said, as a process that was forked meanwhile has the file open, too
                    fcntl.flock(file, fcntl.LOCK_UN)
