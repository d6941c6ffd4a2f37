"""All benchmarks, with the machine's name."""

import os
import platform
from pathlib import Path

from . import (
    alternatives,
    baths,
    before,
    electrostatics,
    kernels,
    kinetic,
    large,
    phonons,
    scaling,
    slices,
    sweep,
    thermal,
)


def machine():
    """Processor and number of cores."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] \
        if info.exists() else [platform.processor()]
    return f"{names[0]}, {os.cpu_count()} cores, Python {platform.python_version()}"


print(machine())
alternatives.main()
scaling.main()
kinetic.main()
electrostatics.main()
slices.main()
kernels.main()
baths.main()
thermal.main()
phonons.main()
before.main()
sweep.main()
large.main()
