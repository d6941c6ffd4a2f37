"""Phonons at the temperature that their own heat gives them: limits, balance, runaway, what is refused."""

import dataclasses

import numpy as np
import pytest

import kwant_dissip as kd
import thermal_states
from kwant_dissip.store.units import Units
from kwant_dissip.systems import chain

UNIT, LATTICE, SUBSTRATE = 0.4, 3e-9, 300.0  # eV, m, K
KELVIN = Units(UNIT, LATTICE).temperature
SYST = chain.barrier(length=8, height=0.6).finalized()
KAPPA = 6.24e-15


def solver(bias, *, syst=SYST, substrate=SUBSTRATE, rtol=1e-8):
    """Function of the bath's temperature in K: a wire with a barrier, leads at `substrate`, in K."""
    reservoirs = [kd.Reservoir(-1.5 + sign * 0.5 * bias, substrate / KELVIN) for sign in (1, -1)]

    def solve(kelvin):
        return kd.steady_state(syst, reservoirs, kd.PhononBath(kelvin / KELVIN, rate=0.1), rtol=rtol
                               ).to_si(UNIT, LATTICE)

    return solve


def thermal(coupling, **options):
    return kd.Thermal(conductivity=KAPPA, coupling=coupling, substrate_temperature=SUBSTRATE, **options)


@pytest.mark.parametrize("coupling", [17.0, 0.1])
def test_small_power_is_first_order(coupling):
    """Excess u with (K - dp/dT) u = p: the conductances of phonons, and what electrons take back at this bias.

    dp/dT by finite differences of the power, K from the heat equation's answer to heat on single sites; with a strong
    coupling to the substrate that is the answer to the power at the substrate's temperature.
    """
    solve, material = solver(1e-3), thermal(coupling)
    hot = kd.self_heating(solve, material, rtol=1e-9)
    cold = solve(SUBSTRATE)
    sites = len(cold.power)
    one_kelvin = np.array([solve(SUBSTRATE + np.eye(sites)[i]).power - solve(SUBSTRATE - np.eye(sites)[i]).power
                           for i in range(sites)]).T / 2
    response = np.array([kd.temperature(dataclasses.replace(cold, power=1e-12 * unit), material).excess / 1e-12
                         for unit in np.eye(sites)]).T
    first_order = np.linalg.solve(np.eye(sites) - response @ one_kelvin, response @ cold.power)
    np.testing.assert_allclose(hot.field.excess, first_order, rtol=0, atol=1e-5 * np.abs(first_order).max())
    alone = kd.temperature(cold, material).excess
    if coupling > 1:
        np.testing.assert_allclose(hot.field.excess, alone, rtol=0, atol=2e-3 * alone.max())


@pytest.mark.parametrize(("bias", "coupling", "ends"), [
    (0.3, 0.17, None), (0.3, 1e-3, (SUBSTRATE, None)), (0.1, 1e-5, "insulated"), (0.3, 0.0, SUBSTRATE),
    (0.2, kd.thermal.kapitza(0.01, SUBSTRATE), None)])
def test_the_whole_balance(bias, coupling, ends):
    """Work of the batteries = heat to the substrate, through the ends and with the electrons into the leads."""
    hot = kd.self_heating(solver(bias), thermal(coupling, ends=ends), rtol=1e-6)
    assert hot.power_in > 0
    assert hot.heat_out == pytest.approx(hot.power_in, rel=1e-8)
    assert hot.error <= 1e-6
    np.testing.assert_allclose(hot.state.bath_temperature, hot.field.temperature, rtol=0,
                               atol=1e-6 * hot.field.excess.max())
    assert hot.state.entropy_production >= 0


def test_heat_at_the_ends_counts_once():
    hot = kd.self_heating(solver(0.2), thermal(0.01), heat_at_ends=True)
    assert hot.heat_out == pytest.approx(hot.power_in, rel=1e-8)
    assert hot.field.total_heat == pytest.approx(hot.power_in, rel=1e-8)


def test_where_electrons_cool_the_phonons_most():
    """Next to no coupling: the power at the substrate's temperature would mean seven times the excess, and more."""
    hot = kd.self_heating(solver(0.1, syst=chain.barrier(length=20, height=0.6).finalized()), thermal(1e-7))
    alone = kd.temperature(solver(0.1, syst=chain.barrier(length=20, height=0.6).finalized())(SUBSTRATE), thermal(1e-7))
    assert alone.excess.max() > 7 * hot.field.excess.max()
    assert hot.heat_out == pytest.approx(hot.power_in, rel=1e-8)


def activated(power, scale=20.0, bias=0.05):
    """A site whose power grows as exp((T - T_s) / scale), on a wire of two sites: all in closed form."""
    state = thermal_states.wire(np.zeros(2), 1e-9, bath_temperature=SUBSTRATE)
    state = dataclasses.replace(state, reservoir_mu=np.array([bias, 0.0]), reservoir_temperature=np.full(2, SUBSTRATE))

    def solve(kelvin):
        bath = np.broadcast_to(kelvin, 2).astype(float)
        return dataclasses.replace(state, bath_temperature=bath, power=power * np.exp((bath - SUBSTRATE) / scale))

    return solve


def test_runaway_where_there_is_no_steady_state():
    """P exp(u/s) = G u has a solution up to P = G s / e: below it the colder one is found, above it none."""
    conductance, scale = 0.17 * 1e-9, 20.0
    critical = conductance * scale / np.e
    isolated = kd.Thermal(conductivity=0.0, coupling=0.17, substrate_temperature=SUBSTRATE)
    for part in (1e-3, 0.5, 0.9, 0.999):
        hot = kd.self_heating(activated(part * critical, scale), isolated)
        u = hot.field.excess[0]
        assert u < scale  # the stable one
        assert part * critical * np.exp(u / scale) == pytest.approx(conductance * u, rel=3e-5)
    for part in (1.01, 3.0):
        with pytest.raises(kd.RunawayError, match=r"no steady state below 3000 K at a bias of 0\.05 eV") as caught:
            kd.self_heating(activated(part * critical, scale), isolated)
        assert caught.value.bias == 0.05
        assert caught.value.state.bath_temperature.max() > SUBSTRATE


def test_a_coupling_that_falls_with_the_temperature():
    """Sites that do not conduct, and give the substrate no more than 9e-9 W however hot: electrons share out the rest.

    The heat equation alone has no solution for the power at the substrate's temperature.
    """
    def falling(kelvin):
        return 0.002 * (SUBSTRATE / kelvin) ** 3

    weak = kd.Thermal(conductivity=0.0, coupling=falling, substrate_temperature=SUBSTRATE, ends="insulated")
    with pytest.raises(kd.ConvergenceError, match="more power than the conductances carry away"):
        kd.temperature(solver(0.1)(SUBSTRATE), weak)
    hot = kd.self_heating(solver(0.1), weak)
    assert hot.heat_out == pytest.approx(hot.power_in, rel=1e-8)
    assert hot.field.excess.max() > 20


def test_runaway_of_a_wire():
    """At 10 K a small bias leaves the phonons cold, a larger one takes them beyond ten times that, or a limit."""
    weak = kd.Thermal(conductivity=KAPPA, coupling=1e-7, substrate_temperature=10.0)
    small = kd.self_heating(solver(0.02, substrate=10.0, rtol=1e-6), weak)
    assert 0 < small.field.excess.max() < 40
    for options, limit in (({}, 100), ({"hottest": 50.0}, 50)):
        with pytest.raises(kd.RunawayError, match=rf"no steady state below {limit} K at a bias of 0\.16 eV") as caught:
            kd.self_heating(solver(0.4, substrate=10.0, rtol=1e-5), weak, **options)
        assert caught.value.bias == pytest.approx(0.16)


def test_what_does_not_come_to_agree():
    """A solve that is not reproducible."""
    rng = np.random.default_rng(0)

    def solve(kelvin):
        return activated(1e-10 * rng.uniform(0.5, 1.5))(kelvin)

    with pytest.raises(kd.ConvergenceError, match="Bath and phonons came to agree to") as caught:
        kd.self_heating(solve, thermal(0.17))
    assert not isinstance(caught.value, kd.RunawayError)
    assert caught.value.accuracy > 1e-5


KINETIC = kd.kinetic.steady_state(np.ones_like, [kd.Reservoir(0.01, 0.1), kd.Reservoir(-0.01, 0.1)],
                                  kd.PhononBath(0.1, mean_free_path=1.0), velocity=np.ones_like, length=2.0, rtol=1e-2)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ((3, thermal(0.1)), TypeError, "solve must be a function of the temperature, got 3"),
    ((lambda: 3, thermal(0.1)), TypeError, "solve must take one argument, the temperature"),
    ((lambda kelvin: 3, thermal(0.1)), TypeError, "solve must return a SteadyState, .*, got int"),
    ((lambda kelvin: KINETIC, thermal(0.1)), TypeError, "temperature at each site, got KineticState"),
    ((lambda kelvin: dataclasses.replace(activated(0.0)(kelvin), units="model"), thermal(0.1)), ValueError,
     "solve must return a state in SI units"),
    ((lambda kelvin: activated(0.0)(4.2), thermal(0.1)), ValueError, r"it got 300 K at most, .* bath is at 4\.2 K"),
    ((activated(0.0), 4.2), TypeError, "thermal must be a Thermal, got float"),
])
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kd.self_heating(*arguments)
    with pytest.raises(ValueError, match="hottest must be above the substrate's 300 K, got 200"):
        kd.self_heating(activated(0.0), thermal(0.1), hottest=200)
    with pytest.raises(ValueError, match="rtol must lie between 0 and 1"):
        kd.self_heating(activated(0.0), thermal(0.1), rtol=0)
