"""Quantum propagator of a chain: occupation that arrives at a site from all probes and leads.

    G(E)   = [E - H - sum_a Sigma_a(E) + i gamma(E)/2]^-1
    A_i    = -2 Im G_ii = sum_j |G_ij|^2 gamma_j + sum_a |G_ia|^2 Gamma_a
    n_i(E) = sum_j |G_ij|^2 gamma_j f_j + sum_a |G_ia|^2 Gamma_a f_a

Two scans along the chain give n_i for any sources, without a matrix (`native.chain`). Elastic scattering only dresses
what the scans work with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..model.lattice import Lattice
from ..native.chain import Green, chain_dressed, chain_green, chain_moments, chain_occupation, chain_response
from ..numerics.transfer import transfer_inverse
from .interface import SITE_ENERGIES, LatticeSpectrum, mean_absorption
from .lattice import LatticePropagator


@dataclass(frozen=True, eq=False)
class ChainGeometry:
    """A chain as numbers.

    Attributes
    ----------
    order : array of int, shape (sites,)
        Sites along the chain.
    onsite, hopping2 : arrays of float
        h_i, and |t_i|^2 of the hopping between i and i + 1.
    bonds : array of int, shape (hoppings, 2)
    lead_places : array of int, shape (leads,)
        Row of the site that each lead couples to.
    """

    order: np.ndarray
    onsite: np.ndarray
    hopping2: np.ndarray
    bonds: np.ndarray
    lead_places: np.ndarray


class ChainPropagator(LatticePropagator[ChainGeometry]):
    """Electrons on a chain of single orbitals (`Lattice.chain_order`) with a probe on every coupled site.

    Parameters and attributes are those of `LatticePropagator`.
    """

    method = "chain"
    few = 14

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.batch = max(1, SITE_ENERGIES // len(self.order))
        self.response_size = 4 * 8 * len(self.order)

    @staticmethod
    def _make_geometry(lattice: Lattice) -> ChainGeometry:
        order = lattice.chain_order()
        if order is None:
            raise ValueError("lattice must be a chain of single orbitals: others are cut into slices.")
        hamiltonian = lattice.hamiltonian[order][:, order]
        hopping2 = np.abs(hamiltonian.diagonal(1)) ** 2
        first = np.flatnonzero(hopping2)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return ChainGeometry(order, hamiltonian.diagonal().real, hopping2, np.stack([first, first + 1], axis=1),
                             np.array([place[interface[0]] for interface in lattice.interfaces]))

    def _recursion(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, Green]:
        """Self-energies of the leads, the real part of gamma, and the result of `chain_green`."""
        sigma = np.array(self._self_energies(energies))[:, :, 0, 0]
        places, row = np.unique(self.geometry.lead_places, return_inverse=True)
        bare = np.tile(energies + 0j, (1 + len(places), 1))
        np.subtract.at(bare, 1 + row, sigma)
        at_lead = np.zeros(len(self.order), int)
        at_lead[places] = 1 + np.arange(len(places))
        gamma_re, gamma_im = self._self_energy.parts(energies)
        onsite = self.geometry.onsite + self._potential
        green = chain_green(bare.real.copy(), bare.imag.copy(), at_lead, onsite, gamma_re, gamma_im,
                            self.geometry.hopping2)
        return sigma, gamma_re, green

    def spectrum(self, energies: np.ndarray) -> "ChainSpectrum":
        sigma, rate, (_, spectral, green2, rho_left, rho_right) = self._recursion(energies)
        places, lead_rate = self.geometry.lead_places, -2 * sigma.imag
        if self._self_energy.is_elastic:
            rate = sum(self.bath_rates(energies), np.zeros_like(spectral))
            absorbed = rate.copy()
            np.add.at(absorbed, places, lead_rate)
            green2, rho_left, rho_right = chain_dressed(absorbed, self._self_energy.elastic_rate(energies), green2,
                                                        rho_left, rho_right)
        return ChainSpectrum(rate, spectral, green2, rho_left, rho_right, places, lead_rate, self.bonds)

    def green_diagonal(self, energies: np.ndarray) -> np.ndarray:
        _, _, (green_re, spectral, *_) = self._recursion(energies)
        return green_re - 0.5j * spectral

    def reversed(self) -> Self:
        """See `interface.Propagator`: |G_ij| = |G_ji| whatever the phases of hoppings."""
        return self

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """See `interface.Propagator`. The Jacobian at a few energies is a banded matrix, exactly."""
        spectrum = self.spectrum(energies)
        source = spectrum.rate * weights
        diagonal = mean_absorption(spectrum, weights)
        own, to_right, to_left = spectrum.passages()
        weight = spectrum.rate * own
        return transfer_inverse(diagonal, weight * source, (weight, weight),
                                ((to_right * source, to_right), (to_left * source, to_left))), diagonal


class ChainSpectrum(LatticeSpectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, rate: np.ndarray, spectral: np.ndarray, green2: np.ndarray, rho_left: np.ndarray,
                 rho_right: np.ndarray, lead_places: np.ndarray, lead_rate: np.ndarray, bonds: np.ndarray) -> None:
        self.rate = rate
        self.spectral = spectral
        self.green2 = green2
        self.rho_left = rho_left
        self.rho_right = rho_right
        self._lead_places = lead_places
        self._places, self._lead_rows = np.unique(lead_places, return_inverse=True)
        self._lead_rate = lead_rate
        self._bonds = bonds
        self.leads = len(lead_places)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self.rate, self.spectral, self.green2, self.rho_left, self.rho_right))

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sent = np.zeros((len(self._places), source.shape[1]))
        np.add.at(sent, self._lead_rows, self._lead_rate * lead_filling)
        n = chain_occupation(source, self._places, sent, self.green2, self.rho_left, self.rho_right)
        inflow = self._lead_rate * (self.spectral[self._lead_places] * lead_filling - n[self._lead_places])
        return n, inflow

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        """See `interface.LatticeSpectrum`. On a chain what a hopping carries is what all before it take."""
        n, inflow = self.occupation(source, lead_filling)
        taken = self.rate * n - self.spectral * source
        np.subtract.at(taken, self._lead_places, inflow)
        return np.cumsum(taken, axis=0)[self._bonds[:, 0]]

    def response(self, source: np.ndarray, weight: np.ndarray) -> "ChainResponse":
        return ChainResponse(source, weight * self.green2, self.rho_left, self.rho_right)

    def moments(self, source: np.ndarray, weight: np.ndarray, energies: np.ndarray) -> "ChainMoments":
        return ChainMoments(energies, source, weight * self.green2, self.rho_left, self.rho_right)

    def passages(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # rho_left[i] leads from i - 1 to i
        return self.green2, np.roll(self.rho_left, -1, axis=0), np.roll(self.rho_right, 1, axis=0)


class _Scan:
    """Arrays that one pass over memory needs."""

    def __init__(self, *arrays: np.ndarray) -> None:
        self._arrays = arrays

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        return sum(array.nbytes for array in self._arrays)


class ChainResponse(_Scan):
    """See `interface.Spectrum.response`: in one pass over memory."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return chain_response(values, *self._arrays)


class ChainMoments(_Scan):
    """See `interface.Spectrum.moments`: likewise."""

    def __call__(self, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        return chain_moments(values, slopes, *self._arrays)
