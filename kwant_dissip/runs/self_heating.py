"""Phonons that the electrons have heated are the bath of the electrons."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..errors import ConvergenceError, RunawayError, heed_interrupt
from ..numerics.anderson import Anderson
from ..numerics.checks import check_flag, check_positive, check_rtol, check_solve
from ..progress import stage_bar
from ..results.lattice_state import SteadyState
from ..results.self_heating import SelfHeating, State
from ..thermal.conductances import Thermal
from ..thermal.field import equation_of, field_of
from ..thermal.heat_equation import HeatEquation

# Solves at most; how many are mixed; how many may pass without being twice as close before they are mixed no more.
_PASSES, _MIXED, _PATIENCE = 150, 20, 20
# No temperature changes by more than this part of itself at once.
_LONGEST = 0.5
# By default a runaway is where phonons are this much hotter than substrate and reservoirs.
_HOTTEST = 10.0
# What rounding may lose in conversions to K; a mK of 300 K matters.
_SAME = 1e-9


def self_heating(solve: Callable[[float | np.ndarray], State], thermal: Thermal, *, heat_at_ends: bool = False,
                 hottest: float | None = None, rtol: float = 1e-5) -> SelfHeating[State]:
    """The state whose bath has the temperature to which its own power heats the phonons.

    Parameters
    ----------
    solve : callable
        ``solve(temperature)`` returns a `SteadyState` in SI units whose PhononBath is at this temperature, in K: one
        number the first time (the substrate's), then one per site.
    thermal : Thermal
    heat_at_ends : bool, optional
        See `temperature`.
    hottest : float, optional
        A temperature in K that no steady state is looked for above. By default ten times that of substrate and
        reservoirs.
    rtol : float, optional
        Largest difference between the bath's and the phonons' temperature, relative to the largest excess over the
        substrate. `solve` must be more accurate.

    Returns
    -------
    SelfHeating
        `state` and `field`.

    Raises
    ------
    TypeError
        If `solve` is no function of one argument, or what it returns no SteadyState. (The kinetic theory knows one
        temperature of all phonons only.)
    ValueError
        If the state is in model units, or its bath is not at the temperature given.
    RunawayError
        If there is no steady state below `hottest`: the error says at which bias.
    ConvergenceError
        If bath and phonons do not come to agree. What `solve` raises the first time comes through as it is.

    Notes
    -----
    Each pass takes the power at the present temperatures and a Newton step of the heat equation; these are mixed by
    Anderson's method, and no temperature changes by more than a half at once. Where that leads nowhere the steps are
    followed as they are, up from the substrate's temperature: to the coldest steady state that heating up leads to.
    The leads stay at the temperatures of their reservoirs: hot phonons give heat to the electrons,
    too.

    Examples
    --------
    >>> from scipy.constants import Boltzmann, eV
    >>> unit = 0.4                                              # eV
    >>> def solve(kelvin):
    ...     bath = kd.PhononBath(kelvin * Boltzmann / eV / unit, rate=0.05)
    ...     return kd.steady_state(syst, reservoirs, bath).to_si(unit, 3e-9)
    >>> hot = kd.self_heating(solve, kd.thermal.nanotube_on_silica())
    >>> hot.field.plot()
    """
    check_solve(solve, "temperature")
    if not isinstance(thermal, Thermal):
        raise TypeError(f"thermal must be a Thermal, got {type(thermal).__name__}.")
    check_flag("heat_at_ends", heat_at_ends)
    check_rtol(rtol)
    if hottest is not None:
        check_positive("hottest", hottest, "K")
        if hottest <= thermal.substrate_temperature:
            raise ValueError(f"hottest must be above the substrate's {thermal.substrate_temperature:g} K, "
                             f"got {hottest!r}.")
    with stage_bar("self_heating") as progress:
        return _Iteration(solve, thermal, heat_at_ends, hottest, rtol, progress).run()


@dataclass
class _Point:
    """Excess temperatures of the nodes, and what follows from them: the sites' are those of the bath."""

    excess: np.ndarray
    state: SteadyState
    equation: HeatEquation
    step: np.ndarray

    @property
    def error(self) -> float:
        largest = max(np.abs(self.excess).max(), np.abs(self.excess + self.step).max())
        return float(np.abs(self.step).max() / (largest or 1.0))


class _AstrayError(Exception):
    """The temperatures left the range in which there are states; an error can be the cause."""


@dataclass
class _Iteration:
    solve: Callable
    thermal: Thermal
    heat_at_ends: bool
    hottest: float | None
    rtol: float
    progress: Callable
    passes: int = 0
    best: _Point = field(init=False)
    last: _Point = field(init=False)

    def run(self) -> SelfHeating:
        substrate = self.thermal.substrate_temperature
        state = self.checked(self.solve(substrate), substrate)
        equation = self.equation(state)
        start = self.best = self.noted(equation.start, state, equation)
        if self.hottest is None:
            held = substrate + start.equation.start.max()
            self.hottest = _HOTTEST * max(held, state.reservoir_temperature.max())
        try:
            found = self.follow(start, _MIXED)
        except _AstrayError:
            found = None
        if found is None:
            try:
                found = self.follow(start, 0)
            except _AstrayError as error:
                raise self.runaway() from error.__cause__
        if found is None:
            raise ConvergenceError(f"Bath and phonons came to agree to {self.best.error:.1e} of the excess temperature "
                                   f"only, in {self.passes} passes: a smaller rtol in solve, a larger one than "
                                   f"{self.rtol:.1e} here, or a smaller bias help.", accuracy=self.best.error,
                                   state=self.best.state)
        heated = field_of(found.state, found.equation.solve(found.excess), found.equation.cells, self.thermal,
                          heat_at_ends=self.heat_at_ends)
        off = np.abs(heated.excess - found.excess[:len(heated.excess)]).max() / (np.abs(heated.excess).max() or 1.0)
        return SelfHeating(found.state, heated, self.passes, float(off))

    def follow(self, point: _Point, most: int) -> _Point | None:
        """The solution, with at most so many steps mixed, or None; `_AstrayError` if it gets too hot."""
        mixing, waited, closest = Anderson(most), 0, np.inf
        for _ in range(_PASSES):
            if point.error <= self.rtol:
                return point
            closest, waited = (point.error, 0) if point.error < 0.5 * closest else (closest, waited + 1)
            if most and waited > _PATIENCE:
                return None
            move = mixing.move(point.step)
            temperature = self.thermal.substrate_temperature + point.excess
            move = move * min(1.0, float((_LONGEST * temperature / np.maximum(np.abs(move), 1e-300)).min()))
            mixing.took(move)
            point = self.at(point.excess + move)
        return None

    def at(self, excess: np.ndarray) -> _Point:
        temperature = self.thermal.substrate_temperature + excess[:len(self.last.state.power)]
        if temperature.max() > self.hottest:
            raise _AstrayError
        try:
            state = self.checked(self.solve(temperature), temperature)
            point = self.noted(excess, state, self.equation(state))
        except ConvergenceError as error:
            heed_interrupt(error)
            raise _AstrayError from error
        if point.error < self.best.error:
            self.best = point
        return point

    def equation(self, state: SteadyState) -> HeatEquation:
        return equation_of(state, self.thermal, heat_at_ends=self.heat_at_ends)

    def noted(self, excess: np.ndarray, state: SteadyState, equation: HeatEquation) -> _Point:
        point = self.last = _Point(excess, state, equation, equation.correction(excess))
        self.progress("temperature", point.error)
        return point

    def checked(self, state: SteadyState, given: float | np.ndarray) -> SteadyState:
        """The state, if its bath has the temperature that was given."""
        self.passes += 1
        if not isinstance(state, SteadyState):
            raise TypeError("solve must return a SteadyState, whose phonons have a temperature at each site, got "
                            f"{type(state).__name__}.")
        if state.units != "SI":
            raise ValueError("solve must return a state in SI units: convert it with state.to_si(energy_unit=..., "
                             "lattice_constant=...).")
        known = np.isfinite(state.bath_temperature)  # microscopic phonons have none where they do not couple
        if not (known.any() and np.allclose(state.bath_temperature[known], np.broadcast_to(given, known.shape)[known],
                                            rtol=_SAME, atol=0)):
            raise ValueError(f"solve must give its PhononBath the temperature that it is called with, times k_B / "
                             "energy_unit (scipy.constants has Boltzmann / eV in all digits): it got "
                             f"{np.max(given):.9g} K at most, and the state's bath is at "
                             f"{np.max(state.bath_temperature):.9g} K.")
        return state

    def runaway(self) -> RunawayError:
        state = self.last.state
        bias, kelvin = float(np.ptp(state.reservoir_mu)), state.bath_temperature.max()
        return RunawayError(
            f"There is no steady state below {self.hottest:.4g} K at a bias of {bias:.6g} eV: at {kelvin:.4g} K the "
            "phonons still receive more than they lose, or no state of the electrons is found. A smaller bias, or a "
            "stronger coupling to the substrate, helps.", bias=bias, state=state)
