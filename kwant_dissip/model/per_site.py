"""Values that a user gives as a number, one for each site, or a function of the site."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import users_function
from ..numerics.checks import is_number, real_array, shortened

# A number, one per site, or a function of a `kwant.builder.Site`.
PerSite = float | Sequence[float] | np.ndarray | Callable[..., float]
# The same in an error.
_PER_SITE = "a number, one for each site, or a function of the site"


def per_site(name: str, value: Any, sites: Sequence) -> np.ndarray:
    """Array with one float per site, from a number, a sequence, or a function of the site.

    Parameters
    ----------
    name : str
        What error messages call the value.
    value : number, sequence of numbers, or function of a `kwant.builder.Site`
    sites : sequence of `kwant.builder.Site`
    """
    count = len(sites)
    if callable(value):
        value = [_called(name, value, site) for site in sites]
    array = real_array(name, value, _PER_SITE)
    if array.ndim == 0:
        return np.full(count, float(array))
    if array.shape != (count,):
        raise ValueError(f"{name} must be a number, a function of the site, or one value for each of the "
                         f"{count} sites; got an array of shape {array.shape}.")
    return array.astype(float)


def temperatures_per_site(owner: str, value: Any, sites: Sequence) -> np.ndarray:
    """`per_site` of temperatures, which must be positive."""
    values = per_site(f"{owner} temperature", value, sites)
    good = np.isfinite(values) & (values > 0)
    if not np.all(good):
        raise ValueError(f"{owner} temperature must be finite and positive at every site, "
                         f"got {first_bad(values, good)}.")
    return values


def named(site: Any) -> str:
    """A site in an error message."""
    return f"site {tuple(site.tag)}" if hasattr(site, "tag") else str(site)


def _called(name, function, site):
    with users_function(name, function, named(site)):
        result = function(site)
    if not is_number(result):
        raise ValueError(f"{name} must be real numbers, the function returned {shortened(result)} for {named(site)}.")
    return result


def check_kind(bath: str, name: str, value: Any) -> None:
    """Raise ValueError if a value can be no number per site; None is not given."""
    if value is not None and not callable(value) and real_array(f"{bath} {name}", value, _PER_SITE).ndim > 1:
        raise ValueError(f"{bath} {name} must be {_PER_SITE}, got {shortened(value)}.")


def first_bad(values: np.ndarray, good: np.ndarray) -> str:
    """The first value that is not good, and where it is, for an error message."""
    index = int(np.flatnonzero(~good)[0])
    return f"{values[index].item()!r}" + (f" at site number {index}" if len(values) > 1 else "")
