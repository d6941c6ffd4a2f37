"""What sweeps of several test modules solve; as a module of its own other processes can import it."""

import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from threadpoolctl import threadpool_info

import kwant_dissip as kd
from kwant_dissip.numerics.threads import thread_count
from kwant_dissip.systems import chain

GRID = {"bias": [0.05, 0.1, 0.2], "temperature": [0.2, 0.3]}
BARRIER = chain.barrier(length=4).finalized()


def solve(bias, temperature):
    """A barrier between two short wires."""
    reservoirs = [kd.Reservoir(-1 + 0.5 * bias, temperature), kd.Reservoir(-1 - 0.5 * bias, temperature)]
    return kd.steady_state(BARRIER, reservoirs, kd.PhononBath(temperature, rate=0.2), rtol=1e-2)


def solve_length(length):
    """Wires of another length at every point."""
    reservoirs = [kd.Reservoir(-0.95, 0.3), kd.Reservoir(-1.05, 0.3)]
    return kd.steady_state(chain.barrier(length=length).finalized(), reservoirs, kd.PhononBath(0.3, rate=0.2),
                           rtol=1e-2)


def solve_kinetic(bias):
    """A scatterer of constant transmission between two wires."""
    reservoirs = [kd.Reservoir(0.5 * bias, 0.1), kd.Reservoir(-0.5 * bias, 0.1)]
    return kd.kinetic.steady_state(lambda energy: np.full_like(energy, 0.5), reservoirs,
                                   kd.PhononBath(0.1, mean_free_path=1.0), velocity=np.ones_like, length=2.0, rtol=1e-3)


def numbers(a, b=0):
    """A dict of all that one may hold."""
    return {"sum": a + b, "half": 0.5 * a, "complex": a + 1j, "text": f"a is {a:g}", "x": np.arange(3.0),
            "y": a * np.arange(3.0), "plane": np.full((2, 2), int(a)), "is_large": bool(a > 2)}


def fails(a):
    """Fails at 1, ends the whole process at 2, leaves it at 3."""
    if a == 1:
        raise ValueError("a must not be 1")
    if a == 2:
        os._exit(3)
    if a == 3:
        sys.exit("enough")
    time.sleep(0.01)
    return {"a": a}


def stops(a):
    """Fails at odd numbers."""
    if a % 2:
        raise ArithmeticError(f"{a} is odd")
    return {"a": a}


def threads(a):
    """Threads that a worker may use: of this package, the most of BLAS."""
    of_blas = max((library["num_threads"] for library in threadpool_info()), default=0)
    return {"a": a, "own": thread_count(), "blas": of_blas, "process": os.getpid()}


def terminated(a):
    """Ends its worker at 2, as a scheduler does."""
    if a == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"a": a}


def processes(count=2):
    """Processes that share nothing with this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sweeps"])
    return ProcessPoolExecutor(count, mp_context=context)
