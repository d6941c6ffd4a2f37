"""Electrostatics: laws, feedback, limits, gauge, coherent systems, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip.balance.energy_grid import EnergyGrid
from kwant_dissip.balance.screening import ScreenedBalance
from kwant_dissip.balance.thermal_probes import ThermalProbes
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.chain import ChainPropagator
from kwant_dissip.propagators.density import EquilibriumDensity
from kwant_dissip.systems import chain
from models import chain as random_chain
from models import floats, three_terminal, uniform_chain
from screened import FERMI_ENERGY, LAWS, MU, RATE, TEMPERATURE, coherent, solve, system


def charge_and_curvature(state, lead_potentials):
    """Density difference along the chain, and sum of (U_i - U_j), from the returned arrays."""
    order = np.argsort(state.coordinate)
    padded = np.concatenate([lead_potentials[:1], state.potential[order], lead_potentials[1:]])
    return state.density_difference[order], -np.diff(padded, 2)


@pytest.mark.parametrize("kind", ["barrier", 0.3, 0.1])
@pytest.mark.parametrize("bias", [0.01 * FERMI_ENERGY, 0.5 * FERMI_ENERGY])
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_law_is_fulfilled(kind, bias, law):
    state = solve(system(kind), bias, law)
    charge, curvature = charge_and_curvature(state, [0.5 * bias, -0.5 * bias])
    if isinstance(law, kd.Poisson):
        assert np.abs(curvature - law.coupling * charge).max() < 1e-8 * law.coupling * np.abs(charge).max()
    else:
        assert np.abs(charge).max() < 1e-9 * np.abs(curvature).max()
    assert state.newton_steps <= 8
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.screening == (np.abs(charge).max(), np.abs(charge).mean())


@given(floats(-0.2, 0.2), st.sampled_from(LAWS))
@settings(max_examples=10)
def test_gauge(shift, law):
    """A common shift of every mu and potential changes nothing."""
    builder = system(0.3, 10)
    state = solve(builder, 0.1, law, potentials=(0.02, -0.04))
    other = solve(builder, 0.1, law, mu=MU + shift, potentials=(0.02 + shift, -0.04 + shift))
    np.testing.assert_allclose(other.current, state.current, rtol=1e-7)
    np.testing.assert_allclose(other.potential, state.potential + shift, rtol=0, atol=1e-8)
    np.testing.assert_allclose(other.density_difference, state.density_difference, rtol=0, atol=1e-8)
    np.testing.assert_allclose(other.power, state.power, rtol=0, atol=1e-6 * np.abs(state.power).max())


def test_without_the_shift_of_the_leads_the_gauge_is_lost():
    builder = system(0.3, 10)
    state, other = (solve(builder, 0.1, kd.Poisson(1.0), mu=mu, potentials=(0.0, 0.0)) for mu in (MU, MU + 0.1))
    assert abs(other.current[0] / state.current[0] - 1) > 1e-2


def test_default_potential_keeps_leads_neutral():
    """potential=None is mu - mu_eq."""
    builder = system("barrier", 10)
    given_, default = (solve(builder, 0.2, kd.Poisson(1.0), potentials=p) for p in ((0.1, -0.1), (None, None)))
    np.testing.assert_allclose(default.potential, given_.potential, rtol=0, atol=1e-12)


def test_strong_coupling_tends_to_neutrality():
    builder = system("barrier", 15)
    neutral = solve(builder, 0.1, kd.Neutrality())
    distances, charges = [], []
    for coupling in (1e2, 1e3, 1e4):
        state = solve(builder, 0.1, kd.Poisson(coupling))
        distances.append(np.abs(state.potential - neutral.potential).max())
        charges.append(state.screening[0])
    assert charges[1] < 0.2 * charges[0]
    assert charges[2] < 0.2 * charges[1]
    assert distances[1] < 0.2 * distances[0]
    assert distances[2] < 0.2 * distances[1]


def test_neutral_wire_far_from_the_scatterer():
    """One rate: U = mu - mu_eq where standing waves have died out, with mu_eq the mean of the reservoirs'."""
    state = solve(system("barrier", 300), 0.1, kd.Neutrality(), temperature=0.06)
    distance = np.abs(state.coordinate)
    middle = (distance > 120) & (distance < 180)
    np.testing.assert_allclose(state.potential[middle], state.mu[middle] - MU, rtol=0, atol=1e-4 * 0.1)


def test_thomas_fermi_length_of_a_weak_impurity():
    """Screening against a background that knows nothing of it: 2 cosh(1/lambda) - 2 = coupling * thermal DOS."""
    temperature, coupling, length, strength = 0.15, 0.02, 100, 1e-3
    onsite = np.zeros(2 * length + 1)
    bath = kd.PhononBath(temperature, rate=1e-3)
    clean = read(uniform_chain(2 * length + 1))
    reference = ChainPropagator(clean, broadening(bath, clean), np.zeros(2))
    equilibrium = EquilibriumDensity(-1.0, temperature, 1e-12)
    onsite[length] = strength
    lattice = read(random_chain(onsite, -np.ones(2 * length)))
    propagator = ChainPropagator(lattice, broadening(bath, lattice), np.zeros(2))
    order = propagator.order
    probes = ThermalProbes(propagator.coupled, np.full(len(order), temperature), [False],
                           [kd.Reservoir(-1.0, temperature)] * 2)
    result = ScreenedBalance(
        propagator, probes, EnergyGrid(probes, 1e-6),
        equation=kd.Poisson(coupling).equation(lattice).in_order(order), ramps=np.zeros((len(order), 2)),
        lead_potentials=np.zeros(2), reference=equilibrium(reference), equilibrium_mu=-1.0).solve()
    change = 1e-4
    fuller, emptier = (equilibrium(reference.at_potential(np.full(len(order), u), np.full(2, u)))[length]
                       for u in (-change, change))
    states = (fuller - emptier) / (2 * change)
    potential = -result.potential[np.argsort(order)][length:]
    assert np.all(potential[:60] > 0)
    kappa = -np.polyfit(np.arange(10, 40), np.log(potential[10:40]), 1)[0]
    assert 2 * np.cosh(kappa) - 2 == pytest.approx(coupling * states, rel=1e-2)


def test_friedel_oscillations():
    """The density next to a barrier oscillates with half the Fermi wavelength."""
    mu, length = -1.6, 200
    state = solve(chain.barrier(length=length, height=0.3), 0.0, None, rate=1e-3, mu=mu, temperature=0.004)
    sites = state.sites_of(1)[5:120]
    x, density = state.coordinate[sites], state.density[sites]
    wave_numbers = np.linspace(0.5, 2.5, 2001)
    strength = np.abs(np.exp(-1j * np.outer(wave_numbers, x)) @ (density - density.mean()))
    assert wave_numbers[np.argmax(strength)] == pytest.approx(2 * np.arccos(-mu / 2), rel=0.01)


def test_rectification():
    """A mirror-symmetric barrier does not rectify, one with a step beside it does."""
    symmetric = system("barrier", 6)
    one, other = (coherent(symmetric, bias, kd.Poisson(1.0)).current[0] for bias in (0.3, -0.3))
    assert one + other == pytest.approx(0, abs=1e-9 * one)
    lopsided = system("barrier", 6)
    lattice = next(iter(lopsided.sites())).family
    lopsided[lattice(1)] = lopsided[lattice(2)] = 0.4
    one, other = (coherent(lopsided, bias, kd.Poisson(1.0)).current[0] for bias in (0.3, -0.3))
    assert abs(one + other) > 1e-3 * abs(one)


def test_a_barrier_is_a_capacitor():
    """Electrons gather before it and are missing behind it, in proportion to a small bias; next to none pass."""
    builder, charges = chain.barrier(length=60, height=3.0, width=3), []
    for bias in (0.01, 0.02):
        state = coherent(builder, bias, kd.Poisson(1.0))
        left, right = (state.density_difference[(state.coordinate - 1) * side > 0].sum() for side in (-1, 1))
        assert left > 0
        assert right == pytest.approx(-left, rel=1e-2)
        charges.append(left)
    assert charges[1] / charges[0] == pytest.approx(2, rel=1e-2)


def test_a_system_of_several_leads():
    """Any system: neutral sites in a ribbon with flux, disorder and a third lead."""
    temperature = 0.2
    reservoirs = [kd.Reservoir(mu, temperature) for mu in (-0.45, -0.55, -0.5)]
    state = kd.steady_state(three_terminal(), reservoirs, kd.PhononBath(temperature, rate=0.2), rtol=1e-3,
                            electrostatics=kd.Neutrality())
    assert state.screening[0] < 1e-9
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.field.shape == (24, 2)


def test_field_is_the_slope_of_the_potential():
    state = solve(system("barrier", 20), 0.1, kd.Poisson(1.0))
    order = np.argsort(state.coordinate)
    slope = np.gradient(state.potential[order])
    np.testing.assert_allclose(state.field[order, 0], -slope, rtol=0, atol=1e-12)


def test_resistivities_of_a_neutral_wire():
    """Far from scatterer and contacts field and gradient of mu are the same force."""
    state = solve(system("barrier", 300), 0.1, kd.Neutrality(), temperature=0.06)
    for part in kd.local_heat(state):
        far = (np.abs(part.x) > 120) & (np.abs(part.x) < 180)
        np.testing.assert_allclose(part.electrostatic_resistivity[far], part.resistivity[far], rtol=1e-3)


@pytest.mark.parametrize(("law", "error", "message"), [
    (kd.CoulombKernel(np.eye(3)), ValueError, r"shape \(13, 13\).*got \(3, 3\)"),
    (kd.CoulombKernel(np.triu(np.ones((13, 13)))), ValueError, "must be symmetric"),
    (kd.CoulombKernel(np.full((13, 13), np.inf)), ValueError, "not finite"),
    (kd.CoulombKernel(lambda a, b: 1j), ValueError, "must return real numbers"),
    (3.0, TypeError, "must be a Poisson, Neutrality or CoulombKernel"),
    (kd.Poisson, TypeError, "must be a Poisson, Neutrality or CoulombKernel"),
])
def test_bad_laws(law, error, message):
    with pytest.raises(error, match=message):
        solve(system("barrier", 6), 0.1, law)


@pytest.mark.parametrize("coupling", [0.0, -1.0, np.nan, np.inf, "strong"])
def test_bad_coupling(coupling):
    with pytest.raises(ValueError, match="coupling must be a positive number"):
        kd.Poisson(coupling)


def test_kernel_that_is_no_matrix():
    with pytest.raises(ValueError, match="kernel must be a real matrix"):
        kd.CoulombKernel([1.0, 2.0])


def test_potential_that_pushes_the_band_away():
    with pytest.raises(ValueError, match="Lead 0 has no open modes"):
        solve(system("barrier", 6), 0.1, kd.Poisson(1.0), potentials=(2.0, -0.05))


def test_electrostatics_needs_gamma_off_the_axis():
    reservoirs = [kd.Reservoir(-0.5, 0.1)] * 3
    with pytest.raises(ValueError, match="leads of one orbital per cell"):
        kd.steady_state(three_terminal(), reservoirs, kd.PhononBath(0.1, mean_free_path=5.0),
                        electrostatics=kd.Neutrality())


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_little_current(law):
    """Particles and energy are conserved relative to a current of 1e-8, and power does not depend on rtol."""
    thick = chain.barrier(length=20, height=3.0, width=6)
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: RATE * chain.in_wires(site, width=6))
    reservoirs = [kd.Reservoir(MU + sign * 0.1, TEMPERATURE) for sign in (1, -1)]
    coarse, fine = (kd.steady_state(thick.finalized(), reservoirs, bath, electrostatics=law, rtol=rtol)
                    for rtol in (1e-6, 1e-9))
    assert abs(coarse.current[0]) < 1e-8
    assert abs(coarse.particle_residual) < 1e-8
    np.testing.assert_allclose(coarse.power, fine.power, rtol=0, atol=1e-6 * np.abs(fine.power).max())
    # In the barrier next to no states tell U, where the law is neutrality.
    wires = ~np.isnan(coarse.mu)
    np.testing.assert_allclose(coarse.potential[wires], fine.potential[wires], rtol=0, atol=1e-7)


@pytest.mark.parametrize("coupling", [0.03, 0.01])
def test_level_that_moves_farther_than_its_width(coupling):
    """A narrow dot at a bias of half the Fermi energy: panels follow the level, whatever U does to it."""
    state = solve(system(coupling, 20), 0.5 * FERMI_ENERGY, kd.Poisson(20.0))
    assert state.law_residual < 1e-8
    assert state.newton_steps <= 8
    halfway = solve(system(coupling, 20), 0.25 * FERMI_ENERGY, kd.Poisson(20.0))
    assert 0 < halfway.current[0] < 2 * state.current[0]


def test_fermi_wavelength_counts_from_the_lead_s_band():
    """Given or by default, the same potential is the same wavelength; a mu at a bare band edge does no harm."""
    default = solve(chain.barrier(length=10), 0.3, kd.Poisson(1.0), mu=-1.8)
    given_ = solve(chain.barrier(length=10), 0.3, kd.Poisson(1.0), mu=-1.8, potentials=(0.15, -0.15))
    np.testing.assert_allclose(default.fermi_wavelength, given_.fermi_wavelength, rtol=1e-9)
    assert np.all(np.isfinite(solve(chain.barrier(length=10), 0.4, kd.Poisson(1.0), mu=-1.8).fermi_wavelength))


def test_no_bath_as_infinite_mean_free_path():
    builder = system("barrier", 5)
    reservoirs = [kd.Reservoir(MU + sign * 0.05, 0.1) for sign in (1, -1)]
    one, other = (kd.steady_state(builder.finalized(), reservoirs, bath, electrostatics=kd.Poisson(1.0))
                  for bath in (kd.PhononBath(0.1, mean_free_path=np.inf), kd.PhononBath(0.1, rate=0.0)))
    np.testing.assert_allclose(one.potential, other.potential, rtol=0, atol=1e-12)


def test_newton_that_does_not_converge(monkeypatch):
    monkeypatch.setattr("kwant_dissip.balance.screening._STEPS", 1)
    monkeypatch.setattr("kwant_dissip.balance.screening._SHORT_STEPS", 1)
    with pytest.raises(kd.ConvergenceError, match="did not find"):
        solve(system("barrier", 6), 0.3, kd.Poisson(1.0))


@pytest.mark.parametrize("law", [kd.Poisson(1.0), kd.Poisson(20.0), kd.Neutrality(), kd.Poisson(1e-12)])
@pytest.mark.parametrize("rate", [None, 1e-9, 1e-6])
def test_resonances_with_next_to_no_bath(law, rate):
    """With a bath as weak as that the potential is the coherent one; the law holds."""
    syst = chain.resonant_dot(length=8, coupling=0.1, level=-1.4).finalized()
    reservoirs = [kd.Reservoir(-1.35, 0.03), kd.Reservoir(-1.45, 0.03)]
    bath = None if rate is None else kd.PhononBath(0.03, rate=lambda site: rate * chain.in_wires(site))
    state = kd.steady_state(syst, reservoirs, bath, electrostatics=law, rtol=1e-5)
    assert state.law_residual < 1e-8
    coherent = kd.steady_state(syst, reservoirs, kd.PhononBath(0.03, rate=0.0), electrostatics=law, rtol=1e-5)
    np.testing.assert_allclose(state.potential, coherent.potential, rtol=0, atol=1e-6)
    assert state.current[0] == pytest.approx(coherent.current[0], rel=1e-4)


def test_kwants_route_says_how_long_it_takes(monkeypatch):
    """Beforehand; the solution itself is not waited for."""
    monkeypatch.setattr("kwant_dissip.balance.problem.ScreenedBalance", None)
    monkeypatch.setattr("kwant_dissip.balance.problem._EVALUATIONS", 10 ** 6)
    with pytest.warns(UserWarning, match="takes some .* minutes"), pytest.raises(TypeError):
        kd.steady_state(chain.barrier(length=2).finalized(), [kd.Reservoir(-1.0, 0.1)] * 2,
                        kd.PhononBath(0.1, rate=0.1), electrostatics=kd.Poisson(1.0), method="kwant")
