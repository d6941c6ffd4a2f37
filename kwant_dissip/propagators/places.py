"""Several baths at a site: one place for each bath, so that a balance counts what each of them takes by itself.

Rows of all arrays are the sites for the first bath, then the sites for the next. All places of a site have its A and n.
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ..numerics.banded import banded_inverse
from .interface import LatticeSpectrum, Propagator
from .lattice import LatticePropagator

# Up to this many unknowns the Jacobian at a few energies is one dense matrix, where electrons do not pass from site to
# neighbouring site only.
_DENSE_UNKNOWNS = 4000


class PlacesPropagator(Propagator):
    """A propagator of a lattice with one place per site for each bath whose occupation a balance has to find.

    Parameters
    ----------
    propagator : LatticePropagator
    """

    def __init__(self, propagator: LatticePropagator) -> None:
        self.sites = propagator
        self.coupled = np.concatenate(propagator.balanced)
        self.batch = propagator.batch
        self.response_size = 2 * len(propagator.balanced) * propagator.response_size

    def edges(self):
        return self.sites.edges()

    def thresholds(self, low=-np.inf, high=np.inf):
        return self.sites.thresholds(low, high)

    def spectrum(self, energies):
        return PlacesSpectrum(self.sites.spectrum(energies), np.array(self.sites.bath_rates(energies)),
                              len(self.sites.lattice.leads))

    def preconditioner(self, energies):
        raise NotImplementedError("One energy does not tell mu from T: see node_inverse.")


class PlacesSpectrum(LatticeSpectrum):
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
        self.spectral = self._at_places(spectrum.spectral)

    @property
    def nbytes(self):
        return self.sites.nbytes + self.rate.nbytes + (self.spectral.nbytes if self.baths > 1 else 0)

    def _at_places(self, values):
        return np.concatenate([values] * self.baths) if self.baths > 1 else values

    def by_bath(self, values: np.ndarray) -> np.ndarray:
        """Rows of places as rows of sites, one array per bath."""
        return values.reshape(self.baths, -1, *values.shape[1:])

    def occupation(self, source, lead_filling):
        n, inflow = self.sites.occupation(self.by_bath(source).sum(axis=0), lead_filling)
        return self._at_places(n), inflow

    def bond_flows(self, source, lead_filling):
        return self.sites.bond_flows(self.by_bath(source).sum(axis=0), lead_filling)

    def response(self, source, weight):
        moments = self.sites.moments(self.by_bath(source), self.by_bath(weight), np.zeros(source.shape[1]),
                                     self.leads)
        return lambda values: moments(self.by_bath(values), np.zeros_like(self.by_bath(values)))[0].ravel()


def node_inverse(propagator: LatticePropagator, energies: np.ndarray, local: np.ndarray, emission: np.ndarray,
                 absorption: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Inverse of a Jacobian with several unknowns a site, as if integrals were sums over a few energies.

    b_p = sum_q D_pq v_q - sum_m a_pm n_m,    n_m = K_m sum_q e_qm v_q

    Parameters
    ----------
    propagator : LatticePropagator
    energies : array of float, shape (energies,)
    local : array of float, shape (unknowns, unknowns, sites)
        D, without zeros on the diagonal.
    emission, absorption : arrays of float, shape (unknowns, sites, energies)
        e and a.

    Returns
    -------
    callable
        Maps b to v, arrays of shape (unknowns, sites).
    """
    passages = propagator.spectrum(energies).passages()
    if passages is not None:
        return banded_inverse(local, emission, absorption, *passages)
    unknowns, sites = local.shape[1:]
    size = unknowns * sites
    if size > _DENSE_UNKNOWNS:
        blocks = np.linalg.inv(np.moveaxis(local, 2, 0))
        return lambda b: np.einsum("ipq,qi->pi", blocks, b)
    matrix = np.zeros((unknowns, sites, unknowns, sites))
    where = np.arange(sites)
    matrix[:, where, :, where] = np.moveaxis(local, 2, 0)
    for number, energy in enumerate(energies):
        kernel = propagator.kernel(energy)
        matrix -= np.einsum("pi,ij,qj->piqj", absorption[:, :, number], kernel, emission[:, :, number])
    factor = lu_factor(matrix.reshape(size, size), overwrite_a=True)
    return lambda b: lu_solve(factor, b.ravel()).reshape(unknowns, sites)
