"""Recursions along slices of any width, all energies side by side.

A slice's arrays have shape (energies, orbitals, orbitals). With M_i = E - H_ii - Sigma + i gamma / 2:

    g^L_i = (M_i - B_{i-1} H_{i-1,i})^-1,     B_i = H_{i+1,i} g^L_i       left-connected
    g^R_i = (M_i - C_{i+1} H_{i+1,i})^-1,     C_i = H_{i-1,i} g^R_i       right-connected
    G_ii  = (M_i - B_{i-1} H_{i-1,i} - C_{i+1} H_{i+1,i})^-1
    X_{i+1} = B_i (w_i + X_i) B_i^+,  Y_{i-1} = C_i (w_i + Y_i) C_i^+     what arrives from the left and the right
    (G w G^+)_ii = G_ii (w_i + X_i + Y_i) G_ii^+

for any source w that is diagonal in the slices. numpy's stacked products and inverses do the work.
"""

import numpy as np


def adjoint(matrices):
    """Hermitian conjugate of stacked matrices."""
    return matrices.conj().swapaxes(-1, -2)


def block_green(diagonal, hopping):
    """Green's function on the slices, and how it goes on to their neighbours.

    Parameters
    ----------
    diagonal : list of arrays of complex, shapes (energies, width, width)
        M_i of every slice.
    hopping : list of arrays, shapes (width of i + 1, width of i)
        H_{i+1,i}.

    Returns
    -------
    green, to_right, to_left : lists of arrays
        G_ii; B_i (None for the last slice); C_i (None for the first).
    """
    count = len(diagonal)
    to_right, to_left, from_left = [None] * count, [None] * count, [None] * count
    behind = 0.0
    for i in range(count):
        from_left[i] = behind
        if i < count - 1:
            to_right[i] = hopping[i] @ np.linalg.inv(diagonal[i] - behind)
            behind = to_right[i] @ adjoint(hopping[i])
    green = [None] * count
    behind = 0.0
    for i in range(count - 1, -1, -1):
        here = diagonal[i] - behind
        green[i] = np.linalg.inv(here - from_left[i])
        if i > 0:
            to_left[i] = adjoint(hopping[i - 1]) @ np.linalg.inv(here)
            behind = to_left[i] @ hopping[i - 1]
    return green, to_right, to_left


def block_sources(source, to_right, to_left):
    """w_i + X_i, w_i + Y_i and w_i + X_i + Y_i of every slice.

    Parameters
    ----------
    source : list of arrays, shapes (energies, width) or (energies, width, width)
        w_i: the diagonal, or the whole matrix where a lead is.
    to_right, to_left : lists of arrays
        From `block_green`.

    Returns
    -------
    from_left, from_right, total : lists of arrays of complex, shapes (energies, width, width)
    """
    count = len(source)
    from_left, from_right, total = [None] * count, [None] * count, [None] * count
    arriving = None
    for i in range(count):
        from_left[i] = _plus(source[i], arriving)
        if i < count - 1:
            arriving = to_right[i] @ from_left[i] @ adjoint(to_right[i])
    arriving = None
    for i in range(count - 1, -1, -1):
        total[i] = from_left[i] if arriving is None else from_left[i] + arriving
        from_right[i] = _plus(source[i], arriving)
        if i > 0:
            arriving = to_left[i] @ from_right[i] @ adjoint(to_left[i])
    return from_left, from_right, total


def _plus(source, arriving):
    """Source, given as a diagonal or a matrix, plus a matrix."""
    if source.ndim == 3:
        return source if arriving is None else source + arriving
    width = source.shape[1]
    result = np.zeros((*source.shape, width), complex) if arriving is None else arriving.copy()
    result[:, np.arange(width), np.arange(width)] += source
    return result


def block_diagonal(green, total):
    """Diagonal of G (w + X + Y) G^+, shape (energies, width), for one slice."""
    return np.einsum("kij,kij->ki", green @ total, green.conj()).real


def block_columns(green, to_right, to_left):
    """The whole |G_ij|^2, orbital by orbital, in the order of the slices; for few energies.

    Parameters
    ----------
    green, to_right, to_left : lists of arrays
        From `block_green`.

    Yields
    ------
    start, columns : int, array of float of shape (energies, orbitals, width)
        First orbital of a slice, and its columns.
    """
    starts = np.concatenate([[0], np.cumsum([g.shape[1] for g in green])])
    count = len(green)
    for j in range(count):
        columns = np.empty((len(green[j]), starts[-1], green[j].shape[1]))
        columns[:, starts[j]:starts[j + 1]] = np.abs(green[j]) ** 2
        # G_ij = G_ii B_{i-1} ... B_j for i > j; the product is built from the far end of the chain of transfers.
        transfer = None
        for i in range(j + 1, count):
            transfer = to_right[i - 1] if transfer is None else to_right[i - 1] @ transfer
            columns[:, starts[i]:starts[i + 1]] = np.abs(green[i] @ transfer) ** 2
        transfer = None
        for i in range(j - 1, -1, -1):
            transfer = to_left[i + 1] if transfer is None else to_left[i + 1] @ transfer
            columns[:, starts[i]:starts[i + 1]] = np.abs(green[i] @ transfer) ** 2
        yield starts[j], columns
