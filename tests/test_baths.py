"""Several baths: elastic scattering, electrons that keep their energy, and phonons."""

import json
import pickle
from functools import partial
from itertools import pairwise
from pathlib import Path

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip import systems
from models import chain, chains, floats, planes, uniform_chain


@pytest.fixture(scope="session")
def bath_cases():
    """Seven systems solved by dense matrices and a fixed rule in energy (the project's reference; see its `about`)."""
    with open(Path(__file__).parent / "bath_cases.json") as file:
        return json.load(file)


CASES = ["elastic_barrier", "electron_dot", "elastic_phonon_dot", "electron_phonon_barrier", "all_dot",
         "all_mean_free_paths_band_edge", "all_flux_three_leads"]


def system_of(case):
    """Finalized kwant system of a solved case, and the number of its sites in the order of ``syst.sites``."""
    lattice = kwant.lattice.general(np.eye(len(case["sites"][0])), norbs=1)
    builder = kwant.Builder()
    places = [lattice(*tag) for tag in case["sites"]]
    for place, onsite in zip(places, case["onsite"], strict=True):
        builder[place] = onsite
    for i, j, re, im in case["hoppings"]:
        builder[places[i], places[j]] = re + 1j * im
    for number, lead in enumerate(case["leads"]):
        tags = [case["sites"][i] for i in lead["sites"]]
        normal = outward(case, number)
        ribbon = kwant.Builder(kwant.TranslationalSymmetry(normal))
        for tag in tags:
            ribbon[lattice(*tag)] = lead["onsite"]
            ribbon[lattice(*tag), lattice(*(np.array(tag) + normal))] = lead["hopping"]
        for a, b in pairwise(tags):
            if lead["transverse_hopping"]:
                ribbon[lattice(*a), lattice(*b)] = lead["transverse_hopping"]
        builder.attach_lead(ribbon)
    return builder.finalized(), places


def outward(case, number):
    tags = np.array([case["sites"][i] for i in case["leads"][number]["sites"]])
    sites = np.array(case["sites"])
    for axis in range(sites.shape[1]):
        for end, sign in ((sites[:, axis].min(), -1), (sites[:, axis].max(), 1)):
            if np.all(tags[:, axis] == end) and (len(tags) > 1 or sites.shape[1] == 1 or axis == 1):
                direction = np.zeros(sites.shape[1], int)
                direction[axis] = sign
                return tuple(direction)
    raise AssertionError(number)


def baths_of(case, order):
    kinds = {"elastic": kd.ElasticBath, "electron": kd.ElectronBath,
             "phonon": lambda **coupling: kd.PhononBath(temperature, **coupling)}
    temperature = case["bath_temperature"]
    if np.ndim(temperature):
        temperature = np.array(temperature)[order]
    result = []
    for name, kind in kinds.items():
        for what, hole in (("rate", 0.0), ("mean_free_path", np.inf)):
            values = case.get(f"{name}_{what}")
            if values is not None:
                values = np.array([hole if value is None else value for value in values], float)[order]
                result.append(kind(**{what: values, **({"lead": 0} if what == "mean_free_path" else {})}))
    return result


@pytest.mark.parametrize("method", ["slices", "kwant"])
@pytest.mark.parametrize("name", CASES)
def test_solved_cases(bath_cases, name, method):
    case = bath_cases[name]
    syst, places = system_of(case)
    order = np.array([places.index(site) for site in syst.sites])
    reservoirs = [kd.Reservoir(*pair) for pair in zip(case["mus"], case["temperatures"], strict=True)]
    # With 1 % asked for, kwant's route reaches 1e-8 and takes half the time.
    state = kd.steady_state(syst, reservoirs, baths_of(case, order), method=method,
                            rtol=1e-2 if method == "kwant" else 1e-6)
    for field in ("power", "mu", "electron_mu", "electron_temperature"):
        expected = np.array(case[field], float)[order]
        np.testing.assert_allclose(getattr(state, field), expected, rtol=0,
                                   atol=1e-6 * np.nanmax(np.abs(expected), initial=0.0) + 1e-15, err_msg=field)
    for field in ("current", "energy_current"):
        np.testing.assert_allclose(getattr(state, field), case[field], rtol=1e-6)
    assert state.entropy_production == pytest.approx(case["check"]["entropy_production"], rel=1e-6)


@st.composite
def lists_of_baths(draw, sites):
    """A list of baths, each with a mean free path, a rate, or rates with holes."""

    def coupling():
        kind = draw(st.sampled_from(["path", "rate", "rates", "rates"]))
        if kind == "path":
            return {"mean_free_path": draw(floats(2, 50)), "lead": 0}
        if kind == "rate":
            return {"rate": draw(floats(0.01, 0.4))}
        return {"rate": draw(st.lists(st.just(0.0) | floats(0.01, 0.4), min_size=sites, max_size=sites).filter(any))}

    made = {"x": lambda: kd.ElasticBath(**coupling()), "e": lambda: kd.ElectronBath(**coupling()),
            "p": lambda: kd.PhononBath(draw(floats(0.05, 0.3)), **coupling())}
    return [made[kind]() for kind in draw(st.sampled_from(["x", "e", "ex", "px", "pe", "pex", "pxx", "xe"]))]


@st.composite
def chains_with_baths(draw, max_sites=8):
    """(system, reservoirs, baths, arguments of `chain`), a lead floating in some."""
    syst, reservoirs, _, arguments = draw(chains(max_sites=max_sites))
    if draw(st.integers(0, 3)) == 0:
        reservoirs = [reservoirs[0], kd.Reservoir(None, reservoirs[1].temperature)]
    return syst, reservoirs, draw(lists_of_baths(len(syst.sites))), arguments


def with_temperature(bath, temperature):
    """The same bath, phonons at a temperature."""
    coupling = bath.coupling
    if not isinstance(bath, kd.PhononBath):
        return bath
    return kd.PhononBath(temperature, rate=coupling.rate, mean_free_path=coupling.mean_free_path, lead=coupling.lead)


def differences(state):
    """Largest difference of mu and temperature between reservoirs and phonons: what drives currents."""
    temperatures = np.concatenate([state.reservoir_temperature, state.bath_temperature])
    return np.ptp(state.reservoir_mu) + np.nanmax(temperatures) - np.nanmin(temperatures)


@settings(max_examples=60)
@given(chains_with_baths())
def test_conservation_at_every_site_and_second_law(model):
    syst, reservoirs, baths, _ = model
    state = kd.steady_state(syst, reservoirs, baths, rtol=1e-3)
    flow = differences(state) / (2 * np.pi) + 1e-15
    assert abs(state.current.sum()) <= 1e-10 * flow
    assert abs(state.energy_current.sum() - state.power.sum()) <= 1e-10 * flow
    assert np.abs(state.electron_power).max() <= 1e-10 * flow
    assert state.entropy_production >= -1e-12 * flow / state.reservoir_temperature.min()
    # What flows into a site and not out of it is what the phonons take there: no particles, the power.
    for flows, entering, taken in ((state.bond_current, state.current, 0 * state.power),
                                   (state.bond_energy_current, state.energy_current, state.power)):
        into = np.zeros(len(syst.sites))
        np.add.at(into, state.bonds[:, 1], flows)
        np.subtract.at(into, state.bonds[:, 0], flows)
        np.add.at(into, np.concatenate(syst.lead_interfaces), entering)
        np.testing.assert_allclose(into, taken, rtol=0, atol=1e-10 * flow)


@given(chains_with_baths(), floats(-0.8, 0.8), floats(0.03, 0.3))
def test_equilibrium(model, mu, temperature):
    syst, _, baths, _ = model
    baths = [with_temperature(bath, temperature) for bath in baths]
    state = kd.steady_state(syst, [kd.Reservoir(mu, temperature)] * 2, baths, rtol=1e-3)
    assert np.abs(np.concatenate([state.power, state.current])).max() < 1e-12
    for field, value in (("mu", mu), ("electron_mu", mu), ("electron_temperature", temperature)):
        known = getattr(state, field)[~np.isnan(getattr(state, field))]
        np.testing.assert_allclose(known, value, rtol=0, atol=1e-12)


@given(chains_with_baths(), floats(-3, 3))
def test_common_shift_of_all_energies(model, shift):
    syst, reservoirs, baths, arguments = model
    shifted = chain([e + shift for e in arguments["onsite"]], arguments["hopping"],
                    [e + shift for e in arguments["lead_onsite"]], arguments["lead_hopping"])
    state = kd.steady_state(syst, reservoirs, baths, rtol=1e-3)
    moved = [kd.Reservoir(None if r.mu is None else r.mu + shift, r.temperature) for r in reservoirs]
    other = kd.steady_state(shifted, moved, baths, rtol=1e-3)
    for field, by in (("power", 0.0), ("mu", shift), ("electron_mu", shift), ("electron_temperature", 0.0),
                      ("density", 0.0), ("current", 0.0)):
        np.testing.assert_allclose(getattr(other, field), getattr(state, field) + by, rtol=0, atol=1e-9)


@given(chains_with_baths())
def test_mirror(model):
    syst, reservoirs, baths, arguments = model

    def reversed_(bath):
        coupling = bath.coupling
        rate = coupling.rate if np.ndim(coupling.rate) == 0 else coupling.rate[::-1]
        lead = None if coupling.lead is None else 1 - coupling.lead
        options = {"rate": rate, "mean_free_path": coupling.mean_free_path, "lead": lead}
        return kd.PhononBath(bath.temperature, **options) if isinstance(bath, kd.PhononBath) else type(bath)(**options)

    mirrored = chain(arguments["onsite"][::-1], [t.conjugate() for t in arguments["hopping"][::-1]],
                     arguments["lead_onsite"][::-1], arguments["lead_hopping"][::-1])
    state = kd.steady_state(syst, reservoirs, baths, rtol=1e-3)
    mirror = kd.steady_state(mirrored, reservoirs[::-1], [reversed_(bath) for bath in baths], rtol=1e-3)
    for field in ("power", "mu", "electron_mu", "electron_temperature", "density"):
        np.testing.assert_allclose(getattr(mirror, field)[::-1], getattr(state, field), rtol=0, atol=1e-9)


def check_routes(syst, reservoirs, baths, rtol):
    fast, slow = (kd.steady_state(syst, reservoirs, baths, rtol=rtol, method=method) for method in (None, "kwant"))
    for field in ("power", "mu", "electron_mu", "electron_temperature", "density", "current", "energy_current"):
        np.testing.assert_allclose(getattr(fast, field), getattr(slow, field), rtol=0, atol=1e-8, err_msg=field)


@settings(max_examples=3)
@given(chains_with_baths(max_sites=3))
def test_chains_agree_with_kwant(model):
    check_routes(*model[:3], rtol=1e-1)


@settings(max_examples=2)
@given(st.data())
def test_slices_agree_with_kwant(data):
    """With flux, two orbitals, up to four leads: K is not symmetric there."""
    syst, reservoirs, _ = data.draw(planes(max_width=2, max_length=3))
    check_routes(syst, reservoirs, data.draw(lists_of_baths(len(syst.sites))), rtol=0.5)


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


ALL = [kd.PhononBath(0.05, rate=0.05), kd.ElectronBath(rate=6 * [0.1] + 2 * [0.0] + 6 * [0.1]),
       kd.ElasticBath(rate=0.1)]


@pytest.mark.parametrize("thermal", [False, True])
@pytest.mark.parametrize("baths", [ALL, ALL[1:2], ALL[::2]])
def test_linear_response_is_the_expansion_of_the_solution(baths, thermal):
    syst = chain([0.0] * 6 + [0.8, 0.3] + [0.0] * 6, [-1.0] * 13)
    bias = 2e-4

    def solve(sign):
        mu, t = (0.0, 0.5 * sign * bias) if thermal else (0.5 * sign * bias, 0.0)
        return kd.steady_state(syst, [kd.Reservoir(-1 + mu, 0.05 + t), kd.Reservoir(-1 - mu, 0.05 - t)], baths,
                               rtol=1e-8)

    plus, none, minus = solve(1), solve(0), solve(-1)
    response = kd.linear_response(syst, baths, mu=-1.0, temperature=0.05, rtol=1e-8,
                                  **({"thermal_drive": (0.5, -0.5)} if thermal else {}))
    for field in ("power", "mu", "electron_mu", "electron_temperature", "current", "energy_current"):
        first, second = getattr(response, field + "1"), getattr(response, field + "2")
        if first is None:
            continue
        values = [getattr(state, field) for state in (plus, none, minus)]
        np.testing.assert_allclose((values[0] - values[2]) / (2 * bias), first, rtol=0, atol=1e-6)
        np.testing.assert_allclose((values[0] - 2 * values[1] + values[2]) / (2 * bias ** 2), second, rtol=0, atol=1e-5)


def test_onsager_casimir():
    """Heat driven by a difference of mu is, in the reversed field, T times the current driven by a difference of T."""

    def ribbon(phase):
        lattice = kwant.lattice.square(norbs=1)
        builder = kwant.Builder()
        for x in range(5):
            for y in range(3):
                builder[lattice(x, y)] = 0.5 * np.sin(5 * x + 3 * y)
        builder[kwant.builder.HoppingKind((0, 1), lattice)] = -1
        builder[kwant.builder.HoppingKind((1, 0), lattice)] = lambda to, _: -np.exp(1j * phase * to.tag[1])
        for direction in (-1, 1):
            lead = kwant.Builder(kwant.TranslationalSymmetry((direction, 0)))
            lead[(lattice(0, y) for y in range(3))] = 0
            lead[lattice.neighbors()] = -1
            builder.attach_lead(lead)
        return builder.finalized()

    baths = [kd.PhononBath(0.1, rate=0.05), kd.ElectronBath(rate=lambda site: 0.03 * (1 + site.tag[1])),
             kd.ElasticBath(rate=lambda site: 0.05 * site.tag[0])]
    options = {"mu": -1.0, "temperature": 0.1, "rtol": 1e-7}
    driven = kd.linear_response(ribbon(0.7), baths, drive=(1.0, 0.0), **options)
    heated = kd.linear_response(ribbon(-0.7), baths, drive=(0.0, 0.0), thermal_drive=(1.0, 0.0), **options)
    heat = driven.energy_current1 + driven.current1
    assert heat[0] == pytest.approx(0.1 * heated.current1[0], rel=1e-6)
    other = kd.linear_response(ribbon(-0.7), baths, drive=(0.0, 1.0), **options)
    assert driven.current1[1] == pytest.approx(other.current1[0], rel=1e-6)


def test_linear_response_names_what_it_cannot():
    with pytest.raises(ValueError, match="At temperature 0 electrons with a temperature of their own"):
        kd.linear_response(uniform_chain(4), [kd.ElectronBath(rate=0.1)], mu=0.0, temperature=0)
    with pytest.raises(ValueError, match="temperature must be given where no PhononBath has one"):
        kd.linear_response(uniform_chain(4), kd.ElasticBath(rate=0.1), mu=0.0)


def test_zero_temperature_is_the_limit():
    syst, baths = chain([0.0] * 6 + [0.8] + [0.0] * 6, [-1.0] * 12), [kd.PhononBath(1e-4, rate=0.05), ALL[2]]
    cold = kd.linear_response(syst, baths, mu=-1.0, temperature=0)
    cool = kd.linear_response(syst, baths, mu=-1.0)
    np.testing.assert_allclose(cold.power2, cool.power2, rtol=0, atol=1e-8)


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


@pytest.mark.parametrize("law", [kd.Poisson(1.0), kd.Neutrality()])
@pytest.mark.parametrize("kinds", ["e", "pe", "px", "pex", "x"])
def test_electrostatics(kinds, law):
    """Conserves with every list, and the law holds; in a uniform chain U follows the electrons' mu."""
    made = {"p": kd.PhononBath(0.05, rate=0.05), "e": kd.ElectronBath(rate=0.1), "x": kd.ElasticBath(rate=0.1)}
    baths = [made[kind] for kind in kinds]
    state = kd.steady_state(uniform_chain(41), [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], baths,
                            electrostatics=law)
    assert state.law_residual < 1e-9
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
    assert np.abs(state.electron_power).max() < 1e-12 * state.current[0]
    assert state.potential[0] > state.potential[20] > state.potential[-1]
    if isinstance(law, kd.Neutrality) and kinds == "e":
        middle = slice(10, 31)
        np.testing.assert_allclose(state.potential[middle], state.electron_mu[middle] + 1.0, atol=2e-3)


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
    with pytest.raises(ValueError, match=r"linear_response, .*steady_state takes an ElectronBath"):
        kd.kinetic.linear_response(flat, electrons, mu=0.0, temperature=0.1, **options)
    with pytest.raises(ValueError, match="Neutrality in the kinetic theory takes a PhononBath alone"):
        kd.kinetic.steady_state(flat, reservoirs, electrons, electrostatics=kd.Neutrality(), **options)
    with pytest.raises(ValueError, match="takes baths with one number"):
        kd.kinetic.steady_state(flat, reservoirs, kd.ElasticBath(rate=[0.1, 0.2]), **options)
    with pytest.raises(ValueError, match="needs a bath"):
        kd.kinetic.steady_state(flat, reservoirs, None, **options)


def energy_filters(bias):
    """A site with electrons between two narrow levels: what comes in is hot, what goes out is cold."""
    syst = chain([0.0] * 4 + [0.05, 0.0, -0.05] + [0.0] * 4, [-1.0] * 3 + [-0.2] * 4 + [-1.0] * 3)
    bath = kd.ElectronBath(rate=[0.0] * 5 + [0.2] + [0.0] * 5)
    return kd.steady_state(syst, [kd.Reservoir(bias / 2, 0.03), kd.Reservoir(-bias / 2, 0.03)], bath, rtol=1e-4)


def test_electrons_far_hotter_than_the_reservoirs():
    """The window follows them; their energy is kept to rounding."""
    state = energy_filters(0.4)
    assert state.electron_temperature[5] == pytest.approx(0.1512, abs=1e-4)
    assert abs(state.energy_current.sum()) < 1e-12 * state.current[0]


def test_inverted_electrons_have_no_temperature():
    with pytest.raises(kd.ConvergenceError, match=r"electrons at 1 sites.*negative, infinite") as info:
        energy_filters(0.8)
    assert list(info.value.sites) == [5]
    assert info.value.state.electron_temperature[5] > 10


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


BAD = [([kd.PhononBath(0.1, rate=0.1), kd.PhononBath(0.2, rate=0.1)], ValueError, "holds 2 of PhononBath, at most one"),
       ([kd.ElectronBath(rate=0.1), kd.ElectronBath(rate=0.1)], ValueError, "holds 2 of ElectronBath, at most one"),
       ([], ValueError, "empty list"), ([kd.ElasticBath(rate=0.1), 0.3], TypeError, r"bath\[1\] must be"),
       ("elastic", TypeError, "or a list of them, got str"),
       ([kd.PhononBath(0.1, rate=0.1), kd.ElasticBath(rate=0.0)], ValueError, r"ElasticBath\(rate=0.0\) reaches no"),
       ([kd.ElectronBath(rate=[0.1, 0.0])], ValueError, "ElectronBath rate must be a number.*each of the 5 sites"),
       (kd.ElectronBath(mean_free_path=5.0, lead=3), ValueError, "ElectronBath lead must be a lead's number, 0 to 1")]


@pytest.mark.parametrize(("bath", "error", "message"), BAD)
def test_bad_lists(bath, error, message):
    with pytest.raises(error, match=message):
        kd.steady_state(uniform_chain(5), [kd.Reservoir(0.1, 0.1), kd.Reservoir(0.0, 0.1)], bath)


@pytest.mark.parametrize("kind", [kd.ElasticBath, kd.ElectronBath])
def test_bad_couplings(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__} takes exactly one of rate and mean_free_path"):
        kind()
    with pytest.raises(ValueError, match=f"{kind.__name__} rate must be finite and not negative, got -0.1"):
        kind(rate=-0.1)


def test_sites_that_no_lead_reaches_are_named():
    with pytest.raises(ValueError, match=r"connected to no lead"):
        kd.steady_state(chain([0.0] * 6, [-1.0, -1.0, 0.0, -1.0, 0.0]),
                        [kd.Reservoir(0.1, 0.1), kd.Reservoir(0.0, 0.1)], kd.ElasticBath(rate=0.1))
