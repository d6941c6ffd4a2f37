"""Sweeps on executors: the same on each, threads of workers, locks, how much is in flight."""

import importlib.util
import os
import shutil
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

import kwant_dissip as kd
import sweeps
from sweeps import GRID, numbers, processes, solve


@pytest.mark.parametrize("make", [ThreadPoolExecutor, processes])
@pytest.mark.parametrize("folder", [None, "folder"])
def test_executors_of_the_standard_library(make, folder, swept, tmp_path):
    with make(2) as executor:
        found = kd.sweep(solve, GRID, executor=executor, folder=folder and tmp_path / folder)
    assert found.load().equals(swept[1])


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="dask.distributed is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask(swept, tmp_path):
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        found = kd.sweep(solve, GRID, executor=client.get_executor(), folder=tmp_path)
        assert found.load().equals(swept[1])
        assert kd.sweep(lambda a: {"b": 2 * a}, {"a": [1, 2]}, executor=client, name="code").b.values.tolist() == [2, 4]


MPI = """
import sys
import kwant_dissip as kd
from mpi4py.futures import MPIPoolExecutor
from sweeps import GRID, solve, threads

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        kd.sweep(solve, GRID, executor=executor, folder=sys.argv[1])
        print(executor.num_workers, int(kd.sweep(threads, {"a": range(4)}, executor=executor).own.max()))
"""


@pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed")
@pytest.mark.skipif(shutil.which("mpiexec") is None, reason="MPI's mpiexec is not installed")
def test_mpi(swept, tmp_path):
    (tmp_path / "script.py").write_text(MPI)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "ignore",
                                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                                "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy":
                                ":oversubscribe"}
    done = subprocess.run(["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures", str(tmp_path / "script.py"),
                           str(tmp_path / "folder")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "1"]
    assert kd.open_sweep(tmp_path / "folder").load().equals(swept[1])


@pytest.mark.parametrize("make", [ThreadPoolExecutor, processes])
def test_workers_have_one_thread_each(make, monkeypatch):
    for name in ("KWANT_DISSIP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                 "BLIS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    with make(2) as executor:
        found = kd.sweep(sweeps.threads, {"a": range(4)}, executor=executor)
    assert found.own.max() == 1
    assert found.blas.max() <= 1


def test_workers_have_as_many_threads_as_the_environment_says(monkeypatch):
    monkeypatch.setenv("KWANT_DISSIP_NUM_THREADS", "3")
    with ThreadPoolExecutor(2) as executor:
        assert kd.sweep(sweeps.threads, {"a": range(4)}, executor=executor).own.min() == 3


# Fails where a lock is made that forked processes have in common; then forks while a thread holds the bars' lock.
UNSHARED = """
import multiprocessing.synchronize, os, sys, threading

def refuse(*_, **__):
    raise AssertionError("a lock that processes share")

multiprocessing.synchronize.SemLock.__init__ = refuse
import kwant_dissip as kd
from kwant_dissip.numerics import memory
from kwant_dissip.progress import _Bar
from sweeps import solve

def run(name):
    kd.sweep(solve, {"bias": [0.1, 0.2], "temperature": [0.2]}, folder=os.path.join(sys.argv[1], name)).load()

run("here")
assert not any(thread is not threading.main_thread() for thread in threading.enumerate()), threading.enumerate()
held, done = threading.Event(), threading.Event()

def hold():
    with _Bar.get_lock(), memory._lock:
        held.set()
        done.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    run("child")
    os._exit(0)
status = os.waitpid(child, 0)[1]
done.set()
print(status)
"""


def test_forked_processes_share_no_lock(tmp_path):
    """None of multiprocessing, which a killed process would keep for ever, and none that a thread held at the fork."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KWANT_DISSIP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", UNSHARED, str(tmp_path)], env=environment,
                          capture_output=True, text=True)
    assert done.stdout.split() == ["0"], done.stderr


def test_a_solve_that_cannot_be_sent():
    with processes(1) as executor, pytest.raises(TypeError, match="solve cannot be sent to other processes"):
        kd.sweep(lambda a: {"a": a}, {"a": [1, 2]}, executor=executor)


class Patient:
    """An executor that works only when its queue is full, or nothing else is to come."""

    def __init__(self):
        self.waiting, self.most = [], 0

    def submit(self, function, *arguments):
        future = Future()
        self.waiting.append((future, function, arguments))
        self.most = max(self.most, len(self.waiting))
        if len(self.waiting) == 1000 or arguments[0]["a"] == 2999:
            while self.waiting:
                future_, function, arguments = self.waiting.pop(0)
                future_.set_result(function(*arguments))
        return future


def test_a_bounded_number_of_points_is_in_flight():
    executor = Patient()
    assert kd.sweep(numbers, {"a": range(3000)}, executor=executor, keep=["sum"])["sum"].sum() == 2999 * 1500
    assert executor.most == 1000


class Closing(ThreadPoolExecutor):
    """An executor that is gone after two points: takes nothing more, or cancels the rest."""

    def __init__(self, how):
        super().__init__(1)
        self.how, self.count = how, 0

    def submit(self, *arguments):
        self.count += 1
        if self.count > 2 and self.how == "refuses":
            self.shutdown()
        if self.count > 2 and self.how == "cancels":
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future
        future = super().submit(*arguments)
        future.result()
        return future


@pytest.mark.parametrize(("how", "word"), [("refuses", "RuntimeError: cannot schedule"), ("cancels", "CancelledError")])
def test_an_executor_that_is_gone(how, word, tmp_path):
    with Closing(how) as executor, pytest.raises(kd.SweepError, match=word) as caught:
        kd.sweep(numbers, {"a": range(5)}, folder=tmp_path, executor=executor)
    assert str(tmp_path) in str(caught.value)
    assert "call again to go on" in str(caught.value)
    assert caught.value.__cause__ is not None
    assert kd.sweep(numbers, {"a": range(5)}, folder=tmp_path)["sum"].values.tolist() == list(range(5))
