"""Anderson's method: a step of a fixed-point iteration, mixed with those before it."""

from collections.abc import Sequence

import numpy as np

# Changes more alike than this are the same.
_ALIKE = 1e-10


def mixed(step: np.ndarray, memory: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The move that would have led to the fixed point if the iteration were linear.

    Parameters
    ----------
    step : array of float, shape (n,)
        What the iteration asks for at the present point.
    memory : sequence of (array, array)
        Moves that were made, and how much each changed what the iteration asks for.

    Returns
    -------
    array of float, shape (n,)

    References
    ----------
    D. G. Anderson, J. ACM 12, 547 (1965).
    """
    if not memory:
        return step
    moves, changes = (np.array(part).T for part in zip(*memory, strict=True))
    lengths = np.linalg.norm(changes, axis=0)
    weights = np.linalg.lstsq(changes / lengths, step, rcond=_ALIKE)[0] / lengths
    return step - (moves + changes) @ weights
