"""Ribbons, bars and solids: pictures and heat spots where sites lie on no line."""

import dataclasses

import kwant
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.signal import find_peaks

import kwant_dissip as kd
from kwant_dissip.analysis.spots import _prominences
from kwant_dissip.systems import chain, ribbon

LATTICE = kwant.lattice.cubic(norbs=1)
RESERVOIRS = [kd.Reservoir(3.05, 0.1), kd.Reservoir(2.95, 0.1)]


def solid(law=None, shape=(8, 3, 2)):
    """A wire in three dimensions with a slab in its middle that is not coupled to the phonons."""
    builder = kwant.Builder()
    builder[(LATTICE(*tag) for tag in np.ndindex(shape))] = 6.0
    builder[LATTICE.neighbors()] = -1.0
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0, 0)))
    lead[(LATTICE(0, y, z) for y, z in np.ndindex(shape[1:]))] = 6.0
    lead[LATTICE.neighbors()] = -1.0
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    bath = kd.PhononBath(0.1, rate=lambda site: 0.05 * (site.tag[0] != 4))
    return kd.steady_state(builder.finalized(), RESERVOIRS, bath, electrostatics=law, rtol=1e-2)


@pytest.fixture(scope="module")
def wire():
    return solid()


@pytest.fixture(scope="module")
def line():
    bath = kd.PhononBath(0.1, rate=lambda site: 0.1 * chain.in_wires(site))
    reservoirs = [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1)]
    return kd.steady_state(chain.barrier(length=30).finalized(), reservoirs, bath, rtol=1e-3)


def with_power(positions, power, bonds, window=4.0):
    """A state with a given power on a lattice, coupled everywhere."""
    state = kd.steady_state(chain.barrier(length=1, height=0.0).finalized(), [kd.Reservoir(-1.0, 0.1)] * 2,
                            kd.PhononBath(0.1, rate=0.1), rtol=1e-1)
    return dataclasses.replace(state, positions=positions, power=power, bonds=bonds, wire=np.zeros(len(power), int),
                               fermi_wavelength=np.array([window]))


def grid(length, width):
    """Positions of a square lattice, and its hoppings."""
    number = np.arange(length * width).reshape(length, width)
    bonds = np.concatenate([np.stack([number[1:], number[:-1]], axis=-1).reshape(-1, 2),
                            np.stack([number[:, 1:], number[:, :-1]], axis=-1).reshape(-1, 2)])
    return np.stack(np.unravel_index(number.ravel(), number.shape), axis=1).astype(float), bonds


def test_solid_is_drawn_as_sums_and_means(wire):
    """All curves and maps hold all of the heat; mu is unknown where the slab takes none."""
    figure = wire.plot()
    above, below, *maps = figure.axes[:4]
    power = above.lines[0].get_ydata()
    assert power.sum() == pytest.approx(wire.power.sum())
    np.testing.assert_allclose(power[0], wire.power[wire.positions[:, 0] == 0].sum())
    mu = below.lines[0].get_ydata()
    assert np.isnan(mu).tolist() == [False] * 4 + [True] + [False] * 3
    np.testing.assert_allclose(mu[0], wire.mu[wire.positions[:, 0] == 0].mean())
    for axis, count, names in zip(maps, (24, 16), ("xyz", "xzy"), strict=True):
        drawn = axis.collections[-1]
        assert len(drawn.get_array()) == count
        assert drawn.get_array().sum() == pytest.approx(wire.power.sum())
        assert f"${names[0]}$" in axis.get_xlabel()
        assert f"${names[1]}$" in axis.get_ylabel()
        assert axis.get_title() == f"power, sum along ${names[2]}$"
    assert "sum over the cross section" in above.get_title()
    assert "mean over the cross section" in below.get_title()
    figure.canvas.draw()
    with pytest.raises(ValueError, match="axes must be 4"):
        wire.plot([above])
    plt.close("all")


def test_solid_with_electrostatics_shows_the_potential():
    state = solid(kd.Poisson(1.0), (6, 2, 2))
    figure = state.plot()
    beside = next(axis for axis in figure.axes if "dashed" in axis.get_ylabel())
    np.testing.assert_allclose(beside.lines[0].get_ydata()[0], state.potential[state.positions[:, 0] == 0].mean())
    plt.close("all")


def test_plane_in_space_is_a_map():
    """A layer of a cubic lattice: a plane, whichever two coordinates it fills."""
    positions, bonds = grid(6, 3)
    standing = np.insert(positions, 1, 2.0, axis=1)
    state = with_power(standing, positions[:, 1], bonds)
    state = dataclasses.replace(state, mu=state.power, potential=state.power, bond_current=np.ones(len(bonds)))
    axis = state.plot(arrows=True).axes[0]
    assert "$x$" in axis.get_xlabel()
    assert "$z$" in axis.get_ylabel()
    plt.close("all")


def test_spots_on_a_map_are_the_bumps_it_was_made_of():
    """A hot and a cold bump, standing waves on top that the average removes, on a square lattice."""
    positions, bonds = grid(60, 24)
    hot, cold = np.array([15.0, 8.0]), np.array([44.0, 15.0])
    power = (np.exp(-((positions - hot) ** 2).sum(axis=1) / 25) - np.exp(-((positions - cold) ** 2).sum(axis=1) / 25)
             + 0.5 * np.cos(np.pi * positions[:, 0]))
    spots = kd.heat_spots(with_power(positions, power, bonds), prominence=0.2)
    assert [spot.kind for spot in spots] == ["heat", "cold"]
    for spot, place in zip(spots, (hot, cold), strict=True):
        np.testing.assert_allclose(spot.position, place, atol=1)
        assert 0.4 < abs(spot.power) < 1
        assert spot.prominence == pytest.approx(np.ptp([spot.power for spot in spots]), rel=0.05)


def test_prominence_on_a_line_is_that_of_scipy():
    """The graph of a chain: what find_peaks says, but for the highest, which counts from the lowest place of all."""
    height = np.random.default_rng(3).normal(size=200)
    height[[0, -1]] = -9.0
    found = _prominences(height, np.stack([np.arange(199), np.arange(1, 200)], axis=1))
    peaks, properties = find_peaks(height, prominence=1e-12)
    assert sorted(found) == peaks.tolist()
    np.testing.assert_allclose([found[i] for i in peaks], properties["prominences"])


def test_small_and_flat_maps_have_no_spots(wire):
    assert kd.heat_spots(wire) == []  # shorter than two Fermi wavelengths
    positions, bonds = grid(20, 8)
    assert kd.heat_spots(with_power(positions, np.ones(160), bonds)) == []


def test_spots_of_a_ribbon_in_a_field_follow_the_field():
    """The mirror image of a ribbon is the ribbon in the opposite field; more heat on one side than on the other."""
    found = []
    for flux in (0.06, -0.06):
        syst = ribbon.ribbon(length=14, width=6, flux=flux).finalized()
        state = kd.steady_state(syst, [kd.Reservoir(-2.95, 0.1), kd.Reservoir(-3.05, 0.1)],
                                kd.PhononBath(0.1, rate=0.1), rtol=1e-3)
        found.append({(spot.kind, spot.position): spot.power for spot in kd.heat_spots(state, window=3.0)})
    assert {kind for kind, _ in found[0]} == {"heat", "cold"}
    mirrored = {(kind, (x, 5 - y)): power for (kind, (x, y)), power in found[1].items()}
    assert found[0] == pytest.approx(mirrored, rel=1e-2)
    assert found[0].keys() != found[1].keys()


def test_wire_that_is_not_there(line, wire):
    for call in (line.profile, line.along, line.points, line.sites_of, wire.sites_of):
        for number in (99, -1, "a"):
            with pytest.raises(ValueError, match=r"this state has 2 wires, got"):
                call(number)


@pytest.mark.parametrize("window", [0, -1, "a", np.nan, np.inf, 1j])
def test_window_that_is_none(line, wire, window):
    for state in (line, wire):
        with pytest.raises(ValueError, match=r"window must be a positive length, or None .*, got"):
            kd.heat_spots(state, window=window)
    for call in (lambda: kd.local_heat(line, window=window), lambda: line.profile(0, window)):
        with pytest.raises(ValueError, match="window must be a positive length"):
            call()


@pytest.mark.parametrize("value", [3, None, "state", np.ones(3)])
def test_what_is_no_state(value):
    for call in (kd.heat_spots, kd.local_heat, kd.voltage_drop):
        with pytest.raises(TypeError, match=f"a SteadyState or a KineticState, got {type(value).__name__}"):
            call(value)


def test_prominence_that_is_none(line):
    for prominence in ("a", None, np.nan, -0.1):
        with pytest.raises(ValueError, match="prominence must be a fraction between 0 and 1, got"):
            kd.heat_spots(line, prominence=prominence)
