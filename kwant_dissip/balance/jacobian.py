"""Derivative of the particle balance with the chemical potentials, as a product with a vector."""

import numpy as np

from ..errors import ConvergenceError

# Below exp(-27) = 2e-12 of its maximum, the derivative of the Fermi function is left out of the Jacobian.
_SLOPE_WINDOW = 27.0
# The Jacobian's arrays are kept up to this size (bytes), and computed anew in every product beyond.
_JACOBIAN_MEMORY = 3 << 30
_TWO_PI = 2 * np.pi


class Jacobian:
    """dF_i/dmu_j at given chemical potentials, as a product with a vector.

    J v = diagonal v - sum_k w_k gamma_ik sum_j |G_ij|^2_k gamma_jk (-f'_jk) v_j; rows of uncoupled sites are those
    of the identity.
    """

    def __init__(self, balance, panels, shift):
        self._balance = balance
        self._shift = shift
        self.products = 0
        coupled = balance.coupled
        nodes, weights, _ = (array.ravel() for array in panels.nodes())
        mu, temperature = balance.unknown_mus(shift)
        reach = _SLOPE_WINDOW * temperature.max()
        inside = (nodes > mu.min() - reach) & (nodes < mu.max() + reach)
        nodes, weights = nodes[inside], weights[inside] / _TWO_PI
        size = max(21, balance.propagator.batch)
        parts = [(nodes[start:start + size], weights[start:start + size]) for start in range(0, len(nodes), size)]
        self._kept = balance.propagator.response_size * len(nodes) <= _JACOBIAN_MEMORY
        self._parts = parts
        diagonal = 0.0
        self._responses = []
        for part_diagonal, response in balance.pool.map(self._diagonal_and_response, parts):
            diagonal = diagonal + part_diagonal
            if self._kept:
                self._responses.append(response)
        require_states(coupled, diagonal)
        self._sites = np.where(coupled, diagonal, 1.0)
        self.diagonal = np.concatenate([self._sites, self._floating_diagonal()])

    @property
    def nbytes(self):
        """Memory of the stored arrays."""
        return sum(response.nbytes for response in self._responses)

    def _part(self, nodes, weights):
        balance = self._balance
        spectrum = balance.propagator.spectrum(balance.mu0 + nodes)
        slope = balance.slopes(nodes, self._shift)
        diagonal = (spectrum.rate * spectrum.spectral * slope) @ weights
        if len(balance.floating):
            return diagonal, _WithLeads(spectrum, slope, balance.lead_slopes(nodes, self._shift), weights)
        return diagonal, spectrum.response(slope, weights)

    def _diagonal_and_response(self, part):
        diagonal, response = self._part(*part)
        return diagonal, response if self._kept else None

    def _floating_diagonal(self):
        """Change of each floating lead's current with its own mu."""
        start, floating = len(self._sites), self._balance.floating
        diagonal = []
        for number in range(len(floating)):
            unit = np.zeros(start + len(floating))
            unit[start + number] = 1.0
            diagonal.append(self._product(unit)[start + number])
        if not all(value > 1e-300 for value in diagonal):
            raise ConvergenceError("A floating lead (mu=None) has no open modes in the thermal window, or nothing "
                                   "reaches it: its chemical potential is not defined.")
        return np.array(diagonal)

    def __call__(self, values):
        """J v."""
        self.products += 1
        return self._product(np.ravel(values))

    def _product(self, values):
        map_ = self._balance.pool.map
        floating, sites = self._balance.floating, len(self._sites)
        arguments = (values,)
        if len(floating):
            leads = np.zeros(len(self._balance.lead_shift(values)))
            leads[floating] = values[sites:]
            arguments = values[:sites], leads
        if self._kept:
            changes = sum(map_(lambda response: response(*arguments), self._responses))
        else:
            changes = sum(map_(lambda part: self._part(*part)[1](*arguments), self._parts))
        result = -changes[:sites]
        result += self._sites * values[:sites]
        return np.concatenate([result, changes[sites:][floating]])


class _WithLeads:
    """Change of the arriving particles and of the leads' currents, with the probes and the floating leads."""

    def __init__(self, spectrum, slope, lead_slope, weight):
        self._arguments = spectrum, slope, lead_slope, weight
        self.nbytes = slope.nbytes

    def __call__(self, values, lead_values):
        spectrum, slope, lead_slope, weight = self._arguments
        n, inflow = spectrum.occupation(slope * values[:, None], lead_slope * lead_values[:, None])
        return np.concatenate([(spectrum.rate * n) @ weight, inflow @ weight])


def require_states(coupled, exchange):
    """Raise unless all coupled sites exchange electrons with the bath at thermal energies.

    Parameters
    ----------
    coupled : array of bool, shape (sites,)
    exchange : array of float, shape (sites,)
        Int dE/2pi gamma_i A_i (-df_i/dE).
    """
    bad = coupled & ~(exchange > 1e-300)
    if np.any(bad):
        raise ConvergenceError(f"{bad.sum()} coupled sites, the first number {np.flatnonzero(bad)[0]} along the "
                               "system, have no states in the thermal window; their chemical potential is not "
                               "defined. Leave them uncoupled, or raise mu or the temperature.")
