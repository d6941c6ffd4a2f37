"""What a SteadyState offers: units, files, spots, pictures."""

import base64
import dataclasses

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.constants import Boltzmann, electron_mass, eV, hbar

import kwant_dissip as kd
from kwant_dissip.analysis.smoothing import average
from kwant_dissip.figures.wire_image import nanotube_velocity
from kwant_dissip.systems import chain
from models import three_terminal


@pytest.fixture(scope="module")
def state():
    syst = chain.resonant_dot(length=60, coupling=0.5, level=-0.9).finalized()
    bath = kd.PhononBath(0.05, mean_free_path=lambda site: 12.0 if chain.in_wires(site) else np.inf)
    return kd.steady_state(syst, [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], bath, rtol=1e-4)


def test_shapes_and_order(state):
    sites = 121
    for name in ("power", "mu", "density", "potential", "wire"):
        assert getattr(state, name).shape == (sites,)
    assert state.current.shape == state.energy_current.shape == (2,)
    assert np.flatnonzero(np.isnan(state.mu)).tolist() == [60]
    assert state.power[60] == 0
    assert state.wire.tolist() == [0] * 60 + [-1] + [1] * 60
    assert np.all(np.diff(state.positions[:, 0]) == 1)
    assert np.all((state.density > 0) & (state.density < 1))
    assert state.reservoir_mu[0] > np.nanmax(state.mu) > np.nanmin(state.mu) > state.reservoir_mu[1]


def test_round_trip_is_exact(state, tmp_path):
    state.save(tmp_path / "one.h5")
    state.save(tmp_path / "many.h5", group="a/b")
    state.to_si(0.1, 1e-9).save(tmp_path / "many.h5", group="c")
    for loaded in (kd.load(tmp_path / "one.h5"), kd.load(tmp_path / "many.h5", group="a/b")):
        for field in dataclasses.fields(state):
            expected, value = getattr(state, field.name), getattr(loaded, field.name)
            assert type(value) is type(expected)
            np.testing.assert_array_equal(value, expected, strict=True)
    assert kd.load(tmp_path / "many.h5", group="c").units == "SI"
    with h5py.File(tmp_path / "one.h5") as file:
        assert all(dataset.attrs["description"] and dataset.attrs["unit"] for dataset in file.values())
        assert file["power"].attrs["unit"] == "E0^2/hbar"
    with h5py.File(tmp_path / "many.h5") as file:
        assert file["c/power"].attrs["unit"] == "W"


def test_files_hold_states_beside_each_other(state, tmp_path):
    path = tmp_path / "file.h5"
    state.save(path)
    for _ in range(2):  # the second time replaces the first
        state.save(path, group="below")
    for group in ("/", "below"):
        np.testing.assert_array_equal(kd.load(path, group=group).power, state.power)


def test_other_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["power"] = 1.0
    with pytest.raises(ValueError, match="does not hold a result"):
        kd.load(tmp_path / "other.h5")


def test_si_units(state):
    """Numbers of design.md section 2, to their digits; identities hold in SI too."""
    si = state.to_si(energy_unit=1.0, lattice_constant=2e-10)
    np.testing.assert_allclose(si.current / state.current, 2.434e-4, rtol=2e-4)
    np.testing.assert_allclose(si.power.sum() / state.power.sum(), 2.434e-4, rtol=2e-4)
    np.testing.assert_allclose(si.bath_temperature / state.bath_temperature, 11604.5, rtol=1e-5)
    half = state.to_si(energy_unit=0.5, lattice_constant=1e-9)
    assert half.power.sum() == pytest.approx(0.25 * si.power.sum())
    assert half.current[0] == pytest.approx(0.5 * si.current[0])
    assert half.mu[0] == 0.5 * state.mu[0]
    assert si.positions[-1, 0] == pytest.approx(60 * 2e-10)
    assert si.energy_residual == pytest.approx(state.energy_residual, abs=1e-12)
    # 1 eV / K in W / K: the entropy is measured per kelvin instead of k_B
    assert si.entropy_production * 11604.518 == pytest.approx(state.entropy_production * 2.43413e-4, rel=1e-5)
    with pytest.raises(ValueError, match="already"):
        si.to_si(1.0, 1.0)
    for bad in ({"energy_unit": 0, "lattice_constant": 1}, {"energy_unit": 1, "lattice_constant": np.nan}):
        with pytest.raises(ValueError, match="must be a positive number"):
            state.to_si(**bad)


def test_degeneracy(state, tmp_path):
    """Four alike modes carry four times the current and heat at the same potentials and temperatures."""
    one, four = (state.to_si(0.1, 1e-9, degeneracy=count) for count in (1, 4))
    for name in ("power", "current", "energy_current", "bond_current", "density"):
        np.testing.assert_allclose(getattr(four, name), 4 * getattr(one, name))
    for name in ("mu", "bath_temperature", "positions"):
        np.testing.assert_array_equal(getattr(four, name), getattr(one, name))
    assert four.entropy_production == pytest.approx(4 * one.entropy_production)
    assert four.energy_residual == pytest.approx(one.energy_residual)
    assert (state.degeneracy, one.degeneracy, four.degeneracy) == (1, 1, 4)
    four.save(tmp_path / "four.h5")
    assert kd.load(tmp_path / "four.h5").degeneracy == 4
    with pytest.raises(ValueError, match="degeneracy must be a positive"):
        state.to_si(0.1, 1e-9, degeneracy=0)


def test_numbers_of_real_wires():
    """docs/experiments.md: hbar v / l and k_B T over it, in eV, for GaAs, graphene and a nanotube."""
    velocity = np.sqrt(2 * 2e-3 * eV / (0.067 * electron_mass))
    assert velocity == pytest.approx(1.0e5, rel=0.03)
    for speed, length, kelvin, broadening, ratio in (
            (velocity, 1e-6, 4.2, 0.067e-3, 5.4), (1e6, 2e-6, 4.2, 0.33e-3, 1.1),
            (nanotube_velocity(0.1), 0.3e-6, 300, 1.5e-3, 17)):
        rate = hbar * speed / length / eV
        assert rate == pytest.approx(broadening, rel=0.03)
        assert Boltzmann * kelvin / eV / rate == pytest.approx(ratio, rel=0.03)
    assert Boltzmann * 4.2 / eV / 2e-3 == pytest.approx(0.18, rel=0.03)
    # Near the band's edge, the mass half_gap / v^2; far from it graphene's velocity.
    half_gap = 2 * hbar * 1e6 / (3 * 1.7e-9) / eV
    assert half_gap == pytest.approx(0.26, rel=0.01)
    mass = half_gap * eV / 1e12
    assert mass == pytest.approx(0.045 * electron_mass, rel=0.01)
    assert nanotube_velocity(0.1) == pytest.approx(6.9e5, rel=0.01)
    assert nanotube_velocity(1e-5) == pytest.approx(np.sqrt(2e-5 * eV / mass), rel=1e-4)
    assert nanotube_velocity(1e3) == pytest.approx(1e6, rel=1e-6)
    assert hbar * 1e6 / (Boltzmann * 4.2) == pytest.approx(1.8e-6, rel=0.03)


def test_smoothing_keeps_a_straight_line_and_removes_the_standing_wave():
    x = np.arange(100.0)
    line, power = average(x, 3 + 0.1 * x + np.cos(2 * np.pi * x / 5), 10.0)
    np.testing.assert_allclose(power, 3 + 0.1 * line, atol=1e-12)


def test_wires_of_a_ribbon():
    """A system that is no chain takes the route of slices without being told; wires are its connected pieces."""
    state = kd.steady_state(three_terminal(), [kd.Reservoir(-1.1, 0.1)] * 3,
                            kd.PhononBath(0.1, rate=lambda site: 0.1 * (site.tag[0] != 2)), rtol=1e-2)
    assert state.method == "slices"
    assert sorted(set(state.wire.tolist())) == [-1, 0, 1]


def test_a_state_shows_itself_in_a_notebook():
    """Numbers with their units, and a picture that needs nothing else; no figure is left open."""
    before = plt.get_fignums()
    reservoirs = [kd.Reservoir(-0.9, 0.3), kd.Reservoir(-1.1, 0.3)]
    state = kd.steady_state(chain.barrier(length=5).finalized(), reservoirs, kd.PhononBath(0.3, rate=0.2), rtol=1e-2)
    for shown, unit in ((state, "E0/hbar"), (state.to_si(1.0, 1e-9), "A")):
        html = shown._repr_html_()
        assert f"{shown.current[0]:.4g}, {shown.current[1]:.4g} {unit}" in html
        assert f"{shown.power.sum():.4g}" in html
        picture = html.partition("data:image/png;base64,")[2].partition("'")[0]
        assert base64.b64decode(picture)[:4] == b"\x89PNG"
    assert plt.get_fignums() == before
