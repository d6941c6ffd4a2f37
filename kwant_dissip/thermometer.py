"""What a weak probe on a site finds: the electrons' chemical potential, temperature, and distribution.

The probe takes neither particles nor energy from site i:

    Int dE/2pi (A_i f - n_i) = 0,    Int dE/2pi E (A_i f - n_i) = 0,    f = 1 / (exp((E - mu_i) / T_i) + 1)

In the unknowns a = mu/T and b = 1/T both are the gradient of a convex function, so that Newton's method with short
steps finds the solution if there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import kwant
import numpy as np

from .balance.solution import Solution
from .numerics.energy_kernels import fermi_excess, fermi_slope
from .numerics.quadrature import TWO_PI
from .numerics.threads import thread_pool
from .propagators.kept import KeptSpectra
from .results.lattice_state import SteadyState
from .solve import steady_state

_STEPS = 100
# Largest change of 1/T in a step, relative.
_LONGEST = 0.75
# Change of the last step, relative to k_B T, that is let pass.
_TOLERANCE = 1e-6
# Below this part of the mean over all sites, states are rounding errors of others.
_FEWEST_STATES = 1e-12
# Electrons hotter than this times the window that was integrated over have no temperature.
_WIDEST = 0.25


@dataclass(frozen=True, eq=False)
class LocalElectrons:
    """What `local_electrons` finds.

    Attributes
    ----------
    mu, temperature : array of float, shape (sites,)
        Electrochemical potential, and k_B T, both in the model's energy unit; nan where a site has next to no states in
        the thermal window, or no temperature describes what it holds.
    """

    mu: np.ndarray
    temperature: np.ndarray


def local_electrons(state: SteadyState | kwant.system.FiniteSystem, *arguments: Any, **options: Any) -> LocalElectrons:
    """Chemical potential and temperature of the electrons on every site, as an ideal weak probe measures them.

    Parameters
    ----------
    state : SteadyState or kwant.system.FiniteSystem
        As `steady_state` returned it, with any baths or none. A state that was loaded from a file, changed by `to_si`,
        or sent to another process does not know the spectra any more. A system is solved first.
    *arguments, **options
        With a system, the other arguments of `steady_state`.

    Returns
    -------
    LocalElectrons

    Raises
    ------
    TypeError
        If `state` is neither, or other arguments come with a state.
    ValueError
        If it does not know its spectra.

    References
    ----------
    J. Meair, J. P. Bergfield, C. A. Stafford, Ph. Jacquod, Phys. Rev. B 90, 035407 (2014).
    """
    if isinstance(state, kwant.system.FiniteSystem):
        state = steady_state(state, *arguments, **options)
    elif arguments or options:
        raise TypeError("A state is all that local_electrons needs; other arguments go with a system.")
    solution = _solution(state)
    probes, sites = solution.probes, len(solution.order)
    panels = solution.panels.halves()

    def sums(batch):
        nodes, weights = (array.ravel() for array in panels[batch].nodes()[:2])
        spectrum = solution.propagator.spectrum(probes.mu0 + nodes)
        n = solution.occupied(spectrum, nodes) @ np.stack([weights, weights * nodes], axis=1)
        return nodes, weights / TWO_PI, spectrum.spectral[:sites], n / TWO_PI

    # The grid resolves what the state holds; the energy of what occupies a site is one power of E more.
    with thread_pool() as map_:
        nodes, weights, spectral, n = zip(*map_(sums, KeptSpectra(solution.propagator).batches(panels)), strict=True)
    mu, temperature = _measured(np.concatenate(nodes), np.concatenate(weights), np.concatenate(spectral, axis=1),
                                sum(n), probes.temperature0)
    back = np.argsort(solution.order)
    return LocalElectrons((mu + probes.mu0)[back], temperature[back])


def local_distribution(state: SteadyState, energies: Sequence[float] | np.ndarray,
                       sites: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """Occupation f_i(E) = n_i(E) / A_i(E) of the states on a site, at any energies.

    Parameters
    ----------
    state : SteadyState
        As for `local_electrons`.
    energies : sequence of float
        In the model's energy unit.
    sites : sequence of int, optional
        Numbers of the sites in ``syst.sites``; by default all.

    Returns
    -------
    array of float, shape (sites, energies)
        nan where a site has no states.

    Raises
    ------
    TypeError, ValueError
        As `local_electrons`, or if energies or sites are none.
    """
    solution = _solution(state)
    energies = np.asarray(energies)
    if energies.ndim != 1 or energies.dtype.kind not in "fiu" or not np.all(np.isfinite(energies)):
        raise ValueError(f"energies must be finite real numbers, one after the other, got {energies!r}.")
    count = len(solution.order)
    chosen = np.arange(count) if sites is None else np.asarray(sites)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not np.all((chosen >= 0) & (chosen < count)):
        raise ValueError(f"sites must be numbers of sites, 0 to {count - 1}, got {sites!r}.")
    probes = solution.probes
    rows = np.argsort(solution.order)[chosen]
    result = np.empty((len(chosen), len(energies)))
    for start in range(0, len(energies), max(1, solution.propagator.batch)):
        part = slice(start, start + max(1, solution.propagator.batch))
        relative = energies[part].astype(float) - probes.mu0
        spectrum = solution.propagator.spectrum(probes.mu0 + relative)
        n, spectral = solution.occupied(spectrum, relative)[rows], spectrum.spectral[rows]
        equilibrium = 0.5 - 0.5 * np.tanh(0.5 * relative / probes.temperature0)
        result[:, part] = equilibrium + np.divide(n, spectral, out=np.full_like(n, np.nan), where=spectral > 0)
    return result


def _solution(state) -> Solution:
    if not isinstance(state, SteadyState):
        raise TypeError("state must be a SteadyState, or for local_electrons a finalized system with what steady_state "
                        f"takes beside it, got {type(state).__name__}.")
    if state.solution is None:
        raise ValueError("This state does not know its spectra: it was loaded from a file, changed by to_si, or comes "
                         "from another process. Take it as steady_state returns it.")
    return state.solution


def _measured(energies, weights, spectral, n, reference):
    """Chemical potentials relative to mu_0, and temperatures; nan where there are none.

    Newton's method for all sites side by side; n holds the particles and the energy on each of them, less those of the
    equilibrium, shape (sites, 2).
    """
    mu, excess = np.zeros(len(n)), np.zeros(len(n))
    weighted = spectral * weights
    powers = np.stack([np.ones_like(energies), energies, energies ** 2], axis=1)
    for _ in range(_STEPS):
        temperature = reference + excess
        difference = fermi_excess(energies, mu, excess, reference)
        slope = weighted * fermi_slope(energies, mu, temperature)
        off = (weighted * difference) @ powers[:, :2] - n
        m0, m1, m2 = (slope @ powers).T
        # In x = (E - mu) / T: rows of particles and heat, unknowns dmu and dT.
        first, second = (m1 - mu * m0) / temperature, (m2 - 2 * mu * m1 + mu ** 2 * m0) / temperature ** 2
        heat = (off[:, 1] - mu * off[:, 0]) / temperature
        determinant = m0 * second - first ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            step = -(second * off[:, 0] - first * heat) / determinant, -(m0 * heat - first * off[:, 0]) / determinant
            change = np.abs(step).max(axis=0) / temperature
            # A step in (mu/T, 1/T), shortened so that 1/T changes by a part of itself only.
            relative = step[1] / temperature
            part = np.minimum(1.0, _LONGEST / np.maximum(np.abs(relative), 1e-300))
            new = temperature / (1 - part * relative)
            ratio = (mu + part * (step[0] - mu * relative)) / temperature
        good = np.isfinite(new) & np.isfinite(ratio) & (new < _WIDEST * np.ptp(energies))
        excess = np.where(good, new - reference, excess)
        mu = np.where(good, ratio * new, mu)
        if np.all((change < 1e-13) | ~good):
            break
    found = good & (change < _TOLERANCE) & (m0 > _FEWEST_STATES * m0.mean())
    return np.where(found, mu, np.nan), np.where(found, reference + excess, np.nan)
