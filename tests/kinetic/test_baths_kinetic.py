"""Lists of baths in the kinetic theory: closed form, hot electrons, spots; what is refused; pictures."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip import systems
from models import uniform_chain


def flat(energies):
    return np.ones_like(energies)


def resonance(energies):
    return 0.025 ** 2 / ((energies - 0.01) ** 2 + 0.025 ** 2)


def test_kinetic_theory_agrees_with_the_closed_form():
    """Elastic and phonon collisions with constant mean free paths, in wires of twelve relaxation lengths."""
    baths = [kd.ElasticBath(mean_free_path=1.0), kd.PhononBath(0.02, mean_free_path=4.0)]
    relaxation = np.sqrt(0.8 * 4)
    state = kd.kinetic.steady_state(resonance, [kd.Reservoir(0.05, 0.02), kd.Reservoir(-0.05, 0.02)], baths,
                                    velocity=flat, length=12 * relaxation, rtol=1e-4)
    closed = kd.analytic.constant_mean_free_path(resonance, temperature=0.02, drop=kd.voltage_drop(state),
                                                 mean_free_path=4.0, elastic_mean_free_path=1.0)
    near = np.abs(state.x) < 3 * relaxation
    assert state.current[0] == pytest.approx(closed.current, rel=2e-4)
    np.testing.assert_allclose(state.power[near], closed.power(state.x[near]), rtol=0,
                               atol=5e-4 * state.power[near].max())
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10


@pytest.mark.parametrize("baths", [kd.ElectronBath(mean_free_path=1.0), [kd.ElasticBath(mean_free_path=2.0),
                                                                         kd.ElectronBath(mean_free_path=2.0)]])
def test_kinetic_wire_obeys_wiedemann_and_franz_exactly(baths):
    """Where the velocity does not depend on energy, contacts of one mean free path are all that ends add."""
    temperature, bias = 0.02, 0.1
    state = kd.kinetic.steady_state(flat, [kd.Reservoir(bias / 2, temperature), kd.Reservoir(-bias / 2, temperature)],
                                    baths, velocity=flat, length=10, rtol=1e-4)
    xi = (state.x + 11) / 22
    peak = 0.75 / np.pi ** 2 * bias ** 2
    np.testing.assert_allclose(state.electron_temperature ** 2, temperature ** 2 + 4 * peak * xi * (1 - xi), rtol=0,
                               atol=1e-8 * peak)
    assert 2 * np.pi * state.current[0] / bias == pytest.approx(1 / 11, rel=1e-10)
    assert not np.any(state.power)
    assert abs(state.energy_current.sum()) < 1e-12 * state.current[0]


def test_kinetic_theory_with_all_three(tmp_path):
    """Conservation and the second law; without a scatterer the lattice agrees as the mean free paths grow."""
    baths = [kd.ElasticBath(mean_free_path=40.0), kd.ElectronBath(mean_free_path=40.0),
             kd.PhononBath(0.05, mean_free_path=100.0)]
    reservoirs = [kd.Reservoir(-0.95, 0.05), kd.Reservoir(-1.05, 0.05)]
    state = kd.kinetic.steady_state(flat, reservoirs, baths, velocity=lambda e: np.sqrt(np.clip(4 - e ** 2, 0, None)),
                                    length=200, rtol=1e-4, occupation_energies=[-1.0])
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.entropy_production > 0
    assert np.all(state.occupation_plus > state.occupation_minus)
    lattice = kd.steady_state(uniform_chain(400), reservoirs, baths, rtol=1e-4)
    assert lattice.current[0] == pytest.approx(state.current[0], rel=1e-3)
    assert np.interp(100, np.arange(400), lattice.electron_temperature) == pytest.approx(
        np.interp(-99.5, state.x, state.electron_temperature), rel=1e-4)
    state.save(tmp_path / "state.h5")
    np.testing.assert_array_equal(kd.load(tmp_path / "state.h5").electron_mu, state.electron_mu)


@pytest.mark.parametrize(("ratio", "position", "size"), [(0, 1.08, -0.90), (3, 1.21, -0.49)])
def test_kinetic_spots_drift_outward_with_elastic_scattering(ratio, position, size):
    """The table of design.md section 9, for the dot's own transmission; see the same on the lattice."""
    mu, phonons = -1.7, 100.0 * (1 + ratio)
    velocity, relaxation = np.sqrt(4 - mu ** 2), np.sqrt(100.0 * phonons)
    coupling = np.sqrt(0.075 / velocity)
    dot = systems.chain.resonant_dot(length=1, coupling=coupling, level=mu * (1 - coupling ** 2)).finalized()
    baths = [kd.PhononBath(0.06, rate=velocity / phonons)]
    if ratio:
        baths.append(kd.ElasticBath(rate=velocity / phonons * ratio))
    response = kd.kinetic.linear_response(kd.kinetic.from_kwant(dot), baths, mu=mu, length=8 * relaxation, rtol=1e-3)
    right = response.x > 0
    x, power = response.x[right] / relaxation, response.power1[right]
    near = (x > 0.6) & (x < 2.0)
    curve = np.polynomial.Polynomial.fit(x[near], power[near] / power[0], 7)
    at = np.linspace(0.7, 1.9, 1201)
    spot = np.argmin(curve(at))
    assert at[spot] == pytest.approx(position, abs=0.03)
    assert curve(at[spot]) == pytest.approx(size, abs=0.01)


def test_kinetic_theory_names_what_it_cannot():
    reservoirs = [kd.Reservoir(0.1, 0.1), kd.Reservoir(0.0, 0.1)]
    options = {"velocity": flat, "length": 1.0}
    electrons = [kd.ElectronBath(rate=0.1)]
    with pytest.raises(ValueError, match="At temperature 0 electrons with a temperature of their own"):
        kd.kinetic.linear_response(flat, electrons, mu=0.0, temperature=0, **options)
    with pytest.raises(ValueError, match="Neutrality in the kinetic theory takes a PhononBath alone"):
        kd.kinetic.steady_state(flat, reservoirs, electrons, electrostatics=kd.Neutrality(), **options)
    with pytest.raises(ValueError, match="takes baths with one number"):
        kd.kinetic.steady_state(flat, reservoirs, kd.ElasticBath(rate=[0.1, 0.2]), **options)
    with pytest.raises(ValueError, match="needs a bath"):
        kd.kinetic.steady_state(flat, reservoirs, None, **options)


@pytest.mark.parametrize("kinetic", [False, True])
def test_voltage_drop_and_pictures(kinetic):
    """Mu is that of the electrons where there are no phonons; elastic collisions alone make none."""
    reservoirs = [kd.Reservoir(0.05, 0.05), kd.Reservoir(-0.05, 0.05)]
    syst = systems.chain.barrier(length=40, height=0.8).finalized()

    def solve(kind):
        if kinetic:
            return kd.kinetic.steady_state(resonance, reservoirs, kind(rate=0.1), velocity=flat, length=40, rtol=1e-3)
        return kd.steady_state(syst, reservoirs, kind(rate=lambda site: 0.1 * systems.chain.in_wires(site)))

    state = solve(kd.ElectronBath)
    assert 0 < kd.voltage_drop(state) < 0.1
    assert state.plot().axes
    assert kd.heat_spots(state) == []
    with pytest.raises(ValueError, match="no chemical potential: elastic collisions do not make one"):
        kd.voltage_drop(solve(kd.ElasticBath))
