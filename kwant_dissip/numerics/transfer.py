"""A balance in which what leaves a place goes on from neighbour to neighbour, solved exactly in two sweeps."""

from collections.abc import Callable, Sequence

import numpy as np

from ..native import KERNELS


def transfer_inverse(diagonal: np.ndarray, own: np.ndarray, arrival: Sequence[np.ndarray],
                     passing: Sequence[Sequence[np.ndarray]]) -> Callable[[np.ndarray], np.ndarray]:
    """Inverse of a balance in which what leaves a place goes on from neighbour to neighbour.

    With L_i^m what arrives at place i from the left at energy m, and R_i^m from the right, it solves

        b_i = d_i v_i - sum_m (o_i^m v_i + l_i^m L_i^m + r_i^m R_i^m),
        L_{i+1} = alpha_i v_i + beta_i L_i,    R_{i-1} = alpha'_i v_i + beta'_i R_i.

    Parameters
    ----------
    diagonal : array of float, shape (places,)
        d_i.
    own : array of float, shape (places, M)
        o_i.
    arrival : pair of arrays of float, shape (places, M)
        l_i and r_i.
    passing : pair of pairs of arrays of float, shape (places, M)
        (alpha, beta) to the right, whose last row is not used, and to the left, whose first row is not.

    Returns
    -------
    callable
        Maps b, shape (places,), to v.

    Notes
    -----
    From the right, R_i = s + T L_{i+1} with an M x M matrix T that is forgotten on the way: v_i = (b_i + r_i s) / D_i +
    q_i L_i, and R_{i-1} = u_i v_i + beta'_i s + beta'_i T beta_i L_i. What is kept is linear in M.
    """
    left, right = arrival
    (alpha, beta), (alpha_back, beta_back) = passing
    arrays = [np.ascontiguousarray(array, float)
              for array in (diagonal - own.sum(axis=1), left, right, alpha, beta, alpha_back, beta_back)]
    _, _, right, alpha, beta, _, beta_back = arrays
    pivot, gain, back = _eliminate(*arrays)
    return lambda b: _substitute(np.ascontiguousarray(b, float), pivot, gain, back, right, alpha, beta, beta_back)


def _eliminate(diagonal, left, *passing):
    """D_i, q_i and u_i."""
    kept = np.empty(len(left)), np.empty_like(left), np.empty_like(left)
    KERNELS["transfer_eliminate"](left.shape, diagonal, left, *passing, *kept)
    return kept


def _substitute(b, pivot, gain, *others):
    v = np.empty(len(gain))
    KERNELS["transfer_substitute"](gain.shape, b, pivot, gain, *others, v)
    return v
