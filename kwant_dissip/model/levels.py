"""Isolated levels: energies near which a peak may be too narrow for a grid of energies to notice."""

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.sparse import csc_matrix, diags_array
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from .lattice import Lattice

# Up to this many orbitals all eigenstates are found; beyond, those next to where they are looked for.
_DENSE = 200
_FEW, _NEAREST = 12, 60
# What is isolated is found soon; levels of a band that crowd at its edge, which are not looked for, never.
_RESTARTS = 20
# An eigenstate counts as narrow if its width is less than this, in units of the largest matrix element.
_NARROW = 1e-3
_MOST_LEVELS = 100
# In units of the largest matrix element.
_BESIDE = 1e-7


def isolated_levels(lattice: Lattice, bath_rates: np.ndarray, band_shifts: np.ndarray, potential: np.ndarray,
                    low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """Bound states outside the leads' bands, states that leads and bath hardly reach, levels of sites without bath.

    Parameters
    ----------
    lattice : Lattice
    bath_rates : array of float, shape (sites,)
        How much the bath broadens each site, at some energy in the band; 0 where it does not.
    band_shifts : array of float, shape (leads,)
    potential : array of float, shape (sites,)
        Electrostatic energy that is added to the sites' energies.
    low, high : float, optional
        Where to look in large systems that are no chains.

    Returns
    -------
    array of float
        Empty where there are too many to be isolated levels.
    """
    edges = np.concatenate([lead.thresholds() + shift for lead, shift in zip(lattice.leads, band_shifts, strict=True)])
    # The bands of a lead that is given by its self-energy are not known.
    everywhere = not all(len(lead.thresholds()) for lead in lattice.leads)
    bands = (-np.inf, np.inf) if everywhere else (edges.min(), edges.max())
    norbs = np.diff(lattice.offsets)
    rates = np.repeat(bath_rates, norbs)
    added = np.repeat(potential, norbs)
    diagonal = lattice.hamiltonian.diagonal().real + added
    order = lattice.chain_order()
    if order is not None and not everywhere:
        values = _bound_on_chain(diagonal[order], np.abs(lattice.hamiltonian[order][:, order].diagonal(1)), bands)
    else:
        hamiltonian = csc_matrix(lattice.hamiltonian + diags_array(added))
        middle, broadened = 0.5 * (low + high) if np.isfinite(high - low) else 0.0, rates.copy()
        for lead in lattice.leads:
            broadened[lattice.interface_orbitals(lead.number)] += lead.strength(middle)
        values = _narrow(hamiltonian, broadened, rates, bands, (low, high))
    found = [np.unique(np.round(part, 12)) for part in (values, diagonal[rates == 0])]
    return np.concatenate([part for part in found if len(part) <= _MOST_LEVELS] or [np.empty(0)])


def _bound_on_chain(diagonal, hopping, bands):
    """Eigenvalues of a chain alone that lie outside the bands."""
    bound = 2 * hopping.max(initial=0.0)
    ends = diagonal.min() - bound - 1, *bands, diagonal.max() + bound + 1
    outside = [eigh_tridiagonal(diagonal, hopping, eigvals_only=True, select="v", select_range=pair)
               for pair in (ends[:2], ends[2:]) if pair[0] < pair[1] and len(diagonal) > 1]
    return np.concatenate([[], *outside])


def _narrow(hamiltonian, broadened, rates, bands, window):
    """Eigenvalues of the system alone outside the bands, and of states that leads and bath broaden little."""
    scale = abs(hamiltonian).max()

    def chosen(values, vectors):
        # What leads and bath broaden an eigenstate by, or more: the weight that it has on their sites.
        width = broadened @ np.abs(vectors) ** 2
        return values[(values < bands[0]) | (values > bands[1]) | (width < _NARROW * scale)]

    if len(rates) <= _DENSE:
        return chosen(*np.linalg.eigh(hamiltonian.toarray()))
    # Bound states lie outside the bands; a narrow state inside them lives where the bath does not broaden.
    places = [(window[0], bands[0], _FEW), (bands[1], window[1], _FEW)]
    if np.any(rates < _NARROW * scale):
        places.append((max(window[0], bands[0]), min(window[1], bands[1]), _NEAREST))
    found = [chosen(*_near(hamiltonian, 0.5 * (a + b), count)) for a, b, count in places
             if a < b and np.all(np.isfinite([a, b]))]
    return np.concatenate([[], *found])


def _near(hamiltonian, energy, count):
    """Eigenvalues next to an energy, and their eigenvectors."""
    # Not at the energy itself, which may be an eigenvalue.
    energy += _BESIDE * abs(hamiltonian).max()
    start = np.random.default_rng(0).normal(size=hamiltonian.shape[0])
    try:
        return eigsh(hamiltonian, k=count, sigma=energy, v0=start, maxiter=_RESTARTS)
    except ArpackNoConvergence as reached:
        return reached.eigenvalues, reached.eigenvectors
