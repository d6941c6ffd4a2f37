"""Saved results: never lost, never wrong without a word."""

import contextlib
import dataclasses
import hashlib
import os
import shutil
import stat
import subprocess
import sys

import h5py
import numpy as np
import pytest

import kwant_dissip as kd
import sweeps
from kwant_dissip.results.result import Saved
from kwant_dissip.store.fields import documented, quantity
from kwant_dissip.store.file import read_value
from kwant_dissip.store.paths import check_writable
from kwant_dissip.systems import chain
from paths import COMMON


@pytest.fixture(scope="module")
def state():
    reservoirs = [kd.Reservoir(-0.9, 0.3), kd.Reservoir(-1.1, 0.3)]
    return kd.steady_state(chain.barrier(length=3).finalized(), reservoirs, kd.PhononBath(0.3, rate=0.2), rtol=1e-2)


@pytest.fixture
def path(state, tmp_path):
    """A file with a result, and another one in a group."""
    state.save(tmp_path / "file.h5")
    state.save(tmp_path / "file.h5", group="some/where")
    return tmp_path / "file.h5"


def is_same(one, other):
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name), equal_nan=True)
               if isinstance(getattr(one, field.name), np.ndarray) else
               getattr(one, field.name) == getattr(other, field.name) for field in dataclasses.fields(one))


KILLED = """
import dataclasses, os, random, signal, sys, time
import numpy as np
import kwant_dissip as kd

path = sys.argv[1]
long = dataclasses.replace(kd.load(path), bonds=np.ones((100_000, 2), int))
for attempt in range(16):
    child = os.fork()
    if child == 0:
        while True:
            long.save(path, group="/" if attempt < 8 else "other")
    time.sleep(random.uniform(0.005, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(kd.load(path).mu) == len(long.mu)
    if attempt >= 8:
        try:
            assert kd.load(path, group="other").bonds.sum() == 200_000
        except KeyError:  # killed before the first time
            pass
"""

FULL = """
import resource, sys
import kwant_dissip as kd

state = kd.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for group in "/", "new":
    try:
        state.save(sys.argv[1], group=group)
    except OSError as error:
        print(error)
"""


def run(script, path):
    return subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(path)], capture_output=True, text=True,
                          check=True).stdout


def test_a_killed_save_leaves_a_result_that_loads(path):
    run(KILLED, path)


def test_a_full_disk_leaves_the_old_file(path):
    before = path.read_bytes()
    assert run(FULL, path).splitlines() == 2 * [f"{path} could not be written: File too large."]
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("group", ["/", "some/where", "new"])
@pytest.mark.parametrize("value", [np.array([{}]), np.array(["text"]), {}, 10 ** 30])
def test_a_failing_save_changes_nothing(state, path, group, value):
    """A field that HDF5 cannot hold is named; the old file stays, and nothing beside it."""
    before = path.read_bytes()
    with pytest.raises(TypeError, match=r"SteadyState\.products cannot be saved to HDF5"):
        dataclasses.replace(state, products=value).save(path, group=group)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_save_leaves_nothing(state, path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        state.save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("group", "error", "message"), [
    ("power", ValueError, "'power' is that of a field, got 'power'"), ("power/x", ValueError, "that of a field"),
    ("some/mu", ValueError, "that of a field"), ("extra", ValueError, "'extra' is an array"),
    ("extra/below", ValueError, "'extra' is an array, got 'extra/below'"), ("", ValueError, "group must be a name"),
    ("a//b", ValueError, "group must be a name"), ("..", ValueError, "group must be a name"),
    ("a/", ValueError, "group must be a name"), (None, TypeError, "group must be a name, a string, got None"),
    (3, TypeError, "group must be a name, a string, got 3")])
def test_a_group_has_a_name_of_its_own(state, path, group, error, message):
    with h5py.File(path, "a") as file:
        file["extra"] = 1.0
    before = path.read_bytes()
    with pytest.raises(error, match=message):
        state.save(path, group=group)
    assert path.read_bytes() == before


def test_saving_a_group_leaves_all_else(state, path):
    """Also what lies within the group, but not what an older result had there; "/a" is "a"."""
    changed = dataclasses.replace(state, rtol=0.5)
    dataclasses.replace(state, law_residual=1.0, field=np.ones(3)).save(path, group="some")
    changed.save(path, group="/some")
    assert is_same(kd.load(path, group="some"), changed)
    for group in ("/", "some/where", "/some/where"):
        assert is_same(kd.load(path, group=group), state)


def test_links_and_permissions_stay(state, path, tmp_path):
    (tmp_path / "link.h5").symlink_to(path)
    path.chmod(0o640)
    state.save(tmp_path / "link.h5", group="c")
    assert (tmp_path / "link.h5").is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert is_same(kd.load(path, group="c"), state)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda state, path: kd.load(path / "no"), OSError, r"file\.h5/no cannot be read: Not a directory"),
    (lambda state, path: kd.load(path.with_name("no.h5")), FileNotFoundError, r"no\.h5 cannot be read: No such file"),
    (lambda state, path: kd.load(path.parent), IsADirectoryError, "cannot be read: Is a directory"),
    (lambda state, path: kd.load(3), TypeError, "path must be the name of a file, .*, got 3"),
    (lambda state, path: kd.load(None), TypeError, "path must be the name of a file, .*, got None"),
    (lambda state, path: kd.load(""), TypeError, "path must be the name of a file, .*, got ''"),
    (lambda state, path: kd.load(path, group="else"), KeyError,
     r"file\.h5 has no group 'else'; the file holds results in '/', 'some/where'"),
    (lambda state, path: kd.load(path, group="some"), ValueError, "does not hold a result of kwant_dissip; the file "),
    (lambda state, path: kd.load(path, group="power"), ValueError, "does not hold a result"),
    (lambda state, path: kd.load(path, group=3), TypeError, "group must be a name"),
    (lambda state, path: state.save(None), TypeError, "path must be the name of a file, .*, got None"),
    (lambda state, path: state.save(state), TypeError, "path must be the name of a file"),
    (lambda state, path: state.save(path.parent), OSError, "cannot be written: it is a folder"),
    (lambda state, path: state.save(os.devnull), OSError, "cannot be written: it is no plain file"),
    (lambda state, path: state.save(path.parent / "no" / "file.h5"), FileNotFoundError,
     r"no/file\.h5 cannot be written: there is no folder"),
    (lambda state, path: state.to_si("1", 1e-9), ValueError, "energy_unit must be a positive number, in eV, got '1'"),
    (lambda state, path: state.to_si(1.0, None), ValueError, "lattice_constant must be .*, in m, got None"),
    (lambda state, path: state.to_si(1j, 1.0), ValueError, "energy_unit must be a positive number, in eV, got 1j"),
    (lambda state, path: state.plot(3), TypeError, "axes must be a matplotlib axis, .*, got 3"),
    (lambda state, path: state.plot([1, 2]), TypeError, r"axes must be a matplotlib axis, .*, got \[1, 2\]"),
    (lambda state, path: state.to_si(True, 1.0), ValueError, "energy_unit must be a positive number, in eV, got True"),
])
def test_what_is_wrong_is_said(state, path, call, error, message):
    with pytest.raises(error, match=message):
        call(state, path)
    assert is_same(kd.load(path), state)


def test_folders_and_files_that_are_not_writable(tmp_path, path, state, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="the file that is there is not writable"):
        state.save(path)
    (tmp_path / "closed").mkdir()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=r"no file can be made in .*closed \(Permission denied\)"):
        check_writable(tmp_path / "closed" / "new.h5")


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"not HDF5", "is not an HDF5 file")])
def test_files_that_are_not_hdf5(state, path, content, message):
    path.write_bytes(content)
    for call in (lambda: kd.load(path), lambda: state.save(path, group="a")):
        with pytest.raises(OSError, match=rf"file\.h5 {message}"):
            call()
    assert path.read_bytes() == content


def test_a_file_that_is_cut_short(state, path):
    whole = path.read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[:int(part * len(whole))])
        for call in (lambda: kd.load(path), lambda: state.save(path, group="a")):
            with pytest.raises(OSError, match=r"file\.h5 is cut short"):
                call()


def test_damage_inside_the_data_is_noticed(state, path):
    """Every single byte of an array, and bytes anywhere: an error, or the same result."""
    whole = path.read_bytes()
    start = whole.index(state.power.tobytes())
    for place in range(start, start + state.power.nbytes):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
        with pytest.raises(OSError, match=r"group '/', is damaged: its data do not fit their checksum"):
            kd.load(path)
    for place in np.random.default_rng(1).integers(len(whole), size=100):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 64]) + whole[place + 1:])
        with contextlib.suppress(OSError):
            assert is_same(kd.load(path), state)


def test_numbers_changed_by_other_programs_are_noticed(path):
    with h5py.File(path, "a") as file:
        file["some/where"].attrs["rtol"] = 0.1
        file["current"][0] = 0.0
    for group in ("/", "some/where"):
        with pytest.raises(OSError, match="do not fit their checksum"):
            kd.load(path, group=group)


def other_version(monkeypatch, state, path, change):
    """Save as a version of the package would that declares other fields."""
    fields = change(list(dataclasses.fields(state)))
    with monkeypatch.context() as patch:
        patch.setattr("kwant_dissip.store.file.PACKAGE_VERSION", "7.8.9")
        patch.setattr("dataclasses.fields", lambda _: fields)
        state.save(path)


def test_a_file_of_a_version_with_more_fields_loads(monkeypatch, state, path):
    def more(fields):
        array, number = (dataclasses.field(metadata={"meaning": "New", "kind": "number"}) for _ in range(2))
        array.name, number.name = "new_array", "new_number"
        object.__setattr__(state, "new_array", np.ones(2))
        object.__setattr__(state, "new_number", 1.5)
        return [*fields, array, number]

    other_version(monkeypatch, state, path, more)
    with h5py.File(path) as file:
        assert "new_array" in file
        assert file.attrs["new_number"] == 1.5
    assert is_same(kd.load(path), state)


def test_a_file_of_a_version_with_fewer_fields_says_so(monkeypatch, state, path):
    other_version(monkeypatch, state, path,
                  lambda fields: [field for field in fields if field.name not in ("bonds", "rtol", "field")])
    with pytest.raises(ValueError, match=rf"written by kwant_dissip 7\.8\.9, without the fields of a SteadyState that "
                                         rf"this version, {kd.__version__}, needs: bonds, rtol"):
        kd.load(path)


def test_a_kind_of_a_later_version_is_named(path):
    with h5py.File(path, "a") as file:
        file.attrs["format"] = "kwant_dissip.Novelty"
    with pytest.raises(ValueError, match=f"written by kwant_dissip {kd.__version__} and holds a Novelty"):
        kd.load(path)


def test_a_file_without_checksum_is_refused(path):
    """As the first version wrote them, and as whoever changes a file leaves them."""
    with h5py.File(path, "a") as file:
        del file.attrs["version"], file.attrs["checksum"]
    with pytest.raises(ValueError, match=r"has no checksum: written by kwant_dissip 0\.1\.0 or older, or changed"):
        kd.load(path)


def test_a_checksum_of_all_fields_together_is_compared_too(state, path):
    """As files had it before there was one of each."""
    def write(power):
        digest = hashlib.sha256()
        with h5py.File(path, "r+") as file:
            file["power"][:] = power
            for name in sorted([*file.attrs, *(key for key in file if isinstance(file[key], h5py.Dataset))]):
                if name in ("format", "version", "checksum"):
                    continue
                value = file[name][()] if name in file else file.attrs[name]
                if isinstance(value, np.ndarray):
                    digest.update(f"{name} {value.dtype.str} {value.shape}".encode() + value.tobytes())
                else:
                    value = value.item()
                    digest.update(f"{name} {value.decode() if isinstance(value, bytes) else value!r}".encode())
            file.attrs["checksum"] = np.bytes_(digest.hexdigest())

    write(state.power)
    assert is_same(kd.load(path), state)
    assert np.array_equal(read_value(path, "power"), state.power)
    with h5py.File(path, "r+") as file:
        file["power"][0] += 1
    for call in kd.load, lambda name: read_value(name, "mu"):
        with pytest.raises(OSError, match="do not fit their checksum"):
            call(path)


def elsewhere(path, kind):
    """Put the power of a file somewhere else; its numbers are what they were."""
    with h5py.File(path, "r+") as file:
        power = file["power"][()]
        del file["power"]
        other = path.with_name("other.h5")
        with h5py.File(other, "w") as beside:
            beside["power"] = power
        if kind == "external storage":
            path.with_name("raw").write_bytes(power.tobytes())
            file.create_dataset("power", power.shape, power.dtype, external=[(path.with_name("raw"), 0, power.nbytes)])
        elif kind == "external link":
            file["power"] = h5py.ExternalLink(other, "power")
        elif kind == "soft link":
            file["kept"] = power
            file["power"] = h5py.SoftLink("/kept")
        else:
            layout = h5py.VirtualLayout(power.shape, power.dtype)
            layout[:] = h5py.VirtualSource(other, "power", power.shape)
            file.create_virtual_dataset("power", layout)


@pytest.mark.parametrize("kind", ["external storage", "external link", "soft link", "virtual dataset"])
def test_arrays_that_lie_elsewhere_are_refused(path, kind):
    """Though their numbers fit the checksum."""
    elsewhere(path, kind)
    for call in kd.load, lambda name: read_value(name, "power"):
        with pytest.raises(OSError, match=r"is damaged.*'power' (is a link to somewhere else|lies in another file)"):
            call(path)


def test_a_group_that_is_a_link_is_refused(path, tmp_path):
    with h5py.File(tmp_path / "new.h5", "w") as file:
        file["outside"] = h5py.ExternalLink(path, "/some/where")
    with pytest.raises(OSError, match="'outside' is a link to somewhere else"):
        kd.load(tmp_path / "new.h5", group="outside")


@pytest.mark.parametrize("options", [{"chunks": True, "compression": "gzip"}, {"chunks": True}, {}])
def test_arrays_are_not_larger_than_their_file(path, options):
    """Some kB do not unfold to a gigabyte, whether compressed or never written."""
    with h5py.File(path, "r+") as file:
        del file["power"]
        file.create_dataset("power", (10 ** 8,), "f8", **options)
    for call in kd.load, lambda name: read_value(name, "power"):
        with pytest.raises(OSError, match=r"'power' of shape \(100000000,\) would take 800000000 bytes"):
            call(path)


@pytest.mark.parametrize("value", [np.ones(3), np.array(["text", "b"], object)])
def test_attributes_are_single_values(path, value):
    with h5py.File(path, "r+") as file:
        file.attrs["rtol"] = value
    with pytest.raises(OSError, match="'rtol' is no single value"):
        kd.load(path)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    for call in kd.load, kd.open_sweep:
        with pytest.raises(OSError, match=r"pipe\.h5"):
            call(tmp_path / "pipe.h5")


@pytest.mark.parametrize("call", [lambda state: kd.load("a\0b"), lambda state: state.save("a\0b"), kd.open_sweep,
                                  lambda state: state.save("a", group="a\0b"), lambda state: kd.load(b"file")])
def test_names_that_are_none(call, state):
    with pytest.raises((TypeError, ValueError), match=r"(path|group|folder) must be"):
        call("a\0b" if call is kd.open_sweep else state)


def test_a_kinetic_state_loads_where_nothing_else_was_imported(tmp_path):
    reservoirs = [kd.Reservoir(0.05, 0.2), kd.Reservoir(-0.05, 0.2)]
    state = kd.kinetic.steady_state(lambda energy: np.full_like(energy, 0.5), reservoirs, kd.PhononBath(0.2, rate=1.0),
                                    velocity=np.ones_like, length=1.0, rtol=1e-2)
    state.save(tmp_path / "file.h5")
    assert is_same(kd.load(tmp_path / "file.h5"), state)
    assert "KineticState" in run("import sys, kwant_dissip as kd; print(kd.load(sys.argv[1]))", tmp_path / "file.h5")


EARLIER = COMMON / "earlier"


def test_files_of_earlier_versions_load(tmp_path):
    """A state and a folder of 78e69a3; what was not declared then has its default. The folder goes on with new points.

    The state is that of `sweeps.solve`, found again.
    """
    old, new = kd.load(EARLIER / "state.h5"), sweeps.solve(0.1, 0.2)
    with h5py.File(EARLIER / "state.h5") as file:
        np.testing.assert_array_equal(old.power, file["power"])
        assert old.rtol == file.attrs["rtol"]
        assert "degeneracy" not in file.attrs
    assert old.degeneracy == 1
    np.testing.assert_allclose(old.current, new.current, rtol=1e-2)
    np.testing.assert_allclose(old.power, new.power, atol=1e-2 * np.abs(new.power).max())
    shutil.copytree(EARLIER / "numbers", tmp_path / "numbers")
    found = kd.open_sweep(tmp_path / "numbers").load()
    assert found["sum"].values.tolist() == [1, 2]
    np.testing.assert_array_equal(found.y, np.outer([1, 2], np.arange(3)))
    again = kd.sweep(sweeps.numbers, {"a": [1, 2, 3]}, folder=tmp_path / "numbers").load()
    assert again.sel(a=[1, 2]).identical(found)
    assert again.identical(kd.sweep(sweeps.numbers, {"a": [1, 2, 3]}))


def test_a_class_of_results_needs_no_word_elsewhere(tmp_path):
    """Whoever declares one saves and loads it, and has it as a dataset."""
    @documented
    @dataclasses.dataclass(frozen=True, eq=False)
    class Curve(Saved):
        """A curve."""

        height: np.ndarray = quantity("Height", "energy", ("site",))
        count: int = quantity("How many")
        units: str = quantity('"model"', default="model")

    Curve(np.arange(3.0), 2).save(tmp_path / "file.h5", group="a")
    loaded = kd.load(tmp_path / "file.h5", group="a")
    assert isinstance(loaded, Curve)
    assert is_same(loaded, Curve(np.arange(3.0), 2))
    assert loaded.to_xarray().height.dims == ("site",)
    assert loaded.to_xarray().height.attrs["units"] == "E0"
