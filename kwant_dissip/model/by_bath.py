"""Values of several baths as users read them: one for each site, and one for each bath that they listed."""

from collections.abc import Sequence

import numpy as np

from .baths import Bath, Baths, ElasticBath, ElectronBath, PhononBath


class ByBath:
    """What each of some baths has at every site.

    Parameters
    ----------
    baths : Baths
    coupled : array of bool, shape (balanced baths, sites)
        Where each of them couples.
    """

    def __init__(self, baths: Baths, coupled: np.ndarray) -> None:
        self._baths, self._coupled = baths, coupled
        self._cold, self._hot = (self._numbers(kind) for kind in (baths.cold, baths.hot))

    def _numbers(self, chosen: Sequence[Bath]) -> list[int]:
        return [next(n for n, bath in enumerate(self._baths.balanced) if bath is one) for one in chosen]

    def _first(self, values, numbers):
        """Of the first of some baths that couples at a site; nan where none does."""
        result = np.full(self._coupled.shape[1], np.nan)
        for number in reversed(numbers):
            result = np.where(self._coupled[number], values[number], result)
        return result

    def taking_heat(self, values: np.ndarray) -> np.ndarray:
        """Of those that take heat the first that couples at each site, shape (sites,); nan where none does."""
        return self._first(values, self._cold)

    def keeping_energy(self, values: np.ndarray) -> np.ndarray:
        """Of those that keep the electrons' energy, likewise."""
        return self._first(values, self._hot)

    def heat(self, power: np.ndarray) -> np.ndarray:
        """Power of all that take heat, shape (sites,)."""
        return power[self._cold].sum(axis=0)

    def kept(self, power: np.ndarray) -> np.ndarray:
        """Power of all that should keep it, shape (sites,)."""
        return power[self._hot].sum(axis=0)

    def of_balanced(self, values: np.ndarray) -> np.ndarray:
        """Values of the rows of a balance, of which one bath that couples nowhere stands for none at all."""
        return values.reshape(-1, self._coupled.shape[1])[:len(self._coupled)]

    def others(self, mus: np.ndarray, powers: np.ndarray, temperatures: np.ndarray) -> dict[str, np.ndarray]:
        """Fields of a result for each bath of the list, where there are others than the package's own."""
        if not self._has_others:
            return {}
        return {"bath_mu": self._listed(mus), "bath_power": self._listed(powers, 0.0),
                "bath_temperatures": self._listed(temperatures)}

    @property
    def _has_others(self) -> bool:
        """Whether there are other baths than one of phonons, one of electrons, and elastic ones of the package."""
        return len(self._cold) > 1 or len(self._hot) > 1 or any(
            type(bath) not in (PhononBath, ElectronBath, ElasticBath) for bath in self._baths.listed)

    def _listed(self, values: np.ndarray, nothing: float = np.nan) -> np.ndarray:
        """For each bath of the list, shape (baths, sites); `nothing` where it does not couple, and of elastic ones."""
        result = np.full((len(self._baths.listed), self._coupled.shape[1]), nothing)
        balanced = [number for number, bath in enumerate(self._baths.listed) if not bath.is_elastic]
        result[balanced] = np.where(self._coupled, values, nothing)
        return result


def expanded_by_site(by_bath: ByBath, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fields of a `LinearResponse` that have a value for each site, of those of each bath, which they take."""
    result = {}
    for order in "12":
        mus, powers = (by_bath.of_balanced(fields[name + order]) for name in ("mu", "power"))
        result["mu" + order], result["power" + order] = by_bath.taking_heat(mus), by_bath.heat(powers)
        if "temperature" + order in fields:
            result["electron_mu" + order] = by_bath.keeping_energy(mus)
            result["electron_temperature" + order] = by_bath.keeping_energy(fields.pop("temperature" + order))
    return result
