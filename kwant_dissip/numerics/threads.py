"""One pool of threads for one solution."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache

from threadpoolctl import threadpool_limits

from .memory import freed_memory_kept

_VARIABLE = "KWANT_DISSIP_NUM_THREADS"
# Those of BLAS.
_OF_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")

# Whether what runs now is one of many workers.
_alone: ContextVar[bool] = ContextVar("alone", default=False)


def thread_count() -> int:
    """Threads that a solution may use: KWANT_DISSIP_NUM_THREADS, by default one per processor of this process.

    Raises
    ------
    ValueError
        If the environment variable is not a positive whole number.
    """
    text = os.environ.get(_VARIABLE)
    if text is None:
        if _alone.get():
            return 1
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.strip().isdecimal() or int(text) < 1:
        raise ValueError(f"The environment variable {_VARIABLE} must be a positive whole number, got {text!r}.")
    return int(text)


@contextmanager
def thread_pool(keep_freed: bool = True) -> Iterator[Callable]:
    """Work on several batches at a time.

    Parameters
    ----------
    keep_freed : bool, optional
        See `freed_memory_kept`; not where large arrays of different sizes come and go, which leave holes.

    Yields
    ------
    callable
        Like `map`; on one thread it is `map` itself.
    """
    count = thread_count()
    with freed_memory_kept() if keep_freed else nullcontext():
        if count == 1:
            yield map
            return
        with ThreadPoolExecutor(count) as pool:
            yield pool.map


@contextmanager
def one_thread(*, for_good: bool) -> Iterator[None]:
    """One thread for what is solved inside, unless the environment says otherwise: other workers have the others.

    Parameters
    ----------
    for_good : bool
        Whether the process is a worker itself: then BLAS keeps to one thread from now on.
    """
    if for_good:
        _limit_process()
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for BLAS in this process, whose threads may be workers; unless the environment says otherwise."""
    with threadpool_limits(None if _is_told(*_OF_BLAS) else 1):
        yield


@cache
def _limit_process():
    if not _is_told(*_OF_BLAS):
        threadpool_limits(1)
        os.environ.update(dict.fromkeys(_OF_BLAS, "1"))  # for what is loaded later


def _is_told(*variables):
    return any(name in os.environ for name in variables)
