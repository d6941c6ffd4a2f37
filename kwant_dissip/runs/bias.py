"""Bias set by what it does: by the voltage drop in the scatterer, or by the current."""

from collections.abc import Callable
from numbers import Real
from typing import TypeVar

import numpy as np

from ..analysis.voltage_drop import STRAIGHT, voltage_drop
from ..errors import ConvergenceError
from ..numerics.checks import check_rtol

State = TypeVar("State")

_SOLVES = 12
# Times the bias that was tried last.
_LONGEST = 100


def at_voltage_drop(drop: float, solve: Callable[[float], State], *, straight: tuple[float, float] = STRAIGHT,
                    rtol: float = 1e-5) -> State:
    """The state at the bias that makes the electrochemical drop in the scatterer what it should be.

    Parameters
    ----------
    drop : float
        As `voltage_drop` measures it, in the model's energy unit; not 0.
    solve : callable
        ``solve(bias)`` returns the state at a bias, mu of lead 0 less mu of lead 1: a function of yours that calls
        `steady_state` or `kinetic.steady_state`.
    straight : (float, float), optional
        See `voltage_drop`.
    rtol : float, optional
        Relative accuracy of the drop.

    Returns
    -------
    SteadyState or KineticState

    Raises
    ------
    ConvergenceError
        If no bias was found that reaches the drop.

    Examples
    --------
    >>> def solve(bias):
    ...     reservoirs = [kd.Reservoir(mu + bias / 2, kbt), kd.Reservoir(mu - bias / 2, kbt)]
    ...     return kd.steady_state(syst, reservoirs, bath)
    >>> state = kd.at_voltage_drop(0.01, solve)
    """
    return _find(drop, solve, lambda state: voltage_drop(state, straight=straight), drop, rtol, "voltage drop")


def at_current(current: float, solve: Callable[[float], State], *, rtol: float = 1e-5) -> State:
    """The state at the bias that drives a given current.

    Parameters
    ----------
    current : float
        Particles per unit time that enter from lead 0; not 0.
    solve : callable
        See `at_voltage_drop`.
    rtol : float, optional
        Relative accuracy of the current.

    Returns
    -------
    SteadyState or KineticState

    Raises
    ------
    ConvergenceError
        If no bias was found that drives the current.
    """
    # The least bias that could: one open mode, no resistance but its own.
    return _find(current, solve, lambda state: float(state.current[0]), 2 * np.pi * current, rtol, "current")


def _find(target, solve, measure, bias, rtol, name):
    """Bias at which `measure` gives `target`: secants through the last two tries, from the line through 0."""
    check_rtol(rtol)
    if not isinstance(target, Real) or not np.isfinite(target) or target == 0:
        raise ValueError(f"{name} must be a finite number other than 0, got {target!r}.")
    tried, failure, limit, worse = [(0.0, 0.0)], None, np.inf, 0
    for _ in range(_SOLVES):
        try:
            state = solve(bias)
        except (ConvergenceError, ValueError) as error:
            # Too much for the leads or the solver: try between here and what worked.
            failure, limit = error, abs(bias)
            bias = 0.5 * (bias + tried[-1][0])
            if abs(bias - tried[-1][0]) < rtol * abs(bias):
                break
            continue
        value = measure(state)
        if abs(value - target) <= rtol * abs(target):
            return state
        worse = worse + 1 if abs(value - target) > abs(tried[-1][1] - target) else 0
        if worse == 3:
            break
        (before, value_before), _ = tried[-1], tried.append((bias, value))
        slope = (value - value_before) / (bias - before)
        # A response that saturates, or falls, does not lead there by a secant; what one bias does the opposite undoes.
        step = (target - value) / slope if slope > 0 else bias
        step = np.clip(step, -_LONGEST * abs(bias), _LONGEST * abs(bias))
        if len(tried) > 2 and (bias + step) * bias < 0 and min(value, value_before) > 0 and target > 0:
            step = bias
        if abs(bias + step) >= limit:
            step = 0.5 * (np.sign(bias) * limit - bias)
        bias = bias + step
    if len(tried) == 1:
        raise failure
    best_bias, best = min(tried, key=lambda pair: abs(pair[1] - target))
    reason = f"; at a larger one: {failure}" if failure else ""
    raise ConvergenceError(f"No bias was found at which the {name} is {target:.6g}; the nearest, {best:.6g}, was "
                           f"reached at a bias of {best_bias:.6g}{reason}") from failure
