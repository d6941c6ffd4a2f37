"""Nested dissection against slices and dense inverses: systems with holes, fields, several leads and orbitals."""

from dataclasses import replace

import kwant
import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.model.dissecting import dissect
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.choose import propagator_for
from kwant_dissip.propagators.dissection import DissectionPropagator, FrontGeometry
from kwant_dissip.propagators.patched import Patched
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import ribbon

# Of a part that is not cut any more, so that small systems have many nodes.
LEAF = 7
# (orbitals, flux, leads, holes, bath)
PLANES = [(1, 0.0, 2, 0.0, True), (1, 0.0, 3, 0.15, True), (1, 0.07, 4, 0.15, True), (2, 0.0, 2, 0.1, True),
          (2, 0.11, 3, 0.0, True), (3, 0.0, 2, 0.1, True), (3, 0.05, 4, 0.1, True), (1, 0.05, 2, 0.1, False)]


def plane(orbitals, flux, leads, holes, bath, seed=0, length=11, width=8):
    """Lattice and self-energy of a random rectangle with holes and two to four leads."""
    rng = np.random.default_rng(seed)
    lattice, unit = kwant.lattice.square(norbs=orbitals), np.eye(orbitals)
    mixing = 0.2 * rng.normal(size=(orbitals, orbitals)) if orbitals > 1 else 0.0
    builder = kwant.Builder()

    def along(to, _):
        return -np.exp(2j * np.pi * flux * to.tag[1]) * (unit + mixing) if flux else -(unit + mixing)

    for x in range(length):
        for y in range(width):
            matrix = rng.normal(size=(orbitals, orbitals)) + (1j * rng.normal(size=(orbitals, orbitals)) if flux else 0)
            if rng.uniform() > holes or x in (0, length - 1) or y in (0, width - 1):
                builder[lattice(x, y)] = 0.2 * (matrix + matrix.conj().T)
    builder[kwant.builder.HoppingKind((0, 1), lattice)] = -unit
    builder[kwant.builder.HoppingKind((1, 0), lattice)] = along
    builder[kwant.builder.HoppingKind((1, 1), lattice)] = 0.1 * unit
    places = [((-1, 0), [(0, y) for y in range(width)]), ((1, 0), [(0, y) for y in range(1, width)]),
              ((0, 1), [(x, 0) for x in range(2, 5)]), ((0, -1), [(length - 2, 0), (length - 3, 0)])]
    for direction, tags in places[:leads]:
        lead = kwant.Builder(kwant.TranslationalSymmetry(direction))
        lead[(lattice(*tag) for tag in tags)] = 0.1 * unit
        lead[lattice.neighbors()] = -unit
        builder.attach_lead(lead)
    lattice = read(builder.finalized())
    rates = np.where(rng.uniform(size=len(lattice.sites)) < 0.2, 0.0, rng.uniform(0.02, 0.3, len(lattice.sites)))
    rates[lattice.unconnected(np.ones(len(rates), bool))] = 0.0
    return lattice, broadening(kd.PhononBath(0.1, rate=rates) if bath else None, lattice)


def dissected(lattice, self_energy, shifts=None, leaf=LEAF):
    shifts = np.zeros(len(lattice.leads)) if shifts is None else shifts
    return DissectionPropagator(lattice, self_energy, shifts, FrontGeometry(lattice, dissect(lattice, leaf)))


def dense(lattice, self_energy, energy, filling, lead_filling):
    """G of all orbitals, and N = G S G^+ of so filled sites; Gamma of the leads as matrices of all orbitals."""
    orbitals = int(lattice.offsets[-1])
    site = np.repeat(np.arange(len(lattice.sites)), np.diff(lattice.offsets))
    gamma_re, gamma_im = (part[:, 0] for part in self_energy.parts(np.array([energy])))
    matrix = np.diag(energy + 0.5j * (gamma_re + 1j * gamma_im)[site]) - lattice.hamiltonian.toarray()
    source, gammas = np.diag((gamma_re * filling)[site]).astype(complex), []
    for number, lead in enumerate(lattice.leads):
        places = np.ix_(*2 * (lattice.interface_orbitals(number),))
        sigma, gamma = lead.self_energy(np.array([energy]))[0], np.zeros((orbitals, orbitals), complex)
        gamma[places] = 1j * (sigma - sigma.conj().T)
        matrix[places] -= sigma
        source += lead_filling[number] * gamma
        gammas.append(gamma)
    green = np.linalg.inv(matrix)
    return green, green @ source @ green.conj().T, gammas


def assert_close(one, other, atol=1e-10):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol * np.abs(other).max())


@pytest.mark.parametrize("case", PLANES)
def test_against_dense_inverses(case):
    lattice, self_energy = plane(*case)
    propagator = dissected(lattice, self_energy)
    order, rng = propagator.order, np.random.default_rng(1)
    energies, starts = np.linspace(-1.3, 0.9, 3), lattice.offsets[:-1]
    filling, lead_filling = rng.uniform(size=(len(order), 3)), rng.uniform(size=(len(lattice.leads), 3))
    spectrum = propagator.spectrum(energies)
    source = spectrum.rate * filling
    n, inflow = spectrum.occupation(source, lead_filling)
    flows = spectrum.bond_flows(source, lead_filling)
    away = propagator.green_diagonal(energies + 0.4j)
    back = np.argsort(order)
    site = np.repeat(np.arange(len(order)), np.diff(lattice.offsets))
    # The Hamiltonian's elements carry 2 Im H_ij N_ji; to sum over the orbitals of both sites:
    to_sites = (np.arange(len(order))[:, None] == site).astype(float)
    for k, energy in enumerate(energies):
        green, filled, gammas = dense(lattice, self_energy, energy, filling[back, k], lead_filling[:, k])
        assert_close(spectrum.spectral[back, k], np.add.reduceat(-2 * green.diagonal().imag, starts))
        assert_close(n[back, k], np.add.reduceat(filled.diagonal().real, starts))
        whole = 1j * (green - green.conj().T)
        assert_close(inflow[:, k], [np.trace(gamma @ (whole * f - filled)).real
                                    for gamma, f in zip(gammas, lead_filling[:, k], strict=True)])
        carried = to_sites @ (2 * (lattice.hamiltonian.toarray() * filled.T).imag) @ to_sites.T
        assert_close(flows[:, k], carried[tuple(order[propagator.bonds].T)])
        green, *_ = dense(lattice, self_energy, energy + 0.4j, filling[back, k], lead_filling[:, k])
        assert_close(away[back, k], np.add.reduceat(green.diagonal(), starts))


@pytest.mark.parametrize("case", PLANES[:7])
def test_against_slices_at_a_potential(case):
    """With electrostatic energies and shifted bands; more energies than lanes."""
    lattice, self_energy = plane(*case, seed=2)
    rng = np.random.default_rng(3)
    potential, shifts = 0.3 * rng.normal(size=len(lattice.sites)), 0.1 * rng.normal(size=len(lattice.leads))
    none = np.zeros(len(shifts))
    one, other = dissected(lattice, self_energy), SlicePropagator(lattice, self_energy, none)
    one, other = (part.at_potential(potential[part.order], shifts) for part in (one, other))
    energies = np.linspace(-1.2, 0.7, 11)
    filling, lead_filling = rng.uniform(size=(len(potential), 11)), rng.uniform(size=(len(shifts), 11))
    found = []
    for part in (one, other):
        spectrum = part.spectrum(energies)
        back = np.argsort(part.order)
        n, inflow = spectrum.occupation(spectrum.rate * filling[part.order], lead_filling)
        found.append((spectrum.spectral[back], n[back], inflow, part.green_diagonal(energies + 0.1j)[back]))
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize("case", PLANES[:7])
def test_sum_rule(case):
    """A is what arrives if all sources are full, and nothing flows anywhere."""
    propagator = dissected(*plane(*case, seed=4))
    spectrum = propagator.spectrum(np.linspace(-1, 1, 5))
    full = np.ones((propagator.leads, 5))
    n, inflow = spectrum.occupation(spectrum.rate, full)
    assert_close(n, spectrum.spectral, atol=1e-11)
    scale = spectrum.spectral.max()
    np.testing.assert_allclose(inflow.sum(axis=0), (spectrum.rate * (n - spectrum.spectral)).sum(axis=0),
                               atol=1e-11 * scale)


@pytest.mark.parametrize("case", [PLANES[2], PLANES[4], PLANES[1]])
def test_reversed_field_transposes(case):
    propagator = dissected(*plane(*case, seed=5))
    ahead, back = propagator.kernel(-0.4), propagator.reversed()
    turned = back.kernel(-0.4)
    there, here = np.argsort(propagator.order), np.argsort(back.order)
    assert_close(ahead[np.ix_(there, there)], turned[np.ix_(here, here)].T)


@pytest.mark.parametrize("seed", range(5))
def test_tree(seed):
    """Every site once; from a subtree hoppings and leads reach to its boundary only, which its parent's front holds."""
    lattice, _ = plane(2, 0.1, 4, 0.2, True, seed)
    tree = dissect(lattice, LEAF)
    assert sorted(tree.order) == list(range(len(lattice.sites)))
    rows = FrontGeometry(lattice, tree)
    node = np.repeat(np.arange(len(tree.parent)), tree.own_sizes)
    fronts = [set(range(*tree.first[v:v + 2])) | set(tree.boundary[slice(*tree.boundary_start[v:v + 2])].tolist())
              for v in range(len(tree.parent))]
    row, column = rows.hamiltonian.nonzero()
    pairs = [np.stack([row, column], axis=1)]
    pairs += [np.stack(np.meshgrid(part, part), axis=-1).reshape(-1, 2) for part in rows.interfaces]
    for i, j in np.concatenate(pairs):
        assert max(i, j) in fronts[node[min(i, j)]]
    for v, above in enumerate(tree.parent[:-1]):
        assert above > v
        assert set(tree.boundary[slice(*tree.boundary_start[v:v + 2])].tolist()) <= fronts[above]
    assert tree.parent[-1] == -1
    assert not tree.boundary_sizes[-1]
    leaves = np.setdiff1d(np.arange(len(tree.parent)), tree.parent)
    assert tree.own_sizes[leaves].max() <= LEAF + 1  # of two orbitals each


def test_separators_of_a_square():
    """The root is a line across, whatever the order of sites and axes."""
    syst = ribbon.ribbon(length=24, width=24).finalized()
    lattice = read(syst)
    assert dissect(lattice).own_sizes[-1] == 24
    assert dissect(replace(lattice, positions=np.full_like(lattice.positions, np.nan))).own_sizes[-1] == 24


def test_level_of_a_part_that_nothing_broadens():
    """Parts of a clean system without a bath have levels at E = 0: slices stand in there, and only there."""
    lattice = read(ribbon.ribbon(length=9, width=6).finalized())
    self_energy = broadening(None, lattice)
    energies = np.array([0.0, 0.31])
    propagator = dissected(lattice, self_energy)
    spectrum = propagator.spectrum(energies)
    assert isinstance(spectrum, Patched)
    np.testing.assert_array_equal(spectrum._lost, [True, False])
    other = SlicePropagator(lattice, self_energy, np.zeros(2))
    expected = other.spectrum(energies)
    back, there = np.argsort(propagator.order), np.argsort(other.order)
    nothing, filling = np.zeros_like(spectrum.rate), np.array([[1.0, 0.3], [0.2, 0.9]])
    assert_close(spectrum.spectral[back], expected.spectral[there])
    (n, inflow), (n_slices, inflow_slices) = (part.occupation(nothing, filling) for part in (spectrum, expected))
    assert_close(n[back], n_slices[there])
    assert_close(inflow, inflow_slices)
    for k in range(2):
        assert_close(*(carried(len(back), maker.order[maker.bonds], part.bond_flows(nothing, filling)[:, k])
                       for part, maker in ((spectrum, propagator), (expected, other))))
    assert_close(propagator.green_diagonal(np.array([1e-9j, 0.3j]))[back],
                 other.green_diagonal(np.array([1e-9j, 0.3j]))[there], atol=1e-6)


def carried(sites, bonds, flows):
    """Flows to each site from each other."""
    result = np.zeros((sites, sites))
    result[tuple(bonds.T)] = flows
    return result - result.T


def solved(syst, bath, reservoirs, **options):
    one, other = (kd.steady_state(syst, reservoirs, bath, rtol=1e-2, method=method, **options)
                  for method in ("dissection", "slices"))
    assert one.method == "dissection"
    pairs = [(getattr(one, name), getattr(other, name))
             for name in ("power", "mu", "density", "potential", "current", "energy_current")]
    pairs.append([carried(len(one.power), state.bonds, state.bond_current) for state in (one, other)])
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * np.nanmax(np.abs(theirs), initial=1e-300))


@pytest.mark.parametrize("bath", [
    kd.PhononBath(0.1, rate=0.05), kd.PhononBath(0.1, mean_free_path=8.0),
    [kd.PhononBath(0.1, rate=0.05), kd.ElasticBath(rate=0.1)],
    [kd.PhononBath(0.1, rate=0.05), kd.ElectronBath(rate=0.1)], None])
def test_whole_solutions(bath):
    syst = ribbon.ribbon(length=9, width=7, flux=0.02, potential=lambda x, y: 0.3 * np.sin(5 * x + 3 * y)).finalized()
    solved(syst, bath, [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.3, 0.1)])


def test_with_electrostatics():
    syst = ribbon.ribbon(length=8, width=6, potential=lambda x, y: 0.3 * np.sin(5 * x + 3 * y)).finalized()
    solved(syst, kd.PhononBath(0.1, rate=0.05), [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.2, 0.1)],
           electrostatics=kd.Poisson(1.0))


def test_linear_response():
    syst = ribbon.hall_bar(length=14, width=6, contact=3, flux=0.05).finalized()
    one, other = (kd.linear_response(
        syst, mu=-1.5, drive=(1.0, None, None, 0.0, None, None), temperature=0.1, rtol=1e-2, method=method,
        bath=kd.PhononBath(0.1, rate=0.05)) for method in ("dissection", "slices"))
    assert_close(one.conductance, other.conductance, atol=1e-9)


def test_choice():
    """By counted operations: wide planes are dissected, wires and narrow ribbons are not."""
    for length, width, method in ((70, 70, "dissection"), (100, 10, "slices")):
        lattice = read(ribbon.ribbon(length=length, width=width).finalized())
        bath = broadening(kd.PhononBath(0.1, rate=0.05), lattice)
        assert propagator_for(lattice, bath, np.zeros(2), None).method == method
        assert propagator_for(lattice, bath, np.zeros(2), "slices").method == "slices"


def contraction(length, width, rate):
    """What a step of the two-level inverse leaves of an error, at most, in a disordered ribbon."""
    values = np.random.default_rng(0).uniform(-0.3, 0.3, size=(length, width))
    lattice = read(ribbon.ribbon(length=length, width=width, potential=lambda x, y: values[x, y]).finalized())
    propagator = dissected(lattice, broadening(kd.PhononBath(0.1, rate=rate), lattice), leaf=32)
    energies, weights = np.array([-1.3, -1.2]), np.full((len(lattice.sites), 2), 0.5)
    inverse, diagonal = propagator.preconditioner(energies, weights)
    spectrum = propagator.spectrum(energies)
    response = spectrum.response(spectrum.rate * weights, spectrum.rate)
    error = np.random.default_rng(1).normal(size=len(diagonal))
    for _ in range(8):
        size = np.linalg.norm(error)
        error = (error - inverse(diagonal * error - response(error))) / size
    return np.linalg.norm(error)


def test_two_level_inverse_of_a_long_ribbon():
    """As good on 5 mean free paths of some ten sites as on 50 of them."""
    short, long = (contraction(length, 6, 0.2) for length in (50, 500))
    assert short < 0.4
    assert long < 0.4


def test_two_level_inverse_of_constants():
    """Exact for what is the same at all coupled sites, a few of them or all."""
    for bath in (True, False):
        lattice, self_energy = plane(*PLANES[1])
        if not bath:
            rates = np.zeros(len(lattice.sites))
            rates[:3] = 0.1
            self_energy = broadening(kd.PhononBath(0.1, rate=rates), lattice)
        propagator = dissected(lattice, self_energy)
        energies, weights = np.array([-0.8, -0.5, -0.2]), np.full((len(lattice.sites), 3), 1 / 3)
        inverse, diagonal = propagator.preconditioner(energies, weights)
        spectrum = propagator.spectrum(energies)
        response = spectrum.response(spectrum.rate * weights, spectrum.rate)
        values = propagator.coupled.astype(float)
        np.testing.assert_allclose(inverse(diagonal * values - response(values)), values, atol=1e-10)
