"""What `temperature` returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..notebook import html
from ..store.fields import documented, quantity
from .result import Saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SITE, _LEAD = ("site",), ("lead",)


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
