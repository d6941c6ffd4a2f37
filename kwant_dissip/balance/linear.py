"""Derivative of the balance with its unknowns, for every list of baths, and its adjoint: products with vectors.

Of each bath the particles that it takes vanish, of one whose temperature is unknown the energy, too; of each floating
lead the current. With f'_j = df_j/dmu, which also gives df_j/dT = (E - mu_j) / T_j f'_j,

    J v: delta f = f' (constant + slope E),  n = K gamma delta f + leads,
         Int gamma (A delta f - n),  Int E gamma (A delta f - n),  Int (Gamma_a (A delta f_a - n))

and J^T u is the same sweep through K^T, that of the reversed magnetic field, with 1 and E in place of f'.
"""

from functools import cached_property
from typing import cast

import numpy as np

from ..errors import ConvergenceError
from ..numerics.quadrature import TWO_PI, Panels
from ..propagators.rows import RowsSpectrum
from .probes import Probes
from .spectra import Spectra

# Below exp(-27) = 2e-12 of its maximum, the derivative of the Fermi function is left out.
_SLOPE_WINDOW = 27.0
# Arrays for products are kept up to this size (bytes), and computed anew in every product beyond.
_MEMORY = 3 << 30
# Absorption below this is none.
_NOTHING = 1e-300


class Jacobian:
    """dF/dx at given unknowns; rows and unknowns as of `Probes`.

    Equations of rows without a bath are those of the identity; those of energy count from mu_0.

    Parameters
    ----------
    spectra : Spectra
    probes : Probes
    panels : Panels
    unknowns : array of float

    Attributes
    ----------
    own : array of float, shape (3, rows)
        Int dE/2pi gamma A f' with E^0, E^1 and E^2, energies relative to mu_0.
    """

    def __init__(self, spectra: Spectra, probes: Probes, panels: Panels, unknowns: np.ndarray) -> None:
        self._spectra, self._probes, self._unknowns = spectra, probes, unknowns
        self._parts, self._kept = self._thermal_parts(panels)
        self.own: np.ndarray = sum(spectra.each(self._moments, self._parts, 0),
                                   start=np.zeros((3, len(probes.coupled))))
        require_states(probes, self.own[0])

    @property
    def exchange(self) -> np.ndarray:
        """Diagonal of the equations of particles, 1 where no bath is: array of shape (rows,)."""
        return np.where(self._probes.coupled, self.own[0], 1.0)

    @cached_property
    def floating(self) -> np.ndarray:
        """Change of each floating lead's current with its own mu, shape (floating leads,)."""
        size = len(self._unknowns)
        diagonal = [self(np.eye(1, size, number)[0])[number]
                    for number in range(size - len(self._probes.floating), size)]
        if not all(value > _NOTHING for value in diagonal):
            raise ConvergenceError("A floating lead (mu=None) has no open modes in the thermal window, or nothing "
                                   "reaches it: its chemical potential is not defined.")
        return np.array(diagonal)

    @property
    def nbytes(self) -> int:
        """Memory of the stored arrays."""
        return sum(response.nbytes for response in self._responses)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """J v."""
        probes, hot = self._probes, self._probes.hot
        constant, lead_values = (np.array(part, float) for part in probes.split(values))
        slope = None
        if len(hot):
            slope = np.zeros(len(constant))
            mu, temperature = probes.local(self._unknowns)
            slope[hot] = probes.excess(values) / temperature
            constant[hot] -= mu * slope[hot]
        arguments = constant, slope, lead_values
        if self._kept:
            self._spectra.counts.transports += sum(part.energies for part in self._parts)
            changes = self._spectra.call(self._responses, *arguments)
        else:
            changes = self._spectra.each(lambda *part: self._response(*part)(*arguments), self._parts)
        arriving, energy, flow = (np.asarray(sum(part)) for part in zip(*changes, strict=True))
        m0, m1, m2 = self.own
        rows = [np.where(probes.coupled, m0 * constant - arriving, probes.split(values)[0])]
        if slope is not None:
            rows[0] += np.where(probes.coupled, m1 * slope, 0.0)
            heat = (m1 * constant + m2 * slope - energy)[hot]
            rows.append(np.where(probes.coupled[hot], heat, probes.excess(values)))
        return np.concatenate([*rows, flow])

    def adjoint(self, values: np.ndarray) -> np.ndarray:
        """J^T u."""
        probes, hot = self._probes, self._probes.hot
        loss, flow = probes.split(values)
        energy = np.zeros(len(loss))
        energy[hot] = probes.excess(values)
        wanted, energy = (np.where(probes.coupled, part, 0.0) for part in (loss, energy))

        def sums(spectrum, part):
            nodes, weights, slope, lead_slope = self._slopes(part)
            asked = wanted[:, None] + energy[:, None] * nodes
            filling = np.zeros_like(lead_slope)
            filling[probes.floating] = flow[:, None]
            n, inflow = spectrum.for_products(spectrum.rate * asked, filling)
            change = spectrum.rate * (spectrum.spectral * asked - n) * slope
            return change @ weights, change @ (weights * nodes), ((inflow * lead_slope) @ weights)[probes.floating]

        sent = self._spectra.reversed().each(sums, self._parts)
        first, second, leads = (np.asarray(sum(part)) for part in zip(*sent, strict=True))
        rows = [np.where(probes.coupled, first, loss)]
        if len(hot):
            mu, temperature = probes.local(self._unknowns)
            heat = (second[hot] - mu * first[hot]) / temperature
            rows.append(np.where(probes.coupled[hot], heat, probes.excess(values)))
        return np.concatenate([*rows, leads])

    def _thermal_parts(self, panels):
        """Batches of panels in the thermal window of some bath, and whether what products need of them is kept."""
        mu, temperature = self._probes.thermal(self._unknowns)
        reach = _SLOPE_WINDOW * temperature.max()
        parts = [part for part in self._spectra.parts(panels)
                 if part.ends().max() > mu.min() - reach and part.ends().min() < mu.max() + reach]
        size = self._spectra.propagator.response_size * sum(part.energies for part in parts)
        return parts, size <= _MEMORY

    def _slopes(self, part):
        """Energies of some panels relative to mu_0, their weights, what sources and leads change by."""
        nodes, weights = part.points()
        return nodes, weights / TWO_PI, *self._probes.slopes(nodes, self._unknowns)

    def _moments(self, spectrum, part):
        nodes, weights, slope, _ = self._slopes(part)
        powers = nodes ** np.arange(3)[:, None]
        return ((spectrum.rate * slope * spectrum.spectral) @ (weights * powers).T).T

    @cached_property
    def _responses(self):
        return list(self._spectra.each(self._response, self._parts, 0)) if self._kept else []

    def _response(self, spectrum, part):
        """Maps constants, slopes and values of floating leads to what arrives, its energy, and the leads' currents."""
        nodes, weights, slope, lead_slope = self._slopes(part)
        source, floating = spectrum.rate * slope, self._probes.floating
        if len(floating):
            return _WithLeads(spectrum, source, lead_slope, floating, nodes, weights)
        weight = spectrum.rate * weights
        if not len(self._probes.hot):
            return _Alone(spectrum.response(source, weight))
        return _AloneWithHeat(cast(RowsSpectrum, spectrum).of_rows(source, weight, nodes))


class _Alone:
    """No lead floats."""

    def __init__(self, response):
        self._response, self.nbytes = response, response.nbytes

    def __call__(self, constant, slope, lead_values):  # noqa: ARG002 (no row has one)
        return self._response(constant), 0.0, lead_values


class _AloneWithHeat:
    """The same where electrons have temperatures."""

    def __init__(self, moments):
        self._moments, self.nbytes = moments, moments.nbytes

    def __call__(self, constant, slope, lead_values):
        return *self._moments(constant, slope), lead_values


class _WithLeads:
    """Leads float, and their currents are asked for."""

    def __init__(self, spectrum, source, lead_slope, floating, nodes, weights):
        self._arguments = spectrum, source, lead_slope, floating, nodes, weights
        self.nbytes = source.nbytes

    def __call__(self, constant, slope, lead_values):
        spectrum, source, lead_slope, floating, nodes, weights = self._arguments
        filling = np.zeros_like(lead_slope)
        filling[floating] = lead_slope[floating] * lead_values[:, None]
        change = constant[:, None] if slope is None else constant[:, None] + slope[:, None] * nodes
        n, inflow = spectrum.for_products(source * change, filling)
        arriving = spectrum.rate * n
        return arriving @ weights, arriving @ (weights * nodes), inflow[floating] @ weights


def require_states(probes: Probes, exchange: np.ndarray, least: np.ndarray | float = _NOTHING,
                   cause: ConvergenceError | None = None) -> None:
    """Raise unless all coupled sites exchange electrons with the bath at thermal energies.

    Parameters
    ----------
    probes : Probes
    exchange : array of float, shape (rows,)
        Int dE/2pi gamma_i A_i (-df_i/dE).
    least : float or array of float, optional
        What counts as none.
    cause : ConvergenceError, optional
        What it explains.
    """
    bad = np.unique(np.flatnonzero(probes.coupled & ~(exchange > least)) % probes.sites)
    if len(bad):
        raise ConvergenceError(f"{len(bad)} coupled sites, the first number {bad[0]} along the system, have next to "
                               "no states in the thermal window; their chemical potential is not defined. Leave them "
                               "uncoupled, or raise mu or the temperature.", sites=bad,
                               state=cause and cause.state) from cause
