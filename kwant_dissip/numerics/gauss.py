"""Polynomials through their values at Gauss nodes between 0 and 1."""

import numpy as np
from numpy.polynomial import legendre

ORDER = 6  # nodes per cell
_NODES, _WEIGHTS = legendre.leggauss(ORDER)
NODES = 0.5 * (1 + _NODES)
WEIGHTS = 0.5 * _WEIGHTS
# The values at the nodes to the coefficients of Legendre polynomials
TO_LEGENDRE = (2 * np.arange(ORDER)[:, None] + 1) * legendre.legvander(_NODES, ORDER - 1).T * WEIGHTS


def lagrange(y: np.ndarray, derivative: int = 0) -> np.ndarray:
    """Values, or derivatives with y, of the Lagrange polynomials: array of shape (ORDER,) + y.shape."""
    coefficients = legendre.legder(TO_LEGENDRE, derivative, scl=2, axis=0)
    return legendre.legval(2 * np.asarray(y) - 1, coefficients)
