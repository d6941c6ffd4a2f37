"""Results as HDF5, readable by anything that reads HDF5."""

import numpy as np

_PREFIX = "kwant_dissip."


def write_fields(group, kind, fields, descriptions):
    """Write named values into an HDF5 file or group.

    Parameters
    ----------
    group : h5py.Group
    kind : str
        Name of the class whose fields these are.
    fields : dict
        Arrays become datasets, all else attributes; None is left out.
    descriptions : dict
        Text for each array's attribute ``description``.
    """
    group.attrs["format"] = _PREFIX + kind
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            group.create_dataset(name, data=value).attrs["description"] = descriptions[name]
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
    fields = {name: dataset[()] for name, dataset in group.items()}
    for name, value in group.attrs.items():
        if name != "format":
            fields[name] = value.item() if isinstance(value, np.generic) else value
    return kind.removeprefix(_PREFIX), fields
