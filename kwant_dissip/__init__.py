"""Where the heat goes when current flows through a coherent scatterer: dissipation on top of kwant."""

from importlib.metadata import version as _version

from .errors import ConvergenceError
from .reservoirs import PhononBath, Reservoir
from .spots import Spot, heat_spots
from .steady_state import SteadyState, load, steady_state

__version__ = _version("kwant_dissip")
__all__ = ["ConvergenceError", "PhononBath", "Reservoir", "Spot", "SteadyState", "heat_spots", "load", "steady_state"]
