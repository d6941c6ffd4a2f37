"""Long wires with elastic scattering, hot electrons and phonons: laws of diffusive wires, spots around a dot."""

from functools import partial

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip import systems
from models import uniform_chain


@pytest.mark.parametrize(("sites", "resistance"), [(1, 1.25), (2, 1.5347222222), (3, 1.7678571429),
                                                   (10, 3.5851963411)])
def test_elastic_scattering_is_damato_and_pastawskis_at_every_energy(sites, resistance):
    """Elastic rate gamma = t: at T -> 0 the chain's resistance (Phys. Rev. B 41, 7411 (1990))."""
    state = kd.steady_state(uniform_chain(sites), [kd.Reservoir(5e-6, 1e-4), kd.Reservoir(-5e-6, 1e-4)],
                            kd.ElasticBath(rate=1.0))
    assert 1e-5 / (2 * np.pi * state.current[0]) == pytest.approx(resistance, abs=1e-6)
    assert not np.any(state.power)
    assert state.energy_current.sum() == pytest.approx(0, abs=1e-20)


def test_electrons_in_a_long_wire_obey_wiedemann_and_franz():
    """T_e^2 = T^2 + (3/pi^2) V^2 xi (1 - xi) with contacts of one mean free path (K. E. Nagaev, 1995).

    Phys. Rev. B 52, 4740. Off by 1e-6 of the peak in the middle, and next to the contacts by less, the longer the wire.
    """
    temperature, bias, path = 0.01, 0.05, 20.0
    contacts = []
    for lengths in (10, 20, 40):
        sites = int(lengths * path)
        state = kd.steady_state(uniform_chain(sites), [kd.Reservoir(bias / 2, temperature),
                                                       kd.Reservoir(-bias / 2, temperature)],
                                kd.ElectronBath(mean_free_path=path))
        xi = (np.arange(sites) + 0.5 + path) / (sites + 2 * path)
        peak = 0.75 / np.pi ** 2 * bias ** 2
        off = (state.electron_temperature ** 2 - temperature ** 2 - 4 * peak * xi * (1 - xi)) / peak
        middle = np.abs(xi - 0.5) < 0.1
        assert np.abs(off[middle]).max() < 2e-5
        contacts.append(np.abs(off).max())
        assert not np.any(state.power)
        assert np.abs(state.electron_power).max() < 1e-10 * state.current[0]
        assert 2 * np.pi * state.current[0] / bias == pytest.approx(1 / (1 + 0.5 * lengths), rel=5e-4)
    assert contacts == pytest.approx([3.5e-3, 2.1e-3, 1.15e-3], rel=0.02)


def test_elastic_wire_interpolates_between_the_reservoirs():
    """Conductance 1 / (1 + L/2l); Wiedemann-Franz: heat and charge conducted alike at every energy."""
    path, temperature = 20.0, 0.01
    syst = uniform_chain(200)
    state = kd.steady_state(syst, [kd.Reservoir(0.025, temperature), kd.Reservoir(-0.025, temperature)],
                            kd.ElasticBath(mean_free_path=path))
    assert 2 * np.pi * state.current[0] / 0.05 == pytest.approx(1 / 6, rel=3e-4)
    warm = kd.steady_state(syst, [kd.Reservoir(0.0, 0.0101), kd.Reservoir(0.0, 0.0099)],
                           kd.ElasticBath(mean_free_path=path))
    conductance = 2 * np.pi * warm.energy_current[0] / 0.0002
    assert conductance / (temperature * 2 * np.pi * state.current[0] / 0.05) == pytest.approx(np.pi ** 2 / 3, rel=1e-3)


def test_hot_electrons_cool_over_the_diffusion_length():
    """Away from a contact that is hotter, T_e falls as exp(-x / lambda).

    Of what moves at one energy, right and left movers relax at the total rate, electrons keep the energy, phonons take
    it: lambda = sqrt(l l_ph), 1/l = 1/l_e + 1/l_ph, in linear response.
    """
    own, to_phonons = 10.0, 1000.0
    length = np.sqrt(to_phonons / (1 / own + 1 / to_phonons))
    sites = 1000
    state = kd.steady_state(uniform_chain(sites), [kd.Reservoir(0.0, 0.0201), kd.Reservoir(0.0, 0.02)],
                            [kd.ElectronBath(mean_free_path=own), kd.PhononBath(0.02, mean_free_path=to_phonons)])
    x = np.arange(sites)
    chosen = (x > 100) & (x < 400)
    slope = np.polyfit(x[chosen], np.log(state.electron_temperature[chosen] - 0.02), 1)[0]
    assert -1 / slope == pytest.approx(length, rel=2e-3)
    slope = np.polyfit(x[chosen], np.log(state.power[chosen]), 1)[0]
    assert -1 / slope == pytest.approx(length, rel=2e-3)


@pytest.mark.parametrize(("bath", "expected"), [
    (kd.ElasticBath(mean_free_path=10.0), (0.3965, 0.3618)), (kd.ElectronBath(mean_free_path=10.0), (0.4733, 0.4480))])
def test_shot_noise_of_a_diffusive_wire(bath, expected):
    """2/V Int <f (1 - f)> dE -> 1/3 for elastic scattering, sqrt(3)/4 where electrons thermalise.

    C. W. J. Beenakker, M. Büttiker, Phys. Rev. B 46, 1889 (1992); K. E. Nagaev, Phys. Rev. B 52, 4740 (1995). The
    values are those of finite lengths, 10 and 40 mean free paths, at k_B T = V/100.
    """
    noise = []
    for sites in (100, 400):
        state = kd.steady_state(uniform_chain(sites), [kd.Reservoir(0.05, 1e-3), kd.Reservoir(-0.05, 1e-3)], bath)
        energies = np.linspace(-0.5, 0.5, 2001)
        f = kd.local_distribution(state, energies)
        noise.append(2 / 0.1 * np.sum((f * (1 - f)).mean(axis=0)) * (energies[1] - energies[0]))
    assert noise == pytest.approx(expected, abs=2e-3)


def test_distribution_in_an_elastic_wire_is_two_steps():
    """Linear between the reservoirs: to 3e-4 inside, next to the contacts to a part that falls as 1/l."""
    temperature, off = 0.01, []
    energies = np.linspace(-0.3, 0.3, 31)
    left, right = (1 / (np.exp((energies - mu) / temperature) + 1) for mu in (0.1, -0.1))
    for path in (20.0, 40.0):
        sites = np.arange(int(10 * path))
        state = kd.steady_state(uniform_chain(len(sites)), [kd.Reservoir(0.1, temperature),
                                                            kd.Reservoir(-0.1, temperature)],
                                kd.ElasticBath(mean_free_path=path))
        xi = ((sites + 0.5 + path) / (12 * path))[:, None]
        difference = np.abs(kd.local_distribution(state, energies, sites) - (1 - xi) * left - xi * right)
        inside = (sites > 2 * path) & (sites < 8 * path)
        assert difference[inside].max() < 3e-4
        off.append(difference.max())
    assert off[0] < 1.2e-3
    assert off[1] < 0.6 * off[0]


@pytest.mark.parametrize(("ratio", "position"), [(3, 1.21), (10, 1.33), (30, 1.46)])
def test_spots_drift_outward_with_elastic_scattering(ratio, position):
    """Around a dot half as wide as E_F, in linear response, they sit near lambda = sqrt(l l_ph) (design.md section 9).

    Energy-independent rates, T = 0.2 E_F, wires of 8 lambda, means over 17 sites; l = 30 sites.
    """
    mu, length = -1.7, 30
    velocity, phonons = np.sqrt(4 - mu ** 2), length * (1 + ratio)
    relaxation, coupling = np.sqrt(length * phonons), np.sqrt(0.075 / np.sqrt(4 - mu ** 2))
    syst = systems.chain.resonant_dot(length=int(8 * relaxation), coupling=coupling, level=mu * (1 - coupling ** 2))
    baths = [kind(rate=lambda site, path=path: velocity / path * systems.chain.in_wires(site))
             for kind, path in ((partial(kd.PhononBath, 0.06), phonons), (kd.ElasticBath, phonons / ratio))]
    response = kd.linear_response(syst.finalized(), baths, mu=mu, rtol=1e-4)
    x, power = (np.convolve(values[response.x[:, 0] > 0], np.ones(17) / 17, "valid")
                for values in (response.x[:, 0], response.power1))
    chosen = x < 5 * relaxation
    spot = x[chosen][np.argmin(np.sign(power[0]) * power[chosen])]
    assert spot / relaxation == pytest.approx(position, abs=0.05)
