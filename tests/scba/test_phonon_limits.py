"""Microscopic phonons: orbitals and fields by brute force, the golden rule, small quanta, known spots, another code."""

from itertools import pairwise

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dense_born
import kwant_dissip as kd
from born_models import T, on_grid, with_hamiltonian
from dense_born import UniformGrid
from kwant_dissip.model.phonons import Mode
from kwant_dissip.systems import chain as models_of_chains
from models import chain, floats, uniform_chain


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


def ladder_with_flux():
    """Six sites with a flux through two loops, between leads of two modes."""
    lattice, builder = kwant.lattice.square(norbs=1), kwant.Builder()
    for number, energy in enumerate((0.2, -0.1, 0.3, 0.0, -0.2, 0.1)):
        builder[lattice(number // 2, number % 2)] = energy
    builder[kwant.builder.HoppingKind((1, 0), lattice)] = lambda to, _: -0.9 * np.exp(1j * to.tag[1])
    builder[kwant.builder.HoppingKind((0, 1), lattice)] = -0.7
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in (0, 1))] = 0
    lead[lattice.neighbors()] = -1
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder.finalized()


class GoldenRule:
    """First order in D from kwant's scattering matrix and wave functions alone, on energies of its own.

    Waves psi_n of unit flux come in through mode n; chi_m = sum_n conj(S_mn) psi_n goes out through mode m. Then
    A_i = sum_n |psi_n,i|^2, n_i = sum_n f_n |psi_n,i|^2, and Fermi's golden rule reads

        Sin_i(E) / D = (N + 1) n_i(E + w) + N n_i(E - w),   Sout with h = A - n at E - w and E + w,
        p_i = w D Int dE/2pi [(N + 1) n_i(E + w) h_i(E) - N n_i(E) h_i(E + w)].

    What is scattered into site i leaves through m with |chi_m,i|^2. Who is not scattered has S changed by
    -i <chi_m| R - i (Sin + Sout) / 2 |psi_n>: the loss, and where levels shift their shift R.
    """

    def __init__(self, syst, reservoirs, quantum, temperature, edges, level_shift):
        self.syst, self.reservoirs, self.quantum = syst, reservoirs, quantum
        self.number, self._waves = 1 / np.expm1(quantum / temperature), {}
        singular = np.unique(np.concatenate([edges, edges - quantum, edges + quantum]))
        energies, weights = _panels(singular, 0)
        into, out, n, h = self.rates(energies)
        self.power = quantum * ((self.number + 1) * self.occupation(energies + quantum)[0] * h
                                - self.number * n * self.occupation(energies + quantum)[1]) @ weights
        shift = np.zeros_like(into)
        if level_shift:
            others, measure = _panels(singular, 1)
            rate, far = into + out, sum(self.rates(others)[:2])
            distance = energies - others[:, None]
            shift = (np.einsum("ik,kj->ij", far, measure[:, None] / distance)
                     - rate * (measure[:, None] / distance).sum(axis=0)
                     + rate * np.log((energies - singular[0]) / (singular[-1] - energies)) / (2 * np.pi))
        self.coherent, self.elastic, self.inelastic = np.zeros((3, 2))
        for k, (energy, weight) in enumerate(zip(energies, weights, strict=True)):
            psi, scattering, lead = self.waves(energy)
            filling = self.fillings(energy)[lead]
            chi = scattering.conj() @ psi
            change = -1j * chi.conj() @ ((shift[:, k] - 0.5j * (into + out)[:, k])[:, None] * psi.T)
            first = 2 * (scattering.conj() * change).real @ filling
            np.add.at(self.coherent, lead, weight * (filling - np.abs(scattering) ** 2 @ filling))
            np.add.at(self.elastic, lead, -weight * first)
            np.add.at(self.inelastic, lead, -weight * (np.abs(chi) ** 2 @ into[:, k]))

    def fillings(self, energy):
        """Fermi functions of the leads."""
        return np.array([1 / (np.exp((energy - one.mu) / one.temperature) + 1) for one in self.reservoirs])

    def waves(self, energy):
        """Waves by mode and site, scattering matrix, and the lead of each mode."""
        if energy not in self._waves:
            wave = kwant.wave_function(self.syst, energy)
            psi = [wave(lead) for lead in range(len(self.reservoirs))]
            lead = np.repeat(np.arange(len(psi)), [len(part) for part in psi])
            scattering = kwant.smatrix(self.syst, energy).data if len(lead) else np.zeros((0, 0))
            self._waves[energy] = np.concatenate(psi), scattering, lead
        return self._waves[energy]

    def occupation(self, energies):
        """Occupied and empty states of every site, shape (2, sites, energies)."""
        result = np.empty((2, len(self.syst.sites), len(energies)))
        for k, energy in enumerate(energies):
            psi, _, lead = self.waves(energy)
            filling = self.fillings(energy)[lead]
            result[:, :, k] = np.stack([filling, 1 - filling]) @ np.abs(psi) ** 2
        return result

    def rates(self, energies):
        """Scattering into and out of states, divided by D, and occupied and empty states."""
        (n, h), up, down = (self.occupation(energies + by) for by in (0, self.quantum, -self.quantum))
        more, less = self.number + 1, self.number
        return more * up[0] + less * down[0], more * down[1] + less * up[1], n, h


def _panels(ends, more):
    """Gauss's nodes between these energies, denser towards each, and weights of Int dE / 2 pi."""
    energies, weights = [], []
    for low, high in pairwise(ends):
        u, w = np.polynomial.legendre.leggauss(int(8 + 10 * (high - low)) + more)
        angle = 0.25 * np.pi * (1 + u)
        energies.append(low + (high - low) * np.sin(angle) ** 2)
        weights.append(w * 0.25 * np.pi * (high - low) * np.sin(2 * angle) / (2 * np.pi))
    return np.concatenate(energies), np.concatenate(weights)


def damped_waves(onsite, hopping, state, reservoirs):
    """Currents of who is not scattered, in a chain whose waves fade with the state's scattering rates."""
    size, lead = len(onsite), dense_born.chain_lead(state.energy)
    hamiltonian = np.diag(onsite) + np.diag(hopping, 1) + np.diag(hopping, -1)
    matrix = np.broadcast_to(-hamiltonian, (len(lead), size, size)).astype(complex)
    matrix[:, range(size), range(size)] += (state.energy + 0.5j * state.scattering_rate).T
    for end in (0, -1):
        matrix[:, end, end] -= lead
    green, width = np.linalg.inv(matrix), -2 * lead.imag
    passed = np.abs(green[:, 0, -1]) ** 2 * width ** 2
    turned = np.array([np.abs(1j * width * green[:, end, end] - 1) ** 2 for end in (0, -1)])
    f = np.array([1 / (np.exp((state.energy - one.mu) / one.temperature) + 1) for one in reservoirs])
    inside = np.abs(state.energy) < 2
    return ((f * (1 - turned) - f[::-1] * passed) * inside) @ state.energy_weights


DOT = [0, 0.1, 0.3, -0.2, 0, 0], [-1, -0.6, -0.7, -1, -1]


@pytest.mark.parametrize(("syst", "edges", "level_shift"), [
    (chain(*DOT), (-2, 2), False), (chain(*DOT), (-2, 2), True), (ladder_with_flux(), (-3, -1, 1, 3), False)],
    ids=["dot", "dot with level shift", "two modes with flux"])
def test_golden_rule(syst, edges, level_shift):
    """D -> 0: heat at every site and currents follow from kwant's waves; what is left over is linear in D.

    The elastic and the inelastic change of a current nearly cancel each other, so that each is seen to some 1e-4.
    """
    quantum, temperature = 0.3, 0.2
    reservoirs = [kd.Reservoir(-1.0, 0.2), kd.Reservoir(-1.4, 0.26)]
    rule = GoldenRule(syst, reservoirs, quantum, temperature, np.array(edges, float), level_shift)
    change = rule.elastic + rule.inelastic
    # Who is scattered leaves through some lead: what is lost from waves arrives.
    assert abs(change.sum()) < 1e-7 * np.abs(rule.elastic).max()
    errors = []
    for coupling in (4e-3, 2e-3):
        # An error of 1e-8 in the current is one of some 1e-6 in its change.
        state = kd.steady_state(syst, reservoirs, kd.OpticalPhonons(quantum, coupling, temperature,
                                                                    level_shift=level_shift), rtol=1e-8)
        found = [(state.power / coupling, rule.power), ((state.current - rule.coherent) / coupling, change)]
        if len(edges) == 2 and not level_shift:
            waves = damped_waves(*DOT, state, reservoirs)
            found.append(((state.current - waves) / coupling, rule.inelastic))
        errors.append([np.abs(one - expected).max() / np.abs(expected).max() for one, expected in found])
        emission, absorption = state.quanta()
        np.testing.assert_allclose(quantum * ((emission - absorption) @ state.energy_weights), state.mode_power[0],
                                   rtol=0, atol=1e-12 * np.abs(state.power).max())
    # Some per cent at the largest D, and half of that for half of D, but for the next order.
    assert np.max(errors[0]) < 0.05
    np.testing.assert_allclose(np.divide(errors[1], errors[0]), 0.5, atol=0.04)


def elastic(onsite, energies, strength, reservoirs):
    """A and f where collisions with the rate D A(E) keep the energy: dense matrices, linear equations for f."""
    size, lead, index = len(onsite), dense_born.chain_lead(energies), np.arange(len(onsite))
    spectral = np.ones((size, len(energies)))
    base = np.broadcast_to(-np.diag(onsite) + np.eye(size, k=1) + np.eye(size, k=-1), (len(energies), size, size))
    for _ in range(200):
        matrix = base.astype(complex)
        matrix[:, index, index] += (energies + 0.5j * strength * spectral).T
        for end in (0, -1):
            matrix[:, end, end] -= lead
        green = np.linalg.inv(matrix)
        step = -2 * green[:, index, index].imag.T - spectral
        spectral = spectral + 0.5 * step
        if np.abs(step).max() < 1e-12:
            break
    kernel = np.abs(green) ** 2
    sent = sum(kernel[:, :, end] * (-2 * lead.imag / (np.exp((energies - one.mu) / one.temperature) + 1))[:, None]
               for end, one in zip((0, -1), reservoirs, strict=True))
    occupied = np.linalg.solve(np.eye(size) - strength * kernel, sent[..., None])[..., 0].T
    return spectral, occupied / spectral


def test_small_quanta_become_elastic_and_diffuse_in_energy():
    """Quanta w << k_B T at the same D (2 N + 1) = s: f, A and currents of elastic collisions, up to w^2.

    With gamma = s A an electron gains or loses w so often that it diffuses in energy, with the constant s A w^2 / 2 and
    a drift that makes Fermi's function its equilibrium. To lowest order in w the golden rule for the heat,

        p = w D Int dE/2pi A(E) A(E + w) {N [f(E + w) - f(E)] + f(E + w) [1 - f(E)]},

    is s w^2 / 2 Int dE/2pi A^2 [f' + f (1 - f) / T], with f of the elastic collisions.
    """
    temperature, strength, onsite = 0.1, 0.15, np.array([0, 0, 0, 0, 0, 0.8, 0, 0, 0, 0, 0])
    reservoirs = [kd.Reservoir(-0.9, temperature), kd.Reservoir(-1.1, temperature)]
    syst = chain(onsite, [-1.0] * 10)
    acoustic = kd.steady_state(syst, reservoirs, kd.AcousticPhonons(strength, temperature, level_shift=False),
                               rtol=1e-6)
    there = np.abs(acoustic.energy + 0.8) < 0.8
    spectral, filling = elastic(onsite, acoustic.energy[there], strength, reservoirs)
    np.testing.assert_allclose(acoustic.spectral[:, there], spectral, rtol=0, atol=1e-9)
    np.testing.assert_allclose(acoustic.filling[:, there], filling, rtol=0, atol=1e-9)
    # The electrons of 10 k_B T below mu and of 15 above it are at rest.
    nodes, weights = np.polynomial.legendre.leggauss(120)
    energies, weights, step = -0.7 + 1.28 * nodes, 1.28 * weights / (2 * np.pi), 1e-4
    (_, below), (spectral, filling), (_, above) = (elastic(onsite, energies + shift, strength, reservoirs)
                                                   for shift in (-step, 0, step))
    diffusion = 0.5 * strength * (spectral ** 2 * ((above - below) / (2 * step) + filling * (1 - filling)
                                                   / temperature)) @ weights
    errors = []
    for quantum in (0.5 * temperature, 0.25 * temperature, 0.125 * temperature):
        coupling = strength / (2 / np.expm1(quantum / temperature) + 1)
        state = kd.steady_state(syst, reservoirs, kd.OpticalPhonons(quantum, coupling, temperature, level_shift=False),
                                rtol=1e-4)
        there = np.abs(state.energy + 0.8) < 0.8
        spectral, filling = elastic(onsite, state.energy[there], strength, reservoirs)
        errors.append([np.abs(state.filling[:, there] - filling).max(),
                       np.abs(state.spectral[:, there] - spectral).max(),
                       abs(state.current[0] / acoustic.current[0] - 1),
                       np.abs(state.power / quantum ** 2 - diffusion).max() / np.abs(diffusion).max()])
    # A quarter for half of w; the next order in w is smaller by some (w / T)^2 / 4.
    np.testing.assert_allclose(np.divide(errors[1], errors[0]), 0.25, atol=0.03)
    np.testing.assert_allclose(np.divide(errors[2], errors[1]), 0.25, atol=0.01)
    assert np.max(errors[2]) < 0.01


def test_no_spot_of_quanta_far_below_the_temperature():
    """Quanta of k_B T / 4, the dot of `test_spots_of_quanta`, l = 30: energy is lost too slowly to make any within 6 l.

    Half of the bias heats one wire and cools the other, and so it does at every place; at w = k_B T both have turned
    over by -0.019 and 0.031 of I k_B T / l.
    """
    mu, temperature, path = -1.7, 0.06, 30
    velocity = np.sqrt(4 - mu ** 2)
    dot_coupling = np.sqrt(0.075 / velocity)
    dot = models_of_chains.resonant_dot(length=6 * path, coupling=dot_coupling,
                                        level=mu * (1 - dot_coupling ** 2)).finalized()
    least = {}
    for ratio in (0.25, 1.0):
        quantum, number = ratio * temperature, 1 / np.expm1(ratio)
        energies = np.array([mu + quantum, mu - quantum])
        emptied = number + 1 / (np.exp(ratio) + 1)  # N + f(mu + w) = N + 1 - f(mu - w)
        coupling = velocity / path / (emptied * 2 / np.sqrt(4 - energies ** 2)).sum()
        phonons = kd.OpticalPhonons(quantum, lambda site, d=coupling: d * models_of_chains.in_wires(site), temperature,
                                    level_shift=False)
        state = kd.steady_state(dot, [kd.Reservoir(mu + 0.003, temperature), kd.Reservoir(mu - 0.003, temperature)],
                                phonons, rtol=1e-1)
        unit = state.current[0] * temperature / path
        for side in (1, -1):
            sites = np.flatnonzero(side * state.coordinate > 3)
            sites = sites[np.argsort(np.abs(state.coordinate[sites]))]
            x = np.abs(state.coordinate[sites])[8:-8] / path
            smooth = side * np.convolve(state.power[sites] / unit, np.full(17, 1 / 17), "valid")
            least[ratio, side] = smooth[(x > 0.5) & (x < 5)].min()
    assert least[0.25, 1] > 0.004
    assert least[0.25, -1] > 0.002
    # In short wires standing waves move these by a tenth from the -0.021 and 0.033 at l = 60.
    assert least[1.0, 1] == pytest.approx(-0.019, abs=1e-3)
    assert least[1.0, -1] == pytest.approx(-0.031, abs=1e-3)


def test_cascade():
    """The cascade of design.md, section 10, behind a barrier: w = 0.15, bias 40 k_B T, all lengths cut to a half.

    Its l = 30 and wires of 8 l gave 23.3 % and 16.1 % of current times bias to the phonons on the right and on the
    left. By up to a quantum above mu on the right electrons keep their energy: at 0.10 to 0.15 f fell from 0.175 to
    0.152 over 6 l, but at 0.15 to 0.20 from 0.103 to 0.003.
    """
    mu, bias, temperature, path = -1.7, 0.2, 0.005, 15
    syst = models_of_chains.barrier(length=8 * path, height=1.5).finalized()
    reservoirs = [kd.Reservoir(mu + 0.5 * bias, temperature), kd.Reservoir(mu - 0.5 * bias, temperature)]
    coupling = 0.5 * (4 - mu ** 2) / path  # into empty states with A = 2 / v: v / l
    phonons = kd.OpticalPhonons(0.15, lambda site: coupling * models_of_chains.in_wires(site), temperature,
                                level_shift=False)
    state = kd.steady_state(syst, reservoirs, phonons, rtol=1e-1)
    right, left = (state.power[side * state.coordinate > 0].sum() / (state.current[0] * bias) for side in (1, -1))
    # Half the length moves these by 0.1 %.
    assert right == pytest.approx(0.233, abs=3e-3)
    assert left == pytest.approx(0.161, abs=3e-3)
    above = state.energy - (mu - 0.5 * bias)

    def filling(low, high, first, last):
        places = (state.coordinate >= first * path) & (state.coordinate <= last * path)
        energies = (above > low) & (above < high)
        occupied, spectral = (values[np.ix_(places, energies)] @ state.energy_weights[energies]
                              for values in (state.occupied, state.spectral))
        return occupied.sum() / spectral.sum()

    # Standing waves behind the barrier: means over a shorter l are some per cent off.
    assert filling(0.10, 0.15, 0.05, 1.1) == pytest.approx(0.175, abs=0.01)
    assert filling(0.10, 0.15, 5.5, 6.5) == pytest.approx(0.152, abs=0.003)
    assert filling(0.15, 0.20, 0.05, 1.1) == pytest.approx(0.103, abs=0.005)
    assert filling(0.15, 0.20, 5.5, 6.5) == pytest.approx(0.003, abs=0.001)


def elastic_chain(sites, bias, coupling):
    """Chain of hopping 1 with Sigma = coupling^2 G on every site, k_B T = 0.05.

    The mean mu is a little off the middle of the band, where the energy current, which vanishes, has no relative error.
    """
    reservoirs = [kd.Reservoir(0.002 + 0.5 * bias, 0.05), kd.Reservoir(0.002 - 0.5 * bias, 0.05)]
    return kd.steady_state(uniform_chain(sites), reservoirs, kd.AcousticPhonons(coupling ** 2, 0.05), rtol=1e-3)


@pytest.mark.parametrize(("coupling", "ramp"), [(0.05, 0.00115), (0.5, 0.0399)])
def test_densities_of_another_code(coupling, ramp):
    """Numbers of libNEGF, from the tests of its Python interface.

    github.com/gpenazzi/pynegf, pynegf_test/dephasing_test.py at commit 3ac7a4f: 30 sites, mu = +-0.1, "Approximate
    delta determined by inspection", to 1 %, between the densities of both spins at the ends. It has k_B T = 0.001; as
    there are as many states at all these energies, 0.05 changes the ramp by 0.3 %.
    """
    state = elastic_chain(30, 0.2, coupling)
    assert 2 * (state.density[0] - state.density[-1]) == pytest.approx(ramp, rel=0.01)


def test_current_of_another_code():
    """Of libNEGF itself: a current between 1.90 and 1.95 of e/h, both spins, where the coherent one is 2.

    github.com/libnegf/libnegf, tests/f90elph_deph/hello.F90: 60 sites, mu = +-0.5.
    """
    assert 1.90 < 4 * np.pi * elastic_chain(60, 1.0, 0.05).current[0] < 1.95


def test_levels_above_all_bands():
    """Ribbons with a bump whose levels phonons alone broaden: what these do not settle, `error` holds."""
    lattice = kwant.lattice.square(norbs=1)
    builder, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    builder[(lattice(x, y) for x in range(6) for y in range(2))] = lambda site: 3.5 if site.tag == (3, 1) else 0.0
    lead[(lattice(0, y) for y in range(2))] = 0.0
    builder[lattice.neighbors()] = lead[lattice.neighbors()] = -1.0
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    syst, phonons = builder.finalized(), kd.OpticalPhonons(0.2, 0.03, T)
    rough, fine = (kd.steady_state(syst, [kd.Reservoir(-1.6, T), kd.Reservoir(-1.9, T)], phonons, rtol=rtol)
                   for rtol in (1e-2, 1e-4))
    assert rough.error < 1e-2
    assert fine.error < 1e-4
    assert np.abs(rough.power - fine.power).max() < 1e-2 * np.abs(fine.power).max()
    for state in (rough, fine):
        assert abs(state.energy_current.sum() - state.power.sum()) < 1e-10 * np.abs(state.power).sum()
        assert abs(state.current.sum()) < 1e-10 * np.abs(state.current).max()
