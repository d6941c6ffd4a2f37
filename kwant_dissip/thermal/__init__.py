"""From dissipated power to what a thermometer sees: heat equation, tips, and numbers of materials."""

from .material import Thermal
from .field import TemperatureField, temperature

__all__ = ["Thermal", "TemperatureField", "temperature"]
