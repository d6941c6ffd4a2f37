"""Checks that every entry makes."""

import inspect
import math
from collections.abc import Callable, Mapping, Set
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np

# Characters of a value that an error shows.
_SHOWN = 200


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a real number that a float can hold, infinite or nan too: no flag, no text, no array."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def is_finite(value: object) -> TypeGuard[float]:
    """Whether a value is a finite real number."""
    return is_number(value) and math.isfinite(value)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number, and no flag."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_flag(name: str, value: object) -> None:
    """Raise TypeError unless a value is True or False: what is merely true, as the text "no", is none of both."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shortened(value)}.")


def check_finite(name: str, value: object) -> None:
    """Raise ValueError unless a value is a finite real number."""
    if not is_finite(value):
        raise ValueError(f"{name} must be a finite number, got {shortened(value)}.")


def check_positive(name: str, value: Any, unit: str = "") -> None:
    """Raise ValueError unless a value is a finite number above 0; the message names the unit that it has."""
    if not is_finite(value) or not value > 0:
        raise ValueError(f"{name} must be a positive number{unit and ', in '}{unit}, got {shortened(value)}.")


def check_rtol(rtol: float) -> None:
    """Raise ValueError unless rtol is a number between 0 and 1."""
    if not is_number(rtol) or not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {shortened(rtol)}.")


def check_memory(memory: float | None) -> None:
    """Raise ValueError unless memory is None or a number of bytes."""
    if memory is not None and (not is_number(memory) or not memory >= 0):
        raise ValueError("memory must be a number of bytes such as 1e9, or None for a quarter of what is free, "
                         f"got {shortened(memory)}.")


def real_array(name: str, value: Any, what: str = "real numbers") -> np.ndarray:
    """Array of real numbers from a number or a sequence of them.

    Parameters
    ----------
    name : str
        What an error calls the value.
    value : number, sequence or array
    what : str, optional
        What it should be.

    Raises
    ------
    ValueError
        If it is something else: text, flags, what has no order, numbers that a float cannot hold.
    """
    array = _array(value)
    if array.dtype.kind not in "fiu":
        kind = "" if array.dtype.kind == "O" else f" of type {array.dtype}"
        raise ValueError(f"{name} must be {what}, got {shortened(value)}{kind}.")
    return array


def complex_array(value: Any) -> np.ndarray:
    """Array of numbers, or an empty one where there are none."""
    array = _array(value)
    return array if array.dtype.kind in "fiuc" else np.empty(0)


def _array(value):
    try:
        return np.asarray(None if isinstance(value, Set | Mapping) else value)
    except (TypeError, ValueError):  # ragged
        return np.asarray(None)


def shortened(value: object) -> str:
    """A value as errors show it: of a number of many digits the first ones."""
    try:
        text = repr(value)
    except ValueError:  # of so many digits that Python refuses
        return f"a number of {int(value).bit_length()} bits"  # type: ignore[call-overload]
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


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
