"""What results of the lattice and of the kinetic theory have in common."""

import dataclasses

import h5py
import numpy as np

from .storage import write_fields
from .units import BOLTZMANN_EV, Units


class Result:
    """Currents between reservoirs, and heat along wires; base of `SteadyState` and `KineticState`.

    Subclasses are frozen dataclasses with the fields ``current``, ``energy_current``, ``reservoir_mu``,
    ``reservoir_temperature``, ``units``; they define ``_heat`` (power of each site, not per length), ``_bath_entropy``,
    ``_si_factors`` and ``_descriptions``.
    """

    @property
    def particle_residual(self):
        """Sum of the currents, 0 if particles are conserved, over the largest.

        Where heat flows without particles: over the largest heat current divided by k_B T.
        """
        heat = self.energy_current - self.reservoir_mu * self.current
        boltzmann = BOLTZMANN_EV if self.units == "SI" else 1.0
        largest = max(np.abs(self.current).max(),
                      np.abs(heat).max() / (boltzmann * self.reservoir_temperature.max()))
        return _ratio(self.current.sum(), largest)

    @property
    def energy_residual(self):
        """Energy currents less the power, over the largest energy current: 0 if energy is conserved."""
        return _ratio(self.energy_current.sum() - self._heat.sum(), np.abs(self.energy_current).max())

    @property
    def entropy_production(self):
        """Entropy that phonons and reservoirs gain per unit time; not negative (second law)."""
        heat = self.energy_current - self.reservoir_mu * self.current
        return float((self._heat / self.bath_temperature).sum() - (heat / self.reservoir_temperature).sum())

    def to_si(self, energy_unit, lattice_constant):
        """The same state in SI units.

        Parameters
        ----------
        energy_unit : float
            The model's energy unit E0, in eV.
        lattice_constant : float
            The model's length unit, in m.

        Returns
        -------
        Same type
            Power and energy current in W (power per length in W/m), current in A (electrons counted positive),
            energies (mu, potential) in eV, temperatures in K, lengths in m.

        Raises
        ------
        ValueError
            If a unit is not a positive number, or the state is in SI units already.
        """
        if self.units == "SI":
            raise ValueError(f"This {type(self).__name__} is in SI units already.")
        factors = self._si_factors(Units(energy_unit, lattice_constant))
        return dataclasses.replace(self, units="SI", **{
            name: factor * getattr(self, name) for name, factor in factors.items() if getattr(self, name) is not None})

    def save(self, path, group="/"):
        """Write all fields to an HDF5 file, one dataset per array, each with its meaning and unit.

        Parameters
        ----------
        path : path-like
            Without `group` a file that exists is replaced; with it, only that group is.
        group : str, optional
            Group of the file, for several states in one.
        """
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        with h5py.File(path, "w" if group == "/" else "a") as file:
            if group in file and group != "/":
                del file[group]
            write_fields(file.require_group(group), type(self).__name__, fields, self._descriptions,
                         self.units == "SI")

    def __repr__(self):
        currents = ", ".join(f"{value:.4g}" for value in self.current)
        return (f"<{type(self).__name__}: {len(self.power)} sites, current [{currents}], power {self._heat.sum():.4g}, "
                f"error {self.error:.1e}, units {self.units}>")


def _ratio(numerator, denominator):
    return float(numerator / denominator) if denominator else 0.0
