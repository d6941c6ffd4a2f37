"""Sweeps: overhead per point, memory of the parent, opening a folder, two processes against one, warm starts.

Where processes are compared each has one thread.
"""

import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain

CHEAP = 10_000
BIASES = np.linspace(0.02, 0.3, 48)
_DOT = chain.resonant_dot(length=500, coupling=0.2, level=-0.95).finalized()
_LONG = chain.resonant_dot(length=2000, coupling=0.2, level=-0.95).finalized()


def cheap(a):
    """Next to nothing."""
    return {"b": 2.0 * a, "c": np.arange(3.0) * a}


def solve(bias, law=None, start=None, syst=_DOT):
    """A dot between two wires, k_B T = 0.03."""
    reservoirs = [kd.Reservoir(-1 + 0.5 * bias, 0.03), kd.Reservoir(-1 - 0.5 * bias, 0.03)]
    bath = kd.PhononBath(0.03, rate=lambda site: 0.05 * chain.in_wires(site))
    return kd.steady_state(syst, reservoirs, bath, electrostatics=law, rtol=1e-4, start=start)


def plain(bias):
    """Each point from scratch."""
    return solve(bias, syst=_LONG)


def resident():
    """Memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2 ** 20


def synchronised(folder, count=300):
    """Seconds that the disk takes for a small file: written, synchronised, renamed."""
    start = time.perf_counter()
    for i in range(count):
        with open(Path(folder) / "beside", "wb") as file:
            file.write(b"x" * 4000)
            file.flush()
            os.fsync(file.fileno())
        os.replace(Path(folder) / "beside", Path(folder) / str(i))
    return (time.perf_counter() - start) / count


def overhead(folder, executor=None, count=CHEAP):
    """Seconds per cheap point into a folder, and what the parent's memory grew by from the first tenth on, in MiB."""
    kd.sweep(cheap, {"a": np.arange(count // 10)}, folder=folder, executor=executor)
    before, start = resident(), time.perf_counter()
    kd.sweep(cheap, {"a": np.arange(count)}, folder=folder, executor=executor)
    return (time.perf_counter() - start) / (0.9 * count), resident() - before


def two_against_one():
    """Seconds for the same sweep in one process, and in two."""
    context = multiprocessing.get_context("forkserver")
    seconds = []
    for count in (1, 2):
        with ProcessPoolExecutor(count, mp_context=context) as executor:
            kd.sweep(plain, {"bias": [0.1, 0.11, 0.12, 0.13]}, executor=executor)  # begins, compiles
            start = time.perf_counter()
            kd.sweep(plain, {"bias": BIASES}, executor=executor, keep=["power", "current"])
            seconds.append(time.perf_counter() - start)
    return seconds


def started(law):
    """Seconds, Green's functions and transports of a sweep along the bias: from scratch, and from neighbours."""
    rows = []
    for is_warm in (False, True):
        before, start, states = None, time.perf_counter(), []
        for bias in BIASES[::4]:
            before = solve(bias, law, before if is_warm else None)
            states.append(before)
        rows.append((time.perf_counter() - start, sum(state.green_functions for state in states),
                     sum(state.transports for state in states), states))
    off = max(np.abs(one.power - two.power).max() / np.abs(one.power).max()
              for one, two in zip(rows[0][3], rows[1][3], strict=True))
    return rows, off


def main():
    """Print all of it."""
    solve(0.1)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        disk = synchronised(folder)
        each, grown = overhead(f"{folder}/here")
        print(f"{CHEAP} cheap points, in process: {1e3 * each:.2f} ms a point, of which the disk takes "
              f"{1e3 * disk:.2f}; memory grows by {grown:.1f} MiB")
        start = time.perf_counter()
        dataset = kd.open_sweep(f"{folder}/here")
        opened = time.perf_counter() - start
        dataset.b.load()
        print(f"opening that folder: {opened:.2f} s; reading a number of every point: "
              f"{time.perf_counter() - start - opened:.2f} s")
        try:
            from dask.distributed import Client, LocalCluster
        except ImportError:
            print("dask.distributed is not installed")
        else:
            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, \
                    Client(cluster) as client:
                each, grown = overhead(f"{folder}/dask", client.get_executor(pure=False))
            print(f"{CHEAP} cheap points, dask, two workers: {1e3 * each:.2f} ms a point; memory of the parent, with "
                  f"dask's scheduler in it, grows by {grown:.1f} MiB")
    one, two = two_against_one()
    print(f"{len(BIASES)} solutions of 4001 sites: one process {one:.2f} s, two {two:.2f} s, ratio {one / two:.2f}")
    for law in (None, kd.Poisson(1.0)):
        rows, off = started(law)
        (seconds, green, transports, _), (warm_seconds, warm_green, warm_transports, _) = rows
        print(f"electrostatics {law}, from neighbours over from scratch: time {warm_seconds / seconds:.2f}, Green's "
              f"functions {warm_green / green:.2f}, transports {warm_transports / transports:.2f}; power differs by "
              f"{off:.1e} at rtol 1e-4")


if __name__ == "__main__":
    main()
