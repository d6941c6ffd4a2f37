"""Where the heat goes when current flows through a coherent scatterer: dissipation on top of kwant."""

from importlib.metadata import version as _version

from . import analytic, kinetic
from .bias import at_current, at_voltage_drop, voltage_drop
from .electrostatics import CoulombKernel, Neutrality, Poisson
from .errors import ConvergenceError
from .linear import LinearResponse
from .loading import load
from .mechanism import LocalHeat, local_heat
from .reservoirs import PhononBath, Reservoir
from .spots import Spot, heat_spots
from .steady_state import SteadyState, linear_response, steady_state

__version__ = _version("kwant_dissip")
__all__ = ["ConvergenceError", "CoulombKernel", "LinearResponse", "LocalHeat", "Neutrality", "PhononBath", "Poisson",
           "Reservoir", "Spot", "SteadyState", "analytic", "at_current", "at_voltage_drop", "heat_spots", "kinetic",
           "linear_response", "load", "local_heat", "steady_state", "voltage_drop"]
