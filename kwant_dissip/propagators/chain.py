"""Quantum propagator of a chain: occupation that arrives at a site from all probes and leads.

    G(E)   = [E - H - sum_a Sigma_a(E) + i gamma(E)/2]^-1
    A_i    = -2 Im G_ii = sum_j |G_ij|^2 gamma_j + sum_a |G_ia|^2 Gamma_a
    n_i(E) = sum_j |G_ij|^2 gamma_j f_j + sum_a |G_ia|^2 Gamma_a f_a

Two scans along the chain give n_i for any sources, without a matrix (`chain_kernels`).
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ..numerics.banded import transfer_inverse
from ..numerics.chain_kernels import chain_green, chain_occupation, chain_response
from .interface import SITE_ENERGIES
from .lattice import LatticePropagator


class ChainPropagator(LatticePropagator):
    """Electrons on a chain of single orbitals with a probe on every coupled site; see `interface.Propagator`.

    Parameters
    ----------
    lattice : Lattice
    order : array of int
        Its sites along the chain (`Lattice.chain_order`). All arrays of the propagator are in this order.
    broadening : Broadening
        Of the sites in the lattice's order.
    band_shifts : array of float, shape (leads,)
        Energy by which each lead's band is shifted.
    """

    method = "slices"

    def __init__(self, lattice, order, broadening, band_shifts):
        self.batch = max(1, SITE_ENERGIES // len(order))
        self.response_size = 4 * 8 * len(order)
        super().__init__(lattice, order, broadening, band_shifts)
        hamiltonian = lattice.hamiltonian[order][:, order]
        self._onsite = hamiltonian.diagonal().real
        self._hopping2 = np.abs(hamiltonian.diagonal(1)) ** 2
        first = np.flatnonzero(self._hopping2)
        self.bonds = np.stack([first, first + 1], axis=1)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        self._lead_places = np.array([place[interface[0]] for interface in lattice.interfaces])

    def _recursion(self, energies):
        """Self-energies of the leads, gamma, and the result of `chain_green`."""
        sigma = np.array(self._self_energies(energies))[:, :, 0, 0]
        places, row = np.unique(self._lead_places, return_inverse=True)
        bare = np.tile(energies + 0j, (1 + len(places), 1))
        np.subtract.at(bare, 1 + row, sigma)
        at_lead = np.zeros(len(self.order), int)
        at_lead[places] = 1 + np.arange(len(places))
        gamma_re, gamma_im = self.broadening.parts(energies)
        green = chain_green(bare.real.copy(), bare.imag.copy(), at_lead, self._onsite + self._potential, gamma_re,
                            gamma_im, self._hopping2)
        return sigma, gamma_re, green

    def spectrum(self, energies):
        """See `interface.Propagator`."""
        sigma, rate, (_, *green) = self._recursion(energies)
        return ChainSpectrum(rate, *green, self._lead_places, -2 * sigma.imag, self.bonds)

    def green_diagonal(self, energies):
        """See `interface.Propagator`."""
        _, _, (green_re, spectral, *_) = self._recursion(energies)
        return green_re - 0.5j * spectral

    def green_asymptote(self):
        """See `interface.Propagator`."""
        # z - h + i gamma(z)/2 -> (1 + alpha) z - h + beta
        alpha, beta = self.broadening.asymptote()
        return 1 / (1 + alpha), (self._onsite + self._potential - beta) / (1 + alpha)

    def preconditioner(self, energies):
        """See `interface.Propagator`. The Jacobian at a few energies is a banded matrix, exactly."""
        spectrum = self.spectrum(energies)
        source = spectrum.rate / len(energies)
        diagonal = (spectrum.rate * spectrum.spectral).mean(axis=1)
        diagonal = np.where(diagonal > 0, diagonal, 1.0)
        weight = spectrum.rate * spectrum.green2
        # rho_left[i] leads from i - 1 to i
        to_right, to_left = np.roll(spectrum.rho_left, -1, axis=0), np.roll(spectrum.rho_right, 1, axis=0)
        solve = transfer_inverse(diagonal, weight * source, (weight, weight),
                                 ((to_right * source, to_right), (to_left * source, to_left)))
        return LinearOperator((len(diagonal),) * 2, matvec=solve, dtype=float), diagonal


class ChainSpectrum:
    """What the propagator knows at some energies; see `interface.Spectrum`."""

    def __init__(self, rate, spectral, green2, rho_left, rho_right, lead_places, lead_rate, bonds):
        self.rate = rate
        self.spectral = spectral
        self.green2 = green2
        self.rho_left = rho_left
        self.rho_right = rho_right
        self._lead_places = lead_places
        self._lead_rate = lead_rate
        self._bonds = bonds

    def occupation(self, filling, lead_filling):
        """See `interface.Spectrum`."""
        source = self.rate * filling
        np.add.at(source, self._lead_places, self._lead_rate * lead_filling)
        n = chain_occupation(source, self.green2, self.rho_left, self.rho_right)
        inflow = self._lead_rate * (self.spectral[self._lead_places] * lead_filling - n[self._lead_places])
        return n, inflow

    def bond_flows(self, filling, lead_filling):
        """See `interface.Spectrum`. On a chain what a hopping carries is what all before it take."""
        n, inflow = self.occupation(filling, lead_filling)
        taken = self.rate * (n - self.spectral * filling)
        np.subtract.at(taken, self._lead_places, inflow)
        return np.cumsum(taken, axis=0)[self._bonds[:, 0]]

    def response(self, slope, weight):
        """See `interface.Spectrum`."""
        return ChainResponse(self.rate * slope, self.rate * self.green2 * weight, self.rho_left, self.rho_right)


class ChainResponse:
    """Change of the arriving particles with the probes' chemical potentials, summed over energies."""

    def __init__(self, source, weight, rho_left, rho_right):
        self._arrays = (source, weight, rho_left, rho_right)

    @property
    def nbytes(self):
        """Memory of the stored arrays."""
        return sum(array.nbytes for array in self._arrays)

    def __call__(self, values):
        """See `interface.Spectrum.response`."""
        return chain_response(values, *self._arrays)
