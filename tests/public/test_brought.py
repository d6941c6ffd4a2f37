"""Systems as users bring them: charges, families without places, units; what is solved, and what is refused by name."""

import kwant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kwant_dissip as kd

SZ = np.diag([1.0, -1.0])
BATH = kd.PhononBath(0.1, rate=0.05)


def spins(zeeman, *, conserved=True, spin_orbit=0.0):
    """A ribbon of two sites with a Zeeman field, cells of two columns: bands of the spins mirror each other."""
    lattice = kwant.lattice.square(norbs=2)
    law = -SZ if conserved else None
    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-2, 0)), conservation_law=law)
    for builder, columns in ((device, 4), (lead, 2)):
        builder[(lattice(x, y) for x in range(columns) for y in range(2))] = zeeman * SZ
        builder[lattice.neighbors()] = -np.eye(2) + 1j * spin_orbit * SZ
    device.attach_lead(lead)
    device.attach_lead(lead.reversed())
    return device.finalized()


def solved(syst, **options):
    return kd.steady_state(syst, [kd.Reservoir(0.3, 0.1), kd.Reservoir(0.1, 0.1)], BATH, **options)


@settings(max_examples=4)
@given(st.floats(0.05, 1.0))
def test_spins_are_no_holes(zeeman):
    """A conserved spin changes nothing, whether the bands mirror each other or not."""
    np.testing.assert_allclose(solved(spins(zeeman)).power, solved(spins(zeeman, conserved=False)).power, rtol=1e-9)


def test_charges_can_be_named():
    syst = spins(0.2)
    for charge in (1, -1.0, np.eye(2), lambda site: 1.0, lambda site: 2 * np.eye(2)):
        assert solved(syst, charge=charge).current[0] == solved(syst).current[0]
    response = kd.linear_response(syst, BATH, mu=0.2, charge=1)
    assert response.conductance == pytest.approx(kd.linear_response(syst, BATH, mu=0.2).conductance)
    for charge, message in ((SZ, r"charge has the values \[-1.0, 1.0\].*superconductors"), (0, "charge has the values"),
                            (np.eye(3), "charge must be .* 2 orbitals of site"), (np.inf, "charge must be"),
                            (np.array([[0, 1], [0, 0]]), "charge must be"), ("tau_z", "charge must be")):
        with pytest.raises(ValueError, match=message):
            solved(syst, charge=charge)

    def fails(site):
        raise KeyError(site)
    with pytest.raises(kwant.UserCodeError, match=r"charge.*KeyError"):
        solved(syst, charge=fails)


def electrons_and_holes(h):
    """Bogoliubov and de Gennes: the hopping of the holes is minus the conjugate of the electrons'."""
    lattice = kwant.lattice.chain(norbs=2)
    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-2,)), conservation_law=-SZ)
    for builder, sites in ((device, 4), (lead, 2)):
        builder[(lattice(i) for i in range(sites))] = h * SZ
        builder[lattice.neighbors()] = -np.diag([1.0, -1.0])
    device.attach_lead(lead)
    device.attach_lead(lead.reversed())
    return device.finalized()


@pytest.mark.parametrize("h", [0.3, 1.0])
def test_holes_are_told_by_their_hoppings(h):
    with pytest.raises(ValueError, match=r"Lead 0 describes electrons and holes.*charge=1"):
        solved(electrons_and_holes(h))
    assert solved(electrons_and_holes(h), charge=1).particle_residual == pytest.approx(0, abs=1e-10)


class Nowhere(kwant.builder.SiteFamily):
    """Sites without positions."""

    def __init__(self, name, norbs):
        super().__init__(f"nowhere {name}", name, norbs)

    def normalize_tag(self, tag):
        return tag


def side_dot(dot):
    """A strip with a dot at its side, of any family."""
    lattice = kwant.lattice.square(norbs=1)
    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    device[(lattice(x, y) for x in range(4) for y in range(2))] = 0
    lead[(lattice(0, y) for y in range(2))] = 0
    for builder in (device, lead):
        builder[lattice.neighbors()] = -1
    site = dot(lattice)
    device[site] = 0.2
    device[site, lattice(2, 1)] = -0.4
    device.attach_lead(lead)
    device.attach_lead(lead.reversed())
    return device.finalized()


@pytest.mark.parametrize("dot", [lambda square: kwant.lattice.chain(norbs=1, name="dot")(0),
                                 lambda square: Nowhere("dot", 1)(0)])
def test_transport_needs_no_positions(dot, tmp_path):
    """A dot of a family in another space, or in none: as one with a place. What needs places refuses by name."""
    def solve(system, **options):
        return kd.steady_state(system, [kd.Reservoir(-0.6, 0.1), kd.Reservoir(-0.8, 0.1)], BATH, **options)
    syst = side_dot(dot)
    there, here = solve(side_dot(lambda square: square(2, 2))), solve(syst)
    np.testing.assert_allclose(here.current, there.current, rtol=1e-9)
    np.testing.assert_allclose(np.sort(here.power), np.sort(there.power), rtol=1e-9)
    assert np.count_nonzero(np.isnan(here.positions).any(axis=1)) == 1
    solve(syst, electrostatics=kd.Poisson(0.5))  # on the graph of hoppings
    free = kd.PhononBath(0.1, mean_free_path=10.0)
    kd.steady_state(syst, [kd.Reservoir(-0.6, 0.1), kd.Reservoir(-0.8, 0.1)], free)
    assert "current" in here._repr_html_()
    here.save(tmp_path / "state.h5")
    assert kd.load(tmp_path / "state.h5").to_xarray().sizes["site"] == 9
    for needs in (here.plot, lambda: kd.heat_spots(here), lambda: here.coordinate, lambda: here.graph):
        with pytest.raises(ValueError, match="need the positions of all sites"):
            needs()
    with pytest.raises(ValueError, match=r"CoulombKernel of two positions needs .* family 'dot'"):
        solve(syst, electrostatics=kd.CoulombKernel(lambda a, b: 1.0))


def test_landau_levels():
    """kwant.continuum.discretize_landau: places along one direction, a symmetry in two; as the effective chains."""
    continuum = pytest.importorskip("kwant.continuum", reason="kwant.continuum needs sympy")
    template = continuum.discretize_landau("(k_x**2+k_y**2+k_z**2)/2", N=2)
    seed = next(iter(template.sites()))
    device, lead = kwant.Builder(), kwant.Builder(template.symmetry)
    device.fill(template, lambda site: 0 <= site.pos[0] < 6, seed)
    lead.fill(template, lambda site: True, seed)
    device.attach_lead(lead)
    device.attach_lead(lead.reversed())
    field = 0.5
    reservoirs = [kd.Reservoir(1.2, 0.1), kd.Reservoir(0.9, 0.1)]
    state = kd.steady_state(device.finalized(), reservoirs, BATH, params={"B": field})
    np.testing.assert_array_equal(state.lead_directions, [[1.0], [-1.0]])
    # Each level n is a chain of its own, with the bottom B (n + 1/2).
    chain, current = kwant.lattice.chain(norbs=1), 0.0
    for level in range(2):
        one, end = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1,)))
        one[(chain(i) for i in range(6))] = end[chain(0)] = 1 + field * (level + 0.5)
        one[chain.neighbors()] = end[chain.neighbors()] = -0.5
        one.attach_lead(end)
        one.attach_lead(end.reversed())
        current += kd.steady_state(one.finalized(), reservoirs, BATH).current[0]
    assert state.current[0] == pytest.approx(current, rel=1e-6)


def ribbon(unit, flux=0.0):
    """Three chains, in a field or not, in another unit of energy."""
    lattice = kwant.lattice.square(norbs=1)
    device, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    for builder, columns in ((device, 6), (lead, 1)):
        builder[(lattice(x, y) for x in range(columns) for y in range(3))] = 0
        builder[kwant.builder.HoppingKind((1, 0), lattice, lattice)] = lambda a, b: -unit * np.exp(1j * flux * a.tag[1])
        builder[kwant.builder.HoppingKind((0, 1), lattice, lattice)] = -unit
    device[lattice(3, 0)] = 0.5 * unit
    device.attach_lead(lead)
    device.attach_lead(lead.reversed())
    return kd.steady_state(device.finalized(), [kd.Reservoir(-1.0 * unit, 0.1 * unit),
                                                kd.Reservoir(-1.1 * unit, 0.1 * unit)],
                           kd.PhononBath(0.1 * unit, rate=0.05 * unit))


@pytest.mark.parametrize("flux", [0.0, 0.3])
@pytest.mark.parametrize("unit", [2e-9, 1e-3, 1e12])
def test_units_of_energy(unit, flux):
    """The same numbers in each, from 1e-9 on; below, as in joule, the error says which unit would be right."""
    one, other = ribbon(1.0, flux), ribbon(unit, flux)
    for name, power in (("current", 1), ("power", 2), ("density", 0), ("fermi_wavelength", 0)):
        np.testing.assert_allclose(getattr(other, name) / unit ** power, getattr(one, name), rtol=1e-6)


def test_joule():
    with pytest.raises(ValueError, match=r"largest energy .* is 1.6e-19.*in eV, not in joule"):
        ribbon(1.6e-19)
