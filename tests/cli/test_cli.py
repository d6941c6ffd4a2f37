"""The command line, run as a user would."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.cli import main

SCRIPT = """
import kwant

def build(length=30, step=0.5):
    lattice = kwant.lattice.chain(norbs=1)
    builder = kwant.Builder()
    for i in range(length):
        builder[lattice(i)] = step if i == length // 2 else 0.0
    builder[lattice.neighbors()] = -1
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[lattice(0)] = 0
    lead[lattice.neighbors()] = -1
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder

def in_wires(site, length=30):
    return site.tag[0] != length // 2
"""


def test_profile_of_a_script(tmp_path, capsys):
    (tmp_path / "model.py").write_text(SCRIPT)
    code = main(["profile", "--model", str(tmp_path / "model.py"), "--set", "length=41", "--set", "step=0.8",
                 "--bias", "0.1", "--temperature", "0.04", "--rate", "0.1", "--save", str(tmp_path / "out.h5"),
                 "--plot", str(tmp_path / "out.png")])
    assert code == 0
    captured = capsys.readouterr()
    assert "current" in captured.out
    assert captured.err == ""  # no bar where there is no terminal
    state = kd.load(tmp_path / "out.h5")
    assert np.flatnonzero(np.isnan(state.mu)).tolist() == [20]
    # The same model as the case "barrier" of lattice_cases.json
    assert state.current[0] == pytest.approx(0.0065928085212, rel=1e-6)
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"


def test_profile_at_a_drop(capsys, tmp_path):
    """The drop of the saved state is the one asked for; a model in a plane is drawn as maps."""
    assert main(["profile", "--drop", "0.01", "--set", "length=60", "--save", str(tmp_path / "out.h5")]) == 0
    assert "bias" in capsys.readouterr().out
    assert kd.voltage_drop(kd.load(tmp_path / "out.h5")) == pytest.approx(0.01, rel=1e-4)


def test_profile_of_a_ribbon(tmp_path, capsys):
    (tmp_path / "model.py").write_text("from kwant_dissip.systems.ribbon import ribbon as build\n")
    assert main(["profile", "--model", str(tmp_path / "model.py"), "--set", "length=6", "--set", "width=2",
                 "--temperature", "0.2", "--rtol", "1e-2", "--rate", "0.1", "--plot", str(tmp_path / "out.png")]) == 0
    assert "power, all" in capsys.readouterr().out
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(("arguments", "message"), [
    (["--model", "nowhere.py"], "is no file"), (["--set", "length"], "NAME=VALUE"),
    (["--set", "length=long"], "length must be a whole number of sites, at least 1, got 'long'"),
    (["--set", "length=" + "9" * 400], "--set length: whole numbers must be below 2^63"),
    (["--set", "level=" + "9" * 400], "--set level: whole numbers must be below 2^63"),
    (["--set", "length=" + "(" * 9000], "length must be a whole number of sites"),
    (["--set", "length=None"], "length must be a whole number of sites, at least 1, got None"),
    (["--set", "level=1+2j"], "level must be a finite number, got (1+2j)"),
    (["--plot", "picture.xyz"], "--plot picture.xyz: pictures can be avif, eps"),
    (["--save", "nowhere/file.h5"], "nowhere/file.h5 cannot be written: there is no folder"),
    (["--plot", "nowhere/file.png"], "nowhere/file.png cannot be written: there is no folder"),
    (["--set", "length=-1"], "length must be"), (["--set", "color='red'"], "color"),
    (["--rate", "1e9"], "PhononBath(0.03, rate=1e+09 in the wires) gives site (-100,) a rate of"),
    (["--mu", "-9"], "no open modes")])
def test_bad_arguments(arguments, message, capsys):
    assert main(["profile", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (["profile", "--temperature", "-1"], "--temperature: must be a finite number above 0, in the model's energy unit, "
     "got '-1'"),
    (["profile", "--mu", "nan"], "--mu: must be a finite number"), (["profile", "--bias", "1e999"], "--bias: must be"),
    (["profile", "--drop", "0"], "--drop: must be a finite number other than 0, in the model's energy unit, got '0'"),
    (["profile", "--rtol", "1"], "--rtol: must be a finite number above 0 and below 1, got '1'"),
    (["profile", "--rate", "-1"], "--rate: must be a finite number of at least 0"),
    (["profile", "--mean-free-path", "0"], "--mean-free-path: must be a finite number above 0, in the model's lattice"),
    (["profile", "--save", "a\0b"], "--save: must be the name of a file or folder, got 'a\\x00b'"),
    (["figure2", "--drop", "-1"], "--drop: must be a finite number above 0 and below 0.6, in units of the hopping"),
    (["figure2", "--out", ""], "--out: must be the name of a file or folder"),
    (["image", "--seed=-1"], "--seed: must be a whole number from 0 to 9223372036854775807, got '-1'"),
    (["image", "--temperature", "0"], "--temperature: must be a finite number above 0, in K, got '0'"),
    (["image", "--bias", "0"], "--bias: must be a finite number above 0, in mV, got '0'"),
    (["image", "--tip-width", "0"], "--tip-width: must be a finite number above 0, in nm, got '0'"),
    (["image", "--coupling", "-1"], "--coupling: must be a finite number of at least 0 and below 1e+06, in W/(K m), "
     "got '-1'"),
    (["sweep", "--scan", "bias=0.1", "--folder", "runs", "--workers", "0"], "--workers: must be a whole number from 1"),
    (["plot", "a\0b"], "FILE|FOLDER: must be the name of a file or folder")])
def test_numbers_are_checked_while_they_are_read(arguments, message, capsys, tmp_path, monkeypatch):
    """By the name that was typed, in the unit of the command line, and before any work."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert f"argument {message}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["--save", "file.h5"], ["--plot", "file.png"]])
def test_a_folder_that_is_not_writable_is_refused_before_the_solve(arguments, capsys, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(tmp_path)
    # Any call would end in other words. Before files are refused: some modules ask for them while they are imported.
    monkeypatch.setattr("kwant_dissip.solve.steady_state", None)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert main(["profile", *arguments]) == 1
    assert f"{arguments[1]} cannot be written: no file can be made in {tmp_path}" in capsys.readouterr().err


def test_a_picture_without_an_ending_is_matplotlibs_default(tmp_path):
    assert main(["profile", "--set", "length=10", "--rtol", "1e-2", "--plot", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out.png").is_file()


@pytest.mark.parametrize(("change", "options", "message"), [
    (("def build(", "def build(("), [], "line 4: SyntaxError:"),
    (("import kwant", "import kwants"), [], "line 2 in <module>: ModuleNotFoundError: No module named 'kwants'"),
    (("builder = kwant", "1 / 0\n    builder = kwant"), [], "line 6 in build: ZeroDivisionError: division by zero"),
    (("", ""), ["--set", "length='long'"], "line 7 in build: TypeError: 'str' object cannot be interpreted"),
    (("= step if", "= (lambda site: site.name) if"), [], "line 8 in <lambda>: AttributeError: 'Site' object"),
    (("return site.tag[0]", "return site.tag[1]"), [], "line 18 in in_wires: IndexError:"),
    (("length=30, step=0.5", "length, step=0.5"), [], "build of model.py: missing a required argument: 'length'"),
    (("def build", "def built"), [], "model.py does not define build"),
])
def test_errors_of_a_script_have_one_line_and_a_place(change, options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(SCRIPT.replace(*change))
    assert main(["profile", "--model", "model.py", "--rate", "0.1", *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "model.py" in error
    assert error.count("\n") == 1


def test_an_error_of_the_package_itself_keeps_its_traceback(monkeypatch):
    def fail(*_, **__):
        raise KeyError("a mistake in the package")

    monkeypatch.setattr("kwant_dissip.solve.steady_state", fail)
    with pytest.raises(KeyError):
        main(["profile"])


def test_interrupt(tmp_path):
    """Ctrl-C ends a solve with one line and the exit code of shells."""
    script = SCRIPT.replace("def build", "import time\nprint('here', flush=True)\ntime.sleep(60)\ndef build")
    (tmp_path / "model.py").write_text(script)
    command = [sys.executable, "-m", "kwant_dissip", "profile", "--model", str(tmp_path / "model.py")]
    # In the background of a shell Ctrl-C is ignored, by children too.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=heeding) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate()[1] == "kwant-dissip: interrupted.\n"
    assert process.returncode == 130


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_sweep(workers, tmp_path):
    """Ctrl-C in a terminal reaches all processes: one line says what is kept, and the next call goes on."""
    waiting = "import time\nfrom pathlib import Path\ndef build(length=30, step=0.5):\n    if length == 12 and " \
              f"Path({str(tmp_path)!r}, 'wait').exists():\n        print('here', flush=True)\n        time.sleep(600)"
    (tmp_path / "model.py").write_text(SCRIPT.replace("def build(length=30, step=0.5):", waiting))
    (tmp_path / "wait").touch()
    command = [sys.executable, "-m", "kwant_dissip", "sweep", "--model", str(tmp_path / "model.py"), "--rtol", "1e-2",
               "--rate", "0.1", "--scan", "length=10,11,12", "--folder", str(tmp_path / "runs"), "--workers", workers]

    def heeding():  # a process group of its own, as a terminal gives; in the background Ctrl-C is ignored
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=heeding) as process:
        assert process.stdout.readline() == "here\n"
        while len(list((tmp_path / "runs" / "points").glob("*.h5"))) < 2:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        error = process.communicate()[1]
    assert error == f"kwant-dissip: interrupted: 2 of 3 points kept in {tmp_path / 'runs'}; run the same command " \
        "again to go on.\n"
    assert process.returncode == 130
    (tmp_path / "wait").unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.endswith("3 of 3 points finished\n")


# Runs the command line, then tells which of the modules that are slow to import it has imported.
IMPORTS = """
import sys
from kwant_dissip.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(code, *sorted({"h5py", "kwant", "matplotlib", "numpy", "scipy"} & set(sys.modules)))
"""


@pytest.mark.parametrize(("arguments", "code"), [
    (["--help"], 0), (["--version"], 0), (["profile", "--help"], 0), (["image", "--help"], 0), ([], 2),
    (["profile", "--bias", "x"], 2),
    (["profile", "--set", "length"], 1), (["profile", "--model", "nowhere.py"], 1)])
def test_help_and_usage_errors_import_nothing_heavy(arguments, code):
    result = subprocess.run([sys.executable, "-c", IMPORTS, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == str(code)


def test_version_of_the_installed_command():
    result = subprocess.run([sys.executable, "-m", "kwant_dissip", "--version"], capture_output=True, text=True,
                            check=True)
    assert result.stdout.split() == ["kwant_dissip", kd.__version__]


def test_public_names_are_there_when_asked_for():
    """In a fresh process: each by itself, modules too, all at once, and those that type checkers see."""
    script = """
import ast
import kwant_dissip as kd
assert callable(kd.kinetic.steady_state) and callable(kd.analytic.landauer_heat)
from kwant_dissip import analytic, kinetic, systems
assert systems.chain.barrier
assert set(kd.__all__) <= set(dir(kd)) and "__version__" in dir(kd)
names = {}
exec("from kwant_dissip import *", names)
assert set(names) - {"__builtins__"} == set(kd.__all__)
assert all(names[name] is getattr(kd, name) for name in kd.__all__)
block = next(node for node in ast.parse(open(kd.__file__).read()).body if isinstance(node, ast.If))
assert {alias.name for node in block.body for alias in node.names} == set(kd.__all__)
try:
    kd.nonsense
except AttributeError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "module 'kwant_dissip' has no attribute 'nonsense'\n"


@pytest.mark.parametrize(("arguments", "message"), [
    (["--temperature", "77"], "--temperature 77: the nanotube's numbers were measured from 290 to 310 K; at any "
     "other give --conductivity and --coupling."),
    (["--resonance-width", "500"], "--resonance-width must be at most 0.9 of --fermi-energy, got 500 of 100 meV."),
    (["--mean-free-path", "5"], "--mean-free-path must be from 14.7 nm, the electrons' wavelength at --fermi-energy "
     "and --velocity, to 2.17e+04 nm, got 5 nm."),
    (["--sensitivity", "5"], "--sensitivity and --dwell-time make noise together; give both, or none."),
    (["--out", "/dev/null"], "folder /dev/null cannot be made: File exists.")])
def test_bad_images(arguments, message, capsys):
    assert main(["image", *arguments]) == 1
    assert capsys.readouterr().err == f"kwant-dissip: {message}\n"


def test_figure2_spots():
    """The figure's spots at k_B T / E_F = 0.2, near one mean free path, with the heights of design.md section 4."""
    from kwant_dissip.figures import figure2

    state = figure2.lattice_state(0.2, 0.006)
    left, right = (spot for spot in kd.heat_spots(state) if not spot.is_end)
    scale = state.current[0] * 0.2 * figure2.FERMI_ENERGY
    assert (left.kind, right.kind) == ("heat", "cold")
    assert left.position / figure2.MEAN_FREE_PATH == pytest.approx(-1.0, abs=0.15)
    assert right.position / figure2.MEAN_FREE_PATH == pytest.approx(1.0, abs=0.15)
    assert left.power / scale == pytest.approx(5.79e-4, rel=0.01)
    assert right.power / scale == pytest.approx(-4.31e-4, rel=0.01)


def test_figure2_files(tmp_path, monkeypatch, capsys):
    from kwant_dissip.figures import figure2

    monkeypatch.setattr(figure2, "TEMPERATURES", (0.2, 0.4))
    monkeypatch.setattr(figure2, "WIRE_LENGTH", 150)
    monkeypatch.setattr(figure2, "_COLORS", figure2._COLORS[:2])
    assert main(["figure2", "--out", str(tmp_path / "new")]) == 0
    written = capsys.readouterr().out.split()
    assert [path.rsplit(".", 1)[1] for path in written] == ["png", "pdf", "h5"]
    assert (tmp_path / "new" / "figure2.pdf").read_bytes()[:4] == b"%PDF"
    assert kd.load(tmp_path / "new" / "figure2.h5", group="temperature_0.4").power.shape == (301,)


SWEEP = ["sweep", "--model", "resonant_dot", "--set", "length=30", "--rtol", "1e-2", "--rate", "0.1"]


def test_sweep_and_its_pictures(tmp_path, monkeypatch, capsys):
    """What is missing is computed; a picture of the folder, of a dataset, of a single state."""
    monkeypatch.chdir(tmp_path)
    assert main([*SWEEP, "--scan", "bias=0.05:0.15:3", "--scan", "temperature=0.1,0.2", "--folder", "runs"]) == 0
    assert capsys.readouterr().out == "runs: 6 of 3 x 2 points finished\n"
    assert main([*SWEEP, "--scan", "temperature=0.1,0.2", "--scan", "bias=0.05:0.2:4", "--folder", "runs"]) == 0
    found = kd.open_sweep("runs")
    assert dict(found.sizes, site=0) == {**found.sizes, "site": 0, "bias": 4, "temperature": 2}
    state = kd.load(next((tmp_path / "runs" / "points").glob("*.h5")))
    assert state.power.shape == (61,)
    state.save("state.h5")
    found.to_netcdf("sweep.nc")
    capsys.readouterr()
    for arguments, picture in ((["runs"], "runs.png"), (["state.h5"], "state.h5.png"),
                               (["sweep.nc", "--along", "temperature", "--at", "bias=0.1", "--out", "a.pdf"], "a.pdf")):
        assert main(["plot", *arguments]) == 0
        assert capsys.readouterr().out == picture + "\n"
        assert (tmp_path / picture).stat().st_size > 5000


def test_sweep_of_text(tmp_path, monkeypatch, capsys):
    """Names of materials, say; pictures have the unit of what is varied beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("from kwant_dissip.systems import chain\n"
                                       "def build(metal):\n"
                                       "    height = {'tin': 0.2, 'old lead': 0.5}[metal]\n"
                                       "    return chain.barrier(length=8, height=height)")
    command = ["sweep", "--model", "model.py", "--rtol", "1e-2", "--rate", "0.1", "--temperature", "0.2",
               "--folder", "a"]
    assert main([*command, "--scan", "metal=tin,old lead", "--scan", "bias=0.1,0.2"]) == 0
    assert "4 of 2 x 2 points" in capsys.readouterr().out
    found = kd.open_sweep("a")
    assert found.metal.values.tolist() == ["tin", "old lead"]
    assert np.all(found.current.sel(metal="tin", lead=0) > found.current.sel(metal="old lead", lead=0))
    assert found.bias.attrs["units"] == "E0"
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, *_, **__: drawn.append(figure))
    assert main(["plot", "a", "--at", "metal=old lead", "--along", "bias"]) == 0
    assert {axis.get_ylabel() for axis in drawn[0].axes[:2]} == {"bias ($E_0$)"}
    assert drawn[0].axes[0].get_title() == "metal = old lead"


def test_picture_of_a_sweep_of_short_wires(tmp_path, monkeypatch):
    """Shorter than what curves are averaged over: drawn site by site."""
    monkeypatch.chdir(tmp_path)
    assert main([*SWEEP, "--set", "length=5", "--scan", "bias=0.05,0.1", "--folder", "runs"]) == 0
    assert main(["plot", "runs"]) == 0
    assert (tmp_path / "runs.png").stat().st_size > 5000


def test_sweep_of_a_parameter_of_the_model_in_processes(tmp_path, capsys):
    """Lengths stay whole numbers; rates in processes of their own give what this process finds."""
    for workers in ("1", "2"):
        assert main([*SWEEP, "--set", "coupling=0.5", "--scan", "length=20:30:2", "--scan", "rate=0.1,0.2",
                     "--workers", workers, "--folder", str(tmp_path / workers)]) == 0
    one, two = (kd.open_sweep(tmp_path / workers) for workers in ("1", "2"))
    assert one.length.values.tolist() == [20, 30]
    np.testing.assert_array_equal(one.current, two.current)
    assert main(["plot", str(tmp_path / "1"), "--along", "length", "--out", str(tmp_path / "lengths.png")]) == 0
    assert "kwant-dissip" not in capsys.readouterr().err


def test_points_of_a_sweep_that_fail(tmp_path, capsys):
    """They are named, and the exit code says so; the others are there."""
    arguments = [*SWEEP, "--scan", "mu=-1,-9", "--folder", str(tmp_path)]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "1 of 2 points finished" in captured.out
    assert "1 of 2 points failed: mu=-9: ValueError" in captured.err
    assert "--retry-failed" in captured.err


@pytest.mark.parametrize(("arguments", "message"), [
    (["--scan", "bias"], "--scan takes NAME=START:STOP:COUNT"), (["--scan", "bias=0:1"], "--scan takes"),
    (["--scan", "bias=0:1:0"], "a COUNT of 1 or more"), (["--scan", "bias=nan,0.1"], "finite numbers"),
    (["--scan", "bias=nan"], "--scan bias: must be a finite number, in the model's energy unit, got 'nan'"),
    (["--scan", "level=a,0.1"], "all of finite numbers or all of text, got 'level=a,0.1'"),
    (["--scan", "level=a,,b"], "--scan takes"), (["--scan", "level=True"], "--scan takes"),
    (["--scan", "level=a:b"], "--scan takes"),
    (["--scan", "level=high,low"], "level must be a finite number, got 'high'"),
    (["--scan", "mean-free-path=20,30"], "a rate and a mean free path exclude each other"),
    (["--scan", "bias=a,b"], "--scan bias: must be a finite number, in the model's energy unit, got 'a'"),
    (["--scan", "bias=0.1", "--scan", "bias=0.2"], "every parameter once"),
    (["--scan", "colour=1,2"], "--scan colour: resonant_dot has no such parameter"),
    (["--scan", "bias=1,2", "--drop", "0.1"], "one of the two"),
    (["--scan", "bias=0:1:3000000000"], "--scan bias: a sweep has at most 10000000 points, got 3000000000"),
    (["--scan", "bias=" + "9" * 400], "all of finite numbers"), (["--scan", "bias=0:1e308:2"], "all of finite numbers"),
    (["--scan", "bias=" + "9" * 9000], "must be a finite number"),
    (["--scan", "bias=0:1:True"], "a COUNT of 1 or more"),
    (["--scan", "bias=" + "(" * 9000], "must be a finite number"), (["--scan", "temperature=0.1,-1"], "above 0"),
    (["--scan", "length=0.5,1"], "length must be a whole number")])
def test_bad_sweeps(arguments, message, tmp_path, capsys):
    assert main([*SWEEP, *arguments, "--folder", str(tmp_path / "runs")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_bad_plots(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("text")
    kd.sweep(lambda a, b: {"c": a}, {"a": [1, 2], "b": [1, 2]}, folder=tmp_path / "numbers")
    kd.sweep(lambda a, b: {"c": a}, {"a": [1, 2], "b": ["x", "y"]}, folder=tmp_path / "text")
    os.mkfifo(tmp_path / "pipe")
    for arguments, message in ((["nowhere"], "no such file"), (["text.txt"], "is not an HDF5 file"),
                               (["numbers"], "The points are no states"), (["numbers", "--along", "c"], "--along must"),
                               (["numbers", "--at", "c=1"], "--at takes"), (["numbers", "--at", "b=x"], "--at takes"),
                               (["numbers", "--at", "b=" + "9" * 400], "--at takes"),
                               (["numbers", "--at", "b=" + "(" * 9000], "--at takes"),
                               (["text", "--along", "b"], "--along must be a parameter with numbers"),
                               (["text", "--at", "b=z"], "--at takes NAME=VALUE, one of x, y, got 'b=z'"),
                               (["text", "--at", "b=y"], "The points are no states"),
                               (["numbers", "--out", "x.xyz"], "--out x.xyz: pictures can be"),
                               (["pipe"], "it is neither a file nor a folder")):
        assert main(["plot", *arguments]) == 1
        assert message in capsys.readouterr().err
