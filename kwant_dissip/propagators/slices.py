"""Quantum propagator of any system cut into slices: several orbitals, leads, and fields.

The theory is that of `chain`, with matrices in place of numbers (`block_kernels`). All sums over orbitals of a site are
taken here: outside everything counts by sites.
"""

from itertools import pairwise

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import coo_matrix, csr_matrix

from ..errors import ConvergenceError
from ..model.slicing import cut
from ..numerics.banded import transfer_inverse
from ..numerics.block_kernels import adjoint, block_columns, block_diagonal, block_green, block_sources
from ..numerics.quadrature import PANEL
from .interface import LatticeSpectrum, mean_absorption
from .lattice import LatticePropagator

# Up to this many coupled sites the Jacobian at a few energies, one dense matrix, is the preconditioner.
DENSE_SITES = 4000
# What passes from slice to slice beyond this loses too many digits; an energy there moves by this much, in units of
# the largest matrix element of the Hamiltonian.
_DIVERGES = 1e7
_NUDGE = 1e-7
# Bytes that the matrices of one batch of energies may take, in all and of one slice.
_WORK = 1 << 28
_CACHE = 1 << 18


class SlicePropagator(LatticePropagator):
    """Electrons on a kwant system cut into slices.

    Parameters and attributes are those of `LatticePropagator`.
    """

    method = "slices"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        widest = max(len(matrix) for matrix in self.geometry.onsite)
        self.batch = max(PANEL, min(_WORK // (16 * self.geometry.entries), _CACHE // (16 * widest ** 2)))
        self.response_size = 16 * (self.geometry.entries + len(self.order))

    @staticmethod
    def _make_geometry(lattice):
        return Geometry(lattice, cut(lattice))

    def _green(self, energies):
        """Self-energies of the leads, gamma, and the result of `block_green`."""
        sigma, rate, diagonal = self._matrices(energies)
        green, hit = _checked_green(diagonal, self.geometry.hopping)
        if np.any(hit):
            # These energies hit a level of a part that nothing broadens; next to them there is nothing special.
            moved = energies + _NUDGE * self.geometry.scale * hit
            sigma, rate, diagonal = self._matrices(moved)
            green, again = _checked_green(diagonal, self.geometry.hopping)
            if green is None or not np.all(np.isfinite(green[0][0])):
                raise ConvergenceError(f"The Green's function diverges near the energy {moved[again][0].real:.8g}: a "
                                       "level that neither leads nor bath broaden. Raise the rate of its sites.")
        return sigma, rate, green

    def _matrices(self, energies):
        """Self-energies of the leads, gamma, and M of every slice."""
        geometry = self.geometry
        sigma = self._self_energies(energies)
        gamma_re, gamma_im = self._self_energy.parts(energies)
        own = (energies - self._potential[:, None] - 0.5 * gamma_im + 0.5j * gamma_re)[geometry.site_of_orbital].T
        diagonal = []
        for number, part in enumerate(geometry.orbitals):
            block = np.broadcast_to(-geometry.onsite[number], (len(energies), *geometry.onsite[number].shape)).copy()
            width = np.arange(block.shape[1])
            block[:, width, width] += own[:, part]
            diagonal.append(block)
        for lead, (number, places) in enumerate(geometry.interfaces):
            diagonal[number][:, places[:, None], places] -= sigma[lead]
        return sigma, gamma_re, diagonal

    def spectrum(self, energies):
        sigma, rate, green = self._green(energies)
        return SliceSpectrum(self.geometry, rate, [1j * (s - adjoint(s)) for s in sigma], *green)

    def green_diagonal(self, energies):
        _, _, (green, _, _) = self._green(energies)
        return self.geometry.by_site(np.concatenate([np.einsum("kii->ik", g) for g in green]))

    def preconditioner(self, energies):
        spectrum = self.spectrum(energies)
        diagonal = mean_absorption(spectrum)
        if np.count_nonzero(self.coupled) <= DENSE_SITES:
            return self._dense_inverse(spectrum, diagonal), diagonal
        return self._coarse_inverse(spectrum, diagonal), diagonal

    def _dense_inverse(self, spectrum, diagonal):
        """The Jacobian of the coupled sites at these energies, factorised."""
        sites = np.flatnonzero(self.coupled)
        absorbed = spectrum.rate[self.geometry.site_of_orbital].T / np.sqrt(spectrum.rate.shape[1])
        coupling = np.empty((len(self.order),) * 2)
        for part, columns in zip(self.geometry.sites, spectrum.columns(), strict=True):
            start, values = columns
            source = values * absorbed[:, start:start + values.shape[2]][:, None, :]
            summed = np.einsum("ki,kij->ij", absorbed, source)
            coupling[:, part] = self.geometry.by_site(self.geometry.by_site(summed).T, part).T
        factor = lu_factor((np.diag(diagonal) - coupling)[np.ix_(sites, sites)], overwrite_a=True)

        def solve(b):
            result = b / diagonal
            result[sites] = lu_solve(factor, b[sites])
            return result

        return solve

    def _coarse_inverse(self, spectrum, diagonal):
        """One unknown a slice, plus the diagonal for what varies within a slice.

        What passes from slice to slice is taken to be distributed as if all sources were full: then a slice is a site
        of a chain that passes on and absorbs fixed fractions.
        """
        geometry = self.geometry
        slice_of_site = geometry.slice_of_site
        coarse = transfer_inverse(*spectrum.slice_chain())
        size = np.bincount(slice_of_site, self.coupled, minlength=len(geometry.sites))
        count = np.maximum(size, 1)

        def solve(b):
            own = np.where(self.coupled, b, 0.0)
            total = np.bincount(slice_of_site, own, minlength=len(count))
            rest = own - (total / count)[slice_of_site]
            return np.where(self.coupled, coarse(total)[slice_of_site] + rest / diagonal, b)

        return solve


def _checked_green(diagonal, hopping):
    """Result of `block_green`, and the energies at which it loses too many digits: array of bool."""
    try:
        green, *transfers = block_green(diagonal, hopping)
    except np.linalg.LinAlgError:
        count = len(diagonal[0])
        if count == 1:
            return None, np.array([True])
        return None, np.concatenate([_checked_green([block[k:k + 1] for block in diagonal], hopping)[1]
                                     for k in range(count)])
    largest = np.max([np.abs(matrix).max(axis=(1, 2)) for part in transfers for matrix in part if matrix is not None]
                     or [np.zeros(len(diagonal[0]))], axis=0)
    return (green, *transfers), ~(largest < _DIVERGES)


class Geometry:
    """Hamiltonian of a system in slices: constant matrices and the places of sites, orbitals and leads.

    Attributes
    ----------
    order : array of int, shape (sites,)
        The sites, slice by slice.
    sites, orbitals : lists of slices
        Range of the sites, and of the orbitals, that each slice of the system takes in the new order.
    onsite, hopping : lists of arrays of complex
        H_ii and H_{i+1,i}.
    scale : float
        Largest matrix element.
    site_of_orbital : array of int, shape (orbitals,)
    slice_of_site : array of int, shape (sites,)
    interfaces : list of (int, array of int)
        Slice of each lead, and its orbitals there in the order of the lead's self-energy.
    entries : int
        Complex numbers in one matrix per slice, times three: what a Green's function takes.
    bonds : array of int, shape (hoppings, 2)
        Sites of each hopping, growing.
    bond_places, bond_places_back : lists
        Where the hoppings stand in the matrices of a slice, and in those from the slice before to it.
    """

    def __init__(self, lattice, slices):
        norbs = np.diff(lattice.offsets)
        self.order = order = np.concatenate(slices)
        self.site_of_orbital = np.repeat(np.arange(len(order)), norbs[order])
        self._first = np.concatenate([[0], np.cumsum(norbs[order])[:-1]])
        self._single = np.all(norbs == 1)
        self.slice_of_site = np.repeat(np.arange(len(slices)), [len(part) for part in slices])
        self.sites = _ranges([len(part) for part in slices])
        self.orbitals = _ranges([norbs[part].sum() for part in slices])
        chosen = np.concatenate([np.arange(lattice.offsets[i], lattice.offsets[i + 1]) for i in order])
        hamiltonian = lattice.hamiltonian[chosen][:, chosen]
        self.onsite = [hamiltonian[part, part].toarray() for part in self.orbitals]
        self.scale = abs(hamiltonian).max()
        self.hopping = [hamiltonian[b, a].toarray() for a, b in zip(self.orbitals[:-1], self.orbitals[1:], strict=True)]
        place = np.empty(len(chosen), int)
        place[chosen] = np.arange(len(chosen))
        self.interfaces = []
        for lead in range(len(lattice.leads)):
            orbitals = place[lattice.interface_orbitals(lead)]
            number = int(self.slice_of_site[self.site_of_orbital[orbitals[0]]])
            self.interfaces.append((number, orbitals - self.orbitals[number].start))
        self.entries = 3 * sum(matrix.size for matrix in self.onsite)
        bonds = coo_matrix(lattice.graph[order][:, order])
        forward = bonds.row < bonds.col
        self.bonds = np.stack([bonds.row[forward], bonds.col[forward]], axis=1)
        number = csr_matrix((np.arange(1, 1 + len(self.bonds)), self.bonds.T), shape=bonds.shape)
        site = self.site_of_orbital
        self.bond_places = [_BondPlaces(matrix, site[part], site[part], number)
                            for matrix, part in zip(self.onsite, self.orbitals, strict=True)]
        self.bond_places_back = [None, *(_BondPlaces(matrix, site[b], site[a], number) for matrix, a, b in
                                         zip(self.hopping, self.orbitals[:-1], self.orbitals[1:], strict=True))]

    def by_site(self, values, part=slice(None)):
        """Sums over the orbitals of each site, along the first axis; of the sites in `part`."""
        if self._single:
            return values
        first = self._first[part]
        return np.add.reduceat(values, first - first[0], axis=0)


def _ranges(sizes):
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    return [slice(a, b) for a, b in pairwise(ends)]


class _BondPlaces:
    """Entries of a matrix H_ji, with sites j > i, that are hoppings."""

    def __init__(self, matrix, to_site, from_site, number):
        row, col = np.nonzero(matrix)
        later = to_site[row] > from_site[col]
        self._row, self._col = row[later], col[later]
        self._hopping = matrix[self._row, self._col].conj()
        pairs = from_site[self._col], to_site[self._row]
        self._bond = np.asarray(number[pairs]).ravel() - 1 if len(self._row) else np.empty(0, int)

    def add(self, occupied, flows):
        """Add 2 Im H_ij G^n_ji to the flow of each hopping."""
        np.add.at(flows, self._bond, 2 * (self._hopping * occupied[:, self._row, self._col]).imag.T)


class SliceSpectrum(LatticeSpectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, geometry, rate, lead_rate, green, to_right, to_left):
        self.rate = rate
        self._geometry = geometry
        self._lead_rate = lead_rate
        self._blocks = green, to_right, to_left
        self.spectral = geometry.by_site(np.concatenate([-2 * np.einsum("kii->ik", g).imag for g in green]))

    @property
    def nbytes(self):
        matrices = [matrix for part in self._blocks for matrix in part if matrix is not None]
        return sum(array.nbytes for array in (self.rate, self.spectral, *self._lead_rate, *matrices))

    def _sources(self, source, lead_filling):
        """W of every slice: what the sites send in on the diagonal, Gamma_a f_a where leads are."""
        geometry = self._geometry
        filled = source[geometry.site_of_orbital].T
        sources = [filled[:, part] for part in geometry.orbitals]
        for lead, (number, places) in enumerate(geometry.interfaces):
            if sources[number].ndim == 2:
                sources[number] = np.einsum("ki,ij->kij", sources[number], np.eye(sources[number].shape[1])) + 0j
            sources[number][:, places[:, None], places] += self._lead_rate[lead] * lead_filling[lead][:, None, None]
        return sources

    def occupation(self, source, lead_filling):
        green, *transfers = self._blocks
        *_, total = block_sources(self._sources(source, lead_filling), *transfers)
        n = np.concatenate([block_diagonal(g, t).T for g, t in zip(green, total, strict=True)])
        return self._geometry.by_site(n), self._inflow(total, lead_filling)

    def _inflow(self, total, lead_filling):
        green = self._blocks[0]
        inflow = np.empty((len(self._geometry.interfaces), self.rate.shape[1]))
        for lead, (number, places) in enumerate(self._geometry.interfaces):
            rows = green[number][:, places]
            here = green[number][:, places[:, None], places]
            empty = (1j * (here - adjoint(here)) * lead_filling[lead][:, None, None]
                     - rows @ total[number] @ adjoint(rows))
            inflow[lead] = np.einsum("kij,kji->k", self._lead_rate[lead], empty).real
        return inflow

    def bond_flows(self, source, lead_filling):
        """See `interface.LatticeSpectrum`.

        With G^n = G w G^+, between slices G^n_{i,i-1} = G_ii [B_{i-1} (w + X)_{i-1} + (w + Y)_i C_i^+] G_{i-1,i-1}^+.
        """
        geometry = self._geometry
        green, to_right, to_left = self._blocks
        from_left, from_right, total = block_sources(self._sources(source, lead_filling), to_right, to_left)
        flows = np.zeros((len(geometry.bonds), self.rate.shape[1]))
        for i, places in enumerate(geometry.bond_places):
            here = green[i] @ total[i] @ adjoint(green[i])
            places.add(here, flows)
            if i:
                mixed = to_right[i - 1] @ from_left[i - 1] + from_right[i] @ adjoint(to_left[i])
                geometry.bond_places_back[i].add(green[i] @ mixed @ adjoint(green[i - 1]), flows)
        return flows

    def slice_chain(self):
        """Arguments of `banded.transfer_inverse` for one unknown a slice, see `SlicePropagator._coarse_inverse`."""
        geometry = self._geometry
        green, to_right, to_left = self._blocks
        count = self.rate.shape[1]
        sources = self._sources(self.rate, np.ones((len(geometry.interfaces), count)))
        from_left, from_right, total = block_sources(sources, to_right, to_left)
        absorbed = self.rate[geometry.site_of_orbital].T
        own, *arrival = (np.zeros((len(green), count)) for _ in range(3))
        passing = [[np.zeros((len(green), count)) for _ in range(2)] for _ in range(2)]
        for i, part in enumerate(geometry.orbitals):
            rate = absorbed[:, part]
            own[i] = np.einsum("ki,kij,kj->k", rate, np.abs(green[i]) ** 2, rate)
            left, right = total[i] - from_right[i], total[i] - from_left[i]
            for result, matrix in zip(arrival, (left, right), strict=True):
                result[i] = np.einsum("ki,ki->k", rate, block_diagonal(green[i], matrix))
            neighbours = ((to_right, left, i + 1, 0), (to_left, right, i - 1, 1))
            for transfer, matrix, to, direction in neighbours:
                if not 0 <= to < len(green):
                    continue
                there = total[to] - (from_right[to] if direction == 0 else from_left[to])
                size = np.einsum("kii->k", there).real
                size = np.where(size > 0, size, np.inf)
                alpha, beta = passing[direction]
                alpha[i] = np.einsum("kij,kj->k", np.abs(transfer[i]) ** 2, rate) / size
                beta[i] = block_diagonal(transfer[i], matrix).sum(axis=1) / size
        diagonal = np.bincount(geometry.slice_of_site, (self.rate * self.spectral).mean(axis=1))
        # A slice without a bath has no unknown.
        diagonal = np.where(diagonal > 0, diagonal, 1.0)
        return diagonal, own / count, [part / count for part in arrival], passing

    def response(self, source, weight):
        return SliceResponse(self._geometry, source, weight, *self._blocks)

    def columns(self):
        return block_columns(*self._blocks)


class SliceResponse:
    """What arrives from sources in proportion to one value per site, summed over energies."""

    def __init__(self, geometry, source, weight, *blocks):
        self._geometry = geometry
        self._source = source
        self._weight = weight
        self._blocks = blocks

    @property
    def nbytes(self):
        """Memory of the stored arrays."""
        matrices = [matrix for part in self._blocks for matrix in part if matrix is not None]
        return sum(array.nbytes for array in (self._source, self._weight, *matrices))

    def __call__(self, values):
        geometry = self._geometry
        green, *transfers = self._blocks
        source = (self._source * values[:, None])[geometry.site_of_orbital].T
        *_, total = block_sources([source[:, part] for part in geometry.orbitals], *transfers)
        n = np.concatenate([block_diagonal(g, t).T for g, t in zip(green, total, strict=True)])
        return (self._weight * geometry.by_site(n)).sum(axis=1)
