"""Anderson's mixing of fixed-point iterations."""

import numpy as np

# Changes more alike than this are the same.
_ALIKE = 1e-10


class Anderson:
    """Moves from the steps that points ask for, so that what former moves changed is made use of.

    Parameters
    ----------
    depth : int
        How many former moves count.

    References
    ----------
    D. G. Anderson, J. ACM 12, 547 (1965).
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._memory: list[tuple[np.ndarray, np.ndarray]] = []

    def move(self, step: np.ndarray) -> np.ndarray:
        """How to move from a point that asks for a step; points follow one another by these moves."""
        if self._last is not None:
            move, before = self._last
            self._memory = [*self._memory, (move, step - before)][-self._depth:]
        move = step
        if self._memory:
            moves, changes = (np.array(part).reshape(len(part), -1).T for part in zip(*self._memory, strict=True))
            lengths = np.linalg.norm(changes, axis=0)
            lengths[lengths == 0] = 1.0
            weights = np.linalg.lstsq(changes / lengths, step.ravel(), rcond=_ALIKE)[0] / lengths
            move = step - ((moves + changes) @ weights).reshape(step.shape)
        self._last = move, step
        return move
