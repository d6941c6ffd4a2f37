"""Approximate inverse of the balance's Jacobian: thermal averages are sums over a few energies."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from ..numerics.quadrature import TWO_PI
from ..propagators.interface import Propagator
from .probes import Probes

# A floating lead that conducts less than this part of one open mode at the few energies is not known from them.
_LEAST_CONDUCTANCE = 1e-6


class CoarseInverse:
    """Inverse of the balance's Jacobian at a few energies, floating leads included.

    With v the changes of the sites' and x those of the floating leads' chemical potentials,

        (D - K) v - B x = b,    C v + L x = c:    x = (L + C P B)^-1 (c - C P b),    v = P (b + B x),

    P the propagator's own inverse of D - K.

    Parameters
    ----------
    propagator : Propagator
    probes : Probes
    unknowns : array of float
        Where thermal windows are.
    """

    def __init__(self, propagator: Propagator, probes: Probes, unknowns: np.ndarray) -> None:
        self._coupled, self._floating = probes.coupled, probes.floating
        self._inverse, self._mean, self._schur = (lambda b: b), np.ones(len(self._coupled)), None
        if not np.any(self._coupled) and not len(self._floating):
            return
        energies, weights, lead_weights = probes.few_energies(unknowns, propagator.edges() - probes.mu0, propagator.few)
        if np.any(self._coupled):
            self._inverse, self._mean = propagator.preconditioner(probes.mu0 + energies, weights)
        if len(self._floating):
            self._spectrum = propagator.spectrum(probes.mu0 + energies)
            self._source, self._lead_weights = self._spectrum.rate * weights, lead_weights
            self._set_leads()

    def _set_leads(self):
        nowhere = np.zeros(len(self._coupled))
        arriving, flowing = zip(*(self._change(nowhere, unit) for unit in np.eye(len(self._floating))), strict=True)
        if np.all(np.diag(flowing) > _LEAST_CONDUCTANCE):
            self._columns = np.array([self._inverse(values) for values in arriving]).T
            through = [self._change(column, np.zeros(len(self._floating)))[1] for column in self._columns.T]
            self._schur = lu_factor(np.array(flowing).T + np.array(through).T)

    def _change(self, values, lead_values):
        """What arrives at the sites and changes in the floating leads' currents."""
        filling = np.zeros_like(self._lead_weights)
        filling[self._floating] = self._lead_weights[self._floating] * lead_values[:, None]
        n, inflow = self._spectrum.occupation(self._source * values[:, None], filling)
        return (self._spectrum.rate * n).sum(axis=1), inflow.sum(axis=1)[self._floating]

    def __call__(self, residual: np.ndarray, exchange: np.ndarray, conductance: Callable[[], np.ndarray]) -> np.ndarray:
        """Approximate solution of J x = residual.

        Parameters
        ----------
        residual : array of float, as long as the unknowns
        exchange : array of float, shape (sites,)
            Thermal mean of gamma_i A_i over all energies, 1 where no probe is. It gives columns their size: columns,
            as all that a site sends out comes down somewhere, which decides where links are weak.
        conductance : callable
            Gives the changes of the floating leads' currents with their own mu, where the few energies do not.

        Returns
        -------
        array of float
        """
        loss, flow = np.split(residual, [len(self._coupled)])
        values, scale = self._inverse(loss), self._mean / exchange
        if not len(flow):
            return scale * values
        if self._schur is None:
            return np.concatenate([scale * values, flow / conductance()])
        leads = lu_solve(self._schur, flow - self._change(values, np.zeros(len(flow)))[1])
        # The leads' weights add up to 1, those of all energies to that over 2 pi.
        return np.concatenate([scale * (values + self._columns @ leads), TWO_PI * leads])
