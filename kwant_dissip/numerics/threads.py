"""One pool of threads for one solution."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from .memory import freed_memory_kept

_VARIABLE = "KWANT_DISSIP_NUM_THREADS"


def thread_count() -> int:
    """Threads that a solution may use: KWANT_DISSIP_NUM_THREADS, by default one per processor of this process.

    Raises
    ------
    ValueError
        If the environment variable is not a positive whole number.
    """
    text = os.environ.get(_VARIABLE)
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.strip().isdecimal() or int(text) < 1:
        raise ValueError(f"The environment variable {_VARIABLE} must be a positive whole number, got {text!r}.")
    return int(text)


@contextmanager
def thread_pool() -> Iterator[Callable]:
    """Work on several batches at a time.

    Yields
    ------
    callable
        Like `map`; on one thread it is `map` itself.
    """
    count = thread_count()
    with freed_memory_kept():
        if count == 1:
            yield map
            return
        with ThreadPoolExecutor(count) as pool:
            yield pool.map
