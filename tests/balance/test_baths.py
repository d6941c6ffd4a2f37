"""Lists of baths: solved cases, identities, agreement of routes, linear response, electrostatics, bad lists."""

import json
from itertools import pairwise

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip.propagators.elastic import eliminate
from models import chain, chains_with_baths, floats, lists_of_baths, planes, uniform_chain
from paths import COMMON


@pytest.fixture(scope="session")
def bath_cases():
    """Seven systems solved by dense matrices and a fixed rule in energy (the project's reference; see its `about`)."""
    with open(COMMON / "bath_cases.json") as file:
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


# The slow route once for each kind of bath, and once for all with flux.
@pytest.mark.parametrize(("name", "method"), [*((name, "slices") for name in CASES), ("elastic_barrier", "kwant"),
                                              ("electron_dot", "kwant"), ("all_flux_three_leads", "kwant")])
def test_solved_cases(bath_cases, name, method):
    case = bath_cases[name]
    syst, places = system_of(case)
    order = np.array([places.index(site) for site in syst.sites])
    reservoirs = [kd.Reservoir(*pair) for pair in zip(case["mus"], case["temperatures"], strict=True)]
    # With 1e-4 asked for, kwant's route reaches what is compared and takes half the time.
    state = kd.steady_state(syst, reservoirs, baths_of(case, order), method=method,
                            rtol=1e-4 if method == "kwant" else 1e-6)
    for field in ("power", "mu", "electron_mu", "electron_temperature"):
        expected = np.array(case[field], float)[order]
        np.testing.assert_allclose(getattr(state, field), expected, rtol=0,
                                   atol=1e-6 * np.nanmax(np.abs(expected), initial=0.0) + 1e-15, err_msg=field)
    for field in ("current", "energy_current"):
        np.testing.assert_allclose(getattr(state, field), case[field], rtol=1e-6)
    assert state.entropy_production == pytest.approx(case["check"]["entropy_production"], rel=1e-6)


def with_temperature(bath, temperature):
    """The same bath, phonons at a temperature."""
    if not isinstance(bath, kd.PhononBath):
        return bath
    return kd.PhononBath(temperature, rate=bath.rate, mean_free_path=bath.mean_free_path, lead=bath.lead)


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
        rate = bath.rate if np.ndim(bath.rate) == 0 else bath.rate[::-1]
        lead = None if bath.lead is None else 1 - bath.lead
        options = {"rate": rate, "mean_free_path": bath.mean_free_path, "lead": lead}
        return kd.PhononBath(bath.temperature, **options) if isinstance(bath, kd.PhononBath) else type(bath)(**options)

    mirrored = chain(arguments["onsite"][::-1], [t.conjugate() for t in arguments["hopping"][::-1]],
                     arguments["lead_onsite"][::-1], arguments["lead_hopping"][::-1])
    state = kd.steady_state(syst, reservoirs, baths, rtol=1e-3)
    mirror = kd.steady_state(mirrored, reservoirs[::-1], [reversed_(bath) for bath in baths], rtol=1e-3)
    for field in ("power", "mu", "electron_mu", "electron_temperature", "density"):
        np.testing.assert_allclose(getattr(mirror, field)[::-1], getattr(state, field), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("hopping", "reservoir", "leads", "path"), [
    ([1.0] * 5, (0.75, 0.25), ((-0.5, 0.0), (0.703125, 1.0)), 2.0),
    ([1.3880412475673278, 1.3359375, 1.375, 0.2161209223472559 + 0.33658839392315865j, 1.0], (0.8, 0.0625),
     ((-0.41975334584189006, 0.0), (0.7, 1.09765625)), 4.0)])
def test_electrons_whose_bath_ends_with_a_band(hopping, reservoir, leads, path):
    """Found by `test_mirror`: no collisions at one of the two energies of the approximate inverse."""
    state = kd.steady_state(chain([0.0] * 6, hopping, *leads), [kd.Reservoir(0.0, 0.25), kd.Reservoir(*reservoir)],
                            kd.ElectronBath(mean_free_path=path, lead=0), rtol=1e-3)
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10


def check_routes(syst, reservoirs, baths, rtol):
    fast, slow = (kd.steady_state(syst, reservoirs, baths, rtol=rtol, method=method) for method in (None, "kwant"))
    for field in ("power", "mu", "electron_mu", "electron_temperature", "density", "current", "energy_current"):
        np.testing.assert_allclose(getattr(fast, field), getattr(slow, field), rtol=0, atol=1e-8, err_msg=field)


@settings(max_examples=2)
@given(chains_with_baths(max_sites=3))
def test_chains_agree_with_kwant(model):
    check_routes(*model[:3], rtol=1e-1)


@settings(max_examples=2, derandomize=True)
@given(st.data())
def test_slices_agree_with_kwant(data):
    """With flux, two orbitals, up to four leads: K is not symmetric there."""
    syst, reservoirs, _ = data.draw(planes(max_width=2, max_length=3))
    check_routes(syst, reservoirs, data.draw(lists_of_baths(len(syst.sites))), rtol=0.5)


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
                                  **({"thermal_drive": (0.5, -0.5)} if thermal else {}),
                                  **({"phonon_drive": 0} if isinstance(baths[0], kd.PhononBath) else {}))
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
    assert heat[0] - heated.phonon_drive @ driven.power1 == pytest.approx(0.1 * heated.current1[0], rel=1e-6)
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


def test_collisions_that_hardly_end():
    """Elastic collisions alone, on sites that a lead reaches through a weak link: eliminated without a difference.

    What leads send in and take out is the same for any strength of the link, in units of it, as long as it is weak.
    """
    def current(link):
        lattice, builder = kwant.lattice.square(norbs=1), kwant.Builder()
        builder[(lattice(x, y) for x in range(6) for y in range(2))] = 0.0
        builder[lattice.neighbors()] = -1.0
        for y in range(2):
            builder[lattice(2, y), lattice(3, y)] = -link
        lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
        lead[(lattice(0, y) for y in range(2))] = 0.0
        lead[lattice.neighbors()] = -1.0
        builder.attach_lead(lead)
        builder.attach_lead(lead.reversed())
        state = kd.steady_state(builder.finalized(), [kd.Reservoir(-1.1, 0.1), kd.Reservoir(-1.3, 0.1)],
                                kd.ElasticBath(rate=0.1), rtol=1e-4)
        # Rounding errors of what goes to and fro on either side, some 1e-18, next to a current of 1e-9.
        assert abs(state.particle_residual) < 1e-8
        return state.current[0] / link ** 2
    assert current(1e-4) == pytest.approx(current(1e-3), rel=1e-4)


@pytest.mark.parametrize("escape", [1e-3, 1e-15, 1e-40])
def test_elimination_keeps_every_digit(escape):
    """F = 1 where all that enters is full, however often electrons are scattered; dense inverses lose all digits."""
    rng = np.random.default_rng(1)
    to = rng.uniform(size=(7, 7))
    leaving = escape * rng.uniform(size=7)
    np.fill_diagonal(to, 0.0)
    scale = 1 / (to.sum(axis=1) + leaving)
    to, leaving = to * scale[:, None], leaving * scale
    inverse = eliminate(lambda f: f - to @ f, leaving[:, None])[0]
    np.testing.assert_allclose(inverse @ leaving, 1.0, rtol=1e-14)
    assert np.all(inverse > 0)


@pytest.mark.parametrize("sign", [1, -1])
def test_floating_leads_beyond_a_bands_edge(sign):
    """Far below all bands, or above, Newton's steps from the mean mu lead astray; those from beyond do not."""
    square = kwant.lattice.general(np.eye(2), norbs=1)
    builder = kwant.Builder()
    builder[(square(i, 0) for i in range(20))] = 0.0
    builder[square.neighbors()] = -1.0
    for direction, start, hopping in (((-1, 0), 0, 1.0), ((1, 0), 19, 1.0), ((0, 1), 7, 0.75), ((0, 1), 13, 0.85)):
        lead = kwant.Builder(kwant.TranslationalSymmetry(direction))
        lead[square(start, 0)] = 0.0
        lead[square.neighbors()] = -hopping
        builder.attach_lead(lead)
    reservoirs = [kd.Reservoir(sign * mu, 0.075) for mu in (-1.7, -2.15)] + [kd.Reservoir(None, 0.08)] * 2
    state = kd.steady_state(builder.finalized(), reservoirs, kd.PhononBath(0.034, mean_free_path=75.0), rtol=1e-4)
    assert np.abs(state.current[2:]).max() < 1e-9 * abs(state.current[0])
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10
