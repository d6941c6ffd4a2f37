"""Newton's method and chords for every balance: residual, product with the derivative, and its approximate inverse."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import ConvergenceError
from ..numerics import krylov
from ..numerics.anderson import Anderson
from .energy_grid import Point

# In the end rounding stops the progress: changes this small, relative to their scale, that do not fall tenfold.
_SMALL = 1e-7
_PROGRESS = 0.1
# Chords: how many, how many of them are mixed, and how much each must bring.
_CHORDS, _MIXED, _CONTRACTION = 40, 10, 0.5


@dataclass
class Linearization:
    """A balance next to a point.

    Attributes
    ----------
    product : callable
        Derivative of the residual times a vector.
    inverse : callable
        Approximate inverse of that.
    measure : callable
        Size of a residual, in units of the unknowns.
    rtol, worst, cycles
        See `krylov.solve`.
    """

    product: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    measure: Callable[[np.ndarray], float]
    rtol: float
    worst: float
    cycles: int


def newton(point: Point, evaluate: Callable[[np.ndarray], Point], linearize: Callable[[Point], Linearization], *,
           scale: Callable[[np.ndarray], float], tolerance: float, steps: int, halvings: int, what: str,
           longest: float = np.inf, fulfilled: Callable[[Point], bool] = lambda point: True,
           move: Callable[[np.ndarray, np.ndarray], np.ndarray] = np.add,
           progress: Callable = lambda stage, value: None) -> Point:
    """Newton's method, until a step is below `tolerance`.

    Parameters
    ----------
    point : Point
        Where to start.
    evaluate : callable
        `Point` of unknowns: a pure function.
    linearize : callable
        `Linearization` at a point.
    scale : callable
        What steps are relative to, of unknowns.
    tolerance : float
        Largest change of the last step, relative to `scale`.
    steps, halvings : int
        Most steps, and how often one is halved until it leads closer; with 0 every step is taken.
    what : str
        What is looked for, for progress and errors.
    longest : float, optional
        No unknown changes by more in a step.
    fulfilled : callable, optional
        Whether a point will do for an end.
    move : callable, optional
        New unknowns of unknowns and a step.
    progress : callable, optional

    Returns
    -------
    Point

    Raises
    ------
    ConvergenceError
        With the best point as its `state`.
    """
    change = size = np.inf
    for _ in range(steps):
        if not np.any(point.residual):
            return point
        linear = linearize(point)
        step = krylov.solve(linear.product, -point.residual, linear.inverse, rtol=linear.rtol, worst=linear.worst,
                            what=what, cycles=linear.cycles)
        step = np.clip(step, -longest, longest)
        relative = scale(point.unknowns + step)
        previous, change = change, np.abs(step).max()
        progress(what, change / relative)
        # A step leaves its square, and what the linear solver leaves of it.
        stalled = change <= _SMALL * relative and change > _PROGRESS * previous
        last = stalled or change <= tolerance * relative
        size = linear.measure(point.residual)
        for _ in range(halvings + 1):
            new = evaluate(move(point.unknowns, step))
            if last or halvings == 0 or linear.measure(new.residual) < size:
                break
            step = 0.5 * step
        else:
            break
        point = new
        if stalled or (last and fulfilled(point)):
            return point
    worst = np.argsort(-np.abs(linear.inverse(point.residual)))[:10] if np.isfinite(size) else None
    raise ConvergenceError(f"Newton's method did not find {what}; its last step was {change:.1e}, the balance is off "
                           f"by {size:.1e} in units of mu. A smaller bias, a higher temperature or rate, or fewer "
                           "weakly connected sites help.", accuracy=change, residual=size, sites=worst, state=point)


def chords(point: Point, evaluate: Callable[[np.ndarray], Point], inverse: Callable[[np.ndarray], np.ndarray], *,
           scale: Callable[[np.ndarray], float], tolerance: float, what: str,
           fulfilled: Callable[[Point], bool], progress: Callable = lambda stage, value: None) -> tuple[Point, bool]:
    """Steps with a fixed approximate inverse of the derivative, mixed by Anderson's method.

    Where the inverse is good, this needs one evaluation for what a Newton step takes some products for.

    Parameters
    ----------
    point, evaluate, scale, what, fulfilled, progress
        As for `newton`; what rounding does not let be fulfilled is let pass.
    inverse : callable
        Approximate inverse of the derivative.
    tolerance : float
        Largest change of the unknowns that a point still asks for, relative to `scale`.

    Returns
    -------
    point : Point
        The last that was closer than the one before.
    found : bool
        Whether it is a solution; if not, the inverse is not good enough.
    """
    step = -inverse(point.residual)
    size = np.abs(step).max()
    mixing = Anderson(_MIXED)
    for _ in range(_CHORDS):
        relative = scale(point.unknowns)
        progress(what, size / relative)
        if not np.isfinite(size):
            return point, False
        small = size <= tolerance * relative
        if small and fulfilled(point):
            return point, True
        new = evaluate(point.unknowns + mixing.move(step))
        new_step = -inverse(new.residual)
        new_size = np.abs(new_step).max()
        if not new_size <= _CONTRACTION * size:
            return point, small
        point, step, size = new, new_step, new_size
    return point, False
