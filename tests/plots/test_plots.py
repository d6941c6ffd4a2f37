"""Pictures of results: what is drawn where, in which units, and what is marked."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection

import kwant_dissip as kd
from kwant_dissip.plots.shapes import filled
from kwant_dissip.plots.style import colours, in_units
from kwant_dissip.systems import chain, graphene, ribbon
from solids import solid
from synthetic import grid, state_of

RESERVOIRS = [kd.Reservoir(-0.9, 0.2), kd.Reservoir(-1.1, 0.2)]


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def line():
    bath = kd.PhononBath(0.05, mean_free_path=lambda site: 12.0 if chain.in_wires(site) else np.inf)
    syst = chain.resonant_dot(length=60, coupling=0.5, level=-0.9).finalized()
    return kd.steady_state(syst, [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], bath, rtol=1e-3)


@pytest.fixture(scope="module")
def plane():
    bath = kd.PhononBath(0.2, rate=lambda site: 0.1 * (site.tag[0] != 2))
    return kd.steady_state(ribbon.ribbon(length=6, width=3).finalized(), RESERVOIRS, bath, rtol=1e-2)


def square_ring(size=4, arm=3):
    """A ring of wires with two arms: positions and hoppings."""
    tags = [(x, y) for x in range(-size, size + 1) for y in range(-size, size + 1) if max(abs(x), abs(y)) == size]
    tags += [(sign * (size + step), 0) for sign in (-1, 1) for step in range(1, arm + 1)]
    number = {tag: i for i, tag in enumerate(tags)}
    bonds = [(i, number[x + dx, y + dy]) for (x, y), i in number.items() for dx, dy in ((1, 0), (0, 1))
             if (x + dx, y + dy) in number]
    return np.array(tags, float), np.array(bonds)


def test_a_line_is_drawn_as_curves(line):
    figure = line.plot()
    above, below = figure.axes
    assert "power per site ($E_0" in above.get_ylabel()
    assert r"\mu" in below.get_ylabel()
    assert below.get_xlabel() == "position $x$ (lattice unit)"
    drawn = np.concatenate([curve.get_ydata() for curve in above.lines if curve.get_alpha() == 0.4])
    np.testing.assert_allclose(np.sort(drawn), np.sort(line.power[line.wire >= 0]))
    figure.canvas.draw()


def test_si_has_prefixes(line):
    """Numbers between 1 and 1000 on the axes: pW and nm, as a thermal image has them."""
    si = line.to_si(0.1, 1e-9)
    above, below = si.plot().axes
    assert below.get_xlabel() == "position $x$ (nm)"
    factor, unit = in_units(si.power, "power", "SI")
    assert above.get_ylabel() == f"power per site ({unit})"
    assert unit[-1] == "W"
    assert len(unit) == 2
    assert 1 <= factor * np.abs(si.power).max() < 1000
    assert below.get_ylabel().endswith("(meV)")
    drawn = np.concatenate([curve.get_ydata() for curve in above.lines if curve.get_alpha() == 0.4])
    assert np.abs(drawn).max() == pytest.approx(factor * np.abs(si.power).max())
    with_electrons = dataclasses.replace(si, electron_temperature=np.full_like(si.power, 300.0))
    assert with_electrons.plot(fields="electron_temperature").axes[0].get_ylabel().endswith("$T_e$ (K)")


def test_axes_of_the_users(line, plane):
    """All that there is, one, or as many as fields were asked for; an array of them, too."""
    for state in (line, plane):
        _, axes = plt.subplots(2, 3)
        assert state.plot(axes[:, 0]) is axes[0, 0].figure
        assert state.plot(axes[0, 1]) is axes[0, 0].figure
        state.plot(axes[:, 2], fields=["density", "mu"])
        assert axes[1, 1].has_data() is False
        assert any("electrons per site" in axis.get_ylabel() for axis in axes[0, 0].figure.axes)
        with pytest.raises(ValueError, match="axes must be 2 for power, mu, got 3"):
            state.plot(axes[0])
        with pytest.raises(ValueError, match="axes must be 1 for power, got 2"):
            state.plot(axes[:, 0], fields="power")
        with pytest.raises(TypeError, match="axes must be a matplotlib axis, or a sequence of them, got 'a'"):
            state.plot("a")
        with pytest.raises(ValueError, match=r"fields must be of power, .*, got 'wire'"):
            state.plot(fields=["power", "wire"])


def test_labels_fit_the_users_axes(line):
    """In six panels of a paper they take two lines, and say the same."""
    figure, axes = plt.subplots(2, 3, figsize=(7, 4.2))
    line.plot(axes[0, 0], fields="mu")
    label = axes[0, 0].yaxis.label
    assert label.get_text().split() == line.plot(fields="mu").axes[0].get_ylabel().split()
    assert label.get_window_extent().height <= axes[0, 0].get_window_extent().height < figure.bbox.height / 2


def test_every_axis_of_the_users_has_its_abscissa(line):
    """Unless it is shared with one below: a row of panels has none."""
    response = kd.linear_response(chain.barrier(length=8).finalized(), kd.PhononBath(0.2, rate=0.1), mu=-1.0)
    for shown in (line, response):
        for shared, labels in ((False, ["position", "position", "", ""]), (True, ["", "position", "", ""])):
            _, axes = plt.subplots(2, 2, sharex=shared)
            shown.plot(axes[0])
            assert [axis.get_xlabel().split(" ")[0] for axis in axes.flat] == labels


def test_a_dot_alone_is_shown_in_its_wires():
    bath = kd.PhononBath(0.05, rate=lambda site: 0.1 * (not chain.in_wires(site)))
    state = kd.steady_state(chain.resonant_dot(length=9).finalized(), RESERVOIRS, bath, rtol=1e-2)
    low, high = state.plot().axes[0].get_xlim()
    assert low < -9 < 9 < high


def test_maps_keep_their_labels_in_the_figure():
    syst = ribbon.ribbon(length=30, width=6).finalized()
    bath = kd.PhononBath(0.2, rate=0.1)
    state = kd.steady_state(syst, RESERVOIRS, bath, rtol=1e-2)
    field = kd.temperature(state.to_si(0.1, 3e-9), kd.thermal.graphene_on_silica())
    for shown in (kd.linear_response(syst, bath, mu=-1.0, rtol=1e-2), state, field):
        figure = shown.plot()
        figure.canvas.draw()
        for axis in figure.axes:
            box = axis.get_tightbbox()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.width


def test_spots_and_legend(line):
    """Every spot has a mark, ends a white one; both can be left out."""
    spots = kd.heat_spots(line)
    assert spots
    marked = line.plot().axes[0]
    marks = [curve for curve in marked.lines if curve.get_marker() in ("^", "v")]
    assert sum(len(curve.get_xdata()) for curve in marks) == len(spots)
    assert {curve.get_markerfacecolor() == "white" for curve in marks} == {spot.is_end for spot in spots}
    assert marked.get_legend() is not None
    plain = line.plot(spots=False, legend=False).axes[0]
    assert not [curve for curve in plain.lines if curve.get_marker() in ("^", "v")]
    assert plain.get_legend() is None


def test_spots_of_maps_and_solids_are_marked():
    positions, bonds = grid(30, 12)
    power = np.exp(-((positions - [10.0, 6.0]) ** 2).sum(axis=1) / 9)
    axis = state_of(power, positions, bonds).plot(fields="power").axes[0]
    (x, y), = (curve.get_xydata()[0] for curve in axis.lines if curve.get_marker() == "^")
    assert (x, y) == (10.0, 6.0)
    state = solid(shape=(30, 2, 2))
    spots = kd.heat_spots(state)
    panels = state.plot().axes[:4]
    for panel in (panels[0], *panels[2:]):
        assert sum(len(curve.get_xdata()) for curve in panel.lines if curve.get_marker() in ("^", "v")) == len(spots)


def test_spots_of_a_solid_lie_on_its_averaged_power():
    """Standing waves are faint, and a broad spot is where the average is highest."""
    state = solid(shape=(40, 2, 2))
    rough = 0.5 * (-1.0) ** state.positions[:, 0]
    state = dataclasses.replace(state, power=rough + 2 * np.exp(-((state.positions[:, 0] - 17) / 5) ** 2))
    axis = state.plot().axes[0]
    averaged, = (curve for curve in axis.lines if curve.get_label() == "averaged")
    sections, = (curve for curve in axis.lines if curve.get_label() == "each cross section")
    assert sections.get_ydata().sum() == pytest.approx(state.power.sum())
    marks = np.concatenate([curve.get_xydata() for curve in axis.lines if curve.get_marker() in ("^", "v")])
    np.testing.assert_array_equal(marks[:, 1], np.interp(marks[:, 0], *averaged.get_data()))
    x, y = marks[np.argmax(marks[:, 1])]
    assert abs(x - 17) <= 1
    assert y == averaged.get_ydata().max()


def test_a_plane_is_filled():
    """The cells of a square lattice and of graphene cover their sheets without gaps; unknown sites are grey."""
    ends = kd.PhononBath(0.3, rate=0.3)
    sheet = kd.steady_state(graphene.constriction(length=6.0, width=4.0, neck=4.0, extent=1.0).finalized(),
                            [kd.Reservoir(0.1, 0.3), kd.Reservoir(0.0, 0.3)], ends, rtol=1e-2)
    positions, bonds = grid(7, 4)
    values = np.arange(28.0)
    values[3] = np.nan
    cases = ((positions, bonds, values, 1.0), (sheet.positions, sheet.bonds, sheet.power, np.sqrt(3) / 4))
    for places, hoppings, shown, area in cases:
        _, axis = plt.subplots()
        drawn = filled(axis, places, shown, hoppings)
        grey, known = axis.collections
        assert known is drawn
        assert all(isinstance(part, PolyCollection) for part in (grey, known))
        assert len(grey.get_paths()) == np.isnan(shown).sum()
        assert len(known.get_paths()) == len(known.get_array()) == np.isfinite(shown).sum()
        for path in known.get_paths():
            x, y = path.vertices[:-1].T
            assert 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) == pytest.approx(area)


def test_a_network_is_lines():
    """Every site colours the halves of its hoppings; leads go on as stubs."""
    positions, bonds = square_ring()
    power = np.arange(1.0, len(positions) + 1)
    figure = state_of(power, positions, bonds, wavelength=2.0).plot(fields="power")
    drawn = figure.axes[0].collections[-1]
    assert isinstance(drawn, LineCollection)
    counts = np.bincount(bonds.ravel())
    assert sorted(drawn.get_array()) == sorted(np.repeat(power, counts))
    length = sum(np.linalg.norm(np.diff(piece, axis=0)) for piece in drawn.get_segments())
    assert length == pytest.approx(len(bonds))


def test_colours_have_one_side_where_power_has():
    """White is 0: at one end where power is nowhere negative, and the part of both sides that is there."""
    assert colours(np.array([0.0, 2.0, np.nan]), True) == ("Reds", (0.0, 2.0))
    assert colours(np.array([-1e-9, 2.0]), True) == ("Reds", (0.0, 2.0))
    assert colours(np.array([-3.0, -1.0]), True) == ("Blues_r", (-3.0, 0.0))
    chosen, (low, high) = colours(np.array([-1.0, 3.0]), True)
    assert (low, high) == (-1.0, 3.0)
    np.testing.assert_allclose(chosen(0.25), plt.get_cmap("RdBu_r")(0.5), atol=0.02)
    assert colours(np.array([-1.0, 3.0]), True, "magma")[0].name == "magma"
    assert colours(np.array([1.0, 3.0]), False) == ("cividis", (1.0, 3.0))


def test_the_current_is_beside_the_power(plane):
    """Arrows on a panel of their own, along the current, thinned."""
    figure = plane.plot(arrows=True)
    power, current, _ = (axis for axis in figure.axes if axis.get_xlabel())
    assert len(power.collections) == 2
    quiver = current.collections[-1]
    assert np.all(quiver.U > 0)
    assert len(quiver.U) <= len(plane.power)
    big = state_of(np.ones(2000), *grid(100, 20))
    big = dataclasses.replace(big, bond_current=np.ones(len(big.bonds)))
    assert len(big.plot(fields="current").axes[0].collections[-1].U) < 150


def test_bars_are_as_tall_as_their_panels(plane):
    """With a layout engine and without."""
    for options in ({}, {"layout": "constrained"}):
        figure, axis = plt.subplots(figsize=(4, 6), **options)
        plane.plot(axis)
        figure.canvas.draw()
        beside, = (other for other in figure.axes if other is not axis)
        panel, bar = (part.get_window_extent() for part in (axis, beside))
        assert bar.height == pytest.approx(panel.height, rel=0.01)
        assert bar.x0 > panel.x1


def test_a_bar_does_not_write_over_its_power_of_ten():
    """Nor where its label is longer than itself."""
    positions, bonds = grid(60, 4)
    figure = state_of(1e-6 * positions[:, 0], positions, bonds).plot(fields="power")
    figure.canvas.draw()
    axis = figure.axes[-1].yaxis
    power, label = axis.get_offset_text(), axis.label
    assert power.get_text()
    assert label.get_window_extent().height > figure.axes[-1].get_window_extent().height
    assert not label.get_window_extent().overlaps(power.get_window_extent())


def test_potential_has_a_panel_of_its_own():
    syst = ribbon.ribbon(length=6, width=3).finalized()
    state = kd.steady_state(syst, RESERVOIRS, kd.PhononBath(0.2, rate=0.1), electrostatics=kd.Neutrality(), rtol=1e-2)
    assert len([axis for axis in state.plot().axes if axis.get_xlabel()]) == 3


def test_linear_response_is_drawn_and_shown():
    for builder in (chain.barrier(length=8), ribbon.ribbon(length=5, width=3)):
        response = kd.linear_response(builder.finalized(), kd.PhononBath(0.2, rate=0.1), mu=-1.0, temperature=0.2)
        figure = response.plot()
        assert len([axis for axis in figure.axes if axis.get_ylabel()]) >= 3
        _, axis = plt.subplots()
        response.plot(axis, fields="mu1")
        html = response._repr_html_()
        assert f"{2 * np.pi * response.conductance:.4g} e^2/h" in html
        assert "data:image/png;base64," in html
        with pytest.raises(ValueError, match=r"fields must be of power1, .*, got 'electron_mu1'"):
            response.plot(fields="electron_mu1")


def test_temperatures_and_images_show_themselves():
    state = kd.steady_state(chain.barrier(length=20).finalized(), RESERVOIRS, kd.PhononBath(0.2, rate=0.1), rtol=1e-2)
    field = kd.temperature(state.to_si(0.1, 3e-9), kd.Thermal(conductivity=6e-15, coupling=0.17,
                                                              substrate_temperature=300.0))
    _, axis = plt.subplots()
    field.plot(axis)
    assert axis.get_ylabel().startswith("$T - T")
    before = plt.get_fignums()
    for shown in (field, kd.thermal_image(field, kd.Tip(2e-8))):
        assert "data:image/png;base64," in shown._repr_html_()
    assert plt.get_fignums() == before
    with pytest.raises(ValueError, match=r"fields must be of excess, .*, got 'power'"):
        field.plot(fields="power")


def test_lists_and_closed_forms_show_themselves(line):
    """Spots with why there are none, the heat of a wire, electrons, closed forms: tables; in lists a line each."""
    spots = kd.heat_spots(line)
    assert spots._repr_html_().count("<tr>") == 1 + len(spots) > 1
    assert f"{spots[0].power:.4g}" in spots._repr_html_()
    quiet = kd.steady_state(chain.barrier(length=8).finalized(), 2 * [kd.Reservoir(-1.0, 0.2)],
                            kd.PhononBath(0.2, rate=0.1), rtol=1e-2)
    none = kd.heat_spots(quiet)
    assert none.reason in none._repr_html_()
    heat, electrons = kd.local_heat(line)[0], kd.local_electrons(line)
    for shown, texts in ((heat, (f"{heat.resistivity.max():.4g}", f"{np.trapezoid(heat.joule, heat.x):.4g}")),
                         (electrons, (f"{np.nanmax(electrons.temperature):.4g}", f"{len(line.power)} sites"))):
        for text in texts:
            assert text in shown._repr_html_()
            assert text in repr(shown)
        assert "\n" not in repr(shown)
    closed = kd.analytic.constant_mean_free_path(lambda energy: 0.3 + 0 * energy, temperature=0.1, drop=0.1,
                                                 mean_free_path=2.0)
    assert f"{closed.current:.4g} E0/hbar" in closed._repr_html_()
    landauer = kd.analytic.landauer_heat(lambda energy: 0.3 + 0 * energy, RESERVOIRS)
    assert f"{landauer.heat_left:.4g} E0^2/hbar" in landauer._repr_html_()


def test_a_notebook_shows_a_figure_once(line, monkeypatch):
    """As IPython asks: the value of a cell shows itself unless all open figures are shown at the cell's end."""
    figure = line.plot()
    with pytest.raises(NotImplementedError):
        figure._ipython_display_()
    monkeypatch.setattr("matplotlib.get_backend", lambda: "module://matplotlib_inline.backend_inline")
    assert figure._ipython_display_() is None
    plt.close(figure)
    with pytest.raises(NotImplementedError):
        figure._ipython_display_()
