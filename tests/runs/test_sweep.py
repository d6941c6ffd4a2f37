"""Sweeps: every point once; what is given, what is kept, what goes on where it was."""

import dataclasses
import itertools

import numpy as np
import pytest

import kwant_dissip as kd
from sweeps import numbers, solve


def test_a_sweep_is_the_states_side_by_side(swept):
    """Every field of every state, with the unit that files give it."""
    states, dataset = swept
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


def test_a_list_of_points():
    found = kd.sweep(numbers, [{"a": 2, "b": 1}, {"b": 4, "a": 3}])
    assert found["sum"].dims == ("point",)
    assert found["sum"].values.tolist() == [3, 7]
    assert found.b.values.tolist() == [1, 4]


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


def test_keep_takes_any_names():
    for keep in (iter(["sum"]), (name for name in ["sum"]), {"sum"}, np.array(["sum"])):
        assert list(kd.sweep(numbers, {"a": [1, 2]}, keep=keep).data_vars) == ["sum"]


def test_keep(tmp_path):
    found = kd.sweep(solve, {"bias": [0.1], "temperature": [0.3]}, keep=["power", "current"], folder=tmp_path)
    assert set(found.variables) == {"power", "current", "bias", "temperature"}
    assert found.power.attrs["units"] == "E0^2/hbar"
    assert max(path.stat().st_size for path in (tmp_path / "points").iterdir()) < 8000


def test_sizes_of_sweeps_are_checked_before_work():
    for parameters in ({"a": range(3 * 10 ** 9)}, {"a": itertools.count()}, {"a": range(10 ** 5), "b": range(10 ** 5)}):
        with pytest.raises(ValueError, match="10000000"):
            kd.sweep(numbers, parameters)


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
