"""Isolated levels: energies near which a peak may be too narrow for a grid of energies to notice."""

from functools import partial

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import brentq
from scipy.sparse import csc_matrix, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from .lattice import Lattice

# Up to this many orbitals all eigenstates of a system, or of a piece that no bath reaches, are found.
_DENSE, _DENSE_PIECE = 200, 1500
# All levels of a piece as small as that count, however broad.
_SMALL = 10
# Beyond, states next to where they are looked for; what is isolated is found soon, levels of a band that crowd at its
# edge, which are not looked for, never.
_FEW, _NEAREST = 12, 60
_RESTARTS = 20
# An eigenstate counts as narrow if its width is less than this, in units of the largest matrix element.
_NARROW = 1e-3
_MOST_LEVELS = 100
# In units of the largest matrix element.
_BESIDE = 1e-7
# A level that leads push by less is not pushed; farther from them than so many sites none is. How well it is found.
_LOCALISED, _REACH, _CLOSE = 1e-9, 40, 1e-13


def isolated_levels(lattice: Lattice, bath_rates: np.ndarray, band_shifts: np.ndarray, potential: np.ndarray,
                    low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """Bound states outside the leads' bands, states that leads and bath hardly reach, levels of pieces without bath.

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
    hamiltonian = csc_matrix(lattice.hamiltonian + diags_array(np.repeat(potential, norbs)))
    middle, broadened = 0.5 * (low + high) if np.isfinite(high - low) else 0.0, rates.copy()
    for lead in lattice.leads:
        broadened[lattice.interface_orbitals(lead.number)] += lead.level_width(middle)
    narrow = _NARROW * abs(hamiltonian).max()
    order = lattice.chain_order()
    if order is not None:
        hamiltonian, rates, broadened = hamiltonian[order][:, order], rates[order], broadened[order]
    if order is not None and not everywhere:
        diagonal, hopping = hamiltonian.diagonal().real, np.abs(hamiltonian.diagonal(1))
        alone = [] if len(order) <= _REACH else [_bound_on_chain(diagonal, hopping, bands)]
        values = np.concatenate(alone + [
            _bound_next_to_leads(diagonal[piece], hopping[piece.start:piece.stop - 1], added, bands, (low, high))
            for piece, added in _next_to_leads(lattice, band_shifts, order)])
    elif len(rates) <= _DENSE:
        energies, states = np.linalg.eigh(hamiltonian.toarray())
        width = broadened @ np.abs(states) ** 2
        values = energies[(energies < bands[0]) | (energies > bands[1]) | (width < narrow)]
    else:
        values = _bound(hamiltonian, bands, (low, high))
    free = _without_bath(hamiltonian, rates < narrow, broadened, narrow, (low, middle, high), order is not None)
    found = [np.unique(np.round(part, 12)) for part in (values, free)]
    return np.concatenate([part for part in found if len(part) <= _MOST_LEVELS] or [np.empty(0)])


def _bound_on_chain(diagonal, hopping, bands):
    """Eigenvalues of a chain alone that lie outside the bands."""
    bound = 2 * hopping.max(initial=0.0)
    ends = diagonal.min() - bound - 1, *bands, diagonal.max() + bound + 1
    outside = [eigh_tridiagonal(diagonal, hopping, eigvals_only=True, select="v", select_range=pair)
               for pair in (ends[:2], ends[2:]) if pair[0] < pair[1] and len(diagonal) > 1]
    return np.concatenate([[], *outside])


def _next_to_leads(lattice, band_shifts, order):
    """Pieces of a chain around its leads, and what these add to their sites at an energy outside the bands.

    Returns
    -------
    list of (slice, callable)
        The whole chain, once, if it is short.
    """
    place = np.argsort(order)
    leads = [(lead, shift, place[lattice.interfaces[lead.number][0]])
             for lead, shift in zip(lattice.leads, band_shifts, strict=True)]

    def added(energy, piece):
        result = np.zeros(len(order))
        for lead, shift, at in leads:
            result[at] += lead.self_energy(np.array([energy - shift]))[0, 0, 0].real
        return result[piece]

    whole = len(order) <= _REACH
    pieces = [slice(0, len(order))] if whole else [
        slice(max(0, at - _REACH), min(at + _REACH + 1, len(order))) for _, _, at in leads]
    return [(piece, partial(added, piece=piece)) for piece in pieces]


def _bound_next_to_leads(diagonal, hopping, added, bands, window):
    """Energies outside the bands of the levels of a short chain with its leads.

    Leads push levels away from their bands, the less the farther away these are: each lies between that of the chain
    alone and that of the chain with what leads add at the band's edge.
    """
    found = []
    for sign, edge in zip((-1, 1), bands, strict=True):
        pushed = _beyond(diagonal + added(edge), hopping, sign, edge)
        alone = np.append(_beyond(diagonal, hopping, sign, edge), np.zeros(len(pushed)))[:len(pushed)]

        def excess(distance, number, sign=sign, edge=edge):
            levels = _beyond(diagonal + added(edge + sign * distance), hopping, sign, edge)
            return (levels[number] if number < len(levels) else 0.0) - distance

        for number, (near, far) in enumerate(zip(alone, pushed, strict=True)):
            ends = sorted((edge + sign * near, edge + sign * far))
            is_pushed = far - near > _LOCALISED and ends[0] < window[1] and ends[1] > window[0] and \
                excess(near, number) > 0 > excess(far, number)
            found.append(edge + sign * (brentq(excess, near, far, (number,), xtol=_CLOSE) if is_pushed else far))
    return np.array(found, float)


def _beyond(diagonal, hopping, sign, edge):
    """Distances from a band's edge of a chain's eigenvalues beyond it, the outermost first."""
    distances = sign * (eigh_tridiagonal(diagonal, hopping, eigvals_only=True) - edge)
    return np.sort(distances[distances > 0])[::-1]


def _bound(hamiltonian, bands, window):
    """Eigenvalues of a large system alone inside the window and outside the bands."""
    found = [np.empty(0)]
    for a, b in ((window[0], bands[0]), (bands[1], window[1])):
        if a < b and np.all(np.isfinite([a, b])):
            energies, _ = _near(hamiltonian, 0.5 * (a + b), _FEW)
            found.append(energies[(energies > a) & (energies < b)])
    return np.concatenate(found)


def _without_bath(hamiltonian, free, broadened, narrow, window, is_chain):
    """Levels of each connected piece of the orbitals that no bath broadens: of small ones all, else the narrowest.

    A level's width is what leads, bath and the hoppings out of the piece make of it, or more.
    """
    low, middle, high = window
    chosen = np.flatnonzero(free)
    count, piece = 0, chosen
    if len(chosen):
        count, piece = connected_components(abs(hamiltonian[chosen][:, chosen]), directed=False)
    found = [np.empty(0)]
    for number in range(count) if count <= _MOST_LEVELS else ():
        inside = chosen[piece == number]
        columns = hamiltonian[:, inside]
        matrix = columns[inside]
        if len(inside) <= _DENSE_PIECE and is_chain:
            # Phases of the hoppings do not matter to energies and weights.
            energies, states = eigh_tridiagonal(matrix.diagonal().real, np.abs(matrix.diagonal(1)))
            columns = abs(columns)
        elif len(inside) <= _DENSE_PIECE:
            dense = matrix.toarray()
            energies, states = np.linalg.eigh(dense if np.any(dense.imag) else dense.real)
        elif is_chain:
            continue
        else:
            energies, states = _near(matrix, middle, _NEAREST)
        outside = np.setdiff1d(np.arange(len(free)), inside, assume_unique=True)
        leaking = (np.abs(columns[outside] @ states) ** 2).sum(axis=0) / abs(hamiltonian).max()
        width = broadened[inside] @ np.abs(states) ** 2 + leaking
        counted = (energies > low) & (energies < high) & ((width < narrow) | (len(inside) <= _SMALL))
        found.append(energies[counted][np.argsort(width[counted])[:_MOST_LEVELS // count]])
    return np.concatenate(found)


def _near(hamiltonian, energy, count):
    """Eigenvalues next to an energy, and their eigenvectors."""
    # Not at the energy itself, which may be an eigenvalue.
    energy += _BESIDE * abs(hamiltonian).max()
    start = np.random.default_rng(0).normal(size=hamiltonian.shape[0])
    try:
        return eigsh(hamiltonian, k=count, sigma=energy, v0=start, maxiter=_RESTARTS)
    except ArpackNoConvergence as reached:
        return reached.eigenvalues, reached.eigenvectors
