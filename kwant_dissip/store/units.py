"""From the package's units (hbar = e = k_B = 1) to SI."""

from dataclasses import dataclass

from scipy.constants import elementary_charge, hbar, physical_constants

from ..numerics.checks import check_positive

BOLTZMANN_EV = physical_constants["Boltzmann constant in eV/K"][0]


@dataclass(frozen=True)
class Units:
    """What one unit of the package's results is worth.

    Parameters
    ----------
    energy_unit : float
        Energy unit of the kwant model, in eV.
    lattice_constant : float
        Length unit of the kwant model, in m.
    degeneracy : float, optional
        How many times each orbital counts: spin, valleys, subbands that the model does not represent.
    """

    energy_unit: float
    lattice_constant: float
    degeneracy: float = 1.0

    def __post_init__(self):
        for name, unit in (("energy_unit", "eV"), ("lattice_constant", "m"), ("degeneracy", "number of alike modes")):
            check_positive(name, getattr(self, name), unit)

    @property
    def current(self) -> float:
        """Ampere."""
        return self.degeneracy * elementary_charge * self.energy_unit * elementary_charge / hbar

    @property
    def power(self) -> float:
        """Watt."""
        return self.degeneracy * (self.energy_unit * elementary_charge) ** 2 / hbar

    @property
    def temperature(self) -> float:
        """Kelvin."""
        return self.energy_unit / BOLTZMANN_EV
