"""Sweeps: a function of the user's at many points, on any executor, into a folder or memory."""

import inspect
import os
import pickle
import secrets
import socket
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import xarray as xr

from ..errors import SweepError, heed_interrupt
from ..numerics.checks import check_flag
from ..numerics.threads import one_blas_thread, one_thread
from ..progress import count_bar
from ..results.result import Result
from ..store.folder import SweepFolder
from ..store.outcomes import NAMED, Failure, InFolder, InMemory, Stop
from ..store.plan import Plan, Value
from ..store.points import PointFolder
from ..store.record import Record

# So many points wait for the executor or run; of what is finished nothing is held when there is a folder.
_IN_FLIGHT = 1000
_START = "start"


def sweep(solve: Callable[..., Any], parameters: Mapping[str, Sequence[Value]] | Sequence[Mapping[str, Value]], *,
          folder: str | os.PathLike | None = None, executor: Any = None, keep: Iterable[str] | None = None,
          name: str | None = None, retry_failed: bool = False) -> xr.Dataset:
    """Results of ``solve(**point)`` at all points of a grid of parameters, or of a list.

    Parameters
    ----------
    solve : callable
        Takes the parameters by their names and returns a SteadyState, a KineticState, or a dict of numbers, text and
        arrays. What it raises is kept as the point's failure, and the sweep goes on. If it has an argument ``start``
        that is no parameter, it gets the last state that the same worker found, where that differs in the last
        parameter only, else None: for ``steady_state(start=...)``.
    parameters : dict of sequences of numbers or text, or list of dicts of these
        The values of each parameter, of which every combination is a point, the last parameter running fastest; or
        the points themselves. Values that are an `xarray.DataArray` may have a unit, ``attrs={"units": "eV"}``, which
        tables and pictures show.
    folder : path-like, optional
        Every point that is finished is written at once into a file of its own there, and a later call computes only
        what is missing or damaged, also with more points. It must be seen by all workers. By default results stay in
        memory.
    executor : optional
        Anything with the ``submit`` of `concurrent.futures`: a ProcessPoolExecutor, ``get_executor()`` of dask's
        Client, MPIPoolExecutor of mpi4py. By default the points are solved here, one after the other. Workers use one
        thread each, unless the environment variables of this package or of BLAS say otherwise.
    keep : sequence of str, optional
        Fields of the results to keep; by default all.
    name : str, optional
        What the folder is for; by default the name of `solve`. A sweep of another name, or with other parameters, is
        refused there.
    retry_failed : bool, optional
        Try points again that failed earlier; by default their failure stays.

    Returns
    -------
    xarray.Dataset
        The parameters are dimensions and coordinates (of a list: ``point`` is the dimension). Each field of the results
        is a variable with its unit and meaning; ``site``, ``lead`` or ``x`` are further dimensions. Fields whose sizes
        differ from point to point are left out, and ``result`` holds every point as an object whose method ``load()``
        reads it: ``dataset.result.sel(length=40).item().load()``. Where points are missing ``finished`` says which,
        numbers are nan, and ``failure`` says why. A field with the name of a parameter is called ``result_`` and its
        name; if a parameter or a field is called ``finished``, ``failure`` or ``result``, those of the sweep have
        ``point_`` before them. From a folder fields are read, and their checksums compared, when they are used.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, a parameter no number, or the folder holds another sweep.
    OSError
        If the folder cannot be written; what is finished stays.
    SweepError
        If the executor broke, as it does when a worker dies, or is gone, or if no point has a result. Its `result` is
        the Dataset.
    KeyboardInterrupt
        After Ctrl-C, also where an error of `solve` goes back to it; it says how many points are kept.

    Warns
    -----
    UserWarning
        At the beginning, if files of the folder are damaged: which, and how. At the end, if points failed: which, and
        why.

    Notes
    -----
    Results do not depend on the executor, nor on interruptions, bit by bit, unless `solve` takes ``start``: a solution
    found from a neighbour is the same within its `rtol` only. The function is sent to other processes by its name (dask
    sends the code): it must be defined in a module or the script, not within another function.

    Examples
    --------
    >>> def solve(bias, temperature):
    ...     reservoirs = [kd.Reservoir(mu + bias / 2, temperature), kd.Reservoir(mu - bias / 2, temperature)]
    ...     return kd.steady_state(syst, reservoirs, kd.PhononBath(temperature, rate=0.05))
    >>> found = kd.sweep(solve, {"bias": np.linspace(0, 0.3, 31), "temperature": [0.02, 0.05]}, folder="runs")
    >>> found.power.sel(temperature=0.05).plot()
    """
    plan = Plan.of(parameters)
    _check_solve(solve, plan)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError("executor must have the method submit of concurrent.futures, such as a ProcessPoolExecutor, "
                        f"got {executor!r}.")
    kept = _names(keep)
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be text, got {name!r}.")
    check_flag("retry_failed", retry_failed)
    name = name or str(getattr(solve, "__qualname__", type(solve).__qualname__))
    store = InMemory(plan, name) if folder is None else InFolder(SweepFolder.made(folder, plan, name, kept), plan)
    todo = store.missing(retry_failed)
    task = _Task(solve, kept, store.points, plan.names[-1], _takes_start(solve, plan), executor is not None)
    broken: Exception | None = None
    with count_bar("sweep", len(todo), "points") as progress, one_blas_thread() if executor else nullcontext():
        run = _here if executor is None else _elsewhere
        try:
            for i, outcome in run(task, plan, todo, executor):
                store.take(i, outcome)
                progress()
        except (BrokenExecutor, _GoneError) as error:
            broken = error
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{store.count()} of {len(plan)} points {store.whereabouts}") from None
        finally:
            _last.__dict__.clear()
    if isinstance(broken, _GoneError):
        raise SweepError(f"The executor takes no points any more ({broken}): {store.count()} of {len(plan)} points "
                         f"{store.whereabouts}.", result=store.dataset(), failed=[]) from broken.__cause__
    if broken is not None:
        _raise_broken(broken, store, plan, todo)
    return _checked(store, plan)


class _GoneError(Exception):
    """An executor cancels what it was given, or takes nothing more; why is the cause."""


# Of each thread: which sweep, point, and what was found there last.
_last = threading.local()


@dataclass(frozen=True)
class _Task:
    """What workers do at a point: solve, and write the result if there is a folder."""

    solve: Callable[..., Any]
    keep: tuple[str, ...] | None
    points: PointFolder | None
    fastest: str
    takes_start: bool
    is_worker: bool
    home: tuple[str, int] = field(default_factory=lambda: _process())
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def __call__(self, point: dict[str, Value]) -> "Record | Failure | Stop | None":
        if not self.is_worker:
            return self._work(point)
        with one_thread(for_good=_process() != self.home):
            return self._work(point)

    def _work(self, point):
        try:
            with nullcontext() if self.points is None else self.points.busy(point):
                return self._solved(point)
        except OSError as error:  # of the folder
            return Stop(error)

    def _solved(self, point):
        try:
            found = self.solve(**point, **self._start(point))
        except (Exception, SystemExit) as error:
            heed_interrupt(error)
            failure = Failure(f"{type(error).__name__}: {error}\n\n{''.join(traceback.format_exception(error))}")
            if self.points is not None:
                self.points.write_failure(point, failure.text)
            return failure
        try:
            record = _record(found).only(self.keep)
            if self.points is not None:
                self.points.write(point, record)
                record = None
        except (TypeError, ValueError) as error:
            return Stop(error)
        if self.takes_start:
            _last.found = self.token, point, found
        return record

    def _start(self, point):
        if not self.takes_start:
            return {}
        token, before, found = getattr(_last, "found", (None, {}, None))
        near = token == self.token and all(before[name] == value for name, value in point.items()
                                           if name != self.fastest)
        return {_START: found if near else None}


def _here(task, plan, todo, executor):  # noqa: ARG001 (as `_elsewhere`)
    for i in todo:
        yield i, task(plan[i])


def _elsewhere(task: _Task, plan: Plan, todo: Sequence[int], executor: Any) -> Iterator[tuple[int, Any]]:
    """Numbers of points and what came out, as they finish."""
    done: SimpleQueue = SimpleQueue()
    in_flight: dict[Any, int] = {}
    waiting = iter(todo)
    try:
        while True:
            while len(in_flight) < _IN_FLIGHT and (i := next(waiting, None)) is not None:
                future = _submitted(executor, task, plan[i])
                in_flight[future] = i
                future.add_done_callback(done.put)
            if not in_flight:
                return
            future = done.get()
            i, error = in_flight.pop(future), _error_of(future)
            if isinstance(error, BrokenExecutor | _GoneError):
                raise error
            if error is not None:
                heed_interrupt(error)
                _check_sendable(task.solve, error)
                # The worker died, or what it sent was lost.
                failure = Failure(f"{type(error).__name__}: {error}")
                if task.points is not None:
                    task.points.write_failure(plan[i], failure.text)
                yield i, failure
            else:
                yield i, future.result()
    finally:
        for future in in_flight:
            with suppress(Exception):  # of dask whose client is gone
                future.cancel()


def _submitted(executor, task, point):
    try:
        return executor.submit(task, point)
    except BrokenExecutor:
        raise
    except Exception as error:
        heed_interrupt(error)
        _check_sendable(task.solve, error)
        raise _GoneError(f"{type(error).__name__}: {error}") from error


def _error_of(future):
    """What went wrong with a future, or None; `_GoneError` if it was cancelled, which nobody here does, or is lost."""
    try:
        return future.exception()
    except Exception as error:  # CancelledError, and what dask says where its scheduler or client is gone
        gone = _GoneError(f"{type(error).__name__}: {error}".rstrip(": "))
        gone.__cause__ = error
        return gone


def _checked(store, plan):
    """The dataset, after a word on what failed."""
    failures, dataset = store.failures(), store.dataset()
    if not failures:
        return dataset
    named = "; ".join(f"{_text(plan[i])}: {text.splitlines()[0]}" for i, text in list(failures.items())[:NAMED])
    more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
    message = (f"{len(failures)} of {len(plan)} points failed: {named.rstrip('.')}{more}. All of it is in `failure` of "
               "what open_sweep gives.")
    if len(failures) == len(plan):
        raise SweepError(message, result=dataset, failed=[plan[i] for i in failures])
    if store.points is not None:
        message += " With retry_failed=True they are tried again."
    warnings.warn(message, UserWarning, stacklevel=3)
    return dataset


def _raise_broken(error, store, plan, todo):
    suspects = store.died(todo, f"{type(error).__name__}: a worker died while it was busy with this point, or with "
                                "another at the same time.")
    where = " or ".join(_text(plan[i]) for i in suspects) or "one of the points in flight"
    again = "solve them again with another executor, with folder= to keep them" if store.points is None else \
        "call again with another executor: these points count as failed, retry_failed=True tries them again"
    raise SweepError(f"A worker of the executor died, at {where}: {error} {store.count()} of {len(plan)} points are "
                     f"finished, and kept; {again}.", result=store.dataset(),
                     failed=[plan[i] for i in suspects]) from error


def _names(keep):
    """Names of the fields to keep, or None: of all."""
    if keep is None:
        return None
    names = () if isinstance(keep, str | bytes) or not hasattr(keep, "__iter__") else tuple(keep)
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError("keep must be a sequence of one or more names of fields, such as ['power', 'current'], got "
                        f"{keep!r}.")
    return tuple(map(str, names))


def _record(found):
    """What `solve` returned, as it is stored."""
    if isinstance(found, Result):
        return Record.of(found)
    if isinstance(found, Mapping):
        return Record.of_numbers(found)
    raise TypeError("solve must return a SteadyState, a KineticState, or a dict of numbers and arrays, got "
                    f"{type(found).__name__}.")


def _check_solve(solve, plan):
    if not callable(solve):
        raise TypeError(f"solve must be a function of the parameters, got {solve!r}.")
    try:
        inspect.signature(solve).bind(**plan[0])
    except TypeError as error:
        raise TypeError(f"solve must take the parameters {', '.join(plan.names)} by their names; {solve!r} does not: "
                        f"{error}.") from error
    except ValueError:
        pass  # written in C, without a signature


def _takes_start(solve, plan):
    if _START in plan.names:
        return False
    try:
        return _START in inspect.signature(solve).parameters
    except ValueError:
        return False


def _check_sendable(solve, error):
    try:
        pickle.dumps(solve)
    except Exception:
        raise TypeError(f"solve cannot be sent to other processes: {error}. Define it in a module or at the top of the "
                        "script, not within another function.") from error


def _process():
    """Which process this is, of all on all machines."""
    return socket.gethostname(), os.getpid()


def _text(point):
    return ", ".join(f"{name}={value}" if isinstance(value, str) else f"{name}={value:g}"
                     for name, value in point.items())
