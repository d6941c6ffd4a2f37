"""Several baths at a site: one row for each bath, so that a balance counts what each of them takes by itself.

Rows of all arrays are the sites for the first bath, then the sites for the next. All rows of a site have its A and n.
"""

from collections.abc import Callable, Sequence
from typing import Self, cast

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ..numerics.banded import banded_inverse
from .interface import LatticeSpectrum, Moments, Propagator, mean_absorption
from .lattice import LatticePropagator

# Up to this many sites the balance of heat at two energies is one dense matrix, where electrons do not pass from site
# to neighbouring site only.
DENSE_SITES = 4000
# Exchange at one of two energies, relative to that at the other, below which only one of them counts.
_ONE_SIDED = 1e-2


def in_rows(propagator: Propagator, keeps_energy: Sequence[bool] | np.ndarray) -> Propagator:
    """The propagator for a balance of several baths; sites are the rows of a single one that keeps particles only.

    Parameters
    ----------
    propagator : Propagator
        Of a lattice, or of the kinetic theory.
    keeps_energy : sequence of bool
        Of each bath whether it does.
    """
    return RowsPropagator(cast(LatticePropagator, propagator)) if np.any(keeps_energy) or len(keeps_energy) > 1 else \
        propagator


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

    def edges(self) -> np.ndarray:
        return self.sites.edges()

    def thresholds(self, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
        return self.sites.thresholds(low, high)

    def spectrum(self, energies: np.ndarray) -> "RowsSpectrum":
        return RowsSpectrum(self.sites.spectrum(energies), np.array(self.sites.bath_rates(energies)),
                            self.sites.leads)

    def reversed(self) -> Self:
        return type(self)(self.sites.reversed())

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """See `interface.Propagator`, for one unknown a row."""
        spectrum = self.spectrum(energies)
        by_bath, diagonal = spectrum.by_bath, mean_absorption(spectrum, weights)
        each = by_bath(np.where(spectrum.rate.any(axis=1), diagonal, 0.0))
        inverse = _of_each(self.sites.preconditioner(energies, by_bath(weights).mean(axis=0))[0], each)
        return lambda b: inverse(by_bath(b / diagonal)).ravel(), diagonal


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
    def nbytes(self) -> int:
        return self.sites.nbytes + self.rate.nbytes + (self.spectral.nbytes if self.baths > 1 else 0)

    def _at_rows(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([values] * self.baths) if self.baths > 1 else values

    def by_bath(self, values: np.ndarray) -> np.ndarray:
        """Values of rows as those of sites, one array per bath."""
        return values.reshape(self.baths, -1, *values.shape[1:])

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, inflow = self.sites.occupation(self.by_bath(source).sum(axis=0), lead_filling)
        return self._at_rows(n), inflow

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        return self.sites.bond_flows(self.by_bath(source).sum(axis=0), lead_filling)

    def of_rows(self, source: np.ndarray, weight: np.ndarray, energies: np.ndarray) -> "RowsMoments":
        """`Spectrum.moments` of rows, whose arrays have the shape (rows, energies)."""
        return RowsMoments(self, self.sites.moments(self.by_bath(source), self.by_bath(weight), energies))

    def for_products(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, inflow = self.sites.for_products(self.by_bath(source).sum(axis=0), lead_filling)
        return self._at_rows(n), inflow


class RowsMoments:
    """See `RowsSpectrum.of_rows`."""

    def __init__(self, spectrum: RowsSpectrum, moments: Moments) -> None:
        self._by_bath, self._moments, self.nbytes = spectrum.by_bath, moments, moments.nbytes

    def __call__(self, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """The sums, shape (2, rows)."""
        return self._moments(self._by_bath(values), self._by_bath(slopes)).reshape(2, -1)


def node_inverse(propagator: RowsPropagator, energies: np.ndarray, nodes: np.ndarray,
                 hot: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Inverse of the balance of particles and heat, as if integrals were sums over two energies.

    With the rates g_b and unknowns v_b of the baths, t_b that of the temperature, and x = (E - mu) / T,

        r_b = mean_m g_b (A (v_b + x t_b) - n),    s_b = mean_m x g_b (A (v_b + x t_b) - n),
        n = K sum_b g_b (v_b + x t_b)

    where t and s stand for baths in `hot` only. Equations are divided by their diagonals.

    Parameters
    ----------
    propagator : RowsPropagator
    energies : array of float, shape (2,)
    nodes : array of float, shape (2,)
        x at both energies, equal and opposite.
    hot : array of int
        Baths with a temperature to be found.

    Returns
    -------
    callable
        Maps r, then s, shape (baths + hot, sites), to v, then t.
    """
    spectrum = propagator.spectrum(energies)
    rates, spectral = spectrum.by_bath(spectrum.rate), spectrum.sites.spectral
    passages = spectrum.sites.passages()
    if passages is None:
        return _even_and_odd(propagator.sites, energies, rates, spectral, hot)
    baths, _, count = rates.shape
    bath = np.append(np.arange(baths), hot)
    factor = np.ones((len(bath), 1, count))
    factor[baths:] = nodes
    absorption = rates[bath] * factor
    local = np.where((bath[:, None] == bath)[:, :, None], np.einsum(
        "pim,im,qim->pqi", absorption, spectral / count, np.broadcast_to(factor, absorption.shape)), 0.0)
    diagonal = np.einsum("ppi->pi", local)
    diagonal[diagonal <= 0] = 1.0
    # Electrons that their bath reaches at one of the energies only have one condition for both unknowns here.
    exchange, scale = rates[hot] * spectral, diagonal.copy()
    diagonal[baths:][exchange.min(axis=2) < _ONE_SIDED * exchange.max(axis=2)] *= 2
    inverse = banded_inverse(local, absorption / count, absorption, *passages)
    return lambda rows: inverse(scale * rows)


def _even_and_odd(propagator, energies, rates, spectral, hot):
    """`node_inverse` with the same K at both energies: chemical potentials and temperatures separate.

    Temperatures need the inverse for hot electrons alone, with all other baths as sinks.
    """
    inverse, _ = propagator.preconditioner(energies, np.full((rates.shape[1], len(energies)), 1 / len(energies)))
    baths, each = len(rates), (rates * spectral).mean(axis=2)
    own = np.flatnonzero(each[hot].any(axis=0))
    even = _of_each(inverse, each)
    if len(hot) == baths:
        odd = even
    elif len(own) <= DENSE_SITES:
        matrix = np.diag(each[hot][:, own].sum(axis=0))
        for number, energy in enumerate(energies):
            rate = rates[hot][:, own, number].sum(axis=0) / np.sqrt(len(energies))
            matrix -= rate[:, None] * propagator.kernel(energy)[np.ix_(own, own)] * rate
        factor = lu_factor(matrix, overwrite_a=True)

        def sinks(b):
            result = np.zeros_like(b)
            result[own] = lu_solve(factor, b[own])
            return result

        odd = _of_each(sinks, each[hot])
    else:
        odd = np.copy
    return lambda rows: np.concatenate([even(rows[:baths]), odd(rows[baths:])])


def _of_each(inverse, each):
    """Inverse of the balance of several baths at a site, from that of all at one mu.

    With P that inverse, u = P sum_b r_b, what arrives is n = A u - sum_b r_b / g, and v_b = r_b / (g_b A) + n / A.

    Parameters
    ----------
    inverse : callable
        P.
    each : array of float, shape (baths, sites)
        g_b A; 0 where there is none.

    Returns
    -------
    callable
        Maps r_b / (g_b A) to v_b, arrays of shape (baths, sites).
    """
    where = each > 0
    total = each.sum(axis=0)
    total = np.where(total > 0, total, 1.0)

    def solve(rows):
        together = (each * rows).sum(axis=0)
        return np.where(where, rows + inverse(together) - together / total, rows)

    return solve
