"""The same propagator from kwant's own solvers: slow, general, independent of the recursions.

Scattering wavefunctions of the system with absorbing sites give the lead parts of n_i, kwant's Green's function the
probe parts. All probes together are one lead that kwant knows by its self-energy, -i gamma_i / 2 on every site.
"""

import copy
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import coo_matrix, triu
from threadpoolctl import threadpool_limits

from .._kwant import kwant
from ..leads.periodic import PeriodicLead
from ..model.lattice import Lattice
from .interface import SITE_ENERGIES, LatticeSpectrum, Propagator, mean_absorption
from .lattice import LatticePropagator

# Bytes that the matrices |G_ij|^2 of all energies may take.
_MEMORY = 4 << 30
# Part of a site's states that leads and other baths fill without elastic collisions, below which rounding hides it.
_CLOSED = 1e-12


def warn_of_patience(propagator: LatticePropagator, what: str, energy: float, evaluations: int,
                     stacklevel: int = 3) -> None:
    """Say beforehand how long kwant will take for so many energies, if that is minutes."""
    start = time.perf_counter()
    propagator.spectrum(np.array([energy]))
    minutes = evaluations * (time.perf_counter() - start) / 60
    if minutes > 1:
        warnings.warn(f'method="kwant" with {what} takes some {minutes:.0f} minutes for this system; '
                      'method=None gives the same in a small part of it.', UserWarning, stacklevel=stacklevel)


class KwantGeometry:
    """Places of sites, orbitals and leads, and the leads as kwant knows them at energies seen before.

    Attributes
    ----------
    order : array of int, shape (sites,)
    site_of_orbital : array of int, shape (orbitals,)
    interfaces : list of arrays of int
        Orbitals of each lead.
    bonds : array of int, shape (hoppings, 2)
    """

    def __init__(self, lattice: Lattice) -> None:
        self.order = np.arange(len(lattice.offsets) - 1)
        self.site_of_orbital = np.repeat(self.order, np.diff(lattice.offsets))
        self.interfaces = [lattice.interface_orbitals(a) for a in range(len(lattice.leads))]
        bonds = coo_matrix(triu(lattice.graph))
        self.bonds = np.stack([bonds.row, bonds.col], axis=1)
        self._lattice = lattice
        self._leads: dict[tuple[int, float], Any] = {}

    def lead(self, a: int, energy: float) -> Any:
        """A lead at an energy that counts from its band's shift."""
        if (a, energy) not in self._leads:
            lead = self._lattice.leads[a]
            self._leads[a, energy] = (lead.near(energy, partial(self._precalculated, a))
                                      if isinstance(lead, PeriodicLead)
                                      else _given(lead.self_energy(np.array([energy]))[0]))
        return self._leads[a, energy]

    def _precalculated(self, a, energy):
        modes = self._lattice.syst.leads[a].modes(energy, params=self._lattice.params)
        return kwant.system.PrecalculatedLead(modes, modes[1].selfenergy())


def _given(sigma):
    """A lead of this self-energy."""
    return kwant.builder.SelfEnergyLead(lambda energy, args=(), params=None: sigma, (), ())


def _waves(green, gamma):
    """Rows psi with sum psi psi^+ = G Gamma G^+, in place of scattering wavefunctions where modes are not known."""
    values, vectors = np.linalg.eigh(gamma)
    return (green @ (vectors * np.sqrt(values.clip(min=0)))).T


def _dressed(from_sites, from_leads, inflow, returned, elastic, spectral):
    """The same matrices at one energy where sites return elastically x_i f_i, f_i = n_i / A_i, of what they take.

    n = (1 - K diag(x / A))^-1 (K w + leads), all by a dense solve.
    """
    if np.all(spectral - from_sites @ elastic <= _CLOSED * spectral):  # nothing comes in that would fill the states
        return np.zeros_like(from_sites), np.zeros_like(from_leads), np.zeros_like(inflow)
    sites = len(from_sites)
    matrix = np.eye(sites) - from_sites * returned
    from_all = np.linalg.solve(matrix, np.concatenate([from_sites, from_leads], axis=1))
    inflow = inflow + (inflow[:, :sites] * returned) @ from_all
    return from_all[:, :sites], from_all[:, sites:], inflow


class KwantPropagator(LatticePropagator[KwantGeometry]):
    """Electrons on any kwant system of modest size.

    Parameters and attributes are those of `LatticePropagator`.
    """

    method = "kwant"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.batch = max(1, SITE_ENERGIES // len(self.order))
        self.response_size = 0  # one matrix, however many energies
        self._site_of_orbital = self.geometry.site_of_orbital
        self._known: dict[float, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, _Amplitudes]] = {}
        self._lock = threading.Lock()  # the balance works on several batches at a time

    @staticmethod
    def _make_geometry(lattice: Lattice) -> KwantGeometry:
        return KwantGeometry(lattice)

    def _open_system(self, energy, gamma):
        """The system with its leads at an energy, and one more lead that holds all probes."""
        syst = copy.copy(self.lattice.syst)
        syst.leads = [self.geometry.lead(a, energy - shift) for a, shift in enumerate(self._band_shifts)]
        # The electrostatic energies are part of the probes' self-energy: the system's own Hamiltonian stays.
        probes = np.diag((self._potential - 0.5j * gamma)[self._site_of_orbital])
        syst.leads.append(_given(probes))
        syst.lead_interfaces = [*self.lattice.interfaces, self.order]
        return syst

    def _green(self, syst, energy):
        probes = [len(self.lattice.leads)]
        return kwant.greens_function(syst, energy, in_leads=probes, out_leads=probes, check_hermiticity=False,
                                     params=self.lattice.params).data

    def _by_site(self, values, axis=-1):
        return np.add.reduceat(values, self.lattice.offsets[:-1], axis=axis)

    def _solve(self, energy: float,
               gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, "_Amplitudes"]:
        """A_i, K_ij = |G_ij|^2, dn_i/df_a, the matrix that gives the leads' inflow from (w_j, f_a); G and waves."""
        syst = self._open_system(energy, gamma)
        green = self._green(syst, energy)
        wave_function = kwant.wave_function(syst, energy, check_hermiticity=False, params=self.lattice.params)
        gammas = [1j * (sigma - sigma.conj().T) for sigma in (lead.selfenergy(energy) for lead in syst.leads[:-1])]
        waves = [wave_function(a) if self.lattice.leads[a].has_velocity
                 else _waves(green[:, self.geometry.interfaces[a]], gammas[a]) for a in range(len(gammas))]
        from_sites = self._by_site(self._by_site(np.abs(green) ** 2, axis=0), axis=1)
        from_leads = np.stack([self._by_site((np.abs(w) ** 2).sum(axis=0)) for w in waves], axis=1)
        spectral = self._by_site(-2 * green.diagonal().imag)
        # inflow_a = Tr Gamma_a [A f_a - sum_j G w_j G^+ - sum_b psi_b psi_b^+ f_b] on the interface
        inflow = np.zeros((len(self.lattice.leads), len(gamma) + len(self.lattice.leads)))
        for a, orbitals in enumerate(self.geometry.interfaces):
            gamma_a = gammas[a]
            rows = green[orbitals]
            inflow[a, :len(gamma)] = -self._by_site(np.einsum("xi,xy,yi->i", rows.conj(), gamma_a, rows).real)
            inflow[a, len(gamma):] = [-np.einsum("nx,xy,ny->", w[:, orbitals].conj(), gamma_a, w[:, orbitals]).real
                                      for w in waves]
            own = rows[:, orbitals]
            inflow[a, len(gamma) + a] += np.trace(gamma_a @ (1j * (own - own.conj().T))).real
        return spectral, from_sites, from_leads, inflow, _Amplitudes(green, waves)

    def spectrum(self, energies: np.ndarray) -> "KwantSpectrum":
        sites = len(self.order)
        size = (8 * sites ** 2 + 16 * len(self._site_of_orbital) ** 2) * (len(self._known) + len(energies))
        if size > _MEMORY:
            raise MemoryError(f'method="kwant" keeps one {sites} x {sites} matrix per energy, {size >> 20} MiB now; '
                              "use fewer sites, a higher temperature, or a larger rtol.")
        rate, shift = self._self_energy.parts(energies)
        for energy, column in zip(energies, (rate + 1j * shift).T, strict=True):
            with self._lock:
                if energy not in self._known:
                    with threadpool_limits(1):  # matrices are small: threads of BLAS only cost time
                        self._known[energy] = self._solve(energy, column)
        *parts, amplitudes = zip(*(self._known[energy] for energy in energies), strict=True)
        spectral, from_sites, from_leads, inflow = (np.array(part) for part in parts)
        returned = np.zeros_like(spectral)
        if self._self_energy.is_elastic:
            rate = sum(self.bath_rates(energies), np.zeros_like(rate))
            elastic = self._self_energy.elastic_rate(energies).T
            returned = np.divide(elastic, spectral, out=returned, where=spectral > 0)
            dressed = map(_dressed, from_sites, from_leads, inflow, returned, elastic, spectral)
            from_sites, from_leads, inflow = (np.array(part) for part in zip(*dressed, strict=True))
        return KwantSpectrum(rate, spectral, from_sites, from_leads, inflow, returned, amplitudes, self)

    def bond_flow(self, amplitudes: "_Amplitudes", source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        """Flow on every hopping at one energy, for the source of each site and f of each lead."""
        occupied = (amplitudes.green * source[self._site_of_orbital]) @ amplitudes.green.conj().T
        for wave, filling in zip(amplitudes.waves, lead_filling, strict=True):
            occupied += filling * wave.T @ wave.conj()
        product = self.lattice.hamiltonian.multiply(occupied.T).tocsr()
        flow = self._by_site(self._by_site(2 * product.toarray().imag, axis=0), axis=1)
        return flow[self.bonds[:, 0], self.bonds[:, 1]]

    def green_diagonal(self, energies: np.ndarray) -> np.ndarray:
        rate, shift = self._self_energy.parts(energies)
        return np.stack([self._by_site(self._green(self._open_system(energy, column), energy).diagonal())
                         for energy, column in zip(energies, (rate + 1j * shift).T, strict=True)], axis=1)

    def reversed(self) -> Self:
        """Not known: kwant's modes are those of the system as it is."""
        return Propagator.reversed(self)

    def kernel(self, energy: float) -> np.ndarray:
        return self.spectrum(np.array([energy])).from_sites[0]

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        spectrum = self.spectrum(energies)
        diagonal = mean_absorption(spectrum, weights)
        coupling = np.einsum("ik,kij,jk->ij", spectrum.rate, spectrum.from_sites, spectrum.rate * weights)
        factor = lu_factor(np.diag(diagonal) - coupling)
        return partial(lu_solve, factor), diagonal


@dataclass(frozen=True, eq=False)
class _Amplitudes:
    """G between all orbitals at one energy, and the scattering wavefunctions from each lead."""

    green: np.ndarray
    waves: list[np.ndarray]


class KwantSpectrum(LatticeSpectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, rate: np.ndarray, spectral: np.ndarray, from_sites: np.ndarray, from_leads: np.ndarray,
                 inflow: np.ndarray, returned: np.ndarray, amplitudes: Sequence[_Amplitudes],
                 propagator: KwantPropagator) -> None:
        self.rate = rate
        self.spectral = spectral.T
        self.from_sites = from_sites  # |G_ij|^2, shape (energies, sites, sites)
        self._from_leads = from_leads  # dn_i/df_a, shape (energies, sites, leads)
        self._inflow = inflow  # shape (energies, leads, sites + leads)
        self._returned = returned.T  # x_i / A_i of elastic collisions, which the matrices hold already
        self._amplitudes = amplitudes
        self._propagator = propagator
        self.leads = from_leads.shape[2]

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self.spectral, self.from_sites, self._from_leads, self._inflow))

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = (np.einsum("kij,jk->ik", self.from_sites, source)
             + np.einsum("kia,ak->ik", self._from_leads, lead_filling))
        return n, np.einsum("kaj,jk->ak", self._inflow, np.concatenate([source, lead_filling]))

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        source = source + self._returned * self.occupation(source, lead_filling)[0]
        return np.stack([self._propagator.bond_flow(*arguments) for arguments in
                         zip(self._amplitudes, source.T, lead_filling.T, strict=True)], axis=1)

    def response(self, source: np.ndarray, weight: np.ndarray) -> "_MatrixResponse":
        return _MatrixResponse(np.einsum("ik,kij,jk->ij", weight, self.from_sites, source, optimize=True))


class _MatrixResponse:
    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix = matrix
        self.nbytes = matrix.nbytes

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return self._matrix @ values
