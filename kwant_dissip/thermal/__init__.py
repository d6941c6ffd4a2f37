"""From dissipated power to what a thermometer sees: heat equation, tips, and numbers of materials."""

from ..results.temperature_field import TemperatureField
from ..results.thermal_image import ThermalImage
from .conductances import Thermal
from .field import temperature
from .image import thermal_image
from .materials import graphene_on_silica, kapitza, nanotube_on_silica
from .tip import Tip

__all__ = ["TemperatureField", "Thermal", "ThermalImage", "Tip", "graphene_on_silica", "kapitza", "nanotube_on_silica",
           "temperature", "thermal_image"]


def __dir__():
    return __all__
