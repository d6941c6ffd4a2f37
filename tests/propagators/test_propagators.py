"""The two routes at single energies, against each other and against kwant."""

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip.leads.periodic import PeriodicLead
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.chain import ChainPropagator
from kwant_dissip.propagators.kwant_solver import KwantPropagator
from models import chain, chains, floats, three_terminal, uniform_chain


def both_routes(syst, bath, shifts=(0.0, 0.0)):
    lattice = read(syst)
    gamma = broadening(bath, lattice)
    return ChainPropagator(lattice, gamma, shifts), KwantPropagator(lattice, gamma, shifts)


@settings(max_examples=15)
@given(chains(max_sites=8), st.lists(floats(-1.2, 1.2), min_size=2, max_size=2, unique=True),
       floats(-0.2, 0.2), st.data())
def test_routes_agree(model, energies, shift, data):
    syst, _, bath, _ = model
    fast, slow = both_routes(syst, bath, (shift, 0.0))
    energies = np.array(energies)
    fast, slow = fast.spectrum(energies), slow.spectrum(energies)
    np.testing.assert_allclose(fast.spectral, slow.spectral, rtol=1e-9, atol=1e-9)
    filling = np.array(data.draw(st.lists(floats(0, 1), min_size=2 * len(fast.rate), max_size=2 * len(fast.rate))))
    filling = filling.reshape(fast.rate.shape)
    lead_filling = np.array([[1.0, 0.3], [0.2, 0.7]])
    for one, other in zip(fast.occupation(fast.rate * filling, lead_filling),
                          slow.occupation(slow.rate * filling, lead_filling), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    values, weight = filling[:, 0], np.array([0.5, 1.5])
    np.testing.assert_allclose(fast.response(fast.rate * filling, fast.rate * weight)(values),
                               slow.response(slow.rate * filling, slow.rate * weight)(values),
                               rtol=1e-9, atol=1e-9)


@settings(max_examples=15)
@given(chains(max_sites=8), floats(-1.2, 1.2))
def test_sum_rule_of_the_reference(model, energy):
    """A_i is what arrives at i if every source is full; then no lead sends anything."""
    syst, _, bath, _ = model
    _, slow = both_routes(syst, bath)
    spectrum = slow.spectrum(np.array([energy]))
    n, inflow = spectrum.occupation(spectrum.rate, np.ones((2, 1)))
    np.testing.assert_allclose(n, spectrum.spectral, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(inflow, 0, atol=1e-9)


def test_sum_rule_of_the_reference_with_flux_and_orbitals():
    """The same for a ribbon with flux, three leads, and two orbitals on each site."""
    lattice = kwant.lattice.square(norbs=2)
    builder = kwant.Builder()
    hopping = np.array([[-1, 0.2], [-0.2, -0.7]])
    builder[(lattice(x, y) for x in range(3) for y in range(2))] = np.array([[0.1, 0.3j], [-0.3j, -0.2]])
    builder[kwant.builder.HoppingKind((1, 0), lattice)] = hopping
    builder[kwant.builder.HoppingKind((0, 1), lattice)] = hopping.conj() * np.exp(0.3j)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in range(2))] = np.zeros((2, 2))
    lead[lattice.neighbors()] = -np.eye(2)
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    for syst, leads in ((builder.finalized(), 2), (three_terminal(), 3)):
        data = read(syst)
        propagator = KwantPropagator(data, broadening(kd.PhononBath(0.1, rate=0.1), data), np.zeros(leads))
        spectrum = propagator.spectrum(np.array([-0.9]))
        n, inflow = spectrum.occupation(spectrum.rate, np.ones((leads, 1)))
        np.testing.assert_allclose(n, spectrum.spectral, rtol=1e-10)
        np.testing.assert_allclose(inflow, 0, atol=1e-10)


@pytest.mark.parametrize("bath", [kd.PhononBath(0.1, rate=0.1), kd.PhononBath(0.1, mean_free_path=8.0)])
def test_green_functions_agree_at_complex_energies(bath):
    fast, slow = both_routes(uniform_chain(5, onsite=0.2), bath)
    energies = np.array([-1 + 0.02j, 0.3 + 1j, 2.5 + 0.1j, -3 + 0.01j])
    np.testing.assert_allclose(fast.green_diagonal(energies), slow.green_diagonal(energies), rtol=1e-9)
    # The asymptote holds up to third order.
    far = np.array([1e4j])
    for propagator in (fast, slow):
        weight, pole = propagator.green_asymptote()
        np.testing.assert_allclose(propagator.green_diagonal(far)[:, 0], weight / (far - pole), rtol=1e-7)


@given(floats(-3, 3), floats(-0.5, 0.5), floats(0.5, 1.5))
def test_chain_lead_is_kwants(energy, onsite, hopping):
    builder = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lattice = kwant.lattice.chain(norbs=1)
    builder[lattice(0)] = onsite
    builder[lattice.neighbors()] = -hopping
    finalized = builder.finalized()
    lead = PeriodicLead(finalized, 0)
    # Rounding of the energy is magnified next to a band edge; there kwant counts the modes by a tolerance.
    if np.min(np.abs(lead.thresholds() - energy)) < 1e-3:
        return
    for e in (energy, energy + 0.1j):
        np.testing.assert_allclose(lead.self_energy(np.array([e]))[0], finalized.selfenergy(e), atol=1e-9)
    velocities = finalized.modes(energy)[0].velocities
    expected = velocities[velocities > 0].sum()
    assert lead.velocity(np.array([energy])).real[0] == pytest.approx(expected, abs=1e-7)


def test_velocity_is_continuous_at_the_real_axis():
    lead = PeriodicLead(uniform_chain(2).leads[0], 0)
    energies = np.array([-3.0, -1.0, 0.5, 3.0])
    np.testing.assert_allclose(lead.velocity(energies), lead.velocity(energies + 1e-12j), atol=1e-9)


def test_thresholds_of_a_ribbon_are_those_of_its_transverse_modes():
    lead = PeriodicLead(three_terminal().leads[2], 2)  # two sites wide, onsite 0, hopping -1
    np.testing.assert_allclose(lead.thresholds(), [-3, -1, 1, 3], atol=1e-9)
    assert [lead.open_modes(e) for e in (-3.5, -2.0, 0.0)] == [0, 1, 2]
    assert lead.velocity(np.array([-2.0]))[0] == pytest.approx(np.sqrt(4 - 1))
    assert lead.fermi_wavelength(-2.0) == pytest.approx(2 * np.pi / np.arccos(0.5))


@pytest.mark.parametrize("hopping", [-1.0, 1.0, np.exp(0.7j), np.exp(-2j)])
@pytest.mark.parametrize("energy", [-1.7, 1.7, -0.3])
def test_fermi_wavelength_is_that_of_the_standing_wave(hopping, energy):
    """The same for electrons and holes, and in every gauge."""
    lead = PeriodicLead(chain([0.0] * 2, [-1.0], lead_hopping=(hopping, hopping)).leads[0], 0)
    assert lead.fermi_wavelength(energy) == pytest.approx(2 * np.pi / np.arccos(abs(energy) / 2))


def test_mean_free_path_uses_the_nearest_or_the_named_lead():
    syst = chain([0.0] * 4, [-1.0] * 3, lead_hopping=(-1.0, -2.0))
    lattice = read(syst)
    energies = np.array([-1.0])
    near, _ = broadening(kd.PhononBath(0.1, mean_free_path=10.0), lattice).parts(energies)
    np.testing.assert_allclose(near[:, 0], 0.1 * np.sqrt([3, 3, 15, 15]))
    named, _ = broadening(kd.PhononBath(0.1, mean_free_path=[10, 20, np.inf, 5], lead=1), lattice).parts(energies)
    np.testing.assert_allclose(named[:, 0], np.sqrt(15) / np.array([10, 20, np.inf, 5]))


@pytest.mark.parametrize("value", [0.2, [0.2] * 5, lambda site: 0.2])
def test_rate_as_number_sequence_and_function(value):
    lattice = read(uniform_chain(5))
    np.testing.assert_array_equal(broadening(kd.PhononBath(0.1, rate=value), lattice).strength, 0.2)


def test_params_reach_system_and_leads():
    lattice = kwant.lattice.chain(norbs=1)
    builder = kwant.Builder()
    builder[(lattice(i) for i in range(6))] = lambda site, offset: offset
    builder[lattice.neighbors()] = lambda a, b, t: -t
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[lattice(0)] = lambda site, offset: offset
    lead[lattice.neighbors()] = lambda a, b, t: -t
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    reservoirs, bath = [kd.Reservoir(-0.7, 0.1), kd.Reservoir(-0.8, 0.1)], kd.PhononBath(0.1, rate=0.1)
    plain = kd.steady_state(uniform_chain(6, onsite=0.2), reservoirs, bath)
    for method in ("slices", "kwant"):
        state = kd.steady_state(builder.finalized(), reservoirs, bath, params={"offset": 0.2, "t": 1.0},
                                method=method, rtol=1e-3)
        np.testing.assert_allclose(state.power, plain.power, rtol=0, atol=1e-3 * np.abs(plain.power).max())


def test_what_is_no_chain_is_refused_as_one():
    lattice = read(three_terminal())
    with pytest.raises(ValueError, match="must be a chain of single orbitals"):
        ChainPropagator(lattice, broadening(kd.PhononBath(0.1, rate=0.1), lattice), np.zeros(3))
