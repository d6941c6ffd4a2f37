"""Approximate inverse of a balance with several unknowns a place, along a chain of places, as a banded matrix."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu


def banded_inverse(local: np.ndarray, emission: np.ndarray, absorption: np.ndarray, own: np.ndarray,
                   to_right: np.ndarray, to_left: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Inverse of a balance with several unknowns a place, in which what leaves a place goes on to its neighbours.

    With e_m = sum_q e_qm v_q what a place sends out at energy m,

        b_p = sum_q D_pq v_q - sum_m a_pm o_m (e_m + L_m + R_m),
        L_{i+1} = to_right_i (e_i + L_i),    R_{i-1} = to_left_i (e_i + R_i)

    is a banded matrix in (v_i, L_i, R_i), U + 2 M rows a place.

    Parameters
    ----------
    local : array of float, shape (U, U, places)
        D.
    emission, absorption : arrays of float, shape (U, places, M)
        e and a.
    own, to_right, to_left : arrays of float, shape (places, M)
        o, and the factors of what passes; the last row of the one and the first of the other are not used.

    Returns
    -------
    callable
        Maps b to v, arrays of shape (U, places).
    """
    unknowns, places, count = emission.shape
    width = unknowns + 2 * count
    v = np.arange(unknowns)[:, None] + np.arange(places) * width
    left = (np.arange(places) * width + unknowns)[:, None] + np.arange(count)
    right = left + count
    taken = absorption * own
    entries = [(v[:, None], v[None], local - np.einsum("pim,qim->pqi", taken, emission))]
    for arriving, passing, here, there in ((left, to_right, slice(None, -1), slice(1, None)),
                                           (right, to_left, slice(1, None), slice(None, -1))):
        entries += [(v[:, :, None], arriving, -taken), (arriving, arriving, 1.0),
                    (arriving[there], arriving[here], -passing[here]),
                    (arriving[there], v[:, here, None], -passing[here] * emission[:, here])]
    flat = [[np.ravel(part) for part in np.broadcast_arrays(*entry)] for entry in entries]
    rows, columns, values = (np.concatenate(part) for part in zip(*flat, strict=True))
    matrix = coo_matrix((values, (rows, columns)), shape=(places * width,) * 2).tocsc()
    factor = splu(matrix, permc_spec="NATURAL", diag_pivot_thresh=0.0)

    def solve(b):
        full = np.zeros(places * width)
        full[v] = b
        return factor.solve(full)[v]

    return solve
