"""Bias set by the voltage drop or the current."""

from types import SimpleNamespace

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.figures import figure2
from kwant_dissip.systems import chain

MU, TEMPERATURE = -1.0, 0.05


def transmission(energy):
    return 0.1 ** 2 / ((energy - 0.02) ** 2 + 0.1 ** 2)


def on_the_lattice(bias, length=40, law=None):
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: 0.1 * chain.in_wires(site))
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * bias, TEMPERATURE) for sign in (1, -1)]
    return kd.steady_state(chain.barrier(length=length).finalized(), reservoirs, bath, electrostatics=law, rtol=1e-5)


def in_the_continuum(bias):
    reservoirs = [kd.Reservoir(sign * 0.5 * bias, TEMPERATURE) for sign in (1, -1)]
    return kd.kinetic.steady_state(transmission, reservoirs, kd.PhononBath(TEMPERATURE, mean_free_path=1.0),
                                   velocity=np.ones_like, length=30.0)


@pytest.mark.parametrize("drop", [0.02, -0.1])
def test_kinetic_against_the_closed_form(drop):
    """In long wires the current at a given drop is that of the closed form."""
    state = kd.at_voltage_drop(drop, in_the_continuum)
    exact = kd.analytic.constant_mean_free_path(transmission, temperature=TEMPERATURE, drop=abs(drop),
                                                mean_free_path=1.0)
    assert kd.voltage_drop(state) == pytest.approx(drop, rel=1e-5)
    assert state.current[0] == pytest.approx(np.sign(drop) * exact.current, rel=1e-4)


@pytest.mark.parametrize("law", [None, kd.Poisson(1.0)])
def test_lattice(law):
    calls = []

    def solve(bias):
        calls.append(bias)
        return on_the_lattice(bias, law=law)

    state = kd.at_voltage_drop(0.05, solve)
    assert kd.voltage_drop(state) == pytest.approx(0.05, rel=1e-5)
    assert len(calls) <= 6


@pytest.mark.parametrize("bias", [-0.00364, 0.0, 0.002])
@pytest.mark.parametrize("reverse", [False, True])
def test_sign_of_a_seebeck_voltage(bias, reverse):
    """Mu of the wire at lead 0 less that of the other, whatever the temperatures, wherever lead 0 is."""
    builder = chain.barrier(length=40)
    reservoirs = [kd.Reservoir(-1 + 0.5 * bias, 0.02), kd.Reservoir(-1 - 0.5 * bias, 0.1)]
    if reverse:
        builder.leads.reverse()
        reservoirs.reverse()
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: 0.1 * chain.in_wires(site))
    state = kd.steady_state(builder.finalized(), reservoirs, bath)
    x = state.coordinate
    left, right = (np.polyval(np.polyfit(x[part], state.mu[part], 1), end)
                   for part, end in (((x <= -20.25) & (x >= -33.41), -0.5), ((x >= 20.25) & (x <= 33.41), 0.5)))
    assert kd.voltage_drop(state) == pytest.approx((left - right) * (-1 if reverse else 1), rel=1e-6)
    assert abs(left - right) > 1e-3


def test_resistivity_does_not_depend_on_the_order_of_leads():
    builder = chain.barrier(length=100)
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: 0.1 * chain.in_wires(site))
    reservoirs = [kd.Reservoir(MU + sign * 0.01, TEMPERATURE) for sign in (1, -1)]
    states = []
    for _ in range(2):
        states.append(kd.steady_state(builder.finalized(), reservoirs, bath))
        builder.leads.reverse()
        reservoirs.reverse()
    for one, other in zip(*map(kd.local_heat, states), strict=True):
        np.testing.assert_allclose(one.resistivity, other.resistivity, rtol=1e-4)
        assert np.all(one.resistivity > 0)


def test_current():
    state = kd.at_current(2e-3, on_the_lattice, rtol=1e-7)
    assert state.current[0] == pytest.approx(2e-3, rel=1e-7)


def test_drop_and_resistance_of_the_wires_add_up():
    """A site of a uniform wire that is left out of the bath has no drop of its own: a tenth of a site's at most."""
    reservoirs = [kd.Reservoir(MU + 0.05, TEMPERATURE), kd.Reservoir(MU - 0.05, TEMPERATURE)]
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: 0.1 * chain.in_wires(site))
    state = kd.steady_state(chain.barrier(length=200, height=0.0).finalized(), reservoirs, bath)
    left = state.mu[state.sites_of(0)]
    assert abs(kd.voltage_drop(state)) < 0.1 * (left[50] - left[150]) / 100


@pytest.mark.parametrize("temperature", figure2.TEMPERATURES)
def test_figure_at_the_same_drop(temperature, monkeypatch):
    calls = []

    def counted(*arguments, **options):
        calls.append(arguments)
        return kd.steady_state(*arguments, **options)

    monkeypatch.setattr(figure2, "steady_state", counted)
    for solve in (figure2.lattice_state, figure2.kinetic_state):
        state = kd.at_voltage_drop(figure2.DROP, lambda bias, solve=solve: solve(temperature, bias))
        assert kd.voltage_drop(state) == pytest.approx(figure2.DROP, rel=1e-4)
    assert len(calls) <= 6


def dot_at(bias):
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: 0.1 * chain.in_wires(site))
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * bias, TEMPERATURE) for sign in (1, -1)]
    return kd.steady_state(chain.resonant_dot(length=30).finalized(), reservoirs, bath)


@pytest.mark.parametrize("sign", [1, -1])
def test_drop_that_takes_most_of_the_band(sign):
    """A response that bends upwards and then saturates: a tenth of the drop at a bias of 1, all of it below 4."""
    tried = []

    def solve(bias):
        tried.append(abs(bias))
        return dot_at(bias)

    state = kd.at_voltage_drop(sign * 1.0, solve)
    assert kd.voltage_drop(state) == pytest.approx(sign, rel=1e-5)
    assert 3.5 < sign * (state.reservoir_mu[0] - state.reservoir_mu[1]) < 4
    assert max(tried) <= 4
    assert len(tried) <= 8


def test_drop_in_a_thermal_gradient():
    """Without bias there is a Seebeck voltage already: the answer may lie on either side of it."""
    def solve(bias):
        reservoirs = [kd.Reservoir(MU + 0.5 * bias, 0.02), kd.Reservoir(MU - 0.5 * bias, 0.1)]
        return kd.steady_state(chain.barrier(length=40).finalized(), reservoirs,
                               kd.PhononBath(0.05, rate=lambda site: 0.1 * chain.in_wires(site)))

    seebeck = kd.voltage_drop(solve(0.0))
    assert abs(seebeck) > 1e-3
    for factor in (2.0, 0.5, -1.0):
        state = kd.at_voltage_drop(factor * seebeck, solve)
        assert kd.voltage_drop(state) == pytest.approx(factor * seebeck, rel=1e-5)
        assert np.sign(state.current[0]) == np.sign((factor - 1) * seebeck)


@pytest.mark.parametrize(("drop", "law"), [(50.0, kd.Neutrality()), (1.5, kd.Neutrality()), (3.0, None)])
def test_drop_that_no_bias_reaches(drop, law):
    """The leads' bands do not overlap any more, or let nothing pass; without electrostatics the response saturates."""
    tried = []

    def solve(bias):
        tried.append(bias)
        return on_the_lattice(bias, length=10, law=law)

    with pytest.raises(kd.ConvergenceError, match="No bias was found at which the voltage drop is") as caught:
        kd.at_voltage_drop(drop, solve)
    assert len(tried) <= 10
    assert kd.voltage_drop(caught.value.state) < drop


@pytest.mark.parametrize("sign", [1, -1])
def test_solve_with_the_sign_reversed(sign):
    tried = []

    def solve(bias):
        tried.append(bias)
        return in_the_continuum(-bias)

    with pytest.raises(kd.ConvergenceError, match=r"No bias was found .* less mu of lead 1 to the bias"):
        kd.at_voltage_drop(0.05 * sign, solve)
    assert len(tried) <= 3


def test_value_that_jumps():
    """A solve that cannot follow the bias is told so, soon."""
    tried = []

    def solve(bias):
        tried.append(bias)
        return in_the_continuum(round(bias, 2))

    with pytest.raises(kd.ConvergenceError, match="There it jumps"):
        kd.at_current(1e-3, solve, rtol=1e-2)
    assert len(tried) < 40


@pytest.mark.parametrize(("solve", "message"), [
    (None, "solve must be a function of the bias, got None"), (lambda: 1, "solve must take one argument"),
    (lambda bias, more: 1, "solve must take one argument"), (lambda bias: None, "got NoneType")])
def test_solve_that_is_none(solve, message):
    for find in (kd.at_voltage_drop, kd.at_current):
        with pytest.raises(TypeError, match=message):
            find(0.1, solve)


def test_what_solve_raises_comes_through():
    """If no bias works at all, the user sees why."""
    with pytest.raises(ValueError, match="reaches no site"):
        kd.at_voltage_drop(0.1, lambda bias: kd.steady_state(
            chain.barrier(length=5).finalized(), [kd.Reservoir(MU + bias, 0.1), kd.Reservoir(MU, 0.1)],
            kd.PhononBath(0.1, rate=0.0)))


@pytest.mark.parametrize("drop", [0.0, np.nan, np.inf, None, 1j])
def test_drop_that_is_none(drop):
    with pytest.raises(ValueError, match="finite number other than 0"):
        kd.at_voltage_drop(drop, on_the_lattice)


def test_what_is_wrong_in_solve_comes_through():
    """A mistake of the user's own, with its place; a state without a drop, after one solve."""
    tried = []

    def solve(bias):
        tried.append(bias)
        return on_the_lattice(bias / len(tried[1:]))

    with pytest.raises(ZeroDivisionError):
        kd.at_voltage_drop(0.1, solve)
    state = kd.steady_state(chain.barrier(length=5).finalized(), [kd.Reservoir(MU, TEMPERATURE)] * 2,
                            kd.PhononBath(TEMPERATURE, rate=0.1))
    tried.clear()
    with pytest.raises(ValueError, match="the state has 1 wires"):
        kd.at_voltage_drop(0.1, lambda bias: tried.append(bias) or state)
    assert len(tried) == 1


def test_one_wire_has_no_drop():
    state = kd.steady_state(chain.barrier(length=5).finalized(), [kd.Reservoir(MU, TEMPERATURE)] * 2,
                            kd.PhononBath(TEMPERATURE, rate=0.1))
    with pytest.raises(ValueError, match="the state has 1 wires and 2 leads"):
        kd.voltage_drop(state)


@pytest.mark.parametrize("straight", [(0.5, 0.4), (-0.1, 0.5), (0.5, 1.2), (0.5, 0.51)])
def test_straight_part(straight):
    with pytest.raises(ValueError, match="straight"):
        kd.voltage_drop(on_the_lattice(0.1, length=5), straight=straight)


@pytest.mark.parametrize("height", [0.0, 0.5])
def test_drops_of_both_theories(height):
    """Both extrapolate to the same place: they differ by a resistance of so many sites of wire, whatever l is.

    Without a scatterer by none. Behind one, standing waves make what relaxes next to it count more (on a chain, of a
    barrier with the transmission v^2 / (v^2 + h^2)).
    """
    temperature, mu, bias, sites = 0.05, -1.0, 0.02, []
    reservoirs = [kd.Reservoir(mu + bias / 2, temperature), kd.Reservoir(mu - bias / 2, temperature)]
    for path in (60, 120):
        wires = {"mean_free_path": lambda site, path=path: path if chain.in_wires(site) else np.inf}
        lattice = kd.steady_state(chain.barrier(length=6 * path, height=height).finalized(), reservoirs,
                                  kd.PhononBath(temperature, **wires), rtol=1e-7)

        def velocity(energy):
            return np.sqrt(np.clip(4 - energy ** 2, 0, None))

        kinetic = kd.kinetic.steady_state(
            lambda energy: velocity(energy) ** 2 / np.maximum(velocity(energy) ** 2 + height ** 2, 1e-300), reservoirs,
            kd.PhononBath(temperature, mean_free_path=float(path)), velocity=velocity, length=6.0 * path, rtol=1e-7)
        assert lattice.current[0] == pytest.approx(kinetic.current[0], rel=1.2e-3)
        distance, local = kinetic.from_scatterer()[0]
        field = abs(np.polyfit(distance, local, 1)[0])
        sites.append((kd.voltage_drop(lattice) - kd.voltage_drop(kinetic)) / field)
    if height == 0:
        np.testing.assert_allclose(sites, 0, atol=2e-3)
    else:
        np.testing.assert_allclose(sites, 0.84, atol=0.04)


def test_drop_no_better_known_than_the_solution():
    """What a solution's own error makes jump is found as well as it is known; what falls with the bias says so."""
    def solve(bias, rtol=1e-3):
        noise = 1 + 0.2 * rtol * np.sign(np.sin(1e5 * bias))

        class State(SimpleNamespace):
            def from_scatterer(self):
                x = np.linspace(0, 6, 50)
                return [(x, sign * 0.05 * bias * noise + 0 * x) for sign in (1, -1)]
        return State(reservoir_temperature=np.array([0.1, 0.1]), units="model", rtol=rtol,
                     reservoir_mu=np.array([bias / 2, -bias / 2]), current=np.array([bias, -bias]))
    state = kd.at_voltage_drop(0.03, solve, rtol=1e-9)
    assert kd.voltage_drop(state) == pytest.approx(0.03, rel=1e-3)
    with pytest.raises(kd.ConvergenceError, match=r"it does not grow with the bias there: .* at "):
        kd.at_voltage_drop(0.03, lambda bias: solve(bias * np.exp(-4 * bias ** 2)))
