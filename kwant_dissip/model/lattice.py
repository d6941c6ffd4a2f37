"""A finalized kwant system as numbers: Hamiltonian, leads, and the graph of its hoppings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags_array
from scipy.sparse.csgraph import connected_components, dijkstra, reverse_cuthill_mckee

from .._kwant import kwant
from ..leads.choose import lead_of
from ..leads.lead import Lead
from .charges import Charge, check_charges
from .per_site import named

# Below this largest energy kwant's modes, whose tolerances are absolute, do not tell one from another.
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Lattice:
    """Hamiltonian and leads of a finalized system, read from kwant once.

    Attributes
    ----------
    syst : kwant.system.FiniteSystem
    params : dict or None
    hamiltonian : scipy.sparse.csr_matrix, shape (orbitals, orbitals)
    offsets : array of int, shape (sites + 1,)
        First orbital of each site.
    leads : list of Lead
    interfaces : list of arrays of int
        Sites that each lead couples to.
    positions : array of float, shape (sites, dimensions)
        nan where a site has none, or in a space of other dimension than most.
    """

    syst: kwant.system.FiniteSystem
    params: dict | None
    hamiltonian: csr_matrix
    offsets: np.ndarray
    leads: list[Lead]
    interfaces: list
    positions: np.ndarray

    @property
    def sites(self) -> Sequence:
        """The sites, `kwant.builder.Site`, in the order of all results."""
        return self.syst.sites

    def by_orbital(self) -> "Lattice":
        """The same system as if every orbital were a site (but for `sites`)."""
        orbitals = int(self.offsets[-1])
        return replace(self, offsets=np.arange(orbitals + 1), positions=np.repeat(
            self.positions, np.diff(self.offsets), axis=0), interfaces=[
                self.interface_orbitals(lead) for lead in range(len(self.leads))])

    @cached_property
    def graph(self) -> csr_matrix:
        """Which sites a hopping connects: sparse matrix of ones, shape (sites, sites), empty diagonal."""
        entries = coo_matrix(self.hamiltonian)
        site = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        row, col = site[entries.row], site[entries.col]
        bond = (row != col) & (entries.data != 0)
        count = len(self.offsets) - 1
        graph = csr_matrix((np.ones(bond.sum()), (row[bond], col[bond])), shape=(count, count))
        graph.data[:] = 1
        return graph

    @property
    def has_positions(self) -> bool:
        """Whether all sites have a position in one space."""
        return bool(self.positions.shape[1]) and bool(np.all(np.isfinite(self.positions)))

    @property
    def contacts(self) -> np.ndarray:
        """Lead, and site that it couples to: array of int, shape (contacts, 2)."""
        return np.array([(lead, site) for lead, interface in enumerate(self.interfaces) for site in interface])

    @property
    def lead_directions(self) -> np.ndarray:
        """Unit vector along each lead, outwards, 0 if it is given by a self-energy: shape (leads, dimensions)."""
        result = np.zeros((len(self.leads), self.positions.shape[1]))
        for direction, lead in zip(result, self.syst.leads, strict=True):
            if not hasattr(lead, "symmetry"):
                continue
            # Of the sites' positions, which may be in another space than the symmetry's periods.
            site = lead.sites[0]
            here, there = _positions([site, lead.symmetry.act((1,), site)])
            if len(here) == len(direction) and np.any(there != here):
                direction[:] = np.nan_to_num((there - here) / np.linalg.norm(there - here))
        return result

    def require_energies(self) -> None:
        """Raise ValueError if a lead knows one energy only."""
        for lead in self.leads:
            if lead.is_fixed:
                raise ValueError(f"Lead {lead.number} was calculated at one energy (precalculate); all in the thermal "
                                 "window are needed. Pass the original system; linear_response at temperature=0 takes "
                                 "this one, at its own energy.")

    def require_positions(self, what: str) -> None:
        """Raise ValueError, saying what needs them, unless all sites have a position in one space."""
        if not self.has_positions:
            lost = np.flatnonzero(np.isnan(self.positions).any(axis=1))
            site = self.sites[lost[0] if len(lost) else 0]
            raise ValueError(f"{what} needs the positions of all sites in one space: {named(site)} of the family "
                             f"{site.family.name!r} has none there.")

    def laplacian(self) -> tuple[csr_matrix, np.ndarray]:
        """Sum over the hoppings of a site of (U_i - U_j), with U_j given in the leads.

        Returns
        -------
        matrix : scipy.sparse.csr_matrix, shape (sites, sites)
        sources : array of float, shape (sites, leads)
            The sum is matrix @ U - sources @ U_leads.
        """
        graph = self.graph
        hoppings, sources = np.asarray(graph.sum(axis=1)).ravel(), np.zeros((graph.shape[0], len(self.leads)))
        for number, (lead, interface) in enumerate(zip(self.leads, self.interfaces, strict=True)):
            np.add.at(hoppings, interface, lead.hoppings())
            np.add.at(sources[:, number], interface, lead.hoppings())
        return csr_matrix(diags_array(hoppings) - graph), sources

    def gradient(self, values: np.ndarray) -> np.ndarray:
        """Gradient of a field at each site, by least squares over its hoppings.

        Parameters
        ----------
        values : array of float, shape (sites,)

        Returns
        -------
        array of float, shape (sites, dimensions)
            0 in directions in which a site has no neighbour with a position.
        """
        bonds = coo_matrix(self.graph)
        distance = np.nan_to_num(self.positions[bonds.col] - self.positions[bonds.row])  # none without a position
        dimensions = distance.shape[1]
        normal, right = np.zeros((len(values), dimensions, dimensions)), np.zeros((len(values), dimensions))
        np.add.at(normal, bonds.row, distance[:, :, None] * distance[:, None, :])
        np.add.at(right, bonds.row, distance * (values[bonds.col] - values[bonds.row])[:, None])
        return np.einsum("ixy,iy->ix", np.linalg.pinv(normal, hermitian=True, rcond=1e-10), right)

    def interface_orbitals(self, lead: int) -> np.ndarray:
        """Orbitals that lead number `lead` couples to, in the order of its self-energy."""
        return np.concatenate([np.arange(self.offsets[i], self.offsets[i + 1]) for i in self.interfaces[lead]])

    def lead_distances(self) -> np.ndarray:
        """How many hoppings each site is away from each lead, shape (leads, sites); inf where not connected."""
        return np.array([dijkstra(self.graph, unweighted=True, indices=interface, min_only=True)
                         for interface in self.interfaces])

    def nearest_leads(self) -> np.ndarray:
        """Number of the lead with known velocities that is fewest hoppings away from each site, shape (sites,)."""
        known = np.array([lead.has_velocity for lead in self.leads])
        return np.argmin(np.where(known[:, None], self.lead_distances(), np.inf), axis=0)

    def unconnected(self, coupled: np.ndarray) -> np.ndarray:
        """Coupled sites that no hopping connects to any lead: array of int."""
        _, piece = connected_components(self.graph, directed=False)
        reached = np.unique(np.concatenate([piece[interface] for interface in self.interfaces]))
        return np.flatnonzero(coupled & ~np.isin(piece, reached))

    def wires(self, coupled: np.ndarray) -> np.ndarray:
        """Connected pieces of the coupled sites, numbered by their first site; -1 where not coupled."""
        labels = np.full(len(coupled), -1)
        chosen = np.flatnonzero(coupled)
        labels[chosen] = connected_components(self.graph[chosen][:, chosen], directed=False)[1]
        return labels

    def chain_order(self) -> np.ndarray | None:
        """Sites ordered along the chain, or None if the system is not a chain of single orbitals.

        Returns
        -------
        array of int, shape (sites,), or None
            With it, the Hamiltonian is tridiagonal and every lead couples to one site.
        """
        return self._chain_order

    @cached_property
    def _chain_order(self):
        if np.any(np.diff(self.offsets) != 1) or any(len(i) != 1 for i in self.interfaces):
            return None
        graph = self.graph
        natural = np.arange(graph.shape[0])
        for order in (natural, reverse_cuthill_mckee(graph, symmetric_mode=True)):
            permuted = coo_matrix(graph[order][:, order])
            if np.all(np.abs(permuted.row - permuted.col) <= 1):
                return order
        return None


def read(syst: kwant.system.FiniteSystem, params: dict | None = None, charge: Charge | None = None) -> Lattice:
    """Read a finalized system.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized, with leads.
    params : dict or None
        Values of the parameters of its value functions.
    charge : number, Hermitian matrix, or function of a site, optional
        Charge of the orbitals, see `check_charges`; by default the leads are asked.

    Returns
    -------
    Lattice

    Raises
    ------
    TypeError
        If `syst` is not finalized, or no kwant system, or `params` lack one of its parameters.
    ValueError
        If it has no leads, leads of electrons and holes, or a Hamiltonian that is not finite and Hermitian, or in
        units that are too large.
    """
    if isinstance(syst, kwant.Builder):
        raise TypeError("syst is a kwant.Builder that is not finalized; pass syst.finalized().")
    if not isinstance(syst, kwant.system.FiniteSystem):
        raise TypeError(f"syst must be a finalized kwant system with leads, got {type(syst).__name__}.")
    if params is not None and not isinstance(params, Mapping):
        raise TypeError(f"params must be a dict of the value functions' parameters, or None, got {params!r}.")
    if not syst.leads:
        raise ValueError("syst has no leads; attach at least one with attach_lead before finalizing.")
    needed = {name for part in (syst, *syst.leads) for name in getattr(part, "parameters", None) or ()}
    missing = sorted(needed.difference(params or ()))
    if missing:
        raise TypeError(f"params must have values for {', '.join(missing)}, which value functions of syst take, as in "
                        f"params={{{missing[0]!r}: 0.1}}; got {params!r}.")
    hamiltonian, norbs = syst.hamiltonian_submatrix(params=params, sparse=True, return_norb=True)[:2]
    hamiltonian = csr_matrix(hamiltonian)
    if not np.all(np.isfinite(hamiltonian.data)):
        raise ValueError("The Hamiltonian of syst holds values that are not finite.")
    if abs(hamiltonian - hamiltonian.getH()).max() > 1e-13 * max(abs(hamiltonian).max(), 1e-300):
        raise ValueError("The Hamiltonian of syst is not Hermitian; losses are described by the PhononBath.")
    largest = abs(hamiltonian).max()
    if 0 < largest < _SMALLEST:
        raise ValueError(f"The largest energy in the Hamiltonian of syst is {largest:.3g}: the unit of energy is too "
                         "large for kwant, whose modes have absolute tolerances. Give all energies in eV, not in "
                         "joule, or in units of the hopping.")
    if charge is not None:
        check_charges(charge, syst.sites, norbs)
    offsets = np.concatenate([[0], np.cumsum(norbs)]).astype(int)
    leads = [lead_of(syst, number, params, charge is not None) for number in range(len(syst.leads))]
    interfaces = [np.asarray(interface, int) for interface in syst.lead_interfaces]
    return Lattice(syst, params, hamiltonian, offsets, leads, interfaces, _positions(syst.sites))


def _positions(sites):
    """Positions in the space that most sites are in, shape (sites, dimensions); nan of sites that are in none of it."""
    known = [np.atleast_1d(np.asarray(getattr(site, "pos", ()), float)) for site in sites]
    dimensions = int(np.argmax(np.bincount([len(position) for position in known])))
    return np.array([position if len(position) == dimensions else np.full(dimensions, np.nan) for position in known])
