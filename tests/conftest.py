"""Settings of all tests."""

import json

import matplotlib as mpl
import pytest
from hypothesis import settings

import kwant_dissip as kd
import sweeps
from paths import COMMON

mpl.use("Agg")
# The first import of kwant in every process of the tests: by this package, which leaves its warning out.
assert kd.systems
# Compilation of the kernels happens inside the first example; time limits have no place here.
settings.register_profile("kwant_dissip", deadline=None, max_examples=25)
settings.load_profile("kwant_dissip")


@pytest.fixture(scope="session")
def lattice_cases():
    """Three systems solved digit by digit by an independent brute-force program (the project's reference)."""
    with open(COMMON / "lattice_cases.json") as file:
        return json.load(file)


@pytest.fixture(scope="session")
def swept():
    """The states of `sweeps.solve` themselves, and their dataset."""
    states = {(bias, temperature): sweeps.solve(bias, temperature) for bias in sweeps.GRID["bias"]
              for temperature in sweeps.GRID["temperature"]}
    return states, kd.sweep(sweeps.solve, sweeps.GRID)
