"""Periodic leads: self-energies, velocities and band edges, from their Hamiltonian."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TypeVar

import numpy as np

from .._kwant import kwant
from ..errors import ConvergenceError
from .bands import band_extrema
from .chains import IndependentChains, continued_velocity
from .kwant_modes import kwant_modes
from .lead import Lead
from .modes import LeadModes

Value = TypeVar("Value")

# Numbers of self-energies that are kept, for energies that come again.
_KEPT = 1 << 23
# Where to look for an energy at which kwant's modes are right, in units of the lead's largest matrix element.
_DISTANCES = (0.0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
# This close to a band's edge, in the same units, kwant's modes are not defined.
_AT_EDGE = 1e-9
# Modes whose momenta differ by less make no standing wave.
_SAME_MOMENTUM = 1e-6


class PeriodicLead(Lead):
    """A periodic lead: modes, velocities, and self-energy from its Hamiltonian.

    Parameters
    ----------
    lead : kwant.system.InfiniteSystem
        Finalized lead.
    number : int
        Its place in ``syst.leads``, for error messages.
    params : dict or None
        Parameters of its Hamiltonian.
    """

    has_velocity = True

    def __init__(self, lead: kwant.system.InfiniteSystem, number: int, params: dict | None = None) -> None:
        self.number = number
        self._lead = lead
        self._params = params
        self._onsite = lead.cell_hamiltonian(params=params)
        self._hopping = lead.inter_cell_hopping(params=params)
        period = getattr(getattr(lead, "symmetry", None), "periods", None)
        self.period = 1.0 if period is None else float(np.linalg.norm(np.asarray(period)[0]))
        self.is_chain = self._onsite.shape == self._hopping.shape == (1, 1)
        self.center = float(self._onsite[0, 0].real) if self.is_chain else np.nan
        self._largest = float(max(np.abs(self._onsite).max(), np.abs(self._hopping).max()))
        self._known: dict[complex, tuple[np.ndarray, float]] = {}
        self._chains = IndependentChains.of(self._onsite, self._hopping)

    def hoppings(self) -> np.ndarray:
        hamiltonian, norbs, _ = self._lead.hamiltonian_submatrix(params=self._params, return_norb=True)
        first = np.concatenate([[0], np.cumsum(norbs)[:-1]])
        bonds = np.add.reduceat(np.add.reduceat(np.abs(hamiltonian), first, axis=0), first, axis=1)
        cell = self._lead.cell_size
        return np.count_nonzero(bonds[:cell, cell:], axis=0)

    def self_energy(self, energies: np.ndarray) -> np.ndarray:
        if self._chains is not None:
            return self._chains.self_energy(energies)
        return np.array([sigma for sigma, _ in self._solved(energies)])

    @cached_property
    def _lead_modes(self):
        return LeadModes(self._onsite, self._hopping)

    def _solved(self, energies):
        """Self-energy and mean velocity at each energy, in cells: list of pairs."""
        known = {energy: self._known.get(energy) for energy in energies}
        missing = np.array([energy for energy, pair in known.items() if pair is None])
        if len(missing):
            for energy, sigma, velocity, good in zip(missing, *self._lead_modes(missing), strict=True):
                # Where a mode opens, or bands are degenerate, kwant finds its modes next to it.
                known[energy] = ((sigma, velocity) if good
                                 else self.near(energy, partial(kwant_modes, self._onsite, self._hopping)))
            if len(self._known) * self._hopping.shape[1] ** 2 > _KEPT:
                self._known = {}
            self._known.update(known)
        return [known[energy] for energy in energies]

    def near(self, energy: float, function: Callable[[float], Value | None]) -> Value:
        """Value of a function at an energy, or the closest to it at which kwant's modes are right.

        Parameters
        ----------
        energy : float
        function : callable
            Fails, or returns None, where they are not: at and next to band edges.

        Raises
        ------
        ConvergenceError
            If there is no such energy.
        """
        for distance in _DISTANCES:
            for shift in {distance * self._largest, -distance * self._largest}:
                try:
                    value = function(energy + shift)
                except (np.linalg.LinAlgError, RuntimeError, ValueError):
                    continue
                if value is not None:
                    return value
        raise ConvergenceError(f"kwant found no modes of lead {self.number} at the energy {energy:.10g}, nor next to "
                               "it.")

    def velocity(self, energies: np.ndarray) -> np.ndarray:
        """Mean velocity of the open modes, in lattice length times energy.

        For a chain the analytic function sqrt(4 t^2 - (E - center)^2) a, retarded branch, off the real axis and
        below the band too; otherwise 0 where no mode is open.

        Parameters
        ----------
        energies : array of float or complex

        Returns
        -------
        array of complex, same shape
        """
        energies = np.asarray(energies)
        if self.is_chain:
            return continued_velocity(energies - self.center, abs(self._hopping[0, 0])) * self.period
        if np.any(np.imag(energies)):
            raise ValueError(f"The velocity in lead {self.number} has no analytic continuation to complex energies: "
                             "a cell holds more than one orbital.")
        real = energies.real.ravel()
        velocities = (self._chains.velocity(real) if self._chains is not None
                      else [velocity for _, velocity in self._solved(real)])
        return self.period * np.asarray(velocities, complex).reshape(energies.shape)

    def modes(self, energy: float) -> kwant.physics.PropagatingModes:
        """Propagating modes at an energy, from kwant."""
        return self.near(energy, lambda e: self._lead.modes(e, params=self._params)[0])

    def open_modes(self, energy: float) -> int:
        if self._chains is not None:
            return self._chains.open_modes(energy)
        return len(self.modes(energy).velocities) // 2

    def fermi_wavelength(self, energy: float) -> float:
        """Longest Fermi wavelength of the open modes, in lattice length; nan where none is open.

        Twice the period 2 pi / |k_out - k_in| of the standing wave that a mode and its reflection form, with the
        difference taken modulo 2 pi: the same for electrons and holes, and in every gauge.
        """
        if np.abs(self.thresholds() - energy).min() < _AT_EDGE * self._largest:
            return np.nan
        if self._chains is not None:
            difference = self._chains.turns(energy)
        else:
            momenta = self.modes(energy).momenta
            half = len(momenta) // 2
            difference = np.abs(np.angle(np.exp(1j * (momenta[half:] - momenta[:half]))))
        difference = difference[difference > _SAME_MOMENTUM]
        return float(4 * np.pi * self.period / difference.min()) if len(difference) else np.nan

    def thresholds(self) -> np.ndarray:
        return self._thresholds

    @cached_property
    def _thresholds(self):
        return band_extrema(self._lead, self._params) if self._chains is None else self._chains.edges()

    def level_width(self, energy: float) -> float:  # noqa: ARG002 (of this order at any)
        return self._largest

    def is_analytic(self, energy: float) -> bool:  # noqa: ARG002 (everywhere)
        return True
