"""What `thermal_image` returns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from ..notebook import html
from ..store.fields import documented, quantity
from .result import Saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@documented
@dataclass(frozen=True, eq=False, repr=False)
class ThermalImage(Saved):
    """Readings of a tip: axes in nm, values in K."""

    x: np.ndarray = quantity("Positions along the first coordinate", "nanometres", ("column",))
    y: np.ndarray = quantity("Positions along the second one", "nanometres", ("row",))
    values: np.ndarray = quantity("Temperature less that of the substrate, as the tip sees it", "temperature",
                                  ("row", "column"))
    substrate_temperature: float = quantity("Temperature of the substrate", "temperature")
    tip_width: float = quantity("What the tip resolves when it touches", "nanometres")
    tip_height: float = quantity("Its height", "nanometres")
    resolution: float = quantity("What it resolves at that height", "nanometres")
    noise: float = quantity("Standard deviation of the noise", "temperature")
    dimensions: int = quantity("Of the sample: 1 for wires, 2 for a sheet")
    outline: np.ndarray = quantity("Ends of the pieces of its outline", "nanometres", ("piece", "2", "2"))
    seed: int | None = quantity("Of the noise; None without", default=None)
    units: str = quantity('"SI"', default="SI")

    @property
    def is_line(self) -> bool:
        """Whether it is a scan line."""
        return 1 in self.values.shape

    @property
    def line(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions along a scan line (nm) and the values there (K), shape (points,).

        Raises
        ------
        ValueError
            If the image is a raster.
        """
        if not self.is_line:
            raise ValueError(f"This ThermalImage is a raster of {len(self.x)} x {len(self.y)} points, no scan line.")
        return (self.x if len(self.y) == 1 else self.y), self.values.ravel()

    def plot(self, axis: "Axes | None" = None) -> "Figure":
        """Draw it: a curve, or a map with the outline of the sample and a scale bar.

        Parameters
        ----------
        axis : matplotlib axis, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ..plots import temperatures  # matplotlib is slow to import

        return cast("Figure", temperatures.image(self, axis))

    def _repr_html_(self) -> str:
        rows = {"points": f"{len(self.x)} x {len(self.y)}",
                "above the substrate": f"{self.values.min():.4g} to {self.values.max():.4g} K",
                "substrate": f"{self.substrate_temperature:g} K", "resolution": f"{self.resolution:.4g} nm",
                "noise": f"{self.noise:.2g} K"}
        return html("ThermalImage", rows, self.plot)

    def __repr__(self):
        return (f"<ThermalImage: {len(self.x)} x {len(self.y)} points, {self.values.min():.4g} to "
                f"{self.values.max():.4g} K above {self.substrate_temperature:g} K, resolution {self.resolution:.4g} "
                f"nm, noise {self.noise:.2g} K>")
