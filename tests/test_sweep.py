"""Sweeps: every point once, none lost, the same on every executor."""

import contextlib
import dataclasses
import importlib.util
import itertools
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import kwant_dissip as kd
import sweeps
from kwant_dissip.store.folder import SweepFolder
from kwant_dissip.store.plan import Plan, key
from kwant_dissip.store.points import PointFile
from sweeps import GRID, numbers, solve

TESTS = Path(__file__).parent


def processes(count=2):
    """Processes that share nothing with this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sweeps"])
    return ProcessPoolExecutor(count, mp_context=context)


@pytest.fixture(scope="module")
def direct():
    """The states themselves, and their dataset."""
    states = {(bias, temperature): solve(bias, temperature) for bias in GRID["bias"]
              for temperature in GRID["temperature"]}
    return states, kd.sweep(solve, GRID)


def test_a_sweep_is_the_states_side_by_side(direct):
    """Every field of every state, with the unit that files give it."""
    states, dataset = direct
    for (bias, temperature), state in states.items():
        point = dataset.sel(bias=bias, temperature=temperature)
        for field in dataclasses.fields(state):
            value = getattr(state, field.name)
            if value is not None and field.name != "units":
                np.testing.assert_array_equal(point[field.name], value)
                assert point[field.name].attrs["description"] == field.metadata["meaning"]
    assert dataset.power.dims == ("bias", "temperature", "site")
    assert dataset.power.attrs["units"] == "E0^2/hbar"
    assert dataset.positions.dims == ("site", "dimension")  # the same at all points
    np.testing.assert_array_equal(dataset.x, state.coordinate)
    assert dataset.attrs["result_units"] == "model"


@pytest.mark.parametrize("make", [ThreadPoolExecutor, processes])
@pytest.mark.parametrize("folder", [None, "folder"])
def test_executors_of_the_standard_library(make, folder, direct, tmp_path):
    with make(2) as executor:
        found = kd.sweep(solve, GRID, executor=executor, folder=folder and tmp_path / folder)
    assert found.load().equals(direct[1])


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="dask.distributed is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask(direct, tmp_path):
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        found = kd.sweep(solve, GRID, executor=client.get_executor(), folder=tmp_path)
        assert found.load().equals(direct[1])
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
def test_mpi(direct, tmp_path):
    (tmp_path / "script.py").write_text(MPI)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "PYTHONWARNINGS": "ignore",
                                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                                "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy":
                                ":oversubscribe"}
    done = subprocess.run(["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures", str(tmp_path / "script.py"),
                           str(tmp_path / "folder")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "1"]
    assert kd.open_sweep(tmp_path / "folder").load().equals(direct[1])


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


def test_a_second_call_computes_what_is_missing_only(tmp_path):
    """Also when the grid has grown, and with numbers written otherwise; the folder then holds both grids."""
    computed = []

    def count(a, b):
        computed.append((a, b))
        return numbers(a, b)

    first = kd.sweep(count, {"a": [1, 2], "b": [0.0]}, folder=tmp_path)
    assert kd.sweep(count, {"b": np.array([-0.0]), "a": [1.0, 2 * (1 + 1e-15)]}, folder=tmp_path).sizes["a"] == 2
    assert computed == [(1, 0.0), (2, 0.0)]
    grown = kd.sweep(count, {"a": [0, 1, 2], "b": [0.0, 5.0]}, folder=tmp_path)
    assert sorted(computed[2:]) == [(0, 0.0), (0, 5.0), (1, 5.0), (2, 5.0)]
    assert grown.sel(a=[1, 2], b=[0.0]).load().equals(first.load())
    assert kd.open_sweep(tmp_path).load().equals(grown.load())
    assert kd.sweep(count, [{"a": 7, "b": 0.0}, {"a": 1, "b": 0.0}], folder=tmp_path)["sum"].values.tolist() == [7, 1]
    assert kd.open_sweep(tmp_path).sizes["point"] == 7


def test_a_folder_is_opened_while_its_sweep_runs(tmp_path):
    seen = []

    def look(a):
        if a > 0:
            seen.append(kd.open_sweep(tmp_path).load())
        return {"b": a, "c": 2.0 * a, "d": "text"}

    kd.sweep(look, {"a": range(3)}, folder=tmp_path)
    assert seen[1].finished.values.tolist() == [True, True, False]
    np.testing.assert_array_equal(seen[1].b, [0, 1, np.nan])
    np.testing.assert_array_equal(seen[0].c, [0, np.nan, np.nan])
    assert seen[0].d.values.tolist() == ["text", "", ""]
    assert "finished" not in kd.open_sweep(tmp_path)


# Runs a sweep and kills it, workers and all, at a random moment, until it is done.
KILLED = """
import os, random, signal, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import kwant_dissip as kd
from sweeps import solve

folder = Path(sys.argv[1])
grid = {"bias": [0.01 * i for i in range(12)], "temperature": [0.2 + 0.01 * i for i in range(8)]}

def run(folder, round):
    if round % 4 == 3:
        with ProcessPoolExecutor(2) as executor:
            return kd.sweep(solve, grid, folder=folder, executor=executor)
    return kd.sweep(solve, grid, folder=folder)

def files(folder):
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("points/*.h5")}

before = time.perf_counter()
run(folder / "unbroken", 0)
each = (time.perf_counter() - before) / 96
random.seed(int(sys.argv[2]))
kills, known = 0, {}
while True:
    child = os.fork()
    if child == 0:
        os.setsid()
        run(folder / "broken", kills)
        os._exit(0)
    time.sleep(random.uniform(0, 18 * each))
    if kills < 8:
        os.killpg(child, signal.SIGKILL) if os.getpgid(child) == child else os.kill(child, signal.SIGKILL)
        kills += 1
    status = os.waitpid(child, 0)[1]
    if (folder / "broken" / "points").exists():
        now = files(folder / "broken")
        assert known.items() <= now.items(), "a finished point was lost, or written again"
        known = now
    if kills == 8 and status == 0:
        break
assert set(known) == set(files(folder / "unbroken")) and len(known) == 96
for name in known:
    one, other = ((folder / which / "points" / name).read_bytes() for which in ("broken", "unbroken"))
    assert one == other
assert kd.open_sweep(folder / "broken").load().identical(kd.open_sweep(folder / "unbroken").load())
print(kills)
"""


def test_a_sweep_killed_at_random_moments(tmp_path):
    """SIGKILL, eight times: every point once, none lost, bit by bit as without."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "KWANT_DISSIP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path), "7"], env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["8"]
    assert not list(tmp_path.glob("*/points/*.started"))


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
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "KWANT_DISSIP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", UNSHARED, str(tmp_path)], env=environment,
                          capture_output=True, text=True)
    assert done.stdout.split() == ["0"], done.stderr


@pytest.mark.parametrize("folder", [None, "folder"])
def test_failures_are_kept_as_text_and_named(folder, tmp_path):
    """The sweep goes on; what failed is not tried again unless asked for."""
    folder = folder and tmp_path / folder
    with pytest.warns(UserWarning, match=r"2 of 4 points failed: a=1: ArithmeticError: 1 is odd; a=3: Arith"):
        found = kd.sweep(sweeps.stops, {"a": range(4)}, folder=folder)
    assert found.a.values[found.finished].tolist() == [0, 2]
    assert found.failure.values[0] == ""
    assert "ArithmeticError: 1 is odd" in found.failure.item(1)
    assert "line" in found.failure.item(1)
    if folder:
        def mended(a):
            return {"a": a}

        with pytest.warns(UserWarning, match="2 of 4 points failed"):
            kd.sweep(mended, {"a": range(4)}, folder=folder, name="stops")
        found = kd.sweep(mended, {"a": range(4)}, folder=folder, name="stops", retry_failed=True)
        assert "failure" not in found
        assert found.result_a.values.tolist() == [0, 1, 2, 3]
        assert not list((folder / "points").glob("*.json"))


def test_where_all_points_fail_an_error_says_so():
    with pytest.raises(kd.SweepError, match=r"2 of 2 points failed: a=1: ArithmeticError") as caught:
        kd.sweep(sweeps.stops, {"a": [1, 3]})
    assert caught.value.failed == [{"a": 1}, {"a": 3}]


@pytest.mark.parametrize("folder", [None, "folder"])
def test_a_worker_that_dies(folder, tmp_path):
    """The point is named, as a candidate at least; all that is finished is there; the next call goes on."""
    folder = folder and tmp_path / folder
    points = {"a": [0, 4, 5, 6, 2, 7, 8, 9]}
    with processes(1) as executor, pytest.raises(kd.SweepError, match=r"A worker of the executor died") as caught:
        kd.sweep(sweeps.fails, points, folder=folder, executor=executor)
    assert caught.value.result.result_a.values[:4].tolist() == [0, 4, 5, 6]
    if folder:
        assert caught.value.failed == [{"a": 2}]
        assert "at a=2:" in str(caught.value)
        with processes(1) as executor, pytest.warns(UserWarning, match="1 of 8 points failed: a=2: BrokenProcessPool"):
            found = kd.sweep(sweeps.fails, points, folder=folder, executor=executor)
        assert found.result_a.sel(a=[7, 8, 9]).values.tolist() == [7, 8, 9]


def test_a_worker_killed_beside_another(tmp_path):
    """Both are candidates, no others, and retried both are told apart."""
    points = {"a": range(8)}
    with processes(2) as executor, pytest.raises(kd.SweepError) as caught:
        kd.sweep(sweeps.terminated, points, folder=tmp_path, executor=executor)
    assert {"a": 2} in caught.value.failed
    assert len(caught.value.failed) <= 2


def test_a_solve_that_leaves_the_program_is_a_failure():
    with pytest.warns(UserWarning, match="a=3: SystemExit: enough"):
        kd.sweep(sweeps.fails, {"a": [0, 3]})


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    if shutil.which("mount") is None or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here (that takes root)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(small_disk, tmp_path):
    """The sweep ends, says why, and loses nothing; with room it goes on from there."""
    with pytest.raises(OSError, match="No space left on device"):
        kd.sweep(numbers, {"a": range(1000)}, folder=small_disk / "sweep")
    there = kd.open_sweep(small_disk / "sweep").load()
    count = int(there.finished.sum())
    assert 0 < count < 1000
    np.testing.assert_array_equal(there["sum"].values[:count], range(count))
    shutil.copytree(small_disk / "sweep", tmp_path / "sweep")
    assert kd.sweep(numbers, {"a": range(1000)}, folder=tmp_path / "sweep")["sum"].values.tolist() == list(range(1000))


def test_an_unwritable_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file/below cannot be made: Not a directory"):
        kd.sweep(numbers, {"a": [1]}, folder=tmp_path / "file" / "below")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=r"cannot be written: no file can be made in .*points"):
        kd.sweep(numbers, {"a": [1]}, folder=tmp_path / "folder")


@pytest.mark.parametrize(("arguments", "message"), [
    ((numbers, {"a": [1], "b": [2]}), r"its parameters is \['a'\], not \['a', 'b'\]"),
    ((sweeps.stops, {"a": [1]}), "its name is 'numbers', not 'stops'"),
    ((numbers, {"a": [1]}, ["sum"]), r"its keep is None, not \['sum'\]")])
def test_a_folder_of_another_sweep(arguments, message, tmp_path):
    kd.sweep(numbers, {"a": [1]}, folder=tmp_path)
    before = sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(ValueError, match=message):
        kd.sweep(*arguments[:2], folder=tmp_path, keep=arguments[2] if len(arguments) > 2 else None)
    assert sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()) == before


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no sweep: sweep.json cannot be read"):
        kd.open_sweep(tmp_path)
    for text, message in (("{}", "is not one of kwant_dissip"), ("{", "is no JSON")):
        (tmp_path / "sweep.json").write_text(text)
        with pytest.raises(OSError, match=message):
            kd.open_sweep(tmp_path)
    with pytest.raises(TypeError, match="folder must be the name of a folder"):
        kd.open_sweep(3)
    kd.sweep(numbers, {"a": [1, 2]}, folder=tmp_path / "one")
    (tmp_path / "one" / "sweep.json").unlink()
    with pytest.raises(ValueError, match=r"has points, but no sweep.json"):
        kd.sweep(numbers, {"a": [1]}, folder=tmp_path / "one")


def flip(path, name):
    """Change one bit in the middle of an array of a file."""
    with h5py.File(path) as file:
        place, size = file[name].id.get_offset(), file[name].nbytes
    data = bytearray(path.read_bytes())
    data[place + size // 2] ^= 0x10
    path.write_bytes(data)


def test_every_field_is_checked_when_it_is_read(direct, tmp_path):
    """Each array of each point, one damaged at a time, read lazily: an error that names the file."""
    folder = tmp_path / "sweep"
    kd.sweep(solve, GRID, folder=folder)
    points = sorted((folder / "points").glob("*.h5"))
    with h5py.File(points[0]) as file:
        names = [name for name, item in file.items() if isinstance(item, h5py.Dataset) and item.size]
    opened = kd.open_sweep(folder)
    assert "power" in names
    for name, path in zip(names, itertools.cycle(points)):
        before = path.read_bytes()
        flip(path, name)
        with pytest.raises(OSError, match=f"{path.name} is damaged, at '{name}': its data do not fit their checksum"):
            PointFile(path, "", "").value(name)
        if name not in opened.coords:
            # The first point is read where the folder is opened; that it is damaged is seen then.
            with pytest.raises((OSError, UserWarning), match=path.name):
                kd.open_sweep(folder)[name].load()
        path.write_bytes(before)
    assert kd.open_sweep(folder).load().equals(direct[1])


def test_a_number_changed_by_another_program_is_noticed_lazily(tmp_path):
    kd.sweep(numbers, {"a": [1, 2]}, folder=tmp_path)
    path = next((tmp_path / "points").glob("*.h5"))
    with h5py.File(path, "a") as file:
        file.attrs["half"] = 7.0
    with pytest.raises(OSError, match="'half': its data do not fit their checksum"):
        PointFile(path, "", "").value("half")


DAMAGE = {"empty": lambda path: path.write_bytes(b""), "cut short": lambda path: path.write_bytes(
    path.read_bytes()[:500]), "a bit": lambda path: flip(path, "y"), "no HDF5": lambda path: path.write_text("text")}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_point_is_computed_again(damage, tmp_path):
    """It is named, by who opens the folder too; the others stay as they are."""
    computed = []

    def count(a):
        computed.append(a)
        return numbers(a)

    grid = {"a": [1, 2, 3]}
    whole = kd.sweep(count, grid, folder=tmp_path).load()
    path = next((tmp_path / "points").glob(f"{key({'a': 2})}*.h5"))
    DAMAGE[damage](path)
    with pytest.raises((OSError, UserWarning), match=path.name):
        kd.open_sweep(tmp_path).load()
    with pytest.warns(UserWarning, match=rf"1 of 3 points are damaged, and computed again: .*{path.name}"):
        again = kd.sweep(count, grid, folder=tmp_path)
    assert computed == [1, 2, 3, 2]
    assert again.load().identical(whole)
    assert kd.open_sweep(tmp_path).load().identical(whole)
    assert path.with_suffix(".damaged").exists()


def test_empty_files_count_as_missing_where_a_folder_is_opened(tmp_path):
    kd.sweep(numbers, {"a": [1, 2, 3]}, folder=tmp_path)
    path = next((tmp_path / "points").glob(f"{key({'a': 2})}*.h5"))
    path.write_bytes(b"")
    with pytest.warns(UserWarning, match=f"1 of 3 points are damaged and count as missing.*{path.name} is empty"):
        found = kd.open_sweep(tmp_path)
    assert found.finished.values.tolist() == [True, False, True]
    np.testing.assert_array_equal(found.half, [0.5, np.nan, 1.5])


def test_a_damaged_failure_is_tried_again(tmp_path):
    with pytest.warns(UserWarning, match="2 of 4 points failed"):
        kd.sweep(sweeps.stops, {"a": range(4)}, folder=tmp_path)
    (tmp_path / "points" / f"{key({'a': 1})}.error.json").write_text("{}")
    assert "damaged" in kd.open_sweep(tmp_path).failure.item(1)
    with pytest.warns(UserWarning, match="2 of 4 points failed"), pytest.warns(UserWarning, match=key({"a": 1})):
        kd.sweep(sweeps.stops, {"a": range(4)}, folder=tmp_path)
    assert "1 is odd" in kd.open_sweep(tmp_path).failure.item(1)


@pytest.mark.parametrize("change", [{"name": None}, {"grid": None}, {"grid": {"a": 3}}, {"grid": {"a": [None]}},
                                    {"grid": {}}, {"keep": "sum"}, {"grid": {"a b": [1]}}])
def test_a_damaged_plan_is_named(change, tmp_path):
    kd.sweep(numbers, {"a": [1, 2]}, folder=tmp_path)
    about = json.loads((tmp_path / "sweep.json").read_text())
    (tmp_path / "sweep.json").write_text(json.dumps(about | change))
    for call in (lambda: kd.open_sweep(tmp_path), lambda: kd.sweep(numbers, {"a": [1, 2]}, folder=tmp_path)):
        with pytest.raises(OSError, match=r"is damaged: sweep\.json is not whole"):
            call()


JOINS = """
import sys
from kwant_dissip.store.folder import SweepFolder
from kwant_dissip.store.plan import Plan

print("here", flush=True)
sys.stdin.readline()
for i in range(40):
    SweepFolder.made(sys.argv[1], Plan.of({"a": [int(sys.argv[2]) + 2 * i]}), "name", None)
"""


def test_two_processes_join_their_plans(tmp_path):
    """Each adds forty points to the plan, at the same time: all eighty are known."""
    jobs = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", JOINS, str(tmp_path), str(first)], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE) for first in (0, 1)]
    for job in jobs:
        assert job.stdout.readline() == "here\n"
    for job in jobs:
        job.stdin.write("go\n")
        job.stdin.flush()
    assert [job.communicate() and job.returncode for job in jobs] == [0, 0]
    assert kd.open_sweep(tmp_path).a.values.tolist() == list(range(80))


def test_marks_of_another_sweep_stay(tmp_path):
    """What two sweeps in one folder are busy with they do not take from each other."""
    folder = SweepFolder.made(tmp_path, Plan.of({"a": [1, 2]}), "numbers", None)
    with folder.points.busy({"a": 1}):
        kd.sweep(numbers, {"a": [2]}, folder=tmp_path)
        assert folder.points.started() == {key({"a": 1})}


def interrupted(a):
    """Ctrl-C at 2, as compiled code and functions of a user hand it on."""
    if a == 2:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise SystemError("returned a result with an exception set") from error
    return {"b": a}


def wrapped(a):
    try:
        return interrupted(a)
    except SystemError:
        raise ValueError("no result")  # noqa: B904 (as careless users do)


@pytest.mark.parametrize("function", [interrupted, wrapped])
@pytest.mark.parametrize("make", [None, ThreadPoolExecutor])
@pytest.mark.parametrize("folder", [None, "folder"])
def test_an_interrupt_is_no_failure(function, make, folder, tmp_path):
    """The sweep ends with one line; the point counts as missing."""
    folder = folder and tmp_path / folder
    line = f"2 of 4 points kept in {folder}; call again to go on" if folder else "2 of 4 points are finished, and lost"
    with make(1) if make else contextlib.nullcontext() as executor, pytest.raises(KeyboardInterrupt) as caught:
        kd.sweep(function, {"a": [0, 1, 2, 3]}, folder=folder, executor=executor, name="name")
    if make is None:
        assert str(caught.value).startswith(line)
    if folder:
        again = kd.sweep(numbers, {"a": [2]}, folder=folder, name="name")
        assert again["sum"].item() == 2
        assert "failure" not in kd.open_sweep(folder)


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


@pytest.mark.parametrize("name", ["finished", "failure", "result", "point", "sum"])
@pytest.mark.parametrize("folder", [None, "folder"])
def test_parameters_with_names_of_the_datasets_own(name, folder, tmp_path):
    """What a dataset says of its points stays, under a name with "point_" before it; so does the parameter."""
    def some(**values):
        if values[name] == 2:
            raise ValueError("mine")
        return {"sum": 2 * values[name]}

    with pytest.warns(UserWarning, match=f"1 of 3 points failed: {name}=2: ValueError: mine"):
        found = kd.sweep(some, {name: [1, 2, 3]}, folder=folder and tmp_path / folder).load()
    assert found[name].values.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found["result_sum" if name == "sum" else "sum"], [2, np.nan, 6])
    assert found["point_finished" if name == "finished" else "finished"].values.tolist() == [True, False, True]
    assert "mine" in found["point_failure" if name == "failure" else "failure"].item(1)


def test_fields_with_names_of_the_datasets_own():
    """Of a dict: they keep their names, and what the dataset says of its points gives way."""
    def some(a):
        if a == 2:
            raise ValueError("mine")
        return {"finished": 2.0 * a, "failure": 3.0, "result": 4.0, "b": 1.0, "result_a": 5.0, "a": 6.0}

    with pytest.warns(UserWarning, match="1 of 2 points failed"):
        found = kd.sweep(some, {"a": [1, 2]})
    for name, value in {"finished": 2, "failure": 3, "result": 4, "b": 1, "result_a": 5, "result_result_a": 6}.items():
        np.testing.assert_array_equal(found[name], [value, np.nan])
    assert found.point_finished.values.tolist() == [True, False]
    assert "mine" in found.point_failure.item(1)


@pytest.mark.parametrize("folder", [None, "folder"])
def test_text_as_a_parameter(folder, tmp_path):
    """Materials, salts of disorder: on a grid and in lists, in files, and named where they fail."""
    def some(material, a):
        if (material, a) == ("lead, \u00e9", 1):
            raise ValueError("mine")
        return {"length": float(len(material) + a)}

    folder = folder and tmp_path / folder
    grid = {"material": ["gold", "lead, \u00e9", "1"], "a": [0, 1]}
    with pytest.warns(UserWarning, match="1 of 6 points failed: material=lead, \u00e9, a=1: ValueError: mine"):
        found = kd.sweep(some, grid, folder=folder).load()
    assert found.length.sel(material="gold").values.tolist() == [4, 5]
    assert found.material.values.tolist() == grid["material"]
    if folder:
        kd.sweep(some, [{"a": 7, "material": "tin"}], folder=folder)
        opened = kd.open_sweep(folder)
        assert opened.sizes["point"] == 7
        assert set(opened.material.values) == {*grid["material"], "tin"}
        opened.drop_vars("failure").to_netcdf(tmp_path / "file.nc")
    assert kd.sweep(lambda a: {"b": len(a)}, {"a": np.array(["x", "yz"])}).b.values.tolist() == [1, 2]


@pytest.mark.parametrize("folder", [None, "folder"])
def test_units_of_parameters(folder, tmp_path):
    """As xarray has them: in tables, in folders, also where a later call gives none, and in files for other tools."""
    folder = folder and tmp_path / folder

    def some(a, b):
        return {"c": float(a + b)}

    found = kd.sweep(some, {"a": xr.DataArray([1, 2], attrs={"units": "mV"}), "b": [3.0]}, folder=folder)
    assert (found.a.attrs["units"], found.b.attrs) == ("mV", {})
    assert "[mV]" in str(found.c.plot()[0].axes.get_xlabel())
    if folder:
        assert kd.sweep(some, {"b": [4.0], "a": [1, 2, 3]}, folder=folder).a.values.tolist() == [1, 2, 3]
        opened = kd.open_sweep(folder)
        assert opened.a.attrs["units"] == "mV"
        opened.to_netcdf(tmp_path / "file.nc")
        with xr.open_dataset(tmp_path / "file.nc") as again:
            assert again.a.attrs["units"] == "mV"
    with pytest.raises(TypeError, match="The unit of the parameter 'a' must be text, got 3"):
        kd.sweep(some, {"a": xr.DataArray([1], attrs={"units": 3}), "b": [1]})


def test_sizes_of_sweeps_are_checked_before_work():
    for parameters in ({"a": range(3 * 10 ** 9)}, {"a": itertools.count()}, {"a": range(10 ** 5), "b": range(10 ** 5)}):
        with pytest.raises(ValueError, match="10000000"):
            kd.sweep(numbers, parameters)


def test_netcdf_for_other_tools_has_a_checksum(direct, tmp_path):
    """Of HDF5: a flipped bit in any variable is an error there, in single points and states, too."""
    dataset = direct[1]
    dataset.to_netcdf(tmp_path / "whole.nc")
    with h5py.File(tmp_path / "whole.nc") as file:
        assert all(item.fletcher32 for item in file.values() if item.ndim and item.size and item.dtype.kind in "biufc"
                   and item.attrs.get("NAME") is None)
        chunk = file["power"].id.get_chunk_info(0)
    data = bytearray((tmp_path / "whole.nc").read_bytes())
    data[chunk.byte_offset + 11] ^= 1
    (tmp_path / "damaged.nc").write_bytes(data)
    with xr.open_dataset(tmp_path / "damaged.nc") as found, pytest.raises(OSError, match="filter"):
        found.power.load()
    dataset.isel(bias=0, temperature=0, site=0, lead=0).to_netcdf(tmp_path / "single.nc")
    with pytest.raises(ValueError, match="does not hold a result"):
        kd.load(tmp_path / "whole.nc")


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::zarr.errors.UnstableSpecificationWarning")
def test_zarr_for_other_tools_has_a_checksum(direct, tmp_path):
    pytest.importorskip("zarr")
    direct[1][["power", "error"]].to_zarr(tmp_path / "whole.zarr")
    chunk = next(path for path in (tmp_path / "whole.zarr" / "power").rglob("*")
                 if path.is_file() and path.name != "zarr.json")
    data = bytearray(chunk.read_bytes())
    data[-1] ^= 1  # of zstd's checksum: what was written is no longer what is read
    chunk.write_bytes(data)
    with pytest.raises(RuntimeError, match="Zstd"):
        xr.open_zarr(tmp_path / "whole.zarr").power.load()


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"a": ["one", 1]}, TypeError, "'a' must have only numbers or only text as its values, got 'one' and 1"),
    ({"a": b"12"}, TypeError, "a sequence of numbers or of text, got b'12'"), ({"a": {1, 2}}, TypeError, "got {1, 2}"),
    ({"a": {1: 2}}, TypeError, "got {1: 2}"), ({"a": np.array(3.0)}, TypeError, "a sequence of numbers"),
    ({"a": ["\0"]}, ValueError, "text without NUL"), ({"a": [10 ** 400]}, ValueError, "finite numbers below 2"),
    ({"a": [10 ** 5000]}, ValueError, "got a number of 16610 bits"),
    ({"a": [None]}, TypeError, "got None"), ({"a": [1j]}, TypeError, "got 1j"), ({"a": [True]}, TypeError, "got True"),
    ({"a": [np.nan]}, ValueError, "'a' must have finite numbers"), ({"a": [np.inf]}, ValueError, "finite"),
    ({"a": []}, ValueError, "at least one value"), ({"a": 3}, TypeError, "a sequence of numbers or of text, got 3"),
    ({"a": "12"}, TypeError, "a sequence of numbers or of text, got '12'"),
    ({"a": [1, 1.0]}, ValueError, "'a' has 1.0 twice"),
    ({}, ValueError, "at least one parameter"), ([], ValueError, "at least one point"), (3, TypeError, "a dict"),
    ([{"a": 1}, {"b": 1}], ValueError, "All points must have the same parameters, a; one has b"),
    ([{"a": 1}, {"a": 1}], ValueError, "is there twice"), ({"a b": [1]}, ValueError, "Names of parameters"),
    ({"c": [1]}, TypeError, "solve must take the parameters c by their names")])
def test_parameters_that_are_none(parameters, error, message, tmp_path):
    with pytest.raises(error, match=message):
        kd.sweep(numbers, parameters, folder=tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(("solve", "options", "error", "message"), [
    (3, {}, TypeError, "solve must be a function"), (lambda a: None, {}, TypeError, "got NoneType"),
    (lambda a: {"b": None}, {}, TypeError, "'b' is None"), (lambda a: {"b": ["x"]}, {}, TypeError, "'b' is"),
    (lambda a: {1: 2}, {}, TypeError, "Names of results"), (lambda a: {"version": 2}, {}, ValueError, "'version'"),
    (numbers, {"keep": ["nothing"]}, ValueError, "keep must name fields of a numbers, got 'nothing'"),
    (numbers, {"keep": "sum"}, TypeError, "keep must be a sequence"),
    (numbers, {"keep": []}, TypeError, "keep must be"),
    (numbers, {"keep": b"sum"}, TypeError, "keep must be"), (numbers, {"keep": 3}, TypeError, "keep must be"),
    (lambda a: {"b": "\0"}, {}, ValueError, "'b' must be text without NUL"),
    (lambda a: {"b": 10 ** 400}, {}, ValueError, r"below 2\^63"), (lambda a: {"a\0": 1}, {}, ValueError, "NUL"),
    (numbers, {"retry_failed": "no"}, TypeError, "retry_failed must be True or False, got 'no'"),
    (numbers, {"retry_failed": np.ones(2)}, TypeError, "retry_failed must be"),
    (numbers, {"folder": "a\0b"}, ValueError, "folder must be the name of a folder, which has no NUL"),
    (numbers, {"name": 3}, TypeError, "name must be"),
    (numbers, {"executor": 2}, TypeError, "executor must have the method submit"),
    (numbers, {"folder": 2}, TypeError, "folder must be the name of a folder")])
def test_arguments_that_are_none(solve, options, error, message):
    with pytest.raises(error, match=message):
        kd.sweep(solve, {"a": [1, 2]}, **options)


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


def test_points_of_different_sizes_are_loaded_one_by_one(tmp_path):
    """What all agree on is there; the rest is a point's own. Of results in memory and in a folder alike."""
    lengths = {"length": [3, 4]}
    for found in kd.sweep(sweeps.solve_length, lengths), kd.sweep(sweeps.solve_length, lengths, folder=tmp_path):
        assert found.current.dims == ("length", "lead")
        assert "power" not in found
        for length in lengths["length"]:
            state = found.result.sel(length=length).item().load()
            assert isinstance(state, kd.SteadyState)
            np.testing.assert_array_equal(state.power, sweeps.solve_length(length).power)
    assert repr(found.result.item(0)).endswith("h5: load() reads it>")
    found.drop_vars("result").to_netcdf(tmp_path / "file.nc")


def test_kinetic_states_share_x_where_their_meshes_do():
    alike = kd.sweep(sweeps.solve_kinetic, {"bias": [0.1, 0.1 + 1e-9]})
    assert alike.power.dims == ("bias", "x")
    np.testing.assert_array_equal(alike.x, sweeps.solve_kinetic(0.1).x)
    assert alike.power.attrs["units"] == "E0^2/hbar per lattice unit"


def test_what_dicts_hold():
    found = kd.sweep(numbers, {"a": [1, 3], "b": [0.0, 0.5]})
    assert found.y.dims == ("a", "b", "x")
    assert found.plane.dims == ("a", "b", "plane_0", "plane_1")
    assert found["complex"].sel(a=3, b=0.5) == 3 + 1j
    assert found.text.values.tolist() == [["a is 1"] * 2, ["a is 3"] * 2]
    assert found.is_large.dtype == bool
    assert kd.sweep(lambda x: {"x": 2 * x, "b": 1}, {"x": [1.0]}).result_x.values.tolist() == [2.0]


def test_a_list_of_points():
    found = kd.sweep(numbers, [{"a": 2, "b": 1}, {"b": 4, "a": 3}])
    assert found["sum"].dims == ("point",)
    assert found["sum"].values.tolist() == [3, 7]
    assert found.b.values.tolist() == [1, 4]


def test_keep_takes_any_names():
    for keep in (iter(["sum"]), (name for name in ["sum"]), {"sum"}, np.array(["sum"])):
        assert list(kd.sweep(numbers, {"a": [1, 2]}, keep=keep).data_vars) == ["sum"]


def test_keep(tmp_path):
    found = kd.sweep(solve, {"bias": [0.1], "temperature": [0.3]}, keep=["power", "current"], folder=tmp_path)
    assert set(found.variables) == {"power", "current", "bias", "temperature"}
    assert found.power.attrs["units"] == "E0^2/hbar"
    assert max(path.stat().st_size for path in (tmp_path / "points").iterdir()) < 8000


def test_fields_with_the_name_of_a_parameter():
    def with_mu(mu):
        reservoirs = [kd.Reservoir(mu + 0.1, 0.3), kd.Reservoir(mu - 0.1, 0.3)]
        return kd.steady_state(sweeps.BARRIER, reservoirs, kd.PhononBath(0.3, rate=0.2), rtol=1e-2)

    found = kd.sweep(with_mu, {"mu": [-1.0, -0.9]})
    assert found.mu.values.tolist() == [-1.0, -0.9]
    assert found.result_mu.dims == ("mu", "site")


@pytest.mark.parametrize("ending", ["nc", "zarr"])
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::zarr.errors.UnstableSpecificationWarning")
def test_written_datasets_open_in_xarray_alone(ending, direct, tmp_path):
    """In a process that does not know this package; and the round trip is exact."""
    if ending == "zarr":
        pytest.importorskip("zarr")
    path, dataset = tmp_path / f"sweep.{ending}", direct[1]
    dataset.to_netcdf(path) if ending == "nc" else dataset.to_zarr(path)
    script = """
import sys
import xarray
sys.modules["kwant_dissip"] = None
found = xarray.open_dataset(sys.argv[1]).load()
print(found.power.dims, found.power.attrs["units"], found.mu.attrs["long_name"])
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(path)], capture_output=True, text=True,
                          check=True)
    assert done.stdout.startswith("('bias', 'temperature', 'site') E0^2/hbar electrochemical potential")
    with xr.open_dataset(path) as found:
        assert found.load().identical(dataset)


def test_a_state_as_a_dataset(direct, tmp_path):
    state = direct[0][0.1, 0.3]
    dataset = state.to_si(1.0, 1e-9).to_xarray()
    assert dataset.power.dims == ("site",)
    assert dataset.power.attrs["units"] == "W"
    dataset.to_netcdf(tmp_path / "state.nc")
    with xr.open_dataset(tmp_path / "state.nc") as found:
        assert found.load().identical(dataset)
    kinetic = sweeps.solve_kinetic(0.1).to_xarray()
    assert kinetic.power.dims == kinetic.x.dims == ("x",)
    assert kinetic.current.dims == ("end",)
