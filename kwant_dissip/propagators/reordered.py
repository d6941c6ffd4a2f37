"""A spectrum whose rows and hoppings are those of another propagator of the same lattice."""

import numpy as np

from .interface import LatticeSpectrum
from .lattice import LatticePropagator


class Reordered(LatticeSpectrum):
    """See `interface.Spectrum`.

    Parameters
    ----------
    spectrum : LatticeSpectrum
    maker : LatticePropagator
        Whose rows it has.
    other : LatticePropagator
        Whose rows are wanted.
    """

    def __init__(self, spectrum: LatticeSpectrum, maker: LatticePropagator, other: LatticePropagator) -> None:
        self._spectrum = spectrum
        sites = len(maker.order)
        self._there, self._here = np.empty(sites, int), np.empty(sites, int)
        self._there[maker.order] = self._here[other.order] = np.arange(sites)
        self._there, self._here = self._there[other.order], self._here[maker.order]
        self.rate, self.spectral, self.leads = spectrum.rate[self._there], spectrum.spectral[self._there], spectrum.leads
        first, second = maker.order[maker.bonds].T, other.order[other.bonds].T
        keys = np.sort(first, axis=0), np.sort(second, axis=0)
        by_key = np.lexsort(keys[0][::-1])
        back = np.empty(len(by_key), int)
        back[np.lexsort(keys[1][::-1])] = by_key
        self._bond = back
        self._sign = np.where(first[0, back] == second[0], 1.0, -1.0)[:, None]

    @property
    def nbytes(self):
        return self._spectrum.nbytes + self.rate.nbytes + self.spectral.nbytes

    def occupation(self, source, lead_filling):
        n, inflow = self._spectrum.occupation(source[self._here], lead_filling)
        return n[self._there], inflow

    def bond_flows(self, source, lead_filling):
        return self._sign * self._spectrum.bond_flows(source[self._here], lead_filling)[self._bond]
