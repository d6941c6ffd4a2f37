"""Kinetic (Landauer-Boltzmann) theory of two wires around a scatterer."""

from ..results.kinetic_state import KineticState
from .response import linear_response
from .solve import from_kwant, steady_state

__all__ = ["KineticState", "from_kwant", "linear_response", "steady_state"]


def __dir__():
    return __all__
