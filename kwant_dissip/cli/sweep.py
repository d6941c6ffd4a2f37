"""``kwant-dissip sweep``."""

import ast
import multiprocessing
import os
import sys
import warnings
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import asdict

import numpy as np

from ..errors import SweepError
from ..runs.sweep import sweep
from .profile import Profile
from .worker import begin


def run(options):
    """Solve what is missing in the folder; the exit code is 1 if points failed."""
    scans = dict(map(_scan, options.scan))
    if len(scans) < len(options.scan):
        raise ValueError(f"--scan: every parameter once, got {' '.join(options.scan)}.")
    if options.workers < 1:
        raise ValueError(f"--workers must be at least 1, got {options.workers}.")
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
    failures = [str(warning.message) for warning in caught if warning.category is UserWarning]
    shape = [len(values) for values in scans.values()]
    finished = int(found.finished.sum()) if "finished" in found else np.prod(shape)
    print(f"{options.folder}: {finished} of {' x '.join(map(str, shape))} points finished")
    for text in failures:
        print(f"kwant-dissip: {text.replace('retry_failed=True', '--retry-failed')}", file=sys.stderr)
    return 1 if failures else 0


def _swept(profile, scans, options):
    given = {name: value for name, value in asdict(profile).items() if name not in ("model", "rtol", *scans)}
    given = {name: value for name, value in given.items() if value is not None}
    arguments = {"folder": options.folder, "name": f"{os.path.basename(profile.model)} {given}",
                 "retry_failed": options.retry_failed}
    if options.workers == 1:
        return sweep(profile, scans, **arguments)
    while True:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(options.workers, mp_context=context, initializer=begin) as executor:
            try:
                return sweep(profile, scans, executor=executor, **arguments)
            except SweepError as error:
                # The points at which a worker died count as failed now: the next round goes on with the others.
                if not isinstance(error.__cause__, BrokenExecutor) or not error.failed:
                    raise
                print(f"kwant-dissip: {error}", file=sys.stderr)
                arguments["retry_failed"] = False


def _scan(text):
    """Name and values of ``NAME=START:STOP:COUNT`` or ``NAME=VALUE,VALUE``."""
    name, equals, values = text.partition("=")
    try:
        parts = [ast.literal_eval(part) for part in values.replace(",", ":").split(":")]
        if not equals or not all(isinstance(part, int | float) for part in parts):
            raise ValueError
        if ":" not in values:
            return name.replace("-", "_"), parts
        start, stop, count = parts
        numbers = np.linspace(start, stop, count)
        if count < 1:
            raise ValueError
    except (SyntaxError, TypeError, ValueError):
        raise ValueError("--scan takes NAME=START:STOP:COUNT, with a COUNT of 1 or more, or NAME=VALUE,VALUE,..., "
                         f"all of finite numbers, got {text!r}.") from None
    if isinstance(start, int) and isinstance(stop, int) and np.all(numbers == np.round(numbers)):
        numbers = numbers.astype(int)
    return name.replace("-", "_"), numbers.tolist()
