"""`thermal_image`: a temperature field as a tip scans it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.spatial.distance import cdist

from ..notebook import html
from ..numerics.checks import is_whole, real_array, shortened
from ..progress import count_bar
from ..results.fields import documented, quantity
from ..results.result import Saved
from .cells import in_plane
from .field import TemperatureField
from .tip import ELEMENTS, Tip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NM = 1e9
# Points of a scan for one width of the tip, and most of them along an axis, where nothing else is asked for.
_POINTS, _MOST = 4, 400
# Nearer to the end of a wire, in resolutions, the reading is too low by more than 2e-4.
_BLIND = 1.5
# Distances worked on at a time.
_BATCH = 4_000_000
# What files hold of a seed.
_SEEDS = 2 ** 63
# Pieces of a sample, of some 100 bytes each.
_PIECES = 20_000_000


def thermal_image(field: TemperatureField, tip: Tip, *, x: float | Sequence[float] | np.ndarray | None = None,
                  y: float | Sequence[float] | np.ndarray | None = None, seed: int | None = None) -> "ThermalImage":
    """What a tip sees of a temperature field along a line, or on a raster.

    The temperature less that of the substrate, averaged with the tip's weights; points are anywhere.

    Parameters
    ----------
    field : TemperatureField
    tip : Tip
    x, y : float or sequence of float, optional
        Where the tip is, m, along the first and second coordinate in which the sample extends. One of them as a number:
        a scan line. Both as sequences: a raster of all pairs. By default from end to end, of
        a wire less 1.5 resolutions of the tip; y = 0 along a straight wire.
    seed : int, optional
        Of the noise, 0 or more; by default a new one, which the image tells.

    Returns
    -------
    ThermalImage

    Raises
    ------
    TypeError
        If `field` or `tip` is none, or `seed` no whole number.
    ValueError
        If there are fewer than two points along a scan line or an axis of a raster, a position is not finite, or the
        sample extends in three directions.

    Notes
    -----
    Between the sites of a wire the temperature is linear, in each cell of a sheet constant. What lies beyond the
    ends of the model is not seen: next to them, within the width of the tip, wires look colder than they are.
    """
    if not isinstance(field, TemperatureField):
        raise TypeError(f"field must be a TemperatureField, see temperature, got {type(field).__name__}.")
    if not isinstance(tip, Tip):
        raise TypeError(f"tip must be a Tip, got {type(tip).__name__}.")
    if np.count_nonzero(np.ptp(field.positions, axis=0)) > 2:
        raise ValueError("A tip scans a plane; the sites of this field extend in three directions.")
    plane = in_plane(field.positions)
    if y is None and not np.any(plane[:, 1]):
        y = 0.0
    axes = [_axis(name, given, plane[:, number], tip, field.dimensions)
            for number, (name, given) in enumerate((("x", x), ("y", y)))]
    if all(np.ndim(axis) == 0 for axis in axes):
        raise ValueError("x and y are one point; a scan line needs two or more along one of them.")
    noise = tip.noise
    if noise and seed is None:
        seed = secrets.randbits(32)
    if seed is not None and not is_whole(seed):
        raise TypeError(f"seed must be a whole number, got {shortened(seed)}.")
    if seed is not None and not 0 <= seed < _SEEDS:
        raise ValueError(f"seed must be 0 or more, and below 2^63, got {shortened(seed)}.")
    columns, rows = map(np.atleast_1d, axes)
    values = _seen(_elements(field, plane, tip), tip, field.dimensions, columns, rows)
    if noise:
        values = values + noise * np.random.default_rng(seed).standard_normal(values.shape)
    return ThermalImage(
        x=_NM * columns, y=_NM * rows, values=values, substrate_temperature=field.substrate_temperature,
        tip_width=_NM * tip.width, tip_height=_NM * tip.height, resolution=_NM * tip.resolution, noise=noise,
        seed=int(seed) if noise and seed is not None else None, dimensions=field.dimensions,
        outline=_NM * field.outline)


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


def _axis(name, given, extent, tip, dimensions):
    """Positions along an axis, or one."""
    if given is None:
        low, high = extent.min(), extent.max()
        if dimensions == 1 and high - low > 4 * _BLIND * tip.resolution:
            low, high = low + _BLIND * tip.resolution, high - _BLIND * tip.resolution
        finest = max(tip.resolution, _POINTS * (high - low) / _MOST)
        count = int(np.clip(np.ceil(_POINTS * (high - low) / finest) + 1, 2, _MOST)) if finest else 2
        return np.linspace(low, high, count)
    what = "a finite number or a sequence of them, in m"
    array = real_array(name, given, what)
    if array.ndim > 1 or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be {what}, got {shortened(given)}.")
    if array.ndim and len(array) < 2:
        raise ValueError(f"{name} must hold at least two positions for a scan line or a raster, or be a number, "
                         f"got {given!r}.")
    return array.astype(float)


def _elements(field, plane, tip):
    """Pieces of the sample: places, sizes, excess temperatures, and lengths."""
    if field.dimensions == 1:
        return _pieces_of_wires(field, plane, tip)
    side = np.sqrt(field.size)
    _check_pieces(side.max(), max(1.0, np.sqrt(_PIECES / len(side))), tip)
    parts = int(max(1, np.ceil(side.max() / tip.element)))
    offset = (np.arange(parts) + 0.5) / parts - 0.5
    shifts = np.stack(np.meshgrid(offset, offset), axis=-1).reshape(-1, 2)
    places = plane[:, None] + side[:, None, None] * shifts
    return (places.reshape(-1, 2), *(np.repeat(values, len(shifts)) for values in (
        field.size / len(shifts), field.excess, side / parts)))


def _check_pieces(length, most, tip):
    """Raise if a length were cut into more pieces than memory is meant for."""
    if length > most * tip.element:
        raise ValueError(f"Tip width must be at least {ELEMENTS * length / most:.2g} m "
                         f"for a sample of this size, which is cut into elements as fine as that, got {tip.width!r}.")


def _pieces_of_wires(field, plane, tip):
    first, second = field.links.T
    length = np.linalg.norm(plane[second] - plane[first], axis=1)
    # What the last sites of a wire stand for beyond themselves: a link to nowhere of one temperature.
    count = np.bincount(field.links.ravel(), minlength=len(plane))
    rest = field.size - 0.5 * np.bincount(field.links.ravel(), np.repeat(length, 2), len(plane))
    from_last = np.concatenate([field.links, field.links[:, ::-1]])
    last, before = from_last[(count[from_last[:, 0]] == 1) & (rest[from_last[:, 0]] > 0)].T
    outward = plane[last] - plane[before]
    beyond = plane[last] + (rest[last] / np.linalg.norm(outward, axis=1))[:, None] * outward
    start, stop = np.concatenate([plane[first], plane[last]]), np.concatenate([plane[second], beyond])
    warm, cool = np.concatenate([field.excess[first], field.excess[last]]), field.excess[np.concatenate([second, last])]
    length = np.concatenate([length, rest[last]])
    _check_pieces(length.sum(), _PIECES, tip)
    parts = np.ceil(length / tip.element).astype(int)
    piece = np.repeat(np.arange(len(length)), parts)
    along = (np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts) + 0.5) / parts[piece]
    size = (length / parts)[piece]
    return (start[piece] + along[:, None] * (stop - start)[piece], size,
            warm[piece] + along * (cool - warm)[piece], size)


def _seen(elements, tip, dimensions, columns, rows):
    """Readings, shape (rows, columns)."""
    places, size, excess, length = elements
    amount = size * excess / tip.norm(dimensions)
    values = np.zeros((len(rows), len(columns)))
    batches = range(0, len(size), max(1, _BATCH // max(len(columns), len(rows))))
    for start in batches if tip.kernel == "gaussian" else ():
        part = slice(start, start + batches.step)
        # A Gaussian of the distance is a product.
        across, along = (tip.weights(np.abs(places[part, i] - axis[:, None]), length[part])
                         for i, axis in ((1, rows), (0, columns)))
        values += (across * amount[part]) @ along.T
    if tip.kernel == "gaussian":
        return values
    points = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    batch = max(1, _BATCH // len(size))
    with count_bar("thermal_image", -(-len(points) // batch), "batches") as progress:
        for start in range(0, len(points), batch):
            part = slice(start, start + batch)
            values.ravel()[part] = tip.weights(cdist(points[part], places), length) @ amount
            progress()
    return values
