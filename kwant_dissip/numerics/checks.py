"""Checks that every entry makes."""

import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np


def check_rtol(rtol: float) -> None:
    """Raise ValueError unless rtol is a number between 0 and 1."""
    if not isinstance(rtol, Real) or not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol!r}.")


def check_positive(name: str, value: Any, unit: str) -> None:
    """Raise ValueError unless a value is a finite number above 0; the message names the unit that it has."""
    number = value if isinstance(value, Real) and not isinstance(value, bool) else np.nan
    if not 0 < float(number) < np.inf:
        raise ValueError(f"{name} must be a positive number, in {unit}, got {value!r}.")


def check_memory(memory: float | None) -> None:
    """Raise ValueError unless memory is None or a number of bytes."""
    if memory is not None and (not isinstance(memory, Real) or not memory >= 0):
        raise ValueError("memory must be a number of bytes such as 1e9, or None for a quarter of what is free, "
                         f"got {memory!r}.")


def check_solve(solve: Callable, argument: str) -> None:
    """Raise TypeError unless `solve` is a function of one argument, which is called by that name in the error."""
    if not callable(solve):
        raise TypeError(f"solve must be a function of the {argument}, got {solve!r}.")
    try:
        inspect.signature(solve).bind(0.0)
    except TypeError as error:
        raise TypeError(f"solve must take one argument, the {argument}; {solve!r} does not: {error}.") from error
    except ValueError:
        pass  # written in C, without a signature
