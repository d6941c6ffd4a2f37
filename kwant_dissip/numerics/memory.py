"""Memory that is freed during a solution serves the next array, instead of going back to the system in between.

Kernels work on arrays of some megabytes that come and go. glibc gives such memory back at once, and every page of the
next array must be asked for again: on a virtual machine that takes several times as long as the work itself.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# Names and numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_ALL = (1 << 31) - 1
# What glibc's own adaption of both thresholds comes to in a process with arrays of that size.
_USUAL_MMAP, _USUAL_TRIM = 32 << 20, 64 << 20

_lock = Lock()
_inside = 0


def _begin_anew():
    """A forked process has none of its parent's threads, of which one may have held the lock."""
    global _lock, _inside
    _lock, _inside = Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep what is freed inside; does nothing where malloc is not glibc's.

    Afterwards the thresholds are fixed at what glibc's adaption would have made of them, and all threads share one
    arena: those of their own hold no array of more than 64 MB, which long chains need.
    """
    global _inside
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        yield
        return
    with _lock:
        _inside += 1
        if _inside == 1:
            set_option(_ARENA_MAX, 1)
            set_option(_TRIM_THRESHOLD, _ALL)
            set_option(_MMAP_THRESHOLD, _ALL)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                set_option(_TRIM_THRESHOLD, _USUAL_TRIM)
                set_option(_MMAP_THRESHOLD, _USUAL_MMAP)
