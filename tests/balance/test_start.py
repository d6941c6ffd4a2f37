"""A solution started from a neighbour is the same solution."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.numerics.quadrature import window_panels
from kwant_dissip.systems import chain
from models import three_terminal

DOT = chain.resonant_dot(length=60, coupling=0.3, level=-0.95).finalized()
RTOL = 1e-5


def phonons(temperature):
    return kd.PhononBath(temperature, rate=lambda site: 0.05 * chain.in_wires(site))


BATHS = {
    "phonons": lambda temperature: phonons(temperature),
    "electrons": lambda temperature: kd.ElectronBath(rate=0.05),
    "all": lambda temperature: [phonons(temperature), kd.ElectronBath(rate=0.02), kd.ElasticBath(rate=0.02)]}


def solve(bias, temperature=0.05, bath="phonons", **options):
    reservoirs = [kd.Reservoir(-1 + 0.5 * bias, temperature), kd.Reservoir(-1 - 0.5 * bias, temperature)]
    return kd.steady_state(DOT, reservoirs, BATHS[bath](temperature), rtol=RTOL, **options)


def assert_same(state, other):
    for name in ("power", "current", "energy_current"):
        one, two = getattr(state, name), getattr(other, name)
        assert np.abs(one - two).max() <= 2 * RTOL * np.abs(two).max(), name
    for name in ("mu", "electron_mu", "electron_temperature", "potential"):
        np.testing.assert_allclose(getattr(state, name), getattr(other, name), atol=10 * RTOL * 0.2)


@pytest.mark.parametrize("bath", list(BATHS))
@pytest.mark.parametrize("change", [{"bias": 0.12}, {"bias": -0.1}, {"bias": 0.0}, {"temperature": 0.08}])
def test_another_bias_or_temperature(bath, change):
    start = solve(0.1, bath=bath)
    arguments = {"bias": 0.1, "bath": bath, **change}
    state = solve(**arguments, start=start)
    assert_same(state, solve(**arguments))


@pytest.mark.parametrize("law", [kd.Poisson(1.0), kd.Neutrality()])
def test_electrostatics(law):
    """The potential is started from, too, and fewer evaluations do."""
    cold = solve(0.12, electrostatics=law)
    for start in solve(0.1, electrostatics=law), solve(0.1):
        state = solve(0.12, electrostatics=law, start=start)
        assert_same(state, cold)
        assert state.law_residual < 1e-7
    near = solve(0.12, electrostatics=law, start=cold)
    assert near.transports < cold.transports
    assert near.newton_steps < cold.newton_steps


def test_from_itself_nothing_is_left_to_do():
    cold = solve(0.1)
    again = solve(0.1, start=cold)
    assert_same(again, cold)
    assert again.transports < 0.8 * cold.transports
    assert again.green_functions < cold.green_functions


def test_from_a_file_without_its_energies(tmp_path):
    solve(0.1).save(tmp_path / "start.h5")
    assert_same(solve(0.12, start=kd.load(tmp_path / "start.h5")), solve(0.12))


def test_floating_leads():
    def three(bias, **options):
        reservoirs = [kd.Reservoir(bias, 0.2), kd.Reservoir(0.0, 0.2), kd.Reservoir(None, 0.2)]
        return kd.steady_state(three_terminal(), reservoirs, kd.PhononBath(0.2, rate=0.1), rtol=1e-6, **options)

    state = three(0.3, start=three(0.2))
    np.testing.assert_allclose(state.reservoir_mu, three(0.3).reservoir_mu, atol=1e-6)


def test_grids_do_not_grow_along_a_sweep():
    """What was fine where a resonance was is forgotten when it has moved away."""
    panels = near = window_panels(0.0, 1.0, [], 0.1)
    for shift in np.linspace(0, 0.5, 40):
        near = window_panels(shift, 1.0 + shift, [], 0.1).as_fine_as(near)
    assert len(near) == len(panels)
    fine = window_panels(0.0, 1.0, [], 0.01)
    assert len(panels) < len(panels.as_fine_as(fine)) <= len(fine)
    _, weights, _ = panels.as_fine_as(fine).nodes()
    assert weights.sum() == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize(("start", "error", "message"), [
    (lambda: 3, TypeError, "start must be a SteadyState, got 3"),
    (lambda: solve(0.1).to_si(1.0, 1e-9), ValueError, "start must be in the model's units"),
    (lambda: kd.steady_state(chain.barrier(length=5).finalized(), 2 * [kd.Reservoir(-1, 0.1)],
                             kd.PhononBath(0.1, rate=0.1)), ValueError, "a state of the same system, of 121 sites")])
def test_starts_that_are_none(start, error, message):
    with pytest.raises(error, match=message):
        solve(0.1, start=start())


def test_sweeps_hand_states_on():
    """To the next point along the last parameter, in a function that takes them; the results are the same."""
    starts = []

    def warm(temperature, bias, start=None):
        starts.append(None if start is None else float(start.reservoir_mu[0]))
        return solve(bias, temperature, start=start)

    grid = {"temperature": [0.05, 0.08], "bias": [0.1, 0.12]}
    found = kd.sweep(warm, grid)
    assert starts == [None, -0.95, None, -0.95]
    cold = kd.sweep(solve, grid)
    assert np.abs(found.power - cold.power).max() <= 2 * RTOL * np.abs(cold.power).max()
