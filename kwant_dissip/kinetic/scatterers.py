"""What the kinetic theory knows of the scatterer: probabilities between modes, and the modes' velocities."""

from itertools import pairwise

import kwant
import numpy as np
from scipy.optimize import bisect

from ..errors import users_function
from ..model.lattice import read

# Points at which a velocity given as a function is searched for energies where it vanishes.
_SEARCH = 4001


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
        found = []
        for side in (0, 1):
            opened = self.velocity(side, grid) > 0
            for i in np.flatnonzero(opened[1:] != opened[:-1]):
                found.append(bisect(lambda e, side=side: (self.velocity(side, np.array([e]))[0] > 0) - 0.5,
                                    grid[i], grid[i + 1], xtol=1e-14 * max(1.0, abs(grid[i]))))
        self.thresholds = np.array(found)

    def velocity(self, side, energies):
        """v(E) in the left (0) or right (1) wire, 0 where no mode is open."""
        with np.errstate(invalid="ignore"), users_function("velocity", self._velocities[side]):
            v = np.nan_to_num(np.asarray(self._velocities[side](energies), float), nan=0.0)
        v = np.broadcast_to(v, energies.shape)
        if not np.all(np.isfinite(v)) or np.any(v < 0):
            raise ValueError("velocity(E) must be finite and not negative (0 or nan where no mode is open).")
        return v

    def transmission(self, energies):
        """T(E), checked."""
        with users_function("transmission", self._transmission):
            t = np.broadcast_to(np.asarray(self._transmission(energies), float), energies.shape)
        good = (t >= 0) & (t <= 1 + 1e-12)
        if not np.all(good):
            bad = np.flatnonzero(~good)[0]
            raise ValueError(f"transmission(E) must lie between 0 and 1, got {t[bad]!r} at E={energies[bad]!r}.")
        return np.minimum(t, 1.0)

    def at(self, energies):
        t = self.transmission(energies)
        left, right = self.velocity(0, energies), self.velocity(1, energies)
        t = np.where((left > 0) & (right > 0), t, 0.0)
        probabilities = np.array([[(1 - t) * (left > 0), t], [t, (1 - t) * (right > 0)]]).transpose(2, 0, 1)
        return probabilities, np.array([[left], [left]]), np.array([[right], [right]])


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
        if not all(lead.has_velocity for lead in lattice.leads):
            raise ValueError("The kinetic theory needs leads with modes: a lead by self-energy has no velocity.")
        self._syst, self._params = syst, params
        self._leads = lattice.leads
        self.thresholds = np.concatenate([lead.thresholds() for lead in lattice.leads])
        self._known = {}

    def transmission(self, energies):
        """Sum over modes of the transmission probabilities from left to right, array of shape (energies,)."""
        return np.array([self._solve(e)[0][1][0].sum() for e in np.ravel(energies)]).reshape(np.shape(energies))

    def velocity(self, side, energies):
        """v(E) in the left (0) or right (1) wire if it has one mode, 0 where that is closed."""
        if not self._leads[side].is_chain:
            raise ValueError(f"With electrostatics the wires must have one mode; lead {side} has cells of several "
                             "orbitals.")
        return self._leads[side].velocity(energies).real

    def _solve(self, energy):
        """Probabilities P[a][b] from wire b to wire a, and velocities [wire][to the right, to the left]."""
        energy = float(energy)
        if energy not in self._known:
            smatrix = kwant.smatrix(self._syst, energy, params=self._params)
            probabilities = [[np.abs(smatrix.submatrix(a, b)) ** 2 for b in (0, 1)] for a in (0, 1)]
            velocities = []
            for lead in (0, 1):
                values = smatrix.lead_info[lead].velocities * self._leads[lead].period
                half = len(values) // 2
                # kwant lists modes that move to the system first, with negative velocities.
                towards, away = -values[:half], values[half:]
                velocities.append((towards, away) if lead == 0 else (away, towards))
            self._known[energy] = probabilities, velocities
        return self._known[energy]

    def at(self, energies):
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
        return scattering, *result
