"""What results of the lattice and of the kinetic theory have in common."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ..numerics.checks import check_flag, is_whole, shortened
from ..store.fields import in_si
from ..store.file import write_record
from ..store.plan import ONE_POINT
from ..store.record import Record, joins
from ..store.units import BOLTZMANN_EV, Units

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset


@dataclasses.dataclass(frozen=True, eq=False)
class Profile:
    """Curves along one wire.

    Attributes
    ----------
    x : array of float, shape (points,)
        Positions, growing.
    power, mu, potential : arrays of float, shape (points,)
        Power as the result gives it, per site or per length.
    mu_slope, potential_slope : arrays of float, shape (points,)
        Derivatives with x.
    spacing : float
        Length that the power counts for: of a site, or 1.
    resolution : float or None
        What extrema narrower than this number of points are not meant to show; None: every point counts.
    """

    x: np.ndarray
    power: np.ndarray
    mu: np.ndarray
    potential: np.ndarray
    mu_slope: np.ndarray
    potential_slope: np.ndarray
    spacing: float
    resolution: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class AveragedProfile(Profile):
    """Curves averaged over as many points as `resolution` says."""

    resolution: float


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """Where the nodes of a result are, and what is next to what.

    Attributes
    ----------
    positions : array of float, shape (nodes, dimensions)
    bonds : array of int, shape (bonds, 2)
        Nodes next to each other: hoppings, or neighbours along a line.
    contacts : array of int, shape (contacts, 2)
        Lead, and node that it couples to.
    lead_directions : array of float, shape (leads, dimensions)
        Unit vector along each lead, 0 where that is not known.
    size : array of float, shape (nodes,), or None
        Length that each node stands for; None where it follows from the positions.
    depth : array of float, shape (contacts,), or None
        Distance from each contact's node to the end of the model; None likewise.
    """

    positions: np.ndarray
    bonds: np.ndarray
    contacts: np.ndarray
    lead_directions: np.ndarray
    size: np.ndarray | None = None
    depth: np.ndarray | None = None


class Saved:
    """What can be written to a file and read by `load`: base of frozen dataclasses declared by `fields.quantity`."""

    # Of every subclass.
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    units: str

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        joins(cls)

    def save(self, path: str | PathLike, group: str = "/") -> None:
        """Write all fields to an HDF5 file, one dataset per array, each with its meaning and unit.

        Parameters
        ----------
        path : path-like
            Without `group` a file that exists is replaced; with it, only that group is. Either way the new file is
            written beside the old one and takes its place when it is complete.
        group : str, optional
            Group of the file, for several results in one: a name that no field and no array in the file has.

        Raises
        ------
        TypeError
            If `path` or `group` is no name, or HDF5 cannot hold a field.
        ValueError
            If the group's name is taken.
        OSError
            If the file cannot be written, or with `group` the old one not read.
        """
        write_record(Record.of(self), path, group)

    def to_xarray(self) -> "Dataset":
        """All fields as an `xarray.Dataset`, with their units and meanings as attributes.

        Returns
        -------
        xarray.Dataset
            With the dimensions ``site``, ``lead``, ``hopping``, or ``x`` in the kinetic theory. Its methods
            ``to_netcdf`` and ``to_zarr`` write what xarray opens without this package.
        """
        from ..store.dataset import dataset_of  # xarray is slow to import

        return dataset_of(ONE_POINT, [Record.of(self)])


class Result(Saved, ABC):
    """Currents between reservoirs, and heat along wires; base of `SteadyState` and `KineticState`.

    Subclasses are frozen dataclasses whose fields are declared by `fields.quantity`. What pictures and analysis need
    of them is declared here.
    """

    current: np.ndarray
    energy_current: np.ndarray
    reservoir_mu: np.ndarray
    reservoir_temperature: np.ndarray
    bath_temperature: np.ndarray | float
    potential: np.ndarray
    power: np.ndarray
    mu: np.ndarray
    electron_mu: np.ndarray | None
    electron_temperature: np.ndarray | None
    bath_power: np.ndarray | None
    bath_temperatures: np.ndarray | None
    error: float
    gross_current: float | None
    gross_energy_current: float | None
    thermal_resolution: float | None

    # What `power` counts for, and whether `along` averages over standing waves.
    power_per: ClassVar[str]
    averages: ClassVar[bool]
    # Whether the slope of `mu` is the force behind the current: not that of a weak probe, with microscopic phonons.
    has_bath_mu: ClassVar[bool] = True

    def _of_node(self, power: np.ndarray) -> np.ndarray:
        """Power of each site or node, of what `power_per` says."""
        return power

    @property
    def heat(self) -> np.ndarray:
        """Power of each site or node, not per length."""
        return self._of_node(self.power)

    @property
    def local_mu(self) -> np.ndarray:
        """Chemical potential `mu`; where no phonons couple, that of the electrons among themselves if there is one."""
        if self.electron_mu is None or np.all(np.isnan(self.electron_mu)):
            return self.mu
        return np.where(np.isnan(self.mu), self.electron_mu, self.mu)

    @property
    @abstractmethod
    def graph(self) -> Graph:
        """Places of the nodes, their neighbours, and where the leads are."""

    @property
    def lead_heat(self) -> np.ndarray:
        """Heat that the electrons carry out into each lead: -(energy current - mu current), shape (leads,)."""
        return self.reservoir_mu * self.current - self.energy_current

    @property
    @abstractmethod
    def coordinate(self) -> np.ndarray:
        """Coordinate of each site or node along the wires."""

    @property
    @abstractmethod
    def wires(self) -> int:
        """Number of wires."""

    @property
    def is_line(self) -> bool:
        """Whether the wires lie on a line along one coordinate."""
        return True

    def check_wire(self, wire: int) -> None:
        """Raise ValueError unless there is a wire of this number."""
        if not is_whole(wire) or wire not in range(self.wires):
            raise ValueError(f"wire must be a wire's number, from 0 on; this state has {self.wires} "
                             f"wire{'s' * (self.wires != 1)}, got {shortened(wire)}.")

    @abstractmethod
    def along(self, wire: int, window: float | None = None) -> Profile:
        """Curves along a wire.

        Parameters
        ----------
        wire : int
        window : float, optional
            Length to average over, on a lattice; by default the longest Fermi wavelength of the leads.
        """

    @abstractmethod
    def points(self, wire: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Positions, power, mu and potential of each site or node of a wire, ordered along it."""

    @abstractmethod
    def from_scatterer(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Distance from the scatterer between two wires, and mu there; the wire of lead 0 first."""

    @property
    @abstractmethod
    def flow(self) -> float:
        """Current between two leads, in the direction of growing x."""

    @property
    def particle_residual(self) -> float:
        """Sum of the currents, 0 if particles are conserved, over the largest; at least `gross_current`.

        In files of earlier versions, where heat flows without particles: over the largest heat current divided by
        k_B T.
        """
        heat = self.energy_current - self.reservoir_mu * self.current
        boltzmann = BOLTZMANN_EV if self.units == "SI" else 1.0
        largest = max(np.abs(self.current).max(), self.gross_current or 0.0,
                      np.abs(heat).max() / (boltzmann * self.reservoir_temperature.max()))
        return _ratio(self.current.sum(), largest)

    @property
    def energy_residual(self) -> float:
        """Energy currents less the power, over the largest or `gross_energy_current`: 0 if energy is conserved."""
        largest = max(np.abs(self.energy_current).max(), self.gross_energy_current or 0.0)
        return _ratio(self.energy_current.sum() - self.heat.sum(), largest)

    @property
    def _sinks(self) -> tuple[np.ndarray, np.ndarray | float | None]:
        """Power that sites or nodes give to what takes heat, of several baths to each; and the temperature there."""
        if self.bath_power is None:
            return self.heat, self.bath_temperature
        return self._of_node(self.bath_power), self.bath_temperatures

    @property
    def entropy_production(self) -> float:
        """Entropy that phonons and reservoirs gain per unit time; not negative (second law)."""
        heat = self.energy_current - self.reservoir_mu * self.current
        power, temperature = self._sinks
        # Without phonons their temperature is nan.
        to_phonons = np.where(power == 0, 0.0, power / temperature).sum()
        return float(to_phonons - (heat / self.reservoir_temperature).sum())

    def to_si(self, energy_unit: float, lattice_constant: float, degeneracy: float = 1.0) -> Self:
        """The same state in SI units.

        Parameters
        ----------
        energy_unit : float
            The model's energy unit E0, in eV.
        lattice_constant : float
            The model's length unit, in m.
        degeneracy : float, optional
            Alike modes that the orbitals do not represent: 2 for the spin, 4 for spin and valley of graphene and
            nanotubes. Currents, power, entropy and density count so many times; potentials and temperatures are theirs.
            With electrostatics the coupling must hold it already.

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
        return dataclasses.replace(self, units="SI",
                                   degeneracy=float(degeneracy),
                                   **in_si(self, Units(energy_unit, lattice_constant, degeneracy)))

    def plot(self, axes: Any = None, *, fields: str | Sequence[str] | None = None, legend: bool = True,
             spots: bool = True) -> "Figure":
        """Draw power and electrochemical potential along the wires.

        With them the electrons' temperature and an electrostatic energy, where there are.

        Parameters
        ----------
        axes : matplotlib axis, or sequence of them, optional
            Where to draw, an axis for each field; by default a new figure. With fewer axes than there are fields by
            default the first ones are drawn: one axis shows the power.
        fields : str or sequence of str, optional
            What to draw instead: names of fields with a value for each node.
        legend : bool, optional
            Name curves and spots.
        spots : bool, optional
            Mark heat and cold spots, white ones at ends, see `heat_spots`.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        TypeError
            If `axes` are none.
        ValueError
            If `axes` do not fit, or there is no such field.
        """
        for name, flag in (("legend", legend), ("spots", spots)):
            check_flag(name, flag)
        from ..plots.profiles import profile  # matplotlib is slow to import

        return profile(self, axes, fields=fields, legend=legend, spots=spots)

    def _repr_html_(self) -> str:
        from .as_html import as_html

        return as_html(self)

    def __repr__(self):
        currents = ", ".join(f"{value:.4g}" for value in self.current)
        ratio = "" if self.thermal_resolution is None else f"k_B T / gamma {self.thermal_resolution:.2g}, "
        return (f"<{type(self).__name__}: {len(self.power)} {self.power_per}s, current [{currents}], "
                f"power {self.heat.sum():.4g}, {ratio}error {self.error:.1e}, units {self.units}>")


def _ratio(numerator, denominator):
    return float(numerator / denominator) if denominator else 0.0
