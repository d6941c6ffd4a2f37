# cython: language_level=3
"""Calls of kernels: the build for this processor, arrays checked against sizes, the interpreter's lock released."""

import os

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer)
from libc.stdint cimport int64_t as num

cdef extern from "kernels.h":
    ctypedef struct kernel:
        const char *name
        const char *sizes
        const char *arrays
        int (*run)(const num *, void **) noexcept nogil
    ctypedef struct kernel_build:
        int lanes
        const kernel *kernels

cdef extern from "builds.h":
    const kernel_build *build_of(int number)
    const char *build_name(int number)
    int runs_here(int number)

cdef enum:  # of a kernel's sizes and arrays
    MOST_SIZES = 16
    MOST = 40

_FORMATS = {"": (b"d",), "i": (b"l", b"q"), "z": (b"Zd",), "c": (b"b", b"?")}


cdef class Kernel:
    """A kernel of the chosen build.

    It is called with its sizes, a tuple of int, and its arrays, as long as its line in `kernels.c` says.
    """

    cdef const kernel *_c
    cdef readonly str name
    cdef list _arrays

    cdef _read(self, const kernel *c):
        self._c, self.name, self._arrays = c, c.name.decode(), []
        letters, flags = c.sizes.decode(), PyBUF_C_CONTIGUOUS | PyBUF_FORMAT
        for word in c.arrays.decode().split():
            if word == ">":
                flags |= PyBUF_WRITABLE
                continue
            kind, _, length = word.rpartition(":")
            factor = int("".join(filter(str.isdigit, length)) or 1)
            places = None if length == "*" else tuple(letters.index(a) for a in length if not a.isdigit())
            self._arrays.append((flags, _FORMATS[kind], factor, places))
        if len(letters) > MOST_SIZES or len(self._arrays) > MOST:
            raise ImportError(f"kernels.c: {self.name} has more than {MOST_SIZES} sizes or {MOST} arrays")
        return self

    def __call__(self, tuple sizes, *arrays):
        cdef num size[MOST_SIZES]
        cdef void *at[MOST]
        cdef Py_buffer buffers[MOST]
        cdef Py_buffer *view
        cdef int taken = 0, failed
        copies = []
        if len(arrays) != len(self._arrays) or len(sizes) != len(self._c.sizes):
            raise TypeError(f"{self.name}: {len(sizes)} sizes and {len(arrays)} arrays, not {len(self._c.sizes)} and "
                            f"{len(self._arrays)}")
        for k, value in enumerate(sizes):
            size[k] = value
        try:
            for flags, formats, factor, places in self._arrays:
                array = arrays[taken]
                if not array.flags.c_contiguous:
                    array = array.copy()
                    if flags & PyBUF_WRITABLE:
                        copies.append((arrays[taken], array))
                PyObject_GetBuffer(array, &buffers[taken], flags)
                view = &buffers[taken]
                at[taken], held, length = view.buf, view.len // view.itemsize, factor
                taken += 1
                for place in places or ():
                    length *= sizes[place]
                if view.format not in formats or places is not None and held != length:
                    raise ValueError(f"{self.name}: array {taken} of {held} numbers of type {view.format.decode()}, not "
                                     f"{length} of {formats[0].decode()}")
            with nogil:
                failed = self._c.run(size, at)
        finally:
            for k in range(taken):
                PyBuffer_Release(&buffers[k])
        for target, array in copies:
            target[...] = array
        if failed:
            raise MemoryError(f"no memory for the work space of {self.name}")


def chosen_build():
    """The widest build that the processor has, or the one that KWANT_DISSIP_SIMD names.

    Returns
    -------
    name : str
    usable : tuple of str
        Those that the processor has.
    lanes : int
    kernels : dict of Kernel
    """
    cdef int number = 0
    cdef const kernel *c
    usable = {}
    while build_name(number) != NULL:
        if runs_here(number):
            usable[build_name(number).decode()] = number
        number += 1
    name = os.environ.get("KWANT_DISSIP_SIMD") or max(usable, key=usable.get)
    if name not in usable:
        raise ImportError(f"The environment variable KWANT_DISSIP_SIMD must be one of {', '.join(usable)}, which this "
                          f"processor has, got {name!r}.")
    number, kernels = usable[name], {}
    c = build_of(number).kernels
    while c.name != NULL:
        kernels[c.name.decode()] = (<Kernel>Kernel.__new__(Kernel))._read(c)
        c += 1
    return name, tuple(usable), build_of(number).lanes, kernels
