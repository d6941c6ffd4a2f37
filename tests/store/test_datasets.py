"""Datasets of sweeps and states: names, dimensions, units, and files for other tools."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr

import kwant_dissip as kd
import sweeps
from sweeps import numbers


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


def test_fields_with_the_name_of_a_parameter():
    def with_mu(mu):
        reservoirs = [kd.Reservoir(mu + 0.1, 0.3), kd.Reservoir(mu - 0.1, 0.3)]
        return kd.steady_state(sweeps.BARRIER, reservoirs, kd.PhononBath(0.3, rate=0.2), rtol=1e-2)

    found = kd.sweep(with_mu, {"mu": [-1.0, -0.9]})
    assert found.mu.values.tolist() == [-1.0, -0.9]
    assert found.result_mu.dims == ("mu", "site")


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


def test_netcdf_for_other_tools_has_a_checksum(swept, tmp_path):
    """Of HDF5: a flipped bit in any variable is an error there, in single points and states, too."""
    dataset = swept[1]
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
def test_zarr_for_other_tools_has_a_checksum(swept, tmp_path):
    pytest.importorskip("zarr")
    swept[1][["power", "error"]].to_zarr(tmp_path / "whole.zarr")
    chunk = next(path for path in (tmp_path / "whole.zarr" / "power").rglob("*")
                 if path.is_file() and path.name != "zarr.json")
    data = bytearray(chunk.read_bytes())
    data[-1] ^= 1  # of zstd's checksum: what was written is no longer what is read
    chunk.write_bytes(data)
    with pytest.raises(RuntimeError, match="Zstd"):
        xr.open_zarr(tmp_path / "whole.zarr").power.load()


@pytest.mark.parametrize("ending", ["nc", "zarr"])
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::zarr.errors.UnstableSpecificationWarning")
def test_written_datasets_open_in_xarray_alone(ending, swept, tmp_path):
    """In a process that does not know this package; and the round trip is exact."""
    if ending == "zarr":
        pytest.importorskip("zarr")
    path, dataset = tmp_path / f"sweep.{ending}", swept[1]
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


def test_a_state_as_a_dataset(swept, tmp_path):
    state = swept[0][0.1, 0.3]
    dataset = state.to_si(1.0, 1e-9).to_xarray()
    assert dataset.power.dims == ("site",)
    assert dataset.power.attrs["units"] == "W"
    dataset.to_netcdf(tmp_path / "state.nc")
    with xr.open_dataset(tmp_path / "state.nc") as found:
        assert found.load().identical(dataset)
    kinetic = sweeps.solve_kinetic(0.1).to_xarray()
    assert kinetic.power.dims == kinetic.x.dims == ("x",)
    assert kinetic.current.dims == ("end",)
