"""A bath whose rate depends on energy as its user says."""

import numpy as np

from ..numerics.checks import shortened
from .baths import Bath
from .broadening import SelfEnergy

# Part of the largest rate below which a negative one is rounding.
_ROUNDING = 1e-12
# How far up the profile is evaluated for its limit, and how well it must obey Cauchy and Riemann, in units of its size.
_FAR, _ANALYTIC = 1e9, 1e-4
_STEP = 1e-3


class ProfileBroadening(SelfEnergy):
    """gamma_i(E) = rate_i p(E - U_i), with p the `profile` of a bath.

    Parameters
    ----------
    bath : Bath
    strength : array of float, shape (sites,)
        The rate; 0 where a site is not coupled.
    scale : float
        Energy over which p may change.
    potential : array of float, shape (sites,), optional
        U_i; by default 0.

    Raises
    ------
    ValueError
        If the profile is not what `Bath.profile` asks for.
    """

    def __init__(self, bath: Bath, strength: np.ndarray, scale: float, potential: np.ndarray | None = None) -> None:
        self._bath, self._strength, self._scale = bath, strength, scale
        self.coupled = strength > 0
        self.balanced = (self.coupled,)
        self._potential = np.zeros(len(strength)) if potential is None else potential
        levels = np.asarray(bath.levels, float)
        around = np.append(levels, 0.0)
        values = self._profile(around + 0j)
        self.is_analytic = bool(np.iscomplexobj(bath.profile(around)))
        if self.is_analytic:
            # Next to the real axis, where baths are narrow, and not on it.
            z, step = around + 1j * self._scale, _STEP * self._scale
            along, up = (self._profile(z + step * unit) - self._profile(z - step * unit) for unit in (1, 1j))
            if np.any(np.abs(along + 1j * up) > _ANALYTIC * np.abs(values).max()):
                raise ValueError(f"{bath!r} has a complex profile that is not analytic in the upper half plane: "
                                 "only such a rate has a level shift. Return its real part alone.")

    def _profile(self, energies):
        """p, checked."""
        values = np.asarray(self._bath.profile(energies))
        if values.shape != energies.shape or values.dtype.kind not in "fiubc" or not np.all(np.isfinite(values)):
            raise ValueError(f"{self._bath!r} must have a profile that returns one finite number for each energy, got "
                             f"{shortened(values)} of {shortened(energies)}.")
        return values

    def _gamma(self, energies):
        """Complex gamma at energies of each site, shape (sites, energies)."""
        if self._potential.any():
            values = self._profile(energies - self._potential[:, None])
        else:
            values = self._profile(np.asarray(energies))[None]
        if not np.any(np.imag(energies)):
            low = values.real.min()
            if low < -_ROUNDING * np.abs(values).max():
                raise ValueError(f"{self._bath!r} must have a profile that is not negative, got {low:.6g}.")
        gamma = self._strength[:, None] * values
        return gamma if self.is_analytic or np.any(np.imag(energies)) else gamma.real + 0j

    def all_alike(self) -> "ProfileBroadening":
        return self

    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        return [self.parts(energies)[0]]

    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gamma = self._gamma(energies)
        return np.ascontiguousarray(gamma.real.clip(min=0.0) if not np.any(np.imag(energies)) else gamma.real), \
            np.ascontiguousarray(gamma.imag)

    def local(self, energies: np.ndarray) -> np.ndarray:
        return self._strength * self._profile(energies - self._potential).real

    def typical(self) -> np.ndarray:
        return self._strength

    def thresholds(self) -> np.ndarray:
        levels = np.asarray(self._bath.levels, float)
        at_sites = self._potential[self.coupled]
        if not len(at_sites):
            return np.empty(0)
        return np.unique(levels + np.array([at_sites.min(), at_sites.max()])[:, None])

    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        limit = self._profile(np.array([1j * _FAR * self._scale]))[0]
        return np.zeros(len(self._strength)), 0.5j * self._strength * limit

    def at_potential(self, potential: np.ndarray) -> "ProfileBroadening":
        return ProfileBroadening(self._bath, self._strength, self._scale, potential)

    def in_order(self, order: np.ndarray) -> "ProfileBroadening":
        return ProfileBroadening(self._bath, self._strength[order], self._scale, self._potential[order])
