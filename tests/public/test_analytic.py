"""Closed forms: tables of the design, identities, limits."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from scipy.integrate import quad
from scipy.special import expit

import kwant_dissip as kd
from kwant_dissip import analytic
from models import floats


def lorentzian(width, level):
    return lambda energy: (0.5 * width) ** 2 / ((energy - level) ** 2 + (0.5 * width) ** 2)


@pytest.mark.parametrize(("temperature", "level", "j", "k_right", "k_left"), [
    (0.01, 0.0, 0.0609, 0.003046, 0.003046), (0.03, 0.05, 0.0398, 0.003462, 0.000519),
    (0.3, 0.05, 0.0066, 0.000647, 0.000014)])
def test_table_of_the_closed_form(temperature, level, j, k_right, k_left):
    """design.md section 4: Lorentzian of full width 0.05, drop 0.1, to the digits given."""
    result = analytic.constant_mean_free_path(lorentzian(0.05, level), temperature=temperature, drop=0.1,
                                              mean_free_path=7.0)
    assert 2 * np.pi * result.current == pytest.approx(j, abs=5e-5)
    assert 2 * np.pi * result.heat_right == pytest.approx(k_right, abs=5e-7)
    assert 2 * np.pi * result.heat_left == pytest.approx(k_left, abs=5e-7)


@settings(max_examples=15)
@given(floats(0.03, 0.5), floats(-0.2, 0.2), floats(0.02, 0.3), floats(-0.3, 0.3), floats(0.5, 20))
def test_heat_of_the_closed_form(width, level, temperature, drop, length):
    result = analytic.constant_mean_free_path(lorentzian(width, level), temperature=temperature, drop=drop,
                                              mean_free_path=length)
    assert result.heat_left + result.heat_right == pytest.approx(result.current * drop, rel=1e-10, abs=1e-15)
    # The heat of the wires beyond Joule's is what the profile integrates to.
    x = length * np.linspace(0, 40, 20001)
    for sign, heat in ((1, result.heat_right), (-1, result.heat_left)):
        excess = result.power(sign * x)[1:] - np.pi * result.current ** 2 / length
        assert (0.5 * (excess[1:] + excess[:-1])).sum() * x[1] == pytest.approx(heat, rel=5e-3, abs=1e-12)
    assert result.mu(np.array([-1e-12, 1e-12])) == pytest.approx([0.5 * drop, -0.5 * drop], abs=1e-11)


@pytest.mark.parametrize(("transmission", "elastic"), [(0.5, 3.0), (0.1, 0.3)])
def test_elastic_collisions_leave_the_resistance_of_the_scatterer(transmission, elastic):
    """At one transmission for all energies the drop is J (1/T - 1), and half of J D heats either side."""
    result = analytic.constant_mean_free_path(lambda energy: transmission + 0 * energy, temperature=0.1, drop=0.1,
                                              mean_free_path=2.0, elastic_mean_free_path=elastic)
    assert 0.1 / (2 * np.pi * result.current) == pytest.approx(1 / transmission - 1, rel=1e-9)
    assert result.heat_left == pytest.approx(result.heat_right, rel=1e-9)
    assert result.relaxation_length ** 2 == pytest.approx(2.0 * result.mean_free_path)


def test_no_drop_no_current():
    assert analytic.constant_mean_free_path(lorentzian(1, 0), temperature=0.1, drop=0.0, mean_free_path=1).current == 0


@pytest.mark.parametrize(("arguments", "message"), [
    ({"temperature": 0.0}, "temperature"), ({"mean_free_path": -1}, "mean_free_path"),
    ({"elastic_mean_free_path": 0.0}, "elastic_mean_free_path must be positive"), ({"drop": np.nan}, "drop"),
    ({"transmission": lambda e: 1 + 0 * e}, "cannot be held"), ({"transmission": lambda e: 2 + e}, "transmission")])
def test_bad_arguments(arguments, message):
    arguments = {"transmission": lorentzian(0.1, 0), "temperature": 0.1, "drop": 0.1, "mean_free_path": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        analytic.constant_mean_free_path(arguments.pop("transmission"), **arguments)


@given(floats(-0.2, 0.2), floats(0.02, 0.3), floats(0.02, 0.3), floats(-0.3, 0.3))
def test_landauer_heat(level, hot, cold, bias):
    assume(bias == 0 or abs(bias) > 1e-100)  # products of smaller ones are no normal numbers
    transmission = lorentzian(0.1, level)
    heat = analytic.landauer_heat(transmission, [kd.Reservoir(0.5 * bias, hot), kd.Reservoir(-0.5 * bias, cold)])
    assert heat.heat_left + heat.heat_right == pytest.approx(heat.current * bias, rel=1e-9, abs=1e-14)

    def flow(energy):
        return transmission(energy) * (expit((0.5 * bias - energy) / hot) - expit(-(0.5 * bias + energy) / cold))

    direct = quad(lambda e: (e + 0.5 * bias) * flow(e), -14, 14, points=[level, 0], limit=800, epsabs=1e-12)[0]
    assert heat.heat_right == pytest.approx(direct / (2 * np.pi), abs=1e-9)


@pytest.mark.parametrize("temperature", [0.002, 0.004])
def test_sommerfeld_law(temperature):
    """Q_R - Q_L -> (2 pi^2/3) T^2 T'(mu) V / 2 pi; what is left out falls as T^2."""
    transmission = analytic.saddle_point(curvature=1.0, level_spacing=2.0)
    bias, mu, step = 1e-5, 0.9, 1e-5
    heat = analytic.landauer_heat(transmission, [kd.Reservoir(mu + s * 0.5 * bias, temperature) for s in (1, -1)])

    def derivative(energy):
        return (transmission(energy + step) - transmission(energy - step)) / (2 * step)

    law = analytic.sommerfeld_heat(transmission, derivative, mu=mu, temperature=temperature, bias=bias)
    slope = derivative(np.array([mu]))[0]
    assert law.heat_right - law.heat_left == pytest.approx(2 * np.pi ** 2 / 3 * temperature ** 2 * slope * bias
                                                           / (2 * np.pi), rel=1e-9)
    assert heat.heat_right - heat.heat_left == pytest.approx(law.heat_right - law.heat_left, rel=100 * temperature ** 2)
    assert heat.current == pytest.approx(law.current, rel=100 * temperature ** 2)


def test_saddle_point():
    transmission = analytic.saddle_point(height=0.3, curvature=0.5, level_spacing=1.0, modes=3)
    assert transmission(np.array([0.8])) == pytest.approx(0.5, abs=1e-5)
    assert transmission(np.array([50.0])) == pytest.approx(3.0)
    assert np.all(np.diff(transmission(np.linspace(-2, 5, 200))) > 0)


def test_temperatures_that_differ_by_rounding_drive_nothing():
    """Else the quadrature would look for digits among rounding errors for minutes."""
    reservoirs = kd.Reservoir(0.0, 0.020000000000000004), kd.Reservoir(0.0, 0.02)
    assert analytic.landauer_heat(lorentzian(0.1, 0.02), reservoirs) == analytic.LandauerHeat(0.0, 0.0, 0.0)


def test_the_transmission_is_asked_at_few_energies():
    """Of the README's dot, whose band ends in the window: below 300, and J as the sum over many shows it to 1e-9."""
    ratio, level, kbt, drop, asked = 0.071, -1.579, 0.06, 5e-4, 0

    def transmission(energy):
        nonlocal asked
        asked += energy.size
        velocity = np.sqrt(np.clip(4 - (energy - 1.7) ** 2, 0, None))
        return np.divide((ratio * velocity) ** 2, (energy - 1.7 - level - ratio * (energy - 1.7)) ** 2
                         + (ratio * velocity) ** 2, where=velocity > 0, out=np.zeros_like(energy))
    found = analytic.constant_mean_free_path(transmission, temperature=kbt, drop=drop, mean_free_path=100.0)
    assert asked < 300
    j = 2 * np.pi * found.current
    ends = np.unique(np.concatenate([[-0.3, 0.3], np.linspace(-0.3, 3, 400)]))
    half = 0.5 * np.diff(ends)[:, None]
    nodes, weights = np.polynomial.legendre.leggauss(10)
    energies = (ends[:-1, None] + half * (1 + nodes)).ravel()
    # B of a straight mu by Laguerre's rule: J is small against k_B T, so that F is smooth in y.
    y, w = np.polynomial.laguerre.laggauss(40)

    def arriving(mu, side):
        return expit(-(energies[:, None] - mu - side * y * j / 2) / kbt) @ w
    total = (half * weights).ravel() @ (transmission(energies) * (arriving(drop / 2, 1) - arriving(-drop / 2, -1)))
    assert total == pytest.approx(j, rel=1e-9)
