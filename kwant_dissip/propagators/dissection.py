"""Quantum propagator of wide systems: nested dissection in place of slices.

Squares of side W take W^3 operations an energy, slices W^4. The theory is in `native/fronts.h`.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import triu

from ..model.dissecting import Tree, dissect
from ..model.lattice import Lattice
from ..native.elements import aligned, packed
from ..native.fronts import Fronts, front_bond_flows, front_green, front_occupation
from ..numerics.quadrature import COUNTS
from .aggregates import aggregate_inverse
from .interface import LatticeSpectrum
from .lattice import LatticePropagator
from .ordered import OrderedSites
from .patched import Patched, rows_of
from .slices import SliceGeometry, SlicePropagator

# Up to such a norm of what passes from front to front few digits are lost; beyond, the sum rule is looked at: where A
# and what full sources send differ by more than this part of the largest A, slices are asked.
_SAFE, _LOST = 200.0, 1e-9
# Asymmetry of self-energies of leads, relative to the largest element, that is rounding.
_ROUNDING = 1e-12


class DissectionPropagator(LatticePropagator["FrontGeometry"]):
    """Electrons on a kwant system that is dissected into halves, and these into halves, and so on.

    Parameters and attributes are those of `LatticePropagator`.
    """

    method = "dissection"
    few = 2

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.batch = COUNTS[-1] + 1
        self.response_size = 16 * (self.geometry.fronts(self.geometry.is_real).kept_elements + len(self.order))

    @staticmethod
    def _make_geometry(lattice: Lattice) -> "FrontGeometry":
        return FrontGeometry(lattice, dissect(lattice))

    def spectrum(self, energies: np.ndarray) -> LatticeSpectrum:
        spectrum, _, lost = self._checked(np.asarray(energies, complex))
        return Patched(spectrum, self, lost, self._slices, np.asarray(energies)) if np.any(lost) else spectrum

    def green_diagonal(self, energies: np.ndarray) -> np.ndarray:
        energies = np.asarray(energies, complex)
        _, diagonal, lost = self._checked(energies)
        result = self.geometry.by_site(diagonal)
        if np.any(lost):
            result[:, lost] = self._slices.green_diagonal(energies[lost])[rows_of(self, self._slices)]
        return result

    def _checked(self, energies):
        """The spectrum, G_ii of every orbital, and at which energies digits are lost.

        Parts of the system are inverted by themselves: at a level of one that no bath broadens, large numbers cancel
        later on.
        """
        geometry, count = self.geometry, len(energies)
        sigma = self._self_energies(energies)
        symmetric = geometry.is_real and all(_is_symmetric(matrices) for matrices in sigma)
        if symmetric:
            sigma = [0.5 * (matrices + matrices.swapaxes(1, 2)) for matrices in sigma]
        rates = packed(*(1j * (matrices - matrices.conj().swapaxes(1, 2)) for matrices in sigma))
        gamma_re, gamma_im = self._self_energy.parts(energies)
        fronts = geometry.fronts(symmetric)
        kept = aligned(len(rates) * fronts.kept_elements).reshape(len(rates), -1)
        trace, largest = np.zeros((self.leads, count)), np.empty(count)
        diagonal = np.empty((len(geometry.orbitals), count), complex)
        front_green(fronts, energies, self._potential, gamma_re, gamma_im, packed(*sigma), rates, kept, diagonal, trace,
                    largest)
        spectral = geometry.by_site(-2 * diagonal.imag)
        spectrum = DissectionSpectrum(geometry, fronts, gamma_re, spectral, rates, trace, kept)
        lost = ~(largest < _SAFE)
        if np.any(lost):
            full, _ = spectrum.occupation(gamma_re + 2 * energies.imag, np.ones((self.leads, count)))
            difference = np.abs(full - spectral).max(axis=0)
            lost &= ~(difference < _LOST * np.abs(spectral).max(axis=0))
        return spectrum, diagonal, lost

    @cached_property
    def _slices(self):
        """The same electrons by slices."""
        other = self.geometry.slices(self.lattice)
        potential = self._potential[np.argsort(self.order)][other.order]
        result = SlicePropagator(self.lattice, self._plain, self._band_shifts, other, potential)
        result._transposed = self._transposed
        return result

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        return aggregate_inverse(self, energies, weights)


def _is_symmetric(matrices):
    return np.abs(matrices - matrices.swapaxes(1, 2)).max() <= _ROUNDING * np.abs(matrices).max()


class FrontGeometry(OrderedSites):
    """A dissected system: its elimination tree, constant matrix elements, and their places in the nodes' fronts.

    Parameters
    ----------
    lattice : Lattice
    tree : dissecting.Tree

    Attributes
    ----------
    is_real : bool
        Whether the Hamiltonian is.
    """

    def __init__(self, lattice: Lattice, tree: Tree) -> None:
        super().__init__(lattice, tree.order)
        self._tree = tree
        self.is_real = not np.any(self.hamiltonian.data.imag)
        count, nodes = len(self.orbitals), len(tree.parent)
        self._node = np.repeat(np.arange(nodes), tree.own_sizes)
        self._keys = np.repeat(np.arange(nodes), tree.boundary_sizes) * count + tree.boundary
        self._fronts: dict[bool, Fronts] = {}
        self._slices: SliceGeometry | None = None

    def slices(self, lattice: Lattice) -> SliceGeometry:
        """Geometry of the slices of the same lattice, made when it is first asked for."""
        if self._slices is None:
            self._slices = SlicePropagator._make_geometry(lattice)
        return self._slices

    def fronts(self, symmetric: bool) -> Fronts:
        """All of it as the kernels want it, for matrices that are symmetric or not."""
        if symmetric not in self._fronts:
            self._fronts[symmetric] = self._make_fronts(symmetric)
        return self._fronts[symmetric]

    def _place(self, node, orbital):
        """Where orbitals stand in the fronts of these nodes."""
        tree = self._tree
        later = tree.own_sizes[node] + np.searchsorted(self._keys, node * len(self.orbitals) + orbital) \
            - tree.boundary_start[node]
        return np.where(orbital < tree.first[node + 1], orbital - tree.first[node], later)

    def _make_fronts(self, symmetric):
        tree, nodes = self._tree, len(self._tree.parent)
        own, boundary = tree.own_sizes, tree.boundary_sizes
        child = np.argsort(tree.parent, kind="stable")[1:]  # the root comes first
        child_start = np.searchsorted(tree.parent[child], np.arange(nodes + 1))
        place = self._place(np.repeat(tree.parent, boundary), tree.boundary)
        hops, leads = self._hops(), self._lead_elements()
        plain = (np.diff(child_start) == 0) & (np.diff(leads[0]) == 0)
        sizes = np.stack([own ** 2, own * boundary, own * boundary * (not symmetric), boundary ** 2,
                          np.where(plain, (own ** 2 + 1) // 2, 0)], axis=1)
        ends = np.cumsum(sizes).reshape(sizes.shape)
        parts: list[Any] = [
            own, boundary, tree.first[:-1], plain.astype(int), child_start, child, tree.boundary_start[:-1], place,
            *hops, *leads, self.site_of_orbital, self.hamiltonian.diagonal().real, *(ends - sizes).T, symmetric,
            sum(len(orbitals) ** 2 for orbitals in self.interfaces), int(ends[-1, -1])]
        return Fronts(*parts)

    def _hops(self):
        """Elements of the Hamiltonian: where those of each node start, rows, columns, values, and bonds."""
        elements = triu(self.hamiltonian, 1, format="csr").tocoo()
        row, column, site = elements.row, elements.col, self.site_of_orbital
        node = self._node[row]
        bond = self.bond_numbers(site[row], site[column])
        return (np.searchsorted(node, np.arange(len(self._tree.parent) + 1)), self._place(node, row),
                self._place(node, column), elements.data.astype(complex), bond)

    def _lead_elements(self):
        """Elements of the leads: where those of each node start, rows, columns, places, places of (c, r), and leads."""
        start, parts = 0, [np.empty((0, 5), int)]
        for lead, orbitals in enumerate(self.interfaces):
            size = len(orbitals)
            i, j = np.divmod(np.arange(size ** 2), size)
            keep = orbitals[i] <= orbitals[j]
            i, j = i[keep], j[keep]
            parts.append(np.stack([orbitals[i], orbitals[j], start + i * size + j, start + j * size + i,
                                   np.full(len(i), lead)], axis=1))
            start += size ** 2
        row, column, *rest = np.concatenate(parts).T
        by_node = np.argsort(self._node[row], kind="stable")
        node = self._node[row[by_node]]
        return (np.searchsorted(node, np.arange(len(self._tree.parent) + 1)), self._place(node, row[by_node]),
                self._place(node, column[by_node]), *(numbers[by_node] for numbers in rest))


class DissectionSpectrum(LatticeSpectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, geometry: FrontGeometry, fronts: Fronts, rate: np.ndarray, spectral: np.ndarray,
                 lead_rate: np.ndarray, trace: np.ndarray, kept: np.ndarray) -> None:
        self.rate, self.spectral, self.leads = rate, spectral, len(trace)
        self._geometry, self._fronts = geometry, fronts
        self._parts = lead_rate, trace, kept

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self.rate, self.spectral, *self._parts))

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, inflow = np.zeros_like(self.rate), np.zeros(lead_filling.shape)
        front_occupation(self._fronts, source, lead_filling, *self._parts, n, inflow)
        return n, inflow

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        flows = np.zeros((len(self._geometry.bonds), self.rate.shape[1]))
        front_bond_flows(self._fronts, source, lead_filling, *self._parts, flows)
        return flows
