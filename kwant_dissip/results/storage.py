"""Results as HDF5, readable by anything that reads HDF5."""

import h5py
import numpy as np

_PREFIX = "kwant_dissip."


def write_fields(group, kind, fields, descriptions, si):
    """Write named values into an HDF5 file or group.

    Parameters
    ----------
    group : h5py.Group
    kind : str
        Name of the class whose fields these are.
    fields : dict
        Arrays become datasets, all else attributes; None is left out.
    descriptions : dict
        For each array: its meaning, its unit in the model's units, and in SI.
    si : bool
        Whether the values are in SI.
    """
    group.attrs["format"] = _PREFIX + kind
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            dataset = group.create_dataset(name, data=value)
            meaning, *units = descriptions[name]
            dataset.attrs["description"], dataset.attrs["unit"] = meaning, units[si]
        elif value is not None:
            group.attrs[name] = value


def read_fields(group):
    """Read what `write_fields` wrote: the name of the class, and a dict of arrays and Python scalars.

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
