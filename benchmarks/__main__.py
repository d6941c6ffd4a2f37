"""All benchmarks or some, with the machine's name."""

import argparse
import os
import platform
from pathlib import Path

from . import (
    alternatives,
    baths,
    before,
    dissection,
    electrostatics,
    kernels,
    kinetic,
    large,
    phonons,
    scaling,
    slices,
    sweep,
    thermal,
    thermal_resolution,
)


def machine():
    """Processor and number of cores."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] \
        if info.exists() else [platform.processor()]
    return f"{names[0]}, {os.cpu_count()} cores, Python {platform.python_version()}"


MODULES = {module.__name__.rpartition(".")[2]: module for module in (
    alternatives, scaling, kinetic, electrostatics, slices, dissection, kernels, baths, thermal, thermal_resolution,
    phonons, before, sweep, large)}

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("names", nargs="*", metavar="name", help=f"which, by default all: {', '.join(MODULES)}")
chosen = parser.parse_args().names
for unknown in set(chosen) - set(MODULES):
    parser.error(f"{unknown} is none of {', '.join(MODULES)}")
print(machine())
for name in chosen or MODULES:
    MODULES[name].main()
