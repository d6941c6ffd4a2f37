"""What `self_heating` returns."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..notebook import html
from .lattice_state import SteadyState
from .temperature_field import TemperatureField

State = TypeVar("State", bound=SteadyState)


@dataclass(frozen=True, eq=False)
class SelfHeating(Generic[State]):
    """Electrons and phonons that agree on the phonons' temperature.

    Attributes
    ----------
    state : SteadyState
        With the bath at `field.temperature`, up to `error`.
    field : TemperatureField
        From the power of `state`.
    passes : int
        How often the electrons were solved for.
    error : float
        Largest difference of the bath's and the phonons' temperature, over the largest excess of either.
    """

    state: State
    field: TemperatureField
    passes: int
    error: float

    @property
    def power_in(self) -> float:
        """Work of the batteries, sum of mu times current, W."""
        return float((self.state.reservoir_mu * self.state.current).sum())

    @property
    def heat_out(self) -> float:
        """Heat to the substrate, through the phonons' ends, and what electrons carry into the leads, W."""
        leads = 0.0 if self.field.heat_at_ends else self.field.lead_heat.sum()
        return float(self.field.to_substrate.sum() + self.field.through_ends.sum() + leads)

    def _repr_html_(self) -> str:
        rows = {"passes": f"{self.passes}", "relative error": f"{self.error:.1e}"}
        return html("SelfHeating", rows) + self.field._repr_html_() + self.state._repr_html_()

    def __repr__(self):
        return f"<SelfHeating: {self.passes} passes, error {self.error:.1e}, {self.field!r}, {self.state!r}>"
