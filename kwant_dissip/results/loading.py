"""Reading saved results."""

import h5py

from ..kinetic.solve import KineticState
from ..solve import SteadyState
from .storage import read_fields

_KINDS = {kind.__name__: kind for kind in (SteadyState, KineticState)}


def load(path, group="/"):
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
    return _KINDS[kind](**fields)
