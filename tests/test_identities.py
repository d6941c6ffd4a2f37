"""What every solution must obey, on random chains."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kwant_dissip as kd
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
    assert other.method == "slices"
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
    assert state.power.sum() == pytest.approx(state.current[0] * 1.0 - _heat_into_leads(state), rel=1e-9)


def _heat_into_leads(state):
    """Joule's total current * bias, less what the phonons took, warms the reservoirs."""
    return -(state.energy_current - state.reservoir_mu * state.current).sum()
