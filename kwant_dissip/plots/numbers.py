"""The numbers behind a picture, kept in its file: so that what is shipped can be compared with what is drawn now."""

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from PIL import Image

_KEY = "Data"
# Numbers kept of each curve or map, and their digits.
_KEPT, _DIGITS = 24, 5
# Differences that count, over the largest number of a curve or map.
_TOLERANCE = 5e-3


def numbers_of(figure: Figure) -> list[list[float]]:
    """Some numbers of every curve, map and image, in the order in which they were drawn.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    list of lists of float
        Of each at most 24: how many there are, their mean, and some of them, to five digits.
    """
    found = []
    for axis in figure.axes:
        for artist in axis.get_children():
            if isinstance(artist, Line2D):
                arrays = [np.asarray(array, float) for array in artist.get_data()]
            elif isinstance(artist, Collection | AxesImage) and artist.get_array() is not None:
                arrays = [np.ma.filled(np.ma.asarray(artist.get_array(), float), np.nan)]
            else:
                continue
            found += [_some(array.ravel()) for array in arrays if array.size > 2]
    return found


def _some(array):
    known = array[np.isfinite(array)]
    if not len(known):
        return [float(len(array))]
    chosen = known[np.linspace(0, len(known) - 1, min(len(known), _KEPT - 2)).round().astype(int)]
    return [float(len(array)), *(float(f"{value:.{_DIGITS}g}") for value in (known.mean(), *chosen))]


def save(figure: Figure, path: str | PathLike, **options: Any) -> None:
    """Save a picture; a PNG file with the numbers behind it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like
    **options
        Of `Figure.savefig`.
    """
    if Path(path).suffix == ".png":
        options["metadata"] = {_KEY: json.dumps(numbers_of(figure))}
    figure.savefig(path, **options)


def read(path: str | PathLike) -> list[list[float]]:
    """The numbers that a PNG file was saved with.

    Raises
    ------
    ValueError
        If there are none.
    """
    with Image.open(path) as image:
        text = image.info.get(_KEY)
    if text is None:
        raise ValueError(f"{path} does not hold the numbers behind it: draw it again.")
    return json.loads(text)


def difference(one: list[list[float]], other: list[list[float]]) -> str | None:
    """How the numbers of two pictures differ; None if they do not."""
    if len(one) != len(other):
        return f"{len(one)} curves and maps, not {len(other)}"
    for number, (first, second) in enumerate(zip(one, other, strict=True)):
        if len(first) != len(second) or first[0] != second[0]:
            return f"curve or map {number} has {first[0]:g} numbers, not {second[0]:g}"
        a, b = np.array(first[1:]), np.array(second[1:])
        off = np.abs(a - b).max(initial=0.0)
        largest = np.abs([a, b]).max(initial=0.0)
        if off > _TOLERANCE * largest:
            return f"curve or map {number} is off by {off / largest:.1e} of its largest number"
    return None
