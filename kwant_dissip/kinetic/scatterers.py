"""What the kinetic theory knows of the scatterer: probabilities between modes, and the modes' velocities."""

from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.optimize import bisect

from .._kwant import kwant
from ..errors import heed_interrupt, users_function
from ..leads.periodic import PeriodicLead
from ..model.lattice import read

# Points at which a velocity given as a function is searched for energies where it vanishes.
_SEARCH = 4001
# How well probabilities must add up to 1.
_UNITARY = 1e-8


class Scatterer(Protocol):
    """What is between the wires.

    Attributes
    ----------
    thresholds : array of float
        Energies at which a mode opens.
    """

    thresholds: np.ndarray

    def at(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probabilities P between modes, and the velocities in the left and in the right wire.

        P has the shape (energies, out, in), modes of the left wire first; velocities have the shape (2, modes,
        energies): to the right and to the left, positive, 0 where a mode is closed.
        """

    def velocity(self, side: int, energies: np.ndarray) -> np.ndarray:
        """v(E) in the left (0) or right (1) wire, if that has one mode."""

    def transmission(self, energies: np.ndarray) -> np.ndarray:
        """Probability from left to right, summed over modes."""


class FunctionScatterer:
    """One mode per wire, transmission and velocity given as functions of an energy array.

    Parameters
    ----------
    transmission : callable
        T(E), between 0 and 1.
    velocity : callable or pair of callables
        v(E) in both wires, or in the left and in the right one; 0 (or nan) where no mode is open.
    low, high : float
        Window in which to look for the energies where a velocity vanishes.

    Raises
    ------
    ValueError
        If a function returns values of the wrong shape, out of range, or not finite.
    """

    def __init__(self, transmission, velocity, low, high):
        self._transmission = transmission
        self._velocities = velocity if isinstance(velocity, tuple | list) else (velocity, velocity)
        if len(self._velocities) != 2 or not all(callable(v) for v in (transmission, *self._velocities)):
            raise ValueError("transmission and velocity must be functions of an array of energies (velocity: or a "
                             f"pair of functions), got {transmission!r} and {velocity!r}.")
        grid = np.linspace(low, high, _SEARCH)
        self.transmission(grid[1:3])  # fails now rather than in the midst of a solution; an end can be a band edge
        found = []
        for side in (0, 1):
            opened = self.velocity(side, grid) > 0
            for i in np.flatnonzero(opened[1:] != opened[:-1]):
                found.append(bisect(lambda e, side=side: (self.velocity(side, np.array([e]))[0] > 0) - 0.5,
                                    grid[i], grid[i + 1], xtol=1e-14 * max(1.0, abs(grid[i]))))
        self.thresholds = np.array(found)

    def velocity(self, side: int, energies: np.ndarray) -> np.ndarray:
        """v(E) in the left (0) or right (1) wire, 0 where no mode is open."""
        v = _values("velocity", self._velocities[side], energies)
        v = np.where(np.isnan(v), 0.0, v)
        _check_range("velocity", "finite and not negative (0 or nan where no mode is open)", v, energies,
                     (v >= 0) & (v < np.inf))
        return v

    def velocities(self, side: int, energy: float) -> tuple[np.ndarray, np.ndarray]:
        """Velocities of the open modes of the left (0) or right (1) wire at one energy: to the right, to the left."""
        v = self.velocity(side, np.array([energy]))
        return v[v > 0], v[v > 0]

    def transmission(self, energies: np.ndarray) -> np.ndarray:
        """T(E), checked."""
        t = _values("transmission", self._transmission, energies)
        _check_range("transmission", "between 0 and 1", t, energies, (t >= 0) & (t <= 1 + 1e-12))
        return np.minimum(t, 1.0)

    def at(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        t = self.transmission(energies)
        left, right = self.velocity(0, energies), self.velocity(1, energies)
        t = np.where((left > 0) & (right > 0), t, 0.0)
        probabilities = np.array([[(1 - t) * (left > 0), t], [t, (1 - t) * (right > 0)]]).transpose(2, 0, 1)
        return probabilities, np.array([[left], [left]]), np.array([[right], [right]])


def _values(name, function, energies):
    """Values of a user's function of an array of energies, after checking their type and shape."""
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.asarray(function(energies))
    except (TypeError, ValueError) as error:
        heed_interrupt(error)
        raise ValueError(f"{name}(E) failed for an array of energies ({type(error).__name__}: {error}); it must "
                         "take an array (numpy.vectorize makes it so).") from error
    except Exception:
        with users_function(name, function):
            raise
    if values.dtype.kind not in "fiub" or values.shape not in ((), energies.shape):
        raise ValueError(f"{name}(E) must return one real number for each of the {len(energies)} energies, got an "
                         f"array of {values.dtype} of shape {values.shape}.")
    return np.broadcast_to(values.astype(float), energies.shape)


def _check_range(name, meaning, values, energies, good):
    if not np.all(good):
        bad = np.flatnonzero(~good)[0]
        raise ValueError(f"{name}(E) must be {meaning}, got {values[bad].item()!r} at E={energies[bad].item()!r}.")


class KwantScatterer:
    """Scattering probabilities and velocities of a kwant system with two leads: the wires are its leads.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized; lead 0 is the left wire.
    params : dict or None
    """

    def __init__(self, syst, params=None):
        lattice = read(syst, params)
        if len(lattice.leads) != 2:
            raise ValueError(f"The kinetic theory takes two wires; syst has {len(lattice.leads)} leads.")
        self._leads = [lead for lead in lattice.leads if isinstance(lead, PeriodicLead)]
        if len(self._leads) < 2:
            raise ValueError("The kinetic theory needs leads with modes: a lead by self-energy has no velocity.")
        self._syst, self._params = syst, params
        self.thresholds = np.concatenate([lead.thresholds() for lead in lattice.leads])
        self._known = {}

    def transmission(self, energies: np.ndarray) -> np.ndarray:
        """Sum over modes of the transmission probabilities from left to right, array of shape (energies,)."""
        return np.array([self._solve(e)[0][1][0].sum() for e in np.ravel(energies)]).reshape(np.shape(energies))

    def velocity(self, side: int, energies: np.ndarray) -> np.ndarray:
        """v(E) in the left (0) or right (1) wire if it has one mode, 0 where that is closed."""
        if not self._leads[side].is_chain:
            raise ValueError(f"With electrostatics the wires must have one mode; lead {side} has cells of several "
                             "orbitals.")
        return self._leads[side].velocity(energies).real

    def velocities(self, side: int, energy: float) -> tuple[np.ndarray, np.ndarray]:
        """Velocities of the modes of the left (0) or right (1) wire at one energy: to the right, to the left."""
        return self._directions(side, self._leads[side].modes(energy).velocities)

    def _directions(self, side, velocities):
        towards, away = np.split(velocities * self._leads[side].period, 2)
        # kwant lists modes that move to the system first, with negative velocities.
        return (-towards, away) if side == 0 else (away, -towards)

    def _solve(self, energy):
        """Probabilities P[a][b] from wire b to wire a, and velocities [wire][to the right, to the left]."""
        energy = float(energy)
        if energy not in self._known:
            self._known[energy] = self._leads[0].near(energy, self._scattering)
        return self._known[energy]

    def _scattering(self, energy):
        """What `_solve` returns, or None next to a band edge where kwant's scattering matrix is not unitary."""
        smatrix = kwant.smatrix(self._syst, energy, params=self._params)
        if np.abs(np.sum(np.abs(smatrix.data) ** 2, axis=0) - 1).max(initial=0) > _UNITARY:
            return None
        return ([[np.abs(smatrix.submatrix(a, b)) ** 2 for b in (0, 1)] for a in (0, 1)],
                [self._directions(side, smatrix.lead_info[side].velocities) for side in (0, 1)])

    def at(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        solved = [self._solve(energy) for energy in energies]
        modes = [max(1, *(len(velocities[side][0]) for _, velocities in solved)) for side in (0, 1)]
        offsets = np.array([0, modes[0], sum(modes)])
        scattering = np.zeros((len(energies), offsets[2], offsets[2]))
        result = [np.zeros((2, count, len(energies))) for count in modes]
        for k, (probabilities, velocities) in enumerate(solved):
            for a, (start, _) in enumerate(pairwise(offsets)):
                for direction in (0, 1):
                    result[a][direction, :len(velocities[a][direction]), k] = velocities[a][direction]
                for b in (0, 1):
                    block = probabilities[a][b]
                    scattering[k, start:start + block.shape[0], offsets[b]:offsets[b] + block.shape[1]] = block
        left, right = result
        return scattering, left, right
