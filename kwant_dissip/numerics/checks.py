"""Checks that every entry makes."""

from numbers import Real


def check_rtol(rtol: float) -> None:
    """Raise ValueError unless rtol is a number between 0 and 1."""
    if not isinstance(rtol, Real) or not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol!r}.")
