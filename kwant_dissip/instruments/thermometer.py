"""What a weak probe on a site finds: the electrons' chemical potential, temperature, and distribution.

The probe takes neither particles nor energy from site i:

    Int dE/2pi (A_i f - n_i) = 0,    Int dE/2pi E (A_i f - n_i) = 0,    f = 1 / (exp((E - mu_i) / T_i) + 1)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._kwant import kwant
from ..balance.solution import Solution
from ..balance.spectra import Spectra
from ..notebook import ends, html
from ..numerics.checks import real_array, shortened
from ..numerics.quadrature import TWO_PI
from ..numerics.threads import thread_pool
from ..numerics.weak_probe import weak_probe
from ..results.lattice_state import SteadyState
from ..results.phonon_state import PhononState
from ..solve import steady_state
from ..store.units import BOLTZMANN_EV


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

    def _rows(self):
        return {"mu": ends(self.mu), "temperature": ends(self.temperature),
                "not known": f"{np.isnan(self.temperature).sum()} sites"}

    def _repr_html_(self) -> str:
        return html(f"LocalElectrons: {len(self.mu)} sites", self._rows())

    def __repr__(self):
        found = ", ".join(f"{name} {text}" for name, text in self._rows().items())
        return f"<LocalElectrons: {len(self.mu)} sites, {found}>"


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
    if isinstance(state, PhononState):
        return _of_grid(state)
    solution = _solution(state)
    probes, sites = solution.probes, len(solution.order)
    panels = solution.panels.halves()

    def sums(spectrum, part):
        nodes, weights = part.points()
        n = solution.occupied(spectrum, nodes) @ np.stack([weights, weights * nodes], axis=1)
        return nodes, weights / TWO_PI, spectrum.spectral[:sites], n / TWO_PI

    # The grid resolves what the state holds; the energy of what occupies a site is one power of E more.
    with thread_pool() as map_:
        spectra = Spectra(solution.propagator, probes.mu0, map_, memory=0.0)
        nodes, weights, spectral, n = zip(*spectra.each(sums, spectra.parts(panels)), strict=True)
    mu, temperature = weak_probe(np.concatenate(nodes), np.concatenate(weights), np.concatenate(spectral, axis=1),
                                sum(n), probes.temperature0)
    back = np.argsort(solution.order)
    return LocalElectrons((mu + probes.mu0)[back], temperature[back])


def _of_grid(state):
    """The same where occupations are known at the energies of a grid."""
    boltzmann = BOLTZMANN_EV if state.units == "SI" else 1.0
    mu0, temperature0 = state.reservoir_mu.mean(), boltzmann * state.reservoir_temperature.mean()
    relative = state.energy - mu0
    equilibrium = 0.5 - 0.5 * np.tanh(0.5 * relative / temperature0)
    difference = (state.occupied - state.spectral * equilibrium) * state.energy_weights
    mu, temperature = weak_probe(relative, state.energy_weights, state.spectral, np.stack(
        [difference.sum(axis=1), difference @ relative], axis=1), temperature0)
    return LocalElectrons(mu0 + mu, temperature / boltzmann)


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
    if isinstance(state, PhononState):
        raise ValueError("With microscopic phonons the distribution is known at the energies of the state: "
                         "state.filling at state.energy.")
    solution = _solution(state)
    what = "finite real numbers, one after the other"
    given, energies = energies, real_array("energies", energies, what)
    if energies.ndim != 1 or not np.all(np.isfinite(energies)):
        raise ValueError(f"energies must be {what}, got {shortened(given)}.")
    count = len(solution.order)
    what = f"numbers of sites, 0 to {count - 1}"
    chosen = np.arange(count) if sites is None else real_array("sites", sites, what)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not np.all((chosen >= 0) & (chosen < count)):
        raise ValueError(f"sites must be {what}, got {shortened(sites)}.")
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


def _solution(state: Any) -> Solution:
    if not isinstance(state, SteadyState):
        raise TypeError("state must be a SteadyState, or for local_electrons a finalized system with what steady_state "
                        f"takes beside it, got {type(state).__name__}.")
    if state.solution is None:
        raise ValueError("This state does not know its spectra: it was loaded from a file, changed by to_si, or comes "
                         "from another process. Take it as steady_state returns it.")
    return state.solution
