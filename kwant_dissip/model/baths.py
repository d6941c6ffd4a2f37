"""What surrounds the electrons along the wires: phonons."""

from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np

from ..errors import users_function
from .reservoirs import check_temperature

# A number, one per site, or a function of a `kwant.builder.Site`.
PerSite = float | Sequence[float] | np.ndarray | Callable[..., float]


class PhononBath:
    """Phonons that take up the electrons' energy, one Büttiker probe per site.

    A probe absorbs electrons at the rate gamma_i(E) and returns as many, in equilibrium with the phonons: momentum
    and energy relax together, at the same rate (a probe cannot scatter elastically only, nor relax energy only).

    Parameters
    ----------
    temperature : float, sequence of float, or function of a site
        k_B T of the phonons, in the model's energy unit, positive; one value, one per site, or a function.
    rate : float, sequence of float, or function of a site
        Relaxation rate gamma = hbar / tau, in the model's energy unit, independent of energy. 0: site not coupled.
    mean_free_path : float, sequence of float, or function of a site
        l in the model's length unit: gamma(E) = v(E) / l with v the mean velocity of the open modes of the wire's
        lead, at E in its unshifted band, or at E - U of the site with electrostatics. inf: site not coupled.
    lead : int, sequence of int, or function of a site
        With `mean_free_path`: the lead whose velocity counts. By default the one that is fewest hoppings away.

    Raises
    ------
    ValueError
        Unless exactly one of `rate` and `mean_free_path` is given, or if a number is out of range.

    Notes
    -----
    The description by rates holds for k_B T >> gamma.
    """

    def __init__(self, temperature: PerSite, *, rate: PerSite | None = None, mean_free_path: PerSite | None = None,
                 lead: PerSite | None = None) -> None:
        if (rate is None) == (mean_free_path is None):
            raise ValueError("PhononBath takes exactly one of rate and mean_free_path, "
                             f"got rate={rate!r} and mean_free_path={mean_free_path!r}.")
        if lead is not None and mean_free_path is None:
            raise ValueError(f"PhononBath lead={lead!r} names the velocity for a mean_free_path; a rate needs none.")
        for name, value in (("temperature", temperature), ("rate", rate), ("mean_free_path", mean_free_path)):
            if isinstance(value, str | complex):
                raise ValueError(f"PhononBath {name} must be a number, one per site, or a function of the site, "
                                 f"got {value!r}.")
        if isinstance(temperature, Real):
            check_temperature("PhononBath temperature", temperature)
        if isinstance(rate, Real):
            _check_rates(np.array([rate]))
        if isinstance(mean_free_path, Real):
            _check_mean_free_paths(np.array([mean_free_path]))
        self.temperature = temperature
        self.rate = rate
        self.mean_free_path = mean_free_path
        self.lead = lead

    def __repr__(self):
        coupling = (f"rate={self.rate!r}" if self.mean_free_path is None
                    else f"mean_free_path={self.mean_free_path!r}")
        return f"PhononBath({self.temperature!r}, {coupling})"

    def site_temperatures(self, sites):
        """Temperature at each site, array of shape (sites,)."""
        values = per_site("PhononBath temperature", self.temperature, sites)
        if not np.all(np.isfinite(values) & (values > 0)):
            raise ValueError("PhononBath temperature must be finite and positive at every site, "
                             f"got {_first_bad(values, np.isfinite(values) & (values > 0))}.")
        return values

    def site_rates(self, sites):
        """Rate at each site, array of shape (sites,); only for a bath defined by `rate`."""
        return _check_rates(per_site("PhononBath rate", self.rate, sites))

    def site_mean_free_paths(self, sites):
        """Mean free path at each site, array of shape (sites,); only for a bath defined by `mean_free_path`."""
        return _check_mean_free_paths(per_site("PhononBath mean_free_path", self.mean_free_path, sites))

    def site_leads(self, sites, nearest, lead_count):
        """Lead that gives each site its velocity, array of int of shape (sites,)."""
        if self.lead is None:
            return nearest
        values = per_site("PhononBath lead", self.lead, sites)
        good = (values == np.round(values)) & (values >= 0) & (values < lead_count)
        if not np.all(good):
            raise ValueError(f"PhononBath lead must be a lead's number, 0 to {lead_count - 1}, "
                             f"got {_first_bad(values, good)}.")
        return values.astype(int)


def checked_bath(bath: PhononBath) -> PhononBath:
    """The bath, after checking that it is one.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not isinstance(bath, PhononBath):
        raise TypeError(f"bath must be a PhononBath, got {type(bath).__name__}.")
    return bath


def equilibrium_temperature(bath: PhononBath, temperature: float | None) -> float:
    """The one temperature of a linear response: the one given, or the bath's."""
    value = bath.temperature if temperature is None else temperature
    if not isinstance(value, Real) or not 0 <= value < np.inf:
        raise ValueError(f"temperature must be one number, 0 or more, got {value!r}.")
    return float(value)


def per_site(name, value, sites):
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
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a number, a function of the site, or one value per site: {error}") from error
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, got {value!r} of type {array.dtype}.")
    if array.ndim == 0:
        return np.full(count, float(array))
    if array.shape != (count,):
        raise ValueError(f"{name} must be a number, a function of the site, or one value for each of the "
                         f"{count} sites; got an array of shape {array.shape}.")
    return array.astype(float)


def named(site) -> str:
    """A site in an error message."""
    return f"site {tuple(site.tag)}" if hasattr(site, "tag") else str(site)


def _called(name, function, site):
    with users_function(name, function, named(site)):
        result = function(site)
    if not isinstance(result, Real) or isinstance(result, bool):
        raise ValueError(f"{name} must be real numbers, the function returned {result!r} for {named(site)}.")
    return result


def _first_bad(values, good):
    index = int(np.flatnonzero(~good)[0])
    return f"{values[index].item()!r}" + (f" at site number {index}" if len(values) > 1 else "")


def _check_rates(values):
    good = np.isfinite(values) & (values >= 0)
    if not np.all(good):
        raise ValueError(f"PhononBath rate must be finite and not negative, got {_first_bad(values, good)}.")
    return values


def _check_mean_free_paths(values):
    good = values > 0  # False for nan, True for inf, which uncouples the site
    if not np.all(good):
        raise ValueError("PhononBath mean_free_path must be positive (inf: site not coupled), "
                         f"got {_first_bad(values, good)}.")
    return values
