"""Reading saved results."""

import dataclasses
from importlib import import_module
from os import PathLike

from .result import Saved
from .storage import PACKAGE_VERSION, opened, read_fields

# Where each kind of result is declared, also on floors above this one: imported when a file holds one.
_HOMES = {"SteadyState": "kwant_dissip.results.lattice_state", "PhononState": "kwant_dissip.results.phonon_state",
          "KineticState": "kwant_dissip.kinetic.state", "TemperatureField": "kwant_dissip.thermal.field",
          "ThermalImage": "kwant_dissip.thermal.image"}


def load(path: str | PathLike, group: str = "/") -> Saved:
    """Read a result that its method ``save`` wrote, bit for bit the same.

    Parameters
    ----------
    path : path-like
    group : str, optional
        Group of the file.

    Returns
    -------
    SteadyState, PhononState, KineticState, TemperatureField or ThermalImage

    Raises
    ------
    TypeError
        If `path` or `group` is no name.
    OSError
        If the file cannot be read: it does not exist, is not HDF5, is cut short or damaged.
    KeyError
        If the file has no such group.
    ValueError
        If the group holds something else, or a result without fields that this version of the package needs. Fields
        that this version does not know are ignored.
    """
    with opened(path) as file:
        kind, version, fields = read_fields(file, group)
    written = f"{path}, group {group!r}, was written by kwant_dissip {version}"
    if kind not in _HOMES:
        raise ValueError(f"{written} and holds a {kind}, which this version, {PACKAGE_VERSION}, does not know.")
    cls = getattr(import_module(_HOMES[kind]), kind)
    declared = dataclasses.fields(cls)
    missing = [field.name for field in declared if field.name not in fields and field.default is dataclasses.MISSING]
    if missing:
        raise ValueError(f"{written}, without the fields of a {kind} that this version, {PACKAGE_VERSION}, needs: "
                         f"{', '.join(missing)}.")
    return cls(**{field.name: fields[field.name] for field in declared if field.name in fields})
