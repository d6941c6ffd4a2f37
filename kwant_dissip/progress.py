"""A bar for what takes longer than two seconds, on a terminal only."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

DELAY = 2.0


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
    # disable=None: silent where stderr is not a terminal
    with tqdm(desc=name, total=total, unit=f" {unit}", delay=DELAY, disable=None, leave=False) as bar:
        yield bar.update


@contextmanager
def stage_bar(name: str) -> Iterator[Callable[[str, float], None]]:
    """Progress of a nested iteration, of which only the accuracy so far is known.

    Parameters
    ----------
    name : str
        What runs.

    Yields
    ------
    callable
        ``report(stage, value)``: the name of what converges, and how far it is off.
    """
    # disable=None: silent where stderr is not a terminal
    with tqdm(desc=name, unit=" passes", delay=DELAY, disable=None, leave=False) as bar:

        def report(stage, value):
            if math.isfinite(value):
                bar.set_postfix_str(f"{stage}: {value:.0e}", refresh=False)
            bar.update()

        yield report
