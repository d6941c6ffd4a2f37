"""Leads whose transverse modes are chains of their own, as on a ribbon without a field: closed forms.

The surface of a chain with hopping t around the energy c obeys s = |t|^2 / (x - s), x = E - c, so that

    s = (x - i v) / 2,    v = (4 |t|^2 - x^2)^(1/2),    retarded branch.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

# Of the largest element, what counts as 0 off the diagonal, times the number of orbitals.
_DIAGONAL = 1e-13
# Edges closer than this, relative to the largest, are one.
_SAME_EDGE = 1e-12


def continued_velocity(x: np.ndarray, hopping: np.ndarray | float) -> np.ndarray:
    """(4 t^2 - x^2)^(1/2), retarded branch, continued to complex energies."""
    x = np.asarray(x) + 0j  # +0j: approach the real axis from above
    return -1j * np.sqrt(x - 2 * hopping) * np.sqrt(x + 2 * hopping)


@dataclass(frozen=True)
class IndependentChains:
    """Transverse modes that the hopping between cells does not mix.

    Attributes
    ----------
    vectors : array of complex, shape (orbitals, modes)
    centers, hoppings : arrays of float, shape (modes,)
        Middle of each one's band, and |t|.
    """

    vectors: np.ndarray
    centers: np.ndarray
    hoppings: np.ndarray

    @classmethod
    def of(cls, onsite: np.ndarray, hopping: np.ndarray) -> Self | None:
        """Those of a lead, or None: the cell's H and V must commute, with each other and with V^+.

        Parameters
        ----------
        onsite, hopping : arrays of complex
            H and V, see `LeadModes`.
        """
        if onsite.shape != hopping.shape:
            return None
        parts = [onsite, hopping + hopping.conj().T, 1j * (hopping - hopping.conj().T)]
        # Eigenvectors of a combination of all three are those of each, unless some happen to be degenerate in it only.
        _, vectors = np.linalg.eigh(sum(factor * part for factor, part in zip((1, 0.6180339, 0.2718281), parts,
                                                                             strict=True)))
        diagonal = [vectors.conj().T @ matrix @ vectors for matrix in (onsite, hopping)]
        least = _DIAGONAL * len(onsite) * max(np.abs(onsite).max(), np.abs(hopping).max())
        if any(np.abs(matrix - np.diag(matrix.diagonal())).max() > least for matrix in diagonal):
            return None
        return cls(vectors, diagonal[0].diagonal().real, np.abs(diagonal[1].diagonal()))

    def self_energy(self, energies: np.ndarray) -> np.ndarray:
        """Shape (energies, orbitals, orbitals); complex energies in the upper half plane."""
        x = np.asarray(energies)[:, None] - self.centers
        surface = 0.5 * (x - 1j * continued_velocity(x, self.hoppings))
        return (self.vectors * surface[:, None]) @ self.vectors.conj().T

    def velocity(self, energies: np.ndarray) -> np.ndarray:
        """Mean velocity of the open modes, in cells per time, 0 where none is open: shape (energies,)."""
        away = continued_velocity(energies[:, None] - self.centers, self.hoppings).real
        return away.sum(axis=1) / np.maximum((away > 0).sum(axis=1), 1)

    def open_modes(self, energy: float) -> int:
        """Number of modes that carry particles in one direction."""
        return int(np.count_nonzero(np.abs(energy - self.centers) < 2 * self.hoppings))

    def turns(self, energy: float) -> np.ndarray:
        """By how much the momentum of each open mode changes where it is reflected, per cell."""
        x, reach = np.abs(energy - self.centers), 2 * self.hoppings
        is_open = x < reach
        return 2 * np.arccos(x[is_open] / reach[is_open])

    def edges(self) -> np.ndarray:
        """Edges of all bands, sorted."""
        edges = np.sort(np.concatenate([self.centers - 2 * self.hoppings, self.centers + 2 * self.hoppings]))
        return edges[np.diff(edges, prepend=-np.inf) > _SAME_EDGE * np.abs(edges).max()]
