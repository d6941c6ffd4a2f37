"""Numbers and flags of every public callable: what is none is refused, with the name of the argument."""

import inspect

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.systems import chain, graphene, ribbon
from models import uniform_chain


class Series:
    """Like a series of pandas: an array of labelled numbers, of which no single truth can be told."""

    def __array__(self, dtype=None, copy=None):
        return np.array([0.1, 0.2, 0.3], dtype)

    def __bool__(self):
        raise ValueError("The truth value of a Series is ambiguous.")

    def __eq__(self, other):
        return self

    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __hash__ = None


# None of them is a finite number, nor a sequence of the right length of them.
NO_NUMBERS = {"nan": np.nan, "inf": -np.inf, "text": "34", "bytes": b"3", "set": {3}, "dict": {3: 3}, "None": None,
              "huge": 10 ** 400, "flag": True, "complex": 1j, "list of text": ["3"], "ragged": [[1], [1, 2]],
              "series": Series()}
NO_FLAGS = {**{name: value for name, value in NO_NUMBERS.items() if name != "flag"}, "number": 1, "no": "no"}

KBT = 300 / 11604.518 / 0.4
SYST = uniform_chain(9)
RESERVOIRS = [kd.Reservoir(-1.0, KBT), kd.Reservoir(-1.1, KBT)]
BATH = kd.PhononBath(KBT, rate=0.1)
THERMAL = {"conductivity": 6e-15, "coupling": 0.17, "substrate_temperature": 300.0}
FLAT = {"transmission": lambda e: 0.5 + 0 * e, "bath": BATH, "velocity": np.ones_like, "length": 9.0, "rtol": 1e-3}


def solve(**arguments):
    return kd.steady_state(SYST, RESERVOIRS, BATH, rtol=1e-3, **arguments)


@pytest.fixture(scope="module")
def made():
    """Results that functions take."""
    state = solve()
    phonons = kd.steady_state(uniform_chain(2), RESERVOIRS, kd.OpticalPhonons(0.1, 0.01, KBT), rtol=1e-2)
    si = state.to_si(0.4, 3e-9)
    return {"state": state, "phonons": phonons, "si": si,
            "kinetic": kd.kinetic.steady_state(reservoirs=RESERVOIRS, **FLAT),
            "field": kd.temperature(si, kd.Thermal(**THERMAL)),
            "closed": kd.analytic.constant_mean_free_path(FLAT["transmission"], temperature=0.1, drop=0.1,
                                                          mean_free_path=9.0)}


def bath(kind, **arguments):
    """What a bath takes it is asked for at the latest when something is solved with it."""
    return lambda made, value, name: kd.steady_state(SYST, RESERVOIRS, kind(**{**arguments, name: value}), rtol=1e-3)


def call(function, **arguments):
    return lambda made, value, name: function(**{**arguments, name: value})


def of(result, method, **arguments):
    return lambda made, value, name: getattr(made[result], method)(**{**arguments, name: value})


def with_(result, function, **arguments):
    return lambda made, value, name: function(made[result], **{**arguments, name: value})


# Call, its numbers, and what of the list above is a number to them after all.
NUMBERS = [
    (call(kd.Reservoir, mu=0.0, temperature=0.1), "mu", {"None"}),
    (call(kd.Reservoir, mu=0.0, temperature=0.1), "temperature", ()),
    (call(kd.Reservoir, mu=0.0, temperature=0.1), "potential", {"None"}),
    (bath(kd.PhononBath, temperature=KBT), "rate", ()),
    (bath(kd.PhononBath, rate=0.1), "temperature", ()),
    (bath(kd.PhononBath, temperature=KBT), "mean_free_path", ()),
    (bath(kd.PhononBath, temperature=KBT, mean_free_path=9.0), "lead", {"None"}),
    (bath(kd.ElectronBath), "rate", ()),
    (bath(kd.ElectronBath), "mean_free_path", ()),
    (bath(kd.ElasticBath), "rate", ()),
    (bath(kd.ElasticBath), "mean_free_path", ()),
    (bath(kd.OpticalPhonons, energy=0.1, coupling=0.01, temperature=KBT), "energy", ()),
    (bath(kd.OpticalPhonons, energy=0.1, coupling=0.01, temperature=KBT), "coupling", ()),
    (bath(kd.OpticalPhonons, energy=0.1, coupling=0.01, temperature=KBT), "temperature", ()),
    (bath(kd.AcousticPhonons, coupling=0.01, temperature=KBT), "coupling", ()),
    (bath(kd.AcousticPhonons, coupling=0.01, temperature=KBT), "temperature", ()),
    (call(kd.Poisson), "coupling", ()),
    (call(kd.CoulombKernel), "kernel", ()),
    (call(solve), "memory", {"None"}),
    (call(solve), "charge", {"None"}),
    (call(kd.steady_state, syst=SYST, reservoirs=RESERVOIRS, bath=BATH), "rtol", ()),
    *((call(kd.linear_response, syst=SYST, bath=BATH, mu=-1.0, rtol=1e-3), name, optional) for name, optional in (
        ("mu", ()), ("temperature", {"None"}), ("drive", {"None"}), ("thermal_drive", {"None"}), ("rtol", ()))),
    *((call(kd.kinetic.steady_state, reservoirs=RESERVOIRS, **FLAT), name, optional) for name, optional in (
        ("length", ()), ("rtol", ()), ("occupation_energies", {"None", "series"}))),
    *((call(kd.kinetic.linear_response, mu=0.0, **FLAT), name, optional) for name, optional in (
        ("mu", ()), ("temperature", {"None"}), ("length", ()), ("rtol", ()))),
    (call(kd.at_current, solve=solve), "current", ()),
    (call(kd.at_current, solve=solve, current=0.1), "rtol", ()),
    (call(kd.at_voltage_drop, solve=solve), "drop", ()),
    (call(kd.at_voltage_drop, solve=solve, drop=0.1), "rtol", ()),
    (with_("kinetic", kd.voltage_drop), "straight", ()),
    *((with_(state, function), "window", {"None"}) for state in ("state", "kinetic")
      for function in (kd.heat_spots, kd.local_heat)),
    (with_("state", kd.heat_spots), "prominence", ()),
    (with_("state", kd.local_distribution), "energies", {"series"}),
    (with_("state", kd.local_distribution, energies=[-1.0]), "sites", {"None"}),
    (call(kd.self_heating, solve=print, thermal=kd.Thermal(**THERMAL)), "hottest", {"None"}),
    (call(kd.self_heating, solve=print, thermal=kd.Thermal(**THERMAL)), "rtol", ()),
    *((call(kd.Thermal, **THERMAL), name, accepted) for name, accepted in (
        ("conductivity", {"series"}), ("coupling", {"series"}), ("substrate_temperature", ()), ("ends", {"None"}))),
    *((call(kd.Tip, width=1e-8, sensitivity=1e-6, dwell_time=1.0), name, ()) for name in
      ("width", "height", "sensitivity", "dwell_time")),
    *((with_("field", kd.thermal_image, tip=kd.Tip(1e-8, sensitivity=1e-6, dwell_time=1.0)), name, optional)
      for name, optional in (("x", {"None", "series"}), ("y", {"None", "series"}), ("seed", {"None"}))),
    *((call(kd.thermal.kapitza, coupling=1.0, temperature=1.0), name, ()) for name in ("coupling", "temperature")),
    (call(kd.thermal.nanotube_on_silica), "substrate_temperature", ()),
    (call(kd.thermal.graphene_on_silica), "substrate_temperature", ()),
    *((of("state", "to_si", energy_unit=0.4, lattice_constant=1e-9), name, ())
      for name in ("energy_unit", "lattice_constant")),
    *((of(result, method), "wire", ()) for result, method in (
        ("state", "sites_of"), ("state", "profile"), ("kinetic", "nodes_of"), ("kinetic", "along"))),
    (of("state", "profile", wire=0), "window", {"None"}),
    (of("kinetic", "interpolate", values=np.ones(6), wire=0), "points", ()),
    (of("kinetic", "derivative", values=np.ones(6), wire=0), "points", ()),
    (of("phonons", "quanta"), "mode", ()),
    *((call(kd.analytic.constant_mean_free_path, transmission=FLAT["transmission"], temperature=0.1, drop=0.1,
            mean_free_path=9.0), name, ()) for name in
      ("temperature", "drop", "mean_free_path", "elastic_mean_free_path")),
    *((of("closed", method), "x", {"nan", "inf", "series"}) for method in ("power", "mu")),
    *((call(kd.analytic.sommerfeld_heat, transmission=np.ones_like, derivative=np.ones_like, mu=0.0, temperature=0.1,
            bias=0.1), name, ()) for name in ("mu", "temperature", "bias")),
    *((call(kd.analytic.saddle_point, curvature=0.1, level_spacing=0.1), name, ()) for name in
      ("height", "curvature", "level_spacing", "modes")),
    *((call(chain.barrier), name, ()) for name in ("length", "height", "width", "onsite", "hopping")),
    *((call(chain.resonant_dot), name, ()) for name in ("length", "coupling", "level", "onsite", "hopping")),
    *((call(ribbon.ribbon), name, ()) for name in ("length", "width", "flux")),
    *((call(ribbon.point_contact), name, ()) for name in ("length", "width", "barrier", "spacing", "extent")),
    *((call(ribbon.hall_bar), name, ()) for name in ("length", "width", "contact", "flux")),
    *((call(graphene.constriction), name, ()) for name in ("length", "width", "neck", "extent", "onsite")),
]

FLAGS = [
    *((call(kd.OpticalPhonons, energy=0.1, coupling=0.01, temperature=0.1), name)
      for name in ("level_shift", "each_orbital", "tadpole")),
    *((call(kd.AcousticPhonons, coupling=0.01, temperature=0.1), name) for name in ("level_shift", "each_orbital")),
    (with_("si", kd.temperature, thermal=kd.Thermal(**THERMAL)), "heat_at_ends"),
    (call(kd.self_heating, solve=print, thermal=kd.Thermal(**THERMAL)), "heat_at_ends"),
    *((of("state", "plot"), name) for name in ("legend", "spots", "arrows")),
    *((of("kinetic", "plot"), name) for name in ("legend", "spots")),
    (call(kd.sweep, solve=lambda a: {"y": a}, parameters={"a": [1]}), "retry_failed"),
]


@pytest.mark.parametrize(("made_call", "name", "accepted"), NUMBERS)
def test_numbers(made, made_call, name, accepted):
    for kind, value in NO_NUMBERS.items():
        if kind not in accepted:
            with pytest.raises((ValueError, TypeError), match=rf"\b{name.replace('drop', '(voltage )?drop')}\b"):
                made_call(made, value, name)


@pytest.mark.parametrize(("made_call", "name"), FLAGS)
def test_flags(made, made_call, name):
    for value in NO_FLAGS.values():
        with pytest.raises(TypeError, match=rf"\b{name} must be True or False, got"):
            made_call(made, value, name)
    for value in (True, np.bool_(False)):
        if name in ("level_shift", "each_orbital"):
            assert getattr(made_call(made, value, name), name) is bool(value)


def test_no_flag_is_left_out():
    """Every flag in a public signature, and in the methods of what is public, is among those above."""
    found = set()
    for name in kd.__all__:
        thing = getattr(kd, name)
        for function in [thing, *(vars(thing).values() if inspect.isclass(thing) else ())]:
            if callable(function) and not getattr(function, "__name__", "_").startswith("__"):
                found |= {parameter.name for parameter in inspect.signature(function).parameters.values()
                          if parameter.default is True or parameter.default is False}
    told = {name for name in found if name.startswith("is_")}  # what results say of themselves
    assert found - told == {name for _, name in FLAGS}
