"""Systems of any shape by nested dissection, many energies side by side (`fronts.h`)."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from . import KERNELS, LANES
from .elements import ELEMENT


@dataclass(frozen=True, eq=False)
class Fronts:
    """A system as an elimination tree, as arrays of numbers.

    In the front of node v stand its own orbitals, then those of its boundary; rows and columns below are places there.

    Attributes
    ----------
    own, boundary, first : arrays of int, shape (nodes,)
        Own orbitals, orbitals of the boundary, and the first own orbital.
    plain : array of int, shape (nodes,)
        1 where a node has no children, and its own orbitals no lead.
    child_start, child : arrays of int
        Children of node v are child[child_start[v]:child_start[v + 1]], in the order in which they go.
    place_start, place : arrays of int
        Place of each orbital of a node's boundary in the front of its parent, from place_start[v] on.
    hop_start, hop_row, hop_column, hop_value, hop_bond : arrays
        Elements of the Hamiltonian of node v are those from hop_start[v] to hop_start[v + 1]: own orbital, later
        orbital, H_{row,column}, and number of the bond of sites, -1 inside a site; hop_start has nodes + 1 elements.
    lead_start, lead_row, lead_column, lead_place, lead_mirror, lead_number : arrays of int
        Likewise elements of the leads, of which the diagonal is one: place of (row, column) and of (column, row) among
        the elements of all leads, and number of the lead.
    site : array of int, shape (orbitals,)
        Site of each orbital.
    onsite : array of float, shape (orbitals,)
        Diagonal of the Hamiltonian.
    inverse_at, to_boundary_at, to_own_at, green_at, passage_at : arrays of int, shape (nodes,)
        Place of K, L, U, G_bb, and of what sends a plain node's sources to its own sites, among what is kept.
    symmetric : bool
        Whether M is taken to be symmetric, U being L transposed.
    lead_elements, kept_elements : int
        Elements of all leads, and of what is kept of an energy.
    """

    own: np.ndarray
    boundary: np.ndarray
    first: np.ndarray
    plain: np.ndarray
    child_start: np.ndarray
    child: np.ndarray
    place_start: np.ndarray
    place: np.ndarray
    hop_start: np.ndarray
    hop_row: np.ndarray
    hop_column: np.ndarray
    hop_value: np.ndarray
    hop_bond: np.ndarray
    lead_start: np.ndarray
    lead_row: np.ndarray
    lead_column: np.ndarray
    lead_place: np.ndarray
    lead_mirror: np.ndarray
    lead_number: np.ndarray
    site: np.ndarray
    onsite: np.ndarray
    inverse_at: np.ndarray
    to_boundary_at: np.ndarray
    to_own_at: np.ndarray
    green_at: np.ndarray
    passage_at: np.ndarray
    symmetric: bool
    lead_elements: int
    kept_elements: int

    @cached_property
    def _arrays(self):
        return tuple(np.ascontiguousarray(part, complex if part.dtype == complex else float if part.dtype == float
                                          else np.int64)
                     for part in (getattr(self, field.name) for field in fields(self)) if isinstance(part, np.ndarray))

    def run(self, name: str, leads: int, energies: int, *arrays: np.ndarray) -> None:
        """Call a kernel with all of this and so many leads and energies."""
        counts = (len(self.own), int(self.site[-1]) + 1, len(self.site), len(self.child), len(self.place),
                  len(self.hop_row), len(self.lead_row), leads, energies, -(-energies // LANES), int(self.symmetric),
                  self.lead_elements * ELEMENT, self.kept_elements * ELEMENT)
        KERNELS[name](counts, *self._arrays, *arrays)


def front_green(fronts: Fronts, energies: np.ndarray, potential: np.ndarray, gamma_re: np.ndarray, gamma_im: np.ndarray,
                sigma: np.ndarray, lead_rate: np.ndarray, kept: np.ndarray, diagonal: np.ndarray, trace: np.ndarray,
                largest: np.ndarray) -> None:
    """Green's function: what of it transports need.

    Parameters
    ----------
    fronts : Fronts
    energies : array of complex
    potential : array of float, shape (sites,)
    gamma_re, gamma_im : arrays of float, shape (sites, energies)
        gamma of each site.
    sigma, lead_rate : arrays of float, shape (groups, floats)
        Self-energies of the leads and their Gamma_a (`elements.packed`).
    kept : array of float, shape (groups, floats)
        Result: K, L, U and G_bb of all nodes.
    diagonal : array of complex, shape (orbitals, energies)
        Result: that of G.
    trace : array of float, shape (leads, energies)
        Result, which is added to: Tr Gamma_a A.
    largest : array of float, shape (energies,)
        Result: the largest norm of an L or U, nan if one is or a diagonal is not finite.
    """
    fronts.run("front_green", len(trace), len(energies), np.concatenate([energies.real, energies.imag]), potential,
               gamma_re, gamma_im, sigma, lead_rate, kept, diagonal, trace, largest)


def front_occupation(fronts: Fronts, source: np.ndarray, lead_filling: np.ndarray, lead_rate: np.ndarray,
                     trace: np.ndarray, kept: np.ndarray, n: np.ndarray, inflow: np.ndarray) -> None:
    """Occupation that arrives at the sites, and what the leads send in.

    Parameters
    ----------
    fronts : Fronts
    source : array of float, shape (sites, energies)
    lead_filling : array of float, shape (leads, energies)
    lead_rate, trace, kept : arrays of float
        As for `front_green`.
    n, inflow : arrays of float, shapes (sites, energies) and (leads, energies)
        Results, which are added to.
    """
    fronts.run("front_occupation", len(trace), source.shape[1], source, lead_filling, lead_rate, trace, kept, n, inflow)


def front_bond_flows(fronts: Fronts, source: np.ndarray, lead_filling: np.ndarray, lead_rate: np.ndarray,
                     trace: np.ndarray, kept: np.ndarray, flows: np.ndarray) -> None:
    """Particles on every bond of sites, from the later to the earlier one: 2 Im Tr H_ij N_ji.

    Parameters
    ----------
    fronts, source, lead_filling, lead_rate, trace, kept
        As for `front_occupation`.
    flows : array of float, shape (bonds, energies)
        Result, which is added to.
    """
    fronts.run("front_bond_flows", len(trace), source.shape[1], source, lead_filling, lead_rate, trace, kept, flows)
