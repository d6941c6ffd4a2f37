"""Saving results in HDF5, readable by anything that reads HDF5."""

import numpy as np

_FORMAT = "kwant_dissip.SteadyState"


def write_fields(group, fields, descriptions):
    """Write named values into an HDF5 file or group.

    Parameters
    ----------
    group : h5py.Group
    fields : dict
        Arrays become datasets, all else attributes.
    descriptions : dict
        Text for each array's attribute ``description``.
    """
    group.attrs["format"] = _FORMAT
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            group.create_dataset(name, data=value).attrs["description"] = descriptions[name]
        else:
            group.attrs[name] = value


def read_fields(group):
    """Read what `write_fields` wrote: dict of arrays and Python scalars.

    Raises
    ------
    ValueError
        If the group holds something else.
    """
    if group.attrs.get("format") != _FORMAT:
        raise ValueError(f"{group.file.filename}, group {group.name!r}, does not hold what SteadyState.save writes.")
    fields = {name: dataset[()] for name, dataset in group.items()}
    for name, value in group.attrs.items():
        if name != "format":
            fields[name] = value.item() if isinstance(value, np.generic) else value
    return fields
