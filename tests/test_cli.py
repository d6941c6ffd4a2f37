"""The command line, run as a user would."""

import subprocess
import sys

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
    (["--set", "length=-1"], "length must be"), (["--set", "color='red'"], "color"),
    (["--temperature", "-1"], "temperature must be a positive"), (["--mu", "-9"], "no open modes")])
def test_bad_arguments(arguments, message, capsys):
    assert main(["profile", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_version_of_the_installed_command():
    result = subprocess.run([sys.executable, "-m", "kwant_dissip", "--version"], capture_output=True, text=True,
                            check=True)
    assert result.stdout.split() == ["kwant_dissip", kd.__version__]


def test_figure2_spots():
    """The figure's spots at k_B T / E_F = 0.2, near one mean free path, with the heights of design.md section 4."""
    from kwant_dissip import figure2

    state = figure2.lattice_state(0.2, 0.006)
    left, right = kd.heat_spots(state)
    scale = state.current[0] * 0.2 * figure2.FERMI_ENERGY
    assert (left.kind, right.kind) == ("heat", "cold")
    assert left.position / figure2.MEAN_FREE_PATH == pytest.approx(-1.0, abs=0.15)
    assert right.position / figure2.MEAN_FREE_PATH == pytest.approx(1.0, abs=0.15)
    assert left.power / scale == pytest.approx(5.79e-4, rel=0.01)
    assert right.power / scale == pytest.approx(-4.31e-4, rel=0.01)


def test_figure2_files(tmp_path, monkeypatch, capsys):
    from kwant_dissip import figure2

    monkeypatch.setattr(figure2, "TEMPERATURES", (0.2, 0.4))
    monkeypatch.setattr(figure2, "WIRE_LENGTH", 150)
    monkeypatch.setattr(figure2, "_COLORS", figure2._COLORS[:2])
    assert main(["figure2", "--out", str(tmp_path / "new")]) == 0
    written = capsys.readouterr().out.split()
    assert [path.rsplit(".", 1)[1] for path in written] == ["png", "pdf", "h5"]
    assert (tmp_path / "new" / "figure2.pdf").read_bytes()[:4] == b"%PDF"
    assert kd.load(tmp_path / "new" / "figure2.h5", group="temperature_0.4").power.shape == (301,)
