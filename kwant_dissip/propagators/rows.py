"""Several baths at a site: one row for each bath, so that a balance counts what each of them takes by itself.

Rows of all arrays are the sites for the first bath, then the sites for the next. All rows of a site have its A and n.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ..numerics.banded import banded_inverse
from .interface import LatticeSpectrum, Propagator
from .lattice import LatticePropagator

# Up to this many sites the balance of heat at two energies is one dense matrix, where electrons do not pass from site
# to neighbouring site only.
DENSE_SITES = 4000
# Exchange at one of two energies, relative to that at the other, below which only one of them counts.
_ONE_SIDED = 1e-2


class RowsPropagator(Propagator):
    """A propagator of a lattice with one row per site for each bath whose occupation a balance has to find.

    Parameters
    ----------
    propagator : LatticePropagator
    """

    def __init__(self, propagator: LatticePropagator) -> None:
        self.sites = propagator
        self.coupled = np.concatenate(propagator.balanced)
        self.batch = propagator.batch
        # Sources and weights of each bath, and the transfers once.
        self.response_size = (1 + len(propagator.balanced)) * propagator.response_size // 2

    def edges(self):
        return self.sites.edges()

    def thresholds(self, low=-np.inf, high=np.inf):
        return self.sites.thresholds(low, high)

    def spectrum(self, energies):
        return RowsSpectrum(self.sites.spectrum(energies), np.array(self.sites.bath_rates(energies)),
                              self.sites.leads)

    def reversed(self):
        return RowsPropagator(self.sites.reversed())

    def preconditioner(self, energies, weights):
        raise NotImplementedError("One energy does not tell mu from T: see node_inverse.")


class RowsSpectrum(LatticeSpectrum):
    """What the propagator knows at some energies; see `interface.Spectrum`.

    Parameters
    ----------
    spectrum : LatticeSpectrum
        Of the sites.
    rates : array of float, shape (baths, sites, energies)
    leads : int
        Number of leads.
    """

    def __init__(self, spectrum: LatticeSpectrum, rates: np.ndarray, leads: int) -> None:
        self.sites = spectrum
        self.leads = leads
        self.baths = len(rates)
        self.rate = rates.reshape(-1, rates.shape[2])
        self.spectral = self._at_rows(spectrum.spectral)

    @property
    def nbytes(self):
        return self.sites.nbytes + self.rate.nbytes + (self.spectral.nbytes if self.baths > 1 else 0)

    def _at_rows(self, values):
        return np.concatenate([values] * self.baths) if self.baths > 1 else values

    def by_bath(self, values: np.ndarray) -> np.ndarray:
        """Values of rows as those of sites, one array per bath."""
        return values.reshape(self.baths, -1, *values.shape[1:])

    def occupation(self, source, lead_filling):
        n, inflow = self.sites.occupation(self.by_bath(source).sum(axis=0), lead_filling)
        return self._at_rows(n), inflow

    def bond_flows(self, source, lead_filling):
        return self.sites.bond_flows(self.by_bath(source).sum(axis=0), lead_filling)

    def for_products(self, source, lead_filling):
        n, inflow = self.sites.for_products(self.by_bath(source).sum(axis=0), lead_filling)
        return self._at_rows(n), inflow


def node_inverse(propagator: RowsPropagator, energies: np.ndarray,
                 nodes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Inverse of the balance of particles and heat, as if integrals were sums over two energies.

    With the rates g_b and unknowns v_b of the baths, t that of the temperature, and x = (E - mu) / T,

        r_b = mean_m g_b (A (v_b + x t) - n),   r_t = mean_m x g_e (A (v_e + x t) - n),   n = K sum_b g_b (v_b + x t)

    where x t stands for electrons only. Rows are divided by their diagonals.

    Parameters
    ----------
    propagator : RowsPropagator
    energies : array of float, shape (2,)
    nodes : array of float, shape (2,)
        x at both energies, equal and opposite.

    Returns
    -------
    callable
        Maps rows, shape (baths + 1, sites), to (v_b, t).
    """
    spectrum = propagator.spectrum(energies)
    rates, spectral = spectrum.by_bath(spectrum.rate), spectrum.sites.spectral
    passages = spectrum.sites.passages()
    if passages is None:
        return _even_and_odd(propagator.sites, energies, rates, spectral)
    baths, sites, count = rates.shape
    factor = np.ones((baths + 1, 1, count))
    factor[-1] = nodes
    absorption = np.concatenate([rates, rates[-1:]]) * factor
    local = np.zeros((baths + 1, baths + 1, sites))
    for bath in range(baths):
        rows = [bath] if bath < baths - 1 else [bath, bath + 1]
        local[np.ix_(rows, rows)] = np.einsum("pim,im,qim->pqi", factor[rows], rates[bath] * spectral / count,
                                              factor[rows])
    diagonal = np.einsum("ppi->pi", local)
    diagonal[diagonal <= 0] = 1.0
    # Electrons that their bath reaches at one of the energies only have one condition for both unknowns here.
    exchange, scale = rates[-1] * spectral, diagonal.copy()
    diagonal[-1, exchange.min(axis=1) < _ONE_SIDED * exchange.max(axis=1)] *= 2
    inverse = banded_inverse(local, absorption / count, absorption, *passages)
    return lambda rows: inverse(scale * rows)


def _even_and_odd(propagator, energies, rates, spectral):
    """`node_inverse` with the same K at both energies: chemical potentials and temperatures separate.

    With P the inverse for all baths at one mu, u = P sum_b r_b, what arrives is n = A u - sum_b r_b / g, and
    v_b = r_b / (g_b A) + n / A. Temperatures need the inverse for electrons alone, with all other baths as sinks.
    """
    inverse, _ = propagator.preconditioner(energies, np.full((rates.shape[1], len(energies)), 1 / len(energies)))
    baths = len(rates)
    each = (rates * spectral).mean(axis=2)
    where, total = each > 0, np.where(each.sum(axis=0) > 0, each.sum(axis=0), 1.0)
    each = np.where(where, each, 1.0)
    heat, own = inverse, np.flatnonzero(where[-1])
    if baths > 1:
        heat = None
        if len(own) <= DENSE_SITES:
            matrix = np.diag(each[-1, own])
            for number, energy in enumerate(energies):
                rate = rates[-1, own, number] / np.sqrt(len(energies))
                matrix -= rate[:, None] * propagator.kernel(energy)[np.ix_(own, own)] * rate
            heat = partial(lu_solve, lu_factor(matrix, overwrite_a=True))

    def solve(rows):
        particles, energy = each * rows[:-1] * where, each[-1, own] * rows[-1, own]
        together = particles.sum(axis=0)
        arriving = inverse(together) - together / total
        result = np.concatenate([np.where(where, particles / each + arriving, rows[:-1]), rows[-1:]])
        if heat is inverse:
            result[-1, own] = heat(np.where(where[-1], each[-1] * rows[-1], 0.0))[own]
        elif heat is not None:
            result[-1, own] = heat(energy)
        return result

    return solve
