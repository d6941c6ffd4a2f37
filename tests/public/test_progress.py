"""Progress: what is said while something takes long, and where."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip import progress, solve
from kwant_dissip.systems import chain


@pytest.mark.parametrize(("shell", "is_notebook"), [(None, False), (SimpleNamespace(), False),
                                                    (SimpleNamespace(kernel="any"), True)])
def test_a_notebook_is_told_from_a_terminal(monkeypatch, shell, is_notebook):
    """With ipywidgets or without: IPython in a terminal has no kernel."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert progress._in_notebook() is is_notebook


def test_without_ipython_there_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert progress._in_notebook() is False


def test_each_part_is_reported():
    steps = []
    map_ = progress.reporting(map, lambda: steps.append(len(steps)))
    assert list(map_(lambda a, b: a * b, [1, 2, 3], [4, 5, 6])) == [4, 10, 18]
    assert steps == [0, 1, 2]


def test_a_solution_reports_between_its_stages(monkeypatch):
    """Integrals over a batch of energies, too: wide systems have stages of minutes."""
    stages = []

    def bar(name):
        return _Recorder(name, stages)

    monkeypatch.setattr(solve, "stage_bar", bar)
    reservoirs = [kd.Reservoir(-0.9, 0.1), kd.Reservoir(-1.1, 0.1)]
    state = kd.steady_state(chain.barrier(length=20).finalized(), reservoirs, kd.PhononBath(0.1, rate=0.05))
    assert {"steady_state", "energies", "part"} <= set(stages)
    np.testing.assert_allclose(state.power.sum(), state.energy_current.sum())


class _Recorder:
    def __init__(self, name, stages):
        self._stages = stages
        stages.append(name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def __call__(self, stage="part", _=None):
        self._stages.append(stage)
