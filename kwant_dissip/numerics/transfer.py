"""A balance in which what leaves a place goes on from neighbour to neighbour, solved exactly in two sweeps."""

import numpy as np

from .compiled import compiled


def transfer_inverse(diagonal, own, arrival, passing):
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


@compiled
def _eliminate(diagonal, left, right, alpha, beta, alpha_back, beta_back):
    """D_i, q_i and u_i."""
    places, count = left.shape
    pivot, gain, back = np.empty(places), np.empty((places, count)), np.empty((places, count))
    through, echo = np.zeros((count, count)), np.empty(count)
    for i in range(places - 1, -1, -1):
        pivot[i] = diagonal[i]
        for k in range(count):
            echo[k] = 0.0
            for m in range(count):
                echo[k] += through[k, m] * alpha[i, m]
            pivot[i] -= right[i, k] * echo[k]
            back[i, k] = alpha_back[i, k] + beta_back[i, k] * echo[k]
        for m in range(count):
            total = left[i, m]
            for k in range(count):
                total += right[i, k] * through[k, m] * beta[i, m]
            gain[i, m] = total / pivot[i]
        for k in range(count):
            for m in range(count):
                through[k, m] = back[i, k] * gain[i, m] + beta_back[i, k] * through[k, m] * beta[i, m]
    return pivot, gain, back


@compiled
def _substitute(b, pivot, gain, back, right, alpha, beta, beta_back):
    places, count = gain.shape
    v, arriving = np.empty(places), np.zeros(count)
    for i in range(places - 1, -1, -1):
        total = b[i]
        for k in range(count):
            total += right[i, k] * arriving[k]
        v[i] = total / pivot[i]
        for k in range(count):
            arriving[k] = back[i, k] * v[i] + beta_back[i, k] * arriving[k]
    arriving[:] = 0.0
    for i in range(places):
        for k in range(count):
            v[i] += gain[i, k] * arriving[k]
        for k in range(count):
            arriving[k] = alpha[i, k] * v[i] + beta[i, k] * arriving[k]
    return v
