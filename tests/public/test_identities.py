"""What every solution must obey, on random chains."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip import systems
from kwant_dissip.model.lattice import read
from kwant_dissip.model.levels import isolated_levels
from models import chain, chains, floats, uniform_chain


def solve(syst, reservoirs, bath, **options):
    return kd.steady_state(syst, reservoirs, bath, rtol=1e-4, **options)


@given(chains())
def test_conservation_and_second_law(model):
    syst, reservoirs, bath, _ = model
    state = solve(syst, reservoirs, bath)
    # Energy counts from the middle of the mus: a common offset would only add current times offset.
    middle = 0.5 * (reservoirs[0].mu + reservoirs[1].mu)
    heat = state.energy_current - middle * state.current
    largest = max(np.abs(state.current).max(), np.abs(heat).max())
    assert abs(state.current.sum()) <= 1e-10 * largest
    assert abs(heat.sum() - state.power.sum()) <= 1e-10 * largest
    assert state.entropy_production >= -1e-12 * largest


@given(chains(), floats(-0.8, 0.8), floats(0.03, 0.3))
def test_equilibrium(model, mu, temperature):
    syst, _, bath, _ = model
    state = solve(syst, [kd.Reservoir(mu, temperature)] * 2, kd.PhononBath(temperature, rate=bath.rate))
    assert np.abs(state.power).max() < 1e-12
    assert np.abs(state.current).max() < 1e-12
    np.testing.assert_allclose(state.mu[~np.isnan(state.mu)], mu, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bath", [None, kd.PhononBath(0.02, rate=0.1)])
def test_temperatures_that_differ_by_rounding_are_the_same(bath):
    """What would flow is rounding, which no grid of energies resolves."""
    state = kd.steady_state(uniform_chain(4), [kd.Reservoir(0.0, np.nextafter(0.02, 1)), kd.Reservoir(0.0, 0.02)], bath)
    assert not np.any(state.current)
    assert not np.any(state.power)


@given(chains())
def test_mirror(model):
    syst, reservoirs, bath, arguments = model
    mirrored = chain(arguments["onsite"][::-1], [t.conjugate() for t in arguments["hopping"][::-1]],
                     arguments["lead_onsite"][::-1], arguments["lead_hopping"][::-1])
    state = solve(syst, reservoirs, bath)
    mirror = solve(mirrored, reservoirs[::-1], kd.PhononBath(bath.temperature, rate=bath.rate[::-1]))
    scale = np.abs(state.power).max()
    np.testing.assert_allclose(mirror.power[::-1], state.power, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(mirror.mu[::-1], state.mu, rtol=0, atol=1e-9)
    np.testing.assert_allclose(mirror.density[::-1], state.density, rtol=0, atol=1e-9)


@given(chains(), floats(-3, 3))
def test_common_shift_of_all_energies(model, shift):
    syst, reservoirs, bath, arguments = model
    shifted = chain([e + shift for e in arguments["onsite"]], arguments["hopping"],
                    [e + shift for e in arguments["lead_onsite"]], arguments["lead_hopping"])
    state = solve(syst, reservoirs, bath)
    other = solve(shifted, [kd.Reservoir(r.mu + shift, r.temperature) for r in reservoirs], bath)
    scale = max(np.abs(state.power).max(), np.abs(state.current).max())
    np.testing.assert_allclose(other.power, state.power, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(other.mu, state.mu + shift, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.density, state.density, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.energy_current, state.energy_current + shift * state.current, rtol=0,
                               atol=1e-9 * scale * (1 + abs(shift)))


@given(chains(), st.data())
def test_order_of_sites_does_not_matter(model, data):
    """A chain whose sites kwant sorts otherwise than along it."""
    import kwant

    syst, reservoirs, bath, arguments = model
    sites = len(arguments["onsite"])
    names = data.draw(st.permutations(range(sites)))
    lattice = kwant.lattice.square(norbs=1)
    builder = kwant.Builder()
    place = [lattice(names[i], 0) for i in range(sites)]
    for i in range(sites):
        builder[place[i]] = arguments["onsite"][i]
    for i, t in enumerate(arguments["hopping"]):
        builder[place[i], place[i + 1]] = t
    for end, direction, a in ((0, -1, 0), (sites - 1, 1, 1)):
        lead = kwant.Builder(kwant.TranslationalSymmetry((0, direction)))
        lead[lattice(names[end], 0)] = arguments["lead_onsite"][a]
        lead[lattice(names[end], 0), lattice(names[end], 1)] = arguments["lead_hopping"][a]
        builder.attach_lead(lead)
    shuffled = builder.finalized()
    where = [shuffled.id_by_site[site] for site in place]
    rate = np.empty(sites)
    rate[where] = bath.rate
    state = solve(syst, reservoirs, bath)
    other = solve(shuffled, reservoirs, kd.PhononBath(bath.temperature, rate=rate))
    assert other.method == "chain"
    np.testing.assert_allclose(other.power[where], state.power, rtol=0, atol=1e-9 * np.abs(state.power).max())
    np.testing.assert_allclose(other.mu[where], state.mu, rtol=0, atol=1e-9)


@pytest.mark.parametrize("bias", [1e-9, 1e-6, 1e-3])
def test_small_bias_loses_no_digits(bias):
    """The current is linear in a small bias, and conserved, relative to itself."""
    syst = chain([0.0] * 6 + [0.7] + [0.0] * 6, [-1.0] * 12)
    state = solve(syst, [kd.Reservoir(-0.9 + bias, 0.05), kd.Reservoir(-0.9, 0.05)], kd.PhononBath(0.05, rate=0.1))
    linear = solve(syst, [kd.Reservoir(-0.9 + 1e-5, 0.05), kd.Reservoir(-0.9, 0.05)], kd.PhononBath(0.05, rate=0.1))
    assert abs(state.particle_residual) < 1e-10
    assert state.current[0] / bias == pytest.approx(linear.current[0] / 1e-5, rel=20 * bias + 1e-6)


@pytest.mark.parametrize("method", ["slices", "kwant"])
@pytest.mark.parametrize(("sites", "resistance"), [(1, 1.25), (2, 1.5347222222), (3, 1.7678571429),
                                                   (10, 3.5851963411)])
def test_damato_pastawski_resistance(sites, resistance, method):
    """Rate gamma = t on every site of a matched chain at the band centre, T -> 0 (Phys. Rev. B 41, 7411 (1990))."""
    temperature, bias = 1e-4, 1e-5
    state = solve(uniform_chain(sites), [kd.Reservoir(0.5 * bias, temperature), kd.Reservoir(-0.5 * bias, temperature)],
                  kd.PhononBath(temperature, rate=1.0), method=method)
    assert bias / (2 * np.pi * state.current[0]) == pytest.approx(resistance, abs=1e-6)


@pytest.mark.parametrize("rate", [0.3, 1.0, 3.0])
def test_damato_pastawski_slope(rate):
    """Resistance per site of a long chain: (gamma/4t) sqrt(1 + (gamma/4t)^2)."""
    temperature, bias = 1e-4, 1e-5
    reservoirs = [kd.Reservoir(0.5 * bias, temperature), kd.Reservoir(-0.5 * bias, temperature)]
    bath = kd.PhononBath(temperature, rate=rate)
    first, second = (bias / (2 * np.pi * solve(uniform_chain(n), reservoirs, bath).current[0]) for n in (200, 300))
    assert (second - first) / 100 == pytest.approx(0.25 * rate * np.sqrt(1 + (0.25 * rate) ** 2), rel=1e-6)


def test_ballistic_limit():
    """A vanishing rate leaves the Landauer current of a perfect wire, 1/2pi per mode and bias."""
    state = solve(uniform_chain(10), [kd.Reservoir(0.05, 0.01), kd.Reservoir(-0.05, 0.01)],
                  kd.PhononBath(0.01, rate=1e-9))
    assert state.current[0] == pytest.approx(0.1 / (2 * np.pi), rel=1e-6)


def test_large_bias():
    """A bias of 200 k_B T converges and conserves."""
    syst = chain([0.0] * 20 + [0.8] + [0.0] * 20, [-1.0] * 40)
    state = solve(syst, [kd.Reservoir(0.5, 0.005), kd.Reservoir(-0.5, 0.005)], kd.PhononBath(0.005, rate=0.05))
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert 0.5 > np.nanmax(state.mu) > np.nanmin(state.mu) > -0.5


@pytest.mark.parametrize("bias", [0.5, 2.0])
def test_large_bias_across_a_narrow_resonance(bias):
    """Where Newton's full steps end at chemical potentials without states."""
    syst = systems.chain.resonant_dot(length=30, coupling=0.02, level=-0.9).finalized()
    bath = kd.PhononBath(0.005, rate=lambda site: 0.05 * systems.chain.in_wires(site))
    state = solve(syst, [kd.Reservoir(-0.9 + 0.5 * bias, 0.005), kd.Reservoir(-0.9 - 0.5 * bias, 0.005)], bath)
    assert abs(state.particle_residual) < 1e-10
    assert state.current[0] > 0


@pytest.mark.parametrize("sites", [4, 6, 9, 10])
@pytest.mark.parametrize("temperatures", [(0.1, 0.05), (0.07, 0.07)])
def test_only_temperatures_differ_at_the_band_centre(sites, temperatures):
    """By symmetry no chemical potential moves and no particles flow; heat does, from hot to cold."""
    state = solve(uniform_chain(sites), [kd.Reservoir(0.0, t) for t in temperatures], kd.PhononBath(0.06, rate=0.1))
    np.testing.assert_allclose(state.mu, 0, atol=1e-12)
    np.testing.assert_allclose(state.current, 0, atol=1e-12)
    assert state.energy_current[0] > 0
    assert state.power.sum() > 0
    assert state.entropy_production > 0


@pytest.mark.parametrize("hopping", [0.0, 1e-8])
def test_a_cut_chain_is_two_halves_in_equilibrium(hopping):
    syst = chain([0.0] * 6, [-1.0, -1.0, hopping, -1.0, -1.0])
    state = kd.steady_state(syst, [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], kd.PhononBath(0.05, rate=0.1))
    np.testing.assert_allclose(state.mu, [-0.9] * 3 + [-1.1] * 3, atol=1e-9)
    np.testing.assert_allclose(state.power, 0, atol=1e-12)


def test_piece_without_a_lead_is_refused():
    builder = systems.chain.barrier(length=3)
    lattice = next(iter(builder.sites())).family
    builder[lattice(20)] = 0.0
    with pytest.raises(ValueError, match="connected to no lead"):
        kd.steady_state(builder.finalized(), [kd.Reservoir(-1.0, 0.1)] * 2, kd.PhononBath(0.1, rate=0.1))


def test_uncoupled_dangling_site_at_the_energy_of_a_node():
    """Its level is hit exactly by the middle of a symmetric window."""
    import kwant

    builder = systems.chain.barrier(length=4, height=0.0)
    lattice = kwant.lattice.chain(norbs=1)
    builder.leads[1] = kwant.builder.BuilderLead(builder.leads[1].builder, [lattice(0)])
    bath = kd.PhononBath(0.05, rate=lambda site: 0.1 * (site.tag[0] < 0))
    reservoirs = [kd.Reservoir(0.05, 0.05), kd.Reservoir(-0.05, 0.05)]
    fast, slow = (solve(builder.finalized(), reservoirs, bath, method=method) for method in ("slices", "kwant"))
    np.testing.assert_allclose(fast.power, slow.power, rtol=0, atol=1e-9 * np.abs(slow.power).max())


def test_bound_state_below_the_band_is_not_overlooked():
    """A peak as narrow as 1e-6 at the energy of an attractive site."""
    syst = systems.chain.barrier(length=20, height=-1.0).finalized()
    reservoirs, bath = [kd.Reservoir(-1.7, 0.1), kd.Reservoir(-1.9, 0.1)], kd.PhononBath(0.1, rate=1e-6)
    coarse, fine = (kd.steady_state(syst, reservoirs, bath, rtol=rtol) for rtol in (1e-6, 1e-9))
    np.testing.assert_allclose(coarse.power, fine.power, rtol=0, atol=1e-6 * np.abs(fine.power).max())
    np.testing.assert_allclose(coarse.mu, fine.mu, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("onsite", "length"), [([0.1, 1.3, 0.9], 0), ([-0.2, -1.9], 0), ([1.5], 0), ([1.5, 1.5], 90)])
def test_levels_that_leads_push_out_of_the_band(onsite, length):
    """Breaks between panels lie where kwant's long chain, leads and all, has levels outside the band."""
    sites, beyond = [*onsite, *[0.0] * length], 300
    long = np.diag([*[0.0] * beyond, *sites, *[0.0] * beyond]) - np.eye(len(sites) + 2 * beyond, k=1)
    levels = np.linalg.eigvalsh(long, UPLO="U")
    lattice = read(chain(sites, [-1.0] * (len(sites) - 1)))
    found = isolated_levels(lattice, np.full(len(sites), 0.1), np.zeros(2), np.zeros(len(sites)), -9, 9)
    outside = levels[np.abs(levels) > 2 + 1e-9]
    assert len(outside)
    np.testing.assert_allclose(np.abs(found[:, None] - outside).min(axis=0), 0.0, atol=1e-9)


def test_error_where_a_level_is_pushed_out_of_the_band():
    """A bound state next to a lead, between two of seven nodes: what is said of the power's error holds."""
    rng = np.random.default_rng(56)
    for _ in range(6):
        onsite, mu = rng.normal(0, 0.8, 5), rng.uniform(1.2, 1.8)
        syst, rates = chain(onsite, [-1.0] * 4), np.where(np.arange(5) % 2, 0.0, 10 ** rng.uniform(-2, -1, 5))
        reservoirs = [kd.Reservoir(mu + 0.3, 0.15), kd.Reservoir(mu - 0.3, 0.15)]
        coarse, fine = (kd.steady_state(syst, reservoirs, kd.PhononBath(0.15, rate=list(rates)), rtol=rtol)
                        for rtol in (1e-3, 1e-8))
        assert np.abs(coarse.power - fine.power).max() <= coarse.error * np.abs(fine.power).max()


@settings(max_examples=12)
@given(chains(max_sites=6))
def test_error_bounds_the_currents(model):
    """Against a solution of ten times the accuracy."""
    syst, reservoirs, bath, _ = model
    coarse, fine = (kd.steady_state(syst, reservoirs, bath, rtol=rtol) for rtol in (1e-4, 1e-8))
    drive = abs(reservoirs[0].mu - reservoirs[1].mu) + max(r.temperature for r in reservoirs)
    # Where heat flows without particles, the current counts against what carries the heat.
    heat = np.abs(fine.energy_current - fine.reservoir_mu * fine.current).max() / fine.reservoir_temperature.max()
    for name, least in (("power", 0.0), ("current", heat)):
        difference = np.abs(getattr(coarse, name) - getattr(fine, name)).max()
        assert difference <= 1e-4 * max(np.abs(getattr(fine, name)).max(), least) + 1e-11 * drive


@given(chains(), st.data())
def test_bath_temperature_per_site(model, data):
    syst, reservoirs, bath, _ = model
    temperatures = data.draw(st.lists(floats(0.03, 0.3), min_size=len(bath.rate), max_size=len(bath.rate)))
    state = solve(syst, reservoirs, kd.PhononBath(temperatures, rate=bath.rate))
    assert abs(state.particle_residual) < 1e-10
    assert state.entropy_production >= -1e-12


def test_both_routes_on_a_whole_solution():
    """Three leads, one of them in the middle of the chain; different temperatures everywhere."""
    import kwant

    builder = systems.chain.barrier(length=4, height=0.4)
    lattice = kwant.lattice.chain(norbs=1)
    side = kwant.Builder(kwant.TranslationalSymmetry((1,)))
    side[lattice(0)] = 0.2
    side[lattice.neighbors()] = -1
    builder.leads.append(kwant.builder.BuilderLead(side, [lattice(1)]))
    reservoirs = [kd.Reservoir(-0.8, 0.1), kd.Reservoir(-1.0, 0.15), kd.Reservoir(-0.9, 0.2)]
    bath = kd.PhononBath(0.12, rate=lambda site: 0.05 * (1 + abs(site.tag[0])))
    fast, slow = (kd.steady_state(builder.finalized(), reservoirs, bath, method=m, rtol=1e-5) for m in (None, "kwant"))
    assert (fast.method, slow.method) == ("chain", "kwant")
    for name in ("power", "mu", "density", "current", "energy_current"):
        one, other = getattr(fast, name), getattr(slow, name)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * np.abs(other).max())


def test_jacobian_that_does_not_fit_in_memory(monkeypatch):
    """Computed anew in every product, the solution is the same."""
    syst = chain([0.0] * 6 + [0.7] + [0.0] * 6, [-1.0] * 12)
    arguments = syst, [kd.Reservoir(-0.8, 0.05), kd.Reservoir(-1.0, 0.05)], kd.PhononBath(0.05, rate=0.1)
    kept = solve(*arguments)
    monkeypatch.setattr("kwant_dissip.balance.linear._MEMORY", 0)
    np.testing.assert_allclose(solve(*arguments).power, kept.power, rtol=0, atol=1e-12 * np.abs(kept.power).max())


@pytest.mark.parametrize("baths", [[kd.PhononBath(0.1, rate=0.05), kd.ElectronBath(rate=0.02)],
                                   [kd.ElectronBath(rate=0.02), kd.ElasticBath(rate=0.1)]])
@pytest.mark.parametrize("floating", [False, True])
def test_equilibrium_with_hot_electrons_is_found(baths, floating):
    """Nothing drives: no step is looked for among rounding errors, and nothing is lost."""
    syst = systems.ribbon.ribbon(length=4, width=3).finalized()
    state = kd.steady_state(syst, [kd.Reservoir(-1.1, 0.1), kd.Reservoir(None if floating else -1.1, 0.1)], baths)
    for values in (state.power, state.current, state.electron_temperature - 0.1, state.particle_residual):
        assert np.abs(values).max() < 1e-15


def test_conservation_where_no_net_current_flows():
    """One lead, phonons colder than it: net particles vanish, and are measured with what flows at single energies."""
    syst = chain([0.0] * 12, [-1.0] * 11, lead_onsite=(0.0,), lead_hopping=(-1.0,))
    state = kd.steady_state(syst, [kd.Reservoir(-1.1, 0.1)], kd.PhononBath(0.03, rate=0.1))
    assert state.gross_current > 1e-4
    assert abs(state.current[0]) < 1e-12 * state.gross_current
    assert abs(state.particle_residual) < 1e-12
    assert abs(state.energy_residual) < 1e-12
    assert state.to_si(1.0, 1e-9).particle_residual == pytest.approx(state.particle_residual)


@pytest.mark.parametrize("baths", [kd.PhononBath(0.1, rate=0.05), kd.OpticalPhonons(0.1, 0.01, 0.1),
                                   [kd.ElectronBath(rate=0.1), kd.ElasticBath(rate=0.1)]])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_bits_each_time(baths, threads, monkeypatch):
    monkeypatch.setenv("KWANT_DISSIP_NUM_THREADS", str(threads))
    syst = systems.ribbon.ribbon(length=8, width=3).finalized()
    one, *others = [kd.steady_state(syst, [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1)], baths, rtol=1e-3)
                    for _ in range(3)]
    for other in others:
        for name in ("power", "current", "mu", "density", "bond_current"):
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
