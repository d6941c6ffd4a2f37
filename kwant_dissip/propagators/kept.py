"""Spectra that are kept, for energies that come again: in Newton steps, products with the derivative, currents."""

import os

import numpy as np

from .interface import Propagator, Spectrum

# Of the memory that is free when the first spectrum is kept.
_PART = 0.25
_UNKNOWN = 1 << 32


class KeptSpectra:
    """The spectra of one propagator, computed once per batch of energies as long as memory allows.

    Parameters
    ----------
    propagator : Propagator

    Attributes
    ----------
    propagator : Propagator
    green_functions : int
        Energies at which spectra were computed, in all.
    """

    def __init__(self, propagator: Propagator) -> None:
        self.propagator = propagator
        self.green_functions = 0
        self._kept: dict[bytes, Spectrum] = {}
        self._bytes = 0
        self._most = _PART * _free()

    def spectrum(self, energies: np.ndarray) -> Spectrum:
        """`Spectrum` at real energies, array of shape (energies,)."""
        key = energies.tobytes()
        spectrum = self._kept.get(key)
        if spectrum is None:
            spectrum = self.propagator.spectrum(energies)
            self.green_functions += len(energies)
            if self._bytes + spectrum.nbytes > self._most:
                # What was kept first may belong to panels that have been halved since.
                self._kept, self._bytes = {}, 0
            if spectrum.nbytes <= self._most:
                self._kept[key] = spectrum
                self._bytes += spectrum.nbytes
        return spectrum


def _free():
    """Bytes of memory that are free."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on every system
        return _UNKNOWN
