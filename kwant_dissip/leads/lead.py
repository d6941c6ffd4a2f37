"""What a lead is, whatever is known of it."""

from abc import ABC, abstractmethod
from itertools import pairwise

import numpy as np

# Thermal energies around mu within which a lead needs an open mode.
LEAD_WINDOW = 10.0
# Energies at which a lead of unknown band edges is probed for modes.
_PROBED = 41


class Lead(ABC):
    """One lead of a finalized system, as a function of energy.

    Attributes
    ----------
    number : int
        Its place in ``syst.leads``.
    period : float
        Length of a cell.
    has_velocity, is_chain : bool
        Whether modes and their velocities are known; whether a cell is one orbital, so that closed forms hold.
    center : float
        Middle of the band of a chain; nan of others.
    is_fixed : bool
        Whether it was calculated at one energy and knows no other.
    """

    number: int
    period: float
    has_velocity: bool
    is_chain: bool
    center: float
    is_fixed = False

    @abstractmethod
    def hoppings(self) -> np.ndarray:
        """Number of hoppings from the lead to each site of its interface: array of int, shape (interface sites,)."""

    @abstractmethod
    def self_energy(self, energies: np.ndarray) -> np.ndarray:
        """Retarded self-energy on the interface, shape (energies, orbitals, orbitals).

        Parameters
        ----------
        energies : array of float or complex
            Complex ones lie in the upper half plane.
        """

    @abstractmethod
    def level_width(self, energy: float) -> float:
        """How much the lead broadens a level of its interface, or more."""

    @abstractmethod
    def velocity(self, energies: np.ndarray) -> np.ndarray:
        """Mean velocity of the open modes, in lattice length times energy; array of complex."""

    @abstractmethod
    def is_analytic(self, energy: float) -> bool:
        """Whether the self-energy is known at complex energies, judged by what it is near `energy`."""

    def limit(self, energy: float) -> np.ndarray | float:  # noqa: ARG002 (0 for a band of finite width)
        """Diagonal of the self-energy far above the real axis."""
        return 0.0

    @abstractmethod
    def thresholds(self) -> np.ndarray:
        """Energies at which a mode opens or closes: all band extrema, sorted; empty where they are not known."""

    @abstractmethod
    def open_modes(self, energy: float) -> int:
        """Number of modes that carry particles to the system at an energy."""

    @abstractmethod
    def fermi_wavelength(self, energy: float) -> float:
        """Longest Fermi wavelength of the open modes, in lattice length; nan where none is open, or not known."""

    def fermi_wavelength_near(self, mu: float, temperature: float) -> float:
        """`fermi_wavelength` at mu, or, if no mode is open there, next to the nearest band edge."""
        edges = self.thresholds()[np.argsort(np.abs(self.thresholds() - mu))]
        inside = (edge + sign * 0.5 * temperature for edge in edges for sign in (1, -1))
        wavelengths = (self.fermi_wavelength(energy) for energy in (mu, *inside))
        return next((wavelength for wavelength in wavelengths if np.isfinite(wavelength)), np.nan)

    def check_open(self, low: float, high: float) -> None:
        """Raise ValueError unless a mode is open somewhere between two energies, which count from the lead's shift."""
        edges = self.thresholds()
        points = [low, *edges[(edges > low) & (edges < high)], high]
        probed = [0.5 * (a + b) for a, b in pairwise(points)] if len(edges) else np.linspace(low, high, _PROBED)
        if not any(map(self.open_modes, probed)):
            raise ValueError(f"Lead {self.number} has no open modes within {LEAD_WINDOW:g} k_B T of any mu, from "
                             f"{low:.6g} to {high:.6g} (counted from its potential): no current can flow.")
