"""What `steady_state` returns where electrons scatter off microscopic phonons."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..numerics.checks import is_whole, shortened
from ..store.fields import documented, quantity
from ..store.units import BOLTZMANN_EV
from .lattice_state import SteadyState

_GRID = ("site", "energy")


@documented
@dataclass(frozen=True, eq=False, repr=False)
class PhononState(SteadyState):
    """A `SteadyState` in the self-consistent Born approximation: all of it at every energy.

    `mu` is that of the probe where a PhononBath couples, and what an ideal weak probe measures on the other sites that
    scatter. The energies lie on ladders: to each of them every quantum of the phonons is another one, with the same
    weight, up to the ends of the grid. Integrals Int dE / 2 pi are sums over them with `energy_weights`.

    Notes
    -----
    `error` compares with fewer energies, and holds what lies beyond them, with electrostatics changes of density and
    potential too; without, the density may be worse: it counts all states down to the bands' sharp edges.
    `newton_steps` and `products` are those on the last grid.
    """

    energy: np.ndarray = quantity("The energies, growing", "energy", ("energy",), default=None)
    energy_weights: np.ndarray = quantity("Weights of sums over them, for Int dE / 2 pi", "energy", ("energy",),
                                          default=None)
    spectral: np.ndarray = quantity("Local spectral function A_i(E)", "states per energy", _GRID, default=None)
    occupied: np.ndarray = quantity("Its occupied part n_i(E)", "states per energy", _GRID, default=None)
    scattering_in: np.ndarray = quantity("In-scattering rate Sin_i(E) of all phonons and probes", "energy", _GRID,
                                         default=None)
    scattering_rate: np.ndarray = quantity(
        "gamma_i(E), in- and out-scattering together; the latter is scattering_rate - scattering_in", "energy", _GRID,
        default=None)
    phonon_energy: np.ndarray = quantity("Energy w of each mode of optical phonons", "energy", ("mode",), default=None)
    phonon_coupling: np.ndarray = quantity("Coupling D of each mode at each site", "energy squared", ("mode", "site"),
                                           default=None)
    phonon_number: np.ndarray = quantity("Quanta N of each mode at each site", dimensions=("mode", "site"),
                                         default=None)
    each_orbital: bool = quantity("Whether every orbital has vibrations of its own", default=False)
    tadpole: np.ndarray | None = quantity(
        "Static shift -2 D n / w of each site's levels, the mean over its orbitals where these have vibrations of "
        "their own; only with tadpole=True", "energy", ("site",), default=None)
    mode_power: np.ndarray = quantity("Power that each mode gets at each site; the rest of `power` goes to probes",
                                      "power", ("mode", "site"), default=None)

    has_bath_mu: ClassVar[bool] = False

    @property
    def filling(self) -> np.ndarray:
        """Local distribution f_i(E) = n_i(E) / A_i(E), shape (sites, energies); nan where there are no states."""
        return np.divide(self.occupied, self.spectral, out=np.full_like(self.occupied, np.nan),
                         where=self.spectral > 0)

    @property
    def entropy_production(self) -> float:
        """Entropy that phonons and reservoirs gain per unit time, each mode at its own temperature."""
        boltzmann = BOLTZMANN_EV if self.units == "SI" else 1.0
        temperature = self.phonon_energy[:, None] / (boltzmann * np.log1p(1 / np.maximum(self.phonon_number, 1e-300)))
        probes = self.power - self.mode_power.sum(axis=0)
        gained = self.mode_power / temperature
        heat = self.energy_current - self.reservoir_mu * self.current
        return float(gained.sum() + np.where(probes == 0, 0.0, probes / self.bath_temperature).sum()
                     - (heat / self.reservoir_temperature).sum())

    def quanta(self, mode: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Quanta that electrons emit and absorb, by the energy that they have before.

        Parameters
        ----------
        mode : int
            Number of a mode.

        Returns
        -------
        emission, absorption : arrays of float, shape (sites, energies)
            Per time and energy, times 2 pi: sums with `energy_weights` are numbers per time (in SI: times e / hbar),
            whose difference times `phonon_energy` (in SI: times e, in J) is `mode_power`.

        Raises
        ------
        ValueError
            If there is no such mode, or orbitals have vibrations of their own: sums over them do not tell.
        """
        if self.each_orbital:
            raise ValueError("With each_orbital=True quanta are counted in every orbital, of which the state holds "
                             "sums only; mode_power has their energy.")
        if not len(self.phonon_energy):
            raise ValueError("This state has no optical phonons: acoustic ones take no quanta.")
        if not is_whole(mode) or mode not in range(len(self.phonon_energy)):
            raise ValueError(f"mode must be a number of a mode, 0 to {len(self.phonon_energy) - 1}, "
                             f"got {shortened(mode)}.")
        up = int(np.argmin(np.abs(self.energy - self.energy[0] - self.phonon_energy[mode])))
        coupling, number = self.phonon_coupling[mode][:, None], self.phonon_number[mode][:, None]
        empty = self.spectral - self.occupied
        emission, absorption = np.zeros_like(empty), np.zeros_like(empty)
        emission[:, up:] = coupling * (number + 1) * self.occupied[:, up:] * empty[:, :-up]
        absorption[:, :-up] = coupling * number * self.occupied[:, :-up] * empty[:, up:]
        return emission, absorption
