"""Several baths: elastic scattering, electrons that keep their energy, and phonons."""

import json
from itertools import pairwise
from pathlib import Path

import kwant
import numpy as np
import pytest

import kwant_dissip as kd


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
    state = kd.steady_state(syst, reservoirs, baths_of(case, order), method=method)
    for field in ("power", "mu", "electron_mu", "electron_temperature"):
        expected = np.array(case[field], float)[order]
        np.testing.assert_allclose(getattr(state, field), expected, rtol=0,
                                   atol=1e-6 * np.nanmax(np.abs(expected), initial=0.0) + 1e-15, err_msg=field)
    for field in ("current", "energy_current"):
        np.testing.assert_allclose(getattr(state, field), case[field], rtol=1e-6)
    assert state.entropy_production == pytest.approx(case["check"]["entropy_production"], rel=1e-6)
