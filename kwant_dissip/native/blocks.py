"""Systems in slices of any width, many energies side by side (`blocks.h`)."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from . import KERNELS, LANES
from .elements import ELEMENT, aligned


@dataclass(frozen=True, eq=False)
class Layout:
    """A system in slices, as arrays of numbers.

    Attributes
    ----------
    width : array of int, shape (slices,)
        Orbitals of each slice.
    green_at, right_at, left_at : arrays of int, shape (slices,)
        Place of G_ii, B_i and C_i among the elements of an energy.
    first : array of int, shape (slices,)
        First orbital.
    site : array of int, shape (orbitals,)
        Site of each orbital.
    onsite : array of complex
        Elements of all H_ii, at the places of G_ii.
    hop_start : array of int, shape (slices,)
        Hoppings from slice i to i + 1 are those from hop_start[i] to hop_start[i + 1]; the last slice has none.
    hop_row, hop_column, hop_value, hop_bond : arrays
        Orbital in slice i + 1, orbital in slice i, matrix element of H_{i+1,i}, and number of the bond of sites.
    bond_start, bond_row, bond_column, bond_value, bond_number : arrays
        Likewise the elements of H_ii between a later and an earlier site; bond_start has slices + 1 elements.
    lead_start, lead_number : arrays of int
        Leads of slice i are lead_number[lead_start[i]:lead_start[i + 1]].
    lead_first, lead_place, lead_at : arrays of int
        Orbitals of lead a within its slice: lead_place[lead_first[a]:lead_first[a + 1]]; lead_at[a] is the place of its
        matrix among those of all leads.
    """

    width: np.ndarray
    green_at: np.ndarray
    right_at: np.ndarray
    left_at: np.ndarray
    first: np.ndarray
    site: np.ndarray
    onsite: np.ndarray
    hop_start: np.ndarray
    hop_row: np.ndarray
    hop_column: np.ndarray
    hop_value: np.ndarray
    hop_bond: np.ndarray
    bond_start: np.ndarray
    bond_row: np.ndarray
    bond_column: np.ndarray
    bond_value: np.ndarray
    bond_number: np.ndarray
    lead_start: np.ndarray
    lead_number: np.ndarray
    lead_first: np.ndarray
    lead_place: np.ndarray
    lead_at: np.ndarray

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    @cached_property
    def _sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        passing = (self.width[1:] * self.width[:-1]).sum()
        counts = (len(self.width), int(self.site[-1]) + 1, len(self.site), len(self.hop_row), len(self.bond_row),
                  len(self.lead_number))
        return counts, tuple(int(count) * ELEMENT for count in (self.lead_at[-1], (self.width ** 2).sum(), passing))

    def run(self, name: str, energies: int, *arrays: np.ndarray) -> None:
        """Call a kernel with all of this and so many energies."""
        counts, rows = self._sizes
        KERNELS[name]((*counts, energies, -(-energies // LANES), *rows), *self._arrays, *arrays)


def block_green(layout: Layout, energies: np.ndarray, potential: np.ndarray, gamma_re: np.ndarray, gamma_im: np.ndarray,
                sigma: np.ndarray, green: np.ndarray, to_right: np.ndarray, to_left: np.ndarray, diagonal: np.ndarray,
                largest: np.ndarray) -> None:
    """Green's function on the slices, and how it goes on to their neighbours.

    Parameters
    ----------
    layout : Layout
    energies : array of complex
    potential : array of float, shape (sites,)
    gamma_re, gamma_im : arrays of float, shape (sites, energies)
        gamma of each site.
    sigma : array of float, shape (groups, floats)
        Self-energies of the leads (`elements.packed`).
    green, to_right, to_left : arrays of float, shape (groups, floats)
        Results: G_ii, B_i and C_i.
    diagonal : array of complex, shape (orbitals, energies)
        Result: the diagonals of all G_ii.
    largest : array of float, shape (energies,)
        Result: the largest norm of a B_i or C_i, nan if one is or a diagonal is not finite.
    """
    layout.run("block_green", len(energies), np.concatenate([energies.real, energies.imag]), potential, gamma_re,
               gamma_im, sigma, green, to_right, to_left, diagonal, largest)


def lead_rates(layout: Layout, energies: int, sigma: np.ndarray) -> np.ndarray:
    """Gamma_a = i (Sigma_a - Sigma_a^+) of all leads at so many energies, from `block_green`'s self-energies."""
    rates = aligned(sigma.size // ELEMENT).reshape(sigma.shape)
    layout.run("lead_rates", energies, sigma, rates)
    return rates


def block_occupation(layout: Layout, source: np.ndarray, lead_filling: np.ndarray, lead_rate: np.ndarray,
                     green: np.ndarray, to_right: np.ndarray, to_left: np.ndarray, n: np.ndarray,
                     inflow: np.ndarray) -> None:
    """Occupation that arrives at the sites, and what the leads send in.

    Parameters
    ----------
    layout : Layout
    source : array of float, shape (sites, energies)
    lead_filling : array of float, shape (leads, energies)
    lead_rate : array of float, shape (groups, floats)
        Gamma_a (`elements.packed`).
    green, to_right, to_left : arrays of float, shape (groups, floats)
        From `block_green`.
    n, inflow : arrays of float, shapes (sites, energies) and (leads, energies)
        Results, which are added to.
    """
    layout.run("block_occupation", source.shape[1], source, lead_filling, lead_rate, green, to_right, to_left, n,
               inflow)


def block_bond_flows(layout: Layout, source: np.ndarray, lead_filling: np.ndarray, lead_rate: np.ndarray,
                     green: np.ndarray, to_right: np.ndarray, to_left: np.ndarray, flows: np.ndarray) -> None:
    """Particles on every bond of sites, from the later to the earlier one: 2 Im Tr H_ij G^n_ji.

    Parameters
    ----------
    layout, source, lead_filling, lead_rate, green, to_right, to_left
        As for `block_occupation`.
    flows : array of float, shape (bonds, energies)
        Result, which is added to.
    """
    layout.run("block_bond_flows", source.shape[1], source, lead_filling, lead_rate, green, to_right, to_left, flows)


def block_arrivals(layout: Layout, source: np.ndarray, lead_filling: np.ndarray, lead_rate: np.ndarray,
                   green: np.ndarray, to_right: np.ndarray, to_left: np.ndarray, left: np.ndarray,
                   right: np.ndarray) -> None:
    """X_i and Y_i of every slice.

    Parameters
    ----------
    layout, source, lead_filling, lead_rate, green, to_right, to_left
        As for `block_occupation`.
    left, right : arrays of float, shape (groups, floats)
        Results, at the places of G_ii.
    """
    layout.run("block_arrivals", source.shape[1], source, lead_filling, lead_rate, green, to_right, to_left, left,
               right)


def block_exchange(layout: Layout, absorbed: np.ndarray, source: np.ndarray, lead_rate: np.ndarray, green: np.ndarray,
                   to_right: np.ndarray, to_left: np.ndarray, result: np.ndarray) -> None:
    """sum_k absorbed_ik |G_ij|^2_k source_jk between all sites, summed over energies.

    Parameters
    ----------
    layout : Layout
    absorbed, source : arrays of float, shape (sites, energies)
    lead_rate, green, to_right, to_left : arrays of float, shape (groups, floats)
        As for `block_occupation`.
    result : array of float, shape (sites, sites)
        Which is added to.
    """
    layout.run("block_exchange", source.shape[1], source, absorbed, lead_rate, green, to_right, to_left, result)
