"""The static shift of levels by phonons that the electrons displace: Hartree's term, the tadpole.

A vibration H = M n (a + a^dagger) + w a^dagger a of a site with n electrons settles at <a + a^dagger> = -2 M n / w;
what it adds to the levels is M times that, with D = M^2:

    U_i + 2 D_i / w N_i = 0

summed over the modes. It has the form of a law of electrostatics, local, of all electrons, and with the other sign.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_matrix, identity

from ..model.electrostatics import Equation
from ..model.phonons import Mode
from .screening import BornScreening

_HALFWAY = 0.5


class TadpoleEquation(Equation):
    """U_i + strength_i N_i = 0.

    Parameters
    ----------
    strength : array of float, shape (rows,)
        Sum of 2 D / w over the modes.
    leads : int
    """

    def __init__(self, strength: np.ndarray, leads: int) -> None:
        super().__init__(csr_matrix(identity(len(strength))), np.zeros((len(strength), leads)), None)
        self._strength = strength

    def _charge(self, q):
        return -self._strength * q


class Tadpole(BornScreening):
    """The shift of every row of a propagator, sites or orbitals; leads stay.

    Parameters
    ----------
    modes : sequence of Mode
        In the propagator's order.
    lead_potentials : array of float, shape (leads,)
    mu, temperature : float
        Of the equilibrium.
    """

    name = "the static shift of the levels"
    counts_all = True

    def __init__(self, modes: Sequence[Mode], lead_potentials: np.ndarray, mu: float, temperature: float) -> None:
        strength = np.sum([2 * mode.coupling / mode.energy for mode in modes if mode.tadpole], axis=0)
        rows, leads = len(strength), len(lead_potentials)
        super().__init__(TadpoleEquation(strength, leads), np.zeros((rows, leads)), np.arange(rows), lead_potentials,
                         mu, temperature)

    def step(self, left: np.ndarray, states: np.ndarray, density: Callable) -> np.ndarray:  # noqa: ARG002 (none)
        """See `BornScreening`; halfway to what the density displaces.

        Attraction allows several solutions: this follows the one that begins without it. A whole step overshoots where
        rates move with the levels.
        """
        return -_HALFWAY * left
