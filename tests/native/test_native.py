"""Kernels at the edges: sizes around those of vectors, empty and unaligned arrays, nan and inf, arrays that do not fit.

`make sanitize` runs these under the compiler's sanitizers.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.leads.roots import BandedLead
from kwant_dissip.model.dissecting import dissect
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.native import BUILD, KERNELS, LANES, USABLE
from kwant_dissip.native.chain import chain_dressed, chain_green, chain_moments, chain_occupation, chain_response
from kwant_dissip.native.elements import packed, unpacked
from kwant_dissip.native.energies import (
    add_response,
    add_scattering,
    emitted,
    fermi_difference,
    fermi_slope,
    panel_sums,
)
from kwant_dissip.numerics.transfer import transfer_inverse
from kwant_dissip.propagators.dissection import DissectionPropagator, FrontGeometry
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import ribbon
from models import invert, multiply

SIZES = [1, 2, 3, 7, 8, 9, 64, 65]
# Solves a chain, a ribbon and a dot with quanta of phonons; prints numbers of their states.
STATES = """
import kwant_dissip as kd
from kwant_dissip.systems import chain, ribbon
reservoirs = [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.2, 0.1)]
phonons = kd.PhononBath(0.1, rate=0.1)
for syst, bath, method in ((chain.barrier(length=8), phonons, None),
                           (chain.barrier(length=4), [kd.ElectronBath(rate=0.1), phonons], None),
                           (ribbon.ribbon(length=5, width=3, flux=0.05), phonons, None),
                           (ribbon.ribbon(length=11, width=5, flux=0.05), phonons, "dissection"),
                           (chain.barrier(length=2), kd.OpticalPhonons(0.3, 0.02, 0.1), None)):
    state = kd.steady_state(syst.finalized(), reservoirs, bath, rtol=1e-3, method=method)
    print(*state.power, *state.mu, *state.current)
"""


def matrices(rng, energies, rows, columns):
    return rng.normal(size=(energies, rows, columns)) + 1j * rng.normal(size=(energies, rows, columns))


def chain_arguments(sites, energies, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(1, energies)), np.zeros((1, energies)), np.zeros(sites, int), rng.normal(size=sites),
            rng.uniform(0.1, 1.0, size=(sites, energies)), np.zeros((sites, energies)),
            rng.uniform(size=max(sites - 1, 0)))


def all_of_a_chain(arguments):
    """Results of all scans."""
    green = chain_green(*arguments)
    gamma, scans = arguments[4], green[2:]
    sites, energies = gamma.shape
    values = np.linspace(-1.0, 1.0, sites)
    return (*green, *chain_dressed(gamma, 0.5 * gamma, *scans),
            chain_occupation(gamma, np.zeros(1, int) if sites else np.empty(0, int),
                             np.ones((min(sites, 1), energies)), *scans),
            chain_response(values, gamma, scans[0], *scans[1:]),
            chain_moments(np.stack([values, values]), np.stack([values, -values]), np.linspace(-1.0, 1.0, energies),
                          np.stack([gamma, gamma]), np.stack([scans[0], gamma]), *scans[1:]))


def unaligned(array):
    """A copy that starts one number behind where a vector does."""
    room = np.empty(array.size + 1, array.dtype)
    room[1:] = array.ravel()
    return room[1:].reshape(array.shape)


@pytest.mark.parametrize("size", SIZES)
def test_products_and_inverses_of_any_size(size):
    rng = np.random.default_rng(size)
    a, b = (matrices(rng, LANES + 1, size, size) for _ in range(2))
    left, right = packed(a), packed(b)
    for values in (left, unaligned(left)):
        np.testing.assert_allclose(unpacked(multiply(values, right, size, size, size), size, size, len(a)), a @ b,
                                   rtol=0, atol=1e-13 * size)
        inverse = values.copy() if values is left else unaligned(values)
        invert(inverse, size)
        np.testing.assert_allclose(a @ unpacked(inverse, size, size, len(a)), np.broadcast_to(np.eye(size), a.shape),
                                   rtol=0, atol=1e-12 * np.linalg.cond(a).max())


@pytest.mark.parametrize("energies", SIZES)
def test_scans_know_nothing_of_other_energies(energies):
    """All side by side as one by one, also where arrays start anywhere."""
    arguments = chain_arguments(5, energies)
    together = all_of_a_chain(arguments)
    for one, other in zip(together, all_of_a_chain([unaligned(array) for array in arguments]), strict=True):
        np.testing.assert_array_equal(one, other)
    k = energies // 2
    alone = chain_green(*(array[:, k:k + 1].copy() if array.ndim == 2 else array for array in arguments))
    for one, other in zip(alone, together[:5], strict=True):
        np.testing.assert_allclose(one[:, 0], other[:, k], rtol=1e-14)


@pytest.mark.parametrize(("sites", "energies"), [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_nothing_in_nothing_out(sites, energies):
    for result in all_of_a_chain(chain_arguments(sites, energies)):
        assert result.size == 0 or np.all(np.isfinite(result))
    axis, ones = np.linspace(-1.0, 1.0, energies), np.ones(sites)
    for result in (fermi_difference(axis, ones, ones, 1.0), fermi_slope(axis, ones, ones)):
        assert result.shape == (sites, energies)
    field = np.ones((sites, energies))
    nodes = np.ones((1, energies))
    sums = panel_sums(field, field, field, field, nodes, nodes, np.stack([nodes, nodes]))
    assert sums[0].shape == (sites, 1)
    for shift in (0, 1, 5):  # also beyond all energies
        into, rate, result = field.copy(), field.copy(), field.copy()
        add_scattering(field, field, ones, ones, shift, into, rate)
        add_response(field, field, ones, ones, shift, result)
        emitted(field, field, ones, ones, shift, result)
        assert shift < energies or np.all(result == 0)
    assert transfer_inverse(ones, *(np.ones((sites, 1)) for _ in range(1)), (np.ones((sites, 1)),) * 2,
                            ((np.ones((sites, 1)),) * 2,) * 2)(ones).shape == (sites,)
    none = np.empty((0, 2 * LANES))
    invert(none, 1)
    assert multiply(none, none, 1, 1, 1).shape == (0, 2 * LANES)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
def test_one_bad_energy_spoils_no_other(bad):
    arguments = chain_arguments(4, 9)
    good = chain_green(*arguments)
    arguments[0][0, 4] = bad
    others = np.arange(9) != 4
    for one, other in zip(chain_green(*arguments), good, strict=True):
        np.testing.assert_array_equal(one[:, others], other[:, others])
    rng = np.random.default_rng(1)
    a = matrices(rng, LANES, 6, 6)
    a[-1, 2, 3] = bad
    values = packed(a)
    invert(values, 6)
    np.testing.assert_allclose(unpacked(values, 6, 6, LANES)[:-1], np.linalg.inv(a[:-1]), rtol=1e-9)


def both_propagators(flux):
    """A small ribbon on slices, and dissected into parts of four sites or less."""
    lattice = read(ribbon.ribbon(length=6, width=4, flux=flux).finalized())
    arguments = lattice, broadening(kd.PhononBath(0.1, rate=0.05), lattice), np.zeros(2)
    geometry = FrontGeometry(lattice, dissect(lattice, leaf=4))
    return SlicePropagator(*arguments), DissectionPropagator(*arguments, geometry)


@pytest.mark.parametrize("flux", [0.0, 0.1])
@pytest.mark.parametrize("count", [1, LANES - 1, LANES, LANES + 1])
def test_any_number_of_energies(flux, count):
    energies = np.linspace(-2.4, -2.0, count)
    for propagator in both_propagators(flux):
        spectrum = propagator.spectrum(energies)
        source, filling = 0.5 * spectrum.rate, np.array([np.full(count, 0.3), np.full(count, 0.9)])
        for k in range(count):
            alone = propagator.spectrum(energies[k:k + 1])
            for one, other in zip(spectrum.occupation(source, filling),
                                  alone.occupation(source[:, k:k + 1], filling[:, k:k + 1]), strict=True):
                np.testing.assert_allclose(one[:, k], other[:, 0], rtol=0, atol=1e-12)
            np.testing.assert_allclose(spectrum.bond_flows(source, filling)[:, k],
                                       alone.bond_flows(source[:, k:k + 1], filling[:, k:k + 1])[:, 0], atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_slices_fronts_and_leads_end_whatever_comes(bad):
    energies = np.linspace(-2.5, -2.0, LANES + 1)
    for propagator in both_propagators(0.1):
        spectrum = propagator.spectrum(energies)
        source = np.full_like(spectrum.rate, 0.5)
        source[2, 1] = bad
        n, inflow = spectrum.occupation(source, np.full((2, len(energies)), 0.5))
        spectrum.bond_flows(source, np.full((2, len(energies)), bad))
        good = np.arange(len(energies)) != 1
        assert np.all(np.isfinite(n[:, good]))
        assert np.all(np.isfinite(inflow[:, good]))
    both_propagators(0.1)[0].spectrum(energies).exchange(source, source)
    syst = ribbon.ribbon(length=4, width=3, flux=0.1).finalized()
    lead = BandedLead(syst.leads[0].cell_hamiltonian(), syst.leads[0].inter_cell_hopping())
    sigma, _, _, solved = lead.modes(np.array([-2.3, bad]))
    assert solved[0]
    assert not solved[1] or np.all(np.isfinite(sigma[1]))


def test_arrays_that_do_not_fit_are_refused():
    arguments = list(chain_arguments(3, 4))
    with pytest.raises(ValueError, match="chain_green: array 1 of 4 numbers of type d, not 2 of d"):
        chain_green(*arguments[:4], np.ones((3, 4))[:, :2].copy(), *arguments[5:])
    with pytest.raises(ValueError, match="chain_green: array 3 of 3 numbers of type d, not 3 of l"):
        chain_green(*arguments[:2], np.zeros(3), *arguments[3:])
    with pytest.raises(TypeError, match="inverses: 1 sizes and 1 arrays, not 2 and 1"):
        KERNELS["inverses"]((1,), np.empty(3))


def test_arrays_in_any_order():
    arguments = chain_arguments(3, 4)
    for one, other in zip(all_of_a_chain(arguments), all_of_a_chain([np.asfortranarray(array) for array in arguments]),
                          strict=True):
        np.testing.assert_array_equal(one, other)
    values = np.full((2, 4 * LANES), 4.0)[:, ::2]  # 4 + 4i in every second place
    KERNELS["inverses"]((2, 1), values)
    np.testing.assert_array_equal(values, np.tile(np.repeat([0.125, -0.125], LANES), (2, 1)))


def run(build, *command):
    environment = os.environ | {"KWANT_DISSIP_SIMD": build, "PYTHONWARNINGS": ""}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)


def test_builds_agree():
    found = [np.array(run(build, "-c", STATES).stdout.split(), float) for build in USABLE]
    assert found[0].size > 50
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-12)


def test_a_build_is_chosen():
    assert BUILD in USABLE
    for build in USABLE:
        said = run(build, "-m", "kwant_dissip.native").stdout
        assert said.startswith(f"kernels: build {build}, vectors of ")
    failed = run("v9", "-m", "kwant_dissip.native")
    assert failed.returncode
    assert f"KWANT_DISSIP_SIMD must be one of {', '.join(USABLE)}, which this processor has, got 'v9'" in failed.stderr
