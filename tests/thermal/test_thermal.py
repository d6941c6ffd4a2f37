"""The heat equation: closed forms, convergence, conservation, cells, what is refused."""

import dataclasses
from itertools import pairwise

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from scipy.special import k0

import kwant_dissip as kd
import thermal_states
from kwant_dissip.model.lattice import read
from kwant_dissip.results.result import Graph
from kwant_dissip.systems import graphene, ribbon
from kwant_dissip.thermal.cells import cells_of
from models import floats

# A nanotube's: W m/K, W/(K m), and the length over which heat goes into the substrate, m.
KAPPA, G, SUBSTRATE = 6e-15, 0.17, 4.2
HEALING = np.sqrt(KAPPA / G)
TUBE = kd.Thermal(conductivity=KAPPA, coupling=G, substrate_temperature=SUBSTRATE)


def orders(errors):
    """Powers of the step between errors at halved steps."""
    return [np.log2(coarse / fine) for coarse, fine in pairwise(errors)]


def source_in(sites, power=1e-8):
    heat = np.zeros(sites)
    heat[sites // 2] = power
    return heat


def from_middle(field):
    return field.positions[:, 0] - field.positions[len(field.excess) // 2, 0]


def test_point_source_in_an_infinite_wire():
    """P exp(-|x| / l) / 2 sqrt(kappa g), everywhere in a model of three healing lengths, which goes on at its ends."""
    errors = []
    for part in (10, 20, 40, 4000):
        field = kd.temperature(thermal_states.wire(source_in(3 * part + 1), HEALING / part), TUBE)
        exact = 1e-8 * np.exp(-np.abs(from_middle(field)) / HEALING) / (2 * np.sqrt(KAPPA * G))
        errors.append(np.abs(field.excess - exact).max() / exact.max())
        assert field.error < 1e-13
    np.testing.assert_allclose(orders(errors[:3]), 2, atol=0.02)
    assert errors[3] < 1e-8


def test_where_the_model_ends_does_not_matter():
    """Also for conductances that depend on the temperature: the rest of the wire is its first integral."""
    law = kd.Thermal(conductivity=lambda kelvin: KAPPA * kelvin / SUBSTRATE, substrate_temperature=SUBSTRATE,
                     coupling=kd.thermal.kapitza(G, SUBSTRATE))
    for thermal in (TUBE, law):
        short, long = (kd.temperature(thermal_states.wire(source_in(sites, 2e-7), HEALING / 400), thermal)
                       for sites in (401, 2401))
        assert long.excess[1200] > 2  # far from linear
        np.testing.assert_allclose(short.excess, long.excess[1000:1401], rtol=0, atol=1e-6 * long.excess.max())
        np.testing.assert_allclose(short.through_ends, long.to_substrate[:1000].sum() + long.through_ends[0], rtol=1e-5)


def test_uniform_source_between_cold_ends():
    errors = []
    for sites in (10, 20, 40, 20_000):
        length = 1e-6
        state = thermal_states.wire(np.full(sites, 1e-9 / sites), length / sites)
        field = kd.temperature(state, kd.Thermal(conductivity=KAPPA, coupling=0.0, substrate_temperature=SUBSTRATE,
                                                 ends=SUBSTRATE))
        x = (np.arange(sites) + 0.5) * length / sites
        exact = 1e-9 / length * x * (length - x) / (2 * KAPPA)
        errors.append(np.abs(field.excess - exact).max() / exact.max())
        assert np.all(field.to_substrate == 0)
        np.testing.assert_allclose(field.through_ends, 0.5e-9, rtol=1e-10)
    np.testing.assert_allclose(orders(errors[:3]), 2, atol=0.02)
    assert errors[3] < 1e-8


def test_uniform_source_on_a_substrate_between_cold_ends():
    """p/g (1 - cosh(x/l) / cosh(L/2l)): ends and substrate together."""
    errors, length = [], 3 * HEALING
    for sites in (80, 160, 320):
        thermal = kd.Thermal(conductivity=KAPPA, coupling=G, substrate_temperature=SUBSTRATE, ends=SUBSTRATE)
        field = kd.temperature(thermal_states.wire(np.full(sites, 1e-9 / sites), length / sites), thermal)
        x = (np.arange(sites) + 0.5) * length / sites - 0.5 * length
        exact = 1e-9 / length / G * (1 - np.cosh(x / HEALING) / np.cosh(0.5 * length / HEALING))
        errors.append(np.abs(field.excess - exact).max() / exact.max())
    np.testing.assert_allclose(orders(errors), 2, atol=0.05)


def test_point_source_in_an_infinite_sheet():
    """P K_0(r / l) / 2 pi kappa, at the same distances for every lattice constant; the edges are 9 l away."""
    kappa, coupling = 1.2e-7, 5e7
    healing = np.sqrt(kappa / coupling)
    thermal = kd.Thermal(conductivity=kappa, coupling=coupling, substrate_temperature=300)
    at = np.array([1.0, 2.0, 3.0])
    errors = []
    for part in (4, 8, 16):
        half = 9 * part
        power = np.zeros((2 * half + 1,) * 2)
        power[half, half] = 1e-6
        field = kd.temperature(thermal_states.sheet(power, healing / part), thermal)
        excess = field.excess.reshape(power.shape)[half, half + np.round(at * part).astype(int)]
        errors.append(np.abs(excess / (1e-6 * k0(at) / (2 * np.pi * kappa)) - 1))
        assert field.error < 1e-12
    np.testing.assert_allclose(orders(np.array(errors))[0], 2, atol=0.4)
    np.testing.assert_allclose(orders(np.array(errors))[1], 2, atol=0.1)


@pytest.mark.parametrize("power", [1, 3])
def test_kirchhoffs_transformation(power):
    """Int kappa dT for kappa ~ T^n obeys the equation of a constant kappa: a parabola between held ends."""
    sites, length, kappa = 40_000, 1e-6, 2e-16
    heat = np.full(sites, 1e-6 / sites)
    thermal = kd.Thermal(conductivity=lambda kelvin: kappa * kelvin ** power, coupling=0.0,
                         substrate_temperature=SUBSTRATE, ends=(SUBSTRATE, 6.0))
    field = kd.temperature(thermal_states.wire(heat, length / sites), thermal)
    x = (np.arange(sites) + 0.5) * length / sites
    cold, warm = (kappa * kelvin ** (power + 1) / (power + 1) for kelvin in (SUBSTRATE, 6.0))
    theta = cold + (warm - cold) * x / length + 1e-6 / length * x * (length - x) / 2
    exact = (theta * (power + 1) / kappa) ** (1 / (power + 1))
    assert exact.max() > 7
    assert np.abs(field.temperature - exact).max() < 1e-8 * exact.max()


def test_kirchhoffs_theta_is_linear_to_rounding():
    """Without sources theta is a line on the lattice, whatever the law."""
    def conductivity(kelvin):
        return KAPPA * (1 + (kelvin / 10) ** 3) / kelvin

    sites = 50
    thermal = kd.Thermal(conductivity=conductivity, coupling=0.0, substrate_temperature=SUBSTRATE, ends=(2.0, 30.0))
    field = kd.temperature(thermal_states.wire(np.zeros(sites), 1e-9), thermal)
    theta = np.log(field.temperature) + field.temperature ** 3 / 3e3
    np.testing.assert_allclose(np.diff(theta, 2), 0, atol=1e-12 * np.ptp(theta))
    assert field.through_ends[0] == pytest.approx(-field.through_ends[1], rel=1e-10)


def test_kapitzas_law_is_exact():
    """Sites that do not conduct: c (T^4 - T_s^4) / 4 = p on each of them."""
    heat = np.array([1e-12, 3e-9, 1e-7])
    thermal = kd.Thermal(conductivity=0.0, coupling=kd.thermal.kapitza(G, SUBSTRATE), substrate_temperature=SUBSTRATE,
                         ends="insulated")
    field = kd.temperature(thermal_states.wire(heat, 1e-9), thermal)
    c = G / SUBSTRATE ** 3
    np.testing.assert_allclose(field.temperature, (SUBSTRATE ** 4 + 4 * heat / (c * 1e-9)) ** 0.25, rtol=1e-12)
    np.testing.assert_allclose(field.to_substrate, heat, rtol=1e-10)


def test_small_power_is_linear():
    """A function of the temperature is its value at the substrate's, for small power."""
    law = kd.Thermal(conductivity=lambda kelvin: KAPPA * (kelvin / SUBSTRATE) ** 2, substrate_temperature=SUBSTRATE,
                     coupling=kd.thermal.kapitza(G, SUBSTRATE))
    state = thermal_states.wire(source_in(101, 1e-16), HEALING / 20)
    np.testing.assert_allclose(kd.temperature(state, law).excess, kd.temperature(state, TUBE).excess, rtol=1e-7)


@st.composite
def graphs(draw):
    """A random net of wires or sheet, random heat and cold, material numbers per site or laws, and any kind of ends."""
    rng = np.random.default_rng(draw(st.integers(0, 10 ** 6)))
    sites = draw(st.integers(4, 40))
    positions = rng.uniform(size=(sites, 2)) * 1e-7
    if draw(st.booleans()):
        corners = Delaunay(positions).simplices
        bonds = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    else:
        bonds = np.stack([rng.integers(0, np.arange(1, sites)), np.arange(1, sites)], axis=1)
    contacts = [(lead, site) for lead in range(2) for site in rng.choice(sites, draw(st.integers(1, 3)), replace=False)]
    state = thermal_states.on_graph(1e-9 * rng.normal(0.3, size=sites), positions, bonds, contacts)
    lead_heat = 1e-9 * rng.normal(size=2)
    state = dataclasses.replace(state, energy_current=-lead_heat)
    kind = draw(st.sampled_from(["number", "sites", "law"]))
    conductivity, coupling = {
        "number": (1e-14, 0.5), "sites": (1e-14 * rng.uniform(0.1, 2, sites), rng.uniform(0, 1, sites)),
        "law": (lambda kelvin: 1e-14 * (0.5 + kelvin / 300), kd.thermal.kapitza(0.5, 300.0))}[kind]
    if len(bonds) > 9 / 8 * sites:
        conductivity, coupling = 1e-7, 1e7
    ends = draw(st.sampled_from([None, "insulated", 290.0, (None, 310.0), ("insulated", 300.0)]))
    thermal = kd.Thermal(conductivity=conductivity, coupling=coupling, substrate_temperature=300.0, ends=ends)
    return state, thermal, draw(st.booleans())


@settings(max_examples=120, derandomize=True)
@given(graphs())
def test_heat_is_conserved(case):
    """On any graph what comes in goes out through substrate and ends."""
    state, thermal, heat_at_ends = case
    field = kd.temperature(state, thermal, heat_at_ends=heat_at_ends)
    out = field.to_substrate.sum() + field.through_ends.sum()
    flow = np.abs(state.heat).sum() + np.abs(field.to_substrate).sum() + np.abs(field.through_ends).sum()
    assert abs(out - field.total_heat) <= 1e-10 * flow
    assert field.error <= 1e-10
    assert np.all(field.temperature > 0)


@settings(max_examples=30, derandomize=True)
@given(graphs(), floats(0.1, 5))
def test_more_power_everywhere_is_hotter_everywhere(case, more):
    state, thermal, _ = case
    hotter = dataclasses.replace(state, power=state.power + more * 1e-9)
    assert np.all(kd.temperature(hotter, thermal).excess > kd.temperature(state, thermal).excess)


def test_a_wide_ribbon_is_a_wire():
    """Power that does not depend on y: kappa and g per width, with any number of rows."""
    heat = source_in(41, 1e-9)
    line = kd.temperature(thermal_states.wire(heat, 1e-8), TUBE)
    for rows in (2, 3, 7):
        wide = rows * 1e-8
        thermal = kd.Thermal(conductivity=KAPPA / wide, coupling=G / wide, substrate_temperature=SUBSTRATE)
        field = kd.temperature(thermal_states.sheet(np.repeat(heat[:, None] / rows, rows, axis=1), 1e-8), thermal)
        np.testing.assert_allclose(field.excess.reshape(41, rows), np.repeat(line.excess[:, None], rows, axis=1),
                                   rtol=1e-10)
        np.testing.assert_allclose(field.through_ends, line.through_ends, rtol=1e-10)


def graph_of(syst, shape=(1.0, 1.0)):
    lattice = read(syst)
    bonds = np.stack(lattice.graph.nonzero(), axis=1)
    return Graph(lattice.positions * shape, bonds, lattice.contacts, lattice.lead_directions)


@pytest.mark.parametrize("width", [2.0, 3.0, 8.0])
def test_cells_of_graphene(width):
    """Each site has half of the unit cell, edges too; a face is sqrt(3) times as wide as its bond is long."""
    cells = cells_of(graph_of(graphene.constriction(length=10, width=width, neck=width, extent=1.0).finalized()))
    np.testing.assert_allclose(cells.size, 3 ** 0.5 / 4, rtol=1e-12)
    np.testing.assert_allclose(cells.shape, 3 ** 0.5, rtol=1e-12)
    rows = np.count_nonzero(cells.contacts[:, 0] == 0)
    np.testing.assert_allclose(np.bincount(cells.contacts[:, 0], cells.width), rows * 3 ** 0.5 / 2, rtol=1e-12)


def test_cells_of_rectangles_and_of_what_lacks_sites():
    """A lattice of rectangles; second neighbours, which share no face; a hole keeps its neighbours' cells."""
    cells = cells_of(graph_of(ribbon.ribbon(length=6, width=4).finalized(), (1e-9, 3e-9)))
    np.testing.assert_allclose(cells.size, 3e-18, rtol=1e-12)
    np.testing.assert_allclose(np.sort(np.unique(cells.shape.round(12))), [1 / 3, 3])
    square = kwant.lattice.square(norbs=1)
    builder = kwant.Builder()
    builder[(square(x, y) for x in range(7) for y in range(5) if (x, y) != (3, 2))] = 0
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(square(0, y) for y in range(5))] = 0
    for part in (builder, lead):
        part[square.neighbors(1)] = part[square.neighbors(2)] = 1
    builder.attach_lead(lead)
    cells = cells_of(graph_of(builder.finalized()))
    np.testing.assert_allclose(cells.size, 1, rtol=1e-12)
    assert len(cells.links) == 7 * 4 + 6 * 5 - 4


def test_cells_of_nets_of_wires():
    """A ring in a plane with two arms, and a chain with second neighbours: lengths add up to what there is."""
    angle = np.arange(12) * np.pi / 6
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    step = np.linalg.norm(ring[1] - ring[0])
    positions = np.concatenate([ring, [[1 + step, 0], [-1 - step, 0]]])
    bonds = [*((i, (i + 1) % 12) for i in range(12)), (0, 12), (6, 13)]
    cells = cells_of(Graph(positions, np.array(bonds), np.array([[0, 12], [1, 13]]), np.zeros((2, 2))))
    assert cells.dimensions == 1
    assert cells.size.sum() == pytest.approx(15 * step)
    x = np.arange(9)
    bonds = np.array([(i, i + 1) for i in range(8)] + [(i, i + 2) for i in range(7)])
    cells = cells_of(Graph(2.0 * x[:, None], bonds, np.array([[0, 0], [1, 8]]), np.zeros((2, 1))))
    np.testing.assert_allclose(cells.size, 2)
    assert len(cells.links) == 8


def test_a_disordered_sheet_is_covered_by_its_cells():
    """Random sites in a unit square: their cells cover about as much, without gaps inside."""
    positions = np.random.default_rng(4).uniform(size=(600, 2))
    corners = Delaunay(positions).simplices
    bonds = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    bonds = bonds[np.linalg.norm(positions[bonds[:, 0]] - positions[bonds[:, 1]], axis=1) < 0.15]
    cells = cells_of(Graph(positions, bonds, np.array([[0, 0]]), np.zeros((1, 2))))
    assert cells.size.sum() == pytest.approx(1, abs=0.1)
    assert cells.size.max() < 0.01


SOLVED = {"lattice": lambda: kd.steady_state(
    kd_chain().finalized(), [kd.Reservoir(-1.65, 0.06), kd.Reservoir(-1.75, 0.06)],
    kd.PhononBath(0.06, rate=0.02), rtol=1e-4), "kinetic": lambda: kd.kinetic.steady_state(
        lambda energy: 0.04 / (energy ** 2 + 0.04), [kd.Reservoir(0.05, 0.1), kd.Reservoir(-0.05, 0.1)],
        kd.PhononBath(0.1, mean_free_path=20.0), velocity=np.ones_like, length=100.0, rtol=1e-4)}


def kd_chain():
    from kwant_dissip.systems import chain

    return chain.barrier(length=60, height=0.4)


@pytest.mark.parametrize("theory", SOLVED)
def test_states_of_both_theories(theory, tmp_path):
    """Conservation from the batteries to the substrate; files hold the field bit for bit; a picture is drawn."""
    state = SOLVED[theory]().to_si(energy_unit=0.1, lattice_constant=3e-9)
    field = kd.temperature(state, TUBE)
    work = (state.reservoir_mu * state.current).sum()
    out = field.to_substrate.sum() + field.through_ends.sum() + field.lead_heat.sum()
    assert out == pytest.approx(work, rel=1e-8)
    assert field.temperature.shape == state.power.shape
    at_ends = kd.temperature(state, TUBE, heat_at_ends=True)
    assert at_ends.to_substrate.sum() + at_ends.through_ends.sum() == pytest.approx(work, rel=1e-8)
    field.save(tmp_path / "field.h5")
    loaded = kd.load(tmp_path / "field.h5")
    for entry in dataclasses.fields(field):
        np.testing.assert_array_equal(getattr(loaded, entry.name), getattr(field, entry.name), strict=True)
    assert repr(field) == repr(loaded)
    assert field.plot().axes[0].get_ylabel().startswith("$T - T")


def test_nodes_of_the_kinetic_theory():
    """They are not equally spaced: against the sum over sources in an infinite wire, by the solution's polynomials."""
    state = SOLVED["kinetic"]().to_si(energy_unit=0.1, lattice_constant=3e-9)
    field = kd.temperature(state, TUBE)
    x, power = (np.concatenate([state.interpolate(values, wire, points=64)[0 if values is state.x else 1]
                                for wire in (0, 1)]) for values in (state.x, state.power))
    edges = np.concatenate([[-3e-7], 0.5 * (x[1:] + x[:-1]), [3e-7]])
    spread = np.exp(-np.abs(state.x[:, None] - x) / HEALING) / (2 * np.sqrt(KAPPA * G))
    exact = spread @ (power * np.diff(edges))
    np.testing.assert_allclose(field.excess, exact, rtol=0, atol=2e-3 * exact.max())


def test_files_of_earlier_versions():
    """They do not say where leads are; where each couples to one site, that is at its position."""
    state = thermal_states.wire(source_in(21), 1e-8)
    old = dataclasses.replace(state, contacts=None, lead_directions=None)
    np.testing.assert_array_equal(kd.temperature(old, TUBE).excess, kd.temperature(state, TUBE).excess)
    plane = dataclasses.replace(thermal_states.sheet(np.ones((4, 4)), 1e-8), contacts=None)
    with pytest.raises(ValueError, match="saved by an earlier version"):
        kd.temperature(plane, TUBE)


def test_starting_points():
    tube, sheet = kd.thermal.nanotube_on_silica(), kd.thermal.graphene_on_silica(295.0, ends=295.0)
    assert (tube.conductivity / tube.coupling) ** 0.5 == pytest.approx(0.19e-6, rel=0.02)
    assert (sheet.conductivity / sheet.coupling) ** 0.5 == pytest.approx(48e-9, rel=0.02)
    # 3500 W/(m K) of Pop et al., with the cross section pi d 0.34 nm
    assert tube.conductivity == pytest.approx(3500 * np.pi * 1.7e-9 * 0.34e-9, rel=0.03)
    for known in (kd.thermal.nanotube_on_silica, kd.thermal.graphene_on_silica):
        with pytest.raises(ValueError, match="between 290 and 310 K, where these numbers were measured, got 4"):
            known(4)


WIRE = thermal_states.wire(np.full(10, 1e-9), 1e-9)
NUMBERS = {"conductivity": KAPPA, "coupling": G, "substrate_temperature": SUBSTRATE}


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"conductivity": -1.0}, ValueError, r"Thermal conductivity must be finite and not negative, got -1\.0"),
    ({"coupling": [1.0, -0.5]}, ValueError, r"Thermal coupling must be finite .*, got -0\.5 at site number 1"),
    ({"coupling": np.nan}, ValueError, "Thermal coupling must be finite and not negative, got nan"),
    ({"coupling": "0.1"}, ValueError, "Thermal coupling must be a number, one for each site, or a function"),
    ({"coupling": np.ones(3)}, ValueError, r"one value for each of the 10 sites; got an array of shape \(3,\)"),
    ({"substrate_temperature": 0}, ValueError, "substrate_temperature must be a positive number, in K, got 0"),
    ({"ends": "cold"}, TypeError, "ends must be a temperature in K, .insulated., or None .*, got 'cold'"),
    ({"ends": -3.0}, ValueError, r"ends must be a positive number, in K, got -3\.0"),
    ({"ends": [4.2]}, ValueError, "ends must be one for all leads, or one for each of the 2"),
    ({"conductivity": lambda kelvin: -kelvin}, ValueError, r"must be finite and not negative, got -4\.2 at"),
    ({"conductivity": lambda kelvin: "x"}, ValueError, "must return one real number for each temperature"),
    ({"coupling": lambda kelvin: 1 / 0}, kwant.UserCodeError, "Thermal coupling, .*, raised ZeroDivisionError"),
    ({"coupling": 0.0, "ends": "insulated"}, ValueError, r"no way out of 10 sites \(number 0 is the first\)"),
    ({"coupling": 0.0}, ValueError, "coupled to no substrate and has no end that is held"),
])
def test_bad_numbers_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        kd.temperature(WIRE, kd.Thermal(**NUMBERS | change))


def test_an_isolated_piece_is_refused():
    """Two pieces, of which the second has neither a substrate nor a lead."""
    state = thermal_states.on_graph(np.ones(6), np.arange(6.0)[:, None], [[0, 1], [1, 2], [3, 4], [4, 5]],
                                    [[0, 0], [1, 2]])
    with pytest.raises(ValueError, match=r"no way out of 3 sites \(number 3 is the first\)"):
        kd.temperature(state, kd.Thermal(**NUMBERS | {"coupling": [1, 1, 1, 0, 0, 0], "ends": SUBSTRATE}))


@pytest.mark.parametrize(("state", "error", "message"), [
    (dataclasses.replace(WIRE, units="model"), ValueError, r"model's units; .*state\.to_si\(energy_unit=\.\.\., "),
    (3, TypeError, "state must be a SteadyState or a KineticState, got int"),
    (thermal_states.on_graph(np.ones(2), np.zeros((2, 1)), [[0, 1]], [[0, 0]]), ValueError, "at the same place"),
    (thermal_states.on_graph(np.ones(5), [[0, 0], [1, 0], [1, 1], [0, 1], [0, 1]],
                             [[0, 1], [1, 2], [2, 3], [3, 0], [2, 4], [0, 4], [1, 3]], [[0, 0]]), ValueError,
     "Sites number [34] and [34] are at the same place"),
    (thermal_states.on_graph(np.ones(1), np.zeros((1, 1)), np.empty((0, 2), int), [[0, 0]]), ValueError,
     "Site number 0 has no hopping"),
    (thermal_states.wire(np.full(10, -1e-7), 1e-9), ValueError, "would be cooled to -"),
])
def test_bad_states_are_refused(state, error, message):
    with pytest.raises(error, match=message):
        kd.temperature(state, TUBE)


def test_solids_are_refused():
    cube = kwant.Builder()
    lattice = kwant.lattice.cubic(norbs=1)
    cube[(lattice(x, y, z) for x in range(3) for y in range(3) for z in range(3))] = 0
    cube[lattice.neighbors()] = 1
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0, 0)))
    lead[(lattice(0, y, z) for y in range(3) for z in range(3))] = 0
    lead[lattice.neighbors()] = 1
    cube.attach_lead(lead)
    with pytest.raises(ValueError, match="27 sites with 54 hoppings form a solid"):
        cells_of(graph_of(cube.finalized(), (1.0, 1.0, 1.0)))
    with pytest.raises(TypeError, match="thermal must be a Thermal, got float"):
        kd.temperature(WIRE, 4.2)


def test_too_much_power_for_what_conducts():
    """With kappa ~ 1/T^2 a wire carries away less than a certain power however hot it is."""
    thermal = kd.Thermal(conductivity=lambda kelvin: KAPPA * (SUBSTRATE / kelvin) ** 2, coupling=0.0,
                         substrate_temperature=SUBSTRATE, ends=SUBSTRATE)
    limit = KAPPA * SUBSTRATE / (9.5 * 1e-9) * 2  # from the middle of 19 sites to both ends
    below = thermal_states.wire(source_in(19, 0.5 * limit), 1e-9)
    assert kd.temperature(below, thermal).temperature.max() == pytest.approx(2 * SUBSTRATE, rel=1e-8)
    with pytest.raises(kd.ConvergenceError, match="more power than the conductances carry away"):
        kd.temperature(thermal_states.wire(source_in(19, 1.5 * limit), 1e-9), thermal)


def test_a_lead_on_two_sites_of_a_wire_goes_on_once():
    """Hoppings to second neighbours: the closed form of a point source in an infinite wire all the same."""
    lattice, builder = kwant.lattice.chain(norbs=1), kwant.Builder()
    builder[(lattice(i) for i in range(41))] = 0
    lead = kwant.Builder(kwant.TranslationalSymmetry((-2,)))
    lead[lattice(0)] = lead[lattice(1)] = 0
    for part in (builder, lead):
        part[lattice.neighbors()] = -1
        part[lattice.neighbors(2)] = -0.3
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    reservoirs = [kd.Reservoir(-1.0, 0.1), kd.Reservoir(-1.1, 0.1)]
    state = kd.steady_state(builder.finalized(), reservoirs, kd.PhononBath(0.1, rate=0.05), rtol=1e-2).to_si(0.1, 1e-9)
    power = np.zeros(len(state.power))  # a lead that reaches two cells far has added some
    power[np.argmin(np.abs(state.coordinate - state.coordinate.mean()))] = 1e-12
    assert len(state.contacts) > 2
    state = dataclasses.replace(state, power=power)
    thermal = kd.Thermal(conductivity=6e-15, coupling=0.17, substrate_temperature=100.0)
    field = kd.temperature(state, thermal)
    exact = 1e-12 / (2 * np.sqrt(6e-15 * 0.17))
    assert field.excess.max() == pytest.approx(exact, rel=1e-3)
