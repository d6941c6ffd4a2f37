"""The folder of a sweep as an `xarray.Dataset` that reads it when it is used."""

import warnings

import xarray as xr
from xarray.backends import BackendEntrypoint

from .dataset import dataset_of
from .folder import SweepFolder
from .plan import Plan, key


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
                             {i: failed[name] for i, name in enumerate(keys) if name in failed},
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
