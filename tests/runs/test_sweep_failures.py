"""Sweeps that something ends, or fails in: no point is lost, and what failed is named."""

import contextlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kwant_dissip as kd
import sweeps
from sweeps import numbers, processes

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
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KWANT_DISSIP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path), "7"], env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["8"]
    assert not list(tmp_path.glob("*/points/*.started"))


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
