"""Kinetic (Landauer-Boltzmann) theory of two wires around a scatterer."""

from .solve import KineticState, from_kwant, linear_response, steady_state

__all__ = ["KineticState", "from_kwant", "linear_response", "steady_state"]
