"""Whether all orbitals of a system carry electrons, as its user says."""

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import users_function
from ..numerics.checks import complex_array, is_number, shortened
from .per_site import named

# A number, a matrix on every site's orbitals, or a function of a `kwant.builder.Site` that returns either.
Charge = float | np.ndarray | Callable

# Eigenvalues that differ by less than this are the same charge.
_SAME = 1e-9


def check_charges(charge: Charge, sites: Sequence, norbs: np.ndarray) -> None:
    """Raise unless every orbital of every site carries the same charge.

    Parameters
    ----------
    charge : number, Hermitian matrix, or function of a site that returns either
        A number stands for itself on all orbitals.
    sites : sequence of kwant.builder.Site
    norbs : array of int, shape (sites,)
        Orbitals of each.

    Raises
    ------
    ValueError
        If it is no charge, or electrons and holes are among the orbitals.
    """
    seen: set[float] = set()
    for site, count in zip(sites, norbs, strict=True):
        value = charge
        if callable(charge):
            with users_function("charge", charge, named(site)):
                value = charge(site)
        matrix = np.diag(np.full(count, value, float)) if is_number(value) else complex_array(value)
        if matrix.shape != (count, count) or not np.all(np.isfinite(matrix)) \
                or np.abs(matrix - matrix.conj().T).max() > _SAME:
            raise ValueError(f"charge must be a number or a Hermitian matrix on the {count} orbitals of "
                             f"{named(site)}, or a function of a site that returns one, got {shortened(value)}.")
        seen.update(np.round(np.linalg.eigvalsh(matrix), 9))
        if 0.0 in seen or (not callable(charge) and len(set(norbs)) == 1):
            break
    if len(seen) > 1 or 0.0 in seen:
        raise ValueError(f"charge has the values {sorted(map(float, seen))}: orbitals of electrons and of holes "
                         "together (superconductors) are not supported; of electrons alone all are the same, charge=1.")
