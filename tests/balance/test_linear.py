"""First and second order in the bias on the lattice."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain
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
    """Sites between three leads; a function is one number per site; without a thermal drive nothing to follow."""
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


@pytest.mark.parametrize(("arguments", "message"), [
    ({"mu": np.nan}, "mu must be"), ({"mu": 5.0}, "no open modes"), ({"temperature": -1}, "temperature must be"),
    ({"drive": (1,)}, "drive must"), ({"rtol": 0}, "rtol"), ({"drive": "ab"}, "drive must"),
    ({"drive": (1j, 0)}, "drive must"), ({"drive": (None, None)}, "drive must"), ({"drive": 3}, "drive must"),
    ({"thermal_drive": (0, None)}, "thermal_drive must"), ({"mu": None}, "mu must be"), ({"mu": 1j}, "mu must be"),
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


def test_elastic_scattering_alone():
    """Nothing heats; the current is that of a small bias."""
    syst, baths, bias = uniform_chain(10), kd.ElasticBath(rate=0.1), 1e-4
    response = kd.linear_response(syst, baths, mu=-1.0, temperature=0.1)
    state = kd.steady_state(syst, [kd.Reservoir(-1.0 + 0.5 * sign * bias, 0.1) for sign in (1, -1)], baths)
    np.testing.assert_allclose(response.current1, state.current / bias, rtol=1e-6)
    assert not response.power1.any()
    assert not response.power2.any()
