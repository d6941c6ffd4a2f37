"""What the functions of this folder ask of their arguments."""

import sys
from numbers import Integral, Real
from typing import Any

# Whole numbers can be larger.
_LARGEST = sys.float_info.max
# Sites along one direction: kwant takes some kB for each.
_MOST = 2_000_000


def whole(name: str, value: Any) -> None:
    """Raise unless a value is a number of sites."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of sites, at least 1, got {value!r}.")
    if value > _MOST:
        raise ValueError(f"{name} must be at most {_MOST} sites, got {float(min(value, 1e300)):.4g}.")


def finite(name: str, value: Any) -> None:
    """Raise unless a value is a finite real number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) <= _LARGEST:
        raise ValueError(f"{name} must be a finite number, got {value!r}.")


def positive(name: str, value: Any) -> None:
    """Raise unless a value is a finite real number above 0."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value <= _LARGEST:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")
