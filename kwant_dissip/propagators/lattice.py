"""What the propagators of a lattice have in common."""

from abc import abstractmethod
from dataclasses import replace
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from ..model.broadening import SelfEnergy
from ..model.lattice import Lattice
from ..model.levels import isolated_levels
from .interface import LatticeSpectrum, Propagator

# Columns of a kernel that are found together.
_COLUMNS = 64


class Geometry(Protocol):
    """What of a lattice does not depend on potentials, in a propagator's own order.

    Attributes
    ----------
    order : array of int, shape (sites,)
        The site of each row of all of the propagator's arrays.
    bonds : array of int, shape (hoppings, 2)
        Both rows of each hopping.
    """

    @property
    def order(self) -> np.ndarray: ...
    @property
    def bonds(self) -> np.ndarray: ...


OwnGeometry = TypeVar("OwnGeometry", bound=Geometry)


class LatticePropagator(Propagator, Generic[OwnGeometry]):
    """Electrons on a lattice with a probe on every coupled site, at given potentials.

    Parameters
    ----------
    lattice : Lattice
    self_energy : SelfEnergy
        Of the sites in the lattice's order.
    band_shifts : array of float, shape (leads,)
        Energy by which each lead's band is shifted.
    geometry : Geometry, optional
        If a propagator of the same lattice has worked it out already.
    potential : array of float, shape (sites,), optional
        Electrostatic energies, in the order of the rows; by default 0.

    Attributes
    ----------
    method : str
        Name of the route.
    order, bonds : arrays of int
        Those of the geometry.
    leads : int
        Number of leads.
    balanced : tuple of arrays of bool, shape (sites,)
        Where each bath couples whose occupation a balance has to find: phonons, then electrons.
    """

    method: str
    _transposed = False

    def __init__(self, lattice: Lattice, self_energy: SelfEnergy, band_shifts: np.ndarray,
                 geometry: OwnGeometry | None = None, potential: np.ndarray | None = None) -> None:
        self.geometry = self._make_geometry(lattice) if geometry is None else geometry
        self.order = self.geometry.order
        self.bonds = self.geometry.bonds
        self.lattice = lattice
        self.leads = len(lattice.leads)
        self._plain = self_energy
        self._self_energy = self_energy.in_order(self.order)
        self._potential = np.zeros(len(self.order))
        if potential is not None:
            self._self_energy, self._potential = self._self_energy.at_potential(potential), potential
        self.coupled, self.balanced = self._self_energy.absorbing, self._self_energy.balanced
        self._band_shifts = np.asarray(band_shifts, float)

    @staticmethod
    @abstractmethod
    def _make_geometry(lattice: Lattice) -> OwnGeometry:
        """Work out the geometry."""

    def at_potential(self, potential: np.ndarray, band_shifts: np.ndarray) -> Self:
        """The same propagator with other electrostatic energies of the sites, shape (sites,), and of the leads."""
        return type(self)(self.lattice, self._plain, band_shifts, self.geometry, potential)

    def with_self_energy(self, self_energy: SelfEnergy) -> Self:
        """The same propagator with another self-energy of the sites."""
        return type(self)(self.lattice, self_energy, self._band_shifts, self.geometry, self._potential)

    def reversed(self) -> Self:
        """See `interface.Propagator`: by the transposed Hamiltonian and self-energies."""
        other = type(self)(replace(self.lattice, hamiltonian=self.lattice.hamiltonian.conj()), self._plain,
                           self._band_shifts, None, self._potential)
        other._transposed = not self._transposed
        return other

    def has_densities(self, energy: float) -> bool:
        """Whether the Green's function is known off the real axis, judged near an energy."""
        return self._self_energy.is_analytic and all(lead.is_analytic(energy) for lead in self.lattice.leads)

    def edges(self) -> np.ndarray:
        edges = [lead.thresholds() + shift for lead, shift in zip(self.lattice.leads, self._band_shifts, strict=True)]
        return np.concatenate([*edges, self._self_energy.thresholds()])

    def thresholds(self, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
        back = np.argsort(self.order)
        return np.concatenate([self.edges(), isolated_levels(
            self.lattice, self._self_energy.typical()[back], self._band_shifts, self._potential[back], low, high)])

    @abstractmethod
    def spectrum(self, energies: np.ndarray) -> LatticeSpectrum:
        """At real energies, array of shape (energies,)."""

    @abstractmethod
    def green_diagonal(self, energies: np.ndarray) -> np.ndarray:
        """Sum over a site's orbitals of G_ii at energies in the upper half plane, shape (sites, energies)."""

    def green_asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        """(Z, e), arrays of shape (sites,): G_ii -> Z / (z - e) + O(z^-3) for large |z|."""
        # Per orbital z - h + i gamma(z)/2 -> (1 + alpha) z - h + beta; a site's orbitals at their mean.
        alpha, beta = self._self_energy.asymptote()
        lattice = self.lattice
        norbs = np.diff(lattice.offsets)
        diagonal = lattice.hamiltonian.diagonal().astype(complex)
        for lead in lattice.leads:
            diagonal[lattice.interface_orbitals(lead.number)] += lead.limit(0.0)
        onsite = np.add.reduceat(diagonal, lattice.offsets[:-1]) / norbs
        return norbs[self.order] / (1 + alpha), (onsite[self.order] + self._potential - beta) / (1 + alpha)

    def bath_rates(self, energies: np.ndarray) -> list[np.ndarray]:
        """Rate gamma of each bath whose occupation a balance has to find, each of shape (sites, energies)."""
        return self._self_energy.rates(energies)

    def kernel(self, energy: float) -> np.ndarray:
        """K at one energy, shape (sites, sites): what arrives from each site; for systems of modest size."""
        sites, leads = len(self.order), len(self.lattice.leads)
        result = np.empty((sites, sites))
        for start in range(0, sites, _COLUMNS):
            columns = np.eye(sites)[:, start:start + _COLUMNS]
            spectrum = self.spectrum(np.full(columns.shape[1], energy))
            result[:, start:start + _COLUMNS], _ = spectrum.occupation(columns, np.zeros((leads, columns.shape[1])))
        return result

    def _self_energies(self, energies: np.ndarray) -> list[np.ndarray]:
        """Self-energy of each lead: list of arrays of complex, shape (energies, orbitals, orbitals)."""
        sigma = [lead.self_energy(energies - shift)
                 for lead, shift in zip(self.lattice.leads, self._band_shifts, strict=True)]
        return [matrices.swapaxes(1, 2) for matrices in sigma] if self._transposed else sigma
