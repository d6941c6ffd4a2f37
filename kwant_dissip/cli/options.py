"""Values of options, checked while they are read: errors name the option, as it was typed, and its unit."""

import argparse
import ast
import math
from collections.abc import Callable
from typing import Any


def number(unit: str = "", *, above: float = -math.inf, below: float = math.inf, least: float = -math.inf,
           zero: bool = True) -> Callable[[str], float]:
    """A finite number within bounds, for argparse.

    Parameters
    ----------
    unit : str, optional
        As the command line takes it.
    above, below, least : float, optional
        Bounds, of which `least` is allowed itself.
    zero : bool, optional
        Whether 0 is allowed.
    """
    bounds = [f"{word} {bound:g}" for word, bound in (("above", above), ("of at least", least), ("below", below))
              if math.isfinite(bound)]
    wanted = " ".join(filter(None, ["must be a finite number", " and ".join(bounds), "" if zero else "other than 0"]))
    wanted += unit and f", in {unit}"

    def read(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not above < value < below or value < least or not (zero or value):
            raise argparse.ArgumentTypeError(f"{wanted}, got {text[:80]!r}")
        return value

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds, for argparse."""
    def read(text):
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, got {text[:80]!r}")
        return value

    return read


def file_name(text: str) -> str:
    """The name of a file or folder, for argparse."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"must be the name of a file or folder, got {text!r}")
    return text


def literal(text: str) -> Any:
    """A Python literal.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        return ast.literal_eval(text)
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"{text[:80]!r} is no number or text as Python has it") from error


# As results have it.
UNITS = {**dict.fromkeys(("mu", "bias", "drop", "temperature", "rate"), "E0"), "mean_free_path": "lattice unit"}
# What is solved, see `profile.Profile`: of options, and of what is scanned.
CONDITIONS = {
    "mu": number("the model's energy unit"), "bias": number("the model's energy unit"),
    "drop": number("the model's energy unit", zero=False), "temperature": number("the model's energy unit", above=0),
    "rate": number("the model's energy unit", least=0), "mean_free_path": number("the model's lattice unit", above=0),
    "rtol": number(above=0, below=1)}
