"""Exponentials times polynomials on a cell: how a stream of electrons decays and fills up along it.

On a cell 0 < y < 1 of optical thickness tau a stream obeys df/dy = tau (F(y) - f). With F a polynomial through its
values F_j at the Gauss nodes y_j (weights w_j, Lagrange polynomials l_j),

    f(1) = a f(0) + sum_j b_j F_j,        n_i = (1/w_i) Int l_i f dy = e_i f(0) + sum_j M_ij F_j.

Averages n_i instead of values at the nodes make particle numbers exact: sum_i w_i tau (F_i - n_i) = f(1) - f(0).
"""

import numpy as np
from numpy.polynomial import legendre

from ..numerics.gauss import ORDER, WEIGHTS, lagrange

_DEGREES = 2 * ORDER
# Below this thickness the moments are sums over many nodes, above a recursion that is stable there.
_THICK = 60.0
_FINE, _FINE_WEIGHTS = legendre.leggauss(48)


def moments(thickness: np.ndarray) -> np.ndarray:
    """Int_0^1 P_k(2 y - 1) exp(-tau y) dy for k = 0, ..., 2 ORDER - 1.

    Parameters
    ----------
    thickness : array of float
        tau, finite and not negative.

    Returns
    -------
    array of float, shape (2 ORDER,) + thickness.shape

    Notes
    -----
    (-1)^k exp(-z) i_k(z) with z = tau / 2 and i_k the modified spherical Bessel functions: the recursion is theirs.
    """
    tau = np.ravel(thickness)
    result = np.empty((_DEGREES, len(tau)))
    thick = tau > _THICK
    fine = np.exp(-np.outer(0.5 * (1 + _FINE), tau[~thick]))
    result[:, ~thick] = (legendre.legvander(_FINE, _DEGREES - 1) * (0.5 * _FINE_WEIGHTS)[:, None]).T @ fine
    z, decayed = 0.5 * tau[thick], np.exp(-tau[thick])
    bessel = [0.5 * (1 - decayed) / z, (0.5 * (1 + decayed) - 0.5 * (1 - decayed) / z) / z]
    for k in range(1, _DEGREES - 1):
        bessel.append(bessel[k - 1] - (2 * k + 1) / z * bessel[k])
    signs = (-1.0) ** np.arange(_DEGREES)
    result[:, thick] = signs[:, None] * np.array(bessel)
    return result.reshape(_DEGREES, *np.shape(thickness))


def _tensors():
    """Legendre coefficients of l_i(s), and of the correlation Int_s^1 l_i(y) l_j(y - s) dy, divided by w_i."""
    s = 0.5 * (1 + _FINE)
    project = (2 * np.arange(_DEGREES)[:, None] + 1) * legendre.legvander(_FINE, _DEGREES - 1).T * 0.5 * _FINE_WEIGHTS
    entering = lagrange(s) / WEIGHTS[:, None] @ project.T
    y = s[:, None] + (1 - s[:, None]) * s  # nodes on [s, 1]
    product = np.einsum("isq,jsq,sq->ijs", lagrange(y), lagrange(y - s[:, None]),
                        (1 - s[:, None]) * 0.5 * _FINE_WEIGHTS)
    return entering, product / WEIGHTS[:, None, None] @ project.T


_ENTERING, _CORRELATION = _tensors()


def transfer(thickness: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of a cell for streams in the direction of growing y.

    Parameters
    ----------
    thickness : array of float
        tau.

    Returns
    -------
    a : array, shape thickness.shape
    b, e : arrays, shape (ORDER,) + thickness.shape
    m : array, shape (ORDER, ORDER) + thickness.shape
        For the other direction reverse the indices of nodes.
    """
    values = moments(thickness)
    e = np.tensordot(_ENTERING, values, axes=1)
    m = thickness * np.tensordot(_CORRELATION, values, axes=1)
    a = 1 - thickness * np.tensordot(WEIGHTS, e, axes=1)
    b = thickness * (WEIGHTS.reshape(-1, *[1] * np.ndim(thickness)) - np.tensordot(WEIGHTS, m, axes=1))
    return a, b, e, m
