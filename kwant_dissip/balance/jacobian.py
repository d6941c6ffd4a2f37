"""Derivative of the particle balance with its unknowns, as a product with a vector."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from ..errors import ConvergenceError
from ..numerics.quadrature import PANEL, TWO_PI, Panels
from ..propagators.kept import KeptSpectra
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

    Attributes
    ----------
    sites : array of float, shape (sites,)
        The diagonal: thermal mean of gamma_i A_i; 1 where no probe is.
    """

    def __init__(self, spectra: KeptSpectra, probes: Probes, panels: Panels, unknowns: np.ndarray,
                 map_: Callable) -> None:
        self._spectra, self._probes, self._unknowns, self._map = spectra, probes, unknowns, map_
        self._parts, self._kept = thermal_parts(spectra, probes, panels, unknowns)
        diagonal = sum(map_(self._diagonal, self._parts), start=np.zeros(len(probes.coupled)))
        require_states(probes.coupled, diagonal)
        self.sites = np.where(probes.coupled, diagonal, 1.0)

    def _slopes(self, part):
        """Spectrum of some panels, weights of the energies, what sources and leads change by."""
        nodes, weights, _ = (array.ravel() for array in part.nodes())
        spectrum = self._spectra.spectrum(part, self._probes.mu0)
        slope, lead_slope = self._probes.slopes(nodes, self._unknowns)
        return spectrum, weights / TWO_PI, spectrum.rate * slope, lead_slope

    def _diagonal(self, part):
        spectrum, weights, source, _ = self._slopes(part)
        return (source * spectrum.spectral) @ weights

    def _response(self, part):
        spectrum, weights, source, lead_slope = self._slopes(part)
        if len(self._probes.floating):
            return _WithLeads(spectrum, source, lead_slope, self._probes.floating, weights)
        return spectrum.response(source, spectrum.rate * weights)

    @cached_property
    def _responses(self):
        return list(self._map(self._response, self._parts)) if self._kept else None

    @property
    def nbytes(self) -> int:
        """Memory of the stored arrays."""
        return sum(response.nbytes for response in self._responses or ())

    @cached_property
    def floating(self) -> np.ndarray:
        """Change of each floating lead's current with its own mu, shape (floating leads,)."""
        return floating_diagonal(self, len(self._unknowns), len(self._probes.floating))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """J v."""
        self._spectra.counts.transports += sum(PANEL * len(part) for part in self._parts)
        floating = self._probes.floating
        site_values, lead_values = self._probes.split(values)
        arguments = (site_values, lead_values) if len(floating) else (site_values,)
        if self._kept:
            changes = sum(self._map(lambda response: response(*arguments), self._responses))
        else:
            changes = sum(self._map(lambda part: self._response(part)(*arguments), self._parts))
        sites = len(site_values)
        return np.concatenate([self.sites * site_values - changes[:sites], changes[sites:][floating]])


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


def thermal_parts(spectra: KeptSpectra, probes: Probes, panels: Panels,
                  unknowns: np.ndarray) -> tuple[list[Panels], bool]:
    """Batches of panels in the thermal window of some probe, and whether what products need of them is kept."""
    mu, temperature = probes.thermal(unknowns)
    reach = _SLOPE_WINDOW * temperature.max()
    parts = []
    for batch in spectra.batches(panels):
        ends = panels[batch].ends()
        if ends.max() > mu.min() - reach and ends.min() < mu.max() + reach:
            parts.append(panels[batch])
    return parts, spectra.propagator.response_size * PANEL * sum(map(len, parts)) <= _JACOBIAN_MEMORY


def floating_diagonal(product: Callable[[np.ndarray], np.ndarray], size: int, floating: int) -> np.ndarray:
    """Change of each floating lead's current with its own mu; these are the last of `size` unknowns."""
    diagonal = [product(np.eye(1, size, number)[0])[number] for number in range(size - floating, size)]
    if not all(value > _NOTHING for value in diagonal):
        raise ConvergenceError("A floating lead (mu=None) has no open modes in the thermal window, or nothing "
                               "reaches it: its chemical potential is not defined.")
    return np.array(diagonal)


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
