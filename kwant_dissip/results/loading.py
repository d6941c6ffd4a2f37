"""Reading saved results."""

from os import PathLike

import h5py

from .result import Result
from .storage import read_fields


def load(path: str | PathLike, group: str = "/") -> Result:
    """Read a result that its method ``save`` wrote, bit for bit the same.

    Parameters
    ----------
    path : path-like
    group : str, optional
        Group of the file.

    Returns
    -------
    SteadyState or KineticState

    Raises
    ------
    KeyError
        If the file has no such group.
    ValueError
        If the group holds something else.
    """
    with h5py.File(path, "r") as file:
        kind, fields = read_fields(file[group])
    return Result.kinds[kind](**fields)
