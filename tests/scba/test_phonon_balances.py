"""Microscopic phonons together with what is found beside them: probes, floating leads, electrostatics."""

import kwant
import numpy as np
import pytest

import kwant_dissip as kd
from models import chain, uniform_chain

T = 0.1
LEADS = [kd.Reservoir(-0.9, T), kd.Reservoir(-1.3, T)]
SYST = chain([0, 0.1, 0.6, 0.2, 0, 0], [-1.0] * 5)


@pytest.mark.parametrize(("law", "baths"), [
    (None, [kd.PhononBath(T, rate=0.05), kd.ElectronBath(rate=0.1)]),
    (kd.Poisson(1.0), [kd.PhononBath(T, rate=[0, 0, 0.05, 0.05, 0.1, 0.1]), kd.ElasticBath(mean_free_path=20)]),
    (kd.Poisson(20.0), [kd.PhononBath(T, rate=0.1)]),
    (kd.Neutrality(), [kd.ElectronBath(rate=0.1)])], ids=lambda value: str(value)[:30])
def test_vanishing_coupling_is_the_solver_of_probes(law, baths):
    """Another program altogether: other energies, unknowns, densities by Matsubara sums."""
    probes = kd.steady_state(SYST, LEADS, baths, electrostatics=law, rtol=1e-6)
    # what is left of the coupling, over the rates
    quanta = kd.OpticalPhonons(0.2, 1e-10, T, level_shift=False)
    state = kd.steady_state(SYST, LEADS, [*baths, quanta], electrostatics=law, rtol=1e-4)
    assert state.error < 1e-4
    flowing = np.abs(probes.energy_current).max()
    for name in ("power", "current", "energy_current", "bond_current"):
        scale = max(np.abs(getattr(probes, name)).max(), 1e-3 * flowing)
        np.testing.assert_allclose(getattr(state, name), getattr(probes, name), rtol=0, atol=1e-6 * scale)
    for name in ("mu", "electron_mu", "electron_temperature", "density", "potential", "reservoir_mu"):
        known = np.isfinite(getattr(probes, name))  # where there is no probe, mu is that of an ideal one
        np.testing.assert_allclose(getattr(state, name)[known], getattr(probes, name)[known], rtol=0, atol=1e-6)
    if law is not None:
        np.testing.assert_allclose(state.density_difference, probes.density_difference, rtol=0, atol=1e-6)
        np.testing.assert_allclose(state.field, probes.field, rtol=0, atol=1e-6)


def crossing():
    """A wire and a lead on top of its middle."""
    lattice = kwant.lattice.square(norbs=1)
    builder = kwant.Builder()
    for i in range(5):
        builder[lattice(i, 0)] = 0.1 * (i % 3)
    builder[lattice.neighbors()] = -1
    for start, direction in (((0, 0), (-1, 0)), ((4, 0), (1, 0)), ((2, 0), (0, 1))):
        lead = kwant.Builder(kwant.TranslationalSymmetry(direction))
        lead[lattice(*start)] = 0
        lead[lattice.neighbors()] = -1
        builder.attach_lead(lead)
    return builder.finalized()


@pytest.mark.parametrize("law", [None, kd.Poisson(2.0)], ids=str)
def test_floating_lead(law):
    """No current flows through it, and a lead that is held at its mu is the same; hotter, it still takes heat."""
    syst = crossing()
    phonons = kd.OpticalPhonons(0.2, 0.03, T, level_shift=False)
    floating = kd.steady_state(syst, [*LEADS, kd.Reservoir(None, 1.5 * T)], phonons, electrostatics=law, rtol=1e-4)
    scale = np.abs(floating.current).max()
    assert abs(floating.current[2]) < 1e-10 * scale
    assert abs(floating.energy_current[2]) > 1e-3 * np.abs(floating.energy_current).max()
    found, middle = floating.reservoir_mu[2], -1.1
    assert -1.3 < found < -0.9
    # with mu - potential alike, mu_eq stays what it was
    leads = [kd.Reservoir(mu, one.temperature, None if law is None else mu - middle)
             for mu, one in zip((-0.9, -1.3, found), (*LEADS, kd.Reservoir(None, 1.5 * T)), strict=True)]
    held = kd.steady_state(syst, leads, phonons, electrostatics=law, rtol=1e-4)
    for name in ("power", "current", "potential"):
        value = getattr(floating, name)
        np.testing.assert_allclose(getattr(held, name), value, rtol=0,
                                   atol=1e-4 * max(np.abs(value).max(), 1e-12))


@pytest.mark.parametrize("level_shift", [True, False])
def test_electrostatics_with_quanta(level_shift):
    """Conservation, the law itself, the second law, gauge and mirror at a finite coupling."""
    law = kd.Poisson(2.0)

    def solve(shift=0.0, mirror=1):
        syst = chain((shift + np.array([0, 0, 0.6, 0.1, 0]))[::mirror], [-1.0] * 4, lead_onsite=(0, 0))
        leads = [kd.Reservoir(mu + shift, T, mu + 1.1 + shift) for mu in (-0.9, -1.3)][::mirror]
        return kd.steady_state(syst, leads, kd.OpticalPhonons(0.2, 0.04, T, level_shift=level_shift),
                               electrostatics=law, rtol=1e-3)

    state = solve()
    scale = np.abs(state.current).max()
    assert abs(state.current.sum()) < 1e-10 * scale
    assert abs(state.energy_current.sum() - state.power.sum()) < 1e-10 * scale
    assert state.entropy_production > 0
    assert state.law_residual <= 1e-9
    laplacian = 2 * np.eye(5) - np.eye(5, k=1) - np.eye(5, k=-1)
    ends = np.array([0.2, 0, 0, 0, -0.2])
    np.testing.assert_allclose(laplacian @ state.potential - ends, 2.0 * state.density_difference, rtol=0, atol=1e-8)
    mirrored = solve(mirror=-1)
    np.testing.assert_allclose(mirrored.power[::-1], state.power, rtol=0, atol=1e-8 * np.abs(state.power).max())
    np.testing.assert_allclose(mirrored.potential[::-1], state.potential, rtol=0, atol=1e-8)


def test_no_field_in_equilibrium():
    """Without bias neither charge nor potential, whatever scatters."""
    state = kd.steady_state(SYST, [kd.Reservoir(-1.1, T)] * 2, [kd.OpticalPhonons(0.2, 0.04, T, level_shift=False),
                                                             kd.PhononBath(T, rate=0.02)],
                            electrostatics=kd.Poisson(5.0), rtol=1e-2)
    assert np.abs(state.potential).max() < 1e-12
    assert np.abs(state.density_difference).max() < 1e-12
    assert np.abs(state.power).max() < 1e-12


def test_hot_electrons_beside_quanta():
    """Of a wire at a large bias the electrons are hotter the fewer quanta they give away; energy is conserved."""
    syst = chain([0.0] * 10, [-1.0] * 9)
    leads = [kd.Reservoir(-0.8, T), kd.Reservoir(-1.4, T)]
    states = [kd.steady_state(syst, leads, [kd.ElectronBath(rate=0.1), kd.OpticalPhonons(
        0.2, coupling, T, level_shift=False)], rtol=1e-3) for coupling in (0.01, 0.04)]
    for state in states:
        scale = np.abs(state.current).max()
        assert abs(state.energy_current.sum() - state.power.sum()) < 1e-10 * scale
        assert np.abs(state.electron_power).max() < 1e-10 * scale
        assert np.all(state.electron_temperature > T)
        np.testing.assert_allclose(state.mode_power.sum(axis=0), state.power, rtol=0, atol=1e-15)
    assert states[0].electron_temperature.max() > states[1].electron_temperature.max()
    assert states[0].power.sum() < states[1].power.sum()


def molecule(lead_hopping=None):
    """Three sites between leads of a wide band, given by their self-energy or as chains of a large hopping."""
    lattice, width = kwant.lattice.chain(norbs=1), 0.1
    builder = kwant.Builder()
    for i in range(3):
        builder[lattice(i)] = 0.02 * i
    builder[lattice.neighbors()] = -0.15
    for site, step in ((0, -1), (2, 1)):
        if lead_hopping is None:
            builder.leads.append(kwant.builder.SelfEnergyLead(lambda *_, **__: np.array([[-0.5j * width]]),
                                                              [lattice(site)], ()))
        else:  # Sigma -> -i t_c^2 / t
            builder[lattice(site + step)] = 0
            builder[lattice(site), lattice(site + step)] = -np.sqrt(0.5 * width * lead_hopping)
            lead = kwant.Builder(kwant.TranslationalSymmetry((step,)))
            lead[lattice(0)] = 0
            lead[lattice(0), lattice(1)] = -lead_hopping
            builder.attach_lead(lead)
    return builder.finalized()


def test_leads_by_self_energy():
    """A wide band is approached by chains as one over their hopping; tails of the levels are in the density."""
    temperature = 0.025
    leads = [kd.Reservoir(0.06, temperature), kd.Reservoir(-0.06, temperature)]

    def solve(syst, **options):
        phonons = kd.OpticalPhonons(0.05, lambda site: 0.004 * (0 <= site.tag[0] < 3), temperature, level_shift=False)
        return kd.steady_state(syst, leads, phonons, rtol=1e-4, **options)

    wide = solve(molecule())
    assert abs(wide.energy_current.sum() - wide.power.sum()) < 1e-12 * np.abs(wide.current).max()
    off = []
    for hopping in (4, 8):
        state = solve(molecule(hopping))
        inside = np.argsort(state.positions[:, 0])[1:-1]
        off.append([np.abs(state.power[inside] - wide.power).max() / wide.power.max(),
                    np.abs(state.current - wide.current).max() / wide.current.max(),
                    np.abs(state.density[inside] - wide.density).max()])
    np.testing.assert_allclose(np.array(off[0][:2]) / off[1][:2], 2.0, rtol=0.02)
    assert off[1][2] < 6e-4
    charged = solve(molecule(), electrostatics=kd.Poisson(0.5))
    assert charged.law_residual < 1e-9
    assert charged.potential[0] > 0.01


@pytest.mark.parametrize("coupling", [0.25, 0.02])
def test_states_that_no_lead_reaches_are_filled(coupling):
    """Elastic collisions make states below the band: at half filling, with them, half an electron on each site."""
    state = kd.steady_state(uniform_chain(12), [kd.Reservoir(0.002, 0.05), kd.Reservoir(-0.002, 0.05)],
                            kd.AcousticPhonons(coupling, 0.05), rtol=1e-2)
    # states add up to one; the ramp of mu is antisymmetric
    np.testing.assert_allclose(state.density + state.density[::-1], 1.0, rtol=0, atol=2e-4)
    assert state.density[0] > 0.5 > state.density[-1]
    below = state.spectral[:, state.energy < -2] @ state.energy_weights[state.energy < -2]
    assert below.max() > 0.1 * np.sqrt(coupling)
    assert np.all(state.filling[:, state.energy < -2][state.spectral[:, state.energy < -2] > 1e-9] > 1 - 1e-9)


def test_symmetric_leads_have_no_energy_current():
    """At half filling without level shift energy currents are rounding errors, which do not count as errors."""
    state = kd.steady_state(uniform_chain(5), [kd.Reservoir(0.1, 0.03), kd.Reservoir(-0.1, 0.03)],
                            kd.AcousticPhonons(0.0025, 0.03, level_shift=False), rtol=1e-2)
    assert state.error <= 1e-2
    assert np.abs(state.energy_current).max() < 1e-12 * state.current[0]


def test_potential_with_probes_and_small_quanta():
    """Tails of a level below the band are pushed beyond the lowest energy and back: they stay electrons."""
    temperature = 0.0234
    leads = [kd.Reservoir(mu, temperature) for mu in (-0.0787, -0.1425, -0.11)]
    state = kd.steady_state(crossing(), leads, [kd.OpticalPhonons(temperature, 0.02, temperature, level_shift=False),
                                                kd.PhononBath(temperature, rate=0.1)],
                            electrostatics=kd.Poisson(5.0), rtol=1e-2)
    assert state.law_residual <= 1e-9
    assert abs(state.energy_current.sum() - state.power.sum()) < 1e-10 * np.abs(state.current).max()
    assert state.entropy_production > 0
