"""What surrounds the electrons along the wires: phonons, each other, and what scatters them elastically."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..numerics.checks import is_number, real_array, shortened
from .per_site import PerSite, check_kind, first_bad, per_site, temperatures_per_site
from .reservoirs import check_temperature

_KEEPS = "particles", "particles and energy", "each energy"


class Bath:
    r"""What all baths have in common, and the base of those that users add.

    A bath takes electrons out of a site at the rate gamma_i(E) and returns as many, filled as a Fermi function: at a
    temperature of its own, or at one that is found where it `keeps` their energy, too; or at each energy as many as it
    takes there. Momentum and phase are lost.

    Parameters
    ----------
    temperature : float, sequence of float, or function of a site, optional
        k_B T of what it returns; exactly where it `keeps` particles only.
    rate, mean_free_path, lead
        As of `PhononBath`.

    Attributes
    ----------
    keeps : {"particles", "particles and energy", "each energy"}
        What it takes none of. Baths that keep particles only take up heat.
    levels : sequence of float
        Energies near which `profile` changes fast, if that is within less than k_B T: integrals break there.

    Raises
    ------
    ValueError
        Unless exactly one of `rate` and `mean_free_path` is given, and a temperature where one is needed; or if a
        number is out of range.

    Notes
    -----
    A bath of one's own is a subclass that sets `keeps`, if it is not "particles", and gives a `profile`, if its rate
    depends on energy. In a list it works beside all others, in every theory.

    Examples
    --------
    A filter that exchanges electrons near one level only:

    >>> class Filter(kd.Bath):
    ...     def __init__(self, level, width, temperature, rate):
    ...         super().__init__(temperature=temperature, rate=rate)
    ...         self.level, self.width, self.levels = level, width, (level,)
    ...
    ...     def profile(self, energies):
    ...         return self.width / (self.width - 1j * (energies - self.level))
    """

    keeps: str = "particles"
    levels: Sequence[float] = ()

    def __init__(self, *, temperature: PerSite | None = None, rate: PerSite | None = None,
                 mean_free_path: PerSite | None = None, lead: PerSite | None = None) -> None:
        bath = type(self).__name__
        if self.keeps not in _KEEPS:
            raise ValueError(f"{bath} keeps must be one of {', '.join(map(repr, _KEEPS))}, got {self.keeps!r}.")
        if (temperature is None) == (self.keeps == _KEEPS[0]):
            raise ValueError(f"{bath} keeps {self.keeps}: it {'needs a' if temperature is None else 'has no'} "
                             f"temperature{' of its own' if temperature is not None else ''}, "
                             f"got temperature={temperature!r}.")
        if (rate is None) == (mean_free_path is None):
            raise ValueError(f"{bath} takes exactly one of rate and mean_free_path, "
                             f"got rate={rate!r} and mean_free_path={mean_free_path!r}.")
        if lead is not None and mean_free_path is None:
            raise ValueError(f"{bath} lead={lead!r} names the velocity for a mean_free_path; a rate needs none.")
        if mean_free_path is not None and self.has_profile:
            raise ValueError(f"{bath} has a profile in energy, which its rate is multiplied with: give a rate, not "
                             f"mean_free_path={mean_free_path!r}.")
        self.rate, self.mean_free_path, self.lead, self.temperature = rate, mean_free_path, lead, temperature
        for name, value in (("rate", rate), ("mean_free_path", mean_free_path), ("lead", lead),
                            ("temperature", temperature)):
            check_kind(bath, name, value)
        if is_number(rate):
            self._check_rates(np.array([rate], float))
        if is_number(mean_free_path):
            self._check_mean_free_paths(np.array([mean_free_path], float))
        if is_number(temperature):
            check_temperature(f"{bath} temperature", temperature)

    def profile(self, energies: np.ndarray) -> np.ndarray:
        """What the rate is multiplied with at each energy; E - U of the site with electrostatics.

        Parameters
        ----------
        energies : array of float or complex

        Returns
        -------
        array of float or complex, of the same shape
            Real: not negative, and there is no level shift. Complex: an analytic function in the upper half plane of
            energies, bounded, with gamma = rate Re(profile) and the level shift Re Sigma = rate Im(profile) / 2 on the
            real axis; only then is the density known, and electrostatics.
        """
        return np.ones(np.shape(energies))

    @property
    def has_profile(self) -> bool:
        """Whether the rate depends on energy by a `profile`."""
        return getattr(self.profile, "__func__", self.profile) is not Bath.profile

    def checked_levels(self) -> np.ndarray:
        """The `levels`, array of float of shape (levels,)."""
        what = "finite numbers, one for each energy near which profile changes fast"
        name = f"{type(self).__name__} levels"
        levels = real_array(name, self.levels, what)
        if levels.ndim > 1 or not np.all(np.isfinite(levels)):
            raise ValueError(f"{name} must be {what}, got {shortened(self.levels)}.")
        return np.atleast_1d(levels).astype(float)

    @property
    def takes_heat(self) -> bool:
        """Whether it keeps particles only."""
        return self.keeps == _KEEPS[0]

    @property
    def is_elastic(self) -> bool:
        """Whether it keeps the electrons of each energy."""
        return self.keeps == _KEEPS[2]

    def __repr__(self):
        temperature = "" if self.temperature is None else f"{self.temperature!r}, "
        return f"{type(self).__name__}({temperature}{self._coupling()})"

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

    def site_temperatures(self, sites: Sequence) -> np.ndarray:
        """Temperature at each site, array of shape (sites,); only where it takes heat."""
        return temperatures_per_site(type(self).__name__, self.temperature, sites)

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
        super().__init__(temperature=temperature, rate=rate, mean_free_path=mean_free_path, lead=lead)


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

    keeps = "particles and energy"

    def __init__(self, *, rate: PerSite | None = None, mean_free_path: PerSite | None = None,
                 lead: PerSite | None = None) -> None:
        super().__init__(rate=rate, mean_free_path=mean_free_path, lead=lead)


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

    keeps = "each energy"

    def __init__(self, *, rate: PerSite | None = None, mean_free_path: PerSite | None = None,
                 lead: PerSite | None = None) -> None:
        super().__init__(rate=rate, mean_free_path=mean_free_path, lead=lead)


@dataclass(frozen=True)
class Baths:
    """What surrounds the electrons, in the order in which it was given.

    Attributes
    ----------
    listed : tuple of Bath
    """

    listed: tuple[Bath, ...] = ()

    @property
    def balanced(self) -> tuple[Bath, ...]:
        """Those whose occupation a balance has to find."""
        return tuple(bath for bath in self.listed if not bath.is_elastic)

    @property
    def elastic(self) -> tuple[Bath, ...]:
        """Those that keep the electrons of each energy; their rates add up."""
        return tuple(bath for bath in self.listed if bath.is_elastic)

    @property
    def cold(self) -> tuple[Bath, ...]:
        """Those that take heat, a PhononBath first."""
        return tuple(sorted((bath for bath in self.balanced if bath.takes_heat),
                            key=lambda bath: not isinstance(bath, PhononBath)))

    @property
    def hot(self) -> tuple[Bath, ...]:
        """Those whose temperature is found, an ElectronBath first."""
        return tuple(sorted((bath for bath in self.balanced if not bath.takes_heat),
                            key=lambda bath: not isinstance(bath, ElectronBath)))

    @property
    def phonons(self) -> Bath | None:
        """What takes heat, the PhononBath if there is one."""
        return self.cold[0] if self.cold else None

    @property
    def electrons(self) -> Bath | None:
        """What keeps the electrons' energy, the ElectronBath if there is one."""
        return self.hot[0] if self.hot else None

    @property
    def keeps_energy(self) -> np.ndarray:
        """Of each of the `balanced` baths whether it does; without any, of one that couples nowhere: array of bool."""
        return np.array([not bath.takes_heat for bath in self.balanced] or [False])

    def temperatures(self, sites: Sequence, reference: np.ndarray) -> np.ndarray:
        """K_B T at which each of these returns electrons, the reference where it has none: shape (baths, sites)."""
        return np.array([bath.site_temperatures(sites) if bath.takes_heat else reference for bath in self.balanced]
                        or [reference])


def checked_baths(bath: Bath | Sequence[Bath] | Baths | None) -> Baths:
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
    if isinstance(bath, Baths):
        return bath
    if isinstance(bath, Bath):
        bath = [bath]
    elif not isinstance(bath, list | tuple):
        raise TypeError("bath must be a PhononBath, ElectronBath, ElasticBath or other Bath, or a list of them, "
                        f"got {type(bath).__name__}.")
    for number, one in enumerate(bath):
        if not isinstance(one, Bath):
            raise TypeError(f"bath[{number}] must be a PhononBath, ElectronBath, ElasticBath or other Bath, "
                            f"got {type(one).__name__}.")
        if "rate" not in vars(one):
            raise TypeError(f"{type(one).__name__} must call super().__init__ with its rate, and temperature where it "
                            "keeps particles only.")
    if not bath:
        raise ValueError("bath is an empty list: None stands for no bath, the coherent conductor.")
    for kind, why in ((PhononBath, "phonons have one temperature at a site; add their rates"),
                      (ElectronBath, "electrons have one temperature at a site; add their rates")):
        if sum(isinstance(one, kind) for one in bath) > 1:
            raise ValueError(f"bath holds {sum(isinstance(one, kind) for one in bath)} of {kind.__name__}, "
                             f"at most one is possible: {why}.")
    return Baths(tuple(bath))


def check_cold(baths: Baths, temperature: float) -> None:
    """Raise ValueError at temperature 0 with a bath whose temperature would have to be found."""
    if temperature == 0 and baths.electrons is not None:
        raise ValueError("At temperature 0 electrons with a temperature of their own are far from linear response: "
                         f"raise temperature, or leave out {baths.electrons!r}.")


def equilibrium_temperature(baths: Baths, temperature: float | None) -> float:
    """The one temperature of a linear response: the one given, or that of all baths that take heat."""
    if temperature is None and baths.phonons is None:
        raise ValueError("temperature must be given where no PhononBath has one.")
    values: list[Any] = [bath.temperature for bath in baths.cold] if temperature is None else [temperature]
    for value in values:
        if not is_number(value) or not 0 <= value < np.inf:
            raise ValueError(f"temperature must be one number, 0 or more, got {shortened(value)}.")
        if value != values[0]:
            raise ValueError("In equilibrium all baths have one temperature: they have "
                             f"{', '.join(map(repr, values))}; give temperature.")
    return float(values[0])
