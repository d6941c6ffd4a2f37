"""Rules that integrate energies."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

from kwant_dissip.numerics.quadrature import COUNTS, RULES, Panels, sum_rule, window_panels
from models import floats


@pytest.mark.parametrize("count", COUNTS)
def test_nested_rules(count):
    """Exact up to degree (3 n + 1) / 2, the embedded ones too; the least is Gauss's of three nodes, and its middle."""
    nodes, weights, embedded = RULES[count]
    for rule, size in ((weights, count), (embedded[0], count // 2), (embedded[1], count // 4)):
        degrees = np.arange(0, 1 + (3 * size + 1) // 2 if size > 1 else 1, 2)
        np.testing.assert_allclose(nodes ** degrees[:, None] @ rule, 2 / (degrees + 1), rtol=1e-14)
        assert np.count_nonzero(rule) == size
        assert np.all(rule >= 0)
    np.testing.assert_allclose(RULES[7][0][1::2], np.polynomial.legendre.leggauss(3)[0], atol=1e-15)


@given(floats(-1, 0.9), floats(0.01, 3))
def test_square_root_edge(edge, height):
    """A square-root edge inside the window is integrated to rounding, because it is a panel's end."""
    panels = window_panels(-1.0, 1.0, [edge], 0.5)
    energies, weights, _ = panels.nodes()
    integral = (weights * height * np.sqrt(np.clip(energies - edge, 0, None))).sum()
    assert integral == pytest.approx(height * 2 / 3 * (1 - edge) ** 1.5, rel=1e-12)


def test_halves_and_raised_rules_cover_their_panel():
    panels = window_panels(-2.0, 1.0, [-1.5, 0.3, 7.0], 1.0)
    halves = Panels.join(panels[:1].halves(), panels[1:].halves())
    for part in (panels, halves, panels.raised(), Panels.join(panels[:1].raised(), panels[1:])):
        assert part.points()[1].sum() == pytest.approx(3.0, rel=1e-14)
        assert len(part.points()[0]) == part.energies
    assert len(halves) == 2 * len(panels)


def test_equal_thresholds_make_no_empty_panel():
    panels = window_panels(-1.0, 1.0, [0.5, 0.5 + 1e-15, 0.5 - 1e-15], 2.0)
    assert np.all(panels.b - panels.a > 0.1)
    assert panels.nodes()[1].sum() == pytest.approx(2.0, rel=1e-14)


@given(st.integers(1, 400), st.integers(1, 12), st.data())
def test_sum_rule_is_exact_for_polynomials(count, size, data):
    nodes, weights = sum_rule(count, size)
    degree = data.draw(st.integers(0, 2 * len(nodes) - 1))
    exact = sum((Fraction(2 * n, count) - 1) ** degree for n in range(count))
    assert weights @ (2 * nodes / count - 1) ** degree == pytest.approx(float(exact), abs=1e-11 * count)


@pytest.mark.parametrize("start", [8, 1000, 10 ** 6])
def test_sum_rule_of_a_decaying_function(start):
    """Terms from n to 2 n of 1/(n + 1/2)^2, against the trigamma function."""
    nodes, weights = sum_rule(start, 9)
    assert weights @ (start + nodes + 0.5) ** -2.0 == pytest.approx(
        polygamma(1, start + 0.5) - polygamma(1, 2 * start + 0.5), rel=1e-9)
