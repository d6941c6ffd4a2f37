"""A spectrum that another propagator of the same lattice stands in for at some energies."""

import numpy as np

from .interface import LatticeSpectrum
from .lattice import LatticePropagator


class Patched(LatticeSpectrum):
    """See `interface.Spectrum`.

    Parameters
    ----------
    spectrum : LatticeSpectrum
    propagator : LatticePropagator
        Whose rows it has.
    lost : array of bool, shape (energies,)
        Where it is not to be used.
    other : LatticePropagator
        Used there; its rows and hoppings may have an order of their own.
    energies : array of float
        All of them.
    """

    def __init__(self, spectrum: LatticeSpectrum, propagator: LatticePropagator, lost: np.ndarray,
                 other: LatticePropagator, energies: np.ndarray) -> None:
        self._spectrum, self._other, self._lost = spectrum, other.spectrum(energies[lost]), lost
        self.rate, self.leads, self.spectral = spectrum.rate, spectrum.leads, spectrum.spectral.copy()
        self._there, self._here = rows_of(propagator, other), rows_of(other, propagator)
        self.spectral[:, lost] = self._other.spectral[self._there]
        self._bond, self._sign = _bonds_of(propagator, other)

    @property
    def nbytes(self) -> int:
        return self._spectrum.nbytes + self._other.nbytes + self.spectral.nbytes

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, inflow = self._spectrum.occupation(source, lead_filling)
        there, inflow[:, self._lost] = self._other.occupation(*self._for_other(source, lead_filling))
        n[:, self._lost] = there[self._there]
        return n, inflow

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        flows = self._spectrum.bond_flows(source, lead_filling)
        there = self._other.bond_flows(*self._for_other(source, lead_filling))
        flows[:, self._lost] = self._sign[:, None] * there[self._bond]
        return flows

    def _for_other(self, source, lead_filling):
        return source[self._here][:, self._lost], lead_filling[:, self._lost]


def rows_of(propagator: LatticePropagator, other: LatticePropagator) -> np.ndarray:
    """Row of another propagator of each row of a propagator of the same lattice."""
    return np.argsort(other.order)[propagator.order]


def _bonds_of(propagator, other):
    """Number of each hopping with the other propagator, and -1 where it goes from the other site to the one."""
    ours, theirs = propagator.order[propagator.bonds].T, other.order[other.bonds].T
    number = np.empty(len(propagator.bonds), int)
    number[np.lexsort(np.sort(ours, axis=0))] = np.lexsort(np.sort(theirs, axis=0))
    return number, np.where(theirs[0, number] == ours[0], 1.0, -1.0)
