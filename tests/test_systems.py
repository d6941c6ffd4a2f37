"""Ready-made models."""

import kwant
import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import brentq

from kwant_dissip.systems import chain
from models import floats


@given(floats(0.05, 0.9), floats(-1.0, 1.0), floats(-0.5, 0.5), floats(0.8, 1.5), floats(-0.8, 0.8))
def test_transmission_of_the_dot(coupling, level, onsite, hopping, energy):
    """The docstring's closed form is kwant's transmission."""
    syst = chain.resonant_dot(length=3, coupling=coupling, level=level, onsite=onsite, hopping=hopping).finalized()
    ratio = (coupling / hopping) ** 2
    width = ratio * np.sqrt(4 * hopping ** 2 - (energy - onsite) ** 2)
    expected = width ** 2 / ((energy - level - ratio * (energy - onsite)) ** 2 + width ** 2)
    assert kwant.smatrix(syst, energy).transmission(1, 0) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_lorentzian_position_and_width():
    """Position and full width of the docstring, measured on kwant's transmission of a narrow dot."""
    coupling, level, onsite = 0.15, -0.8, 0.1
    syst = chain.resonant_dot(length=2, coupling=coupling, level=level, onsite=onsite).finalized()
    ratio = coupling ** 2
    position = (level - ratio * onsite) / (1 - ratio)
    width = 2 * ratio * np.sqrt(4 - (position - onsite) ** 2) / (1 - ratio)

    def transmission(energy):
        return kwant.smatrix(syst, energy).transmission(1, 0)

    assert transmission(position) == pytest.approx(1, abs=1e-9)
    low = brentq(lambda e: transmission(e) - 0.5, position - 2 * width, position)
    high = brentq(lambda e: transmission(e) - 0.5, position, position + 2 * width)
    assert high - low == pytest.approx(width, rel=1e-3)  # the width itself varies by 1e-3 over the resonance
    assert position != pytest.approx(level, abs=0.1 * width)  # the shift is not negligible


@given(floats(-1.9, 1.9), floats(-1, 1))
def test_barrier_of_one_site(energy, height):
    """T = v^2 / (v^2 + height^2) for a delta barrier on a chain."""
    syst = chain.barrier(length=2, height=height).finalized()
    expected = (4 - energy ** 2) / (4 - energy ** 2 + height ** 2)
    assert kwant.smatrix(syst, energy).transmission(1, 0) == pytest.approx(expected, rel=1e-8)


def test_sites_and_wires():
    syst = chain.barrier(length=3, width=2).finalized()
    assert [site.tag[0] for site in syst.sites] == [-3, -2, -1, 0, 1, 2, 3, 4]
    assert [chain.in_wires(site, width=2) for site in syst.sites] == [True] * 3 + [False] * 2 + [True] * 3


def test_builders_can_be_changed():
    builder = chain.resonant_dot(length=2)
    site = next(iter(builder.sites()))
    builder[site] = 0.7
    assert builder.finalized().hamiltonian_submatrix().diagonal().max() == 0.7


@pytest.mark.parametrize(("arguments", "message"), [
    ({"length": 0}, "length"), ({"length": 2.5}, "length"), ({"width": 0}, "width"), ({"height": np.nan}, "height"),
    ({"hopping": 0}, "hopping must be positive"), ({"onsite": np.inf}, "onsite")])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        chain.barrier(**arguments)
