"""The same propagator from kwant's own solvers: slow, general, independent of the recursions.

Scattering wavefunctions of the system with absorbing sites give the lead parts of n_i, kwant's Green's function the
probe parts. All probes together are one lead that kwant knows by its self-energy, -i gamma_i / 2 on every site.
"""

import copy
import threading
from dataclasses import dataclass

import kwant
import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import coo_matrix, triu
from scipy.sparse.linalg import LinearOperator
from threadpoolctl import threadpool_limits

from .interface import SITE_ENERGIES
from .lattice import LatticePropagator

# Bytes that the matrices |G_ij|^2 of all energies may take.
_MEMORY = 4 << 30


class KwantPropagator(LatticePropagator):
    """Electrons on any kwant system of modest size; see `interface.Propagator`.

    Parameters
    ----------
    lattice : Lattice
    broadening : Broadening
    band_shifts : array of float, shape (leads,)
        Energy by which each lead's band is shifted.
    """

    method = "kwant"

    def __init__(self, lattice, broadening, band_shifts):
        super().__init__(lattice, np.arange(len(lattice.offsets) - 1), broadening, band_shifts)
        self.batch = max(1, SITE_ENERGIES // len(self.order))
        self.response_size = 0  # one matrix, however many energies
        self._interfaces = [lattice.interface_orbitals(a) for a in range(len(lattice.leads))]
        self._site_of_orbital = np.repeat(self.order, np.diff(lattice.offsets))
        bonds = coo_matrix(triu(lattice.graph))
        self.bonds = np.stack([bonds.row, bonds.col], axis=1)
        self._known = {}
        self._precalculated = {}
        self._lock = threading.Lock()  # the balance works on several batches at a time

    def at_potential(self, potential, band_shifts):
        """See `interface.Propagator`."""
        other = super().at_potential(potential, band_shifts)
        other._known = {}
        return other

    def _open_system(self, energy, gamma):
        """The system with its leads at an energy, and one more lead that holds all probes."""
        syst = copy.copy(self._lattice.syst)
        syst.leads = [self._lead(a, energy - shift) for a, shift in enumerate(self._band_shifts)]
        # The electrostatic energies are part of the probes' self-energy: the system's own Hamiltonian stays.
        probes = np.diag((self._potential - 0.5j * gamma)[self._site_of_orbital])
        syst.leads.append(kwant.builder.SelfEnergyLead(lambda energy, args=(), params=None: probes, (), ()))
        syst.lead_interfaces = [*self._lattice.interfaces, self.order]
        return syst

    def _lead(self, a, energy):
        """A lead as kwant knows it at an energy that counts from its band's shift."""
        if (a, energy) not in self._precalculated:
            modes = self._lattice.syst.leads[a].modes(energy, params=self._lattice.params)
            self._precalculated[a, energy] = kwant.system.PrecalculatedLead(modes, modes[1].selfenergy())
        return self._precalculated[a, energy]

    def _green(self, syst, energy):
        probes = [len(self._leads)]
        return kwant.greens_function(syst, energy, in_leads=probes, out_leads=probes, check_hermiticity=False,
                                     params=self._lattice.params).data

    def _by_site(self, values, axis=-1):
        return np.add.reduceat(values, self._lattice.offsets[:-1], axis=axis)

    def _solve(self, energy, gamma):
        """A_i, dn_i/df_j, dn_i/df_a, the matrix that gives the leads' inflow from (f_j, f_a); G and waves."""
        syst = self._open_system(energy, gamma)
        green = self._green(syst, energy)
        absorbed = gamma.real[self._site_of_orbital]
        wave_function = kwant.wave_function(syst, energy, check_hermiticity=False, params=self._lattice.params)
        waves = [wave_function(a) for a in range(len(self._leads))]
        from_probes = self._by_site(self._by_site(np.abs(green) ** 2 * absorbed, axis=0), axis=1)
        from_leads = np.stack([self._by_site((np.abs(w) ** 2).sum(axis=0)) for w in waves], axis=1)
        spectral = self._by_site(-2 * green.diagonal().imag)
        # inflow_a = Tr Gamma_a [A f_a - sum_j G gamma_j G^+ f_j - sum_b psi_b psi_b^+ f_b] on the interface
        inflow = np.zeros((len(self._leads), len(gamma) + len(self._leads)))
        for a, orbitals in enumerate(self._interfaces):
            sigma = syst.leads[a].selfenergy()
            gamma_a = 1j * (sigma - sigma.conj().T)
            rows = green[orbitals]
            inflow[a, :len(gamma)] = -self._by_site(np.einsum("xi,xy,yi->i", rows.conj(), gamma_a, rows).real
                                                    * absorbed)
            inflow[a, len(gamma):] = [-np.einsum("nx,xy,ny->", w[:, orbitals].conj(), gamma_a, w[:, orbitals]).real
                                      for w in waves]
            own = rows[:, orbitals]
            inflow[a, len(gamma) + a] += np.trace(gamma_a @ (1j * (own - own.conj().T))).real
        return spectral, from_probes, from_leads, inflow, _Amplitudes(green, waves)

    def spectrum(self, energies):
        """See `interface.Propagator`."""
        sites = len(self.order)
        size = (8 * sites ** 2 + 16 * len(self._site_of_orbital) ** 2) * (len(self._known) + len(energies))
        if size > _MEMORY:
            raise MemoryError(f'method="kwant" keeps one {sites} x {sites} matrix per energy, {size >> 20} MiB now; '
                              "use fewer sites, a higher temperature, or a larger rtol.")
        rate, shift = self.broadening.parts(energies)
        for energy, column in zip(energies, (rate + 1j * shift).T, strict=True):
            with self._lock:
                if energy not in self._known:
                    with threadpool_limits(1):  # matrices are small: threads of BLAS only cost time
                        self._known[energy] = self._solve(energy, column)
        *parts, amplitudes = zip(*(self._known[energy] for energy in energies), strict=True)
        return KwantSpectrum(rate, *(np.array(part) for part in parts), amplitudes, self)

    def bond_flow(self, amplitudes, source, lead_filling):
        """Flow on every hopping at one energy, for gamma f of each site and f of each lead."""
        occupied = (amplitudes.green * source[self._site_of_orbital]) @ amplitudes.green.conj().T
        for wave, filling in zip(amplitudes.waves, lead_filling, strict=True):
            occupied += filling * wave.T @ wave.conj()
        product = self._lattice.hamiltonian.multiply(occupied.T).tocsr()
        flow = self._by_site(self._by_site(2 * product.toarray().imag, axis=0), axis=1)
        return flow[self.bonds[:, 0], self.bonds[:, 1]]

    def green_diagonal(self, energies):
        """See `interface.Propagator`."""
        rate, shift = self.broadening.parts(energies)
        return np.stack([self._by_site(self._green(self._open_system(energy, column), energy).diagonal())
                         for energy, column in zip(energies, (rate + 1j * shift).T, strict=True)], axis=1)

    def green_asymptote(self):
        """See `interface.Propagator`."""
        # Per orbital z - h + i gamma(z)/2 -> (1 + alpha) z - h + beta; a site's orbitals at their mean.
        alpha, beta = self.broadening.asymptote()
        norbs = np.diff(self._lattice.offsets)
        onsite = self._by_site(self._lattice.hamiltonian.diagonal().real) / norbs
        return norbs / (1 + alpha), (onsite + self._potential - beta) / (1 + alpha)

    def preconditioner(self, energies):
        """See `interface.Propagator`."""
        spectrum = self.spectrum(energies)
        diagonal = (spectrum.rate * spectrum.spectral).mean(axis=1)
        diagonal = np.where(diagonal > 0, diagonal, 1.0)
        coupling = np.einsum("ik,kij->ij", spectrum.rate, spectrum.from_probes) / len(energies)
        factor = lu_factor(np.diag(diagonal) - coupling)
        return LinearOperator(coupling.shape, matvec=lambda b: lu_solve(factor, b), dtype=float), diagonal


@dataclass(frozen=True, eq=False)
class _Amplitudes:
    """G between all orbitals at one energy, and the scattering wavefunctions from each lead."""

    green: np.ndarray
    waves: list


class KwantSpectrum:
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, rate, spectral, from_probes, from_leads, inflow, amplitudes, propagator):
        self.rate = rate
        self.spectral = spectral.T
        self.from_probes = from_probes  # dn_i/df_j, shape (energies, sites, sites)
        self._from_leads = from_leads  # dn_i/df_a, shape (energies, sites, leads)
        self._inflow = inflow  # shape (energies, leads, sites + leads)
        self._amplitudes = amplitudes
        self._propagator = propagator

    def occupation(self, filling, lead_filling):
        """See `interface.Spectrum`."""
        n = (np.einsum("kij,jk->ik", self.from_probes, filling)
             + np.einsum("kia,ak->ik", self._from_leads, lead_filling))
        return n, np.einsum("kaj,jk->ak", self._inflow, np.concatenate([filling, lead_filling]))

    def bond_flows(self, filling, lead_filling):
        """See `interface.Spectrum`."""
        return np.stack([self._propagator.bond_flow(*arguments) for arguments in
                         zip(self._amplitudes, (self.rate * filling).T, lead_filling.T, strict=True)], axis=1)

    def response(self, slope, weight):
        """See `interface.Spectrum`."""
        return _MatrixResponse(np.einsum("ik,kij,jk->ij", self.rate * weight, self.from_probes, slope, optimize=True))


class _MatrixResponse:
    def __init__(self, matrix):
        self._matrix = matrix
        self.nbytes = matrix.nbytes

    def __call__(self, values):
        """See `interface.Spectrum.response`."""
        return self._matrix @ values
