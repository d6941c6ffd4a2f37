"""Leads that are known by a self-energy only: wide-band leads of molecules, leads of one's own."""

from typing import Any

import numpy as np

from .._kwant import kwant
from ..errors import heed_interrupt
from .lead import Lead

# Gamma may be negative by this much of the self-energy's largest element: rounding.
_ROUNDING = 1e-10
# How far off the axis a self-energy is compared with its continuation there, how well both must agree, and where its
# limit is looked for; the first and the last in units of what is large: the energy, the self-energy, 1.
_OFF_AXIS, _AGREE, _FAR = 1e-4, 1e-6, 1e8
# Heights above the axis, in units of what is large, at which a retarded self-energy absorbs, too.
_ABOVE = 2.0 ** np.arange(-8, 9)


class GivenLead(Lead):
    """A lead given by a self-energy (kwant's `SelfEnergyLead`, `ModesLead`, `PrecalculatedLead`).

    Its band edges are not known, so that energies are not split there, nor are velocities and Fermi wavelengths.

    Parameters
    ----------
    lead : object
        With a method ``selfenergy(energy, params=)``.
    number : int
        Its place in ``syst.leads``, for error messages.
    interface : int
        Sites that it couples to.
    params : dict or None
    """

    has_velocity = False
    is_chain = False
    center = np.nan
    period = 1.0

    def __init__(self, lead: Any, number: int, interface: int, params: dict | None = None) -> None:
        self.number = number
        self._lead = lead
        self._params = params
        self._interface = interface
        self.is_fixed = isinstance(lead, kwant.system.PrecalculatedLead)

    def hoppings(self) -> np.ndarray:
        """One for each site of the interface: there is no telling."""
        return np.ones(self._interface, int)

    def self_energy(self, energies: np.ndarray) -> np.ndarray:
        result = np.array([self._at(energy) for energy in energies], complex)
        real = np.imag(energies) == 0
        gamma = 1j * (result - result.conj().swapaxes(-1, -2))[real]
        low = np.linalg.eigvalsh(gamma).min(axis=-1, initial=0.0)
        if np.any(low < -_ROUNDING * np.abs(result[real]).max(initial=0.0)):
            worst = int(np.argmin(low))
            raise ValueError(f"The self-energy of lead {self.number} is not retarded: at the energy "
                             f"{np.real(energies)[real][worst]:.6g} Gamma = i (Sigma - Sigma^+) has the eigenvalue "
                             f"{low[worst]:.3g}; electrons would enter from nowhere.")
        return result

    def _at(self, energy):
        energy = complex(energy) if np.imag(energy) else float(np.real(energy))
        sigma = np.asarray(self._lead.selfenergy(energy, params=self._params))
        if sigma.ndim != 2 or sigma.dtype.kind not in "fciu" or not np.all(np.isfinite(sigma)):
            raise ValueError(f"The self-energy of lead {self.number} must be a square matrix of finite numbers, got "
                             f"{sigma!r} at the energy {energy!r}.")
        return sigma

    def level_width(self, energy: float) -> float:
        """Largest element of Gamma."""
        sigma = self._at(energy)
        return float(np.abs(sigma - sigma.conj().T).max())

    def velocity(self, energies: np.ndarray) -> np.ndarray:  # noqa: ARG002 (at no energy)
        raise ValueError(f"Lead {self.number} is given by a self-energy: it has no velocity that a mean_free_path "
                         "could be measured with. Name another lead with PhononBath(lead=...), or give a rate.")

    def is_analytic(self, energy: float) -> bool:
        """Whether the self-energy can be called off the real axis, continues itself there, and has a limit far off.

        A retarded one absorbs everywhere above the axis; one with a pole there (a Lorentzian Gamma without its real
        part) does not.
        """
        try:
            scale = max(abs(energy), 1.0, np.abs(self._at(energy)).max())
            step = _OFF_AXIS * scale
            here, above, left, right = (self._at(energy + by) for by in (0.0, 1j * step, -step, step))
            # To second order: f(E + i d) = f(E) + i d f'(E) - d^2 f''(E) / 2
            expected = 2 * here + 0.5j * (right - left) - 0.5 * (right + left)
            high = np.array([self._at(energy + 1j * scale * height) for height in _ABOVE])
            far = [self._at(1j * factor * _FAR * scale) for factor in (1.0, 2.0)]
        except Exception as error:  # the user's function, at energies that it may not have been made for
            heed_interrupt(error)
            return False
        size = max(np.abs(here).max(), 1e-300)
        absorbed = np.linalg.eigvalsh(1j * (high - high.conj().swapaxes(1, 2)))
        off = max(np.abs(above - expected).max(), np.abs(far[0] - far[1]).max(), -absorbed.min())
        return bool(off < _AGREE * size)

    def limit(self, energy: float) -> np.ndarray:
        """Diagonal of the self-energy far above the real axis."""
        return self._at(1j * _FAR * max(abs(energy), 1.0)).diagonal()

    def thresholds(self) -> np.ndarray:
        return np.empty(0)

    def open_modes(self, energy: float) -> int:
        sigma = self.self_energy(np.array([energy]))[0]
        gamma = np.linalg.eigvalsh(1j * (sigma - sigma.conj().T))
        return int(np.count_nonzero(gamma > _ROUNDING * np.abs(sigma).max()))

    def fermi_wavelength(self, energy: float) -> float:  # noqa: ARG002 (at no energy)
        return np.nan
