"""Leads of superconductors, which are refused: whether a lead describes electrons and holes."""

from itertools import combinations

import numpy as np

from .._kwant import kwant

# Where bands of electrons and holes are compared.
_MOMENTA = (0.0, 1.0)
# How well bands and hoppings agree if they are the same, relative to the largest element.
_SAME = 1e-9


def has_holes(lead: kwant.system.InfiniteSystem, params: dict | None) -> bool:
    """Whether the lead's symmetries say that it describes electrons and holes.

    Parameters
    ----------
    lead : kwant.system.InfiniteSystem
        Finalized lead.
    params : dict or None
        Parameters of its Hamiltonian.

    Notes
    -----
    A particle-hole symmetry says so, or a conserved charge of both signs: the bands of holes are those of electrons,
    turned around, and so are their hoppings, -t^* for t; those of spins need not, though on a bipartite lattice their
    bands can mirror each other.
    """
    symmetry = lead.discrete_symmetry(params=params)
    # As declared: kwant completes a third symmetry from two, of graphene's for example.
    declared = getattr(lead, "_symmetries", (None, symmetry.particle_hole, None))[1]
    if declared is not None:
        return True
    if symmetry.projectors is None:
        return False
    charges = _Charges(lead, params)
    return any(charges.mirrored(p, q) for p, q in combinations([part.toarray() for part in symmetry.projectors], 2))


class _Charges:
    """Bands and hoppings within each conserved charge; a charge is a projector, array of shape (orbitals, states)."""

    def __init__(self, lead, params):
        self._onsite = lead.cell_hamiltonian(params=params)
        hopping = lead.inter_cell_hopping(params=params)
        self._hop = np.zeros(self._onsite.shape, complex)
        self._hop[:, :hopping.shape[1]] = hopping
        _, norbs, _ = lead.hamiltonian_submatrix(params=params, return_norb=True)
        self._site = np.repeat(np.arange(lead.cell_size), norbs[:lead.cell_size])
        self._size = max(np.abs(self._onsite).max(), np.abs(hopping).max())

    def mirrored(self, p, q):
        """Whether one charge is made of the holes of the other's electrons."""
        return (all(self._same(self._bands(p, k), -self._bands(q, -k)[::-1]) for k in _MOMENTA)
                and not all(self._same(self._bands(p, k), self._bands(q, k)) for k in _MOMENTA)
                and self._same(self._traces(p), -self._traces(q).conj()))

    def _bands(self, projector, momentum):
        part = self._hop * np.exp(1j * momentum)
        return np.linalg.eigvalsh(projector.conj().T @ (self._onsite + part + part.conj().T) @ projector)

    def _traces(self, projector):
        """Of each pair of sites the hopping within this charge, summed over orbitals: however these are chosen."""
        within = projector @ projector.conj().T
        matrices = np.array([self._onsite, self._hop]) @ within
        sites = range(self._site[-1] + 1)
        return np.array([np.diag(matrix[self._site == a][:, self._site == b]).sum() for matrix in matrices
                         for a in sites for b in sites])

    def _same(self, one, other):
        return len(one) == len(other) and np.abs(one - other).max() <= _SAME * self._size
