"""What kernels and solvers are made of, against numpy: tiles, inverses, sweeps, rules, chords, kept spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip.balance.energy_grid import Point
from kwant_dissip.balance.newton import chords
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.native import LANES
from kwant_dissip.native.elements import packed, unpacked
from kwant_dissip.numerics.quadrature import gauss_rule
from kwant_dissip.numerics.transfer import transfer_inverse
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import ribbon
from models import invert, multiply, three_terminal

SHAPES = st.integers(1, 11)


def random_matrices(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@settings(deadline=None)
@given(SHAPES, SHAPES, SHAPES, st.integers(1, 2 * LANES + 1), st.integers(0, 1000))
def test_products_of_tiles(rows, inner, columns, energies, seed):
    rng = np.random.default_rng(seed)
    a, b = random_matrices(rng, energies, rows, inner), random_matrices(rng, energies, inner, columns)
    left, right, back = packed(a), packed(b), packed(b.swapaxes(1, 2).copy())
    np.testing.assert_array_equal(unpacked(left, rows, inner, energies), a)
    plain = multiply(left, right, rows, inner, columns)
    adjoint = multiply(left, back, rows, inner, columns, adjoint=True)
    square = multiply(left, left, rows, inner, rows, adjoint=True, hermitian=True)
    np.testing.assert_allclose(unpacked(plain, rows, columns, energies), a @ b, rtol=0, atol=1e-13 * inner)
    np.testing.assert_allclose(unpacked(adjoint, rows, columns, energies), a @ b.conj(), rtol=0, atol=1e-13 * inner)
    found = unpacked(square, rows, rows, energies)
    np.testing.assert_allclose(found, a @ a.conj().swapaxes(1, 2), rtol=0, atol=1e-13 * inner)
    np.testing.assert_array_equal(found, found.conj().swapaxes(1, 2))


@settings(deadline=None)
@given(SHAPES, st.integers(1, LANES), st.integers(0, 1000), st.sampled_from(["any", "zero pivots", "one energy"]))
def test_inverses_exchange_rows_where_they_must(size, energies, seed, kind):
    """Also where pivots vanish, at all energies or at one."""
    rng = np.random.default_rng(seed)
    matrices = random_matrices(rng, energies, size, size)
    if kind == "zero pivots":
        matrices = np.roll(np.eye(size), 1, axis=0) + 1e-3 * matrices * (1 - np.eye(size))
    elif kind == "one energy":
        matrices[-1] = np.roll(np.eye(size), 1, axis=0)
    values = packed(matrices)
    invert(values, size)
    expected = np.linalg.inv(matrices)
    error = np.abs(unpacked(values, size, size, energies) - expected).max(axis=(1, 2))
    assert np.all(error < 1e-14 * size * np.linalg.cond(matrices) * np.abs(expected).max(axis=(1, 2)))


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 1000))
def test_two_sweeps_solve_the_balance_of_neighbours(places, energies, seed):
    """Against the dense matrix of all that its docstring says."""
    rng = np.random.default_rng(seed)

    def values():
        return rng.uniform(0.1, 0.9, size=(places, energies))

    own, left, right, alpha, beta, alpha_back, beta_back = (values() for _ in range(7))
    diagonal = 10.0 * energies + rng.uniform(size=places)
    matrix = np.diag(diagonal - own.sum(axis=1))
    for m in range(energies):
        for source in range(places):
            carried = alpha[source, m]
            for i in range(source + 1, places):
                matrix[i, source] -= left[i, m] * carried
                carried *= beta[i, m]
            carried = alpha_back[source, m]
            for i in range(source - 1, -1, -1):
                matrix[i, source] -= right[i, m] * carried
                carried *= beta_back[i, m]
    b = rng.normal(size=places)
    found = transfer_inverse(diagonal, own, (left, right), ((alpha, beta), (alpha_back, beta_back)))(b)
    np.testing.assert_allclose(matrix @ found, b, rtol=0, atol=1e-12)


@given(st.integers(1, 8), st.integers(0, 1000))
def test_gauss_rule_is_exact_for_polynomials(size, seed):
    rng = np.random.default_rng(seed)
    points, density = np.sort(rng.uniform(-3.0, 5.0, size=200)), rng.uniform(size=200)
    nodes, weights = gauss_rule(points, density, size)
    scaled, there = (points - 1) / 4, (nodes - 1) / 4
    for power in range(2 * size):
        assert weights @ there ** power == pytest.approx(density @ scaled ** power / density.sum(), abs=1e-11)


def linear_problem(size, seed):
    """Points of a linear balance M x = b."""
    rng = np.random.default_rng(seed)
    matrix, right = np.eye(size) + 0.1 * rng.normal(size=(size, size)) / np.sqrt(size), rng.normal(size=size)
    return matrix, right, lambda x: Point(x, None, None, matrix @ x - right)


@given(st.integers(1, 30), st.integers(0, 100))
def test_chords_find_a_solution_with_a_good_inverse_only(size, seed):
    matrix, right, evaluate = linear_problem(size, seed)
    options = {"scale": lambda x: 1.0, "tolerance": 1e-12, "what": "x", "fulfilled": lambda point: True}
    point, found = chords(evaluate(np.zeros(size)), evaluate, lambda b: b, **options)
    assert found
    np.testing.assert_allclose(point.unknowns, np.linalg.solve(matrix, right), rtol=0, atol=1e-11)
    start = evaluate(np.zeros(size))
    point, found = chords(start, evaluate, lambda b: -b, **options)
    assert not found
    assert point is start


def test_energies_side_by_side_know_nothing_of_each_other():
    """One by one, and in any number together, which fills vectors or not."""
    rng = np.random.default_rng(3)
    syst = ribbon.ribbon(length=5, width=3, flux=0.1, potential=lambda x, y: 0.3 * np.sin(5 * x + 3 * y)).finalized()
    lattice = read(syst)
    propagator = SlicePropagator(lattice, broadening(kd.PhononBath(0.1, rate=0.05), lattice), np.zeros(2))
    energies = np.linspace(-2.5, 1.0, 2 * LANES + 3)
    source, filling = rng.uniform(size=(15, len(energies))), rng.uniform(size=(2, len(energies)))

    def all_of(part):
        spectrum = propagator.spectrum(energies[part])
        return [spectrum.spectral, *spectrum.occupation(source[:, part], filling[:, part]),
                spectrum.bond_flows(source[:, part], filling[:, part])]

    together = all_of(slice(None))
    for count in (1, LANES - 1, LANES, LANES + 1):
        for start in (0, 2):
            part = slice(start, start + count)
            for one, whole in zip(all_of(part), together, strict=True):
                np.testing.assert_allclose(one, whole[:, part], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("memory", [0, 1e5])
def test_spectra_that_do_not_fit_are_computed_anew(memory):
    arguments = three_terminal(), [kd.Reservoir(mu, 0.3) for mu in (-0.8, -1.0, -0.9)], kd.PhononBath(0.3, rate=0.1)
    kept, anew = kd.steady_state(*arguments, rtol=1e-2), kd.steady_state(*arguments, rtol=1e-2, memory=memory)
    np.testing.assert_allclose(anew.power, kept.power, rtol=0, atol=1e-12 * np.abs(kept.power).max())
    assert anew.energies == kept.energies
    assert anew.transports == kept.transports
    assert anew.green_functions > kept.green_functions
    # Kept: no energy twice, but those of panels that were halved.
    assert kept.green_functions < 2 * kept.energies


@pytest.mark.parametrize("memory", [-1, np.nan, "much"])
def test_memory_is_a_number_of_bytes(memory):
    with pytest.raises(ValueError, match="memory must be a number of bytes"):
        kd.steady_state(three_terminal(), [kd.Reservoir(0.0, 0.1)] * 3, kd.PhononBath(0.1, rate=0.1), memory=memory)
