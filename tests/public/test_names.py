"""What one sees: names, and what is said at the start."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

import kwant_dissip as kd

MODULES = [kd, kd.analytic, kd.kinetic, kd.thermal, kd.systems, kd.systems.chain, kd.systems.graphene,
           kd.systems.ribbon]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_only_public_names_are_shown(module):
    assert [name for name in dir(module) if not name.startswith("__")] == sorted(module.__all__)
    for name in module.__all__:
        thing = getattr(module, name)
        assert thing in MODULES if isinstance(thing, types.ModuleType) else thing.__module__.startswith("kwant_dissip")
        assert thing.__doc__


def test_all_of_them_can_be_imported_at_once():
    names = {}
    exec("from kwant_dissip import *", names)
    assert names.keys() - {"__builtins__"} == set(kd.__all__)


def said(program):
    """What Python says to a program, warnings included."""
    found = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True,
                           cwd=Path(__file__).parent)  # elsewhere than beside an unpacked package
    assert found.returncode == 0, found.stderr
    return found.stderr


@pytest.mark.parametrize("program", ["import kwant_dissip as kd; kd.steady_state", "import kwant_dissip.kinetic",
                                     "from kwant_dissip.systems import chain", "import kwant_dissip.figures.figure2",
                                     "import kwant_dissip as kd; kd.steady_state; import kwant"])
def test_kwants_solvers_are_not_our_topic(program):
    assert "MUMPS" not in said(program)


def test_who_imports_kwant_sees_what_kwant_says():
    assert ("MUMPS" in said("import kwant")) == ("MUMPS" in said("import kwant, kwant_dissip.kinetic"))
