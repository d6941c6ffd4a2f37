"""Systems of any shape: slices against kwant, conservation at every site, reciprocity, floating terminals."""

import kwant
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit

import kwant_dissip as kd
from kwant_dissip.balance.energy_grid import EnergyGrid
from kwant_dissip.balance.particles import Balance
from kwant_dissip.balance.thermal_probes import ThermalProbes
from kwant_dissip.leads.periodic import PeriodicLead
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.model.slicing import cut
from kwant_dissip.propagators import slices as sliced
from kwant_dissip.propagators.kwant_solver import KwantPropagator
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import chain, graphene, ribbon
from models import floats, planes, three_terminal, uniform_chain

LATTICE = kwant.lattice.square(norbs=1)


def both_routes(syst, bath):
    lattice = read(syst)
    gamma = broadening(bath, lattice)
    shifts = np.zeros(len(syst.leads))
    return SlicePropagator(lattice, gamma, shifts), KwantPropagator(lattice, gamma, shifts)


def divergence(state, flows):
    """What flows out of each site over the hoppings."""
    result = np.zeros(len(state.power))
    np.add.at(result, state.bonds[:, 0], flows)
    np.subtract.at(result, state.bonds[:, 1], flows)
    return result


@given(planes())
def test_cut(model):
    """Every site once, interfaces whole, and hoppings only between neighbours."""
    lattice = read(model[0])
    slices = cut(lattice)
    number = np.empty(len(lattice.offsets) - 1, int)
    for k, part in enumerate(slices):
        number[part] = k
    assert sorted(np.concatenate(slices)) == list(range(len(number)))
    row, col = lattice.graph.nonzero()
    assert np.abs(number[row] - number[col]).max() <= 1
    for interface in lattice.interfaces:
        assert len(np.unique(number[interface])) == 1


@settings(max_examples=20)
@given(planes(), st.lists(floats(-1.2, 1.2), min_size=2, max_size=2, unique=True), st.integers(0, 1000))
def test_routes_agree_at_single_energies(model, energies, seed):
    syst, _, bath = model
    fast, slow = both_routes(syst, bath)
    order, rng, energies = fast.order, np.random.default_rng(seed), np.array(energies)
    # Where a mode opens rounding counts by its square root.
    assume(np.abs(energies - fast.thresholds()[:, None]).min() > 1e-5)
    one, other = fast.spectrum(energies), slow.spectrum(energies)
    filling, lead_filling = rng.uniform(size=one.rate.shape), rng.uniform(size=(len(syst.leads), 2))
    source = other.rate * filling
    (n, inflow), (n_slow, inflow_slow) = one.occupation(source[order], lead_filling), other.occupation(
        source, lead_filling)
    flows = {tuple(sorted(pair)): sign * flow for pair, flow, sign in
             zip(order[fast.bonds].tolist(), one.bond_flows(source[order], lead_filling),
                 np.where(np.diff(order[fast.bonds], axis=1)[:, 0] > 0, 1, -1), strict=True)}
    slow_flows = dict(zip(map(tuple, slow.bonds.tolist()), other.bond_flows(source, lead_filling), strict=True))
    tolerance = {"rtol": 1e-8, "atol": 1e-8 * np.abs(n_slow).max()}
    np.testing.assert_allclose(one.spectral, other.spectral[order], **tolerance)
    np.testing.assert_allclose(n, n_slow[order], **tolerance)
    np.testing.assert_allclose(inflow, inflow_slow, **tolerance)
    assert flows.keys() == slow_flows.keys()
    for pair, flow in flows.items():
        np.testing.assert_allclose(flow, slow_flows[pair], **tolerance)
    values, weight = filling[:, 0], np.array([0.5, 1.5])
    np.testing.assert_allclose(one.response(source[order], one.rate * weight)(values[order]),
                               other.response(source, other.rate * weight)(values)[order], **tolerance)
    np.testing.assert_allclose(fast.green_diagonal(energies + 0.3j), slow.green_diagonal(energies + 0.3j)[order],
                               rtol=1e-8, atol=1e-8)
    for a, b in zip(fast.green_asymptote(), slow.green_asymptote(), strict=True):
        np.testing.assert_allclose(a, b[order], rtol=1e-12, atol=1e-12)


@settings(max_examples=2)
@given(planes(max_width=2, max_length=3))
def test_routes_agree_on_whole_solutions(model):
    fast, slow = (kd.steady_state(*model, rtol=1e-2, method=method) for method in (None, "kwant"))
    assert fast.method in ("chain", "slices")
    for name in ("power", "mu", "density", "current", "energy_current"):
        one, other = getattr(fast, name), getattr(slow, name)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-8 * np.nanmax(np.abs(other)))


@settings(max_examples=10)
@given(planes(max_length=6), st.data())
def test_conservation_at_every_site(model, data):
    """What flows in over hoppings and leads is what the bath takes: particles none, energy the power."""
    syst, reservoirs, bath = model
    if len(reservoirs) > 2 and data.draw(st.booleans()):
        reservoirs[2] = kd.Reservoir(None, reservoirs[2].temperature)
    state = kd.steady_state(syst, reservoirs, bath, rtol=1e-2)
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.entropy_production >= -1e-12
    elsewhere = np.ones(len(state.power), bool)
    elsewhere[np.concatenate(syst.lead_interfaces)] = False
    scale = max(np.abs(state.bond_current).max(), np.abs(state.energy_current).max())
    particles, energy = (divergence(state, flows) for flows in (state.bond_current, state.bond_energy_current))
    np.testing.assert_allclose(particles[elsewhere], 0, atol=1e-10 * scale)
    np.testing.assert_allclose(energy[elsewhere], -state.power[elsewhere], rtol=0, atol=1e-10 * scale)
    # All interfaces together: what the leads send in, less what the bath takes there.
    assert particles.sum() == pytest.approx(0, abs=1e-10 * scale)
    if not set(syst.lead_interfaces[0]) & set(np.concatenate(syst.lead_interfaces[1:])):
        first = list(syst.lead_interfaces[0])
        assert particles[first].sum() == pytest.approx(state.current[0], abs=1e-10 * scale)
        assert energy[first].sum() + state.power[first].sum() == pytest.approx(state.energy_current[0],
                                                                               abs=1e-10 * scale)


def test_bonds_of_a_chain():
    """Both routes; the current is the same on every hopping of a chain."""
    reservoirs, bath = [kd.Reservoir(-0.8, 0.2), kd.Reservoir(-1.0, 0.2)], kd.PhononBath(0.2, rate=0.1)
    for method in ("slices", "kwant"):
        state = kd.steady_state(uniform_chain(5), reservoirs, bath, rtol=1e-3, method=method)
        direction = np.sign(np.diff(state.positions[state.bonds][:, :, 0], axis=1)[:, 0])
        np.testing.assert_allclose(direction * state.bond_current, state.current[0], rtol=1e-10)


def test_hot_spots_of_a_hall_bar():
    """Ten times the mean at diagonally opposite corners, at the other two if the field is reversed."""
    size, temperature, mu, bias, length, width = 5, 0.05, -3.3, 0.3, 48, 16
    found = []
    for flux in (0.06, -0.06):
        syst = ribbon.hall_bar(length=length, width=width, contact=5, flux=flux).finalized()
        reservoirs = [kd.Reservoir(mu + sign * 0.5 * bias, temperature) for sign in (1, -1)]
        state = kd.steady_state(syst, [*reservoirs, *[kd.Reservoir(None, temperature)] * 4],
                                kd.PhononBath(temperature, rate=0.1), rtol=1e-2)
        x, y = state.positions.T
        corners = [[state.power[a & b].max() / state.power.mean() for b in (y < size, y >= width - size)]
                   for a in (x < size, x >= length - size)]
        found.append(np.array(corners))
    for ratio in (found[0], found[1][:, ::-1]):
        assert ratio[0, 0] > 10
        assert ratio[1, 1] > 10
        assert max(ratio[0, 1], ratio[1, 0]) < 1


def conductances(flux, **options):
    """Linear conductance matrix, probes in place, T -> 0."""
    builder = ribbon.hall_bar(length=12, width=5, contact=2, flux=flux)
    bath = kd.PhononBath(0.05, rate=lambda site: 0.1 + 0.02 * site.tag[0])
    syst = builder.finalized()
    return np.array([kd.linear_response(syst, bath, mu=-2.3, temperature=0, drive=drive, **options).current1
                     for drive in np.eye(6)]).T


def test_onsager_casimir_reciprocity():
    """G_ab(B) = G_ba(-B); rows and columns add up to 0."""
    forward, backward = conductances(0.07), conductances(-0.07)
    np.testing.assert_allclose(forward, backward.T, rtol=0, atol=1e-12)
    assert np.abs(forward - forward.T).max() > 1e-2 * np.abs(forward).max()
    np.testing.assert_allclose(forward.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(forward.sum(axis=1), 0, atol=1e-12)


def test_floating_terminals_of_a_conductor_without_phonons():
    """A vanishing rate: Landauer's and Büttiker's conductance matrix, from kwant."""
    temperature, bias, mu = 1e-3, 1e-4, -1.5
    builder = ribbon.hall_bar(length=8, width=4, contact=1, flux=0.05)
    syst = builder.finalized()
    reservoirs = [kd.Reservoir(mu + bias, temperature), kd.Reservoir(mu, temperature)]
    reservoirs += [kd.Reservoir(None, temperature)] * 4
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(temperature, rate=1e-10), rtol=1e-5)
    matrix = kwant.smatrix(syst, mu).conductance_matrix()
    voltages = np.linalg.solve(matrix[2:, 2:], -matrix[2:, 0])
    np.testing.assert_allclose(state.reservoir_mu[2:], mu + bias * voltages, rtol=0, atol=1e-3 * bias)
    np.testing.assert_allclose(state.current[2:], 0, atol=1e-12 * state.current[0])


@pytest.mark.parametrize("method", ["slices", "kwant"])
@pytest.mark.parametrize("law", [None, kd.Poisson(1.0)])
def test_floating_third_lead_of_a_chain(method, law):
    """Its mu put in by hand gives the same state."""
    builder = chain.barrier(length=2, height=0.4)
    lattice = next(iter(builder.sites())).family
    side = kwant.Builder(kwant.TranslationalSymmetry((1,)))
    side[lattice(0)] = 0.2
    side[lattice.neighbors()] = -1
    builder.leads.append(kwant.builder.BuilderLead(side, [lattice(1)]))
    syst, bath = builder.finalized(), kd.PhononBath(0.3, rate=0.1)
    ends = [kd.Reservoir(-0.8, 0.3), kd.Reservoir(-1.0, 0.35)]
    options = {"rtol": 1e-2 if method == "kwant" else 1e-6, "method": method, "electrostatics": law}
    if method == "kwant" and law is not None:
        pytest.skip("some minutes; the routes at a potential are compared in test_electrostatics_routes")
    state = kd.steady_state(syst, [*ends, kd.Reservoir(None, 0.2)], bath, **options)
    assert state.current[2] == pytest.approx(0, abs=1e-10 * abs(state.current[0]))
    found = kd.Reservoir(state.reservoir_mu[2], 0.2, None if law is None else state.reservoir_mu[2] + 0.9)
    fixed = kd.steady_state(syst, [*(kd.Reservoir(r.mu, r.temperature, None if law is None else r.mu + 0.9)
                                     for r in ends), found], bath, **options)
    np.testing.assert_allclose(fixed.current, state.current, rtol=0, atol=1e-7 * abs(state.current[0]))
    np.testing.assert_allclose(fixed.power, state.power, rtol=0, atol=1e-6 * np.abs(state.power).max())


def test_open_circuit_in_kinetic_theory():
    """A floating end carries no current; the hot end's electrons flow until the Seebeck voltage stops them."""
    def transmission(energy):
        return 0.1 ** 2 / ((energy - 0.1) ** 2 + 0.1 ** 2)

    def velocity(energy):
        return np.sqrt(np.clip(2 * (energy + 1), 0, None))

    state = kd.kinetic.steady_state(transmission, [kd.Reservoir(0.0, 0.1), kd.Reservoir(None, 0.14)],
                                    kd.PhononBath(0.12, rate=1.0), velocity=velocity, length=5.0)
    assert np.abs(state.current).max() < 1e-14
    assert state.reservoir_mu[1] < -1e-3
    assert state.entropy_production > 0
    fixed = kd.kinetic.steady_state(transmission, [kd.Reservoir(0.0, 0.1), kd.Reservoir(state.reservoir_mu[1], 0.14)],
                                    kd.PhononBath(0.12, rate=1.0), velocity=velocity, length=5.0)
    np.testing.assert_allclose(fixed.energy_current, state.energy_current, rtol=1e-5)


def test_floating_lead_that_nothing_reaches():
    builder = ribbon.ribbon(length=4, width=2)
    cut_off = kwant.Builder(kwant.TranslationalSymmetry((0, 1)))
    cut_off[LATTICE(9, 0)] = 0
    cut_off[LATTICE.neighbors()] = -1
    builder[LATTICE(9, 0)] = 0
    builder.attach_lead(cut_off)
    reservoirs = [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1), kd.Reservoir(None, 0.1)]
    bath = kd.PhononBath(0.1, rate=lambda site: 0.1 * (site.tag[0] < 9))
    with pytest.raises(kd.ConvergenceError, match="floating lead"):
        kd.steady_state(builder.finalized(), reservoirs, bath, rtol=1e-2)


def test_slices_of_one_site_are_the_chain():
    """The general route gives what the chain's own gives."""
    syst, bath = chain.barrier(length=6).finalized(), kd.PhononBath(0.1, rate=0.1)
    lattice = read(syst)
    general = SlicePropagator(lattice, broadening(bath, lattice), np.zeros(2))
    assert all(part.stop - part.start == 1 for part in general.geometry.sites)
    reservoirs = [kd.Reservoir(-0.9, 0.1), kd.Reservoir(-1.1, 0.1)]
    own = kd.steady_state(syst, reservoirs, bath, rtol=1e-3)
    probes = ThermalProbes(general.coupled, np.full(13, 0.1), [False], reservoirs)
    result = Balance(general, probes, EnergyGrid(probes, 1e-3)).solve()
    np.testing.assert_allclose(result.power, own.power[general.order], rtol=0, atol=1e-9 * np.abs(own.power).max())


def test_coarse_preconditioner(monkeypatch):
    """One unknown a slice leads to the same solution, in a number of products that does not grow with length."""
    counts = []
    for length in (15, 60):
        syst = ribbon.ribbon(length=length, width=3, potential=lambda x, y: 0.3 * np.sin(5 * x + 3 * y)).finalized()
        arguments = syst, [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1)], kd.PhononBath(0.1, rate=0.05)
        dense = kd.steady_state(*arguments, rtol=1e-3)
        with monkeypatch.context() as patch:
            patch.setattr(sliced, "DENSE_SITES", 0)
            patch.setattr(sliced, "DENSE_SITES_IF_WIDE", 0)
            patch.setattr("kwant_dissip.balance.newton._CHORDS", 0)
            coarse = kd.steady_state(*arguments, rtol=1e-3)
        np.testing.assert_allclose(coarse.power, dense.power, rtol=0, atol=1e-7 * np.abs(dense.power).max())
        counts.append(coarse.products / coarse.newton_steps)
    assert counts[1] <= 1.5 * counts[0]
    assert counts[1] <= 10


def test_jacobian_that_does_not_fit_in_memory(monkeypatch):
    arguments = three_terminal(), [kd.Reservoir(mu, 0.3) for mu in (-0.8, -1.0, -0.9)], kd.PhononBath(0.3, rate=0.1)
    kept = kd.steady_state(*arguments, rtol=1e-2)
    monkeypatch.setattr("kwant_dissip.balance.linear._MEMORY", 0)
    np.testing.assert_allclose(kd.steady_state(*arguments, rtol=1e-2).power, kept.power, rtol=0,
                               atol=1e-10 * np.abs(kept.power).max())


@pytest.mark.parametrize("width", [1, 3])
def test_leads_whose_modes_do_not_mix(width):
    """Closed forms against kwant: self-energy, at complex energies too, velocities and thresholds."""
    syst = ribbon.ribbon(length=2, width=width).finalized()
    lead = PeriodicLead(syst.leads[1], 1)
    for energy in (-1.3, 0.4, 2.7, 0.3 + 0.2j):
        np.testing.assert_allclose(lead.self_energy(np.array([energy]))[0], syst.leads[1].selfenergy(energy),
                                   rtol=1e-9, atol=1e-9)
    velocities = lead.modes(-1.3).velocities
    assert lead.velocity(np.array([-1.3]))[0] == pytest.approx(velocities[velocities > 0].mean(), rel=1e-9)
    for edge in lead.thresholds():
        assert lead.open_modes(edge - 1e-6) != lead.open_modes(edge + 1e-6)


@pytest.mark.parametrize("energy", [0.0, 1e-7, -0.5 - 1e-5])
def test_self_energy_next_to_degenerate_edges(energy):
    """Where kwant's modes fail: a cell of two columns, plain and staggered. It solves its equation and absorbs."""
    for stagger in (0.0, 0.5):
        lead = kwant.Builder(kwant.TranslationalSymmetry((2, 0)))
        lead[(LATTICE(x, y) for x in range(2) for y in range(2))] = \
            lambda site, stagger=stagger: stagger * (-1) ** sum(site.tag)
        lead[LATTICE.neighbors()] = -1
        builder = kwant.Builder()
        builder[(LATTICE(x, y) for x in range(2) for y in range(2))] = 0.0
        builder[LATTICE.neighbors()] = -1
        builder.attach_lead(lead)
        finalized = builder.finalized().leads[0]
        sigma = PeriodicLead(finalized, 0).self_energy(np.array([energy]))[0]
        # At an energy 1e-4 above the axis kwant is right everywhere; the self-energy goes there as its square root.
        np.testing.assert_allclose(sigma, finalized.selfenergy(energy + 1e-8j), rtol=0.5, atol=0.1)
        assert np.linalg.eigvalsh(1j * (sigma - sigma.conj().T)).min() > -1e-5 * np.abs(sigma).max()


def test_graphene_at_the_dirac_point():
    """Exactly where kwant's modes are singular."""
    syst = graphene.constriction(length=8, width=5, neck=4, extent=1.2).finalized()
    state = kd.steady_state(syst, [kd.Reservoir(0.05, 0.1), kd.Reservoir(-0.05, 0.1)], kd.PhononBath(0.1, rate=0.1),
                            rtol=1e-2)
    assert abs(state.particle_residual) < 1e-10
    assert state.current[0] > 0


@pytest.mark.parametrize("rate", [1e-3, 1e-4])
def test_level_in_the_band_that_leads_do_not_reach(rate):
    """Odd modes of a ribbon with leads at its middle row: power over rate tends to a limit."""
    builder = kwant.Builder()
    builder[(LATTICE(x, y) for x in range(5) for y in range(3))] = 0
    builder[LATTICE.neighbors()] = -1
    for direction in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction, 0)))
        lead[LATTICE(0, 1)] = 0
        lead[LATTICE.neighbors()] = -1
        builder.attach_lead(lead)
    syst, reservoirs = builder.finalized(), [kd.Reservoir(0.3, 0.1), kd.Reservoir(0.1, 0.1)]
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(0.1, rate=rate), rtol=1e-3)
    assert state.power.sum() / rate == pytest.approx(0.00665, rel=0.01)
    assert state.mu[0] == pytest.approx(0.1807, abs=0.001)


def test_mean_free_path_of_several_modes():
    """The arithmetic mean of the velocities: mu falls by 2 pi I / 2 l per open mode (design, section 3: 1.005)."""
    length, path = 60, 12.0
    syst = ribbon.ribbon(length=length, width=4).finalized()
    temperature, mu, bias = 0.02, -0.2, 0.02
    state = kd.steady_state(syst, [kd.Reservoir(mu + sign * 0.5 * bias, temperature) for sign in (1, -1)],
                            kd.PhononBath(temperature, mean_free_path=path), rtol=1e-3)
    assert PeriodicLead(syst.leads[0], 0).open_modes(mu) == 4
    column = np.array([state.mu[state.coordinate == x].mean() for x in range(length)])
    slope = -np.polyfit(np.arange(20, 40), column[20:40], 1)[0]
    assert slope / (2 * np.pi * state.current[0] / (2 * path * 4)) == pytest.approx(1, abs=0.03)


# What kwant's tutorial shows, written anew and taken as it stands

def quantum_wire():
    """A wire with a step in its potential."""
    builder = ribbon.ribbon(length=16, width=4, potential=lambda x, y: 0.5 * (x >= 8))
    return builder.finalized(), -2.0


def aharonov_bohm_ring():
    """A ring with two leads and a flux through its hole."""
    lattice = kwant.lattice.square(norbs=1)

    def ring(position):
        return 3.4 ** 2 < position[0] ** 2 + position[1] ** 2 < 6.6 ** 2

    builder = kwant.Builder()
    builder[lattice.shape(ring, (0, 5))] = 4.0
    builder[lattice.neighbors()] = -1

    def threaded(_to, _from, phi):
        return -np.exp(1j * phi)

    for hopping in kwant.builder.HoppingKind((1, 0), lattice)(builder):
        if hopping[0].tag[0] == 1 and hopping[0].tag[1] > 0:
            builder[hopping] = threaded
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in (-1, 0, 1))] = 4.0
    lead[lattice.neighbors()] = -1
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder.finalized(), 1.5


def graphene_dot():
    """A disc of graphene between a zigzag lead and one at an angle."""
    lattice = kwant.lattice.honeycomb(norbs=1)
    builder = kwant.Builder()
    builder[lattice.shape(lambda p: p[0] ** 2 + p[1] ** 2 < 16, (0, 0))] = \
        lambda site: 0.1 * np.sign(site.pos[0])
    builder[lattice.neighbors()] = -1
    directions = (((-1, 0), lambda p: -1.7 < p[1] < 1.7),
                  ((0, 1), lambda p: -1.5 < np.dot(p, (np.sqrt(0.75), -0.5)) < 1.5))
    for vector, inside in directions:
        lead = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec(vector)))
        lead[lattice.shape(inside, (0, 0))] = 0.0
        lead[lattice.neighbors()] = -1
        builder.attach_lead(lead)
    return builder.finalized(), 0.6


@pytest.mark.parametrize("model", [quantum_wire, aharonov_bohm_ring, graphene_dot])
def test_models_of_the_tutorial(model):
    syst, mu = model()
    params = {"phi": 0.7} if model is aharonov_bohm_ring else None
    reservoirs = [kd.Reservoir(mu + 0.05, 0.1), kd.Reservoir(mu - 0.05, 0.1)]
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(0.1, rate=0.05), params=params, rtol=1e-3)
    assert state.method == "slices"
    assert state.current[0] > 0
    assert state.power.sum() > 0
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10


def test_current_of_a_coherent_wire():
    """A vanishing rate leaves Landauer's current, from kwant's transmission."""
    syst, mu = quantum_wire()
    reservoirs = [kd.Reservoir(mu + 0.05, 0.1), kd.Reservoir(mu - 0.05, 0.1)]
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(0.1, rate=1e-10), rtol=1e-4)
    energies = mu + 0.1 * np.linspace(-12, 12, 401)
    window = expit((mu + 0.05 - energies) / 0.1) - expit((mu - 0.05 - energies) / 0.1)
    through = [kwant.smatrix(syst, energy).transmission(1, 0) for energy in energies]
    assert state.current[0] == pytest.approx(np.trapezoid(window * through, energies) / (2 * np.pi), rel=0.01)
