"""What scatters electrons in the self-consistent Born approximation, and what sends them in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy.special import expit

from ..balance.thermal_probes import ThermalProbes
from ..model.broadening import SelfEnergy
from ..model.phonons import Mode
from ..model.reservoirs import Reservoir
from ..numerics.quadrature import TWO_PI


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What scatters electrons, and what sends them in; sites in the propagator's order.

    Attributes
    ----------
    modes : list of Mode
    acoustic : array of float, shape (sites,)
        D of elastic scattering by acoustic phonons.
    level_shift : bool
        Whether acoustic phonons have a level shift.
    baths : SelfEnergy
        Probes and elastic scattering beside them.
    temperature : array of float, shape (baths, sites)
        At which each of the baths whose occupation a balance has to find returns electrons; without any, and of those
        that keep energy, that of the equilibrium.
    keeps_energy : array of bool, shape (baths,)
    reservoirs : sequence of Reservoir
    """

    modes: list[Mode]
    acoustic: np.ndarray
    level_shift: bool
    baths: SelfEnergy
    temperature: np.ndarray
    keeps_energy: np.ndarray
    reservoirs: Sequence[Reservoir]

    @cached_property
    def probes(self) -> ThermalProbes:
        """Who fills the states that are not the phonons'."""
        return ThermalProbes(self.baths.coupling, self.temperature, self.keeps_energy, self.reservoirs)

    @property
    def lead_temperature(self) -> np.ndarray:
        """Of all leads, shape (leads,)."""
        return np.array([reservoir.temperature for reservoir in self.reservoirs], float)

    @property
    def shifts_levels(self) -> bool:
        """Whether a real part of the self-energy is kept, for which all of the band is needed."""
        return (self.level_shift and bool(self.acoustic.any())) or any(mode.level_shift for mode in self.modes)

    def typical_rate(self, band: float) -> np.ndarray:
        """Rate of all phonons if every site had one state in a band of this width, shape (sites,)."""
        couplings = [mode.coupling * (2 * mode.quanta + 1) for mode in self.modes]
        return sum(couplings, self.acoustic) * TWO_PI / band

    def in_equilibrium(self, mu: float, temperature: float) -> Self:
        """The same at one mu and one temperature everywhere."""
        everywhere = np.full(len(self.acoustic), temperature)
        return replace(self, temperature=np.full_like(self.temperature, temperature),
                       reservoirs=[Reservoir(mu, temperature)] * len(self.reservoirs),
                       modes=[replace(mode, temperature=everywhere) for mode in self.modes])


def fermi(energies: np.ndarray, mu: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Fermi functions, shape (mu, energies)."""
    return expit((mu[:, None] - energies) / temperature[:, None])
