"""What surrounds the electrons along the wires: phonons, each other, and what scatters them elastically."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import users_function
from ..numerics.checks import is_number, real_array, shortened
from .reservoirs import check_temperature

# A number, one per site, or a function of a `kwant.builder.Site`.
PerSite = float | Sequence[float] | np.ndarray | Callable[..., float]
# The same in an error.
_PER_SITE = "a number, one for each site, or a function of the site"


class Bath:
    """What all baths have in common: how strongly each site couples, by a rate or a mean free path.

    Parameters
    ----------
    rate, mean_free_path, lead
        As of `PhononBath`.

    Raises
    ------
    ValueError
        Unless exactly one of `rate` and `mean_free_path` is given, or if a number is out of range.
    """

    def __init__(self, *, rate: PerSite | None = None, mean_free_path: PerSite | None = None,
                 lead: PerSite | None = None) -> None:
        bath = type(self).__name__
        if (rate is None) == (mean_free_path is None):
            raise ValueError(f"{bath} takes exactly one of rate and mean_free_path, "
                             f"got rate={rate!r} and mean_free_path={mean_free_path!r}.")
        if lead is not None and mean_free_path is None:
            raise ValueError(f"{bath} lead={lead!r} names the velocity for a mean_free_path; a rate needs none.")
        self.rate, self.mean_free_path, self.lead = rate, mean_free_path, lead
        for name, value in (("rate", rate), ("mean_free_path", mean_free_path), ("lead", lead)):
            check_kind(bath, name, value)
        if is_number(rate):
            self._check_rates(np.array([rate], float))
        if is_number(mean_free_path):
            self._check_mean_free_paths(np.array([mean_free_path], float))

    def __repr__(self):
        return f"{type(self).__name__}({self._coupling()})"

    def _coupling(self):
        return f"rate={self.rate!r}" if self.mean_free_path is None else f"mean_free_path={self.mean_free_path!r}"

    def site_rates(self, sites: Sequence) -> np.ndarray:
        """Rate at each site, array of shape (sites,); only where `rate` is given."""
        return self._check_rates(per_site(f"{type(self).__name__} rate", self.rate, sites))

    def site_mean_free_paths(self, sites: Sequence) -> np.ndarray:
        """Mean free path at each site, array of shape (sites,); only where `mean_free_path` is given."""
        name = f"{type(self).__name__} mean_free_path"
        return self._check_mean_free_paths(per_site(name, self.mean_free_path, sites))

    def site_leads(self, sites: Sequence, nearest: np.ndarray, lead_count: int) -> np.ndarray:
        """Lead that gives each site its velocity, array of int of shape (sites,)."""
        if self.lead is None:
            return nearest
        values = per_site(f"{type(self).__name__} lead", self.lead, sites)
        good = (values == np.round(values)) & (values >= 0) & (values < lead_count)
        if not np.all(good):
            raise ValueError(f"{type(self).__name__} lead must be a lead's number, 0 to {lead_count - 1}, "
                             f"got {first_bad(values, good)}.")
        return values.astype(int)

    def _check_rates(self, values):
        good = np.isfinite(values) & (values >= 0)
        if not np.all(good):
            raise ValueError(f"{type(self).__name__} rate must be finite and not negative, "
                             f"got {first_bad(values, good)}.")
        return values

    def _check_mean_free_paths(self, values):
        good = values > 0  # False for nan, True for inf, which uncouples the site
        if not np.all(good):
            raise ValueError(f"{type(self).__name__} mean_free_path must be positive (inf: site not coupled), "
                             f"got {first_bad(values, good)}.")
        return values


class PhononBath(Bath):
    """Phonons that take up the electrons' energy, one Büttiker probe per site.

    A probe absorbs electrons at the rate gamma_i(E) and returns as many, in equilibrium with the phonons: momentum
    and energy relax together, at the same rate. `ElasticBath` relaxes momentum alone, `ElectronBath` leaves the energy
    with the electrons; `steady_state` takes a list of baths.

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
        super().__init__(rate=rate, mean_free_path=mean_free_path, lead=lead)
        check_kind("PhononBath", "temperature", temperature)
        if is_number(temperature):
            check_temperature("PhononBath temperature", temperature)
        self.temperature = temperature

    def __repr__(self):
        return f"PhononBath({self.temperature!r}, {self._coupling()})"

    def site_temperatures(self, sites: Sequence) -> np.ndarray:
        """Temperature at each site, array of shape (sites,)."""
        return temperatures_per_site("PhononBath", self.temperature, sites)


class ElectronBath(Bath):
    """Collisions of electrons with each other: they thermalise, and keep their number and their energy.

    A Büttiker probe per site with a chemical potential and a temperature of its own, both found from what it must not
    take: particles and energy. Momentum relaxes at the same rate.

    Parameters
    ----------
    rate, mean_free_path, lead
        As of `PhononBath`.

    Raises
    ------
    ValueError
        Unless exactly one of `rate` and `mean_free_path` is given, or if a number is out of range.

    References
    ----------
    Ph. A. Jacquet, J. Stat. Phys. 134, 709 (2009), arXiv:0808.0825: chains of self-consistent reservoirs.
    """


class ElasticBath(Bath):
    """Elastic scattering, which relaxes momentum and phase: at every energy as many electrons return as are taken.

    A Büttiker probe per site and energy with the occupation f_i(E) = n_i(E) / A_i(E).

    Parameters
    ----------
    rate, mean_free_path, lead
        As of `PhononBath`.

    Raises
    ------
    ValueError
        Unless exactly one of `rate` and `mean_free_path` is given, or if a number is out of range.

    References
    ----------
    J. L. D'Amato, H. M. Pastawski, Phys. Rev. B 41, 7411 (1990).
    """


@dataclass(frozen=True)
class Baths:
    """What surrounds the electrons, by kind.

    Attributes
    ----------
    phonons : PhononBath or None
    electrons : ElectronBath or None
    elastic : tuple of ElasticBath
        Their rates add up.
    """

    phonons: PhononBath | None = None
    electrons: ElectronBath | None = None
    elastic: tuple[ElasticBath, ...] = ()

    def __iter__(self):
        return iter([bath for bath in (self.phonons, self.electrons) if bath is not None] + list(self.elastic))


def checked_baths(bath: Bath | Sequence[Bath] | None) -> Baths:
    """The baths by kind, after checking that they are some.

    Raises
    ------
    TypeError
        If one is something else.
    ValueError
        If there are two of a kind that must be alone, or none in a list.
    """
    if bath is None:
        return Baths()
    if isinstance(bath, Bath):
        bath = [bath]
    elif not isinstance(bath, list | tuple):
        raise TypeError("bath must be a PhononBath, ElectronBath or ElasticBath, or a list of them, "
                        f"got {type(bath).__name__}.")
    for number, one in enumerate(bath):
        if not isinstance(one, Bath):
            raise TypeError(f"bath[{number}] must be a PhononBath, ElectronBath or ElasticBath, "
                            f"got {type(one).__name__}.")
    if not bath:
        raise ValueError("bath is an empty list: None stands for no bath, the coherent conductor.")
    for kind, why in ((PhononBath, "phonons have one temperature at a site; add their rates"),
                      (ElectronBath, "electrons have one temperature at a site; add their rates")):
        if sum(isinstance(one, kind) for one in bath) > 1:
            raise ValueError(f"bath holds {sum(isinstance(one, kind) for one in bath)} of {kind.__name__}, "
                             f"at most one is possible: {why}.")
    return Baths(next((one for one in bath if isinstance(one, PhononBath)), None),
                 next((one for one in bath if isinstance(one, ElectronBath)), None),
                 tuple(one for one in bath if isinstance(one, ElasticBath)))


def equilibrium_temperature(bath: PhononBath | None, temperature: float | None) -> float:
    """The one temperature of a linear response: the one given, or that of the phonons."""
    if temperature is None and bath is None:
        raise ValueError("temperature must be given where no PhononBath has one.")
    value = temperature if bath is None or temperature is not None else bath.temperature
    if not is_number(value) or not 0 <= value < np.inf:
        raise ValueError(f"temperature must be one number, 0 or more, got {shortened(value)}.")
    return float(value)


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
