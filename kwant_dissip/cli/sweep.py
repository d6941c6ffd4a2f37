"""``kwant-dissip sweep``."""

import argparse
import math
import multiprocessing
import os
import sys
import warnings
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from ..errors import SweepError
from ..runs.sweep import sweep
from ..store.dataset import about_points
from ..store.plan import MOST
from .options import CONDITIONS, UNITS, literal
from .profile import Profile
from .worker import begin


def run(options: argparse.Namespace) -> int:
    """Solve what is missing in the folder; the exit code is 1 if points failed."""
    scans = dict(map(_scan, options.scan))
    if len(scans) < len(options.scan):
        raise ValueError(f"--scan: every parameter once, got {' '.join(options.scan)}.")
    profile = Profile.of(options)
    if "bias" in scans and ("drop" in scans or options.drop is not None):
        raise ValueError("--scan bias: the bias follows from the drop; give one of the two.")
    for scanned, other in (("rate", options.mean_free_path), ("mean_free_path", options.rate)):
        if scanned in scans and (other is not None or {"rate", "mean_free_path"} <= set(scans)):
            raise ValueError(f"--scan {scanned}: a rate and a mean free path exclude each other; give one of the two.")
    profile.at({name: values[0] for name, values in scans.items()}).check(scans)  # what is wrong for all points
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = _swept(profile, scans, options)
    shape, finished = [len(values) for values in scans.values()], about_points(found, "finished")
    count = math.prod(shape) if finished is None else int(finished.sum())
    print(f"{options.folder}: {count} of {' x '.join(map(str, shape))} points finished")
    for warning in caught:
        if warning.category is UserWarning:
            text = str(warning.message).replace("retry_failed=True", "--retry-failed")
            print(f"kwant-dissip: {text}", file=sys.stderr)
    return 0 if about_points(found, "failure") is None else 1


def _swept(profile, scans, options):
    parameters: dict[str, Any] = {name: xr.DataArray(values, attrs={"units": UNITS[name]}) if name in UNITS else values
                  for name, values in scans.items()}
    given = {name: value for name, value in asdict(profile).items() if name not in ("model", "rtol", *scans)}
    given = {name: value for name, value in given.items() if value is not None}
    arguments = {"folder": options.folder, "name": f"{os.path.basename(profile.model)} {given}",
                 "retry_failed": options.retry_failed}
    if options.workers == 1:
        return sweep(profile, parameters, **arguments)
    workers = min(options.workers, math.prod(map(len, scans.values())))
    while True:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=begin) as executor:
            try:
                return sweep(profile, parameters, executor=executor, **arguments)
            except SweepError as error:
                # The points at which a worker died count as failed now: the next round goes on with the others.
                if not isinstance(error.__cause__, BrokenExecutor) or not error.failed:
                    raise
                print(f"kwant-dissip: {error}", file=sys.stderr)
                arguments["retry_failed"] = False
            except KeyboardInterrupt:
                # What they are at would keep the executor waiting; nothing of it is half written.
                for process in multiprocessing.active_children():
                    process.terminate()
                raise


def _scan(text):
    """Name and values of ``NAME=START:STOP:COUNT`` or ``NAME=VALUE,VALUE``."""
    name, _, values = text.partition("=")
    name = name.replace("-", "_")
    parts = [_value(part) for part in values.replace(",", ":").split(":")]
    is_text = [isinstance(part, str) for part in parts]
    if not name.isidentifier() or None in parts or (any(is_text) and (":" in values or not all(is_text))):
        raise ValueError("--scan takes NAME=START:STOP:COUNT, with a COUNT of 1 or more, or NAME=VALUE,VALUE,..., "
                         f"all of finite numbers or all of text, got {text[:80]!r}.")
    if ":" in values:
        parts = _range(name, text, *parts)
    for value in parts if name in CONDITIONS else ():
        try:
            CONDITIONS[name](str(value))
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"--scan {name}: {error}.") from None
    return name, parts


def _range(name, text, start=None, stop=None, count=None, *more):
    """Equally spaced numbers, whole ones where both ends and all between are."""
    if more or not isinstance(count, int) or count < 1:
        raise ValueError("--scan takes NAME=START:STOP:COUNT, with a COUNT of 1 or more, or NAME=VALUE,VALUE,..., "
                         f"got {text[:80]!r}.")
    if count > MOST:
        raise ValueError(f"--scan {name}: a sweep has at most {MOST} points, got {count}.")
    numbers = np.linspace(start, stop, count)
    whole = isinstance(start, int) and isinstance(stop, int) and np.all(numbers == np.round(numbers))
    return numbers.astype(int).tolist() if whole else numbers.tolist()


def _value(part):
    """A number or text, as ``--set`` takes it; None if a sweep cannot have it."""
    try:
        value = literal(part)
    except ValueError:
        value = part
    if isinstance(value, str):
        return value or None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and -2.0 ** 63 < value < 2.0 ** 63
    return value if is_number else None
