"""Bias set by what it does: by the voltage drop in the scatterer, or by the current."""

import math
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import numpy as np
from scipy.optimize import brentq

from ..analysis.states import check_state
from ..analysis.voltage_drop import STRAIGHT, voltage_drop
from ..errors import ConvergenceError, heed_interrupt
from ..numerics.checks import check_rtol, check_solve, is_finite, shortened
from ..progress import stage_bar
from ..store.units import BOLTZMANN_EV

State = TypeVar("State")

# Solves until a bias on either side is found.
_SOLVES = 10
# In units of k_B T: width of the thermal window, up to which the response to a bias is about linear.
_LINEAR = 4.0
# Steepest response that is thought of, over that between the last two biases.
_STEEPEST = 10.0
# A response that grows by less than this part of a line through 0, twice, is saturated.
_FLAT = 1e-2
# How much larger the error of what is measured may be than the accuracy of a state that it follows from.
_OF_SOLVE = 3.0
# Change of the bias, in units of the accuracy asked for, below which a value that is still off jumps.
_FINEST = 1e-3


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
        Relative accuracy of the drop. Where it jumps, being no better known than `solve` makes it, three times the
        latter's rtol times bias over drop will do: the drop is a difference of potentials of the size of the bias.

    Returns
    -------
    SteadyState or KineticState

    Raises
    ------
    TypeError, ValueError
        If `drop` is no such number, `solve` no function of one number, or what it returns no state.
    ConvergenceError
        If no bias was found that reaches the drop; its `state` is the nearest. What `solve` raises at a small bias
        comes through as it is.

    Notes
    -----
    The bias grows, by no more than a factor of 2 a step once it exceeds a few k_B T, until two biases have the answer
    between them; then Brent's method closes in. An error at too large a bias, where bands no longer overlap, limits it.

    Examples
    --------
    >>> def solve(bias):
    ...     reservoirs = [kd.Reservoir(mu + bias / 2, kbt), kd.Reservoir(mu - bias / 2, kbt)]
    ...     return kd.steady_state(syst, reservoirs, bath)
    >>> state = kd.at_voltage_drop(0.01, solve)
    """
    def known(bias):
        return max(1.0, abs(bias / drop))

    return _find(drop, solve, lambda state: voltage_drop(state, straight=straight), 1.0, rtol, "voltage drop", known)


def at_current(current: float, solve: Callable[[float], State], *, rtol: float = 1e-5) -> State:
    """The state at the bias that drives a given current.

    Parameters
    ----------
    current : float
        Particles per unit time that enter from lead 0; not 0.
    solve : callable
        See `at_voltage_drop`.
    rtol : float, optional
        Relative accuracy of the current; where it jumps, three times that of `solve`.

    Returns
    -------
    SteadyState or KineticState

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `at_voltage_drop`.
    """
    # The least bias that could: one open mode, no resistance but its own.
    return _find(current, solve, lambda state: float(state.current[0]), 2 * np.pi, rtol, "current",
                 lambda bias: 1.0)


class _NoStateError(Exception):
    """`solve` failed at a bias; its error is the cause."""


def _find(target, solve, measure, first, rtol, name, known):
    """State at the bias at which `measure` gives `target`, to `rtol` of it; `first` times it is the bias to start with.

    `known` of a bias: how much larger the relative error of what is measured can be than that of the state.
    """
    check_rtol(rtol)
    if not is_finite(target) or target == 0:
        raise ValueError(f"{name} must be a finite number other than 0, got {shortened(target)}.")
    check_solve(solve, "bias")
    nearest, tolerance, tried = (np.inf, 0.0, 0.0, None), rtol, []

    @cache
    def miss(bias):
        nonlocal nearest, tolerance
        try:
            state = solve(bias)
        except (ConvergenceError, ValueError) as error:
            heed_interrupt(error)
            raise _NoStateError from error
        check_state("solve must return", state)
        value = measure(state)
        tried.append((bias, value))
        off = abs(value - target) / abs(target)
        progress("off", off)
        if off < nearest[0]:
            nearest, tolerance = (off, bias, value, state), max(rtol, _OF_SOLVE * state.rtol * known(bias))
        return 0.0 if off <= rtol else value - target  # Brent's method stops at 0

    with stage_bar(f"bias for the {name}") as progress:
        ends, failure = _bracket(miss, lambda: nearest[3], target, first * target)
        if ends is not None and nearest[0] > rtol:
            try:
                brentq(miss, *ends, xtol=np.finfo(float).tiny, rtol=max(_FINEST * rtol, 4 * np.finfo(float).eps))
            except _NoStateError as error:
                failure = error.__cause__
    off, bias, value, state = nearest
    if off <= tolerance:
        return state
    if state is None:
        raise failure
    reason = f"; at another one: {failure}" if failure else "."
    if ends is not None and failure is None:
        reason = f". There it jumps: a smaller rtol in solve, or a larger one than {tolerance:.1e} here, helps."
    elif len(state.reservoir_mu) == 2 and bias * (state.reservoir_mu[0] - state.reservoir_mu[1]) < 0:
        reason = ". The state has the bias -1 times that: solve must set mu of lead 0 less mu of lead 1 to the bias."
    elif failure is None:
        last = ", ".join(f"{value:.6g} at {bias:.6g}" for bias, value in tried[-3:])
        reason = f". The search ended after {len(tried)} biases, as it does not grow with the bias there: {last}."
    raise ConvergenceError(f"No bias was found at which the {name} is {target:.6g}; the nearest, {value:.6g}, was "
                           f"reached at a bias of {bias:.6g}{reason}", accuracy=off, state=state) from failure


def _bracket(miss, state, target, first):
    """Biases with the answer between them, or None, and the error that limited the bias, or None.

    Secants through the last two biases, from the line through 0; a step beyond the linear response at most doubles the
    bias. What saturates, or falls, ends the search.
    """
    bias, before, off_before, failure, limit, flat, slope = first, 0.0, -target, None, np.inf, 0, np.inf
    for _ in range(_SOLVES):
        try:
            off = miss(bias)
        except _NoStateError as error:
            # Too much for the leads or the solver: try between here and what worked, if it can be there.
            failure, limit = error.__cause__, abs(bias)
            if abs(off_before) > _STEEPEST * slope * abs(bias - before):
                break
            bias = 0.5 * (bias + before)
            continue
        if off == 0 or (before != 0 and off * off_before < 0):
            return sorted([before, bias]), failure
        slope = (off - off_before) / (bias - before)
        flat = flat + 1 if slope * abs(bias) <= _FLAT * abs(off + target) else 0
        if flat == 2:
            break
        thermal = state().reservoir_temperature.min() * (BOLTZMANN_EV if state().units == "SI" else 1.0)
        longest = max(abs(bias), _LINEAR * thermal)
        before, off_before = bias, off
        bias += float(np.clip(-off / slope, -longest, longest) if slope > 0 else -np.sign(off) * longest)
        if abs(bias) >= limit:
            bias = 0.5 * (before + math.copysign(limit, bias))
    return None, failure
