"""What a tip sees: convolutions against closed forms, contrast, noise, files, what is refused."""

import dataclasses
import runpy

import kwant
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.constants import Boltzmann, eV, hbar
from scipy.special import erfc

import kwant_dissip as kd
import thermal_states
from kwant_dissip.cli import main
from kwant_dissip.figures.wire_image import Wire
from paths import CLONE

KAPPA, G = 6e-15, 0.17
HEALING = np.sqrt(KAPPA / G)
TUBE = kd.Thermal(conductivity=KAPPA, coupling=G, substrate_temperature=4.2)
SHEET = kd.Thermal(conductivity=1.2e-7, coupling=5e7, substrate_temperature=300, ends="insulated")


def peaked(sites=2001):
    """A field that falls from its middle as exp(-|x| / l), l 100 sites; excess 1 in the middle."""
    heat = np.zeros(sites)
    heat[sites // 2] = 2 * np.sqrt(KAPPA * G)
    return kd.temperature(thermal_states.wire(heat, HEALING / 100), TUBE)


@pytest.fixture(scope="module")
def flat():
    """A sheet that is 1 K hotter than its substrate everywhere."""
    return kd.temperature(thermal_states.sheet(np.full((120, 80), 5e7 * 1e-18), 1e-9), SHEET)


def test_a_gaussian_on_an_exponential():
    """Sum of exp(s^2/2 +- x) erfc((s +- x/s) / sqrt(2)) / 2, in healing lengths, s the standard deviation."""
    field = peaked()
    middle = field.positions[1000, 0]
    x = np.linspace(-3, 3, 41)
    for width in (0.1, 1.0, 3.0):
        s = width / np.sqrt(8 * np.log(2))
        exact = sum(0.5 * np.exp(0.5 * s ** 2 + sign * x) * erfc((s + sign * x / s) / np.sqrt(2)) for sign in (1, -1))
        seen = kd.thermal_image(field, kd.Tip(width * HEALING), x=middle + x * HEALING).values[0]
        np.testing.assert_allclose(seen, exact, rtol=0, atol=3e-5 * exact.max())
    own = kd.Tip(HEALING, kernel=lambda r: np.exp(-4 * np.log(2) * (r / HEALING) ** 2))
    np.testing.assert_allclose(kd.thermal_image(field, own, x=middle + x * HEALING).values,
                               kd.thermal_image(field, kd.Tip(HEALING), x=middle + x * HEALING).values, atol=1e-6)


def test_a_disc_on_an_exponential():
    """1 - exp(-R) in the middle, sinh(R) exp(-x) / R outside; R half a width, in lengths of healing."""
    field = peaked()
    middle = field.positions[1000, 0]
    x = middle + np.array([0.0, 1.0, 2.0]) * HEALING
    seen = kd.thermal_image(field, kd.Tip(HEALING, kernel="disc"), x=x).values
    np.testing.assert_allclose(seen[0], [(1 - np.exp(-0.5)) / 0.5, *(np.sinh(0.5) / 0.5 * np.exp([-1.0, -2.0]))],
                               rtol=1e-4)


def test_beside_a_wire_the_reading_falls_as_the_kernel_does():
    """On a uniform wire a Gaussian of two dimensions is a product; on top the reading is the temperature."""
    field = kd.temperature(thermal_states.wire(np.full(1001, 1e-12), 1e-9), kd.Thermal(
        conductivity=KAPPA, coupling=G, substrate_temperature=4.2, ends="insulated"))
    y = np.array([0.0, 10e-9, 25e-9, 60e-9])
    for tip in (kd.Tip(50e-9), kd.Tip(40e-9, height=30e-9)):
        seen = kd.thermal_image(field, tip, x=5e-7, y=y).values[:, 0]
        np.testing.assert_allclose(seen, field.excess[500] * 2.0 ** -((y / 25e-9) ** 2), rtol=1e-9)


def test_a_narrow_tip_above_a_kinetic_state():
    """Nodes that are not equally spaced: the reading is the temperature between them."""
    state = kd.kinetic.steady_state(lambda energy: 0.04 / (energy ** 2 + 0.04), [kd.Reservoir(0.05, 0.1),
                                    kd.Reservoir(-0.05, 0.1)], kd.PhononBath(0.1, mean_free_path=20.0),
                                    velocity=np.ones_like, length=100.0, rtol=1e-3)
    field = kd.temperature(state.to_si(0.1, 3e-9), TUBE)
    place, seen = kd.thermal_image(field, kd.Tip(2e-9)).line
    order = np.argsort(field.positions[:, 0])
    inside = np.interp(1e-9 * place, field.positions[order, 0], field.excess[order])
    np.testing.assert_allclose(seen, inside, rtol=0, atol=3e-3 * inside.max())


@pytest.mark.parametrize("kernel", ["gaussian", "disc", lambda r: np.exp(-r / 5e-9)])
def test_in_the_middle_of_a_wide_sheet(flat, kernel):
    """What is hot everywhere is seen as it is, and half of it at an edge."""
    width = 20e-9 if isinstance(kernel, str) else 5e-9
    seen = kd.thermal_image(flat, kd.Tip(width, kernel=kernel), x=[60e-9, 60.3e-9], y=[-0.5e-9, 40e-9])
    np.testing.assert_allclose(seen.values[1], 1, rtol=2e-3)
    np.testing.assert_allclose(seen.values[0], 0.5, rtol=3e-3)


def test_a_raster_holds_its_scan_lines(flat):
    field, tip = peaked(), kd.Tip(0.3 * HEALING, height=0.1 * HEALING)
    x, y = np.linspace(8, 12, 7) * HEALING, np.linspace(-1, 1, 5) * HEALING
    raster = kd.thermal_image(field, tip, x=x, y=y)
    assert raster.values.shape == (5, 7)
    np.testing.assert_allclose(raster.values[2], kd.thermal_image(field, tip, x=x).values[0], rtol=1e-12)
    column = kd.thermal_image(field, tip, x=float(x[3]), y=y)
    np.testing.assert_allclose(raster.values[:, 3], column.line[1], rtol=1e-12)
    np.testing.assert_allclose(column.line[0], 1e9 * y)
    whole = kd.thermal_image(flat, kd.Tip(10e-9))
    assert not whole.is_line
    np.testing.assert_allclose([whole.x[0], whole.x[-1], whole.y[-1]], [0, 119, 79], atol=1e-9)


@pytest.fixture(scope="module")
def wire_fields():
    """Both directions of the current through a wire with a resonant defect."""
    wire = Wire(300.0, 0.13, 0.065, 120e-9, velocity=8e5, degeneracy=4, length=10)
    return wire, [kd.temperature(wire.state(sign * 5e-3), kd.thermal.nanotube_on_silica()) for sign in (1, -1)]


def test_a_wire_has_the_velocity_and_the_modes_that_it_is_given():
    """Of the band on the lattice, at the Fermi energy; alike modes carry so many times the current."""
    def current(degeneracy):
        wire = Wire(4.2, 2e-3, 1e-3, 3e-7, velocity=1e5, degeneracy=degeneracy, length=2)
        return wire, wire.state(1e-4).current[0]

    (wire, one), (_, two) = current(1), current(2)
    assert two == pytest.approx(2 * one, rel=1e-12)
    band = kwant.physics.Bands(wire.syst.leads[0])
    momenta = np.linspace(-np.pi, np.pi, 20001)
    energies = np.array([band(momentum)[0] for momentum in momenta]) * wire.energy_unit
    above = energies - energies.min() - 2e-3
    velocity = np.gradient(energies, momenta) * eV * wire.lattice_constant / hbar
    assert np.interp(0.0, above[10000:], velocity[10000:]) == pytest.approx(1e5, rel=1e-3)
    assert wire.state(1e-4).thermal_resolution == pytest.approx(Boltzmann * 4.2 * 3e-7 / (hbar * 1e5), rel=1e-9)


@pytest.mark.parametrize(("changed", "message"), [
    ({"velocity": 0.0}, "velocity must be a positive number, in m/s"),
    ({"degeneracy": -1}, "degeneracy must be a positive"),
    ({"mean_free_path": 1e-9}, r"from 1\.0\de-07 m, the electrons' wavelength, to .* m, of 200000 sites, got 1e-09"),
    ({"mean_free_path": 1.0}, r"mean_free_path must be from .* of 200000 sites, got 1\.0"),
    ({"resonance_width": 2e-3}, "resonance_width must be at most 0.9 of the Fermi energy")])
def test_bad_wires_are_refused(changed, message):
    given = {"temperature": 4.2, "fermi_energy": 2e-3, "resonance_width": 1e-3, "mean_free_path": 3e-7, "velocity": 1e5}
    with pytest.raises(ValueError, match=message):
        Wire(**given | changed)


def test_a_wide_tip_does_not_resolve_the_spots(wire_fields):
    """The narrow one sees nine tenths and more of the contrast of heat and cold spot; it falls with the width."""
    wire, fields = wire_fields
    path = wire.mean_free_path
    left = np.linspace(-2.5 * path, 0, 101)

    def odd(width, x):
        forward, backward = (kd.thermal_image(field, kd.Tip(width * path), x=x).values[0] for field in fields)
        return 0.5 * (forward - backward)

    contrast = np.array([odd(width, left).max() - odd(width, -left).min() for width in (0.1, 1, 3, 6)])
    assert np.all(np.diff(contrast) < 0)
    assert contrast[1] > 0.9 * contrast[0]
    assert contrast[3] < 0.4 * contrast[0]
    narrow, wide = odd(0.1, left), odd(6, left)
    assert 0 < np.argmax(narrow) < 100  # a spot of its own
    assert np.argmax(wide) == 0  # none


def test_the_spots_change_sides_with_the_current(wire_fields):
    """Without a bias of the reservoirs' temperatures the mirror image is the other direction."""
    _, (forward, backward) = wire_fields
    np.testing.assert_allclose(forward.excess, backward.excess[::-1], rtol=0, atol=1e-6 * forward.excess.max())
    assert np.argmax(forward.excess[500:1500]) < 500 < np.argmax(backward.excess[500:1500])


def test_the_wire_at_4_kelvin():
    """Of docs/thermal_image.md: spots of +2.9 and -0.9 uK, noise of a reading, conductances."""
    example = runpy.run_path(str(CLONE / "examples" / "gaas_wire_image.py"))
    thermal = example["thermal"]()
    assert thermal.conductivity == pytest.approx(2.2e-16, rel=0.02)
    assert thermal.coupling(4.2) == pytest.approx(7.4e-3, rel=0.01)
    state = example["wire"]().state(example["BIAS"])
    field = kd.temperature(state, thermal)
    inside = np.abs(field.positions[:, 0]) < 4e-6
    assert field.excess[inside].max() == pytest.approx(2.9e-6, rel=0.02)
    assert field.excess[inside].min() == pytest.approx(-0.9e-6, rel=0.04)
    assert example["TIP"].noise < 0.9e-6
    assert state.thermal_resolution == pytest.approx(5.4, rel=0.01)


def test_noise_is_that_of_sensitivity_and_dwell_time(flat):
    """A mean of one-sided white noise; reproducible; standard deviation, mean within four of their own deviations."""
    axes = {"x": np.linspace(0, 100e-9, 100), "y": np.linspace(0, 70e-9, 80)}
    quiet = kd.thermal_image(flat, kd.Tip(20e-9), **axes)
    assert (quiet.noise, quiet.seed) == (0.0, None)
    tip = kd.Tip(20e-9, sensitivity=2e-6, dwell_time=0.125)
    one, same, other = (kd.thermal_image(flat, tip, seed=seed, **axes) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.values, same.values)
    noise = one.values - quiet.values
    assert one.noise == pytest.approx(4e-6)
    assert abs(noise.std() / 4e-6 - 1) < 4 / np.sqrt(2 * noise.size)
    assert abs(noise.mean()) < 4 * 4e-6 / np.sqrt(noise.size)
    assert abs(np.corrcoef(noise.ravel(), (other.values - quiet.values).ravel())[0, 1]) < 4 / np.sqrt(noise.size)
    free = kd.thermal_image(flat, tip, **axes)
    np.testing.assert_array_equal(free.values, kd.thermal_image(flat, tip, seed=free.seed, **axes).values)


def test_files_and_pictures(flat, tmp_path):
    line = kd.thermal_image(peaked(), kd.Tip(HEALING, sensitivity=1e-3, dwell_time=1.0), seed=3)
    raster = kd.thermal_image(flat, kd.Tip(10e-9))
    for number, image in enumerate((line, raster)):
        image.save(tmp_path / "images.h5", group=f"image{number}")
        loaded = kd.load(tmp_path / "images.h5", group=f"image{number}")
        for entry in dataclasses.fields(image):
            np.testing.assert_array_equal(getattr(loaded, entry.name), getattr(image, entry.name), strict=True)
        assert repr(loaded) == repr(image)
        figure = loaded.plot()
        assert "(nm)" in figure.axes[0].get_xlabel()
    assert any("nm" in text.get_text() for text in figure.axes[0].texts)  # the scale bar
    assert figure.axes[1].get_ylabel() == r"$T - T_\mathrm{substrate}$ (K)"
    plt.close("all")


FIELD = kd.temperature(thermal_states.wire(np.full(20, 1e-12), 1e-9), TUBE)


_WIDTH = 5e-9
DIVERGENT = {"r": lambda r: r, "constant": np.ones_like, "1/r": lambda r: 1 / (r + 1e-9),
             "1/sqrt(r)": lambda r: (r + 1e-9) ** -0.5}
IN_THE_PLANE = {"1/r^2": lambda r: 1 / (1 + (r / _WIDTH) ** 2), "r^-1.9": lambda r: (1 + r / _WIDTH) ** -1.9}
# Kernels and their integrals over line and plane, in units of the width.
FINITE = {"exponential": (lambda r: np.exp(-r / _WIDTH), 2, 2 * np.pi),
          "disc": (lambda r: 1.0 * (r < 0.5 * _WIDTH), 1, 0.25 * np.pi),
          "dipole": (lambda r: (1 + (r / _WIDTH) ** 2) ** -1.5, 2, 2 * np.pi),
          "narrow": (lambda r: np.exp(-(30 * r / _WIDTH) ** 2), np.sqrt(np.pi) / 30, np.pi / 900),
          "wide": (lambda r: np.exp(-(r / _WIDTH / 100) ** 2), 100 * np.sqrt(np.pi), 1e4 * np.pi)}


@pytest.mark.parametrize("scale", [1.0, 1e9, 1e-30])
def test_kernels_without_a_finite_integral_are_refused(scale):
    """Whatever the size of their values; those with one have it, over the line and over the plane."""
    def tip(kernel):
        return kd.Tip(_WIDTH, kernel=lambda r: scale * kernel(r))

    for name, kernel in {**DIVERGENT, **IN_THE_PLANE}.items():
        for dimensions in (1, 2) if name in DIVERGENT else (2,):
            with pytest.raises(ValueError, match="kernel must have a positive, finite integral over the"):
                tip(kernel).norm(dimensions)
    for kernel, line, plane in FINITE.values():
        np.testing.assert_allclose(tip(kernel).norm(1), scale * line * _WIDTH, rtol=1e-6)
        np.testing.assert_allclose(tip(kernel).norm(2), scale * plane * _WIDTH ** 2, rtol=1e-6)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: kd.Tip(0.0), ValueError, r"Tip width must be a positive number, in m, got 0\.0"),
    (lambda: kd.Tip(-1e-9), ValueError, "Tip width must be a positive number"),
    (lambda: kd.Tip(1e-9, height=-1.0), ValueError, "Tip height must be a positive number, in m"),
    (lambda: kd.Tip(1e-9, kernel="square"), TypeError, "kernel must be .gaussian., .disc. or a function"),
    (lambda: kd.Tip(1e-9, sensitivity=1e-6), ValueError, "make noise together, got sensitivity=1e-06, dwell_time=None"),
    (lambda: kd.Tip(1e-9, sensitivity=0.0, dwell_time=1), ValueError, "Tip sensitivity must be a positive number"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), x=[1e-9], y=[0, 1e-9]), ValueError, "x must hold at least two"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), x=[1e-9, 2e-9], y=[0.0]), ValueError, "y must hold at least two"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), x=1e-9), ValueError, "x and y are one point"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), x=[0, np.nan]), ValueError, "x must be a finite number or"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), seed=1.5), TypeError, r"seed must be a whole number, got 1\.5"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), seed=-1), ValueError, "seed must be 0 or more, .* got -1"),
    (lambda: kd.thermal_image(FIELD, 50e-9), TypeError, "tip must be a Tip, got float"),
    (lambda: kd.thermal_image(3, kd.Tip(1e-9)), TypeError, "field must be a TemperatureField, .*, got int"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9, kernel=lambda r: -r)), ValueError, "kernel must be finite and"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9, kernel=lambda r: 0 * r)), ValueError, "positive, finite integral"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9, kernel=lambda r: 1.0)), ValueError, "one real number for each"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-22)), ValueError, "Tip width must be at least"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(5e-324)), ValueError, "Tip width must be at least"),
    (lambda: kd.thermal_image(FIELD, kd.Tip(1e-9), x=[0, 1e-9], y=[0, 1e-9]).line, ValueError, "is a raster of 2 x 2"),
])
def test_bad_tips_and_scans_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_command_line(tmp_path, capsys):
    """With one's own numbers: twice the coupling is colder; files load; bad numbers end in one line."""
    command = ["image", "--out", str(tmp_path), "--mean-free-path", "100", "--sensitivity", "5", "--dwell-time", "10",
               "--seed", "1"]
    assert main(command) == 0
    assert "current forward" in capsys.readouterr().out
    raster = kd.load(tmp_path / "nanotube_image.h5", group="forward/raster")
    assert raster.noise == pytest.approx(5e-5 / np.sqrt(2))
    assert (tmp_path / "nanotube_image.pdf").read_bytes()[:4] == b"%PDF"
    hot = kd.load(tmp_path / "nanotube_image.h5", group="forward/field").excess.max()
    assert main([*command, "--coupling", "0.34"]) == 0
    assert kd.load(tmp_path / "nanotube_image.h5", group="forward/field").excess.max() < 0.9 * hot
    capsys.readouterr()
    assert main([*command, "--resonance-width", "500"]) == 1
    error = capsys.readouterr().err
    assert error == "kwant-dissip: --resonance-width must be at most 0.9 of --fermi-energy, got 500 of 100 meV.\n"


@pytest.mark.parametrize("conductivity", [1e100, 1e20])
def test_conductances_too_different_end_in_an_honest_error(conductivity):
    """Next to which the substrate's coupling is lost in rounding."""
    thermal = kd.Thermal(conductivity=conductivity, coupling=0.17, substrate_temperature=300.0)
    power = np.zeros(50)
    power[20] = 1e-9
    with pytest.raises(kd.ConvergenceError, match="conductances differ too much"):
        kd.temperature(thermal_states.wire(power, 3e-9), thermal)
