"""Anderson's mixing of fixed-point iterations."""

import numpy as np

# Changes more alike than this are the same.
_ALIKE = 1e-7


class Anderson:
    """Moves from the steps that points ask for, so that what former moves changed is made use of.

    Parameters
    ----------
    depth : int
        How many former moves count; 0: every move is the step.

    References
    ----------
    D. G. Anderson, J. ACM 12, 547 (1965).
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._memory: list[tuple[np.ndarray, np.ndarray]] = []
        self._products = np.empty((0, 0))

    def move(self, step: np.ndarray) -> np.ndarray:
        """How to move from a point that asks for a step; points follow one another by these moves."""
        if self._last is not None:
            move, before = self._last
            change = step - before
            length = np.linalg.norm(change)
            if length > 0 and self._depth:
                self._remember(move / length, change / length)
        move = step
        if self._memory:
            asked = [np.vdot(change, step) for _, change in self._memory]
            weights = np.linalg.lstsq(self._products, asked, rcond=_ALIKE ** 2)[0]
            move = step.copy()
            for weight, (former, change) in zip(weights, self._memory, strict=True):
                move -= weight * (former + change)
        self._last = move, step
        return move

    def took(self, move: np.ndarray) -> None:
        """Say that the last move was made otherwise."""
        if self._last is not None:
            self._last = move, self._last[1]

    def _remember(self, move, change):
        self._memory = [*self._memory, (move, change)][-self._depth:]
        size = len(self._memory)
        products, former = np.empty((size, size)), self._products[-(size - 1):, -(size - 1):] if size > 1 else None
        if former is not None:
            products[:-1, :-1] = former
        products[-1] = products[:, -1] = [np.vdot(other, change) for _, other in self._memory]
        self._products = products
