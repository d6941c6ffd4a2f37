"""Memory that is freed during a solution serves the next array, instead of going back to the system in between.

Kernels work on arrays of some megabytes that come and go. glibc gives such memory back at once, and every page of the
next array must be asked for again: on a virtual machine that takes several times as long as the work itself.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Names and numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_ALL = (1 << 31) - 1
# What glibc's own adaption of both thresholds comes to in a process with arrays of that size.
_USUAL_MMAP, _USUAL_TRIM = 32 << 20, 64 << 20


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep what is freed inside, and give it back in the end; does nothing where malloc is not glibc's."""
    try:
        library = ctypes.CDLL(None)
        set_option, trim = library.mallopt, library.malloc_trim
    except (AttributeError, OSError, TypeError):
        yield
        return
    # One arena, as those of threads cannot grow beyond 64 MB.
    for option, value in ((_TRIM_THRESHOLD, _ALL), (_MMAP_THRESHOLD, _ALL), (_ARENA_MAX, 1)):
        set_option(option, value)
    try:
        yield
    finally:
        for option, value in ((_TRIM_THRESHOLD, _USUAL_TRIM), (_MMAP_THRESHOLD, _USUAL_MMAP), (_ARENA_MAX, 0)):
            set_option(option, value)
        trim(0)
