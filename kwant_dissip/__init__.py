"""Where the heat goes when current flows through a coherent scatterer: dissipation on top of kwant."""

import typing as _typing
from importlib import import_module as _import_module
from importlib.metadata import version as _version

if _typing.TYPE_CHECKING:
    from . import analytic, kinetic, systems, thermal
    from .analysis.local_heat import LocalHeat, local_heat
    from .analysis.spots import Spot, heat_spots
    from .analysis.voltage_drop import voltage_drop
    from .errors import ConvergenceError, RunawayError, SweepError
    from .instruments.thermometer import LocalElectrons, local_distribution, local_electrons
    from .model.baths import Bath, ElasticBath, ElectronBath, PhononBath
    from .model.electrostatics import CoulombKernel, Neutrality, Poisson
    from .model.image_charges import ImageCharges
    from .model.phonons import AcousticPhonons, OpticalPhonons
    from .model.reservoirs import Reservoir
    from .results.lattice_state import SteadyState
    from .results.linear_response import LinearResponse
    from .results.loading import load
    from .results.opening import open_sweep
    from .results.phonon_state import PhononState
    from .results.self_heating import SelfHeating
    from .results.temperature_field import TemperatureField
    from .results.thermal_image import ThermalImage
    from .runs.bias import at_current, at_voltage_drop
    from .runs.self_heating import self_heating
    from .runs.sweep import sweep
    from .solve import linear_response, steady_state
    from .thermal.conductances import Thermal
    from .thermal.field import temperature
    from .thermal.image import thermal_image
    from .thermal.tip import Tip

__version__ = _version("kwant_dissip")
__all__ = ["AcousticPhonons", "Bath", "ConvergenceError", "CoulombKernel", "ElasticBath", "ElectronBath",
           "ImageCharges", "LinearResponse", "LocalElectrons", "LocalHeat", "Neutrality", "OpticalPhonons",
           "PhononBath", "PhononState", "Poisson", "Reservoir", "RunawayError", "SelfHeating", "Spot", "SteadyState",
           "SweepError", "TemperatureField", "Thermal", "ThermalImage", "Tip", "analytic", "at_current",
           "at_voltage_drop", "heat_spots", "kinetic", "linear_response", "load", "local_distribution",
           "local_electrons", "local_heat", "open_sweep", "self_heating", "steady_state", "sweep", "systems",
           "temperature", "thermal", "thermal_image", "voltage_drop"]

# The same names by module, imported when they are first asked for: kwant and scipy take seconds, which the
# command line's --help does not need.
_NAMES = {
    "analysis.local_heat": ("LocalHeat", "local_heat"), "analysis.spots": ("Spot", "heat_spots"),
    "analysis.voltage_drop": ("voltage_drop",), "analytic": (), "kinetic": (),
    "errors": ("ConvergenceError", "RunawayError", "SweepError"),
    "model.baths": ("Bath", "ElasticBath", "ElectronBath", "PhononBath"),
    "model.electrostatics": ("CoulombKernel", "Neutrality", "Poisson"),
    "model.image_charges": ("ImageCharges",),
    "model.phonons": ("AcousticPhonons", "OpticalPhonons"), "model.reservoirs": ("Reservoir",),
    "results.phonon_state": ("PhononState",), "results.lattice_state": ("SteadyState",),
    "results.linear_response": ("LinearResponse",), "results.self_heating": ("SelfHeating",),
    "results.temperature_field": ("TemperatureField",), "results.thermal_image": ("ThermalImage",),
    "results.loading": ("load",), "results.opening": ("open_sweep",),
    "runs.bias": ("at_current", "at_voltage_drop"), "solve": ("linear_response", "steady_state"),
    "runs.self_heating": ("self_heating",), "runs.sweep": ("sweep",),
    "systems": (), "thermal": (), "thermal.field": ("temperature",),
    "thermal.image": ("thermal_image",), "thermal.conductances": ("Thermal",), "thermal.tip": ("Tip",),
    "instruments.thermometer": ("LocalElectrons", "local_distribution", "local_electrons")}


def __getattr__(name):
    for module, names in _NAMES.items():
        if name in (names or (module,)):
            found = _import_module(f".{module}", __name__)
            globals()[name] = value = getattr(found, name) if names else found
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
