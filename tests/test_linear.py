"""First and second order in the bias on the lattice."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain, ribbon
from models import uniform_chain

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


def test_thermal_drive_is_the_derivative_of_the_full_solution():
    """Both orders, mu and temperature driven together, one lead floating."""
    drive, heat, step = (0.7, None), (-0.3, 0.4), 1e-3
    response = kd.linear_response(SYST, BATH, mu=-1.0, drive=drive, thermal_drive=heat, rtol=1e-8)
    forward, backward = (kd.steady_state(SYST, [kd.Reservoir(-1 + s * step * drive[0], 0.05 + s * step * heat[0]),
                                                kd.Reservoir(None, 0.05 + s * step * heat[1])], BATH, rtol=1e-9)
                         for s in (1, -1))
    for name, at in (("power", 0), ("mu", -1), ("energy_current", 0), ("reservoir_mu", -1)):
        plus, minus = getattr(forward, name) - at, getattr(backward, name) - at
        first, second = getattr(response, f"{name}1"), getattr(response, f"{name}2")
        # What the third and fourth order leave
        np.testing.assert_allclose((plus - minus) / (2 * step), first, rtol=0, atol=3e-3 * np.nanmax(np.abs(first)))
        np.testing.assert_allclose((plus + minus) / (2 * step ** 2), second, rtol=0,
                                   atol=5e-3 * np.nanmax(np.abs(second)))
    np.testing.assert_allclose(response.current1, 0, atol=1e-14)


@pytest.mark.parametrize("flux", [0.0, 0.07])
def test_onsagers_relation_between_seebeck_and_peltier(flux):
    """T dI_a/dT_b = dQ_b/dmu_a, Q heat from lead b; the field reversed on one side."""
    if flux:
        systems = [ribbon.ribbon(length=4, width=2, flux=sign * flux, potential=lambda x, y: 0.3 * x * y).finalized()
                   for sign in (1, -1)]
        bath, mu = kd.PhononBath(0.2, rate=lambda site: 0.05 * (1 + site.tag[0])), -1.5
    else:
        systems, bath, mu = [SYST, SYST], BATH, -1.0
    temperature = bath.temperature
    for a, b in ((0, 0), (0, 1), (1, 0)):
        seebeck = kd.linear_response(systems[0], bath, mu=mu, thermal_drive=np.eye(2)[b], rtol=1e-6)
        peltier = kd.linear_response(systems[1], bath, mu=mu, drive=np.eye(2)[a], rtol=1e-6)
        heat = peltier.energy_current1 - mu * peltier.current1
        assert temperature * seebeck.current1[a] == pytest.approx(heat[b], rel=1e-6)
        assert abs(heat[b]) > 1e-5


def test_thermovoltage_of_a_small_difference():
    """The Seebeck coefficient from open circuits at any difference, and from the expansion: all alike."""
    response = kd.linear_response(SYST, BATH, mu=-1.0, drive=(0.0, None), thermal_drive=(0.5, -0.5))
    for difference in (1e-2, 1e-4, 1e-6):
        state = kd.steady_state(SYST, [kd.Reservoir(-1.0, 0.05 + 0.5 * difference),
                                       kd.Reservoir(None, 0.05 - 0.5 * difference)], BATH)
        assert state.energies < 1000
        seebeck = (state.reservoir_mu[1] + 1.0) / difference
        assert seebeck == pytest.approx(response.reservoir_mu1[1], rel=0.02 if difference > 1e-3 else 1e-4)
        np.testing.assert_allclose(state.current, 0, atol=1e-12 * np.abs(state.energy_current).max())


@pytest.mark.parametrize(("arguments", "message"), [
    ({"mu": np.nan}, "mu must be"), ({"mu": 5.0}, "no open modes"), ({"temperature": -1}, "temperature must be"),
    ({"drive": (1,)}, "drive must"), ({"rtol": 0}, "rtol"), ({"drive": "ab"}, "drive must"),
    ({"drive": (1j, 0)}, "drive must"), ({"drive": (None, None)}, "drive must"), ({"drive": 3}, "drive must"),
    ({"thermal_drive": (0, None)}, "thermal_drive must"), ({"mu": None}, "mu must be"), ({"mu": 1j}, "mu must be"),
    ({"mu": "a"}, "mu must be"), ({"mu": np.zeros(2)}, "mu must be"),
    ({"temperature": 0, "thermal_drive": (1, 0)}, "temperature 0")])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        kd.linear_response(SYST, BATH, **{"mu": -1.0, **arguments})


def test_local_heat_needs_a_current():
    state = kd.steady_state(SYST, [kd.Reservoir(-1.0, 0.05)] * 2, BATH)
    with pytest.raises(ValueError, match="No current"):
        kd.local_heat(state)
