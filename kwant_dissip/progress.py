"""A bar for what takes longer than two seconds, on a terminal or in a notebook only."""

import math
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import TqdmWarning

with warnings.catch_warnings():
    # That a notebook has no ipywidgets, at our import: a line of text serves it, too.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

_DELAY = 2.0


def _in_notebook():
    """Whether a notebook's kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


# None: silent where stderr is not a terminal, as that of a notebook never is.
_DISABLED = False if _in_notebook() else None


class _Bar(tqdm):
    """A bar that shares nothing with other processes.

    tqdm's own write lock is one of multiprocessing: forked processes have it in common, and one that is killed while it
    holds it stops all others for ever. Its monitor, a thread, would hold a lock while other threads fork.
    """

    _lock = threading.RLock()
    monitor_interval = 0

    def __init__(self, name, **options):
        # A look at the clock each time: without the monitor tqdm's guess of when to look next stays wrong where steps
        # become slower.
        super().__init__(desc=name, delay=_DELAY, disable=_DISABLED, leave=False, miniters=1, **options)


def _renew_lock():
    """A forked process has the locks of its parent as they were, also those that another thread held."""
    _Bar.set_lock(threading.RLock())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def count_bar(name: str, total: int, unit: str) -> Iterator[Callable[[], object]]:
    """Progress of what is done a known number of times.

    Parameters
    ----------
    name : str
        What runs.
    total : int
    unit : str
        What is counted.

    Yields
    ------
    callable
        To be called once for each.
    """
    with _Bar(name, total=total, unit=f" {unit}") as bar:
        yield bar.update


@contextmanager
def stage_bar(name: str) -> Iterator[Callable]:
    """Progress of a nested iteration, of which only the accuracy so far is known.

    Parameters
    ----------
    name : str
        What runs.

    Yields
    ------
    callable
        ``report(stage, value)``: the name of what converges, and how far it is off; ``report()``: a part is done.
    """
    with _Bar(name, unit=" steps") as bar:

        def report(stage="", value=math.nan):
            if math.isfinite(value):
                bar.set_postfix_str(f"{stage}: {value:.0e}", refresh=False)
            bar.update()

        yield report


def reporting(map_: Callable, report: Callable) -> Callable:
    """A `map` that says of each part when it is done: what is between two stages can take minutes.

    Parameters
    ----------
    map_ : callable
    report : callable
        As `stage_bar` yields it.

    Returns
    -------
    callable
    """

    def work(function, *parts):
        for done in map_(function, *parts):
            report()
            yield done

    return work
