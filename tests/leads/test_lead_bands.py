"""Leads whose orbitals couple to few others: roots of a banded matrix and what follows from them, against kwant's."""

from functools import cache

import kwant
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from kwant_dissip.leads.modes import LeadModes
from kwant_dissip.leads.periodic import PeriodicLead
from kwant_dissip.leads.roots import BandedLead

_SQUARE = kwant.lattice.square(norbs=1)
_ONE, _X, _Y, _Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])


def _ribbon(width, flux, period=1, second=0.0):
    """Square lattice in a field, with second neighbours and cells of some columns."""
    lead = kwant.Builder(kwant.TranslationalSymmetry((-period, 0)))
    lead[(_SQUARE(x, y) for x in range(period) for y in range(width))] = 0.0

    def hopping(size):
        return lambda a, b: -size * np.exp(1j * np.pi * flux * (a.tag[0] - b.tag[0]) * (a.tag[1] + b.tag[1]))

    lead[_SQUARE.neighbors()] = hopping(1.0)
    if second:
        lead[_SQUARE.neighbors(2)] = hopping(second)
    return lead.finalized()


def _spin_orbit(width, zeeman):
    lattice = kwant.lattice.square(norbs=2)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in range(width))] = zeeman * _Z
    lead[kwant.builder.HoppingKind((1, 0), lattice)] = -_ONE - 0.3j * _Y
    lead[kwant.builder.HoppingKind((0, 1), lattice)] = -_ONE + 0.3j * _X
    return lead.finalized()


def _graphene(width):
    """Zigzag edges, in a field."""
    lattice = kwant.lattice.honeycomb(norbs=1)
    lead = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((-1, 0))))
    lead[lattice.shape(lambda p: 0 <= p[1] < width, (0, 1))] = 0.0
    lead[lattice.neighbors()] = \
        lambda a, b: -np.exp(-0.05j * np.pi * (a.pos[0] - b.pos[0]) * (a.pos[1] + b.pos[1]))
    return lead.finalized()


_LEADS = {"field 10": _ribbon(10, 0.05), "field 20": _ribbon(20, 0.05), "field 40": _ribbon(40, 0.05),
          "weak field 40": _ribbon(40, 0.01), "second neighbours": _ribbon(8, 0.04, second=0.3),
          "two columns": _ribbon(7, 0.03, period=2), "spin-orbit": _spin_orbit(6, 0.2),
          "spin-orbit, Kramers": _spin_orbit(6, 0.0), "graphene": _graphene(8)}


def _matrices(name):
    return _LEADS[name].cell_hamiltonian(), _LEADS[name].inter_cell_hopping()


@cache
def _edges(name):
    return PeriodicLead(_LEADS[name], 0).thresholds()


@pytest.mark.parametrize("name", _LEADS)
def test_modes_are_kwants(name):
    cell, hopping = _matrices(name)
    edges = _edges(name)
    # Outside all bands, too.
    energies = np.linspace(edges.min() - 0.5, 0.5, 15) + 1e-3 * np.sqrt(2)
    energies = energies[np.abs(energies[:, None] - edges).min(axis=1) > 1e-3]
    sigma, flow, number, good = BandedLead(cell, hopping).modes(energies)
    assert good.all()
    for k, energy in enumerate(energies):
        modes, stabilized = kwant.physics.modes(cell - energy * np.eye(len(cell)), hopping)
        np.testing.assert_allclose(sigma[k], stabilized.selfenergy(), rtol=0, atol=1e-9)
        away = modes.velocities[modes.velocities > 0]
        assert number[k] == len(away)
        np.testing.assert_allclose(flow[k], away.sum(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", _LEADS)
def test_complex_energies(name):
    cell, hopping = _matrices(name)
    energies = np.array([-2.0 + 1e-3j, 0.3 + 0.1j, 1.0 + 2j])
    sigma, flow, number, good = BandedLead(cell, hopping).modes(energies)
    assert good.all()
    assert not flow.any()
    assert not number.any()
    for k, energy in enumerate(energies):
        expected = kwant.physics.modes(cell - energy * np.eye(len(cell)), hopping)[1].selfenergy()
        np.testing.assert_allclose(sigma[k], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", _LEADS)
def test_at_band_edges(name):
    """What is called good there solves the equation and absorbs; beside them that is most."""
    cell, hopping = _matrices(name)
    (n, m), edges = hopping.shape, _edges(name)
    for shift in (0.0, 1e-10, 1e-6):
        sigma, _, _, good = BandedLead(cell, hopping).modes(edges[::3] + shift)
        assert shift < 1e-6 or good.mean() > 0.8
        for k in np.flatnonzero(good):
            surface = (edges[::3][k] + shift) * np.eye(n) - cell + 0j
            surface[:m, :m] -= sigma[k]
            largest = max(np.abs(sigma[k]).max(), np.abs(hopping).max())
            np.testing.assert_allclose(hopping.conj().T @ np.linalg.solve(surface, hopping), sigma[k], rtol=0,
                                       atol=2e-9 * largest)
            assert np.linalg.eigvalsh(1j * (sigma[k] - sigma[k].conj().T)).min() > -2e-9 * largest


def test_two_equal_leads():
    """All roots are double: a band of twice the width, not taken apart."""
    cell, hopping = _matrices("field 10")
    energies = np.linspace(-3, 1, 9)
    one, two = (BandedLead(np.kron(cell, copies), np.kron(hopping, copies)).modes(energies)
                for copies in (np.eye(1), _ONE))
    np.testing.assert_allclose(two[0], np.kron(one[0], _ONE), rtol=0, atol=1e-9)
    np.testing.assert_allclose(two[1], 2 * one[1], rtol=0, atol=1e-9)
    assert np.array_equal(two[2], 2 * one[2])
    assert two[3].all()


def test_independent_parts():
    """Two spins that nothing couples: the lead twice, and a site from which nothing leads away."""
    cell, hopping = _matrices("field 10")
    energies = np.linspace(-3, 1, 9)
    one, velocity, _ = LeadModes(cell, hopping)(energies)
    both = np.kron(cell, _ONE)
    padded = np.block([[both, np.zeros((20, 1))], [np.zeros((1, 20)), 0.7 * np.eye(1)]])
    hops = np.concatenate([np.kron(hopping, _ONE), np.zeros((1, 20))])
    sigma, same, good = LeadModes(padded, hops)(energies)
    assert good.all()
    np.testing.assert_allclose(sigma, np.kron(one, _ONE), rtol=0, atol=1e-10)
    np.testing.assert_allclose(same, velocity, rtol=0, atol=1e-10)


def test_leads_that_are_no_band():
    """Every orbital coupled to every other."""
    rng = np.random.default_rng(3)
    cell, hopping = (rng.normal(size=(12, 12)) + 1j * rng.normal(size=(12, 12)) for _ in range(2))
    cell = cell + cell.conj().T
    assert not BandedLead(cell, hopping).narrow
    energies = np.linspace(-3, 3, 5)
    sigma, _, good = LeadModes(cell, hopping)(energies)
    assert good.all()
    for k, energy in enumerate(energies):
        expected = kwant.physics.modes(cell - energy * np.eye(12), hopping)[1].selfenergy()
        np.testing.assert_allclose(sigma[k], expected, rtol=0, atol=1e-8)


def test_a_flat_band_is_one_edge(monkeypatch):
    """An armchair ribbon of 11 lines: edges at |1 + 2 cos(p pi / 12)|, of which p = 6 is flat, not one a momentum."""
    searches = []

    def counted(*args, **options):
        searches.append(1)
        return minimize_scalar(*args, **options)

    monkeypatch.setattr("kwant_dissip.leads.bands.minimize_scalar", counted)
    lattice = kwant.lattice.honeycomb(norbs=1)
    lead = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((1, -2))))
    lead[lattice.shape(lambda p: -0.1 < p[0] < 5.1, (1, 0))] = 0.0
    lead[lattice.neighbors()] = -1.0
    found = PeriodicLead(lead.finalized(), 0).thresholds()
    known = np.abs(1 + 2 * np.cos(np.arange(1, 12) * np.pi / 12))
    for edge in (*known, *-known):
        assert np.abs(found - edge).min() < 1e-9
    assert len(searches) < 10 * len(lead.sites())
