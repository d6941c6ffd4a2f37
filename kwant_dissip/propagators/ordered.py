"""Sites and orbitals of a lattice in a propagator's own order."""

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from ..model.lattice import Lattice


class OrderedSites:
    """Sites in another order, their orbitals, and the hoppings between them.

    Parameters
    ----------
    lattice : Lattice
    order : array of int, shape (sites,)

    Attributes
    ----------
    order : array of int, shape (sites,)
    site_of_orbital : array of int, shape (orbitals,)
        Row of the site of each orbital, site by site.
    orbitals : array of int, shape (orbitals,)
        The lattice's number of each orbital.
    hamiltonian : scipy.sparse.csr_matrix, shape (orbitals, orbitals)
    scale : float
        Largest matrix element.
    bonds : array of int, shape (hoppings, 2)
        Sites of each hopping, growing.
    interfaces : list of arrays of int
        Orbitals that each lead couples to, in the order of its self-energy.
    """

    def __init__(self, lattice: Lattice, order: np.ndarray) -> None:
        norbs = np.diff(lattice.offsets)
        self.order = order
        self.site_of_orbital = np.repeat(np.arange(len(order)), norbs[order])
        self._first = np.concatenate([[0], np.cumsum(norbs[order])[:-1]])
        self._single = np.all(norbs == 1)
        self.orbitals = (lattice.offsets[order] - self._first)[self.site_of_orbital] + np.arange(norbs.sum())
        self.hamiltonian = lattice.hamiltonian[self.orbitals][:, self.orbitals]
        self.scale = abs(self.hamiltonian).max()
        bonds = coo_matrix(lattice.graph[order][:, order])
        forward = bonds.row < bonds.col
        self.bonds = np.stack([bonds.row[forward], bonds.col[forward]], axis=1)
        place = np.empty(len(self.orbitals), int)
        place[self.orbitals] = np.arange(len(self.orbitals))
        self.interfaces = [place[lattice.interface_orbitals(lead)] for lead in range(len(lattice.leads))]

    def bond_numbers(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Number of the bond between sites, the first of which comes earlier; -1 where there is none."""
        shape = 2 * (len(self.order),)
        number = csr_matrix((np.arange(1, 1 + len(self.bonds)), self.bonds.T), shape=shape)
        return np.asarray(number[first, second]).ravel() - 1 if len(first) else np.empty(0, int)

    def by_site(self, values: np.ndarray) -> np.ndarray:
        """Sums over the orbitals of each site, along the first axis."""
        return values if self._single else np.add.reduceat(values, self._first, axis=0)
