"""Kinetic theory against closed forms, the lattice, limits, and itself."""

import dataclasses
import math

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import ive

import kwant_dissip as kd
from kwant_dissip import analytic, kinetic
from kwant_dissip.figures import figure2
from kwant_dissip.kinetic import cells
from kwant_dissip.model.lattice import read
from kwant_dissip.numerics import gauss
from kwant_dissip.propagators.kwant_solver import KwantGeometry
from kwant_dissip.systems import chain
from models import floats


def lorentzian(width, level):
    return lambda energy: (0.5 * width) ** 2 / ((energy - level) ** 2 + (0.5 * width) ** 2)


def parabolic(energy):
    """Velocity of a band with its bottom at -1 and mass 1."""
    return np.sqrt(np.clip(2 * (energy + 1), 0, None))


def biased(bias, temperature):
    return [kd.Reservoir(0.5 * bias, temperature), kd.Reservoir(-0.5 * bias, temperature)]


@given(floats(1e-9, 1e3))
def test_moments_are_spherical_bessel_functions(thickness):
    k = np.arange(2 * gauss.ORDER)
    expected = (-1.0) ** k * np.sqrt(np.pi / thickness) * ive(k + 0.5, 0.5 * thickness)
    np.testing.assert_allclose(cells.moments(np.array([thickness]))[:, 0], expected, rtol=0, atol=1e-13)


@given(floats(1e-6, 100))
def test_cell_keeps_particles_and_equilibrium(thickness):
    a, b, e, m = cells.transfer(np.array([thickness]))
    assert a[0] == pytest.approx(np.exp(-thickness), abs=1e-12)
    # All sources full: all streams full
    np.testing.assert_allclose(a + b.sum(axis=0), 1, atol=1e-11)
    np.testing.assert_allclose(e + m.sum(axis=1), 1, atol=1e-10)


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_constant_mean_free_path_is_the_closed_form(rtol):
    """Wires of 40 l, compared within 20 l; drop = bias - J (1 + L/l)."""
    transmission, temperature, bias, length = lorentzian(0.05, 0.05), 0.03, 0.5, 40.0
    state = kinetic.steady_state(transmission, biased(bias, temperature), kd.PhononBath(temperature, mean_free_path=1),
                                 velocity=np.ones_like, length=length, rtol=rtol)
    drop = bias - 2 * np.pi * state.current[0] * (1 + length)
    exact = analytic.constant_mean_free_path(transmission, temperature=temperature, drop=drop, mean_free_path=1)
    near = np.abs(state.x) < 20
    assert state.error <= rtol
    assert state.current[0] == pytest.approx(exact.current, rel=rtol)
    assert np.abs(state.power - exact.power(state.x))[near].max() <= rtol * np.abs(state.power).max()
    np.testing.assert_allclose(state.mu[near], exact.mu(state.x[near]), rtol=0, atol=rtol * bias)


@pytest.mark.parametrize(("width", "level", "temperature", "position", "size"), [
    (0.5, 0.0, 0.05, 0.66, 1.54), (0.5, 0.0, 0.1, 0.62, 1.60), (0.5, 0.0, 0.2, 0.42, 1.25), (0.5, 0.0, 0.4, None, None),
    (0.1, 0.1, 0.05, None, None), (0.1, 0.1, 0.2, 2.30, -0.06), (0.1, 0.1, 0.4, 0.62, 1.91),
    (0.1, -0.1, 0.05, None, None), (0.1, -0.1, 0.1, None, None), (0.1, -0.1, 0.2, None, None),
    (0.1, -0.1, 0.4, None, None)])
def test_table_of_spots(width, level, temperature, position, size):
    """design.md section 4: energy-independent rate, parabolic band, wires of 8 l, the last 3 l left out."""
    response = kinetic.linear_response(lorentzian(width, level), kd.PhononBath(temperature, rate=np.sqrt(2.0)), mu=0.0,
                                       velocity=parabolic, length=8.0, rtol=1e-5)
    right = response.x > 0
    x, power = response.x[right], response.power1[right]
    inner = x < 5
    interior = np.flatnonzero(np.diff(np.sign(np.diff(power[inner])))) + 1
    if position is None:
        assert len(interior) == 0
    else:
        assert len(interior) == 1
        # Nodes are coarser than the tolerance: the vertex of the parabola through three of them
        at = slice(interior[0] - 1, interior[0] + 2)
        curve = np.polyfit(x[at], power[at], 2)
        assert -0.5 * curve[1] / curve[0] == pytest.approx(position, abs=0.06)
        assert power[interior[0]] / power[0] == pytest.approx(size, abs=0.02)
    np.testing.assert_allclose(response.power1[~right][::-1], -power, rtol=0, atol=1e-4 * np.abs(power).max())


@pytest.mark.parametrize(("level", "temperature", "expected"), [
    (-0.3, 0.1, (1.25, 1.15, 1.09, 1.03)), (-0.1, 0.05, (1.056, 1.036, 1.021, 1.008)),
    (0.1, 0.05, (0.948, 0.967, 0.980, 0.993))])
def test_resistivity_near_the_scatterer(level, temperature, expected):
    """design.md section 4: -dmu/dx over its value far away, at x/l = 0.05, 0.5, 1, 2; width 0.1."""
    state = kinetic.steady_state(lorentzian(0.1, level), biased(1e-3, temperature),
                                 kd.PhononBath(temperature, rate=np.sqrt(2.0)), velocity=parabolic, length=8.0,
                                 rtol=1e-5)
    for wire, sign in ((0, -1), (1, 1)):
        heat = kd.local_heat(state)[wire]
        order = np.argsort(sign * heat.x)
        values = np.interp([0.05, 0.5, 1, 2, 5], sign * heat.x[order], heat.resistivity[order])
        np.testing.assert_allclose(values[:4] / values[4], expected, atol=0.004)
        np.testing.assert_allclose(heat.joule + heat.nonlocal_power, heat.power)


@pytest.mark.parametrize("temperature", [0.2, 0.4])
def test_lattice_and_kinetic_theory_agree(temperature):
    """The chain of figure 2: currents to 0.2 %, power (mean over 17 sites) to 3 % of its largest beyond 0.3 l."""
    kbt = temperature * figure2.FERMI_ENERGY
    lattice, state = figure2.lattice_state(temperature, 0.006), figure2.kinetic_state(temperature, 0.006)
    assert lattice.current[0] == pytest.approx(state.current[0], rel=2e-3)
    for wire in (0, 1):
        sites = lattice.sites_of(wire)
        power = np.convolve(lattice.power[sites], np.ones(17) / 17, mode="valid")
        x = lattice.coordinate[sites][8:-8]
        far = np.abs(x) > 0.3 * figure2.MEAN_FREE_PATH
        kinetic_x, kinetic_power = state.interpolate(state.power, wire)
        expected = np.interp(x, kinetic_x, kinetic_power)
        assert np.abs(power - expected)[far].max() <= 0.03 * np.abs(expected[far]).max()
    assert kbt > 5 * figure2.VELOCITY / figure2.MEAN_FREE_PATH  # where kinetic theory holds


@pytest.mark.parametrize(("length", "ratio"), [(30, 0.952), (60, 0.968), (120, 0.981), (240, 0.990)])
def test_interference_falls_as_one_over_the_mean_free_path(length, ratio):
    """J_lattice / J_closed of design.md section 4: the closed form at the mu extrapolated from 3 l to 5 l."""
    mu, temperature, bias = -1.0, 0.04, 0.2
    velocity = np.sqrt(4 - mu ** 2)
    coupling = np.sqrt(0.06 / (2 * velocity))
    level = (mu + 0.03) * (1 - coupling ** 2)
    syst = chain.resonant_dot(length=6 * length, coupling=coupling, level=level).finalized()
    bath = kd.PhononBath(temperature, mean_free_path=lambda site: length if chain.in_wires(site) else np.inf)
    state = kd.steady_state(syst, [kd.Reservoir(mu + s * 0.5 * bias, temperature) for s in (1, -1)], bath, rtol=1e-5)
    ends = []
    for wire, sign in ((0, -1), (1, 1)):
        sites = state.sites_of(wire)
        x = sign * state.coordinate[sites] / length
        straight = (x > 3) & (x < 5)
        ends.append(np.polyval(np.polyfit(x[straight], state.mu[sites][straight], 1), 0.0))
    middle = 0.5 * sum(ends)

    def transmission(energy):
        x = energy + middle
        width = coupling ** 2 * np.sqrt(np.clip(4 - x ** 2, 0, None))
        return width ** 2 / ((x - level - coupling ** 2 * x) ** 2 + width ** 2 + 1e-300)

    closed = analytic.constant_mean_free_path(transmission, temperature=temperature, drop=ends[0] - ends[1],
                                              mean_free_path=length)
    assert state.current[0] / closed.current == pytest.approx(ratio, abs=0.004)


@pytest.mark.parametrize("bath", [{"rate": 0.1}, {"mean_free_path": 20.0}])
def test_long_wires_take_few_cells(bath):
    """Each length adds the same resistance; what is far from both ends takes wide cells."""
    def solve(length):
        state = kinetic.steady_state(lorentzian(0.1, 0.1), biased(0.01, 0.2), kd.PhononBath(0.2, **bath),
                                     velocity=parabolic, length=length)
        return len(state.x), 0.01 / (2 * np.pi * state.current[0])

    (_, short), (_, middle), (nodes, long) = solve(2e3), solve(1e4), solve(1e5)
    assert nodes < 2000  # cells of one relaxation length would have 40,000
    assert long == pytest.approx(middle + (middle - short) / 8e3 * 9e4, rel=3e-8)


def test_long_mean_free_path_is_landauer():
    """1e4 times the wires: the heat carried into the reservoirs."""
    transmission, reservoirs = lorentzian(0.3, 0.1), biased(0.2, 0.1)
    state = kinetic.steady_state(transmission, reservoirs, kd.PhononBath(0.1, mean_free_path=1e4),
                                 velocity=np.ones_like, length=1.0)
    heat = analytic.landauer_heat(transmission, reservoirs)
    carried = -(state.energy_current - state.reservoir_mu * state.current)
    np.testing.assert_allclose(carried, [heat.heat_left, heat.heat_right], rtol=1e-3)
    assert state.current[0] == pytest.approx(heat.current, rel=1e-3)


@settings(max_examples=10)
@given(floats(0.05, 0.5), floats(-0.3, 0.3), floats(0.05, 0.3), floats(0.05, 0.3), floats(-0.5, 0.5), floats(0.3, 3))
def test_conservation(width, level, hot, cold, bias, rate):
    state = kinetic.steady_state(
        lorentzian(width, level), [kd.Reservoir(0.5 * bias, hot), kd.Reservoir(-0.5 * bias, cold)],
        kd.PhononBath(0.1, rate=rate), velocity=(parabolic, lambda e: 0.5 * parabolic(e)), length=(3.0, 5.0), rtol=1e-3)
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.entropy_production >= -1e-12


def test_linear_response_is_the_small_bias_limit():
    bath, bias = kd.PhononBath(0.2, rate=1.0), 1e-3
    arguments = {"velocity": parabolic, "length": 4.0, "rtol": 1e-6}
    response = kinetic.linear_response(lorentzian(0.5, 0.1), bath, mu=0.0, **arguments)
    forward, backward = (kinetic.steady_state(lorentzian(0.5, 0.1), biased(s * bias, 0.2), bath, **arguments)
                         for s in (1, -1))
    x = np.linspace(0.1, 3.9, 50)
    odd, even = [], []
    for sign in (-1, 1):
        values = [np.interp(sign * x, state.x, state.power) for state in (forward, backward)]
        odd.append((values[0] - values[1]) / (2 * bias))
        even.append((values[0] + values[1]) / (2 * bias ** 2))
    for result, expected in ((odd, response.power1), (even, response.power2)):
        expected = [np.interp(sign * x, response.x, expected) for sign in (-1, 1)]
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-2 * np.abs(expected).max())
    assert forward.current[0] / bias == pytest.approx(response.conductance, rel=1e-5)


def ribbon(width, potential=0.0):
    """A short ribbon of uncoupled or coupled chains with a step in the middle."""
    lattice = kwant.lattice.square(norbs=1)
    builder = kwant.Builder()
    builder[(lattice(x, y) for x in range(3) for y in range(width))] = lambda site: potential * (site.tag[0] == 1)
    builder[lattice.neighbors()] = -1
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in range(width))] = 0
    lead[lattice.neighbors()] = -1
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder


@pytest.mark.parametrize("bath", [kd.PhononBath(0.05, rate=0.05), kd.PhononBath(0.05, mean_free_path=20.0)])
def test_ribbon_of_four_modes_conserves(bath):
    builder = ribbon(4, potential=0.7)
    site = sorted(builder.sites())[5]
    builder[site] = 1.5  # mixes the modes
    state = kinetic.steady_state(kinetic.from_kwant(builder.finalized()),
                                 [kd.Reservoir(-0.2, 0.05), kd.Reservoir(-0.4, 0.05)], bath, length=60.0, rtol=1e-3)
    current, bias = abs(state.current[0]), 0.2
    assert abs(state.current.sum()) < 1e-10 * current
    assert abs(state.energy_current.sum() - (state.power * state.node_width).sum()) < 1e-10 * current * bias
    assert state.entropy_production > 0


def test_modes_alike_and_unmixed_are_one_mode():
    """Three chains without hopping between them: three times the current and power of one."""
    builder = ribbon(3, potential=0.7)
    lead = builder.leads[0].builder
    for system in (builder, lead, builder.leads[1].builder):
        for a, b in list(system.hoppings()):
            if a.tag[1] != b.tag[1]:
                del system[a, b]
    reservoirs, bath = [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], kd.PhononBath(0.05, rate=0.05)
    three = kinetic.steady_state(kinetic.from_kwant(builder.finalized()), reservoirs, bath, length=60.0, rtol=1e-5)
    one = kinetic.steady_state(kinetic.from_kwant(ribbon(1, potential=0.7).finalized()), reservoirs, bath, length=60.0,
                               rtol=1e-5)
    np.testing.assert_allclose(three.current, 3 * one.current, rtol=1e-9)
    np.testing.assert_allclose(three.power, 3 * one.power, rtol=0, atol=1e-8 * np.abs(three.power).max())
    np.testing.assert_allclose(three.mu, one.mu, atol=1e-9)


def test_from_kwant_is_the_plain_function():
    coupling, level = 0.4, -0.84
    scatterer = kinetic.from_kwant(chain.resonant_dot(length=1, coupling=coupling, level=level).finalized())

    def velocity(energy):
        return np.sqrt(np.clip(4 - energy ** 2, 0, None))

    def transmission(energy):
        width = coupling ** 2 * velocity(energy)
        return width ** 2 / ((energy - level - coupling ** 2 * energy) ** 2 + width ** 2 + 1e-300)

    energies = np.linspace(-1.9, 1.9, 9)
    np.testing.assert_allclose(scatterer.transmission(energies), transmission(energies), rtol=1e-9)
    reservoirs, bath = [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], kd.PhononBath(0.05, mean_free_path=30.0)
    one = kinetic.steady_state(scatterer, reservoirs, bath, length=90.0, rtol=1e-4)
    other = kinetic.steady_state(transmission, reservoirs, bath, velocity=velocity, length=90.0, rtol=1e-4)
    np.testing.assert_allclose(one.power, other.power, rtol=0, atol=1e-8 * np.abs(one.power).max())


@pytest.mark.parametrize(("rate", "length", "accuracy"), [(0.02, 100, 4e-3), (0.005, 400, 1e-3)])
def test_barrier_on_the_lattice_and_in_kinetic_theory(rate, length, accuracy):
    """k_B T = 5 and 20 rates; the correction to the current falls as 1/l. A table of energies lands on the edge -2."""
    temperature = 0.1
    reservoirs = [kd.Reservoir(-0.95, temperature), kd.Reservoir(-1.05, temperature)]
    state = kinetic.steady_state(kinetic.from_kwant(chain.barrier(length=1, height=0.8).finalized()), reservoirs,
                                 kd.PhononBath(temperature, rate=rate), length=length, rtol=1e-3)
    lattice = kd.steady_state(chain.barrier(length=length, height=0.8).finalized(), reservoirs,
                              kd.PhononBath(temperature, rate=lambda site: rate * chain.in_wires(site)), rtol=1e-4)
    assert lattice.current[0] == pytest.approx(state.current[0], rel=accuracy)
    for wire in (0, 1):
        curves = lattice.along(wire)
        far = np.abs(curves.x) > 10
        for values, found, scale in ((state.power, curves.power, 0.02 * state.power.max()),
                                     (state.mu, curves.mu, 1e-3 * 0.1)):
            expected = np.interp(curves.x, *state.interpolate(values, wire))
            np.testing.assert_allclose(found[far], expected[far], rtol=0, atol=scale)


@pytest.mark.parametrize("edge", [-2.0, 2.0])
def test_scatterer_at_a_band_edge(edge):
    """No modes are defined there; beside it the chain reflects everything, at the velocity 0."""
    scatterer = kinetic.from_kwant(chain.barrier(length=1, height=0.8).finalized())
    probabilities, *velocities = scatterer.at(np.array([edge]))
    assert np.abs(probabilities[0, 0, 1]) < 1e-6
    assert max(np.abs(v).max() for v in velocities) < 1e-3
    syst = chain.barrier(length=2, height=0.8).finalized()
    lead = KwantGeometry(read(syst)).lead(0, edge)
    np.testing.assert_allclose(lead.selfenergy(), 0.5 * edge, atol=1e-3)


def test_occupations():
    """Between 0 and 1; equal to the reservoir's where streams enter; matched at the scatterer."""
    energies = np.array([-0.3, 0.0, 0.2])
    transmission = lorentzian(0.5, 0.1)
    state = kinetic.steady_state(transmission, biased(0.3, 0.1), kd.PhononBath(0.1, rate=1.0), velocity=parabolic,
                                 length=4.0, occupation_energies=energies)
    plus, minus = state.occupation_plus, state.occupation_minus
    assert plus.shape == minus.shape == (len(state.x), 3)
    assert np.all((plus > 0) & (plus < 1) & (minus > 0) & (minus < 1))
    np.testing.assert_allclose(plus[0], 1 / (np.exp((energies - 0.15) / 0.1) + 1), atol=2e-3)
    left, right = np.flatnonzero(state.x < 0)[-1], np.flatnonzero(state.x > 0)[0]
    t = transmission(energies)
    np.testing.assert_allclose(plus[right], t * plus[left] + (1 - t) * minus[right], atol=1e-3)
    # p(x) = Int dE/2pi E (gamma/v) (f_+ + f_- - 2 F) vanishes nowhere exactly, but current is the same everywhere
    assert state.current[0] > 0


def test_neutrality():
    """U = mu - mu_eq; conservation; gauge shift of everything; the local resistance changes little at small bias."""
    transmission, bath = lorentzian(0.5, 0.1), kd.PhononBath(0.1, rate=np.sqrt(2.0))
    arguments = {"velocity": parabolic, "length": 4.0, "rtol": 1e-3}
    plain = kinetic.steady_state(transmission, biased(0.1, 0.1), bath, **arguments)
    state = kinetic.steady_state(transmission, biased(0.1, 0.1), bath, electrostatics=kd.Neutrality(), **arguments)
    np.testing.assert_allclose(state.potential, state.mu, atol=1e-3 * 0.1)
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.entropy_production > 0
    assert state.current[0] == pytest.approx(plain.current[0], rel=1e-2)
    assert state.current[0] != pytest.approx(plain.current[0], rel=1e-6)
    assert np.all(plain.potential == 0)
    # A potential at both reservoirs that follows their mu leaves mu_eq, and so everything, as it was.
    shift = [kd.Reservoir(r.mu, r.temperature, potential=v) for r, v in
             zip(biased(0.1, 0.1), (0.02, -0.02), strict=True)]
    other = kinetic.steady_state(transmission, shift, bath, electrostatics=kd.Neutrality(), **arguments)
    np.testing.assert_allclose(other.power, state.power, rtol=0, atol=1e-9 * np.abs(state.power).max())


def test_units_and_files(tmp_path):
    state = kinetic.steady_state(lorentzian(0.5, 0), biased(0.1, 0.1), kd.PhononBath(0.1, rate=1.0), velocity=parabolic,
                                 length=3.0, rtol=1e-3, occupation_energies=[0.0])
    state.save(tmp_path / "kinetic.h5")
    loaded = kd.load(tmp_path / "kinetic.h5")
    assert isinstance(loaded, kinetic.KineticState)
    for field in dataclasses.fields(state):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(state, field.name))
    si = state.to_si(0.1, 1e-9)
    assert si.energy_residual == pytest.approx(state.energy_residual, abs=1e-10)
    assert "W/m)" in state.to_si(0.1, 1e-9).plot().axes[0].get_ylabel()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"transmission": lambda e: 2 + 0 * e}, "between 0 and 1"), ({"velocity": lambda e: -1 + 0 * e}, "velocity"),
    ({"velocity": None}, "functions of an array"), ({"velocity": lambda e: 0 * e}, "no open modes"),
    ({"length": -1.0}, "length must be"), ({"length": (1, 2, 3)}, "length must be"), ({"rtol": 2}, "rtol"),
    ({"length": (2.0, 1e9)}, "at most 100000 relaxation lengths of the electrons, .* got 1000000000.0"),
    ({"bath": kd.PhononBath(0.1, rate=lambda site: 0.1)}, "one number"),
    ({"bath": kd.PhononBath(0.1, rate=0)}, "reach"), ({"bath": kd.PhononBath(0.1, mean_free_path=np.inf)}, "reach"),
    ({"reservoirs": biased(0.1, 0.1)[:1]}, "two Reservoir"), ({"electrostatics": 3}, "Neutrality"),
    ({"electrostatics": kd.Neutrality(), "bath": kd.PhononBath(0.1, mean_free_path=1.0)}, "needs a PhononBath with a"),
    ({"velocity": lambda e: np.inf + 0 * e}, r"velocity\(E\) must be finite .*, got inf at E="),
    ({"transmission": lambda e: 0.5j + 0 * e}, r"transmission\(E\) must return one real number .* complex128"),
    ({"transmission": lambda e: np.ones(3)}, r"transmission\(E\) must return one real number .* shape \(3,\)"),
    ({"transmission": lambda e: 0.5 if e > 0 else 1.0}, r"transmission\(E\) failed for an array"),
    ({"velocity": lambda e: math.sqrt(e)}, r"velocity\(E\) failed for an array"),
    ({"velocity": lambda e: "fast"}, r"velocity\(E\) must return one real number"),
    ({"transmission": lambda e, t: t}, r"transmission\(E\) failed .* missing 1 required"),
    ({"occupation_energies": [np.nan]}, "occupation_energies"), ({"occupation_energies": ["a"]}, "occupation_energies"),
    ({"occupation_energies": 1j}, "occupation_energies")])
def test_bad_arguments(arguments, message, monkeypatch):
    """Named before anything is solved."""
    monkeypatch.setattr(kinetic.problem.Balance, "solve", None)
    arguments = {"transmission": lorentzian(0.5, 0), "reservoirs": biased(0.1, 0.1), "length": 2.0,
                 "bath": kd.PhononBath(0.1, rate=1.0), "velocity": parabolic, "rtol": 1e-2, **arguments}
    with pytest.raises(ValueError, match=message):
        kinetic.steady_state(arguments.pop("transmission"), arguments.pop("reservoirs"), arguments.pop("bath"),
                             **arguments)


@pytest.mark.parametrize(("temperature", "spots"), [(0.1, True), (0.2, True), (0.4, False)])
def test_spots_at_the_same_drop(temperature, spots):
    """A Lorentzian of width 0.5 E_F at E_F, drop 0.002 E_F, wires of 8 l: spots below k_B T = 0.4 E_F only."""
    def solve(bias):
        reservoirs = [kd.Reservoir(0.5 * sign * bias, temperature) for sign in (1, -1)]
        return kinetic.steady_state(lorentzian(0.5, 0.0), reservoirs, kd.PhononBath(temperature, rate=np.sqrt(2.0)),
                                    velocity=lambda energy: np.sqrt(np.clip(2 * (energy + 1), 0, None)), length=8.0)
    state = kd.at_voltage_drop(0.002, solve)
    near = [spot.kind for spot in kd.heat_spots(state) if not spot.is_end and 0.1 < abs(spot.position) < 5]
    assert sorted(near) == (["cold", "heat"] if spots else [])
