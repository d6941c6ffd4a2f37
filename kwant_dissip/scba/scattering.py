"""What scatters electrons in the self-consistent Born approximation, and what sends them in."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import expit

from ..model.broadening import SelfEnergy
from ..model.phonons import Mode
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
    probe_temperature : array of float, shape (sites,)
        Of the probes of phonons; where there are none, that of the equilibrium.
    lead_mu, lead_temperature : arrays of float, shape (leads,)
        nan: mu of a floating lead, to be found.
    hot : bool
        Whether the last of the baths whose occupation a balance has to find is one of electrons.
    """

    modes: list[Mode]
    acoustic: np.ndarray
    level_shift: bool
    baths: SelfEnergy
    probe_temperature: np.ndarray
    lead_mu: np.ndarray
    lead_temperature: np.ndarray
    hot: bool = False

    @property
    def shifts_levels(self) -> bool:
        """Whether a real part of the self-energy is kept, for which all of the band is needed."""
        return (self.level_shift and bool(self.acoustic.any())) or any(mode.level_shift for mode in self.modes)

    @property
    def floating(self) -> np.ndarray:
        """Numbers of the leads whose mu is unknown."""
        return np.flatnonzero(np.isnan(self.lead_mu))

    def typical_rate(self, band: float) -> np.ndarray:
        """Rate of all phonons if every site had one state in a band of this width, shape (sites,)."""
        couplings = [mode.coupling * (2 * mode.quanta + 1) for mode in self.modes]
        return sum(couplings, self.acoustic) * TWO_PI / band

    def at_potential(self, potential: np.ndarray) -> Self:
        """The same with an electrostatic energy at each site."""
        return replace(self, baths=self.baths.at_potential(potential))

    def in_equilibrium(self, mu: float, temperature: float) -> Self:
        """The same at one mu and one temperature everywhere."""
        everywhere = np.full(len(self.acoustic), temperature)
        return replace(self, probe_temperature=everywhere, lead_mu=np.full_like(self.lead_mu, mu),
                       lead_temperature=np.full_like(self.lead_temperature, temperature),
                       modes=[replace(mode, temperature=everywhere) for mode in self.modes])


def fermi(energies, mu, temperature):
    """Fermi functions, shape (mu, energies)."""
    return expit((mu[:, None] - energies) / temperature[:, None])
