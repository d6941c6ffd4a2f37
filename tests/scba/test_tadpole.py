"""The static shift of levels by phonons that electrons displace: brute force, conservation, limits."""

import numpy as np
import pytest

import dense_born
import kwant_dissip as kd
from born_models import T, barrier, on_grid, with_hamiltonian
from dense_born import UniformGrid
from kwant_dissip.model.phonons import Mode
from models import chain

ENERGY, COUPLING = 0.2, 0.03
PHONONS = kd.OpticalPhonons(ENERGY, COUPLING, T, tadpole=True)


@pytest.mark.parametrize(("sites", "orbitals", "each_orbital", "level_shift"), [
    (5, 1, False, True), (4, 1, False, False), (3, 2, False, True), (3, 2, True, True)])
def test_against_brute_force(sites, orbitals, each_orbital, level_shift):
    """One or two orbitals a site, two modes which both displace, a bias: everything, and the shift itself."""
    rng = np.random.default_rng(7)
    size = sites * orbitals
    site = np.repeat(np.arange(sites), orbitals)
    matrix = rng.normal(size=(size, size))
    hamiltonian = 0.2 * (matrix + matrix.T) * (np.abs(site[:, None] - site) <= 1) - np.eye(size, k=orbitals) - np.eye(
        size, k=-orbitals)
    grid = UniformGrid(-3.0, 0.2, 30, 1)
    row = np.arange(size) if each_orbital else site
    rows = row.max() + 1
    modes = [Mode(0.2 * steps, rng.uniform(0.005, 0.03, size=rows), rng.uniform(0.1, 0.4, size=rows), level_shift, True)
             for steps in (1, 3)]
    baths = [(-0.4, 0.2), (-0.9, 0.35)]
    found = on_grid(with_hamiltonian(hamiltonian, orbitals), baths, modes, np.zeros(rows), level_shift, grid,
                    each_orbital=each_orbital)
    ends = [row[site == end] for end in (0, sites - 1)]
    expected = dense_born.solve(hamiltonian, [(end, *bath) for end, bath in zip(ends, baths, strict=True)],
                                [(round(mode.energy / 0.2), mode.coupling, mode.quanta) for mode in modes],
                                np.zeros(rows), grid, level_shift, row, mixed=0.5, tadpole=True)
    assert np.abs(expected["tadpole"]).max() > 1e-2
    for name in ("power", "density", "states", "current", "energy_current", "tadpole"):
        scale = max(np.abs(expected[name]).max(), 1e-3)
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("baths", [
    [PHONONS], [kd.OpticalPhonons(ENERGY, COUPLING, T, tadpole=True, level_shift=False)],
    [PHONONS, kd.PhononBath(T, rate=0.05), kd.ElasticBath(rate=[0.0, 0.0, 0.1, 0.1, 0.0, 0.0])]],
    ids=["alone", "no level shift", "beside probes"])
def test_conservation_and_the_shift(baths, tmp_path):
    """Particles, energy, the second law; the shift is that of the density."""
    state = barrier(-1.0, -1.4, baths)
    assert state.error <= state.rtol
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert state.bond_current[0] == pytest.approx(state.current[0], rel=1e-9)
    assert state.entropy_production > 0
    np.testing.assert_allclose(state.tadpole, -2 * COUPLING / ENERGY * state.density, rtol=0, atol=1e-8)
    assert not state.potential.any()
    same = kd.OpticalPhonons(ENERGY, COUPLING, T, level_shift=baths[0].level_shift)
    without = barrier(-1.0, -1.4, [same, *baths[1:]])
    assert without.tadpole is None
    assert abs(state.current[0] / without.current[0] - 1) > 5e-3
    state.save(tmp_path / "state.h5")
    np.testing.assert_array_equal(kd.load(tmp_path / "state.h5").tadpole, state.tadpole)


def test_the_shift_as_onsite_energies():
    """A model whose onsite energies hold the shift is the same without tadpole, and a start leads there sooner."""
    state = barrier(-1.0, -1.4, PHONONS)
    shifted = barrier(-1.0, -1.4, kd.OpticalPhonons(ENERGY, COUPLING, T),
                      onsite=np.array([0, 0.1, 0.6, 0.2, 0, 0]) + state.tadpole)
    for name in ("power", "density", "current", "energy_current"):
        scale = np.abs(getattr(state, name)).max()
        np.testing.assert_allclose(getattr(shifted, name), getattr(state, name), rtol=0, atol=2e-6 * scale)
    syst = chain([0, 0.1, 0.6, 0.2, 0, 0], [-1.0] * 5)
    again = kd.steady_state(syst, [kd.Reservoir(-1.0, T), kd.Reservoir(-1.4, T)], PHONONS, start=state)
    np.testing.assert_allclose(again.power, state.power, rtol=0, atol=2e-6 * np.abs(state.power).max())


def test_an_isolated_level_moves_with_its_filling():
    """-2 D n / w between an empty and a full level, far from both; nothing flows in equilibrium."""
    for mu, filling in ((-1.5, 0.0), (1.5, 1.0)):
        syst = chain([0.0, 0.0, 0.0], [-0.15, -0.15])
        state = kd.steady_state(syst, [kd.Reservoir(mu, T)] * 2, kd.OpticalPhonons(
            0.5, [0.0, 0.02, 0.0], T, tadpole=True), rtol=1e-3)
        assert state.tadpole[1] == pytest.approx(-0.08 * filling, abs=4e-3)
        assert state.tadpole[0] == 0
        assert np.abs(state.power).max() < 1e-12


def test_what_does_not_go_together():
    syst, leads = chain([0.0] * 3, [-1.0] * 2), [kd.Reservoir(0.0, T)] * 2
    with pytest.raises(ValueError, match="tadpole=True do not go together with electrostatics"):
        kd.steady_state(syst, leads, PHONONS, electrostatics=kd.Poisson(1.0))
    assert "tadpole=True" in repr(PHONONS)
    assert "tadpole" not in repr(kd.OpticalPhonons(ENERGY, COUPLING, T))
