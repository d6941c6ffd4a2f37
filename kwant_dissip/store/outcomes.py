"""What comes out at the points of a sweep, and where it goes: into a folder, or memory."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from ..progress import count_bar
from .dataset import dataset_of
from .folder import SweepFolder
from .opening import open_points
from .plan import Plan, key
from .points import LOST, PointFolder
from .record import Record

# So many points are named in errors and warnings.
NAMED = 5


@dataclass(frozen=True)
class Failure:
    """What `solve` raised, as text."""

    text: str


@dataclass(frozen=True)
class Stop:
    """An error that ends the sweep: all other points would meet it, too."""

    error: Exception


class InMemory:
    """Results that stay in memory."""

    points: PointFolder | None = None
    whereabouts = "are finished, and lost; call again with folder= to keep them"

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan, self._name = plan, name
        self._found: list[Record | None] = [None] * len(plan)
        self._failures: dict[int, str] = {}

    def missing(self, retry_failed: bool) -> Sequence[int]:  # noqa: ARG002 (nothing is there)
        """Numbers of the points to be solved."""
        return range(len(self._plan))

    def take(self, i: int, outcome: "Record | Failure | Stop | None") -> None:
        """What came out at a point."""
        if isinstance(outcome, Stop):
            raise outcome.error
        if isinstance(outcome, Failure):
            self._failures[i] = outcome.text
        elif outcome is not None:
            self._found[i] = outcome

    def died(self, todo: Sequence[int], text: str) -> list[int]:  # noqa: ARG002
        """Points at which a worker may have died: nobody knows."""
        return []

    def failures(self) -> dict[int, str]:
        """Errors of points that failed, by their numbers."""
        return self._failures

    def count(self) -> int:
        """How many points are finished."""
        return sum(point is not None for point in self._found)

    def dataset(self) -> xr.Dataset:
        """All of it."""
        return dataset_of(self._plan, self._found, self._failures, sweep=self._name)


class InFolder:
    """Results that workers write into a folder."""

    def __init__(self, folder: SweepFolder, plan: Plan) -> None:
        self._folder, self.points, self._plan = folder, folder.points, plan
        self._keys = [key(point) for point in plan]

    @property
    def whereabouts(self) -> str:
        """What is to be said of the points that are finished."""
        return f"kept in {self._folder.path}; call again to go on"

    def missing(self, retry_failed: bool) -> Sequence[int]:
        """Numbers of the points to be solved, after a word on those that are damaged."""
        self.points.forget_started(self._keys)
        finished, failed, damaged = self.points.finished(), self.points.failed(), []
        there = [name for name in self._keys if name in finished]
        with count_bar("points read", len(there), "points") as progress:
            for name in there:
                damage = finished[name].damage()
                if damage is not None:
                    damaged.append(damage)
                    self.points.set_aside(finished.pop(name))
                progress()
        lost = [name for name in self._keys if name in failed and failed[name] == LOST]
        damaged += [f"{name}: {LOST}" for name in lost]
        known = set(finished) | (set() if retry_failed else failed.keys() - lost)
        if damaged:
            more = f"; and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
            warnings.warn(f"{len(damaged)} of {len(self._keys)} points are damaged, and computed again: "
                          f"{'; '.join(damaged[:NAMED])}{more}", UserWarning, stacklevel=3)
        return [i for i, name in enumerate(self._keys) if name not in known]

    def take(self, i: int, outcome: "Record | Failure | Stop | None") -> None:  # noqa: ARG002 (it is written)
        """What came out at a point."""
        if isinstance(outcome, Stop):
            raise outcome.error

    def died(self, todo: Sequence[int], text: str) -> list[int]:
        """Points at which a worker may have died, from now on counted as failed."""
        started, finished = self.points.started(), self.points.finished()
        suspects = [i for i in todo if self._keys[i] in started and self._keys[i] not in finished]
        for i in suspects:
            self.points.write_failure(self._plan[i], text)
        self.points.forget_started(self._keys)
        return suspects

    def failures(self) -> dict[int, str]:
        """Errors of points that failed, by their numbers."""
        failed, finished = self.points.failed(), self.points.finished()
        return {i: failed[name] for i, name in enumerate(self._keys)
                if name in failed and name not in finished}

    def count(self) -> int:
        """How many points are finished."""
        finished = self.points.finished()
        return sum(name in finished for name in self._keys)

    def dataset(self) -> xr.Dataset:
        """All of it."""
        return open_points(self._folder, self._plan)
