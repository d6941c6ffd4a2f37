"""Derivative of the particle balance with its unknowns, as a product with a vector."""

from collections.abc import Callable

import numpy as np

from ..errors import ConvergenceError
from ..numerics.quadrature import TWO_PI, Panels
from ..propagators.kept import KeptSpectra
from .energy_grid import batches
from .probes import Probes

# Below exp(-27) = 2e-12 of its maximum, the derivative of the Fermi function is left out of the Jacobian.
_SLOPE_WINDOW = 27.0
# The Jacobian's arrays are kept up to this size (bytes), and computed anew in every product beyond.
_JACOBIAN_MEMORY = 3 << 30
# Absorption below this is none.
_NOTHING = 1e-300


class Jacobian:
    """dF_i/dx_j at given unknowns, as a product with a vector.

    J v = diagonal v - sum_k w_k gamma_ik sum_j K_ij,k gamma_jk f'_jk v_j; rows of uncoupled sites are those of the
    identity; rows of floating leads are the changes of their currents.

    Parameters
    ----------
    spectra : KeptSpectra
    probes : Probes
    panels : Panels
    unknowns : array of float
    map_ : callable
    floating : array of float, optional
        What the diagonal shall hold for floating leads, which is only a scale: that of another point spares products.

    Attributes
    ----------
    diagonal : array of float, as long as the unknowns
    floating : array of float
        Its part for floating leads.
    nbytes : int
        Memory of the stored arrays.
    """

    def __init__(self, spectra: KeptSpectra, probes: Probes, panels: Panels, unknowns: np.ndarray, map_: Callable,
                 floating: np.ndarray | None = None) -> None:
        self._spectra, self._probes, self._unknowns, self._map = spectra, probes, unknowns, map_
        mu, temperature = probes.thermal(unknowns)
        reach = _SLOPE_WINDOW * temperature.max()
        self._parts = []
        for batch in batches(spectra, panels):
            nodes, weights, _ = (array.ravel() for array in batch.nodes())
            if nodes.max() > mu.min() - reach and nodes.min() < mu.max() + reach:
                self._parts.append((nodes, weights / TWO_PI))
        count = sum(len(nodes) for nodes, _ in self._parts)
        self._kept = spectra.propagator.response_size * count <= _JACOBIAN_MEMORY
        diagonal = np.zeros(len(probes.coupled))
        self._responses = []
        for part_diagonal, response in map_(self._diagonal_and_response, self._parts):
            diagonal = diagonal + part_diagonal
            if self._kept:
                self._responses.append(response)
        self.nbytes = sum(response.nbytes for response in self._responses)
        require_states(probes.coupled, diagonal)
        self._sites = np.where(probes.coupled, diagonal, 1.0)
        self.floating = self._floating_diagonal() if floating is None else floating
        self.diagonal = np.concatenate([self._sites, self.floating])

    def _part(self, nodes, weights):
        spectrum = self._spectra.spectrum(self._probes.mu0 + nodes)
        slope, lead_slope = self._probes.slopes(nodes, self._unknowns)
        source = spectrum.rate * slope
        diagonal = (source * spectrum.spectral) @ weights
        if len(self._probes.floating):
            return diagonal, _WithLeads(spectrum, source, lead_slope, self._probes.floating, weights)
        return diagonal, spectrum.response(source, spectrum.rate * weights)

    def _diagonal_and_response(self, part):
        diagonal, response = self._part(*part)
        return diagonal, response if self._kept else None

    def _floating_diagonal(self):
        """Change of each floating lead's current with its own mu."""
        start, floating = len(self._sites), self._probes.floating
        diagonal = [self(np.eye(1, start + len(floating), start + number)[0])[start + number]
                    for number in range(len(floating))]
        if not all(value > _NOTHING for value in diagonal):
            raise ConvergenceError("A floating lead (mu=None) has no open modes in the thermal window, or nothing "
                                   "reaches it: its chemical potential is not defined.")
        return np.array(diagonal)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """J v."""
        floating = self._probes.floating
        site_values, lead_values = self._probes.split(values)
        arguments = (site_values, lead_values) if len(floating) else (site_values,)
        if self._kept:
            changes = sum(self._map(lambda response: response(*arguments), self._responses))
        else:
            changes = sum(self._map(lambda part: self._part(*part)[1](*arguments), self._parts))
        sites = len(site_values)
        return np.concatenate([self._sites * site_values - changes[:sites], changes[sites:][floating]])


class _WithLeads:
    """Change of the arriving particles and of the leads' currents, with the probes and the floating leads."""

    def __init__(self, spectrum, source, lead_slope, floating, weight):
        self._arguments = spectrum, source, lead_slope, weight
        self._floating = floating
        self.nbytes = source.nbytes

    def __call__(self, values, lead_values):
        spectrum, source, lead_slope, weight = self._arguments
        lead_filling = np.zeros_like(lead_slope)
        lead_filling[self._floating] = lead_slope[self._floating] * lead_values[:, None]
        n, inflow = spectrum.occupation(source * values[:, None], lead_filling)
        return np.concatenate([(spectrum.rate * n) @ weight, inflow @ weight])


def require_states(coupled: np.ndarray, exchange: np.ndarray, least: np.ndarray | float = _NOTHING,
                   cause: ConvergenceError | None = None) -> None:
    """Raise unless all coupled sites exchange electrons with the bath at thermal energies.

    Parameters
    ----------
    coupled : array of bool, shape (sites,)
    exchange : array of float, shape (sites,)
        Int dE/2pi gamma_i A_i (-df_i/dE).
    least : float or array of float, optional
        What counts as none.
    cause : ConvergenceError, optional
        What it explains.
    """
    bad = np.flatnonzero(coupled & ~(exchange > least))
    if len(bad):
        raise ConvergenceError(f"{len(bad)} coupled sites, the first number {bad[0]} along the system, have next to "
                               "no states in the thermal window; their chemical potential is not defined. Leave them "
                               "uncoupled, or raise mu or the temperature.", sites=bad,
                               state=cause and cause.state) from cause
