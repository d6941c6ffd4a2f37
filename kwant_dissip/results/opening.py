"""Opening the folder of a sweep, and the states in its dataset."""

from os import PathLike

import xarray as xr

from ..store.dataset import OF_RESULT, about_points, free
from ..store.folder import SweepFolder
from ..store.opening import open_points
from ..store.record import Record
from .result import Result


def open_sweep(folder: str | PathLike) -> xr.Dataset:
    """The results in the folder of a `sweep`, at any time: also while it runs, or after it was killed.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    xarray.Dataset
        As of `sweep`, with all points that the folder was ever asked for. Fields are read, and compared with their
        checksums, when they are used: where a file is damaged an OSError names it. `sweep` computes such points again.

    Raises
    ------
    TypeError
        If `folder` is no name.
    OSError
        If the folder holds no sweep, or its sweep.json is damaged.

    Warns
    -----
    UserWarning
        Of points that count as missing, as their files are empty, or damaged as far as is seen before they are read.
    """
    return open_points(SweepFolder(folder))


def result_of(point: xr.Dataset) -> Result | None:
    """The state that a dataset of one point is of; None where it is not finished.

    Raises
    ------
    ValueError
        If it is not that of a state, or fields were left out.
    """
    finished, result = about_points(point, "finished"), about_points(point, "result")
    if finished is not None and not finished:
        return None
    kind = point.attrs.get("kind", "")
    if result is not None:
        found = result.item().load()
    else:
        fields = {}
        for name in Record(kind, {}).declared:
            stored = free(name, set(point.coords)) if OF_RESULT + name in point else name
            if stored in point:
                value = point[stored].values
                fields[name] = value if value.ndim else value.item()
        fields["units"] = point.attrs.get("result_units", "model")
        found = Record(kind, fields).load()
    if not isinstance(found, Result):
        raise ValueError("The points are no states, or only some of their fields were kept.")
    return found
