"""Self-energies and velocities of leads whose modes mix, against kwant's."""

import kwant
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip.leads.modes import LeadModes
from kwant_dissip.leads.pencil import pencil_modes
from kwant_dissip.leads.periodic import PeriodicLead
from models import floats


@st.composite
def leads(draw):
    """Random finalized lead: one to three columns, one or two orbitals, a field, hoppings that may be singular."""
    width, columns, norbs = draw(st.integers(1, 4)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 10 ** 6)))
    lattice = kwant.lattice.square(norbs=norbs)
    lead = kwant.Builder(kwant.TranslationalSymmetry((columns, 0)))
    unit = np.eye(norbs)
    for x in range(columns):
        for y in range(width):
            matrix = 0.4 * rng.normal(size=(norbs, norbs)) + 0.4j * rng.normal(size=(norbs, norbs))
            lead[lattice(x, y)] = 0.5 * (matrix + matrix.conj().T)
    mixing = 0.3 * rng.normal(size=(norbs, norbs)) * draw(st.sampled_from([0, 1]))
    if norbs == 2 and draw(st.booleans()):
        mixing[1] = -unit[1]  # the second orbital does not hop
    phase = draw(floats(-2, 2))
    lead[kwant.builder.HoppingKind((0, 1), lattice)] = -unit
    lead[kwant.builder.HoppingKind((1, 0), lattice)] = lambda a, _: -np.exp(1j * phase * a.tag[1]) * (unit + mixing)
    return lead.finalized()


@settings(max_examples=60)
@given(leads(), st.lists(floats(-4, 4), min_size=3, max_size=3, unique=True))
def test_modes_are_kwants(finalized, energies):
    cell, hopping = finalized.cell_hamiltonian(), finalized.inter_cell_hopping()
    edges = PeriodicLead(finalized, 0).thresholds()
    energies = np.array([energy for energy in energies if np.abs(edges - energy).min() > 1e-3])
    if not len(energies):
        return
    for shift in (0.0, 0.2j):
        sigma, velocity, good = LeadModes(cell, hopping)(energies + shift)
        for k in np.flatnonzero(good):
            modes, stabilized = kwant.physics.modes(cell - (energies[k] + shift) * np.eye(len(cell)), hopping)
            np.testing.assert_allclose(sigma[k], stabilized.selfenergy(), rtol=0, atol=1e-7 * np.abs(hopping).max())
            if shift == 0:
                away = modes.velocities[modes.velocities > 0]
                assert abs(velocity[k] - (away.mean() if len(away) else 0)) < 1e-7
        assert np.count_nonzero(good) >= len(energies) - 1  # the check refuses few


def test_one_energy_does_not_spoil_the_others():
    """At 0 the surface of a bare site is singular: refused there, right beside it; or the site is left out."""
    cell, hopping = np.zeros((2, 2)), np.array([[0.0, 0.0], [0.0, 1.0]])
    energies = np.array([0.0, 0.5, 1.0])
    expected = 0.5 * (energies - 1j * np.sqrt(4 - energies ** 2))
    for modes, refused in ((pencil_modes, 1), (lambda *given: LeadModes(*given[:2])(given[2]), 0)):
        sigma, _, good = modes(cell, hopping, energies)
        assert not good[:refused].any()
        assert good[refused:].all()
        np.testing.assert_allclose(sigma[refused:, 1, 1], expected[refused:], atol=1e-9)


def test_where_bands_cross():
    """Longer cells fold the bands, so that modes to and fro have one momentum at mu: the conductance is the same."""
    lattice, found = kwant.lattice.square(norbs=1), []
    for period in (1, 2, 4):
        builder, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-period, 0)))
        builder[(lattice(x, y) for x in range(4) for y in range(3))] = 0.0
        lead[(lattice(x, y) for x in range(period) for y in range(3))] = 0.0
        builder[lattice.neighbors()] = lead[lattice.neighbors()] = -1.0
        builder.attach_lead(lead, add_cells=4 // period)
        builder.attach_lead(lead.reversed(), add_cells=4 // period)
        bath = kd.PhononBath(0.1, rate=lambda site: 1e-6 * (0 <= site.tag[0] < 4))
        found += [kd.linear_response(builder.finalized(), bath, mu=mu, temperature=0).conductance
                  for mu in (np.sqrt(2), -np.sqrt(2))]
    np.testing.assert_allclose(found, found[0], rtol=1e-5)
