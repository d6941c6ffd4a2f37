"""What `kinetic.steady_state` returns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..numerics import gauss
from ..numerics.checks import is_whole, shortened
from ..store.fields import documented, quantity
from .result import Graph, Profile, Result

_NODE, _END, _OCCUPATION, _BATH = ("node",), ("2",), ("node", "energy"), ("bath", "node")
# Points per cell between which a curve is drawn.
_POINTS, _MOST_POINTS = 16, 100_000


@documented
@dataclass(frozen=True, eq=False, repr=False)
class KineticState(Result):
    """Heat, potentials and currents along two wires. Units as in `SteadyState`."""

    x: np.ndarray = quantity("Positions, negative in the left wire; the scatterer is at 0", "length", _NODE,
                             is_place=True)
    node_width: np.ndarray = quantity(
        "Length that each node stands for: ``(power * node_width).sum()`` is the power of all", "length", _NODE,
        is_place=True)
    power: np.ndarray = quantity("Power per length that the phonons receive", "power per length", _NODE)
    mu: np.ndarray = quantity("Local electrochemical potential", "energy", _NODE)
    potential: np.ndarray = quantity("Electrostatic energy U(x); zero without electrostatics", "energy", _NODE)
    current: np.ndarray = quantity("Particles that enter from the left and the right reservoir per unit time",
                                   "current", _END)
    energy_current: np.ndarray = quantity("Energy that enters from them per unit time", "power", _END)
    reservoir_mu: np.ndarray = quantity("Electrochemical potential of each reservoir", "energy", _END)
    reservoir_temperature: np.ndarray = quantity("k_B T (SI: T) of each reservoir", "temperature", _END)
    bath_temperature: float = quantity("k_B T (SI: T) of the phonons", "temperature")
    error: float = quantity("Estimated relative error of power and currents, at most rtol")
    rtol: float = quantity("The accuracy asked for")
    newton_steps: int = quantity("Newton steps on the last mesh")
    products: int = quantity("Jacobian products on the last mesh")
    energies: int = quantity("Energies on the last mesh")
    occupation_energies: np.ndarray | None = quantity("Energies of the occupations", "energy", ("energy",),
                                                      default=None)
    occupation_plus: np.ndarray | None = quantity(
        "Occupation f_+ of right movers at those energies, the mean over the open modes", dimensions=_OCCUPATION,
        default=None)
    occupation_minus: np.ndarray | None = quantity("The same of left movers, f_-", dimensions=_OCCUPATION,
                                                   default=None)
    electron_mu: np.ndarray | None = quantity(
        "Electrochemical potential of the electrons among themselves; only with an ElectronBath, as is the next",
        "energy", _NODE, default=None)
    electron_temperature: np.ndarray | None = quantity("The electrons' k_B T_e (SI: T_e)", "temperature", _NODE,
                                                       default=None)
    bath_mu: np.ndarray | None = quantity(
        "Electrochemical potential of each bath of the list, nan of elastic ones; None, as the next two, where there "
        "are no other baths than a PhononBath, an ElectronBath and ElasticBaths", "energy", _BATH, default=None)
    bath_power: np.ndarray | None = quantity("Power per length that each bath receives", "power per length", _BATH,
                                             default=None)
    bath_temperatures: np.ndarray | None = quantity(
        "k_B T (SI: T) at which each bath returns electrons: its own, or as it was found", "temperature", _BATH,
        default=None)
    gross_current: float | None = quantity(
        "What the conservation of particles is measured with: the largest of all leads' Int dE/2pi |i(E)|, which does "
        "not cancel where net currents do; None in files of earlier versions", "current", default=None)
    gross_energy_current: float | None = quantity("The same of energy", "power", default=None)
    degeneracy: float = quantity("How many times each orbital counts: 1 in the model's units, else as given to `to_si`",
                                 default=1.0)
    thermal_resolution: float | None = quantity(
        "Smallest k_B T / gamma of all nodes: gamma of all baths together, at the local mu, T of the phonons (without "
        "them the mean of the reservoirs); rates are meant for values far above 1. None in "
        "files of earlier versions", default=None)
    units: str = quantity('"model", or "SI" after `to_si`', default="model")

    power_per: ClassVar[str] = "length"
    averages: ClassVar[bool] = False

    def _of_node(self, power: np.ndarray) -> np.ndarray:
        return power * self.node_width

    @property
    def graph(self) -> Graph:
        order = np.argsort(self.x)
        ends = order[[0, -1]]
        lengths = [self.node_width[self.nodes_of(wire)].sum() for wire in (0, 1)]
        return Graph(self.x[:, None], np.stack([order[:-1], order[1:]], axis=1), np.stack([[0, 1], ends], axis=1),
                     np.array([[-1.0], [1.0]]), self.node_width, lengths - np.abs(self.x[ends]))

    @property
    def coordinate(self) -> np.ndarray:
        return self.x

    @property
    def wires(self) -> int:
        """Number of wires."""
        return 2

    def nodes_of(self, wire: int) -> np.ndarray:
        """Nodes of the left (0) or right (1) wire, in order: array of int."""
        self.check_wire(wire)
        return np.flatnonzero(self.x < 0 if wire == 0 else self.x > 0)

    def interpolate(self, values: np.ndarray, wire: int, points: int = _POINTS) -> tuple[np.ndarray, np.ndarray]:
        """Values between the nodes of a wire, by the polynomials of the solution.

        Parameters
        ----------
        values : array of float, shape (nodes,)
            For example `power` or `mu`.
        wire : int
        points : int
            Points per cell.

        Returns
        -------
        x, values : arrays
        """
        at, nodes = gauss.lagrange(_between(points)), self.nodes_of(wire)
        return tuple((array[nodes].reshape(-1, gauss.ORDER) @ at).ravel() for array in (self.x, values))

    def derivative(self, values: np.ndarray, wire: int, points: int = _POINTS) -> tuple[np.ndarray, np.ndarray]:
        """Positions as of `interpolate`, and the derivative of values with x there."""
        slope, nodes = gauss.lagrange(_between(points), derivative=1), self.nodes_of(wire)
        values, widths = (array[nodes].reshape(-1, gauss.ORDER) for array in (values, self.node_width))
        return self.interpolate(self.x, wire, points)[0], (values @ slope / widths.sum(axis=1)[:, None]).ravel()

    def along(self, wire: int, window: float | None = None) -> Profile:  # noqa: ARG002 (nothing is averaged)
        """See `Result`; `window` is not used."""
        x, power, mu, potential = (self.interpolate(values, wire)[1]
                                   for values in (self.x, self.power, self.local_mu, self.potential))
        mu_slope, potential_slope = (self.derivative(values, wire)[1] for values in (self.local_mu, self.potential))
        return Profile(x, power, mu, potential, mu_slope, potential_slope, spacing=1.0, resolution=None)

    def points(self, wire: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        nodes = self.nodes_of(wire)
        return self.x[nodes], self.power[nodes], self.local_mu[nodes], self.potential[nodes]

    def from_scatterer(self) -> list[tuple[np.ndarray, np.ndarray]]:
        if np.any(np.isnan(self.local_mu)):
            raise ValueError("The wires have no chemical potential: elastic collisions do not make one. Add a "
                             "PhononBath or an ElectronBath.")
        return [(np.abs(self.x[nodes]), self.local_mu[nodes]) for nodes in map(self.nodes_of, (0, 1))]

    @property
    def flow(self) -> float:
        return 0.5 * float(self.current[0] - self.current[1])


def _between(points: int) -> np.ndarray:
    if not is_whole(points) or not 1 <= points <= _MOST_POINTS:
        raise ValueError(f"points must be a whole number from 1 to {_MOST_POINTS}, got {shortened(points)}.")
    return (np.arange(points) + 0.5) / points
