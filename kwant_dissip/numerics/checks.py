"""Checks that every entry makes."""

from numbers import Real


def check_rtol(rtol: float) -> None:
    """Raise ValueError unless rtol is a number between 0 and 1."""
    if not isinstance(rtol, Real) or not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol!r}.")


def check_memory(memory: float | None) -> None:
    """Raise ValueError unless memory is None or a number of bytes."""
    if memory is not None and (not isinstance(memory, Real) or not memory >= 0):
        raise ValueError("memory must be a number of bytes such as 1e9, or None for a quarter of what is free, "
                         f"got {memory!r}.")
