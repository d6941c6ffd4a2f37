"""Where rates hold: k_B T over gamma, and what is missed where that is not large."""

import sys

import numpy as np
import pytest

import kwant_dissip as kd
from models import uniform_chain
from paths import CLONE

sys.path.append(str(CLONE))

from benchmarks.thermal_resolution import compared

LEADS = [kd.Reservoir(-0.9, 0.06), kd.Reservoir(-1.1, 0.05)]


def test_smallest_ratio_of_all_sites():
    """All baths add up, each site has its own T; with a mean free path gamma is v / l at the local mu, above U."""
    sites = np.arange(12)
    bath = [kd.PhononBath(0.05 + 0.01 * sites, rate=0.02 + 0.001 * sites), kd.ElasticBath(rate=0.01 * (sites == 4))]
    state = kd.steady_state(uniform_chain(12), LEADS, bath)
    assert state.thermal_resolution == pytest.approx(np.min(
        (0.05 + 0.01 * sites) / (0.02 + 0.001 * sites + 0.01 * (sites == 4))))
    assert "k_B T / gamma 2.5, " in repr(state)
    assert "smallest k_B T / gamma" in state._repr_html_()
    far = kd.PhononBath(0.05, mean_free_path=[np.inf] * 3 + [20.0] * 9)
    for law in (None, kd.Poisson(3.0)):
        state = kd.steady_state(uniform_chain(12), LEADS, far, electrostatics=law)
        velocity = np.sqrt(4 - (state.mu - state.potential)[3:] ** 2)
        assert state.thermal_resolution == pytest.approx(0.05 * 20 / velocity.max(), rel=1e-12)


def test_without_phonons_and_without_a_bath(tmp_path):
    """Mean temperature of the reservoirs; a coherent conductor has no gamma; SI and files keep it."""
    state = kd.steady_state(uniform_chain(6), LEADS, kd.ElasticBath(rate=0.1))
    assert state.thermal_resolution == pytest.approx(0.55)
    assert state.to_si(1.0, 1e-9).thermal_resolution == state.thermal_resolution
    coherent = kd.steady_state(uniform_chain(6), LEADS, None)
    assert coherent.thermal_resolution is None
    assert "gamma" not in repr(coherent)
    for one in (state, coherent):
        one.save(tmp_path / "state.h5")
        assert kd.load(tmp_path / "state.h5").thermal_resolution == one.thermal_resolution


def test_of_quanta():
    """Gamma as it is found, at the mu of each site."""
    state = kd.steady_state(uniform_chain(5), LEADS, kd.OpticalPhonons(0.2, 0.03, 0.05), rtol=1e-2)
    rates = [np.interp(mu, state.energy, rate) for mu, rate in zip(state.mu, state.scattering_rate, strict=True)]
    assert state.thermal_resolution == pytest.approx(0.05 / max(rates), rel=0.02)


@pytest.mark.parametrize("elastic", [False, True])
def test_in_kinetic_theory(elastic):
    def velocity(energy):
        return np.sqrt(np.clip(2 * (energy + 1.5), 0, None))

    bath = [kd.PhononBath(0.05, mean_free_path=20.0)] + elastic * [kd.ElasticBath(mean_free_path=5.0)]
    state = kd.kinetic.steady_state(np.ones_like, LEADS, bath, velocity=velocity, length=30, rtol=1e-4)
    path = 4.0 if elastic else 20.0
    assert state.thermal_resolution == pytest.approx(0.05 * path / velocity(state.mu).max(), rel=1e-4)
    assert "k_B T / gamma" in repr(state)


def test_what_is_missed():
    """A dot on the lattice and in kinetic theory: 22 % of the power at k_B T = gamma, 1.8 % at 5, 0.3 % at 10."""
    for ratio, current, power in ((1, 0.007, 0.3), (5, 0.0015, 0.025), (10, 0.0008, 0.005)):
        resolution, *missed = compared(ratio, 0.2)
        assert resolution == pytest.approx(ratio, rel=1e-12)
        assert abs(missed[0]) < current
        assert missed[1] < power
        if ratio == 1:
            assert missed[1] > 0.15
