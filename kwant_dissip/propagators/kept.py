"""Spectra that are kept, for energies that come again: in Newton steps, products with the derivative, currents."""

import os

import numpy as np

from ..numerics.quadrature import PANEL, Panels
from .interface import Propagator, Spectrum

# Of the memory that is free when the first spectrum is kept.
_PART = 0.25
_UNKNOWN = 1 << 32


class KeptSpectra:
    """The spectra of one propagator, computed once per batch of panels as long as memory allows.

    Parameters
    ----------
    propagator : Propagator
    memory : float, optional
        Bytes that may be kept; by default a quarter of what is free.

    Attributes
    ----------
    propagator : Propagator
    green_functions : int
        Energies at which spectra were computed, in all.
    """

    def __init__(self, propagator: Propagator, memory: float | None = None) -> None:
        self.propagator = propagator
        self.green_functions = 0
        self._kept: dict[tuple[bytes, ...], Spectrum] = {}
        self._bytes = 0
        self._most = _PART * _free() if memory is None else memory

    def batches(self, panels: Panels) -> list[np.ndarray]:
        """Numbers of panels that are worked on together: as before where all of a batch are still there."""
        number = {key: place for place, key in enumerate(_keys(panels))}
        together = [[number.pop(key) for key in batch] for batch in self._kept if all(key in number for key in batch)]
        rest = list(number.values())
        size = max(1, self.propagator.batch // PANEL)
        together += [rest[start:start + size] for start in range(0, len(rest), size)]
        return [np.array(batch) for batch in together]

    def spectrum(self, panels: Panels, mu0: float) -> Spectrum:
        """`Spectrum` at the nodes of a batch of panels, whose energies count from mu_0."""
        key = tuple(_keys(panels))
        spectrum = self._kept.get(key)
        if spectrum is None:
            energies = mu0 + panels.nodes()[0].ravel()
            spectrum = self.propagator.spectrum(energies)
            self.green_functions += len(energies)
            if self._bytes + spectrum.nbytes > self._most:
                # What was kept first may belong to panels that have been halved since.
                self._kept, self._bytes = {}, 0
            if spectrum.nbytes <= self._most:
                self._kept[key] = spectrum
                self._bytes += spectrum.nbytes
        return spectrum


def _keys(panels):
    return [row.tobytes() for row in np.stack([panels.a, panels.b, panels.u0, panels.u1], axis=1)]


def _free():
    """Bytes of memory that are free."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on every system
        return _UNKNOWN
