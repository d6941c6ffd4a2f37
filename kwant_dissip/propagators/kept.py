"""Spectra that are kept, for energies that come again: in Newton steps, products with the derivative, currents."""

import os
from dataclasses import dataclass
from threading import Lock

import numpy as np

from ..numerics.quadrature import Panels
from .interface import Propagator, Spectrum

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


class KeptSpectra:
    """The spectra of one propagator, computed once per batch of panels as long as memory allows.

    `spectrum` may be called by several threads; `batches` and `forget` while none of them works.

    Parameters
    ----------
    propagator : Propagator
    memory : float, optional
        Bytes that may be kept; by default a quarter of what is free.
    counts : Counts, optional
        To be added to.

    Attributes
    ----------
    propagator : Propagator
    counts : Counts
    """

    def __init__(self, propagator: Propagator, memory: float | None = None, counts: Counts | None = None) -> None:
        self.propagator = propagator
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

    def spectrum(self, panels: Panels, mu0: float) -> Spectrum:
        """`Spectrum` at the nodes of a batch of panels, whose energies count from mu_0."""
        key = tuple(_keys(panels))
        spectrum = self._kept.get(key)
        if spectrum is None:
            energies = mu0 + panels.points()[0]
            spectrum = self.propagator.spectrum(energies)
            with self._lock:
                self.counts.green_functions += len(energies)
                # What is kept first stays: energies come again in turns, and the last would always drive out the next.
                if self._bytes + spectrum.nbytes <= self._most:
                    self._kept[key] = spectrum
                    self._bytes += spectrum.nbytes
        return spectrum

    def reversed(self) -> "KeptSpectra":
        """Those of the reversed magnetic field, which are not kept: each is asked for once or twice."""
        other = self.propagator.reversed()
        return self if other is self.propagator else KeptSpectra(other, 0.0, self.counts)

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
