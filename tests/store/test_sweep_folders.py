"""Folders of sweeps: of another sweep, damaged, shared by two processes."""

import itertools
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

import kwant_dissip as kd
import sweeps
from kwant_dissip.store.folder import SweepFolder
from kwant_dissip.store.plan import Plan, key
from kwant_dissip.store.points import PointFile
from sweeps import GRID, numbers, solve


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


def test_every_field_is_checked_when_it_is_read(swept, tmp_path):
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
    assert kd.open_sweep(folder).load().equals(swept[1])


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
