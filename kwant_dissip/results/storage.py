"""Results as HDF5, readable by anything that reads HDF5."""

import dataclasses

import h5py
import numpy as np

from .fields import unit

_PREFIX = "kwant_dissip."


def write_result(result, path, group):
    """Write a result into an HDF5 file: arrays as datasets with meaning and unit, all else as attributes.

    Parameters
    ----------
    result : dataclass
        With fields declared by `fields.quantity`, None is left out.
    path : path-like
    group : str
        "/" replaces the whole file.
    """
    with h5py.File(path, "w" if group == "/" else "a") as file:
        if group in file and group != "/":
            del file[group]
        place = file.require_group(group)
        place.attrs["format"] = _PREFIX + type(result).__name__
        for field in dataclasses.fields(result):
            value = getattr(result, field.name)
            if isinstance(value, np.ndarray):
                dataset = place.create_dataset(field.name, data=value)
                dataset.attrs["description"] = field.metadata["meaning"]
                dataset.attrs["unit"] = unit(field, result.units == "SI")
            elif value is not None:
                place.attrs[field.name] = value


def read_fields(group):
    """Read what `write_result` wrote: the name of the class, and a dict of arrays and Python scalars.

    Raises
    ------
    ValueError
        If the group holds something else.
    """
    kind = str(group.attrs.get("format", ""))
    if not kind.startswith(_PREFIX):
        raise ValueError(f"{group.file.filename}, group {group.name!r}, does not hold a result of kwant_dissip.")
    fields = {name: dataset[()] for name, dataset in group.items() if isinstance(dataset, h5py.Dataset)}
    for name, value in group.attrs.items():
        if name != "format":
            fields[name] = value.item() if isinstance(value, np.generic) else value
    return kind.removeprefix(_PREFIX), fields
