"""Kernels against dense linear algebra and exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from kwant_dissip.native.chain import chain_green, chain_occupation, chain_response
from kwant_dissip.native.energies import fermi_difference, panel_sums
from models import floats


def random_chain(data):
    sites, energies = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3))
    onsite = data.draw(arrays(float, sites, elements=floats(-1, 1)))
    hopping2 = data.draw(arrays(float, sites - 1, elements=floats(0, 2)))
    gamma = data.draw(arrays(float, (sites, energies), elements=floats(0.05, 1)))
    axis = data.draw(arrays(float, energies, elements=floats(-2, 2)))
    matrix = np.diag(onsite) + np.diag(np.sqrt(hopping2), 1) + np.diag(np.sqrt(hopping2), -1)
    green = np.array([np.linalg.inv(np.diag(e + 0.5j * g) - matrix) for e, g in zip(axis, gamma.T, strict=True)])
    result = chain_green(axis[None], np.zeros((1, energies)), np.zeros(sites, int), onsite, gamma,
                         np.zeros_like(gamma), hopping2)
    return green, gamma, result


@given(st.data())
def test_green_and_occupation(data):
    green, gamma, (green_re, spectral, green2, rho_left, rho_right) = random_chain(data)
    diagonal = np.diagonal(green, axis1=1, axis2=2).T
    np.testing.assert_allclose(green_re - 0.5j * spectral, diagonal, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(green2, np.abs(diagonal) ** 2, rtol=1e-10)
    source = data.draw(arrays(float, gamma.shape, elements=floats(0, 1)))
    expected = np.einsum("kij,jk->ik", np.abs(green) ** 2, source)
    leads = np.empty(0, int), np.empty((0, len(green)))
    np.testing.assert_allclose(chain_occupation(source, *leads, green2, rho_left, rho_right), expected, rtol=1e-9,
                               atol=1e-12)
    # Sum rule: all sources full
    np.testing.assert_allclose(chain_occupation(gamma, *leads, green2, rho_left, rho_right), spectral, rtol=1e-9)
    values = data.draw(arrays(float, len(gamma), elements=floats(-1, 1)))
    weight = data.draw(arrays(float, gamma.shape, elements=floats(0, 1)))
    np.testing.assert_allclose(
        chain_response(values, source, weight * green2, rho_left, rho_right),
        np.einsum("ik,kij,jk,j->i", weight, np.abs(green) ** 2, source, values), rtol=1e-9, atol=1e-11)


@given(floats(-60, 60), floats(-60, 60), floats(0.3, 3), floats(0.3, 3) | st.none())
def test_fermi_difference(energy, shift, temperature, reference):
    reference = reference or temperature  # equal temperatures are the rule
    excess = np.array([temperature - reference])
    result = fermi_difference(np.array([energy]), np.array([shift]), excess, reference)[0, 0]
    x, y = (energy - shift) / temperature, energy / reference
    assert result == pytest.approx(expit(-x) - expit(-y), abs=2e-15)


@given(floats(-20, 20), floats(1e-14, 1e-9))
def test_fermi_difference_of_a_small_shift(energy, shift):
    """First order in the shift, with all digits: f (1 - f) s (1 - s/2 (1 - 2 f))."""
    result = fermi_difference(np.array([energy]), np.array([shift]), np.zeros(1), 1.0)[0, 0]
    f, empty = expit(-energy), expit(energy)
    assert result == pytest.approx(f * empty * shift * (1 + 0.5 * shift * (empty - f)), rel=1e-12)


@pytest.mark.parametrize(("temperature", "reference"), [(0.01, 1.0), (1.0, 0.01), (0.01, 0.01)])
def test_fermi_difference_far_out(temperature, reference):
    """No overflow where one function is exponentially far in its tail."""
    energies, shifts = np.array([-40.0, -1e-3, 0.0, 1e-3, 40.0]), np.array([-30.0, 0.0, 30.0])
    result = fermi_difference(energies, shifts, np.full(3, temperature - reference), reference)
    expected = expit(-(energies - shifts[:, None]) / temperature) - expit(-energies / reference)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-15)


@given(st.data())
def test_panel_sums(data):
    sites, panels, count = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3)), 5
    rate, spectral, filling, n = (data.draw(arrays(float, (sites, panels * count), elements=floats(-1, 1)))
                                  for _ in range(4))
    nodes, weights = (data.draw(arrays(float, (panels, count), elements=floats(-1, 1))) for _ in range(2))
    differences = data.draw(arrays(float, (2, panels, count), elements=floats(-1, 1)))
    loss, power, density, errors, exchange = panel_sums(rate, spectral, filling, n, nodes, weights, differences)
    taken = (rate * (spectral * filling - n)).reshape(sites, panels, count)
    held = n.reshape(taken.shape)
    for result, values in ((loss, taken), (power, -taken * nodes), (density, held)):
        np.testing.assert_allclose(result, (values * weights).sum(axis=2), atol=1e-13)
    np.testing.assert_allclose(exchange, (np.abs(taken) * weights).sum(axis=2).max(axis=0).clip(min=0), atol=1e-13)
    for of_rule, difference in zip(errors, differences, strict=True):
        for result, values in zip(of_rule, (taken, taken * nodes, held), strict=True):
            np.testing.assert_allclose(result, np.abs((values * difference).sum(axis=2)).max(axis=0), atol=1e-13)


def test_green_of_one_site_is_exact():
    """1 / (E - h + i gamma/2) in exact arithmetic."""
    energy, onsite, gamma = 0.75, 0.25, 1.0
    norm = Fraction(1, 4) + Fraction(1, 4)
    green_re, spectral, *_ = chain_green(np.array([[energy]]), np.zeros((1, 1)), np.zeros(1, int), np.array([onsite]),
                                         np.array([[gamma]]), np.zeros((1, 1)), np.empty(0))
    assert green_re[0, 0] == float(Fraction(1, 2) / norm)
    assert spectral[0, 0] == float(2 * Fraction(1, 2) / norm)
