"""Modes and self-energy of leads whose orbitals couple to few others (`leads.h`), many energies side by side."""

import numpy as np

from . import KERNELS, LANES
from .elements import aligned, unpacked

# Widths of bands for which there are kernels.
WIDTHS = (1, 2, 3, 4, 6, 8)
# As in `leads.h`, for what is done without it: |lambda| within this of 1 propagates; modes on the circle closer than
# the second are those of bands that cross.
ON_CIRCLE, CROSSING = 1e-7, 1e-6
# How well a self-energy must solve its equation, and how little it may emit, relative to the largest element of both
# itself and V.
TOLERANCE = 1e-9


def band(cell: np.ndarray, hopping: np.ndarray, width: int) -> np.ndarray:
    """Entries of Q(lambda) = V^+ lambda + V / lambda + H - E in the order in which they are eliminated: array of float.

    Parameters
    ----------
    cell, hopping : arrays of complex, shape (n, n)
    width : int
        Number of diagonals on each side of the main one, one of `WIDTHS`.
    """
    n = len(cell)
    entries = np.zeros((n + width, 2 * width + 1, 3), complex)
    for number, matrix in enumerate((cell, hopping, hopping.conj().T)):
        padded = np.zeros((n + width, n + width), complex)
        padded[width:, width:] = matrix
        for k in range(n):
            entries[k, :width + 1, number] = padded[k + width, k:k + width + 1]
            entries[k, width + 1:, number] = padded[k:k + width, k + width]
    # Rows behind the last, which nothing couples to.
    entries[n:, width, 0] = 1.0
    return entries.view(float).ravel()


def lead_modes(energies: np.ndarray, width: int, m: int,
               *lead: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Self-energies on the interface of a lead, and what its modes carry away.

    Parameters
    ----------
    energies : array of complex
        Such that each is close to the one before.
    width, m : int
        Of the band; orbitals of the interface.
    lead : arrays
        The band; H; place of each of n orbitals in the band; rows and columns of what is not 0 in V, shape (bonds, 2),
        and its values; vectors from which modes are found, shape (n, roots); where the search for roots starts, and
        factors close to 1 that part the roots of one energy for the search at the next.

    Returns
    -------
    sigma : array of complex, shape (energies, m, m)
    flow : array of float, shape (energies,)
        Sum of the velocities of the modes that carry electrons away, in cells per time.
    number : array of int, shape (energies,)
        Of those modes.
    good : array of bool, shape (energies,)
        Whether the self-energy solves its equation and absorbs.
    """
    _, cell, _, bonds, *_, guess, _ = lead
    count, n, roots = len(energies), len(cell), len(guess)
    groups = -(-count // LANES)
    # Lanes without an energy repeat the last.
    padded = energies[np.minimum(np.arange(groups * LANES), count - 1)]
    sigma, good = aligned(groups * m * m), np.zeros(groups * LANES, bool)
    flow, number = np.zeros(groups * LANES), np.zeros(groups * LANES)
    KERNELS["lead_modes"]((n, m, roots // 2, width, len(bonds), groups, LANES, roots, 2 * LANES * m * m), *lead,
                          padded.real.copy(), padded.imag.copy(), sigma, flow, number, good)
    return unpacked(sigma.reshape(groups, -1), m, m, count), flow[:count], number[:count].astype(int), good[:count]
