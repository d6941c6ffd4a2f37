"""Interaction of the electrons of a wire or plane above a gate, by image charges, or without one."""

import numpy as np
from scipy.constants import elementary_charge, epsilon_0
from scipy.spatial.distance import cdist

from .electrostatics import CoulombKernel
from .lattice import Lattice
from .reservoirs import check_finite

# The last of the images that are added has this part of the first one's charge; no more than so many.
_ROUNDING, _MOST = 1e-16, 50_000


class ImageCharges(CoulombKernel):
    """Coulomb's interaction on a layer above a metallic gate: U_i = U_ext,i + sum_j V(r_ij) (N_j - N0_j).

    The layer lies on a dielectric of permittivity eps that ends at the gate, d below; above it is another, eps'. With
    k = (eps - eps') / (eps + eps') and z_n = 2 n d,

        V(r) = e^2 / (2 pi eps_0 (eps + eps')) sum_n (-k)^n [1/sqrt(r^2 + R^2 + z_n^2) - 1/sqrt(r^2 + R^2 + z_{n+1}^2)],

    n = 0, 1, ...; for eps = eps' there is one image. Without a gate the first term alone is left. The electron's charge
    is as wide as R.

    Parameters
    ----------
    radius : float
        R: radius of a wire, thickness of a plane, or half the lattice constant if that is more; in the model's length
        unit, positive.
    distance : float or None
        d, of the gate, in the model's length unit, positive; None: no gate.
    permittivity, permittivity_above : float
        eps below and eps' above the layer, relative to vacuum; the latter is by default the same.
    energy_unit, lattice_constant : float
        The model's units, in eV and m, as of `SteadyState.to_si`.
    degeneracy : float, optional
        Of each orbital, as of `SteadyState.to_si`: so many times the charge.

    Raises
    ------
    ValueError
        If a number is not positive.

    Notes
    -----
    e^2 / (4 pi eps_0) = 1.44 eV nm, e^2 / eps_0 = 18.1 eV nm. U_ext, the potential without charge, is the ramp between
    the leads, as for every `CoulombKernel`: what leads above the same gate really make falls off over d from their
    ends.

    References
    ----------
    J. D. Jackson, Classical Electrodynamics, 3rd ed., section 4.4. In momentum space the sum is
    e^2 / (eps_0 q [eps' + eps coth(q d)]).
    """

    def __init__(self, *, radius: float, distance: float | None, permittivity: float = 1.0,
                 permittivity_above: float | None = None, energy_unit: float, lattice_constant: float,
                 degeneracy: float = 1.0) -> None:
        above = permittivity if permittivity_above is None else permittivity_above
        for name, value in (("radius", radius), ("distance", 1.0 if distance is None else distance),
                            ("permittivity", permittivity), ("permittivity_above", above),
                            ("energy_unit", energy_unit), ("lattice_constant", lattice_constant),
                            ("degeneracy", degeneracy)):
            check_finite(f"ImageCharges {name}", value)
            if value <= 0:
                raise ValueError(f"ImageCharges {name} must be positive, got {value!r}.")
        self.radius, self.distance = radius, distance
        self._mirror = (permittivity - above) / (permittivity + above)
        self._strength = degeneracy * elementary_charge / (
            2 * np.pi * epsilon_0 * (permittivity + above) * lattice_constant * energy_unit)
        super().__init__(lambda one, other: float(self.energy(float(np.linalg.norm(one - other)))))

    def __repr__(self):
        return f"ImageCharges(radius={self.radius!r}, distance={self.distance!r})"

    def energy(self, distance: np.ndarray | float) -> np.ndarray:
        """V of electrons so far apart, in the model's energy unit; an array of distances in its length unit."""
        separate, place = np.unique(np.asarray(distance, float), return_inverse=True)
        square = separate ** 2 + self.radius ** 2
        if self.distance is None:
            return (self._strength / np.sqrt(square))[place].reshape(np.shape(distance))
        images = _MOST if abs(self._mirror) >= 1 else np.log(_ROUNDING) / np.log(max(abs(self._mirror), _ROUNDING))
        total, sign, near = np.zeros_like(square), 1.0, np.sqrt(square)
        for n in range(int(min(images, _MOST)) + 1):
            far = np.sqrt(square + (2 * (n + 1) * self.distance) ** 2)
            # 1/near - 1/far without a difference: far off both are alike.
            total += sign * (2 * n + 1) * (2 * self.distance) ** 2 / (near * far * (near + far))
            sign, near = -self._mirror * sign, far
        return self._strength * total[place].reshape(np.shape(distance))

    def matrix(self, lattice: Lattice) -> np.ndarray:
        lattice.require_positions("ImageCharges")
        return self.energy(cdist(lattice.positions, lattice.positions))
