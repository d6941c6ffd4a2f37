"""Spectra of one propagator at the energies of a grid, and the workers that compute them.

A spectrum stays where it was made, as long as memory allows: unknowns go in, sums come out.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from ..numerics.quadrature import Panels
from ..propagators.interface import Propagator, Spectrum

Value = TypeVar("Value")
# Of the memory that is free when the first spectrum is kept.
_PART = 0.25
_UNKNOWN = 1 << 32


@dataclass
class Counts:
    """What was computed.

    Attributes
    ----------
    green_functions : int
        Energies at which spectra were computed, in all.
    transports : int
        Energies at which something was sent through a spectrum, in all.
    """

    green_functions: int = 0
    transports: int = 0


class Spectra:
    """The spectra of one propagator, computed once per batch of panels as long as memory allows.

    Parameters
    ----------
    propagator : Propagator
    mu0 : float
        What the panels' energies count from.
    map_ : callable, optional
        Works on several batches, as `map` or that of an executor.
    memory : float, optional
        Bytes that may be kept; by default a quarter of what is free.
    counts : Counts, optional
        To be added to.

    Attributes
    ----------
    propagator : Propagator
    counts : Counts
    """

    def __init__(self, propagator: Propagator, mu0: float, map_: Callable = map, memory: float | None = None,
                 counts: Counts | None = None) -> None:
        self.propagator, self._mu0, self._map = propagator, mu0, map_
        self.counts = counts or Counts()
        self._kept: dict[tuple[bytes, ...], Spectrum] = {}
        self._bytes = 0
        self._lock = Lock()
        self._most = _PART * _free() if memory is None else memory

    def batches(self, panels: Panels) -> list[np.ndarray]:
        """Numbers of panels that are worked on together, fewest nodes first: as before where all are still there.

        In an order that does not depend on which was finished first, as sums over them do not then either.
        """
        number = {key: place for place, key in enumerate(_keys(panels))}
        together = [[number.pop(key) for key in batch] for batch in self._kept if all(key in number for key in batch)]
        rest = sorted(number.values(), key=lambda place: panels.count[place])
        while rest:
            size = max(1, int(np.searchsorted(np.cumsum(panels.count[rest]), self.propagator.batch, "right")))
            together.append(rest[:size])
            rest = rest[size:]
        return [np.array(batch) for batch in sorted(together)]

    def parts(self, panels: Panels) -> list[Panels]:
        """The panels of each of the `batches`."""
        return [panels[batch] for batch in self.batches(panels)]

    def each(self, work: Callable[[Spectrum, Panels], Value], parts: Sequence[Panels],
             transports: int = 1) -> Iterator[Value]:
        """What some work makes of the spectrum of each part, and of the part, one after the other.

        Parameters
        ----------
        work : callable
            May run in any thread.
        parts : sequence of Panels
            Each one of the `parts`.
        transports : int, optional
            How often something is sent through each spectrum.
        """
        self.counts.transports += transports * sum(part.energies for part in parts)
        return self._map(lambda part: work(self._spectrum(part), part), parts)

    def call(self, functions: Iterable[Callable[..., Value]], *arguments: Any) -> Iterator[Value]:
        """What functions that `each` made of parts return."""
        return self._map(lambda function: function(*arguments), functions)

    def _spectrum(self, part):
        key = tuple(_keys(part))
        spectrum = self._kept.get(key)
        if spectrum is None:
            energies = self._mu0 + part.points()[0]
            spectrum = self.propagator.spectrum(energies)
            with self._lock:
                self.counts.green_functions += len(energies)
                # What is kept first stays: energies come again in turns, and the last would always drive out the next.
                if self._bytes + spectrum.nbytes <= self._most:
                    self._kept[key] = spectrum
                    self._bytes += spectrum.nbytes
        return spectrum

    def reversed(self) -> "Spectra":
        """Those of the reversed magnetic field, which are not kept: each is asked for once or twice."""
        other = self.propagator.reversed()
        return self if other is self.propagator else Spectra(other, self._mu0, self._map, 0.0, self.counts)

    def forget(self, panels: Panels) -> None:
        """Drop the batches that hold any of these panels, which will not come again."""
        gone = set(_keys(panels))
        for key in [key for key in self._kept if gone.intersection(key)]:
            self._bytes -= self._kept.pop(key).nbytes


def _keys(panels):
    return [row.tobytes() for row in np.stack([panels.a, panels.b, panels.u0, panels.u1, panels.count], axis=1)]


def _free():
    """Bytes of memory that are free."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on every system
        return _UNKNOWN
