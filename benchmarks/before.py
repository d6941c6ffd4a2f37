"""Speed against an earlier version of this package: both solve the same models, in turns, each in its own process.

The version is the last whose kernels numba compiled at the first call (which `make benchmark` installs for it).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kwant
import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain, ribbon

_EARLIER = "4997c5c"
_RUNS = 5
_REPOSITORY = Path(__file__).parent.parent
_ONE, _X, _Y, _Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])


def _between_leads(device, lead, **arguments):
    device.attach_lead(lead, **arguments)
    device.attach_lead(lead.reversed(), **arguments)
    return device.finalized()


def plain_ribbon():
    """100 x 10 sites."""
    return (ribbon.ribbon(length=100, width=10).finalized(), [kd.Reservoir(-2.95, 0.05), kd.Reservoir(-3.05, 0.05)],
            kd.PhononBath(0.05, rate=0.06))


def hall_bar():
    """That of the documentation: six leads, four of them floating."""
    bar = ribbon.hall_bar(length=24, width=10, contact=3, flux=0.06).finalized()
    reservoirs = [kd.Reservoir(-3.25, 0.1), kd.Reservoir(-3.35, 0.1)] + 4 * [kd.Reservoir(None, 0.1)]
    return bar, reservoirs, kd.PhononBath(0.1, rate=0.1)


def ribbon_in_a_field(length, width, flux=0.05):
    """Finalized ribbon with the field in the leads, too."""
    lattice = kwant.lattice.square(norbs=1)

    def fill(builder, sites):
        builder[sites] = 0.0
        builder[kwant.builder.HoppingKind((1, 0), lattice, lattice)] = \
            lambda to, _: -np.exp(2j * np.pi * flux * to.tag[1])
        builder[kwant.builder.HoppingKind((0, 1), lattice, lattice)] = -1.0

    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    fill(device, (lattice(x, y) for x in range(length) for y in range(width)))
    fill(lead, (lattice(0, y) for y in range(width)))
    return _between_leads(device, lead)


def field_everywhere():
    """60 x 20 sites."""
    return (ribbon_in_a_field(60, 20), [kd.Reservoir(-2.95, 0.05), kd.Reservoir(-3.05, 0.05)],
            kd.PhononBath(0.05, rate=0.06))


def spin_orbit(length=12, width=4):
    """Rashba ribbon with a Zeeman field, two orbitals a site."""
    lattice = kwant.lattice.square(norbs=2)

    def fill(builder, sites):
        builder[sites] = 4 * _ONE + 0.1 * _Z
        builder[kwant.builder.HoppingKind((1, 0), lattice, lattice)] = -_ONE - 0.3j * _Y
        builder[kwant.builder.HoppingKind((0, 1), lattice, lattice)] = -_ONE + 0.3j * _X

    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    fill(device, (lattice(x, y) for x in range(length) for y in range(width)))
    fill(lead, (lattice(0, y) for y in range(width)))
    return (_between_leads(device, lead), [kd.Reservoir(1.05, 0.05), kd.Reservoir(0.95, 0.05)],
            kd.PhononBath(0.05, rate=0.05))


def graphene_in_a_field(flux=0.02, length=8, width=5):
    """The field in its leads, too."""
    lattice = kwant.lattice.honeycomb(norbs=[1, 1])

    def hopping(a, b):
        return -np.exp(-1j * np.pi * flux * (a.pos[0] - b.pos[0]) * (a.pos[1] + b.pos[1]))

    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((-1, 0))))
    device[lattice.shape(lambda p: 0 <= p[0] < length and 0 <= p[1] < width, (0, 1))] = 0.0
    lead[lattice.shape(lambda p: 0 <= p[1] < width, (0, 1))] = 0.0
    device[lattice.neighbors()] = lead[lattice.neighbors()] = hopping
    return (_between_leads(device, lead), [kd.Reservoir(0.35, 0.05), kd.Reservoir(0.25, 0.05)],
            kd.PhononBath(0.05, rate=0.05))


def second_neighbours():
    """A chain whose leads have cells of two sites."""
    lattice = kwant.lattice.chain(norbs=1)
    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-2,)))
    device[(lattice(i) for i in range(20))] = 0.0
    lead[lattice(0)], lead[lattice(1)] = 0.0, 0.1
    for builder in (device, lead):
        builder[lattice.neighbors()], builder[lattice.neighbors(2)] = -1.0, -0.3
    return (_between_leads(device, lead, add_cells=2), [kd.Reservoir(-0.95, 0.05), kd.Reservoir(-1.05, 0.05)],
            kd.PhononBath(0.05, rate=0.05))


def chain_of(sites):
    """A chain with a barrier in its middle."""
    return (chain.barrier(length=sites // 2).finalized(), [kd.Reservoir(-0.97, 0.03), kd.Reservoir(-1.03, 0.03)],
            kd.PhononBath(0.03, rate=lambda site: 0.05 if chain.in_wires(site) else 0.0))


MODELS = {"ribbon 100 x 10": plain_ribbon, "Hall bar": hall_bar, "ribbon 60 x 20, field everywhere": field_everywhere,
          "spin-orbit ribbon": spin_orbit, "graphene in a field": graphene_in_a_field,
          "second neighbours": second_neighbours, "chain, 1e3 sites": lambda: chain_of(1_000),
          "chain, 1e4 sites": lambda: chain_of(10_000), "chain, 1e5 sites": lambda: chain_of(100_000)}


def one(name):
    """Solve one model; its seconds of CPU and counts, as text. Compiling is not counted, nor is building the model."""
    rtol = 1e-6 if name.startswith("chain") else 1e-3
    kd.steady_state(*(chain_of(50) if name.startswith("chain") else second_neighbours()), rtol=rtol)
    model = MODELS[name]()
    start = time.process_time()
    state = kd.steady_state(*model, rtol=rtol)
    elapsed = time.process_time() - start
    counts = [getattr(state, count, None) or 0 for count in ("green_functions", "transports")]
    return " ".join(str(value) for value in (elapsed, state.energies, *counts))


def _run(arguments, cache, path=None):
    """Last line that a fresh process prints, and its seconds of CPU."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONWARNINGS": "ignore", "OPENBLAS_NUM_THREADS": "1"}
    if path:
        environment["PYTHONPATH"] = str(path)
    before = os.times()
    done = subprocess.run([sys.executable, *arguments], env=environment, cwd=cache, check=True, capture_output=True,
                          text=True)
    after = os.times()
    lines = done.stdout.strip().splitlines() or [""]
    return lines[-1], after.children_user + after.children_system - before.children_user - before.children_system


def _compared(arguments, folder, seconds, runs=_RUNS):
    """Medians of both versions' seconds, run in turns, and the last line of the present one."""
    here, there = [], []
    for number in range(runs + 1):
        line, cpu = _run(arguments, folder / "cache_now")
        old_line, old_cpu = _run(arguments, folder / "cache_then", folder / "earlier")
        if number:  # the first compiles
            here.append(seconds(line, cpu))
            there.append(seconds(old_line, old_cpu))
    return statistics.median(here), statistics.median(there), line


def main():
    """Print the comparison."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earlier = folder / "earlier"
        subprocess.run(["git", "clone", "--quiet", str(_REPOSITORY), str(earlier)], check=True)
        subprocess.run(["git", "checkout", "--quiet", _EARLIER], cwd=earlier, check=True)
        (earlier / "kwant_dissip" / "systems").symlink_to(earlier / "systems")
        for cache in ("cache_now", "cache_then"):
            (folder / cache).mkdir()
        print(f"{'seconds of CPU, medians of 5':<36} {'here':>8} {_EARLIER:>8} {'here/there':>11} "
              f"{'Green functions':>16} {'transports':>11} per energy")
        for model in MODELS:
            here, there, line = _compared([__file__, model], folder, lambda line, cpu: float(line.split()[0]))
            energies, green, transports = (float(word) for word in line.split()[1:])
            print(f"{model:<36} {here:8.3f} {there:8.3f} {here / there:11.3f} {green / energies:16.2f} "
                  f"{transports / energies:11.1f}")
        figure = ["-m", "kwant_dissip", "figure2", "--out", "figure"]
        here, there, _ = _compared(figure, folder, lambda line, cpu: cpu, runs=3)
        print(f"{'figure 2, whole process':<36} {here:8.3f} {there:8.3f} {here / there:11.3f}")


if __name__ == "__main__":
    print(one(sys.argv[1]))
