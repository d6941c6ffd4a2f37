"""Microscopic phonons: reference cases, brute force, conservation, limits."""

import json

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.constants import Boltzmann, eV

import dense_born
import kwant_dissip as kd
from born_models import T, barrier, on_grid, with_hamiltonian
from dense_born import UniformGrid
from kwant_dissip.model.lattice import read
from kwant_dissip.model.phonons import Mode
from kwant_dissip.numerics.ladders import ladders
from kwant_dissip.scba.problem import QuantumProblem
from kwant_dissip.scba.refinement import Refinement
from kwant_dissip.scba.scattering import fermi
from kwant_dissip.systems import chain as models_of_chains
from models import chain, floats, uniform_chain
from paths import COMMON

CASES = json.loads((COMMON / "born_cases.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reference_cases(case):
    """``born_cases.json``, solved on its own grid by an independent program."""
    sites, step = len(case["onsite"]), case["step"]
    temperature = np.full(sites, case["bath_temperature"])
    modes = [Mode(mode["steps"] * step, np.array(mode["coupling"]), temperature, case["level_shift"])
             for mode in case["modes"]]
    grid = UniformGrid(case["e0"], step, case["energies"], case["steps_per_base"])
    leads = [(lead["site"], lead["mu"], lead["temperature"]) for lead in case["leads"]]
    found = on_grid(chain(case["onsite"], case["hopping"]), [lead[1:] for lead in leads], modes,
                    case.get("acoustic", np.zeros(sites)), case["level_shift"], grid)
    for name in ("power", "density", "states", "current", "energy_current"):
        np.testing.assert_allclose(found[name], case[name], rtol=0, atol=1e-8 * np.abs(case[name]).max())


def test_slices_and_chains_against_kwant():
    """On few energies, as kwant solves each anew in every iteration."""
    grid, modes = UniformGrid(-2.2, 0.2, 12, 1), [Mode(0.2, np.array([0.05, 0.0, 0.1]), np.full(3, 0.3), True)]
    for further in (0.0, 0.3):
        hamiltonian = np.array([[0.1, -1, further], [-1, 0.4, -0.8], [further, -0.8, 0]])
        syst = with_hamiltonian(hamiltonian)
        ours, kwants = (on_grid(syst, [(-1.0, 0.3), (-1.4, 0.2)], modes, [0.0, 0.05, 0.0], True, grid, method)
                        for method in (None, "kwant"))
        for name in ("power", "density", "states", "current", "energy_current"):
            np.testing.assert_allclose(ours[name], kwants[name], rtol=0, atol=1e-8 * np.abs(kwants[name]).max())


@settings(max_examples=12, derandomize=True)
@given(st.data())
def test_random_systems_against_brute_force(data):
    """Chains, and the same with hoppings to second neighbours, which are cut into slices."""
    sites = data.draw(st.integers(5, 15))
    onsite = data.draw(st.lists(floats(-0.5, 0.5), min_size=sites, max_size=sites))
    further = data.draw(st.sampled_from([0.0, 0.3]))
    hamiltonian = np.diag(onsite) - np.diag(np.ones(sites - 1), 1) - np.diag(np.ones(sites - 1), -1)
    hamiltonian += further * (np.diag(np.ones(sites - 2), 2) + np.diag(np.ones(sites - 2), -2))
    level_shift = data.draw(st.booleans())
    grid = UniformGrid(-2.8, 0.2, 28, 1)
    temperature = data.draw(st.lists(floats(0.1, 0.4), min_size=sites, max_size=sites))
    coupling = np.array(data.draw(st.lists(floats(0.005, 0.05), min_size=sites, max_size=sites)))
    modes = [Mode(0.2 * steps, coupling * part, np.array(temperature), level_shift)
             for steps, part in data.draw(st.sampled_from([[(2, 1.0)], [(1, 0.5), (3, 1.0)]]))]
    acoustic = data.draw(st.sampled_from([0.0, 0.02])) * np.ones(sites)
    leads = [(0, data.draw(floats(-1.5, 0.5)), 0.2), (sites - 1, data.draw(floats(-1.5, 0.5)), 0.3)]
    syst = with_hamiltonian(hamiltonian)
    found = on_grid(syst, [lead[1:] for lead in leads], modes, acoustic, level_shift, grid)
    expected = dense_born.solve(hamiltonian, leads, [(round(mode.energy / 0.2), mode.coupling, mode.quanta)
                                                     for mode in modes], acoustic, grid, level_shift)
    for name in ("power", "density", "states", "current", "energy_current"):
        scale = max(np.abs(expected[name]).max(), 1e-3)
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-8 * scale)


def test_finer_uniform_grids_approach_the_panels():
    state = barrier(-1.0, -1.4, kd.OpticalPhonons(0.2, 0.03, T, level_shift=False))
    errors = []
    for base in (4, 16, 64):
        step = 0.2 / base
        found = on_grid(chain([0, 0.1, 0.6, 0.2, 0, 0], [-1.0] * 5), [(-1.0, T), (-1.4, T)],
                        [Mode(0.2, np.full(6, 0.03), np.full(6, T), False)], np.zeros(6), False,
                        UniformGrid(-2.6, step, 26 * base, base))
        errors.append(np.abs(found["power"] - state.power).max() / np.abs(state.power).max())
    # Midpoints next to square-root edges: better than linear in the step.
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 4
    assert errors[2] < 1e-3


@pytest.mark.parametrize("phonons", [
    kd.OpticalPhonons(0.2, 0.03, T), kd.AcousticPhonons(0.05, T, level_shift=False),
    [kd.OpticalPhonons(0.1, 0.02, [T, 1.2 * T, T, 0.8 * T, T, T]), kd.OpticalPhonons(0.3, 0.02, T),
     kd.PhononBath(T, rate=[0.0, 0.0, 0.0, 0.0, 0.1, 0.1]), kd.ElasticBath(rate=0.05)],
], ids=["optical", "acoustic", "all"])
def test_conservation_and_second_law(phonons):
    state = barrier(-1.0, -1.4, phonons)
    assert state.error <= state.rtol
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.entropy_production > 0
    # Current on the bonds is that of the leads, and what a site gives to phonons is what flows in.
    assert state.bond_current[0] == pytest.approx(state.current[0], rel=1e-9)
    flows = np.zeros(6)
    np.add.at(flows, state.bonds[:, 1], state.bond_energy_current)
    np.add.at(flows, state.bonds[:, 0], -state.bond_energy_current)
    flows[0] += state.energy_current[0]
    flows[-1] += state.energy_current[1]
    np.testing.assert_allclose(flows, state.power, rtol=0, atol=1e-9 * abs(state.energy_current[0]))


def test_equilibrium():
    state = barrier(-1.2, -1.2, [kd.OpticalPhonons(0.2, 0.03, T), kd.PhononBath(T, rate=0.05)])
    assert np.abs(state.power).max() < 1e-15
    assert np.abs(state.current).max() < 1e-14
    np.testing.assert_allclose(state.mu, -1.2, atol=1e-12)
    equilibrium = fermi(state.energy, np.array([-1.2]), np.array([T]))
    held = state.spectral > 1e-6
    np.testing.assert_allclose(np.where(held, state.filling, equilibrium), np.where(held, equilibrium, equilibrium),
                               atol=1e-9)


def test_gauge():
    plain = barrier(-1.0, -1.4, kd.OpticalPhonons(0.2, 0.03, T))
    onsite = np.array([0, 0.1, 0.6, 0.2, 0, 0]) + 0.7
    moved = barrier(-0.3, -0.7, kd.OpticalPhonons(0.2, 0.03, T), onsite=onsite, lead_onsite=(0.7, 0.7))
    np.testing.assert_allclose(moved.power, plain.power, rtol=0, atol=1e-9 * np.abs(plain.power).max())
    np.testing.assert_allclose(moved.mu, plain.mu + 0.7, rtol=0, atol=1e-8)


def test_mirror():
    coupling = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    one = barrier(-1.0, -1.4, kd.OpticalPhonons(0.2, coupling, T), temperatures=(T, 2 * T))
    other = barrier(-1.4, -1.0, kd.OpticalPhonons(0.2, coupling[::-1], T), temperatures=(2 * T, T),
                    onsite=(0, 0, 0.2, 0.6, 0.1, 0))
    np.testing.assert_allclose(other.power[::-1], one.power, rtol=0, atol=1e-10 * np.abs(one.power).max())
    np.testing.assert_allclose(other.current[::-1], one.current, rtol=1e-10)


def test_states_add_up_with_level_shifts_only():
    """A causal self-energy moves states and makes none."""
    with_shift, without = (barrier(-1.0, -1.4, kd.OpticalPhonons(0.2, 0.05, T, level_shift=shift))
                           for shift in (True, False))
    states = with_shift.spectral @ with_shift.energy_weights
    np.testing.assert_allclose(states, 1.0, atol=1e-5)
    # without, the highest energies are left out: nothing is occupied there
    problem = QuantumProblem(read(chain([0, 0.1, 0.6, 0.2, 0, 0], [-1.0] * 5)),
                             [kd.Reservoir(-1.0, T), kd.Reservoir(3.0, T)], np.zeros(2),
                             [kd.OpticalPhonons(0.2, 0.05, T, level_shift=False)], _no_baths(), None)
    whole = Refinement(problem, 1e-4, map, lambda *_: None).solved()
    lost = 1 - whole.point.spectral @ whole.balance.ladders.weights
    assert np.abs(lost).max() > 5e-3
    assert without.current[0] != pytest.approx(with_shift.current[0], rel=1e-4)


def _no_baths():
    from kwant_dissip.model.baths import checked_baths

    return checked_baths(None)


def test_step_of_the_conductance_at_one_quantum():
    """A level that hardly conducts, off resonance: above bias w quanta open a second way."""
    quantum, cold = 0.4, 0.01
    onsite, hopping = [0, 0, 0.9, 0, 0], [-1.0, -0.3, -0.3, -1.0]
    phonons = kd.OpticalPhonons(quantum, [0, 0, 0.05, 0, 0], cold, level_shift=False)

    def current(bias):
        reservoirs = [kd.Reservoir(0.5 * bias, cold), kd.Reservoir(-0.5 * bias, cold)]
        return kd.steady_state(chain(onsite, hopping), reservoirs, phonons, rtol=1e-4).current[0]

    below, above = ((current(bias + 0.05) - current(bias - 0.05)) / 0.1 for bias in (quantum - 0.12, quantum + 0.12))
    far = (current(quantum - 0.19) - current(quantum - 0.29)) / 0.1
    assert above - below > 5 * abs(below - far)


def test_cold_electrons_below_one_quantum_emit_none():
    """Quanta w >> T and bias: heat is exponentially small, and each quantum above bias w is paid for."""
    def heat(bias):
        phonons = kd.OpticalPhonons(0.3, 0.05, 0.01, level_shift=False)
        return barrier(-1.2 + 0.5 * bias, -1.2 - 0.5 * bias, phonons, temperatures=(0.01, 0.01)).power.sum()

    assert heat(0.1) < 1e-6 * heat(0.5)


def test_small_quanta_relax_like_elastic_scattering():
    """Quanta w << T at fixed D (2 N + 1): the current approaches that of acoustic phonons; quanta diffuse in energy."""
    strength, currents, heats = 0.02, [], []
    acoustic = barrier(-1.0, -1.4, kd.AcousticPhonons(strength, T, level_shift=False))
    for quantum in (0.1, 0.05, 0.025):
        coupling = strength / (2 / np.expm1(quantum / T) + 1)
        state = barrier(-1.0, -1.4, kd.OpticalPhonons(quantum, coupling, T, level_shift=False))
        currents.append(abs(state.current[0] / acoustic.current[0] - 1))
        heats.append(state.power.sum())
    # Errors, and the heat at fixed rate, fall as w^2.
    for values in (currents, heats):
        assert values[1] / values[0] == pytest.approx(0.25, abs=0.08)
        assert values[2] / values[1] == pytest.approx(0.25, abs=0.04)


def test_products_do_not_grow_with_length():
    """Ladders are solved directly on a coarse chain: the linear equations take as many products however long."""
    counts = []
    for sites in (60, 240):
        state = kd.steady_state(uniform_chain(sites), [kd.Reservoir(-1.697, 0.06), kd.Reservoir(-1.703, 0.06)],
                                kd.OpticalPhonons(0.06, 0.0054, 0.06, level_shift=False), rtol=1e-3)
        counts.append(state.products / state.newton_steps)
    assert counts[1] < 1.5 * counts[0]
    assert counts[1] < 8


def test_each_orbital():
    """Two spins that nothing turns: with vibrations of their own they are two chains; together they mix."""
    import kwant

    lattice, one, two = kwant.lattice.chain(norbs=2), np.diag([0.0, 0.3]), np.eye(2)
    builder = kwant.Builder()
    builder[(lattice(i) for i in range(5))] = one
    builder[lattice.neighbors()] = -two
    for direction in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction,)))
        lead[lattice(0)] = one
        lead[lattice.neighbors()] = -two
        builder.attach_lead(lead)
    syst, reservoirs = builder.finalized(), [kd.Reservoir(-1.0, T), kd.Reservoir(-1.3, T)]
    apart = kd.steady_state(syst, reservoirs, kd.OpticalPhonons(0.2, 0.03, T, level_shift=False, each_orbital=True),
                            rtol=1e-6)
    together = kd.steady_state(syst, reservoirs, kd.OpticalPhonons(0.2, 0.03, T, level_shift=False), rtol=1e-6)
    chains = [kd.steady_state(chain([shift] * 5, [-1.0] * 4, lead_onsite=(shift, shift)), reservoirs,
                              kd.OpticalPhonons(0.2, 0.03, T, level_shift=False), rtol=1e-6) for shift in (0.0, 0.3)]
    power = sum(state.power for state in chains)
    np.testing.assert_allclose(apart.power, power, rtol=0, atol=1e-5 * np.abs(power).max())
    np.testing.assert_allclose(apart.current, sum(state.current for state in chains), rtol=1e-5)
    assert together.power.sum() > 1.2 * power.sum()
    assert len(apart.bonds) == 4
    assert abs(together.energy_residual) < 1e-10
    with pytest.raises(ValueError, match="each_orbital"):
        apart.quanta()


def test_files_units_and_the_thermometer(tmp_path):
    state = barrier(-1.0, -1.4, kd.OpticalPhonons(0.2, 0.03, T))
    state.save(tmp_path / "state.h5")
    loaded = kd.load(tmp_path / "state.h5")
    np.testing.assert_array_equal(loaded.occupied, state.occupied)
    measured = kd.local_electrons(loaded)
    np.testing.assert_allclose(measured.mu, state.mu, atol=1e-12)
    assert np.all(measured.temperature > T)
    in_si = state.to_si(0.5, 1e-9)
    warm = kd.local_electrons(in_si)
    np.testing.assert_allclose(warm.mu, 0.5 * measured.mu, rtol=1e-9)
    np.testing.assert_allclose(warm.temperature, 0.5 * measured.temperature * 11604.518, rtol=1e-6)
    assert in_si.spectral @ in_si.energy_weights == pytest.approx(state.spectral @ state.energy_weights, rel=1e-12)
    with pytest.raises(ValueError, match=r"state\.filling"):
        kd.local_distribution(state, [0.0])


def test_hilbert_transform_on_ladders():
    """The self-energy of a chain's end: half of E inside the band."""
    grid = ladders(-2.3, 2.6, 0.3, np.array([-2.0, 2.0]), 0.2, 16)
    energies = grid.energies
    rate = np.sqrt(np.clip(4 - energies ** 2, 0, None))[None]
    np.testing.assert_allclose(grid.level_shift(rate)[0], dense_born.chain_lead(energies).real, atol=1e-9)
    assert grid.weights @ rate[0] == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(grid.energies[grid.base:], grid.energies[:-grid.base] + 0.3, atol=1e-14)
    for finer in (grid.finer(24), grid.finer(12, halved=True)):
        np.testing.assert_allclose(grid.interpolated(rate, finer)[0],
                                   np.sqrt(np.clip(4 - finer.energies ** 2, 0, None)), atol=1e-9)
        assert finer.weights.sum() == pytest.approx(grid.weights.sum(), rel=1e-12)


def test_level_shift_of_tails():
    """Of a Lorentzian, whose transform is known, the grid and the tails beyond it give all but 5e-5."""
    grid = ladders(-4.0, 5.0, 0.5, np.array([-0.3]), 0.25, 24)
    width, level = 0.3, np.array([[0.2], [-1.0]])
    distance = grid.energies - level
    rate = width / (distance ** 2 + 0.25 * width ** 2)
    exact = distance / (distance ** 2 + 0.25 * width ** 2)
    alone = grid.level_shift(rate)
    inside = np.abs(grid.energies) < 2
    assert np.abs(alone - exact)[:, inside].max() > 1e-3
    whole = alone + grid.tails(rate, hidden=1)
    np.testing.assert_allclose(whole[:, inside], exact[:, inside], atol=5e-5)


@settings(max_examples=4)
@given(st.integers(0, 2 ** 32 - 1))
def test_error_of_molecules_between_wide_bands(seed):
    """Leads without band edges, level shift: states lie at all energies, and the error said holds what lies beyond."""
    rng = np.random.default_rng(seed)
    length, lattice, builder = int(rng.integers(1, 4)), kwant.lattice.chain(norbs=1), kwant.Builder()
    for i in range(length):
        builder[lattice(i)] = rng.uniform(-0.5, 0.5)
    if length > 1:
        builder[lattice.neighbors()] = -1
    for end in (0, length - 1):
        sigma = np.array([[-0.5j * rng.uniform(0.05, 0.6)]])
        builder.leads.append(kwant.builder.SelfEnergyLead(
            lambda energy, args=(), params=None, sigma=sigma: sigma, [lattice(end)], parameters=()))
    temperature, mu = rng.uniform(0.05, 0.15), rng.uniform(-1, 1)
    bias = temperature * 10 ** rng.uniform(-0.5, 1)
    phonons = kd.OpticalPhonons(temperature * rng.uniform(0.7, 3), 10 ** rng.uniform(-3, -1.5), temperature)
    reservoirs = [kd.Reservoir(mu + 0.5 * sign * bias, temperature) for sign in (1, -1)]
    state, best = (kd.steady_state(builder.finalized(), reservoirs, phonons, rtol=rtol) for rtol in (1e-3, 1e-5))
    for name in ("power", "current"):
        one, other = getattr(state, name), getattr(best, name)
        assert np.abs(one - other).max() <= (state.error + best.error) * np.abs(other).max()


def test_bad_phonons():
    reservoirs, syst = [kd.Reservoir(-1.0, T), kd.Reservoir(-1.4, T)], uniform_chain(5)
    with pytest.raises(ValueError, match=r"OpticalPhonons energy must be a positive number, got -0\.1"):
        kd.OpticalPhonons(-0.1, 0.1, T)
    with pytest.raises(ValueError, match=r"OpticalPhonons coupling must be finite and not negative, got -1"):
        kd.OpticalPhonons(0.1, -1, T)
    with pytest.raises(ValueError, match="OpticalPhonons temperature must be a positive temperature"):
        kd.OpticalPhonons(0.1, 0.1, 0.0)
    good = kd.OpticalPhonons(0.1, 0.03, T)
    for bath, message in (
            (kd.OpticalPhonons(0.1, 0.0, T), "reaches no site: every coupling is 0"),
            (kd.OpticalPhonons(0.1, [0.1, 0.2], T), "one value for each of the 5 sites"),
            (kd.OpticalPhonons(0.1, [0.1, -0.2, 0, 0, 0], T), r"got -0.2 at site number 1"),
            ([good, kd.OpticalPhonons(0.1 * np.sqrt(2), 0.1, T)], "whole multiples of one quantum"),
            ([good, kd.OpticalPhonons(0.2, 0.1, T, each_orbital=True)], "must be alike")):
        with pytest.raises(ValueError, match=message):
            kd.steady_state(syst, reservoirs, bath)
    with pytest.raises(TypeError, match=r"bath\[1\] must be a PhononBath, .* AcousticPhonons, got float"):
        kd.steady_state(uniform_chain(3), [kd.Reservoir(-1.0, T)] * 2, [kd.AcousticPhonons(T, 0.1), 0.1])
    with pytest.raises(TypeError, match="linear_response does not take microscopic phonons"):
        kd.linear_response(syst, good, mu=-1.0)
    state = kd.steady_state(syst, reservoirs, kd.OpticalPhonons(0.1, 0.03, T, level_shift=False), rtol=1e-3)
    with pytest.raises(ValueError, match="mode must be a number of a mode, 0 to 0, got 1"):
        state.quanta(1)


def test_kwants_route_says_how_long_it_takes(monkeypatch):
    """Beforehand; the solution itself is not waited for."""
    monkeypatch.setattr("kwant_dissip.scba.state._EVALUATIONS", 10 ** 6)
    monkeypatch.setattr(Refinement, "solved", None)
    with pytest.warns(UserWarning, match="takes some .* minutes"), pytest.raises(TypeError):
        kd.steady_state(uniform_chain(3), [kd.Reservoir(-1.0, T)] * 2, kd.AcousticPhonons(T, 0.1), method="kwant")


def test_pictures():
    syst = models_of_chains.barrier(length=12, height=0.5).finalized()
    state = kd.steady_state(syst, [kd.Reservoir(-1.0, T), kd.Reservoir(-1.2, T)],
                            kd.OpticalPhonons(0.2, lambda site: 0.03 * models_of_chains.in_wires(site), T,
                                              level_shift=False), rtol=1e-3)
    figure = state.plot()
    assert len(figure.axes) >= 2
    assert np.all(np.isnan(state.mu) == ~np.array([bool(models_of_chains.in_wires(site)) for site in syst.sites]))


@pytest.mark.parametrize("coupling", [0.01, [0.01, 0.01, 0.0, 0.01, 0.01, 0.01]], ids=["all", "some"])
def test_phonons_that_heat_themselves(coupling):
    """The power of optical phonons, and their temperature on a substrate, agree; energy is conserved as a whole."""
    kelvin = Boltzmann / eV / 0.4

    def solve(temperature):
        phonons = kd.OpticalPhonons(0.1, coupling, temperature * kelvin, level_shift=False)
        return barrier(-1.4, -1.6, phonons, temperatures=(300 * kelvin, 300 * kelvin)).to_si(0.4, 3e-9)

    thermal = kd.Thermal(conductivity=6e-15, coupling=0.17, substrate_temperature=300.0)
    hot = kd.self_heating(solve, thermal)
    coupled = np.asarray(coupling) * np.ones(6) > 0
    np.testing.assert_allclose(hot.state.bath_temperature[coupled], hot.field.temperature[coupled], rtol=1e-9)
    assert hot.field.temperature.max() > 300.001
    work = (hot.state.current * hot.state.reservoir_mu).sum()
    leads = -(hot.state.energy_current - hot.state.current * hot.state.reservoir_mu).sum()
    # currents in A times eV are W
    assert hot.state.power.sum() + leads == pytest.approx(work, rel=1e-8)


@pytest.mark.parametrize(("mus", "temperature", "baths"), [
    ((0.5, -0.5), 0.5, [kd.OpticalPhonons(0.2, 0.03, 0.5, level_shift=False), kd.PhononBath(0.5, rate=0.2)]),
    ((-1.0, -1.4), 0.1, [kd.OpticalPhonons(0.2, 0.03, 0.1), kd.PhononBath(0.1, rate=0.05)]),
    ((-1.0, -1.4), 0.1, [kd.OpticalPhonons(0.2, 0.03, 0.1), kd.ElasticBath(rate=0.05)])])
def test_nothing_matters_beyond_the_grid(mus, temperature, baths, monkeypatch):
    """Also with tails of broadened states, and where all of the band is warm."""
    temperatures = (temperature, temperature)
    state = barrier(*mus, baths, temperatures=temperatures)
    monkeypatch.setattr("kwant_dissip.scba.problem._MARGIN", 12)
    wider = barrier(*mus, baths, temperatures=temperatures)
    np.testing.assert_allclose(state.power, wider.power, rtol=0, atol=2e-5 * np.abs(wider.power).max())
    np.testing.assert_allclose(state.current, wider.current, rtol=2e-6)


@pytest.mark.parametrize("baths", [
    [kd.OpticalPhonons(0.2, 0.03, 0.05, level_shift=False), kd.OpticalPhonons(0.2, 0.03, 0.2, level_shift=False)],
    [kd.OpticalPhonons(0.2, 0.03, 0.2, level_shift=False), kd.PhononBath(0.05, rate=0.05)],
    [kd.AcousticPhonons(0.01, 0.3, level_shift=False), kd.OpticalPhonons(0.2, 0.03, 0.05, level_shift=False)]])
def test_phonons_of_two_temperatures_obey_the_second_law(baths):
    state = barrier(-1.2, -1.2, baths)
    assert state.entropy_production > 0
    assert state.to_si(0.5, 1e-9).entropy_production > 0
    assert abs(state.energy_residual) < 1e-10


def test_orbitals_that_nothing_reaches():
    import kwant

    lattice, builder = kwant.lattice.chain(norbs=2), kwant.Builder()
    for i in range(3):
        builder[lattice(i)] = np.zeros((2, 2))
    builder[lattice.neighbors()] = np.diag([-1.0, 0.0])
    for direction in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction,)))
        lead[lattice(0)] = np.zeros((2, 2))
        lead[lattice.neighbors()] = -np.eye(2)
        builder.attach_lead(lead)
    phonons = kd.OpticalPhonons(0.2, [0, 0.03, 0], T, level_shift=False, each_orbital=True)
    with pytest.raises(ValueError, match="to no other orbital: their occupation is not determined"):
        kd.steady_state(builder.finalized(), [kd.Reservoir(-1.0, T), kd.Reservoir(-1.2, T)], phonons)


def test_spots_of_quanta():
    """The table of design.md, section 10: T/E_F = 0.2, w = T: -0.021 and +0.033 of I T / l at 1.4 l."""
    mu, temperature, path = -1.7, 0.06, 60
    velocity = np.sqrt(4 - mu ** 2)
    dot_coupling = np.sqrt(0.075 / velocity)
    dot = models_of_chains.resonant_dot(length=6 * path, coupling=dot_coupling,
                                        level=mu * (1 - dot_coupling ** 2)).finalized()
    number, filled = 1 / np.expm1(1.0), fermi(np.array([mu + temperature, mu - temperature]), np.array([mu]),
                                              np.array([temperature]))[0]
    states = 2 / np.sqrt(4 - np.array([mu + temperature, mu - temperature]) ** 2)
    rate = (number + filled[0]) * states[0] + (number + 1 - filled[1]) * states[1]
    phonons = kd.OpticalPhonons(temperature, lambda site: velocity / path / rate * models_of_chains.in_wires(site),
                                temperature, level_shift=False)
    state = kd.steady_state(dot, [kd.Reservoir(mu + 0.003, temperature), kd.Reservoir(mu - 0.003, temperature)],
                            phonons, rtol=1e-1)
    unit = state.current[0] * temperature / path
    for side, size in ((1, -0.021), (-1, 0.033)):
        sites = np.flatnonzero(side * state.coordinate > 3)
        sites = sites[np.argsort(np.abs(state.coordinate[sites]))]
        x = np.abs(state.coordinate[sites])[8:-8] / path
        smooth = np.convolve(state.power[sites] / unit, np.full(17, 1 / 17), "valid")
        inside = (x > 0.5) & (x < 4)
        spot = np.argmin(side * smooth[inside])
        assert x[inside][spot] == pytest.approx(1.4, abs=0.1)
        assert smooth[inside][spot] == pytest.approx(size, abs=1e-3)
