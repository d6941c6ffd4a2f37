"""Microscopic phonons: orbitals and fields by brute force, the golden rule, small quanta, known spots, another code."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dense_born
from born_models import on_grid, with_hamiltonian
from dense_born import UniformGrid
from kwant_dissip.model.phonons import Mode
from models import floats


@settings(max_examples=16, derandomize=True)
@given(st.data())
@pytest.mark.parametrize("each_orbital", [False, True])
def test_orbitals_and_fields_against_brute_force(each_orbital, data):
    """Two orbitals a site, complex hoppings to first and second neighbours, two modes, two temperatures of leads."""
    sites, orbitals = data.draw(st.integers(3, 5)), data.draw(st.sampled_from([1, 2, 2]))
    rng = np.random.default_rng(data.draw(st.integers(0, 10 ** 6)))
    size = sites * orbitals
    site = np.repeat(np.arange(sites), orbitals)
    distance = np.abs(site[:, None] - site)
    matrix = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    hamiltonian = 0.2 * (matrix + matrix.conj().T) * (distance <= 2) - np.eye(size, k=orbitals) - np.eye(
        size, k=-orbitals)
    grid, level_shift = UniformGrid(-2.8, 0.2, 28, 1), data.draw(st.booleans())
    row = np.arange(size) if each_orbital else site
    rows = row.max() + 1
    temperature = rng.uniform(0.1, 0.4, size=rows)
    modes = [Mode(0.2 * steps, rng.uniform(0.005, 0.03, size=rows), temperature, level_shift) for steps in (1, 3)]
    acoustic = data.draw(floats(0.01, 0.03)) * np.ones(rows)
    mu = data.draw(floats(-1.5, 0.5)), data.draw(floats(-1.5, 0.5))
    baths = list(zip(mu, (0.2, 0.35), strict=True))
    found = on_grid(with_hamiltonian(hamiltonian, orbitals), baths, modes, acoustic, level_shift, grid,
                    each_orbital=each_orbital)
    phonons = [(round(mode.energy / 0.2), mode.coupling, mode.quanta) for mode in modes]
    ends = [row[site == end] for end in (0, sites - 1)]
    expected = dense_born.solve(hamiltonian, [(end, *bath) for end, bath in zip(ends, baths, strict=True)], phonons,
                                acoustic, grid, level_shift, row, mixed=0.5)
    for name in ("power", "density", "states", "current", "energy_current"):
        scale = max(np.abs(expected[name]).max(), 1e-3)
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-8 * scale)
