"""What the propagators of a lattice have in common."""

import copy
from functools import cached_property

import numpy as np


class LatticePropagator:
    """Electrons on a lattice with a probe on every coupled site, at given potentials; see `interface.Propagator`.

    Parameters
    ----------
    lattice : Lattice
    order : array of int
        Its sites in the order of all of the propagator's arrays.
    broadening : Broadening
        Of the sites in the lattice's order.
    band_shifts : array of float, shape (leads,)
        Energy by which each lead's band is shifted.
    """

    def __init__(self, lattice, order, broadening, band_shifts):
        self.order = order
        self.broadening = broadening.in_order(order)
        self.coupled = self.broadening.coupled
        self._lattice = lattice
        self._leads = lattice.leads
        self._band_shifts = band_shifts
        self._potential = np.zeros(len(order))

    def at_potential(self, potential, band_shifts):
        """See `interface.Propagator`."""
        other = copy.copy(self)
        other.__dict__.pop("_levels", None)
        other._band_shifts = band_shifts
        other._potential = potential
        other.broadening = self.broadening.at_potential(potential)
        return other

    @cached_property
    def _levels(self):
        back = np.argsort(self.order)
        return self._lattice.levels(self.broadening.typical()[back], self._band_shifts, self._potential[back])

    def thresholds(self):
        """See `interface.Propagator`."""
        edges = [lead.thresholds() + shift for lead, shift in zip(self._leads, self._band_shifts, strict=True)]
        return np.concatenate([*edges, self.broadening.thresholds(), self._levels])

    def _self_energies(self, energies):
        """Self-energy of each lead: list of arrays of complex, shape (energies, orbitals, orbitals)."""
        return [lead.self_energy(energies - shift) for lead, shift in zip(self._leads, self._band_shifts, strict=True)]
