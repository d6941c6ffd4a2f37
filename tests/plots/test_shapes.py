"""Ribbons, bars and solids: pictures where sites lie on no line."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain
from solids import solid
from synthetic import grid, state_of


@pytest.fixture(scope="module")
def wire():
    return solid()


@pytest.fixture(scope="module")
def line():
    bath = kd.PhononBath(0.1, rate=lambda site: 0.1 * chain.in_wires(site))
    reservoirs = [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1)]
    return kd.steady_state(chain.barrier(length=30).finalized(), reservoirs, bath, rtol=1e-3)


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
    with pytest.raises(ValueError, match=r"axes must be 4 for power, mu, map, second map, got 5"):
        wire.plot([above] * 5)
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
    state = state_of(positions[:, 1], standing, bonds)
    state = dataclasses.replace(state, mu=state.power, potential=state.power, bond_current=np.ones(len(bonds)))
    axis = state.plot(arrows=True).axes[0]
    assert "$x$" in axis.get_xlabel()
    assert "$z$" in axis.get_ylabel()
    plt.close("all")


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
