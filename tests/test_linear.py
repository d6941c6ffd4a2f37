"""First and second order in the bias on the lattice."""

import kwant
import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain, ribbon
from models import chain as chain_of
from models import three_terminal, uniform_chain

SYST = chain.resonant_dot(length=20, coupling=0.5, level=-0.9).finalized()
BATH = kd.PhononBath(0.05, rate=lambda site: 0.1 * chain.in_wires(site))


def test_orders_are_the_derivatives_of_the_full_solution():
    response = kd.linear_response(SYST, BATH, mu=-1.0)
    bias = 5e-5
    forward, backward = (kd.steady_state(SYST, [kd.Reservoir(-1 + s * 0.5 * bias, 0.05),
                                                kd.Reservoir(-1 - s * 0.5 * bias, 0.05)], BATH, rtol=1e-8)
                         for s in (1, -1))
    for name, shift in (("power", 0), ("mu", 1), ("current", 0), ("energy_current", 0)):
        plus, minus = getattr(forward, name) + shift, getattr(backward, name) + shift
        first, second = getattr(response, f"{name}1"), getattr(response, f"{name}2")
        np.testing.assert_allclose((plus - minus) / (2 * bias), first, rtol=0, atol=1e-6 * np.nanmax(np.abs(first)))
        np.testing.assert_allclose((plus + minus) / (2 * bias ** 2), second, rtol=0,
                                   atol=1e-5 * max(np.nanmax(np.abs(second)), 1e-3))


def test_conservation_at_both_orders():
    response = kd.linear_response(SYST, BATH, mu=-1.0)
    assert response.current1.sum() == pytest.approx(0, abs=1e-12)
    assert response.current2.sum() == pytest.approx(0, abs=1e-12)
    assert response.power1.sum() == pytest.approx(response.energy_current1.sum(), abs=1e-12)
    assert response.power2.sum() == pytest.approx(response.energy_current2.sum(), abs=1e-12)


@pytest.mark.parametrize("method", ["slices", "kwant"])
def test_zero_temperature(method):
    """The D'Amato-Pastawski chain exactly, and Joule's heat current^2 * resistance in all."""
    response = kd.linear_response(uniform_chain(3), kd.PhononBath(0.1, rate=1.0), mu=0.0, temperature=0, method=method)
    assert 1 / (2 * np.pi * response.conductance) == pytest.approx(1.7678571429, abs=1e-9)
    assert np.all(response.power1 == 0)
    cold = kd.linear_response(uniform_chain(3), kd.PhononBath(1e-4, rate=1.0), mu=0.0)
    np.testing.assert_allclose(response.power2, cold.power2, rtol=1e-5)
    assert 0 < response.power2.sum() < response.conductance  # the rest is released in the leads


def test_peltier_part_is_odd_and_joule_part_even_under_reflection():
    syst = chain.barrier(length=15).finalized()
    response = kd.linear_response(syst, kd.PhononBath(0.1, rate=0.1), mu=-1.0)
    odd = response.power1
    np.testing.assert_allclose(odd[::-1], -odd, rtol=0, atol=1e-9 * np.abs(odd).max())
    np.testing.assert_allclose(response.power2[::-1], response.power2, rtol=0, atol=1e-6 * response.power2.max())


def test_local_heat_on_the_lattice():
    """Far from the scatterer the power is local Joule heat."""
    syst = chain.barrier(length=400).finalized()
    bath = kd.PhononBath(0.05, mean_free_path=lambda site: 20 if chain.in_wires(site) else np.inf)
    state = kd.steady_state(syst, [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], bath, rtol=1e-5)
    for heat in kd.local_heat(state):
        far = (np.abs(heat.x) > 150) & (np.abs(heat.x) < 250)
        np.testing.assert_allclose(heat.power[far], heat.joule[far], rtol=0.02)
        # h/e^2 per 2 l: the resistivity of a wire with one mode and a constant mean free path
        np.testing.assert_allclose(heat.resistivity[far] / (2 * np.pi), 1 / 40, rtol=0.01)
        assert np.abs(heat.nonlocal_power[np.abs(heat.x) < 40]).max() > 0.1 * heat.joule.max()


# The middle site is as near to one lead as to the other.
PHONONS = {"leads": np.repeat((-0.3, 0.05, 0.4), (20, 1, 20)), "graded": -0.3 + 0.7 * np.arange(1, 42) / 42,
           0: np.zeros(41), "sites": np.sin(np.arange(41))}


@pytest.mark.parametrize("phonons", PHONONS)
def test_thermal_drive_is_the_derivative_of_the_full_solution(phonons):
    """Both orders, mu and temperatures driven together, one lead floating."""
    drive, heat, step = (0.7, None), (-0.3, 0.4), 1e-3
    warming = PHONONS[phonons]
    response = kd.linear_response(SYST, BATH, mu=-1.0, drive=drive, thermal_drive=heat, rtol=1e-8,
                                  phonon_drive=warming if phonons == "sites" else phonons)
    np.testing.assert_allclose(response.phonon_drive, warming, rtol=0, atol=1e-12)

    def solve(sign):
        bath = kd.PhononBath(0.05 + sign * step * warming, rate=BATH.rate)
        return kd.steady_state(SYST, [kd.Reservoir(-1 + sign * step * drive[0], 0.05 + sign * step * heat[0]),
                                      kd.Reservoir(None, 0.05 + sign * step * heat[1])], bath, rtol=1e-9)

    forward, backward = solve(1), solve(-1)
    for name, at in (("power", 0), ("mu", -1), ("energy_current", 0), ("reservoir_mu", -1)):
        plus, minus = getattr(forward, name) - at, getattr(backward, name) - at
        first, second = getattr(response, f"{name}1"), getattr(response, f"{name}2")
        # What the third and fourth order leave
        np.testing.assert_allclose((plus - minus) / (2 * step), first, rtol=0, atol=3e-3 * np.nanmax(np.abs(first)))
        np.testing.assert_allclose((plus + minus) / (2 * step ** 2), second, rtol=0,
                                   atol=5e-3 * np.nanmax(np.abs(second)))
    np.testing.assert_allclose(response.current1, 0, atol=1e-14)


def test_phonons_follow_a_function_and_several_leads():
    """Sites of a T between three leads; a function is one number per site; nothing to follow without a thermal drive."""
    syst = three_terminal()
    bath = kd.PhononBath(0.2, rate=0.1)
    options = {"mu": -1.0, "drive": (0, 0, 0), "rtol": 1e-3}
    drives = {form: kd.linear_response(syst, bath, thermal_drive=(1.0, 2.0, 4.0), phonon_drive=form,
                                       **options).phonon_drive for form in ("leads", "graded")}
    x, y = np.array([site.tag for site in syst.sites]).T
    corner = (x == 0) & (y == 0)
    assert drives["leads"][corner] == 1.0
    assert drives["leads"][(x == 2) & (y == 3)] == 4.0
    assert drives["leads"][(x == 0) & (y == 2)] == 1.0
    assert 1.0 < drives["graded"].min() < drives["graded"].max() < 4.0
    given = kd.linear_response(syst, bath, phonon_drive=lambda site: site.tag[0], **options)
    np.testing.assert_array_equal(given.phonon_drive, x)
    assert np.abs(given.power1).max() > 1e-3
    assert not kd.linear_response(syst, bath, **options).phonon_drive.any()


def test_what_is_heated_alike_stays_in_equilibrium():
    response = kd.linear_response(SYST, BATH, mu=-1.0, thermal_drive=(1, 1))
    for name in ("power1", "power2", "current1", "current2", "energy_current1", "energy_current2", "mu1", "mu2"):
        np.testing.assert_allclose(np.nan_to_num(getattr(response, name)), 0, atol=1e-13)


@pytest.mark.parametrize("flux", [0.0, 0.07])
@pytest.mark.parametrize("phonons", ["leads", "graded", 0])
def test_onsagers_relation_between_seebeck_and_peltier(flux, phonons):
    """T dI_a/dDelta = d(sum_b t_b Q_b - sum_i t_i p_i)/dmu_a, Q heat from lead b; the field reversed on one side."""
    if flux:
        systems = [ribbon.ribbon(length=4, width=2, flux=sign * flux, potential=lambda x, y: 0.3 * x * y).finalized()
                   for sign in (1, -1)]
        bath, mu = kd.PhononBath(0.2, rate=lambda site: 0.05 * (1 + site.tag[0])), -1.5
    else:
        systems, bath, mu = [SYST, SYST], BATH, -1.0
    temperature = bath.temperature
    for a, b in ((0, 0), (0, 1), (1, 0)):
        seebeck = kd.linear_response(systems[0], bath, mu=mu, thermal_drive=np.eye(2)[b], phonon_drive=phonons)
        peltier = kd.linear_response(systems[1], bath, mu=mu, drive=np.eye(2)[a])
        heat = (peltier.energy_current1 - mu * peltier.current1)[b] - seebeck.phonon_drive @ peltier.power1
        assert temperature * seebeck.current1[a] == pytest.approx(heat, rel=1e-6)
        assert abs(heat) > 1e-5


@pytest.mark.parametrize("phonons", ["leads", "graded", 0])
def test_peltier_coefficient_is_the_heat_that_a_charge_carries(phonons):
    """Of an open circuit, and counted in a circuit that is driven by a voltage, with the same phonons."""
    circuit = kd.linear_response(SYST, BATH, mu=-1.0, drive=(0, None), thermal_drive=(0.5, -0.5), phonon_drive=phonons)
    driven = kd.linear_response(SYST, BATH, mu=-1.0)
    heat = driven.energy_current1 + driven.current1
    carried = 0.5 * (heat[0] - heat[1]) - circuit.phonon_drive @ driven.power1
    assert circuit.peltier == pytest.approx(-carried / driven.current1[0], rel=1e-6)  # electrons: charge -e
    assert circuit.peltier == pytest.approx(BATH.temperature * circuit.seebeck, rel=1e-14)


def test_thermovoltage_of_a_small_difference():
    """The Seebeck coefficient from open circuits at any difference, and from the expansion: all alike."""
    response = kd.linear_response(SYST, BATH, mu=-1.0, drive=(0.0, None), thermal_drive=(0.5, -0.5))
    for difference in (1e-2, 1e-4, 1e-6):
        bath = kd.PhononBath(0.05 + response.phonon_drive * difference, rate=BATH.rate)
        state = kd.steady_state(SYST, [kd.Reservoir(-1.0, 0.05 + 0.5 * difference),
                                       kd.Reservoir(None, 0.05 - 0.5 * difference)], bath)
        assert state.energies < 1000
        seebeck = (-1.0 - state.reservoir_mu[1]) / difference
        assert seebeck == pytest.approx(response.seebeck, rel=0.02 if difference > 1e-3 else 1e-4)
        np.testing.assert_allclose(state.current, 0, atol=1e-12 * np.abs(state.energy_current).max())


def bump(half):
    """The first example of the README, with wires of about `half` sites."""
    sites = np.arange(-half, half + 1)
    syst = chain_of(0.6 * np.exp(-(sites / 3) ** 2), np.full(2 * half, -1.0))
    return syst, kd.PhononBath(0.05, mean_free_path=np.where(np.abs(sites) > 10, 30, np.inf))


def thermopower_of(transmission, mu, temperature, energies):
    """-Int T (E - mu) (-f') / (k_B T Int T (-f')) in k_B/e."""
    energy = mu + temperature * np.linspace(-22, 22, energies)
    weight = transmission(energy) / np.cosh((energy - mu) / (2 * temperature)) ** 2
    return -(weight * (energy - mu)).sum() / weight.sum() / temperature


@pytest.mark.parametrize("half", [150, 400])
def test_thermopower_of_a_scatterer_does_not_depend_on_the_wires(half):
    """Phonons that step with the leads: a bump has its own S; phonons that stay as they are hide it."""
    circuit = {"mu": -1.5, "drive": (0, None), "thermal_drive": (0.5, -0.5)}
    syst, bath = bump(half)
    assert kd.linear_response(syst, bath, **circuit).seebeck == pytest.approx(-1.127, abs=1e-3)
    fixed = kd.linear_response(syst, bath, phonon_drive=0, **circuit).seebeck
    assert fixed == pytest.approx({150: -0.0112, 400: -0.0005}[half], abs=5e-5)


def test_thermopower_of_a_coherent_conductor():
    """Coupled ever more weakly the bump has Landauer's S, whatever phonons there are, and the sign of electrons."""
    syst, _ = bump(20)

    def transmission(energies):
        return np.array([kwant.smatrix(syst, energy).transmission(1, 0) if energy > -2 else 0 for energy in energies])

    expected = thermopower_of(transmission, -1.5, 0.05, 200)
    assert expected == pytest.approx(-1.121, abs=5e-4)
    for phonons in ("leads", "graded", 0):
        response = kd.linear_response(syst, kd.PhononBath(0.05, rate=1e-7), mu=-1.5, drive=(None, 0),
                                      thermal_drive=(0.0, 1.0), phonon_drive=phonons)
        assert response.seebeck == pytest.approx(expected, rel=1e-4)


def test_thermopower_of_long_wires_is_boltzmanns():
    """Graded phonons in a uniform wire: the contacts' part falls as one over the length, Boltzmann's bulk is left."""
    bulk = thermopower_of(lambda energy: np.sqrt(np.clip(4 - energy ** 2, 0, None)), -1.5, 0.05, 5000)
    assert bulk == pytest.approx(-0.146, abs=1e-3)
    seebeck = [kd.linear_response(uniform_chain(sites), kd.PhononBath(0.05, rate=0.02), mu=-1.5, drive=(0, None),
                                  thermal_drive=(0.5, -0.5), phonon_drive=phonons, rtol=1e-4).seebeck
               for sites, phonons in ((400, "graded"), (800, "graded"), (1600, "graded"), (800, 0))]
    assert seebeck[1] == pytest.approx(-0.134, abs=5e-4)
    assert seebeck[3] == pytest.approx(-0.073, abs=5e-4)
    missing = np.abs(np.array(seebeck[:3]) - bulk)
    np.testing.assert_allclose(missing[:2] / missing[1:], 2, rtol=0.05)


def test_open_circuit_of_a_symmetric_wire():
    """Nothing flows at second order: its accuracy counts relative to the heat that flows at first."""
    response = kd.linear_response(uniform_chain(40), kd.PhononBath(0.05, rate=0.3), mu=-1.5, drive=(0, None),
                                  thermal_drive=(0.5, -0.5), phonon_drive=0)
    np.testing.assert_allclose(response.current2, 0, atol=1e-12)


@pytest.mark.parametrize(("arguments", "message"), [
    ({}, "leads that differ in temperature"), ({"drive": (0, None)}, "leads that differ in temperature"),
    ({"thermal_drive": (1, 1)}, "leads that differ in temperature"), ({"thermal_drive": (0, 1)}, "of 2 leads here 0 do")])
def test_seebeck_needs_an_open_circuit(arguments, message):
    response = kd.linear_response(SYST, BATH, mu=-1.0, rtol=1e-3, **arguments)
    with pytest.raises(ValueError, match=message):
        _ = response.seebeck
    with pytest.raises(ValueError, match=message):
        _ = response.peltier


@pytest.mark.parametrize(("arguments", "message"), [
    ({"mu": np.nan}, "mu must be"), ({"mu": 5.0}, "no open modes"), ({"temperature": -1}, "temperature must be"),
    ({"drive": (1,)}, "drive must hold"), ({"rtol": 0}, "rtol"), ({"drive": "ab"}, "drive must hold"),
    ({"drive": (1j, 0)}, "drive must hold"), ({"drive": (None, None)}, "drive must hold"), ({"drive": 3}, "drive must"),
    ({"thermal_drive": (0, None)}, "thermal_drive must hold"), ({"mu": None}, "mu must be"), ({"mu": 1j}, "mu must be"),
    ({"mu": "a"}, "mu must be"), ({"mu": np.zeros(2)}, "mu must be"),
    ({"temperature": 0, "thermal_drive": (1, 0)}, "temperature 0"),
    ({"temperature": 0, "phonon_drive": 1}, "temperature 0"), ({"phonon_drive": "lead"}, "phonon_drive must be"),
    ({"phonon_drive": (1, 2)}, "phonon_drive must be"), ({"phonon_drive": np.inf}, "phonon_drive must be finite"),
    ({"phonon_drive": 1j}, "phonon_drive must be"), ({"phonon_drive": lambda site: None}, "phonon_drive must be"),
    ({"bath": kd.ElasticBath(rate=0.1), "temperature": 0.1, "phonon_drive": "leads"}, "there is none")])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        kd.linear_response(SYST, **{"bath": BATH, "mu": -1.0, **arguments})


def test_local_heat_needs_a_current():
    state = kd.steady_state(SYST, [kd.Reservoir(-1.0, 0.05)] * 2, BATH)
    with pytest.raises(ValueError, match="No current"):
        kd.local_heat(state)
