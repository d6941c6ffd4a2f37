"""Heat and cold spots: broad ones, single sites, ends, and what is none."""

import kwant
import numpy as np
import pytest
from hypothesis import given
from scipy.signal import find_peaks

import kwant_dissip as kd
from kwant_dissip.analysis.spots import _prominences
from kwant_dissip.systems import chain, ribbon
from models import floats
from synthetic import grid, state_of


@given(floats(20, 60), floats(4, 12), floats(2, 5), floats(0.5, 2))
def test_spots_of_a_known_profile(center, width, wavelength, spacing):
    """A bump and its mirror image below, with standing waves on top that smoothing removes."""
    x = spacing * np.arange(int(160 / spacing))
    bumps = np.exp(-((x - center) / width) ** 2) - np.exp(-((x - center - 70) / width) ** 2)
    waves = np.cos(4 * np.pi * x / wavelength) if spacing < wavelength / 4 else 0.0
    spots = kd.heat_spots(state_of(bumps + waves, spacing=spacing, wavelength=wavelength), prominence=0.05)
    assert [spot.kind for spot in spots] == ["heat", "cold"]
    assert not any(spot.is_end or spot.is_single for spot in spots)
    for spot, place in zip(spots, (center, center + 70), strict=True):
        assert spot.position == pytest.approx(place, abs=spacing)
    assert spots[0].power == pytest.approx(-spots[1].power, rel=0.15)
    assert 0 < spots[0].power < 1.2


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("length", [3.0, 8.0, 30.0])
def test_a_decay_is_hot_at_one_end(sign, length):
    """Where it begins; where it has decayed is no cold spot."""
    decay = sign * np.exp(-np.arange(200) / length)
    for power, place in ((decay, 0.0), (decay[::-1], 199.0)):
        spot, = kd.heat_spots(state_of(power, wavelength=4.0))
        assert (spot.kind, spot.position, spot.is_end) == ("heat" if sign > 0 else "cold", place, True)
        assert 0.2 < sign * spot.power < 1


def test_ends_count_on_a_line_and_in_a_plane():
    """The same profile along a chain and along a ribbon, hot at one end."""
    profile = 0.2 + np.exp(-np.arange(60) / 6)
    line, = kd.heat_spots(state_of(profile))
    positions, bonds = grid(60, 4)
    plane, = kd.heat_spots(state_of(profile[positions[:, 0].astype(int)], positions, bonds))
    assert line.is_end
    assert plane.is_end
    assert (line.kind, line.position) == (plane.kind, plane.position[0]) == ("heat", 0.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_single_sites(sign):
    """One hot site, or two beside each other, far narrower than the window, on a line, in a plane, on noise."""
    noise = 0.1 * np.random.default_rng(1).normal(size=600)
    line = 1 + noise[:100]
    line[40] += 20 * sign
    line[[70, 71]] += 20 * sign
    kind = "heat" if sign > 0 else "cold"
    found = [spot for spot in kd.heat_spots(state_of(line, wavelength=12.0)) if spot.is_single]
    first, second = found
    assert (first.kind, first.position, first.power) == (kind, 40.0, line[40])
    assert first.prominence == pytest.approx(20, abs=0.5)
    assert second.position in (70.0, 71.0)
    positions, bonds = grid(30, 20)
    plane = 1 + noise
    plane[30 * 10 + 7] += 20 * sign
    found, = (spot for spot in kd.heat_spots(state_of(plane, positions, bonds)) if spot.is_single)
    assert (found.kind, found.position) == (kind, tuple(positions[307]))


@given(floats(4, 15), floats(3, 40), floats(0, 3))
def test_standing_waves_are_no_single_sites(wavelength, decay, phase):
    """However fast they decay away from a scatterer at the end."""
    x = np.arange(200)
    power = np.exp(-x / 60) + np.cos(4 * np.pi * x / wavelength + phase) * np.exp(-x / decay)
    assert not any(spot.is_single and spot.position > wavelength
                   for spot in kd.heat_spots(state_of(power, wavelength=wavelength)))


def test_an_island_of_one_site_is_a_spot():
    """Phonons on one site only: nothing to compare it with but the others, where there is no heat."""
    spot, = kd.heat_spots(state_of([0, 0, 3, 0, 0], wire=[-1, -1, 0, -1, -1]))
    assert (spot.kind, spot.position, spot.power, spot.is_single) == ("heat", 2.0, 3.0, True)
    positions, bonds = grid(4, 3)
    wire = np.full(12, -1)
    wire[5] = 0
    spot, = kd.heat_spots(state_of(np.where(wire == 0, -1.0, 0.0), positions, bonds, wire=wire))
    assert (spot.kind, spot.position) == ("cold", (1.0, 2.0))


def test_an_empty_list_says_why():
    positions, bonds = grid(20, 8)
    for state, reason in ((state_of(np.zeros(50)), "0 everywhere"),
                          (state_of(np.ones(50), wire=np.full(50, -1)), "No site is coupled"),
                          (state_of(np.ones(50)), "from 1 to 1 per site"),
                          (state_of(np.ones(160), positions, bonds), "no maximum or minimum")):
        found = kd.heat_spots(state)
        assert found == []
        assert reason in found.reason
    assert kd.heat_spots(state_of([0, 0, 3, 0, 0], wire=[-1, -1, 0, -1, -1])).reason is None


def test_the_readmes_model():
    """A smooth bump: the wire behind it is heated where it begins, the one before it cooled where it ends."""
    lattice = kwant.lattice.chain(norbs=1)
    builder, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    builder[(lattice(i) for i in range(-150, 151))] = lambda site: 0.6 * np.exp(-(site.tag[0] / 3) ** 2)
    lead[lattice(0)] = 0
    for part in (builder, lead):
        part[lattice.neighbors()] = -1
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    bath = kd.PhononBath(0.05, mean_free_path=lambda site: 30 if abs(site.tag[0]) > 10 else np.inf)
    state = kd.steady_state(builder.finalized(), [kd.Reservoir(-1.45, 0.05), kd.Reservoir(-1.55, 0.05)], bath,
                            rtol=1e-3)
    found = [(spot.kind, spot.wire, spot.position, spot.is_end) for spot in kd.heat_spots(state)]
    assert found == [("cold", 0, -11.0, True), ("heat", 1, 11.0, True)]


def test_a_dot_with_phonons_of_its_own():
    """Phonons on the dot alone, and on all sites: the dot is a single hot site."""
    syst = chain.resonant_dot(length=40).finalized()
    reservoirs = [kd.Reservoir(-1.4, 0.02), kd.Reservoir(-1.8, 0.02)]
    for rate in (lambda site: 0.02 * (site.tag[0] == 0), lambda site: 0.02):
        spots = kd.heat_spots(kd.steady_state(syst, reservoirs, kd.PhononBath(0.02, rate=rate), rtol=1e-2))
        single, = (spot for spot in spots if spot.is_single)
        assert (single.kind, single.position) == ("heat", 0.0)


def test_a_wire_in_three_dimensions():
    """Cross sections of 3 x 3 around a barrier: hot next to it, on the side where the electrons arrive."""
    cubic, shape = kwant.lattice.cubic(norbs=1), (30, 3, 3)
    builder, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0, 0)))
    builder[(cubic(*tag) for tag in np.ndindex(shape))] = lambda site: 6 + 1.5 * (site.tag[0] == 15)
    lead[(cubic(0, y, z) for y, z in np.ndindex(shape[1:]))] = 6
    for part in (builder, lead):
        part[cubic.neighbors()] = -1
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    state = kd.steady_state(builder.finalized(), [kd.Reservoir(3.2, 0.1), kd.Reservoir(2.9, 0.1)],
                            kd.PhononBath(0.1, rate=lambda site: 0.05 * (site.tag[0] != 15)), rtol=1e-2)
    hottest = max(kd.heat_spots(state), key=lambda spot: spot.power)
    assert (hottest.kind, hottest.wire, hottest.is_end) == ("heat", 1, True)
    assert 16 <= hottest.position[0] <= 19


def test_spots_on_a_map_are_the_bumps_it_was_made_of():
    """A hot and a cold bump, standing waves on top that the average removes, on a square lattice."""
    positions, bonds = grid(60, 24)
    hot, cold = np.array([15.0, 8.0]), np.array([44.0, 15.0])
    power = (np.exp(-((positions - hot) ** 2).sum(axis=1) / 25) - np.exp(-((positions - cold) ** 2).sum(axis=1) / 25)
             + 0.5 * np.cos(np.pi * positions[:, 0]))
    spots = kd.heat_spots(state_of(power, positions, bonds, wavelength=4.0), prominence=0.2)
    assert [spot.kind for spot in spots] == ["heat", "cold"]
    for spot, place in zip(spots, (hot, cold), strict=True):
        np.testing.assert_allclose(spot.position, place, atol=1)
        assert 0.4 < abs(spot.power) < 1
        assert spot.prominence == pytest.approx(np.ptp([spot.power for spot in spots]), rel=0.05)


def test_prominence_on_a_line_is_that_of_scipy():
    """The graph of a chain: what find_peaks says, but for the highest, which counts from the lowest place of all."""
    height = np.random.default_rng(3).normal(size=200)
    height[[0, -1]] = -9.0
    found = _prominences(height, np.stack([np.arange(199), np.arange(1, 200)], axis=1))
    peaks, properties = find_peaks(height, prominence=1e-12)
    assert sorted(found) == peaks.tolist()
    np.testing.assert_allclose([found[i] for i in peaks], properties["prominences"])


def test_spots_of_a_ribbon_in_a_field_follow_the_field():
    """The mirror image of a ribbon is the ribbon in the opposite field; more heat on one side than on the other."""
    found = []
    for flux in (0.06, -0.06):
        syst = ribbon.ribbon(length=14, width=6, flux=flux).finalized()
        state = kd.steady_state(syst, [kd.Reservoir(-2.95, 0.1), kd.Reservoir(-3.05, 0.1)],
                                kd.PhononBath(0.1, rate=0.1), rtol=1e-3)
        found.append({(spot.kind, spot.position): spot.power for spot in kd.heat_spots(state, window=3.0)})
    assert {kind for kind, _ in found[0]} == {"heat", "cold"}
    mirrored = {(kind, (x, 5 - y)): power for (kind, (x, y)), power in found[1].items()}
    assert found[0] == pytest.approx(mirrored, rel=1e-2)
    assert found[0].keys() != found[1].keys()


@pytest.mark.parametrize(("options", "message"), [({"window": 0.0}, "window"), ({"prominence": 2.0}, "prominence"),
                                                  ({"prominence": "a"}, "prominence"),
                                                  ({"prominence": None}, "prominence"),
                                                  ({"prominence": np.nan}, "prominence")])
def test_bad_options_of_heat_spots(options, message):
    with pytest.raises(ValueError, match=f"{message} must be .*, got"):
        kd.heat_spots(state_of(np.ones(5)), **options)
