"""A bath whose rate depends on energy as its user says."""

from copy import copy

import numpy as np

from ..numerics.checks import shortened
from .baths import Bath
from .broadening import SelfEnergy

# Part of the largest rate below which a negative one is rounding.
_ROUNDING = 1e-12
# How far up the profile is evaluated for its limit, and how well it must obey Cauchy's theorem, in units of its size.
_FAR, _ANALYTIC = 1e9, 1e-6
# Circles in the upper half plane, above every level: their heights, of which each is half the next one's and twice its
# own radius, and the points on each, which see what is analytic up to the real axis to 2^-31.
_HEIGHTS, _POINTS = 2.0 ** np.arange(-24, 31), 32


class ProfileBroadening(SelfEnergy):
    """gamma_i(E) = rate_i p(E - U_i), with p the `profile` of a bath.

    Parameters
    ----------
    bath : Bath
    strength : array of float, shape (sites,)
        The rate; 0 where a site is not coupled.
    scale : float
        Energy over which p may change.

    Raises
    ------
    ValueError
        If the profile is not what `Bath.profile` asks for.
    """

    def __init__(self, bath: Bath, strength: np.ndarray, scale: float) -> None:
        if not callable(bath.profile):
            raise TypeError(f"{bath!r} must have a profile that is a function of energies, "
                            f"got {shortened(bath.profile)}.")
        self._bath, self._scale = bath, scale
        self._set(strength, np.zeros(len(strength)))
        around = np.append(bath.checked_levels(), 0.0)
        self._profile(around + 0j)
        self.is_analytic = bool(np.iscomplexobj(bath.profile(around)))
        if self.is_analytic:
            self._check_analytic(around)

    def _set(self, strength, potential):
        self._strength, self._potential = strength, potential
        self.coupled = strength > 0
        self.balanced = (self.coupled,)

    def _check_analytic(self, around):
        """Raise ValueError unless p is analytic above some energies, bounded, and Re p not negative.

        A Lorentzian with the sign of a growing state, or squared, is analytic but for its pole: integrals around that
        do not vanish, and its real part is negative above it, as of no p whose rate is not on the axis.
        """
        turn = np.exp(2j * np.pi * np.arange(_POINTS) / _POINTS)
        heights = self._scale * _HEIGHTS[:, None]
        values = self._profile(around[:, None, None] + heights * (1j + 0.5 * turn))
        largest = np.abs(values).max()
        around_nothing, low = np.abs((values * turn).mean(axis=-1)).max(), values.real.min()
        if around_nothing > _ANALYTIC * largest or low < -_ANALYTIC * largest:
            raise ValueError(f"{self._bath!r} has a complex profile that is not analytic in the upper half plane, or "
                             "has a negative real part there: only without does its imaginary part belong to its rate. "
                             "A Lorentzian is width / (width - 1j * (energies - level)), with this sign. Mend it, or "
                             "return the real part alone, which has no level shift.")
        far, farther = np.abs(self._profile(np.array([1j, 1000j]) * _FAR * self._scale))
        if farther > 2 * max(far, largest):
            raise ValueError(f"{self._bath!r} has a complex profile that grows with the energy, to {farther:.3g}: it "
                             "must be bounded. Let it fall beyond the band.")

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
        values = values + 0j
        if not np.any(np.imag(energies)):
            low = values.real.min()
            if low < -_ROUNDING * np.abs(values).max():
                raise ValueError(f"{self._bath!r} must have a profile that is not negative, got {low:.6g}.")
            np.clip(values.real, 0.0, None, out=values.real)
        return self._strength[:, None] * values

    def all_alike(self) -> "ProfileBroadening":
        return self

    def rates(self, energies: np.ndarray) -> list[np.ndarray]:
        return [self.parts(energies)[0]]

    def parts(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gamma = self._gamma(energies)
        return gamma.real, gamma.imag

    def local(self, energies: np.ndarray) -> np.ndarray:
        return self._strength * self._profile(energies - self._potential).real

    def typical(self) -> np.ndarray:
        return self._strength

    def thresholds(self) -> np.ndarray:
        levels = self._bath.checked_levels()
        at_sites = self._potential[self.coupled]
        if not len(at_sites):
            return np.empty(0)
        return np.unique(levels + np.array([at_sites.min(), at_sites.max()])[:, None])

    def asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        limit = self._profile(np.array([1j * _FAR * self._scale]))[0]
        return np.zeros(len(self._strength)), 0.5j * self._strength * limit

    def at_potential(self, potential: np.ndarray) -> "ProfileBroadening":
        return self._changed(self._strength, potential)

    def in_order(self, order: np.ndarray) -> "ProfileBroadening":
        return self._changed(self._strength[order], self._potential[order])

    def _changed(self, strength, potential):
        """The same profile, which was checked, of other sites."""
        other = copy(self)
        other._set(strength, potential)
        return other
