"""Landauer's left-right asymmetry, and which wire is heated: the same sign or not, and why."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.figures import figure2
from kwant_dissip.systems import chain

FREE_PATH = figure2.MEAN_FREE_PATH
RATE, PATH = {"rate": figure2.VELOCITY / FREE_PATH}, {"mean_free_path": float(FREE_PATH)}


def landauer(kbt):
    """Half of Q_R - Q_L over current and k_B T."""
    heat = kd.analytic.landauer_heat(figure2.transmission,
                                     [kd.Reservoir(figure2.MU + sign * 1e-4 * kbt, kbt) for sign in (1, -1)])
    return 0.5 * (heat.heat_right - heat.heat_left) / (heat.current * kbt)


def kinetic(kbt, bath, length=6.0, transmission=figure2.transmission):
    """Peltier's heat of the right wire within 3 l, of all of it, and of the right reservoir; over current and k_B T."""
    response = kd.kinetic.linear_response(transmission, kd.PhononBath(kbt, **bath), mu=figure2.MU, rtol=1e-4,
                                          velocity=figure2.velocity, length=length * FREE_PATH)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    cells = response.x.reshape(-1, 6)
    widths = (cells[:, -1] - cells[:, 0]) / (nodes[-1] - nodes[0])
    power = response.power1 * (widths[:, None] * weights).ravel()
    inside = response.x > 0
    end = figure2.MU * response.current1[1] - response.energy_current1[1]
    return np.array([power[inside & (response.x < 3 * FREE_PATH)].sum(), power[inside].sum(), end]) / (
        response.current1[0] * kbt)


@pytest.mark.parametrize(("temperature", "right_reservoir", "right_wire"), [
    (0.1, 0.0784, 0.005), (0.2, 0.1495, -0.0920), (0.4, 0.2072, -0.3782)])
def test_the_wire_that_landauer_heats_is_cooled(temperature, right_reservoir, right_wire):
    """The dot of the README, within 3 l: the opposite sign at k_B T = 0.2 and 0.4 E_F, on the lattice as well."""
    kbt = temperature * figure2.FERMI_ENERGY
    assert landauer(kbt) == pytest.approx(right_reservoir, abs=1e-4)
    assert kinetic(kbt, RATE)[0] == pytest.approx(right_wire, abs=2e-4)
    syst = chain.resonant_dot(length=figure2.WIRE_LENGTH, coupling=figure2.COUPLING,
                              level=figure2.MU * (1 - figure2.COUPLING ** 2)).finalized()
    response = kd.linear_response(
        syst, kd.PhononBath(kbt, rate=lambda site: RATE["rate"] * chain.in_wires(site)), mu=figure2.MU, rtol=1e-4)
    x = response.x[:, 0]
    on_lattice = response.power1[(x > 0) & (x < 3 * FREE_PATH)].sum() / (response.current1[0] * kbt)
    assert on_lattice == pytest.approx(right_wire, abs=0.015)
    assert np.sign(on_lattice) == np.sign(right_wire)


def test_local_heat_of_a_state_at_finite_bias():
    """What `local_heat` says beyond Joule's heat, beside Landauer's of the reservoirs."""
    kbt = 0.4 * figure2.FERMI_ENERGY
    for state in (figure2.lattice_state(0.4, 0.003), figure2.kinetic_state(0.4, 0.003)):
        left, right = (np.trapezoid(heat.nonlocal_power[order][near], heat.x[order][near]) / (state.flow * kbt)
                       for heat in kd.local_heat(state) for order in (np.argsort(heat.x),)
                       for near in (np.abs(heat.x[order]) < 3 * FREE_PATH,))
        assert right == pytest.approx(-0.37, abs=0.02)
        assert left == pytest.approx(0.37, abs=0.02)


@pytest.mark.parametrize("temperature", [0.1, 0.4])
def test_landauers_law_holds_for_wire_and_reservoir_together(temperature):
    """With one mean free path it holds exactly, at any length; in wires much shorter than l nearly with any bath."""
    kbt = temperature * figure2.FERMI_ENERGY
    for length in (0.5, 6.0):
        assert kinetic(kbt, PATH, length)[1:].sum() == pytest.approx(landauer(kbt), rel=1e-3)
    assert kinetic(kbt, RATE, 0.01)[1:].sum() == pytest.approx(landauer(kbt), rel=0.02)


@pytest.mark.parametrize("temperature", [0.1, 0.2, 0.4])
def test_a_long_wire_takes_the_difference_of_peltiers_coefficients(temperature):
    """That of the dot less its own: Int (E - mu) v(E) l (-f') / Int v l (-f') over k_B T, with one mean free path."""
    kbt = temperature * figure2.FERMI_ENERGY
    energy = np.linspace(-2, figure2.MU + 30 * kbt, 20001)
    energy = energy[energy < 2]
    weight = 1 / np.cosh((energy - figure2.MU) / (2 * kbt)) ** 2
    own = (weight * (energy - figure2.MU)).sum() / weight.sum() / kbt
    within, wire, end = kinetic(kbt, PATH, 10.0)
    assert end == pytest.approx(own, abs=1e-3)
    assert wire == pytest.approx(landauer(kbt) - own, abs=1e-3)
    assert within == pytest.approx(wire * (1 - np.exp(-3)), rel=0.01)
