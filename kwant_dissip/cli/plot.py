"""``kwant-dissip plot``."""

import argparse
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.backend_bases import FigureCanvasBase

from ..analysis.spots import heat_spots
from ..errors import heed_interrupt
from ..plots.sweeps import Row, draw
from ..results.loading import load
from ..results.opening import open_sweep, result_of
from ..store.paths import check_writable
from .options import literal


def run(options: argparse.Namespace) -> None:
    """Draw a state, or heat and spots of a sweep, into a picture file."""
    path = Path(options.path)
    out = options.out or f"{path.resolve().name}.png"
    check_writable(out)
    check_picture("--out", out)
    found = _opened(path)
    figure = _of_sweep(found, options) if isinstance(found, xr.Dataset) else found.plot()
    figure.savefig(out, dpi=200)
    print(out)


def check_picture(option: str, path: str) -> None:
    """Raise ValueError unless matplotlib draws what the ending of a file says."""
    known, ending = sorted(FigureCanvasBase.get_supported_filetypes()), Path(path).suffix[1:].lower()
    if ending not in ("", *known):  # matplotlib's own choice if there is none
        raise ValueError(f"{option} {path}: pictures can be {', '.join(known)}, not {ending}.")


def _opened(path):
    """A state, or the dataset of a sweep."""
    if (path / "sweep.json").exists():
        return open_sweep(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} cannot be read: there is no such file or folder.")
    if not path.is_file() and not path.is_dir():
        raise OSError(f"{path} cannot be read: it is neither a file nor a folder.")
    if path.is_file():
        try:
            found = load(path)
        except ValueError as error:  # not a result; perhaps a dataset
            if "does not hold a result" not in str(error) or "the file holds results in" in str(error):
                raise
        else:
            if isinstance(found, dict):
                raise ValueError(f"{path} holds numbers, not a state.")
            return found
    try:
        return xr.open_dataset(path)
    except Exception as error:  # of any of xarray's readers
        heed_interrupt(error)
        raise ValueError(f"{path} holds neither a state nor a sweep: {error}") from error


def _of_sweep(dataset, options):
    names = [name for name in dataset.dims if name in dataset.indexes]
    varied = [name for name in names if dataset.sizes[name] > 1 and name != "x"]
    along = options.along or next(iter(varied), None)
    if not names:
        raise ValueError(f"{options.path} is a dataset without swept parameters: nothing to draw against.")
    if along is None or along not in names:
        raise ValueError(f"--along must be a parameter of the sweep, one of {', '.join(varied)}, got {along!r}.")
    if not all(dataset.sizes.values()):
        raise ValueError(f"{options.path} is a dataset without points.")
    if dataset[along].dtype.kind not in "biuf":
        raise ValueError(f"--along must be a parameter with numbers, and {along!r} has text.")
    places = {name: dataset[name].values[0] for name in names if name not in (along, "x")}
    for text in options.at:
        name, _, value = text.partition("=")
        if name not in places:
            raise ValueError(f"--at takes NAME=VALUE of a parameter, one of {', '.join(places) or 'none'}, got "
                             f"{text!r}.")
        places[name] = _nearest(dataset[name].values, text, value)
    row = dataset.sel(places).sortby(along)
    states = [(float(value), result_of(row.sel({along: value}))) for value in row[along].values]
    rows = [Row(value, _curves(state), heat_spots(state)) for value, state in states if state is not None]
    if not rows:
        raise ValueError(f"{options.path}: no point there is finished.")
    title = ", ".join(f"{name} = {value if isinstance(value, str) else format(value, 'g')} {_unit(dataset[name])}"
                      .strip() for name, value in places.items())
    return draw(rows, along, states[0][1] or next(state for _, state in states if state is not None), title,
                _unit(dataset[along]))


def _unit(parameter):
    """As pictures have it; empty where none is given."""
    unit = str(parameter.attrs.get("units", ""))
    return "$E_0$" if unit == "E0" else unit


def _nearest(values, text, value):
    """The value of a parameter that ``--at`` means: the nearest number, or the same text."""
    if values.dtype.kind not in "biuf":
        if value not in values:
            raise ValueError(f"--at takes NAME=VALUE, one of {', '.join(map(str, values))}, got {text!r}.")
        return value
    try:
        number = float(literal(value))
    except (OverflowError, TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"--at takes NAME=VALUE, a finite number, got {text[:80]!r}.")
    return values[np.argmin(np.abs(values - number))].item()


def _curves(state):
    """Positions and power of each wire; in planes and solids sums over the cross sections.

    Wires that are shorter than what they are averaged over are drawn site by site.
    """
    curves = [state.along(wire) for wire in range(state.wires)] if state.is_line else []
    if any(len(curve.x) > 1 for curve in curves):
        return [(curve.x, curve.power) for curve in curves if len(curve.x) > 1]
    x, section = np.unique(np.round(state.coordinate, 9), return_inverse=True)
    return [(x, np.bincount(section, state.power))]
