"""Electrostatics by two routes: dense matrices, scattering wavefunctions, a plain model and a plain balance at U."""

import kwant
import numpy as np
import pytest
from scipy.special import expit

import kwant_dissip as kd
from dense import DenseChain, gauss
from kwant_dissip.balance.energy_grid import EnergyGrid
from kwant_dissip.balance.particles import Balance
from kwant_dissip.balance.thermal_probes import ThermalProbes
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.chain import ChainPropagator
from kwant_dissip.propagators.density import EquilibriumDensity
from kwant_dissip.propagators.kwant_solver import KwantPropagator
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import chain
from models import chain as random_chain
from screened import LAWS, MU, RATE, TEMPERATURE, coherent, solve, system


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_potential_fed_back_into_a_plain_model(law):
    """Onsite energies plus U, leads with their potential: everything is reproduced."""
    bias = 0.2
    builder = system(0.3, 20)
    state = solve(builder, bias, law, rtol=1e-8)
    onsite = {site: builder[site] for site in builder.sites()}
    for site, potential in zip(builder.finalized().sites, state.potential, strict=True):
        builder[site] = onsite[site] + potential
    plain = solve(builder, bias, None, potentials=(0.5 * bias, -0.5 * bias), rtol=1e-8)
    np.testing.assert_allclose(plain.power, state.power, rtol=0, atol=1e-8 * np.abs(state.power).max())
    np.testing.assert_allclose(plain.current, state.current, rtol=1e-8)
    np.testing.assert_allclose(plain.density, state.density, rtol=0, atol=1e-8)
    np.testing.assert_allclose(plain.mu, state.mu, rtol=0, atol=1e-8 * bias)


@pytest.mark.parametrize("path", [None, 12.0])
def test_against_dense_matrices(path):
    """U and mu as returned, gamma_i(E - U_i): no site keeps particles, and power and currents are the same."""
    bias, temperature, length = 0.3, 0.05, 5
    state = solve(chain.barrier(length=length, height=0.5), bias, kd.Poisson(2.0), path=path, mu=-1.0,
                  temperature=temperature, rtol=1e-9)
    onsite = np.where(np.arange(2 * length + 1) == length, 0.5, 0.0)
    wires = np.arange(2 * length + 1) != length

    def gamma(energies):
        if path is None:
            return RATE * wires
        return wires * -1j * np.sqrt(energies - 2 + 0j) * np.sqrt(energies + 2 + 0j) / path

    dense = DenseChain(onsite, -np.ones(2 * length), state.potential, (0.5 * bias, -0.5 * bias), gamma)
    # Beyond 2 in energy from the lowest band edge, occupations are 1 up to rounding.
    points = np.unique(np.concatenate([np.arange(-3.0, 0.8, 0.05), -2 + state.potential, [-1.85, -2.15]]))
    points = points[np.concatenate([np.diff(points) > 1e-9, [True]])]
    mu = np.where(wires, state.mu, 0.0)
    loss, power, current, energy_current = dense.balance(
        mu, temperature, -1.0 + np.array([0.5, -0.5]) * bias, temperature, *gauss(points, 24))
    scale = np.abs(state.current).max()
    np.testing.assert_allclose(loss, 0, atol=1e-8 * scale)
    np.testing.assert_allclose(power, state.power, rtol=0, atol=1e-8 * np.abs(state.power).max())
    np.testing.assert_allclose(current, state.current, rtol=0, atol=1e-8 * scale)
    np.testing.assert_allclose(energy_current, state.energy_current, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("path", [None, 12.0])
def test_density_difference_by_brute_force(path):
    """Int dE/2pi (n - n0) over the whole real axis, tails and all, on three sites."""
    temperature, mu, lead_mu = 0.08, -0.9, np.array([-0.8, -1.0])
    syst = random_chain([0.1, 0.4, -0.1], [-1.0, -1.0])
    bath = kd.PhononBath(temperature, rate=0.1) if path is None else kd.PhononBath(temperature, mean_free_path=path)
    state = kd.steady_state(syst, [kd.Reservoir(m, temperature) for m in lead_mu], bath,
                            electrostatics=kd.Poisson(3.0), rtol=1e-8)

    def gamma(energies):
        if path is None:
            return np.full(3, 0.1)
        return -1j * np.sqrt(energies - 2 + 0j) * np.sqrt(energies + 2 + 0j) / path

    onsite, hopping = np.array([0.1, 0.4, -0.1]), -np.ones(2)
    here = DenseChain(onsite, hopping, state.potential, lead_mu - mu, gamma)
    neutral = DenseChain(onsite, hopping, np.zeros(3), (0.0, 0.0), gamma)

    def difference(energy):
        full = expit((mu - energy) / temperature)
        n = here.spectrum(energy, expit((state.mu - energy) / temperature), expit((lead_mu - energy) / temperature))[1]
        return n - neutral.spectrum(energy, np.full(3, full), (full, full))[1]

    edges = np.unique(np.concatenate([[-2.0], -2 + lead_mu - mu, -2 + state.potential]))
    points = np.concatenate([-np.geomspace(1e6, 2.2, 60), edges, np.arange(-1.8, 2.3, 0.1)])
    if path is not None:
        # Below the band gamma is imaginary, and a bound state could hide; none does.
        points = points[points > -3]
        points[0] = -3.0
    energies, weights = gauss(points, 40)
    total = sum(w * difference(e) for e, w in zip(energies, weights, strict=True)) / (2 * np.pi)
    np.testing.assert_allclose(state.density_difference, total, rtol=0, atol=1e-8)


@pytest.mark.parametrize("path", [None, 8.0])
def test_propagators_at_a_potential(path):
    """All three routes, at sites' and leads' potentials: what arrives, and G at complex energies."""
    lattice = read(chain.barrier(length=3, height=0.4).finalized())
    bath = kd.PhononBath(0.1, rate=0.1) if path is None else kd.PhononBath(0.1, mean_free_path=path)
    gamma = broadening(bath, lattice)
    rng = np.random.default_rng(3)
    potential, shifts = rng.uniform(-0.2, 0.2, size=7), np.array([0.15, -0.1])
    energies, filling, lead_filling = np.array([-1.1, 0.3]), rng.uniform(size=(7, 2)), rng.uniform(size=(2, 2))
    found = []
    none = np.zeros(2)
    for propagator in (ChainPropagator(lattice, gamma, none), SlicePropagator(lattice, gamma, none),
                       KwantPropagator(lattice, gamma, none)):
        rows = propagator.order
        moved = propagator.at_potential(potential[rows], shifts)
        spectrum = moved.spectrum(energies)
        n, inflow = spectrum.occupation(spectrum.rate * filling[rows], lead_filling)
        back = np.argsort(rows)
        found.append((spectrum.spectral[back], n[back], inflow, moved.green_diagonal(energies + 0.2j)[back],
                      *(part[back] for part in moved.green_asymptote())))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


def test_density_is_that_of_the_local_probe():
    """With one rate: Int dE/2pi (n_i - A_i f_i) = 0, so that N_i = Int dE/2pi A_i f_i, site by site (design, 5)."""
    state = solve(system("barrier", 8), 0.3, kd.Poisson(1.0), rtol=1e-8)
    lattice = read(system("barrier", 8).finalized())
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: RATE * chain.in_wires(site))
    neutral = ChainPropagator(lattice, broadening(bath, lattice), np.zeros(2))
    moved = neutral.at_potential(state.potential, np.array([0.15, -0.15]))
    for site in np.flatnonzero(~np.isnan(state.mu)):
        local = EquilibriumDensity(state.mu[site], TEMPERATURE, 1e-11)(moved)[site]
        assert state.density[site] == pytest.approx(local, abs=1e-9)


def test_kernel_of_the_chain_is_poisson():
    """V = coupling times the inverse Laplacian, as matrix and as function of two positions."""
    builder, length, bias = system("barrier", 8), 8, 0.1
    poisson = solve(builder, bias, kd.Poisson(2.0))
    ends = 2 * length + 2

    def kernel(a, b):
        left, right = sorted((a[0] + length + 1, b[0] + length + 1))
        return 2.0 * left * (ends - right) / ends

    order = np.array([site.tag[0] for site in builder.finalized().sites])
    matrix = [[kernel((a,), (b,)) for b in order] for a in order]
    for law in (kd.CoulombKernel(matrix), kd.CoulombKernel(kernel)):
        state = solve(builder, bias, law)
        np.testing.assert_allclose(state.potential, poisson.potential, rtol=0, atol=1e-9)
        np.testing.assert_allclose(state.power, poisson.power, rtol=0, atol=1e-6 * np.abs(poisson.power).max())


def test_coherent_density_from_scattering_wavefunctions():
    """U self-consistent: kwant's wavefunctions of the system with U, filled from both leads, give the density back."""
    bias, temperature = 0.2, 0.1
    builder = system("barrier", 4)
    state = coherent(builder, bias, kd.Poisson(20.0), temperature=temperature, rtol=1e-7)
    assert np.all(np.isnan(state.mu))
    assert np.all(state.power == 0)

    def density(builder, potentials, mus):
        syst = builder.finalized()
        # A state is almost bound next to the band's edge: points gather there.
        near = np.geomspace(1e-6, 0.09, 10)
        edges = -2 + np.unique(potentials)
        points = np.unique(np.concatenate([edges, *(edge + sign * near for edge in edges for sign in (1, -1)),
                                           np.arange(-1.8, 1.3, 0.2)]))
        points = points[points >= edges.min()]
        total = 0
        for energy, weight in zip(*gauss(points, 10), strict=True):
            waves = kwant.wave_function(syst, energy)
            for lead, mu in enumerate(mus):
                total = total + weight * expit((mu - energy) / temperature) * (np.abs(waves(lead)) ** 2).sum(axis=0)
        return total / (2 * np.pi)

    neutral = density(builder, (0.0, 0.0), (MU, MU))
    for site, potential in zip(builder.finalized().sites, state.potential, strict=True):
        builder[site] = builder[site] + potential
    builder.leads.clear()
    for direction, potential in ((-1, 0.1), (1, -0.1)):
        lattice = next(iter(builder.sites())).family
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction,)))
        lead[lattice(0)] = potential
        lead[lattice.neighbors()] = -1
        builder.attach_lead(lead)
    shifted = density(builder, (0.1, -0.1), (MU + 0.1, MU - 0.1))
    np.testing.assert_allclose(state.density_difference, shifted - neutral, rtol=0, atol=1e-8)


def test_the_balance_without_electrostatics_is_the_limit_of_weak_coupling():
    """Coupling -> 0: U is the ramp; the plain balance at that U."""
    builder, bias = system("barrier", 6), 0.1
    state = solve(builder, bias, kd.Poisson(1e-9))
    order = np.argsort(state.coordinate)
    ramp = np.linspace(0.05, -0.05, len(order) + 2)[1:-1]
    np.testing.assert_allclose(state.potential[order], ramp, rtol=0, atol=1e-9)
    lattice = read(builder.finalized())
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: RATE * chain.in_wires(site))
    chain_order = lattice.chain_order()
    moved = ChainPropagator(lattice, broadening(bath, lattice), np.zeros(2)).at_potential(
        state.potential[chain_order], np.array([0.05, -0.05]))
    reservoirs = [kd.Reservoir(MU + 0.05, TEMPERATURE), kd.Reservoir(MU - 0.05, TEMPERATURE)]
    probes = ThermalProbes(moved.coupled, np.full(len(order), TEMPERATURE), [False], reservoirs)
    plain = Balance(moved, probes, EnergyGrid(probes, 1e-6)).solve()
    np.testing.assert_allclose(plain.power[np.argsort(chain_order)], state.power, rtol=0,
                               atol=1e-6 * np.abs(state.power).max())
