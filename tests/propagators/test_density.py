"""Densities against brute-force integrals and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

import kwant_dissip as kd
from kwant_dissip.errors import ConvergenceError
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.chain import ChainPropagator
from kwant_dissip.propagators.density import EquilibriumDensity
from models import chain, uniform_chain


def propagator(syst, bath):
    lattice = read(syst)
    return ChainPropagator(lattice, broadening(bath, lattice), np.zeros(2))


def brute_force(spectral, mu, temperature, edges, low):
    """Int dE/2pi A(E) f(E) by quad, from `low` (-inf for tails that never end)."""
    def integrand(energy):
        return spectral(energy) * expit((mu - energy) / temperature) / (2 * np.pi)

    inner = [mu - 10 * temperature, mu, mu + 10 * temperature]
    points = sorted(e for e in [*edges, *inner] if low < e < mu + 40 * temperature)
    ends = [max(low, points[0] - 5), *points, mu + 40 * temperature]
    total = sum(quad(integrand, a, b, epsabs=1e-12, epsrel=1e-11, limit=400)[0]
                for a, b in pairwise(ends))
    return total + (quad(integrand, -np.inf, ends[0], epsabs=1e-12, limit=400)[0] if low == -np.inf else 0.0)


@pytest.mark.parametrize("temperature", [1e-6, 1e-3, 0.3])
def test_density_of_one_site_at_any_temperature(temperature):
    """A site between leads: at the band centre half full, at any temperature; cold, an integral up to mu."""
    one = propagator(uniform_chain(1), kd.PhononBath(temperature, rate=0.3))
    assert EquilibriumDensity(0.0, temperature, 1e-12)(one)[0] == pytest.approx(0.5, abs=1e-12)
    if temperature < 1e-5:
        expected = brute_force(lambda e: one.spectrum(np.array([e])).spectral[0, 0], -0.7, temperature, [-2.0],
                               -np.inf)
        assert EquilibriumDensity(-0.7, temperature, 1e-12)(one)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("bath", "low"), [(kd.PhononBath(0.05, rate=0.1), -np.inf),
                                           (kd.PhononBath(0.05, rate=[0.3, 0, 0.1, 0.2]), -np.inf),
                                           (kd.PhononBath(0.05, mean_free_path=20.0), -2.2)])
def test_equilibrium_density(bath, low):
    """Poles in the complex plane against the integral along the real axis."""
    mu, temperature = -0.9, 0.05
    chain_ = propagator(chain([0.0, 0.3, -0.2, 0.0], [-1.0, -0.8, -1.0]), bath)
    density = EquilibriumDensity(mu, temperature, 1e-11)(chain_)
    for site in range(4):
        expected = brute_force(lambda e, site=site: chain_.spectrum(np.array([e])).spectral[site, 0], mu, temperature,
                               [-2.0, 2.0], low)
        assert density[site] == pytest.approx(expected, abs=1e-8)


def test_density_of_a_perfect_wire():
    """N = Int dE/pi f / v on a chain without bath (a rate too small to matter)."""
    mu, temperature = -0.5, 0.02
    density = EquilibriumDensity(mu, temperature, 1e-10)(
        propagator(uniform_chain(3), kd.PhononBath(temperature, rate=1e-12)))
    momentum = np.linspace(-np.pi, np.pi, 20001)[:-1]
    np.testing.assert_allclose(density, expit((mu + 2 * np.cos(momentum)) / temperature).mean(), atol=1e-9)


def test_density_far_from_equilibrium_is_the_brute_force_integral():
    """Window part and equilibrium part together, for a biased barrier."""
    mu, temperature = (-0.6, -1.2), 0.05
    syst, bath = chain([0.0] * 3 + [0.8] + [0.0] * 3, [-1.0] * 6), kd.PhononBath(0.06, rate=0.1)
    state = kd.steady_state(syst, [kd.Reservoir(m, temperature) for m in mu], bath, rtol=1e-9)
    chain_ = propagator(syst, bath)

    def occupied(energy, site):
        filling = expit((state.mu - energy) / 0.06)[:, None]
        lead_filling = expit((np.array(mu) - energy) / temperature)[:, None]
        spectrum = chain_.spectrum(np.array([energy]))
        return spectrum.occupation(spectrum.rate * filling, lead_filling)[0][site, 0]

    for site in (0, 3, 5):
        points = [-2.0, -1.6, *mu, 0.0, 2.0]
        ends = [-8.0, *points, 4.0]
        expected = sum(quad(occupied, a, b, args=(site,), epsabs=1e-12, epsrel=1e-10, limit=400)[0]
                       for a, b in pairwise(ends))
        expected += quad(occupied, -np.inf, -8.0, args=(site,), epsabs=1e-12, limit=400)[0]
        assert state.density[site] == pytest.approx(expected / (2 * np.pi), abs=1e-8)


def test_unreachable_accuracy_is_reported(monkeypatch):
    monkeypatch.setattr("kwant_dissip.propagators.density._BLOCKS", 5)
    with pytest.raises(ConvergenceError, match="equilibrium density reached"):
        EquilibriumDensity(-1.0, 1e-4, 1e-30)(propagator(uniform_chain(2), kd.PhononBath(0.05, rate=0.1)))
