"""Where the heat goes when current flows through a coherent scatterer: dissipation on top of kwant."""

from importlib.metadata import version as _version

from . import analytic, kinetic
from .analysis.local_heat import LocalHeat, local_heat
from .analysis.spots import Spot, heat_spots
from .analysis.voltage_drop import voltage_drop
from .errors import ConvergenceError
from .model.baths import PhononBath
from .model.electrostatics import CoulombKernel, Neutrality, Poisson
from .model.reservoirs import Reservoir
from .results.lattice_state import SteadyState
from .results.linear_response import LinearResponse
from .results.loading import load
from .runs.bias import at_current, at_voltage_drop
from .solve import linear_response, steady_state

__version__ = _version("kwant_dissip")
__all__ = ["ConvergenceError", "CoulombKernel", "LinearResponse", "LocalHeat", "Neutrality", "PhononBath", "Poisson",
           "Reservoir", "Spot", "SteadyState", "analytic", "at_current", "at_voltage_drop", "heat_spots", "kinetic",
           "linear_response", "load", "local_heat", "steady_state", "voltage_drop"]
