"""`temperature`: where phonons are how hot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..notebook import html
from ..numerics.checks import check_flag
from ..results.fields import documented, quantity
from ..results.result import Result, Saved
from .cells import Cells, cells_of
from .conductances import Thermal
from .heat_equation import Flow, HeatEquation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SITE, _LEAD = ("site",), ("lead",)


def temperature(state: Result, thermal: Thermal, *, heat_at_ends: bool = False) -> "TemperatureField":
    r"""Temperature of the phonons from the power that they receive.

    Solves the steady heat equation on the sites (nodes in the kinetic theory),

    .. math:: \sum_j k_{ij} (T_i - T_j) + \mathrm{size}_i \int_{T_\mathrm{substrate}}^{T_i}\! g\,dT = p_i,

    with k_ij the conductivity times the cross section of the way to a neighbour over its length.

    Parameters
    ----------
    state : SteadyState or KineticState
        In SI units, see `SteadyState.to_si`.
    thermal : Thermal
        Conductivity, coupling to the substrate, its temperature, and what is beyond the ends.
    heat_at_ends : bool, optional
        Let the heat that electrons carry into the leads, `state.lead_heat`, go to the phonons at the ends of the
        model. By default it leaves; where in the leads it is given off is not known.

    Returns
    -------
    TemperatureField

    Raises
    ------
    TypeError
        If `state` or `thermal` is none, or `heat_at_ends` neither True nor False.
    ValueError
        If the state is in model units, its sites form neither wires nor a sheet, numbers do not fit to the sites, a
        piece of the sample has no way to lose heat, or would be cooled below 0 K.
    ConvergenceError
        If conductances that depend on the temperature let no steady state be found.

    Notes
    -----
    In a plane a system of more than 9 hoppings for 8 sites is a sheet, of which each site has its Voronoi cell (where
    the lattice goes on beyond the edges); any other one is a net of wires, of which each site has half of its hoppings.
    The model ends half a lattice constant beyond the last site. Phonons pass the scatterer: a contact that is poor for
    phonons, too, needs a conductivity of its own there.

    The power is that for phonons at the bath's temperature; where it is not close to the one that comes out,
    `self_heating` makes both agree.
    """
    equation = equation_of(state, thermal, heat_at_ends=heat_at_ends)
    return field_of(state, equation.solve(), equation.cells, thermal, heat_at_ends=heat_at_ends)


def equation_of(state: Result, thermal: Thermal, *, heat_at_ends: bool) -> HeatEquation:
    """The heat equation of a state, arguments as of `temperature`."""
    if not isinstance(state, Result):
        raise TypeError(f"state must be a SteadyState or a KineticState, got {type(state).__name__}.")
    if not isinstance(thermal, Thermal):
        raise TypeError(f"thermal must be a Thermal, got {type(thermal).__name__}.")
    check_flag("heat_at_ends", heat_at_ends)
    if state.units != "SI":
        raise ValueError(f"This {type(state).__name__} is in the model's units; temperatures need SI: convert it with "
                         "state.to_si(energy_unit=..., lattice_constant=...), in eV and m.")
    return HeatEquation(cells_of(state.graph), thermal, state.heat,
                        state.lead_heat if heat_at_ends else np.zeros_like(state.lead_heat))


def field_of(state: Result, flow: Flow, cells: Cells, thermal: Thermal, *, heat_at_ends: bool) -> "TemperatureField":
    """What a solution of that equation means."""
    return TemperatureField(
        excess=flow.excess, substrate_temperature=thermal.substrate_temperature, heat=state.heat,
        to_substrate=flow.to_substrate, through_ends=flow.through_ends, lead_heat=state.lead_heat,
        heat_at_ends=bool(heat_at_ends), positions=state.graph.positions, size=cells.size, dimensions=cells.dimensions,
        links=cells.links, outline=cells.outline, error=flow.residual, newton_steps=flow.steps)


@documented
@dataclass(frozen=True, eq=False, repr=False)
class TemperatureField(Saved):
    """Temperature of the phonons, and where their heat goes; in SI.

    Arrays over sites are in the order of the state's sites or nodes; `temperature` is that of each site, in K.
    """

    excess: np.ndarray = quantity("Temperature of each site less that of the substrate", "temperature", _SITE)
    substrate_temperature: float = quantity("Temperature of the substrate", "temperature")
    heat: np.ndarray = quantity("Power that each site receives from the electrons", "power", _SITE)
    to_substrate: np.ndarray = quantity("Heat per time that it gives to the substrate", "power", _SITE)
    through_ends: np.ndarray = quantity("Heat per time that leaves through the phonons beyond each lead's end", "power",
                                        _LEAD)
    lead_heat: np.ndarray = quantity(
        "Heat per time that the electrons carry into each lead: -(energy current - mu current)", "power", _LEAD)
    heat_at_ends: bool = quantity("Whether the phonons receive that, too, at the ends")
    positions: np.ndarray = quantity("Positions of the sites", "length", ("site", "dimension"))
    size: np.ndarray = quantity("Length (in a sheet: area) that each site stands for", "size", _SITE)
    dimensions: int = quantity("1 for wires, 2 for a sheet")
    links: np.ndarray = quantity("Pairs of sites between which heat flows", dimensions=("link", "2"))
    outline: np.ndarray = quantity("Ends of the pieces of the wires, or of the sheet's edges, for pictures", "length",
                                   ("piece", "2", "2"))
    error: float = quantity("Heat that gets lost by rounding, over all that flows")
    newton_steps: int = quantity("Newton steps")
    units: str = quantity('"SI"', default="SI")

    @property
    def temperature(self) -> np.ndarray:
        """Temperature of each site in K, shape (sites,)."""
        return self.substrate_temperature + self.excess

    @property
    def total_heat(self) -> float:
        """Power that the phonons receive in all, W: what goes `to_substrate` and `through_ends`."""
        return float(self.heat.sum() + (self.lead_heat.sum() if self.heat_at_ends else 0.0))

    def plot(self, axes: Any = None, *, fields: str | Sequence[str] | None = None, cmap: Any = None) -> "Figure":
        """Draw the temperature less the substrate's, and the power: along wires, or as maps of a network or a sheet.

        Parameters
        ----------
        axes : matplotlib axis, or sequence of them, optional
            Where to draw, an axis for each field; by default a new figure. One axis shows the temperature.
        fields : str or sequence of str, optional
            "excess", "temperature", "heat", "to_substrate": by default the first and the third.
        cmap : str or matplotlib colour map, optional
            Of maps.

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
        from ..plots import temperatures  # matplotlib is slow to import

        return cast("Figure", temperatures.field(self, axes, fields=fields, cmap=cmap))

    def _repr_html_(self) -> str:
        rows = {"sites": f"{len(self.excess)}",
                "above the substrate": f"{self.excess.min():.4g} to {self.excess.max():.4g} K",
                "substrate": f"{self.substrate_temperature:g} K",
                "power to the phonons": f"{self.total_heat:.4g} W",
                "from there to the substrate": f"{self.to_substrate.sum():.4g} W",
                "through the ends": f"{self.through_ends.sum():.4g} W", "relative error": f"{self.error:.1e}"}
        return html("TemperatureField", rows, self.plot)

    def __repr__(self):
        return (f"<TemperatureField: {len(self.excess)} sites, {self.excess.min():.4g} to {self.excess.max():.4g} K "
                f"above {self.substrate_temperature:g} K, {self.total_heat:.4g} W: {self.to_substrate.sum():.4g} to "
                f"the substrate, {self.through_ends.sum():.4g} through the ends, error {self.error:.1e}>")
