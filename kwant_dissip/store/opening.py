"""Opening the folder of a sweep as an `xarray.Dataset`."""

import warnings
from os import PathLike

import xarray as xr
from xarray.backends import BackendEntrypoint

from ..results.result import Result
from .dataset import OF_RESULT, about_points, dataset_of, free
from .folder import SweepFolder
from .loading import declared_of, rebuilt_if_whole
from .plan import Plan, key

# Where the file with a point's error is damaged.
LOST = "the file that says what went wrong is damaged"


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


def open_points(folder: SweepFolder, plan: Plan | None = None) -> xr.Dataset:
    """The results of a plan, by default of all points, in a folder."""
    # xarray's own way to read lazily, and only once.
    return xr.open_dataset(folder.path, engine=_Folder, plan=plan)


class _Folder(BackendEntrypoint):
    """How xarray opens a folder of points."""

    open_dataset_parameters = ("filename_or_obj", "drop_variables", "plan")

    def open_dataset(self, filename_or_obj, *, drop_variables=None, plan=None):
        folder = SweepFolder(filename_or_obj)
        plan = folder.plan if plan is None else plan
        keys = [key(point) for point in plan]
        finished, failed = folder.points.finished(), folder.points.failed()
        dataset = dataset_of(plan, _readable([finished.get(name) for name in keys]),
                             {i: failed[name] or LOST for i, name in enumerate(keys) if name in failed},
                             sweep=folder.about["name"])
        return dataset.drop_vars(drop_variables or [])


def _readable(points):
    """The points without those whose files are empty, or damaged as far as one looks now: they count as missing."""
    damaged, forms, result = [], set(), []
    for point in points:
        damage = None
        if point is not None and (point.form not in forms or not point.path.stat().st_size):
            damage = point.damage()
            if damage is None:
                forms.add(point.form)
            else:
                damaged.append(damage)
        result.append(point if damage is None else None)
    if damaged:
        warnings.warn(f"{len(damaged)} of {len(points)} points are damaged and count as missing; sweep computes them "
                      f"again: {'; '.join(damaged)}", UserWarning, stacklevel=5)
    return result


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
        fields = found if isinstance(found, dict) else None
    else:
        found, fields = None, {}
        for name in declared_of(kind, {}):
            stored = free(name, set(point.coords)) if OF_RESULT + name in point else name
            if stored in point:
                value = point[stored].values
                fields[name] = value if value.ndim else value.item()
        fields["units"] = point.attrs.get("result_units", "model")
    found = found if fields is None else rebuilt_if_whole(kind, fields)
    if not isinstance(found, Result):
        raise ValueError("The points are no states, or only some of their fields were kept.")
    return found
