"""Bias set by what it does: by the voltage drop in the scatterer, or by the current."""

from numbers import Real

import numpy as np

from ..errors import ConvergenceError
from ..kinetic.solve import KineticState
from ..solve import SteadyState, check_rtol

# Part of each wire, from the scatterer outwards, in which mu is a straight line: beyond what the scatterer stirs up,
# and before what the contact does.
STRAIGHT = (1 / 2, 5 / 6)
_SOLVES = 12
# Times the bias that was tried last.
_LONGEST = 100


def voltage_drop(state, *, straight=STRAIGHT):
    """Electrochemical drop in the scatterer between two wires.

    A straight line is fitted to mu in a part of each wire and extrapolated to the wire's end at the scatterer (on a
    lattice half a site beyond the last site that is coupled to the phonons): where nothing scatters the drop is 0, but
    for what the contacts of a stretch without phonons make.

    Parameters
    ----------
    state : SteadyState or KineticState
        Of two wires with a scatterer between them that is not coupled to the phonons.
    straight : (float, float), optional
        The part of each wire, as fractions of its length counted from the scatterer.

    Returns
    -------
    float
        mu of the wire at lead 0 less that of the other, in the state's energy unit.

    Raises
    ------
    ValueError
        If the state has not two wires, or fewer than two sites lie in the straight parts.
    """
    near, far = straight if len(straight) == 2 else (np.nan, np.nan)
    if not 0 <= near < far <= 1:
        raise ValueError(f"straight must be two growing fractions between 0 and 1, got {straight!r}.")
    ends = []
    for distance, mu in _wires(state):
        length = distance.max()
        chosen = (distance >= near * length) & (distance <= far * length)
        if np.count_nonzero(chosen) < 2:
            raise ValueError(f"A wire of {len(mu)} sites has fewer than two in its straight part {straight!r}.")
        ends.append(np.polyval(np.polyfit(distance[chosen], mu[chosen], 1), 0))
    return float(ends[0] - ends[1])


def _wires(state):
    """Distance from the scatterer's side of each wire, and mu there; the wire of lead 0 first."""
    if isinstance(state, KineticState):
        return [(np.abs(state.x[nodes]), state.mu[nodes]) for nodes in map(state.nodes_of, (0, 1))]
    if not isinstance(state, SteadyState):
        raise TypeError(f"A voltage drop is that of a SteadyState or a KineticState, got {type(state).__name__}.")
    if state.wires != 2 or len(state.current) != 2:
        raise ValueError("A voltage drop is that of one scatterer between two wires and two leads; the state has "
                         f"{state.wires} wires and {len(state.current)} leads. Leave the scatterer uncoupled.")
    sites = [state.sites_of(wire) for wire in (0, 1)]
    wires = [(state.coordinate[chosen], state.mu[chosen]) for chosen in sites]
    (left, mu_left), (right, mu_right) = sorted(wires, key=lambda wire: wire[0].mean())
    half = 0.5 * np.min([np.diff(np.unique(x)).min(initial=np.inf) for x, _ in wires])
    result = [(left.max() + half - left, mu_left), (right - right.min() + half, mu_right)]
    return result[::-1] if state.lead_coordinate[0] > state.lead_coordinate[1] else result


def at_voltage_drop(drop, solve, *, straight=STRAIGHT, rtol=1e-5):
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


def at_current(current, solve, *, rtol=1e-5):
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
