"""Quantum propagator of any system cut into slices: several orbitals, leads, and fields.

The theory is that of `chain`, with matrices in place of numbers (`native/blocks.h`). All sums over
orbitals of a site are taken there: outside everything counts by sites.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import coo_matrix

from ..errors import ConvergenceError
from ..model.lattice import Lattice
from ..model.slicing import cut
from ..native.blocks import (
    Layout,
    block_arrivals,
    block_bond_flows,
    block_exchange,
    block_green,
    block_occupation,
    lead_rates,
)
from ..native.elements import ELEMENT, aligned, packed, unpacked
from ..numerics.quadrature import COUNTS
from ..numerics.transfer import transfer_inverse
from .interface import LatticeSpectrum, mean_absorption
from .lattice import LatticePropagator
from .ordered import OrderedSites

# The Jacobian at a few energies, one dense matrix, is the preconditioner up to this many coupled sites; in wide systems
# of few slices, where it costs little beside one integration over all energies, up to more.
DENSE_SITES, DENSE_SITES_IF_WIDE, WIDE_SLICES = 4000, 15_000, 150
# What passes from slice to slice beyond this loses too many digits; an energy there moves by this much, in units of
# the largest matrix element of the Hamiltonian.
_DIVERGES = 1e7
_NUDGE = 1e-7
# G_ii, B_i and C_i of all slices.
Blocks = tuple[np.ndarray, np.ndarray, np.ndarray]


class SlicePropagator(LatticePropagator["SliceGeometry"]):
    """Electrons on a kwant system cut into slices.

    Parameters and attributes are those of `LatticePropagator`.
    """

    method = "slices"
    # Full vectors, wide or narrow.
    few = 8

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # A few panels at a time: few of them are alike in two grids.
        self.batch = COUNTS[-1] + 1
        self.response_size = 16 * (self.geometry.entries + len(self.order))

    @staticmethod
    def _make_geometry(lattice: Lattice) -> "SliceGeometry":
        return SliceGeometry(lattice, cut(lattice))

    def _green(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, Blocks, np.ndarray]:
        """Self-energies of the leads (`packed`), gamma, the result of `block_green`, and G_ii of every orbital."""
        sigma, rate, green, diagonal, largest = self._unchecked_green(energies)
        hit = ~(largest < _DIVERGES)
        if np.any(hit):
            # These energies hit a level of a part that nothing broadens; next to them there is nothing special.
            moved = energies + _NUDGE * self.geometry.scale * hit
            sigma, rate, green, diagonal, largest = self._unchecked_green(moved)
            finite = np.isfinite(largest)
            if not np.all(finite):
                raise ConvergenceError(f"The Green's function diverges near the energy {moved[~finite][0].real:.8g}: a "
                                       "level that neither leads nor bath broaden. Raise the rate of its sites.")
        return sigma, rate, green, diagonal

    def _unchecked_green(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, Blocks, np.ndarray, np.ndarray]:
        """The same, and the largest norm of what passes from slice to slice; nan at energies with a G_ii not finite."""
        geometry, count = self.geometry, len(energies)
        sigma = packed(*self._self_energies(energies))
        gamma_re, gamma_im = self._self_energy.parts(energies)
        green = geometry.room(len(sigma))
        diagonal, largest = np.empty((len(geometry.site_of_orbital), count), complex), np.empty(count)
        block_green(geometry.layout, np.asarray(energies, complex), self._potential, gamma_re,
                    gamma_im, sigma, *green, diagonal, largest)
        return sigma, gamma_re, green, diagonal, largest

    def spectrum(self, energies: np.ndarray) -> "SliceSpectrum":
        sigma, rate, green, diagonal = self._green(energies)
        return SliceSpectrum(self.geometry, rate, self.geometry.by_site(-2 * diagonal.imag), sigma, *green)

    def green_diagonal(self, energies: np.ndarray) -> np.ndarray:
        *_, diagonal = self._green(energies)
        return self.geometry.by_site(diagonal)

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        spectrum = self.spectrum(energies)
        diagonal = mean_absorption(spectrum, weights)
        most = DENSE_SITES_IF_WIDE if len(self.geometry.sites) <= WIDE_SLICES else DENSE_SITES
        if np.count_nonzero(self.coupled) <= most:
            return self._dense_inverse(spectrum, weights, diagonal), diagonal
        return self._coarse_inverse(spectrum, weights, diagonal), diagonal

    def _dense_inverse(self, spectrum: "SliceSpectrum", weights: np.ndarray,
                       diagonal: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """The Jacobian of the coupled sites at these energies, factorised."""
        sites = np.flatnonzero(self.coupled)
        jacobian = spectrum.exchange(spectrum.rate, spectrum.rate * weights)
        np.negative(jacobian, out=jacobian)
        np.einsum("ii->i", jacobian)[:] += diagonal
        if len(sites) < len(diagonal):
            jacobian = jacobian[np.ix_(sites, sites)]
        factor = lu_factor(jacobian, overwrite_a=True)

        def solve(b):
            result = b / diagonal
            result[sites] = lu_solve(factor, b[sites])
            return result

        return solve

    def _coarse_inverse(self, spectrum: "SliceSpectrum", weights: np.ndarray,
                        diagonal: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """One unknown a slice, plus the diagonal for what varies within a slice.

        What passes from slice to slice is taken to be distributed as if all sources were full: then a slice is a site
        of a chain that passes on and absorbs fixed fractions.
        """
        geometry = self.geometry
        slice_of_site = geometry.slice_of_site
        coarse = transfer_inverse(*spectrum.slice_chain(weights))
        size = np.bincount(slice_of_site, self.coupled, minlength=len(geometry.sites))
        count = np.maximum(size, 1)

        def solve(b):
            own = np.where(self.coupled, b, 0.0)
            total = np.bincount(slice_of_site, own, minlength=len(count))
            rest = own - (total / count)[slice_of_site]
            return np.where(self.coupled, coarse(total)[slice_of_site] + rest / diagonal, b)

        return solve


class SliceGeometry(OrderedSites):
    """Hamiltonian of a system in slices: constant matrices and the places of sites, orbitals and leads.

    Attributes
    ----------
    sites : list of slices
        Range of the sites that each slice of the system takes in the new order.
    parts : list of slices
        Range of its orbitals.
    slice_of_site : array of int, shape (sites,)
    layout : Layout
        All of it as the kernels want it.
    sizes : tuple of int
        Elements of all G_ii, of all matrices to the right, and of those to the left.
    entries : int
        Their sum.
    """

    def __init__(self, lattice: Lattice, slices: Sequence[np.ndarray]) -> None:
        super().__init__(lattice, np.concatenate(slices))
        norbs = np.diff(lattice.offsets)
        self.slice_of_site = np.repeat(np.arange(len(slices)), [len(part) for part in slices])
        self.sites = _ranges([len(part) for part in slices])
        self.parts = _ranges([norbs[part].sum() for part in slices])
        self.layout = self._layout(coo_matrix(self.hamiltonian), self.interfaces)
        width = self.layout.width
        self.sizes = tuple(int(size) for size in ((width ** 2).sum(), *2 * ((width[1:] * width[:-1]).sum(),)))
        self.entries = sum(self.sizes)

    def _layout(self, hamiltonian: coo_matrix, interfaces: list[np.ndarray]) -> Layout:
        width = np.array([part.stop - part.start for part in self.parts])
        first = np.array([part.start for part in self.parts])
        green_at, right_at, left_at = (_starts(sizes)[:len(width)] for sizes in (
            width ** 2, [*width[1:] * width[:-1], 0], [0, *width[1:] * width[:-1]]))
        slice_of = np.repeat(np.arange(len(width)), width)
        row, column, value = hamiltonian.row, hamiltonian.col, hamiltonian.data.astype(complex)
        row_slice, column_slice = slice_of[row], slice_of[column]
        inside = row_slice == column_slice
        onsite = np.zeros((width ** 2).sum(), complex)
        here = row_slice[inside]
        places = green_at[here] + (row[inside] - first[here]) * width[here] + column[inside] - first[here]
        onsite[places] = value[inside]
        site = self.site_of_orbital

        def elements(chosen, count):
            chosen = np.flatnonzero(chosen)
            chosen = chosen[np.argsort(column_slice[chosen], kind="stable")]
            return (np.searchsorted(column_slice[chosen], np.arange(count)),
                    row[chosen] - first[row_slice[chosen]], column[chosen] - first[column_slice[chosen]],
                    value[chosen], self.bond_numbers(site[column[chosen]], site[row[chosen]]))

        lead_slice = np.array([slice_of[orbitals[0]] for orbitals in interfaces])
        by_slice = np.argsort(lead_slice, kind="stable")
        counts = [len(orbitals) for orbitals in interfaces]
        parts = (
            width, green_at, right_at, left_at, first, site, onsite, *elements(row_slice > column_slice, len(width)),
            *elements(inside & (site[row] > site[column]), len(width) + 1),
            np.searchsorted(lead_slice[by_slice], np.arange(len(width) + 1)), by_slice, _starts(counts),
            np.concatenate([orbitals - first[which] for orbitals, which in zip(interfaces, lead_slice, strict=True)]),
            _starts(np.square(counts)))
        return Layout(*(np.ascontiguousarray(part, complex if part.dtype == complex else np.int64) for part in parts))

    def room(self, groups: int) -> Blocks:
        """Arrays for all G_ii, B_i and C_i, in one piece, which malloc more readily gives again than three."""
        whole = aligned(groups * self.entries)
        stops = [groups * ELEMENT * stop for stop in accumulate(self.sizes)]
        green, to_right, to_left = (whole[start:stop].reshape(groups, -1) for start, stop in pairwise([0, *stops]))
        return green, to_right, to_left

    def matrices(self, elements: np.ndarray, starts: np.ndarray, rows: np.ndarray, columns: np.ndarray,
                 count: int) -> list[np.ndarray]:
        """Complex matrices of each slice, list of arrays of shape (energies, rows, columns)."""
        return [unpacked(elements[:, start * ELEMENT:(start + m * n) * ELEMENT], m, n, count)
                for start, m, n in zip(starts, rows, columns, strict=True)]


def _starts(sizes: ArrayLike) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(int)


def _ranges(sizes: ArrayLike) -> list[slice]:
    return [slice(a, b) for a, b in pairwise(_starts(sizes))]


class SliceSpectrum(LatticeSpectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, geometry: SliceGeometry, rate: np.ndarray, spectral: np.ndarray, sigma: np.ndarray,
                 green: np.ndarray, to_right: np.ndarray, to_left: np.ndarray) -> None:
        self.rate, self.spectral = rate, spectral
        self._geometry = geometry
        layout = geometry.layout
        self.leads = len(layout.lead_at) - 1
        self._lead_rate = lead_rates(layout, rate.shape[1], sigma)
        self._blocks = green, to_right, to_left

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self.rate, self.spectral, self._lead_rate, *self._blocks))

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, inflow = np.zeros_like(self.rate), np.zeros(lead_filling.shape)
        block_occupation(self._geometry.layout, source, lead_filling, self._lead_rate, *self._blocks, n,
                         inflow)
        return n, inflow

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        flows = np.zeros((len(self._geometry.bonds), self.rate.shape[1]))
        block_bond_flows(self._geometry.layout, source, lead_filling, self._lead_rate, *self._blocks,
                         flows)
        return flows

    def slice_chain(self,
                    weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], list[list[np.ndarray]]]:
        """Arguments of `transfer.transfer_inverse` for one unknown a slice, see `SlicePropagator._coarse_inverse`."""
        geometry, count = self._geometry, self.rate.shape[1]
        layout, (green, to_right, to_left) = geometry.layout, self._blocks
        arriving = _like(green), _like(green)
        block_arrivals(layout, self.rate, np.ones((self.leads, count)), self._lead_rate, *self._blocks,
                       *arriving)
        width = layout.width
        left, right = (geometry.matrices(arrived, layout.green_at, width, width, count) for arrived in arriving)
        matrices = geometry.matrices(green, layout.green_at, width, width, count)
        right_ward = geometry.matrices(to_right, layout.right_at[:-1], width[1:], width[:-1], count)
        left_ward = geometry.matrices(to_left, layout.left_at[1:], width[:-1], width[1:], count)
        absorbed, shares = (array[geometry.site_of_orbital].T for array in (self.rate, self.rate * weights))
        own, *arrival = (np.zeros((len(width), count)) for _ in range(3))
        passing = [[np.zeros((len(width), count)) for _ in range(2)] for _ in range(2)]
        for i, part in enumerate(geometry.parts):
            rate, share = absorbed[:, part], shares[:, part]
            own[i] = np.einsum("ki,kij,kj->k", rate, np.abs(matrices[i]) ** 2, share)
            for result, matrix in zip(arrival, (left[i], right[i]), strict=True):
                result[i] = np.einsum("ki,ki->k", rate, _diagonal(matrices[i], matrix))
            for transfers, arrived, to, direction in ((right_ward, left, i + 1, 0), (left_ward, right, i - 1, 1)):
                if not 0 <= to < len(width):
                    continue
                size = np.einsum("kii->k", arrived[to]).real
                size = np.where(size > 0, size, np.inf)
                alpha, beta = passing[direction]
                transfer = transfers[min(i, to)]
                alpha[i] = np.einsum("kij,kj->k", np.abs(transfer) ** 2, share) / size
                beta[i] = _diagonal(transfer, arrived[i]).sum(axis=1) / size
        diagonal = np.bincount(geometry.slice_of_site, (self.rate * self.spectral * weights).sum(axis=1))
        # A slice without a bath has no unknown.
        diagonal = np.where(diagonal > 0, diagonal, 1.0)
        return diagonal, own, arrival, passing

    def exchange(self, absorbed: np.ndarray, source: np.ndarray) -> np.ndarray:
        """sum_k absorbed_ik K_ij,k source_jk between all sites, shape (sites, sites)."""
        result = np.zeros(2 * (len(self.rate),))
        block_exchange(self._geometry.layout, absorbed, source, self._lead_rate, *self._blocks, result)
        return result


def _like(elements: np.ndarray) -> np.ndarray:
    return aligned(elements.size // ELEMENT).reshape(elements.shape)


def _diagonal(transfer: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Diagonal of B X B^+, shape (energies, rows)."""
    return np.einsum("kij,kij->ki", transfer @ matrix, transfer.conj()).real
