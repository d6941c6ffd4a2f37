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
        # Of former moves, as rows: how they changed the step, and that added to the move; the oldest is overwritten.
        self._changes = self._sums = np.empty((0, 0))
        self._count = 0
        self._products = np.zeros((depth, depth))

    def move(self, step: np.ndarray) -> np.ndarray:
        """How to move from a point that asks for a step; points follow one another by these moves."""
        if self._last is not None and self._depth:
            self._remember(step, *self._last)
        move, used = step, min(self._count, self._depth)
        if used:
            # Each in units of its length, else moves of different sizes would be told apart badly.
            length = np.sqrt(np.diag(self._products)[:used])
            asked = (self._changes[:used] @ step.ravel()) / length
            weights = np.linalg.lstsq(self._products[:used, :used] / np.outer(length, length), asked,
                                      rcond=_ALIKE ** 2)[0]
            move = step - ((weights / length) @ self._sums[:used]).reshape(step.shape)
        self._last = move, step
        return move

    def took(self, move: np.ndarray) -> None:
        """Say that the last move was made otherwise."""
        if self._last is not None:
            self._last = move, self._last[1]

    def _remember(self, step, move, before):
        if not self._changes.size:
            self._changes, self._sums = np.empty((2, self._depth, step.size))
        row, used = self._count % self._depth, min(self._count + 1, self._depth)
        change = self._changes[row].reshape(step.shape)
        np.subtract(step, before, out=change)
        products = self._changes[:used] @ change.ravel()
        if products[row] == 0:
            return  # nothing is learned
        np.add(move, change, out=self._sums[row].reshape(step.shape))
        self._products[row, :used] = self._products[:used, row] = products
        self._count += 1
