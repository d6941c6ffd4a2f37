"""Ready-made models."""

import inspect
import re

import kwant
import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import brentq

from kwant_dissip.systems import chain, graphene, ribbon
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
    ({"length": 10 ** 10}, "length must be at most 2000000 sites, got 1e"), ({"length": 10 ** 400}, "length"),
    ({"height": 10 ** 400}, "height must be a finite number"), ({"hopping": 10 ** 400}, "hopping"),
    ({"length": 0}, "length"), ({"length": 2.5}, "length"), ({"width": 0}, "width"), ({"height": np.nan}, "height"),
    ({"hopping": 0}, "hopping must be a positive number"), ({"onsite": np.inf}, "onsite")])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        chain.barrier(**arguments)


def test_modes_of_a_point_contact_open_one_by_one():
    """A long contact: mode n opens at the energy that the docstring says, up to what the lattice bends."""
    arguments = {"length": 120, "width": 14, "barrier": 0.3, "spacing": 0.2, "extent": 25.0}
    syst = ribbon.point_contact(**arguments).finalized()
    for mode in range(3):
        opens = -4 + arguments["barrier"] + arguments["spacing"] * (mode + 0.5)
        assert kwant.smatrix(syst, opens - 0.08).transmission(1, 0) == pytest.approx(mode, abs=0.12)
        assert kwant.smatrix(syst, opens + 0.08).transmission(1, 0) == pytest.approx(mode + 1, abs=0.12)


def test_hall_bar_is_quantised():
    """Without phonons the Hall resistance is h/e^2 where one Landau level is filled, and reverses with the field."""
    for flux in (0.06, -0.06):
        syst = ribbon.hall_bar(length=48, width=16, contact=5, flux=flux).finalized()
        matrix = kwant.smatrix(syst, -3.3).conductance_matrix()
        voltages = np.linalg.solve(matrix[1:, 1:], [-1, 0, 0, 0, 0])  # of leads 1 to 5; lead 0 is at 0
        assert voltages[1] - voltages[3] == pytest.approx(np.sign(flux), abs=0.02)


def test_graphene_constriction():
    """Symmetric leads, no dangling atoms, and a neck that lets less through than the ribbon has modes."""
    syst = graphene.constriction(length=24, width=9, neck=4).finalized()
    neighbours = np.bincount([i for i, _ in syst.graph], minlength=len(syst.sites))
    inside = np.setdiff1d(np.arange(len(syst.sites)), np.concatenate(syst.lead_interfaces))
    assert neighbours[inside].min() >= 2
    scattering = kwant.smatrix(syst, 0.9)
    assert 0.5 < scattering.transmission(1, 0) < scattering.num_propagating(0)
    np.testing.assert_allclose(scattering.transmission(1, 0), scattering.transmission(0, 1), rtol=1e-9)


@pytest.mark.parametrize(("builder", "arguments", "message"), [
    (ribbon.ribbon, {"length": 0}, "length must be a whole number"), (ribbon.ribbon, {"width": 1.5}, "width must be"),
    (ribbon.ribbon, {"flux": np.nan}, "flux must be"), (ribbon.point_contact, {"spacing": 0.0}, "spacing must be"),
    (ribbon.point_contact, {"barrier": np.inf}, "barrier must be"),
    (ribbon.hall_bar, {"contact": 30}, "contact must be"),
    (graphene.constriction, {"neck": 20.0}, "neck must not be wider"),
    (graphene.constriction, {"length": -1.0}, "length must be a positive"),
    (graphene.constriction, {"length": 6.0}, "length must be longer"),
    (graphene.constriction, {"onsite": np.nan}, "onsite must be")])
def test_bad_arguments_of_planar_systems(builder, arguments, message):
    with pytest.raises(ValueError, match=message):
        builder(**arguments)


@pytest.mark.parametrize("value", ["text", None, 1 + 2j, True, np.nan, np.array([1, 2])])
@pytest.mark.parametrize("builder", [chain.barrier, chain.resonant_dot, ribbon.ribbon, ribbon.point_contact,
                                     ribbon.hall_bar, graphene.constriction])
def test_arguments_that_are_no_numbers(builder, value):
    for name in set(inspect.signature(builder).parameters) - {"potential"}:
        with pytest.raises(ValueError, match=rf"^{name} must be .*, got {re.escape(repr(value))}\.$"):
            builder(**{name: value})


def test_arguments_that_are_no_functions_or_sites():
    with pytest.raises(TypeError, match=r"potential must be a function of x and y, or None, got 3\."):
        ribbon.ribbon(potential=3)
    with pytest.raises(TypeError, match=r"site must be a kwant\.builder\.Site, got 'a'\."):
        chain.in_wires("a")
    with pytest.raises(ValueError, match=r"width must be a whole number of sites, at least 1, got '2'\."):
        chain.in_wires(next(iter(chain.barrier().sites())), width="2")
