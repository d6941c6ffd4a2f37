"""Thermopower: Seebeck's and Peltier's coefficients, with phonons that follow the leads, or do not."""

import kwant
import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain, ribbon
from models import chain as chain_of
from models import uniform_chain

SYST = chain.resonant_dot(length=20, coupling=0.5, level=-0.9).finalized()
BATH = kd.PhononBath(0.05, rate=lambda site: 0.1 * chain.in_wires(site))
CIRCUIT = {"drive": (0, None), "thermal_drive": (0.5, -0.5)}


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
    circuit = kd.linear_response(SYST, BATH, mu=-1.0, phonon_drive=phonons, **CIRCUIT)
    driven = kd.linear_response(SYST, BATH, mu=-1.0)
    heat = driven.energy_current1 + driven.current1
    carried = 0.5 * (heat[0] - heat[1]) - circuit.phonon_drive @ driven.power1
    assert circuit.peltier == pytest.approx(-carried / driven.current1[0], rel=1e-6)  # electrons: charge -e
    assert circuit.peltier == pytest.approx(BATH.temperature * circuit.seebeck, rel=1e-14)


def test_thermovoltage_of_a_small_difference():
    """The Seebeck coefficient from open circuits at any difference, and from the expansion: all alike."""
    response = kd.linear_response(SYST, BATH, mu=-1.0, **CIRCUIT)
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
    syst, bath = bump(half)
    assert kd.linear_response(syst, bath, mu=-1.5, **CIRCUIT).seebeck == pytest.approx(-1.127, abs=1e-3)
    fixed = kd.linear_response(syst, bath, mu=-1.5, phonon_drive=0, **CIRCUIT).seebeck
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
    seebeck = [kd.linear_response(uniform_chain(sites), kd.PhononBath(0.05, rate=0.02), mu=-1.5,
                                  phonon_drive=phonons, rtol=1e-4, **CIRCUIT).seebeck
               for sites, phonons in ((400, "graded"), (800, "graded"), (1600, "graded"), (800, 0))]
    assert seebeck[1] == pytest.approx(-0.134, abs=5e-4)
    assert seebeck[3] == pytest.approx(-0.073, abs=5e-4)
    missing = np.abs(np.array(seebeck[:3]) - bulk)
    np.testing.assert_allclose(missing[:2] / missing[1:], 2, rtol=0.05)


def lorentzian(energy):
    return 0.1 ** 2 / ((energy - 0.1) ** 2 + 0.1 ** 2)


def parabolic(energy):
    return np.sqrt(np.clip(2 * (energy + 1), 0, None))


def kinetic(transmission, length, phonons=None, **options):
    return kd.kinetic.linear_response(transmission, kd.PhononBath(0.1, rate=1.0), mu=0.0, velocity=parabolic,
                                      length=length, phonon_drive=phonons, **{**CIRCUIT, **options})


def test_thermopower_in_kinetic_theory():
    """Landauer's in short wires, independent of their length in long ones, Boltzmann's where no scatterer is."""
    short = kinetic(lorentzian, 0.01)
    assert short.seebeck == pytest.approx(thermopower_of(lorentzian, 0.0, 0.1, 4000), rel=2e-3)
    one, other = (kinetic(lorentzian, length).seebeck for length in (10.0, (15.0, 30.0)))
    assert one == pytest.approx(other, rel=1e-4)
    bulk = thermopower_of(parabolic, 0.0, 0.1, 4000)
    missing = np.array([kinetic(np.ones_like, length, "graded").seebeck for length in (20.0, 40.0)]) - bulk
    assert missing[0] / missing[1] == pytest.approx(2, rel=0.05)
    assert kinetic(np.ones_like, 20.0, 0).seebeck == pytest.approx(0.5 * bulk, rel=0.01)


def test_kinetic_theory_is_the_lattices():
    """The uniform wire of 800 sites, graded phonons."""
    response = kd.kinetic.linear_response(
        np.ones_like, kd.PhononBath(0.05, rate=0.02), mu=-1.5, length=400, phonon_drive="graded", **CIRCUIT,
        velocity=lambda energy: np.sqrt(np.clip(4 - energy ** 2, 0, None)), rtol=1e-5)
    assert response.seebeck == pytest.approx(-0.134, abs=1e-3)


@pytest.mark.parametrize("phonons", ["leads", "graded", 0, np.cos])
def test_onsagers_relation_in_kinetic_theory(phonons):
    """With the same phonons, wires of different lengths; and the voltage drives what it is told to."""
    circuit = kinetic(lorentzian, (1.0, 2.0), phonons, rtol=1e-7)
    driven = kinetic(lorentzian, (1.0, 2.0), drive=(0.5, -0.5), thermal_drive=None, rtol=1e-7)
    default = kinetic(lorentzian, (1.0, 2.0), drive=None, thermal_drive=None, rtol=1e-7)
    np.testing.assert_array_equal(driven.power1, default.power1)
    x = driven.x
    if callable(phonons):
        warming = phonons(x)
    else:
        warming = {"leads": np.where(x < 0, 0.5, -0.5), "graded": 0.5 - (x + 1) / 3, 0: 0 * x}[phonons]
    heat = driven.energy_current1
    carried = 0.5 * (heat[0] - heat[1]) - integral(x, warming * driven.power1)
    assert circuit.peltier == pytest.approx(-carried / driven.current1[0], rel=1e-6)


def integral(x, values):
    """Along the wires, of a function known at the six Gauss nodes of every cell."""
    nodes, weights = np.polynomial.legendre.leggauss(6)
    cells = x.reshape(-1, 6)
    return float((values.reshape(-1, 6) @ weights * (cells[:, -1] - cells[:, 0])).sum() / (nodes[-1] - nodes[0]))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"phonons": "lead"}, "phonon_drive must be"), ({"phonons": [1.0]}, "a function of x"),
    ({"phonons": lambda x: np.inf}, "phonon_drive must be finite"), ({"temperature": 0}, "temperature 0"),
    ({"temperature": 0, "drive": (1, 0), "thermal_drive": None, "phonons": 1.0}, "temperature 0"),
    ({"drive": (1, 2, 3)}, "drive must be"), ({"thermal_drive": (1, None)}, "thermal_drive must be")])
def test_bad_arguments_in_kinetic_theory(arguments, message):
    with pytest.raises(ValueError, match=message):
        kinetic(lorentzian, 1.0, **arguments)


def test_open_circuit_of_a_symmetric_wire():
    """Nothing flows at second order: its accuracy counts relative to the heat that flows at first."""
    response = kd.linear_response(uniform_chain(40), kd.PhononBath(0.05, rate=0.3), mu=-1.5, phonon_drive=0,
                                  **CIRCUIT)
    np.testing.assert_allclose(response.current2, 0, atol=1e-12)


@pytest.mark.parametrize(("arguments", "message"), [
    ({}, "leads that differ"), ({"drive": (0, None)}, "leads that differ"),
    ({"thermal_drive": (1, 1)}, "leads that differ"), ({"thermal_drive": (0, 1)}, "of 2 leads here 0 do")])
def test_seebeck_needs_an_open_circuit(arguments, message):
    response = kd.linear_response(SYST, BATH, mu=-1.0, rtol=1e-3, **arguments)
    with pytest.raises(ValueError, match=message):
        _ = response.seebeck
    with pytest.raises(ValueError, match=message):
        _ = response.peltier
