"""Electrostatic energies together with the self-consistent Born approximation.

    A U - b U_leads - B (N - N0) = 0,    N = Int n dE/2pi

The potential follows Newton's method with the response at fixed occupations f_i(E), which a change of U moves little
where electrons are not far from local equilibrium; spectral functions and rates follow. (With rates held, too, it does
not converge: they change the states by as much as U does.) Occupations and U are approached in turns.
"""

from collections.abc import Callable

import numpy as np

from ..model.electrostatics import Equation
from ..numerics import krylov

# What is left of the law of electrostatics, relative to its largest term, when it counts as fulfilled. Densities are
# sums of terms of order one: with no larger terms than this a law is fulfilled to rounding.
LAW_TOLERANCE = 1e-9
_SMALLEST_TERM = 1e-14 / LAW_TOLERANCE
# Of the largest states per energy at a site; where there are next to none, Thomas-Fermi's inverse needs a floor.
_FEWEST_STATES = 1e-2
# What the linear equations of a step leave, and what is accepted; derivatives are differences over so many k_B T.
_RTOL, _WORST = 5e-2, 0.5
DIFFERENCE = 1e-3
_WHAT = "the electrostatic potential"


class BornScreening:
    """Law of electrostatics for rows of a propagator, which are sites or orbitals.

    Parameters
    ----------
    equation : Equation
        With sites in the lattice's order.
    ramps : array of float, shape (sites, leads)
        Potential without charge, per potential of each lead.
    site : array of int, shape (rows,)
        Site of each row.
    lead_potentials : array of float, shape (leads,)
        Electrostatic energies of the leads; nan for that of a floating lead which follows its mu.
    neutral_mu, neutral_temperature : float
        Of the neutral system.

    Attributes
    ----------
    name : str
        In messages.
    counts_all : bool
        Whether all electrons count, not only those beyond the neutral system's.
    """

    name = "the law of electrostatics"
    counts_all = False

    def __init__(self, equation: Equation, ramps: np.ndarray, site: np.ndarray, lead_potentials: np.ndarray,
                 neutral_mu: float, neutral_temperature: float) -> None:
        self._equation, self._ramps, self._site = equation, ramps, site
        self._given = lead_potentials
        self.neutral_mu, self.neutral_temperature = neutral_mu, neutral_temperature

    def lead_potentials(self, lead_mu: np.ndarray) -> np.ndarray:
        """Of all leads, shape (leads,)."""
        return np.where(np.isnan(self._given), lead_mu - self.neutral_mu, self._given)

    def start(self, lead_mu: np.ndarray) -> np.ndarray:
        """Potential without charge, shape (rows,)."""
        return (self._ramps @ self.lead_potentials(lead_mu))[self._site]

    def by_site(self, values: np.ndarray) -> np.ndarray:
        """Sums over the rows of each site."""
        return np.bincount(self._site, values, minlength=len(self._ramps))

    def _of_sites(self, potential):
        result = np.empty(len(self._ramps))
        result[self._site] = potential
        return result

    def residual(self, potential: np.ndarray, lead_mu: np.ndarray,
                 charge: np.ndarray) -> tuple[np.ndarray, float]:
        """What is left of the law at each site, and its largest value over the largest term.

        Parameters
        ----------
        potential, charge : arrays of float, shape (rows,)
            U, and N - N0.
        lead_mu : array of float, shape (leads,)
        """
        law, largest = self._equation.residual(self._of_sites(potential), self.lead_potentials(lead_mu),
                                               self.by_site(charge))
        return law, float(np.abs(law).max() / max(largest, _SMALLEST_TERM))

    def step(self, left: np.ndarray, states: np.ndarray, density: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Change of U, shape (rows,), that undoes what is left of the law.

        Parameters
        ----------
        left : array of float, shape (sites,)
        states : array of float, shape (rows,)
            Thermal density of states, about minus the derivative of the density with U.
        density : callable
            Density of the rows when U changes by an array of shape (rows,), at fixed occupations.
        """
        states = self.by_site(states)
        thomas_fermi = self._equation.thomas_fermi(np.maximum(states, _FEWEST_STATES * states.max()))
        nothing = np.zeros(len(states))
        before = density(np.zeros(len(self._site)))

        def product(direction):
            largest = np.abs(direction).max()
            if largest == 0:
                return np.zeros_like(direction)
            length = DIFFERENCE * self.neutral_temperature / largest
            change = (density(length * direction[self._site]) - before) / length
            return self._equation.residual(direction, np.zeros(self._ramps.shape[1]), self.by_site(change))[0]

        return krylov.solve(product, -left, lambda b: thomas_fermi(b, nothing), rtol=_RTOL, worst=_WORST,
                            what=_WHAT)[self._site]
