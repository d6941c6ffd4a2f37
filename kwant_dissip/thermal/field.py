"""`temperature`: where phonons are how hot."""


import numpy as np

from ..analysis.states import check_state
from ..numerics.checks import check_flag
from ..results.result import Result
from ..results.temperature_field import TemperatureField
from .cells import Cells, cells_of
from .conductances import Thermal
from .heat_equation import Flow, HeatEquation


def temperature(state: Result, thermal: Thermal, *, heat_at_ends: bool = False) -> TemperatureField:
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
    check_state("state must be", state)
    if not isinstance(thermal, Thermal):
        raise TypeError(f"thermal must be a Thermal, got {type(thermal).__name__}.")
    check_flag("heat_at_ends", heat_at_ends)
    if state.units != "SI":
        raise ValueError(f"This {type(state).__name__} is in the model's units; temperatures need SI: convert it with "
                         "state.to_si(energy_unit=..., lattice_constant=...), in eV and m.")
    return HeatEquation(cells_of(state.graph), thermal, state.heat,
                        state.lead_heat if heat_at_ends else np.zeros_like(state.lead_heat))


def field_of(state: Result, flow: Flow, cells: Cells, thermal: Thermal, *, heat_at_ends: bool) -> TemperatureField:
    """What a solution of that equation means."""
    return TemperatureField(
        excess=flow.excess, substrate_temperature=thermal.substrate_temperature, heat=state.heat,
        to_substrate=flow.to_substrate, through_ends=flow.through_ends, lead_heat=state.lead_heat,
        heat_at_ends=bool(heat_at_ends), positions=state.graph.positions, size=cells.size, dimensions=cells.dimensions,
        links=cells.links, outline=cells.outline, error=flow.residual, newton_steps=flow.steps)
