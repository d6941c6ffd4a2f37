"""The thermometer for electrons, and local distributions."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings

import kwant_dissip as kd
from models import chain, chains_with_baths, uniform_chain


# As in ``test_random_systems``: of some thousand draws one ends in an honest error (an open circuit where next to
# nothing flows).
@settings(derandomize=True)
@given(chains_with_baths())
def test_thermometer_finds_the_electrons_own_temperature(model):
    """Where the coupling does not depend on energy, it is the same probe as an ElectronBath's."""
    syst, reservoirs, baths, _ = model
    rate = np.where(np.arange(len(syst.sites)) % 2, 0.0, 0.1)
    baths = [bath for bath in baths if not isinstance(bath, kd.ElectronBath)] + [kd.ElectronBath(rate=rate)]
    state = kd.steady_state(syst, reservoirs, baths)
    found = kd.local_electrons(state)
    np.testing.assert_allclose(found.temperature[::2], state.electron_temperature[::2], rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.mu[::2], state.electron_mu[::2], rtol=0, atol=1e-8)


def test_thermometer_of_coherent_electrons():
    """In equilibrium that of the reservoirs; out of it by moments of n and A; nan where a site has no states."""
    equal = kd.local_electrons(uniform_chain(5), [kd.Reservoir(0.3, 0.1)] * 2, None)
    np.testing.assert_allclose(equal.mu, 0.3, atol=1e-12)
    np.testing.assert_allclose(equal.temperature, 0.1, atol=1e-12)
    state = kd.steady_state(uniform_chain(5), [kd.Reservoir(0.1, 0.05), kd.Reservoir(-0.1, 0.05)], None)
    found, energies = kd.local_electrons(state), np.linspace(-1.9, 1.9, 4001)
    f = kd.local_distribution(state, energies)
    own = 1 / (np.exp((energies - found.mu[:, None]) / found.temperature[:, None]) + 1)
    spectral = 2 / np.sqrt(4 - energies ** 2)
    for weight in (1, energies):
        np.testing.assert_allclose(((f - own) * spectral * weight).sum(axis=1) * (energies[1] - energies[0]), 0,
                                   atol=1e-8)
    assert np.all(found.temperature > 0.07)
    apart = chain([0.0, 5.0, 0.0], [0.0, 0.0])
    found = kd.local_electrons(kd.steady_state(apart, [kd.Reservoir(0.1, 0.05), kd.Reservoir(0.0, 0.05)], None))
    assert np.all(np.isnan(found.temperature) == [False, True, False])


def test_thermometer_asks_for_a_state_that_knows_its_spectra(tmp_path):
    state = kd.steady_state(uniform_chain(3), [kd.Reservoir(0.1, 0.1), kd.Reservoir(0.0, 0.1)],
                            [kd.ElectronBath(rate=0.1), kd.PhononBath(0.1, rate=0.1)])
    state.save(tmp_path / "state.h5")
    loaded = kd.load(tmp_path / "state.h5")
    np.testing.assert_array_equal(loaded.electron_temperature, state.electron_temperature)
    for other in (loaded, state.to_si(1.0, 1e-9), pickle.loads(pickle.dumps(state))):
        with pytest.raises(ValueError, match="does not know its spectra"):
            kd.local_electrons(other)
    assert state.to_si(1.0, 1e-9).electron_temperature == pytest.approx(11604.518 * state.electron_temperature)
    with pytest.raises(TypeError, match=r"must be a SteadyState, .* got int"):
        kd.local_electrons(3)
    with pytest.raises(TypeError, match="other arguments go with a system"):
        kd.local_electrons(other, None)
    with pytest.raises(ValueError, match="sites must be numbers of sites, 0 to 2"):
        kd.local_distribution(state, [0.0], [3])
    with pytest.raises(ValueError, match="energies must be finite"):
        kd.local_distribution(state, [np.nan])
