"""Leads by self-energy, the coherent conductor, and leads that are refused."""

import kwant
import numpy as np
import pytest
from scipy.special import expit

import kwant_dissip as kd
from dense import gauss
from kwant_dissip.leads.periodic import PeriodicLead
from kwant_dissip.model.lattice import read
from kwant_dissip.systems import chain, ribbon
from models import three_terminal, uniform_chain

LATTICE = kwant.lattice.general([[1, 0], [0, 1]], norbs=1)
WIDTH = 0.4


def wide_band(energy, args=(), params=None):  # noqa: ARG001 (kwant's signature)
    return np.array([[-0.5j * WIDTH]])


def benzene(self_energy=wide_band):
    """Six carbon atoms in a ring, between two leads in meta position."""
    builder = kwant.Builder()
    ring = [LATTICE(k, 0) for k in range(6)]
    builder[ring] = 0.0
    for k in range(6):
        builder[ring[k], ring[(k + 1) % 6]] = -1.0
    for k in (0, 2):
        builder.leads.append(kwant.builder.SelfEnergyLead(self_energy, [ring[k]], parameters=()))
    return builder.finalized()


def rule():
    """Energies and weights / 2 pi, dense where the levels of the ring are."""
    points = [-10.0, 10.0, *(level + by for level in (-2, -1, 1, 2) for by in (-0.4, -0.1, -0.02, 0, 0.02, 0.1, 0.4))]
    energies, weights = gauss(sorted(points), 40)
    return energies, weights / (2 * np.pi)


def transmission(syst, energy):
    """Tr Gamma_L G Gamma_R G^+ from kwant's Green's function."""
    green = kwant.greens_function(syst, energy)
    return WIDTH ** 2 * np.abs(green.submatrix(1, 0)[0, 0]) ** 2


@pytest.mark.parametrize("method", [None, "kwant"])
def test_coherent_current_of_benzene(method):
    """Landauer's integral over kwant's transmission, and over the density of states from kwant."""
    syst, temperature, mu = benzene(), 0.2, (0.3, -0.3)
    state = kd.steady_state(syst, [kd.Reservoir(m, temperature) for m in mu], None, method=method,
                            rtol=1e-8 if method is None else 1e-3)
    energies, weights = rule()
    window = expit((mu[0] - energies) / temperature) - expit((mu[1] - energies) / temperature)
    through = np.array([transmission(syst, energy) for energy in energies])
    tolerance = 1e-8 if method is None else 1e-4
    assert state.current[0] == pytest.approx(weights @ (through * window), rel=tolerance)
    assert state.energy_current[0] == pytest.approx(weights @ (energies * through * window), rel=1e-6, abs=1e-9)
    assert np.all(state.power == 0)
    assert np.all(np.isnan(state.mu))
    assert state.entropy_production > 0
    # Half filling, by the symmetry of the ring and of the bias
    assert state.density.sum() == pytest.approx(3, abs=1e-6 if method is None else 1e-3)


def test_probes_on_each_carbon_against_a_dense_program():
    """Power, current and mu from matrices and Newton's method, all energies of a fixed rule at once."""
    rate, temperature, mu = 0.15, 0.2, np.array([0.4, -0.2])
    syst = benzene()
    state = kd.steady_state(syst, [kd.Reservoir(m, temperature) for m in mu], kd.PhononBath(temperature, rate=rate),
                            rtol=1e-10)
    energies, weights = rule()
    hamiltonian = syst.hamiltonian_submatrix()
    lead_places = [syst.lead_interfaces[a][0] for a in (0, 1)]
    sigma = -0.5j * rate * np.eye(6)
    for place in lead_places:
        sigma[place, place] -= 0.5j * WIDTH
    green = np.linalg.inv(energies[:, None, None] * np.eye(6) - hamiltonian - sigma)
    kernel = np.abs(green) ** 2 * rate
    from_leads = np.stack([np.abs(green[:, :, place]) ** 2 * WIDTH for place in lead_places], axis=2)
    spectral = -2 * np.einsum("kii->ki", green).imag
    lead_filling = expit((mu - energies[:, None]) / temperature)
    local = np.zeros(6)
    for _ in range(20):
        filling = expit((local - energies[:, None]) / temperature)
        slope = filling * (1 - filling) / temperature
        n = np.einsum("kij,kj->ki", kernel, filling) + np.einsum("kia,ka->ki", from_leads, lead_filling)
        loss = weights @ (rate * (spectral * filling - n))
        arriving = rate * np.einsum("k,kij,kj->ij", weights, kernel, slope)
        jacobian = np.diag(weights @ (rate * spectral * slope)) - arriving
        local = local - np.linalg.solve(jacobian, loss)
    power = (weights * energies) @ (rate * (n - spectral * filling))
    inflow = [weights @ (WIDTH * (spectral[:, place] * lead_filling[:, a] - n[:, place]))
              for a, place in enumerate(lead_places)]
    np.testing.assert_allclose(state.mu, local, rtol=0, atol=1e-8)
    np.testing.assert_allclose(state.power, power, rtol=0, atol=1e-8 * np.abs(power).max())
    np.testing.assert_allclose(state.current, inflow, rtol=0, atol=1e-8 * np.abs(inflow).max())
    assert abs(state.particle_residual) < 1e-10
    assert abs(state.energy_residual) < 1e-10


def test_self_energy_of_a_chain_is_the_chain():
    """A semi-infinite chain given by its self-energy instead of its Hamiltonian."""
    plain = uniform_chain(5)

    def of_chain(energy, args=(), params=None):  # noqa: ARG001 (kwant's signature)
        x = complex(energy)
        return np.array([[0.5 * (x + 0j - np.sqrt(x - 2 + 0j) * np.sqrt(x + 2 + 0j))]])

    builder = kwant.Builder()
    lattice = kwant.lattice.chain(norbs=1)
    builder[(lattice(i) for i in range(5))] = 0.0
    builder[lattice.neighbors()] = -1.0
    for end in (0, 4):
        builder.leads.append(kwant.builder.SelfEnergyLead(of_chain, [lattice(end)], parameters=()))
    reservoirs, bath = [kd.Reservoir(-0.8, 0.1), kd.Reservoir(-1.0, 0.1)], kd.PhononBath(0.1, rate=0.1)
    given, expected = (kd.steady_state(syst, reservoirs, bath, rtol=1e-6) for syst in (builder.finalized(), plain))
    order = np.argsort(given.coordinate), np.argsort(expected.coordinate)
    for name in ("power", "mu", "density"):
        one, other = (getattr(state, name)[o] for state, o in zip((given, expected), order, strict=True))
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def test_mixed_leads_and_mean_free_path():
    """The velocity is that of the lead that has one."""
    builder = chain.barrier(length=3)
    lattice = next(iter(builder.sites())).family
    builder.leads.append(kwant.builder.SelfEnergyLead(wide_band, [lattice(1)], parameters=()))
    reservoirs = [kd.Reservoir(-0.9, 0.1), kd.Reservoir(-1.1, 0.1), kd.Reservoir(None, 0.1)]
    states = [kd.steady_state(builder.finalized(), reservoirs, kd.PhononBath(0.1, mean_free_path=9.0), rtol=1e-2,
                              method=method) for method in (None, "kwant")]
    np.testing.assert_allclose(states[0].power, states[1].power, rtol=0, atol=1e-8 * states[0].power.max())
    np.testing.assert_allclose(states[0].density, states[1].density, rtol=0, atol=1e-6)
    assert abs(states[0].current[2]) < 1e-12


def test_density_is_nan_where_the_self_energy_is_known_on_the_axis_only():
    def on_the_axis(energy, args=(), params=None):  # noqa: ARG001 (kwant's signature)
        if isinstance(energy, complex):
            raise TypeError("real energies only")
        return np.array([[-0.2j * np.exp(-abs(energy))]])

    reservoirs = [kd.Reservoir(0.1, 0.2), kd.Reservoir(-0.1, 0.2)]
    state = kd.steady_state(benzene(on_the_axis), reservoirs, kd.PhononBath(0.2, rate=0.1), rtol=1e-3)
    assert np.all(np.isnan(state.density))
    assert abs(state.energy_residual) < 1e-10
    with pytest.raises(ValueError, match="called at complex energies"):
        kd.steady_state(benzene(on_the_axis), reservoirs, kd.PhononBath(0.2, rate=0.1), electrostatics=kd.Poisson(1.0))


def test_refused_leads():
    reservoirs, bath = [kd.Reservoir(0.1, 0.2), kd.Reservoir(-0.1, 0.2)], kd.PhononBath(0.2, rate=0.1)
    with pytest.raises(ValueError, match=r"lead 0 is not retarded: .* eigenvalue -"):
        kd.steady_state(benzene(lambda energy, args=(), params=None: np.array([[0.2j]])), reservoirs, bath)
    with pytest.raises(ValueError, match="no velocity that a mean_free_path"):
        kd.steady_state(benzene(), reservoirs, kd.PhononBath(0.2, mean_free_path=3.0))
    with pytest.raises(ValueError, match="must be a square matrix of finite numbers"):
        kd.steady_state(benzene(lambda energy, args=(), params=None: np.array([[np.nan]])), reservoirs, bath)


def test_precalculated_leads():
    """They serve at their own energy, and are refused elsewhere."""
    bath = kd.PhononBath(0.1, rate=0.2)
    syst = uniform_chain(4)
    fixed = syst.precalculate(-0.7, what="all")
    with pytest.raises(ValueError, match="calculated at one energy"):
        kd.steady_state(fixed, [kd.Reservoir(-0.7, 0.1)] * 2, bath)
    one, other = (kd.linear_response(s, bath, mu=-0.7, temperature=0) for s in (fixed, syst))
    np.testing.assert_allclose(one.mu1, other.mu1, rtol=0, atol=1e-10)
    assert one.conductance == pytest.approx(other.conductance, rel=1e-10)


def superconductor(**symmetries):
    """Normal and superconducting half of a chain of electrons and holes (Bogoliubov and de Gennes)."""
    lattice, z, x = kwant.lattice.chain(norbs=2), np.diag([1.0, -1.0]), np.array([[0, 1.0], [1, 0]])
    device = kwant.Builder()
    device[(lattice(i) for i in range(6))] = lambda site: z + 0.1 * x * (site.tag[0] > 2)
    device[lattice.neighbors()] = -z
    normal = kwant.Builder(kwant.TranslationalSymmetry((-1,)), **symmetries)
    normal[lattice(0)], normal[lattice.neighbors()] = z, -z
    device.attach_lead(normal)
    paired = kwant.Builder(kwant.TranslationalSymmetry((1,)))
    paired[lattice(0)], paired[lattice.neighbors()] = z + 0.1 * x, -z
    device.attach_lead(paired)
    return device.finalized()


@pytest.mark.parametrize("symmetries", [{"particle_hole": np.array([[0, -1j], [1j, 0]])},
                                        {"conservation_law": -np.diag([1, -1])}])
def test_electrons_and_holes_are_refused(symmetries):
    with pytest.raises(ValueError, match="Lead 0 describes electrons and holes"):
        kd.steady_state(superconductor(**symmetries), [kd.Reservoir(0.05, 0.05), kd.Reservoir(-0.05, 0.05)],
                        kd.PhononBath(0.05, rate=0.05))


def test_a_conserved_spin_is_no_hole():
    """Two spins with a Zeeman energy, declared as conserved: twice the chain, each at its own energy."""
    lattice = kwant.lattice.chain(norbs=2)
    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1,)), conservation_law=np.diag([1, -1]))
    device[(lattice(i) for i in range(4))] = lead[lattice(0)] = 0.1 * np.diag([1, -1])
    device[lattice.neighbors()] = lead[lattice.neighbors()] = -np.eye(2)
    device.attach_lead(lead)
    device.attach_lead(lead.reversed())
    state = kd.steady_state(device.finalized(), [kd.Reservoir(-0.9, 0.1), kd.Reservoir(-1.1, 0.1)], None, rtol=1e-6)
    # Landauer: both spins from their band's bottom on (the top is empty)
    log1 = [np.log1p(np.exp((m - bottom) / 0.1)) for m in (-0.9, -1.1) for bottom in (-1.9, -2.1)]
    assert state.current[0] == pytest.approx(0.1 * (sum(log1[:2]) - sum(log1[2:])) / (2 * np.pi), rel=1e-6)


@pytest.mark.parametrize("syst", [three_terminal(), chain.resonant_dot(length=3, coupling=0.5, level=-0.9).finalized()])
def test_coherent_conductor_is_landauers(syst):
    """Without phonons: currents from kwant's scattering matrix, bond currents that add up, no heat."""
    leads, temperature = len(syst.leads), 0.1
    mu = np.array([-0.9, -1.2, -1.0])[:leads]
    state = kd.steady_state(syst, [kd.Reservoir(m, temperature) for m in mu], None, rtol=1e-5)
    current = np.zeros(leads)
    edges = np.unique(np.round(np.concatenate([lead.thresholds() for lead in read(syst).leads]), 9))
    points = [-3.5, *edges[(edges > -3.5) & (edges < 1)], -1.2, -0.6, 1.0]
    for energy, weight in zip(*gauss(np.sort(points), 14 if leads == 3 else 40), strict=True):
        matrix = kwant.smatrix(syst, energy).conductance_matrix()
        current += weight / (2 * np.pi) * matrix @ expit((mu - energy) / temperature)
    np.testing.assert_allclose(state.current, current, rtol=0, atol=1e-5 * np.abs(current).max())
    assert np.all(state.power == 0)
    flows = np.zeros(len(state.power))
    np.add.at(flows, state.bonds[:, 0], state.bond_current)
    np.subtract.at(flows, state.bonds[:, 1], state.bond_current)
    inside = np.setdiff1d(np.arange(len(flows)), np.concatenate(syst.lead_interfaces))
    np.testing.assert_allclose(flows[inside], 0, atol=1e-12)


def test_coherent_conductor_with_floating_leads_and_a_picture():
    """Büttiker's voltage probes without any phonon; the picture has nothing to draw but does not fail."""
    syst = ribbon.hall_bar(length=6, width=3, contact=1, flux=0.05).finalized()
    reservoirs = [kd.Reservoir(-1.5, 0.05), kd.Reservoir(-1.6, 0.05), *[kd.Reservoir(None, 0.05)] * 4]
    state = kd.steady_state(syst, reservoirs, None, rtol=1e-4)
    np.testing.assert_allclose(state.current[2:], 0, atol=1e-12)
    assert np.all((state.reservoir_mu[2:] < -1.5) & (state.reservoir_mu[2:] > -1.6))
    uniform = kd.steady_state(uniform_chain(5), [kd.Reservoir(-0.5, 0.1), kd.Reservoir(-0.6, 0.1)], None)
    assert uniform.plot() is not None


def test_picture_of_a_molecule():
    """No lead has a Fermi wavelength: each site is shown as it is."""
    lattice = kwant.lattice.chain(norbs=1)
    builder = kwant.Builder()
    builder[(lattice(i) for i in range(6))] = 0.0
    builder[lattice.neighbors()] = -1.0
    for end in (0, 5):
        builder.leads.append(kwant.builder.SelfEnergyLead(wide_band, [lattice(end)], parameters=()))
    state = kd.steady_state(builder.finalized(), [kd.Reservoir(0.05, 0.05), kd.Reservoir(-0.05, 0.05)],
                            kd.PhononBath(0.05, rate=0.05), rtol=1e-3)
    x, power, resolution = state.profile(0)
    order = np.argsort(state.coordinate)
    np.testing.assert_allclose(x, state.coordinate[order])
    np.testing.assert_allclose(power, state.power[order], rtol=1e-12)
    assert resolution == 1
    state.plot()


def test_density_is_nan_for_a_pole_above_the_axis():
    """A Lorentzian Gamma without its real part is not retarded as a function; with it, the density has its sum rule."""
    def half(energy, args=(), params=None):  # noqa: ARG001 (kwant's signature)
        return np.array([[-0.2j / (1 + energy ** 2)]])

    def whole(energy, args=(), params=None):  # noqa: ARG001 (kwant's signature)
        return np.array([[0.2 / (energy + 1j)]])

    reservoirs, bath = [kd.Reservoir(0.1, 0.2), kd.Reservoir(-0.1, 0.2)], kd.PhononBath(0.2, rate=0.1)
    assert np.all(np.isnan(kd.steady_state(benzene(half), reservoirs, bath, rtol=1e-3).density))
    assert kd.steady_state(benzene(whole), reservoirs, bath, rtol=1e-6).density.sum() == pytest.approx(3, abs=1e-6)


def test_lead_that_is_dark_in_the_middle_of_the_window():
    """A semicircle beside mu: there is no telling where its band is but by looking."""
    def semicircle(energy, args=(), params=None):  # noqa: ARG001 (kwant's signature)
        x = complex(energy) - 0.5
        return np.array([[0.5 * (x - np.sqrt(x - 0.2) * np.sqrt(x + 0.2))]])

    state = kd.steady_state(benzene(semicircle), [kd.Reservoir(0.1, 0.1), kd.Reservoir(-0.1, 0.1)], None, rtol=1e-3)
    assert state.current[0] > 0


def test_spin_of_graphene_is_no_hole():
    """Bands that mirror each other in each spin, alike in both; and a particle-hole symmetry that kwant completes."""
    lattice = kwant.lattice.honeycomb(norbs=2)
    a, b = lattice.sublattices
    laws = {site: np.diag([1, -1]) for site in (a, b)}
    lead = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((-1, 0))), conservation_law=laws)
    lead[lattice.shape(lambda p: 0 <= p[1] < 2, (0, 0))] = np.zeros((2, 2))
    lead[lattice.neighbors()] = -np.eye(2)
    assert PeriodicLead(lead.finalized(), 0).open_modes(0.9) > 0
    chiral = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((-1, 0))), time_reversal=np.eye(2),
                           chiral={a: np.eye(2), b: -np.eye(2)})
    chiral[lattice.shape(lambda p: 0 <= p[1] < 2, (0, 0))] = np.zeros((2, 2))
    chiral[lattice.neighbors()] = -np.eye(2)
    assert PeriodicLead(chiral.finalized(), 0).open_modes(0.9) > 0


def double_dot(length, coupling):
    """Two sites in the middle of a chain, levels off their diagonal, without phonons and hardly connected."""
    lattice = kwant.lattice.chain(norbs=1)
    builder = kwant.Builder()
    builder[(lattice(i) for i in range(-length, length + 2))] = lambda site: -0.95 * (site.tag[0] in (0, 1))
    builder[lattice.neighbors()] = -1.0
    builder[lattice(0), lattice(1)] = -0.42
    builder[lattice(-1), lattice(0)] = builder[lattice(1), lattice(2)] = -coupling
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[lattice(0)], lead[lattice.neighbors()] = 0.0, -1.0
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder.finalized()


@pytest.mark.parametrize("rate", [0.05, None])
@pytest.mark.parametrize("length", [20, 150])
def test_levels_far_narrower_than_the_grid(length, rate):
    """The current through a level goes as the square of its coupling, however weak that is."""
    reservoirs = [kd.Reservoir(-0.95, 0.1), kd.Reservoir(-1.05, 0.1)]
    bath = None if rate is None else kd.PhononBath(0.1, rate=lambda site: rate * (site.tag[0] not in (0, 1)))
    scaled = [kd.steady_state(double_dot(length, coupling), reservoirs, bath, rtol=1e-5).current[0] / coupling ** 2
              for coupling in (1e-3, 1e-5)]
    assert scaled[1] == pytest.approx(scaled[0], rel=2e-3)
    assert scaled[0] > 1e-2


@pytest.mark.parametrize("coupling", [1e-2, 1e-3, 1e-4])
def test_floating_lead_behind_a_weak_link(coupling):
    """Its mu does not depend on how weak: no current flows through the link."""
    builder = chain.barrier(length=10, height=0.0)
    lattice = next(iter(builder.sites())).family
    builder[lattice(4), lattice(5)] = -coupling
    state = kd.steady_state(builder.finalized(), [kd.Reservoir(-1.0, 0.1), kd.Reservoir(None, 0.2)],
                            kd.PhononBath(0.1, rate=0.05))
    assert abs(state.current[1]) < 1e-12
    assert state.newton_steps < 12
    weaker = kd.linear_response(builder.finalized(), kd.PhononBath(0.1, rate=0.05), mu=-1.0, drive=(1.0, None))
    assert weaker.reservoir_mu1[1] == pytest.approx(1, abs=1e-6)


def test_pictures_without_phonons():
    """Lines say that there is nothing to see; planes show the density."""
    line = kd.steady_state(uniform_chain(4), [kd.Reservoir(-0.5, 0.1), kd.Reservoir(-0.6, 0.1)], None, rtol=1e-3)
    assert [text.get_text() for text in line.plot().axes[0].texts] == ["no phonons: no heat, no probe"]
    plane = kd.steady_state(ribbon.ribbon(length=4, width=3).finalized(),
                            [kd.Reservoir(-2.0, 0.1), kd.Reservoir(-2.1, 0.1)], None, rtol=1e-2)
    assert "electrons per site" in [axis.get_ylabel() for axis in plane.plot().axes]
