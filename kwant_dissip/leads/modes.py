"""Modes and self-energy of a periodic lead at many energies side by side.

With H the Hamiltonian of a cell and V the hopping, the surface obeys F = g V, g = (E - H - V^+ F)^-1, so that

    V^+ F^2 - (E - H) F + V = 0,    Sigma = V^+ F.

The columns of F's eigenvectors are the modes u lambda^j, j counted from the system, that decay (|lambda| < 1) or carry
electrons away (|lambda| = 1): n of the 2 n solutions of V^+ lambda^2 u - (E - H) lambda u + V u = 0.
"""

import numpy as np
from scipy.sparse.csgraph import connected_components

from .pencil import pencil_modes
from .roots import BandedLead, couples


class LeadModes:
    """Self-energy on the interface, and the mean velocity of the modes that carry electrons away.

    Parameters
    ----------
    cell : array of complex, shape (n, n)
        H, Hermitian.
    hopping : array of complex, shape (n, m)
        V between neighbouring cells, as kwant has it: of all orbitals with the first m.
    """

    def __init__(self, cell: np.ndarray, hopping: np.ndarray) -> None:
        self._cell, self._hopping = cell, hopping
        m = hopping.shape[1]
        self._parts = []
        for part in _independent(cell, hopping):
            interface = part[part < m]
            self._parts.append((interface, BandedLead(cell[np.ix_(part, part)], hopping[np.ix_(part, interface)])))

    def __call__(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """At many energies.

        Parameters
        ----------
        energies : array of float or complex, shape (energies,)
            Complex ones in the upper half plane.

        Returns
        -------
        sigma : array of complex, shape (energies, m, m)
        velocity : array of float, shape (energies,)
            In cells per time; 0 where no mode is open.
        good : array of bool, shape (energies,)
            Whether sigma solves its equation and absorbs. Not so next to degenerate band edges, or where modes of
            opposite velocities have the same momentum.
        """
        if not all(lead.narrow for _, lead in self._parts):
            return pencil_modes(self._cell, self._hopping, energies)
        m, count, energies = self._hopping.shape[1], len(energies), np.asarray(energies)
        sigma, flow = np.zeros((count, m, m), complex), np.zeros(count)
        number, good = np.zeros(count, int), np.ones(count, bool)
        for interface, lead in self._parts:
            block, more, open_modes, solved = lead.modes(energies)
            sigma[:, interface[:, None], interface] = block
            flow, number, good = flow + more, number + open_modes, good & solved
        velocity, rest = flow / np.maximum(number, 1), np.flatnonzero(~good)
        if len(rest):
            sigma[rest], velocity[rest], good[rest] = pencil_modes(self._cell, self._hopping, energies[rest])
        return sigma, velocity, good


def _independent(cell, hopping):
    """Sets of coupled orbitals, without those that never leave a cell: list of arrays of int."""
    m = hopping.shape[1]
    padded = np.zeros_like(cell)
    padded[:, :m] = hopping
    _, label = connected_components(couples(cell, padded), directed=False)
    return [np.flatnonzero(label == number) for number in np.unique(label[:m][np.any(hopping, axis=0)])]
