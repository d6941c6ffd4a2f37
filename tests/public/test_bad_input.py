"""Every wrong argument is named at once."""

import kwant
import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain
from models import chain as random_chain
from models import uniform_chain

RESERVOIRS = [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1)]
BATH = kd.PhononBath(0.1, rate=0.1)


def broken(*_):
    raise LookupError("no such place")


@pytest.mark.parametrize(("call", "argument"), [
    (lambda: kd.steady_state(uniform_chain(3), RESERVOIRS, kd.PhononBath(0.1, rate=broken)), "rate"),
    (lambda: kd.steady_state(uniform_chain(3), RESERVOIRS, kd.PhononBath(0.1, mean_free_path=broken)),
     "mean_free_path"),
    (lambda: kd.steady_state(uniform_chain(3), RESERVOIRS, kd.PhononBath(broken, rate=0.1)), "temperature"),
    (lambda: kd.steady_state(uniform_chain(3), RESERVOIRS, BATH, electrostatics=kd.CoulombKernel(broken)), "kernel"),
    (lambda: kd.kinetic.steady_state(broken, RESERVOIRS, BATH, velocity=np.ones_like, length=1.0), "transmission"),
    (lambda: kd.kinetic.steady_state(np.ones_like, RESERVOIRS, BATH, velocity=broken, length=1.0), "velocity"),
    (lambda: kd.analytic.landauer_heat(broken, RESERVOIRS), "transmission"),
])
def test_errors_in_a_users_function_say_which(call, argument):
    message = rf"given as .*{argument}, broken, raised LookupError: no such place"
    with pytest.raises(kwant.UserCodeError, match=message) as raised:
        call()
    assert isinstance(raised.value.__cause__, LookupError)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: kd.Reservoir(np.nan, 0.1), ValueError, "mu must be a finite number"),
    (lambda: kd.Reservoir("a", 0.1), ValueError, "mu must be a finite number"),
    (lambda: kd.Reservoir(0.0, -0.1), ValueError, "temperature must be a positive"),
    (lambda: kd.Reservoir(0.0, 0.0), ValueError, "temperature must be a positive"),
    (lambda: kd.Reservoir(0.0, np.inf), ValueError, "temperature must be a finite"),
    (lambda: kd.Reservoir(0.0, 0.1, potential=np.inf), ValueError, "potential must be a finite"),
    (lambda: kd.PhononBath(-1.0, rate=0.1), ValueError, "temperature must be a positive"),
    (lambda: kd.PhononBath(0.1), ValueError, "exactly one of rate and mean_free_path"),
    (lambda: kd.PhononBath(0.1, rate=0.1, mean_free_path=3), ValueError, "exactly one of rate and mean_free_path"),
    (lambda: kd.PhononBath(0.1, rate=-0.1), ValueError, "rate must be finite and not negative"),
    (lambda: kd.PhononBath(0.1, rate=np.nan), ValueError, "rate must be finite and not negative"),
    (lambda: kd.PhononBath(0.1, mean_free_path=0.0), ValueError, "mean_free_path must be positive"),
    (lambda: kd.PhononBath(0.1, mean_free_path=np.nan), ValueError, "mean_free_path must be positive"),
    (lambda: kd.PhononBath(0.1, rate=0.1, lead=0), ValueError, "a rate needs none"),
    (lambda: kd.Reservoir(0.0, True), ValueError, "got True"),
    (lambda: kd.PhononBath(True, rate=0.1), ValueError, "got True"),
    (lambda: kd.PhononBath(0.1, rate=True), ValueError, "rate must be a number, one for each site, .* got True"),
    (lambda: kd.PhononBath(0.1, rate=np.complex64(0.1)), ValueError, "rate must be a number, .* got np.complex64"),
])
def test_surroundings(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"syst": chain.barrier(length=3)}, TypeError, "not finalized"),
    ({"syst": 3}, TypeError, "must be a finalized kwant system"),
    ({"reservoirs": RESERVOIRS[:1]}, ValueError, "syst has 2 leads, got 1"),
    ({"reservoirs": [1, 2]}, TypeError, r"reservoirs\[0\] must be a Reservoir"),
    ({"reservoirs": [kd.Reservoir(-4.5, 0.1), kd.Reservoir(-3.5, 0.1)]}, ValueError, "Lead 0 has no open modes"),
    ({"reservoirs": RESERVOIRS[0]}, TypeError, "got a single Reservoir"),
    ({"bath": 0.05}, TypeError, "bath must be a PhononBath, .* got float"),
    ({"bath": kd.PhononBath(0.1, rate=lambda site: None)}, ValueError, "returned None for"),
    ({"reservoirs": [RESERVOIRS[0], kd.Reservoir(-1.0, 0.1, potential=4.0)]}, ValueError, "Lead 1 has no open modes"),
    ({"bath": kd.PhononBath(0.1, rate=0.0)}, ValueError, "reaches no site"),
    ({"bath": kd.PhononBath(0.1, mean_free_path=np.inf)}, ValueError, "reaches no site"),
    ({"bath": kd.PhononBath(0.1, rate=[0.1, 0.2])}, ValueError, "each of the 5 sites"),
    ({"bath": kd.PhononBath(0.1, rate=[0.1, 0.2, -0.1, 0, 0])}, ValueError, "-0.1.* at site number 2"),
    ({"bath": kd.PhononBath([0.1, 0.1, 0, 0.1, 0.1], rate=0.1)}, ValueError, "at site number 2"),
    ({"bath": kd.PhononBath(0.1, rate=lambda site: 1j)}, ValueError, "real numbers"),
    ({"bath": kd.PhononBath(0.1, mean_free_path=5.0, lead=2)}, ValueError, "lead's number, 0 to 1"),
    ({"method": "fast"}, ValueError, "method must be"),
    ({"reservoirs": [kd.Reservoir(None, 0.1)] * 2}, ValueError, "at least one must have a mu"),
    ({"rtol": 0}, ValueError, "rtol must lie between"),
    ({"rtol": np.nan}, ValueError, "rtol must lie between"),
    ({"reservoirs": None}, TypeError, "one Reservoir per lead, got None"),
    ({"reservoirs": 3}, TypeError, "one Reservoir per lead, got 3"),
    ({"params": 3}, TypeError, "params must be a dict"),
    ({"electrostatics": kd.CoulombKernel(-np.eye(5))}, ValueError, "CoulombKernel attracts"),
    ({"electrostatics": kd.CoulombKernel(lambda a: 1)}, kwant.UserCodeError, "given as kernel, .* takes 1 positional"),
    ({"bath": kd.PhononBath(0.1, rate=lambda: 1)}, kwant.UserCodeError, r"rate, .* TypeError: .*at site \(0,\)"),
    ({"bath": kd.PhononBath(0.1, rate=lambda site: 1 / 0)}, kwant.UserCodeError, "rate, .* raised ZeroDivision"),
    ({"bath": kd.PhononBath(0.1, rate=1e-310)}, ValueError, r"a rate of 1e-310: it must lie between"),
    ({"bath": kd.PhononBath(0.1, rate=1e300)}, ValueError, r"a rate of 1e\+300: it must lie between"),
    ({"bath": kd.PhononBath(0.1, mean_free_path=1e-300)}, ValueError, r"a rate of 1e\+300: it must lie between"),
    ({"reservoirs": [kd.Reservoir(-1.0, 1e-300)] * 2}, ValueError, "too low to be resolved"),
])
def test_steady_state(arguments, error, message):
    arguments = {"syst": uniform_chain(5), "reservoirs": RESERVOIRS, "bath": BATH, **arguments}
    with pytest.raises(error, match=message):
        kd.steady_state(**arguments)


@pytest.mark.parametrize("where", ["onsite", "lead"])
def test_a_parameter_without_value_is_named(where):
    """Of the system, or of a lead alone; what else there is does no harm."""
    builder = chain.barrier(length=5)
    if where == "onsite":
        builder[next(iter(builder.sites()))] = lambda site, gate: gate
    else:
        part = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
        lattice = kwant.lattice.chain(norbs=1)
        part[lattice(0)], part[lattice.neighbors()] = (lambda site, gate: gate), -1
        builder.attach_lead(part)
    reservoirs = [kd.Reservoir(-1.0, 0.1)] * len(builder.leads)
    for params in (None, {}, {"gates": 0.0}):
        with pytest.raises(TypeError, match="params must have values for gate, which value functions of syst take"):
            kd.steady_state(builder.finalized(), reservoirs, BATH, params=params)
    kd.steady_state(builder.finalized(), reservoirs, BATH, params={"gate": 0.0, "other": 1.0}, rtol=1e-2)


def test_system_without_leads():
    builder = chain.barrier(length=3)
    builder.leads.clear()
    with pytest.raises(ValueError, match="has no leads"):
        kd.steady_state(builder.finalized(), [], BATH)


def test_lead_without_modes():
    builder = chain.barrier(length=3)
    site = min(builder.sites())
    builder.leads[0] = kwant.builder.SelfEnergyLead(lambda energy, args=(), params=None: np.eye(1), [site], ())
    with pytest.raises(ValueError, match="Lead 0 has no open modes"):
        kd.steady_state(builder.finalized(), RESERVOIRS, BATH)


@pytest.mark.parametrize("onsite", [np.nan, np.inf, 0.1j])
def test_hamiltonian_that_is_not_finite_and_hermitian(onsite):
    with pytest.raises(ValueError, match=r"not finite|not Hermitian"):
        kd.steady_state(random_chain([0.0, onsite, 0.0], [-1.0, -1.0]), RESERVOIRS, BATH)


def test_errors_carry_what_was_reached(monkeypatch):
    """A grid that may not grow enough says against what it measured, where, and keeps the best state so far."""
    monkeypatch.setattr("kwant_dissip.balance.energy_grid._MAX_PANELS", 12)
    syst = chain.resonant_dot(length=5, coupling=0.02, level=-1.0).finalized()
    bath = kd.PhononBath(0.1, rate=lambda site: 0.1 if chain.in_wires(site) else 0.0)
    with pytest.raises(kd.ConvergenceError, match="measured against") as caught:
        kd.steady_state(syst, RESERVOIRS, bath)
    error = caught.value
    assert error.accuracy > 1e-6
    assert error.energies.shape[1] == 2
    assert np.abs(error.energies.mean(axis=1) + 1).min() < 0.1  # the level
    assert isinstance(error.state, kd.SteadyState)
    assert error.state.error == pytest.approx(error.accuracy, rel=1e-6)
    monkeypatch.undo()
    monkeypatch.setattr("kwant_dissip.balance.newton._CHORDS", 0)
    monkeypatch.setattr("kwant_dissip.balance.particles._NEWTON_STEPS", 0)
    with pytest.raises(kd.ConvergenceError) as caught:
        kd.steady_state(uniform_chain(5), [kd.Reservoir(-0.5, 0.05), kd.Reservoir(-1.5, 0.05)], BATH)
    assert caught.value.state.power.shape == (5,)
    with pytest.raises(kd.ConvergenceError) as caught:
        kd.kinetic.steady_state(lambda e: 0.5 + 0 * e, RESERVOIRS, BATH, velocity=np.ones_like, length=3.0)
    assert isinstance(caught.value.state, kd.kinetic.KineticState)


def test_resonance_beyond_reach_is_reported(monkeypatch):
    """A grid that may not grow enough says what it reached."""
    monkeypatch.setattr("kwant_dissip.balance.energy_grid._MAX_PANELS", 12)
    syst = chain.resonant_dot(length=5, coupling=0.02, level=-1.0).finalized()
    bath = kd.PhononBath(0.1, rate=lambda site: 0.1 if chain.in_wires(site) else 0.0)
    with pytest.raises(kd.ConvergenceError, match="reached a relative error of"):
        kd.steady_state(syst, RESERVOIRS, bath)


def test_newton_that_does_not_converge_is_reported(monkeypatch):
    monkeypatch.setattr("kwant_dissip.balance.newton._CHORDS", 0)
    monkeypatch.setattr("kwant_dissip.balance.particles._NEWTON_STEPS", 0)
    with pytest.raises(kd.ConvergenceError, match="Newton's method did not"):
        kd.steady_state(uniform_chain(5), [kd.Reservoir(-0.5, 0.05), kd.Reservoir(-1.5, 0.05)], BATH)


def test_probe_without_states_is_reported():
    """A mean free path measured with a lead whose band lies above the other lead's mu: mu lies where states begin.

    It is found from above; at a temperature too low for that the sites are named.
    """
    syst = random_chain([0.0] * 4, [-1.0] * 3, lead_onsite=(0.0, 3.0))

    def solve(temperature):
        return kd.steady_state(syst, [kd.Reservoir(-1.0, temperature), kd.Reservoir(1.2, temperature)],
                               kd.PhononBath(temperature, mean_free_path=5.0, lead=1))
    state = solve(0.01)
    assert np.all((state.mu > 1.0) & (state.mu < 1.2))
    assert abs(state.particle_residual) < 1e-12
    assert abs(state.energy_residual) < 1e-12
    with pytest.raises(kd.ConvergenceError, match="no states in the thermal window"):
        solve(0.001)
