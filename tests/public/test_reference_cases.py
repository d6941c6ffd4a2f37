"""Solved systems, digit by digit, by both routes."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain
from models import three_terminal


def case(name):
    if name == "barrier":
        return (chain.barrier(length=20, height=0.8).finalized(), (-0.95, -1.05), (0.04, 0.04),
                kd.PhononBath(0.04, rate=lambda site: 0.1 if chain.in_wires(site) else 0.0))
    if name == "resonant_dot":
        return (chain.resonant_dot(length=40, coupling=0.4, level=-0.84).finalized(), (-0.97, -1.03), (0.03, 0.03),
                kd.PhononBath(0.03, mean_free_path=lambda site: 30 if chain.in_wires(site) else np.inf))
    return (three_terminal(), (-1.1, -1.3, -1.2), (0.05, 0.08, 0.05),
            kd.PhononBath(0.06, rate=lambda site: 0.05 + 0.02 * site.tag[0]))


@pytest.mark.parametrize(("name", "method"), [("barrier", "slices"), ("barrier", "kwant"), ("resonant_dot", "slices"),
                                              ("three_terminal", "slices"), ("three_terminal", "kwant")])
def test_solved_system(lattice_cases, name, method):
    syst, mu, temperature, bath = case(name)
    expected = lattice_cases[name]
    assert [list(site.tag) for site in syst.sites] == expected["sites"]
    state = kd.steady_state(syst, [kd.Reservoir(*pair) for pair in zip(mu, temperature, strict=True)], bath,
                            method=method)
    assert state.method == ("chain" if method == "slices" and name != "three_terminal" else method)
    assert 0 < state.error <= state.rtol
    power, expected_mu = np.array(expected["power"]), np.array(expected["mu"], float)
    np.testing.assert_allclose(state.power, power, rtol=0, atol=1e-6 * np.abs(power).max())
    np.testing.assert_allclose(state.mu, expected_mu, rtol=0, atol=1e-6 * np.nanmax(np.abs(expected_mu)))
    for name in ("current", "energy_current"):
        np.testing.assert_allclose(getattr(state, name), expected[name], rtol=1e-6)
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
