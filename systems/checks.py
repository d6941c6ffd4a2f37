"""What the functions of this folder ask of their arguments."""

from numbers import Integral, Real

import numpy as np


def whole(name, value):
    """Raise unless a value is a number of sites."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of sites, at least 1, got {value!r}.")


def finite(name, value):
    """Raise unless a value is a finite real number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) < np.inf:
        raise ValueError(f"{name} must be a finite number, got {value!r}.")


def positive(name, value):
    """Raise unless a value is a finite real number above 0."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")
