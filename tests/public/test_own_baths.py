"""Baths that the package does not know: each is a few lines of a user's, and works wherever the others do."""

import numpy as np
import pytest

import kwant_dissip as kd
from dense import gauss
from kwant_dissip.systems.chain import barrier
from models import chain, three_terminal

KBT = 0.1
T, R = (0.4, 0.6), [kd.Reservoir(0.25, KBT), kd.Reservoir(-0.2, 1.1 * KBT)]
CHAIN = chain([0.1, -0.2, 0.3, 0.0, 0.2, 0.1], np.exp(0.3j * np.arange(5)))


class Filter(kd.Bath):
    """Takes electrons near one level; phonons of its own keep its temperature."""

    def __init__(self, level=0.1, width=0.2, temperature=KBT, rate=0.2):
        super().__init__(temperature=temperature, rate=rate)
        self.level, self.width, self.levels = level, width, (level,)

    def profile(self, energies):
        return self.width / (self.width - 1j * (energies - self.level))


class Exchange(kd.Bath):
    """The same among electrons, which keep their energy."""

    keeps = "particles and energy"
    level, width, levels = 0.1, 0.2, (0.1,)
    profile = Filter.profile


class Flat(kd.Bath):
    """What PhononBath is."""


class FlatElectrons(kd.Bath):
    """What ElectronBath is."""

    keeps = "particles and energy"


class Step(kd.Bath):
    """Takes electrons above a threshold, and has no level shift."""

    def profile(self, energies):
        return 0.5 * (1 + np.tanh((np.real(energies) - 0.1) / 0.05))


LISTS = {"filter": [Filter()], "exchange": [Exchange(rate=0.2)], "step": [Step(temperature=KBT, rate=0.1)],
         "filter, phonons": [Filter(), kd.PhononBath(KBT, rate=0.05)],
         "exchange, phonons": [Exchange(rate=0.2), kd.PhononBath(KBT, rate=0.05)],
         "two filters, elastic": [Filter(), Filter(-0.2, 0.1, 1.3 * KBT), kd.ElasticBath(rate=0.1)],
         "all": [kd.ElectronBath(rate=0.1), Filter(), kd.PhononBath(KBT, rate=0.05), Exchange(rate=0.1)]}


def conserved(state):
    assert abs(state.particle_residual) < 1e-9
    assert abs(state.energy_residual) < 1e-9
    assert state.entropy_production > 0


@pytest.mark.parametrize("baths", LISTS)
def test_conservation(baths):
    """Particles, energy and the second law; what keeps energy takes none at any site."""
    for syst, reservoirs in ((CHAIN, R), (three_terminal(), [R[0], kd.Reservoir(None, KBT), R[1]])):
        state = kd.steady_state(syst, reservoirs, LISTS[baths], rtol=1e-4)
        conserved(state)
        powers = np.zeros_like(state.power) if state.bath_power is None else state.bath_power
        takes = [bath.takes_heat for bath in LISTS[baths]]
        np.testing.assert_allclose(powers[takes].sum(axis=0), state.power, rtol=0, atol=1e-12)
        kept = [not bath.takes_heat for bath in LISTS[baths]]
        np.testing.assert_allclose(powers[kept], 0.0, atol=1e-9 * np.abs(state.energy_current).max())
        if None in [reservoir.mu for reservoir in reservoirs]:
            assert abs(state.current[1]) < 1e-10


def test_same_as_the_packages_own():
    """A subclass that adds nothing is the PhononBath or ElectronBath, bit for bit but for the order of sums."""
    for own, known in (([Flat(temperature=KBT, rate=0.1)], [kd.PhononBath(KBT, rate=0.1)]),
                       ([FlatElectrons(rate=0.1), Flat(temperature=KBT, rate=0.1)],
                        [kd.PhononBath(KBT, rate=0.1), kd.ElectronBath(rate=0.1)])):
        one, two = (kd.steady_state(CHAIN, R, baths) for baths in (own, known))
        for name in ("power", "mu", "electron_mu", "electron_temperature", "current", "density", "bath_temperature"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-12)
        assert one.bath_power is not None
        assert two.bath_power is None


def test_two_halves_are_one_bath():
    """Two baths of half the rate are one of the whole."""
    for half, whole in (([Filter(rate=0.1)] * 2, [Filter()]), ([Exchange(rate=0.1)] * 2, [Exchange(rate=0.2)])):
        syst = three_terminal()
        reservoirs = [R[0], R[1], R[1]]
        one, two = (kd.steady_state(syst, reservoirs, baths, rtol=1e-4) for baths in (half, whole))
        np.testing.assert_allclose(one.current, two.current, rtol=1e-8)
        np.testing.assert_allclose(one.power, two.power, atol=1e-8 * np.abs(one.current).max())
        np.testing.assert_allclose(one.bath_mu[0], two.bath_mu[0], atol=1e-7)


@pytest.mark.parametrize("baths", LISTS)
def test_kwants_own_route(baths):
    """Green's functions of kwant at every energy find the same."""
    one, two = (kd.steady_state(chain([0.1, -0.2, 0.3], [-1.0, -0.8]), R, LISTS[baths], rtol=1e-3, method=method)
                for method in (None, "kwant"))
    np.testing.assert_allclose(one.current, two.current, rtol=1e-7)
    np.testing.assert_allclose(one.power, two.power, rtol=0, atol=1e-8)


@pytest.mark.parametrize("baths", [name for name in LISTS if name not in ("step", "exchange")])
def test_linear_response_is_the_slope(baths):
    """Currents and potentials per bias of a small bias."""
    listed = [bath for bath in LISTS[baths] if bath.temperature in (None, KBT)]
    response = kd.linear_response(CHAIN, listed, mu=0.1, temperature=KBT)
    bias = 1e-4
    states = [kd.steady_state(CHAIN, [kd.Reservoir(0.1 + half, KBT) for half in (sign * bias / 2, -sign * bias / 2)],
                              listed) for sign in (1, -1)]
    np.testing.assert_allclose(response.current1, (states[0].current - states[1].current) / (2 * bias), rtol=1e-6)
    np.testing.assert_allclose(response.power2, (states[0].power + states[1].power) / (2 * bias ** 2), rtol=0,
                               atol=1e-4 * np.abs(response.power2).max())


@pytest.mark.parametrize("baths", [name for name in LISTS if name != "step"])
def test_poisson(baths):
    """With electrostatics, where a common shift of every mu and potential changes nothing: filters move with U."""
    def solved(shift):
        reservoirs = [kd.Reservoir(one.mu + shift, one.temperature, potential=sign * 0.1 + shift)
                      for one, sign in zip(R, (1, -1), strict=True)]
        return kd.steady_state(CHAIN, reservoirs, LISTS[baths], electrostatics=kd.Poisson(0.8), rtol=1e-4)

    one, two = solved(0.0), solved(0.3)
    conserved(one)
    assert one.law_residual < 1e-8
    np.testing.assert_allclose(two.potential - 0.3, one.potential, atol=1e-6)
    np.testing.assert_allclose(two.power, one.power, atol=1e-6)


def test_density_by_brute_force():
    """In equilibrium, of dense Green's functions with the filter's level shift, summed over all energies."""
    syst, mu = chain([0.1, -0.2, 0.3], [-1.0, -0.8]), 0.2
    state = kd.steady_state(syst, [kd.Reservoir(mu, KBT)] * 2, Filter(), rtol=1e-8)
    edges = [-60, -10, -4, -2.5, -2.1, -2, -1.9, -1, -0.2, 0, 0.1, 0.2, 0.4, 1, 1.9, 2, 2.1, 3, 6]
    energies, weights = gauss(edges, 40)
    matrix = np.diag([0.1, -0.2, 0.3]) + np.diag([-1.0, -0.8], 1) + np.diag([-1.0, -0.8], -1)
    density = np.zeros(3)
    for energy, weight in zip(energies, weights, strict=True):
        half = 0.5 * energy
        end = half - (np.emath.sqrt(half ** 2 - 1) * np.sign(energy) if abs(half) > 1 else 1j * np.sqrt(1 - half ** 2))
        sigma = -0.5j * 0.2 * Filter().profile(energy) * np.eye(3) + np.diag([end, 0, end])
        green = np.linalg.inv(energy * np.eye(3) - matrix - sigma)
        density += weight / (2 * np.pi) * -2 * np.diag(green).imag / (1 + np.exp((energy - mu) / KBT))
    np.testing.assert_allclose(state.density, density, atol=1e-6)


@pytest.mark.parametrize("baths", LISTS)
def test_kinetic(baths):
    """In the kinetic theory: conserved, and where all is incoherent the lattice's currents."""
    state = kd.kinetic.steady_state(lambda e: 0.3 + 0.2 * np.tanh(e), R, LISTS[baths], velocity=np.ones_like,
                                    length=12.0, rtol=1e-4)
    conserved(state)
    one, two = (kd.kinetic.steady_state(lambda e: 0.3 + 0.2 * np.tanh(e), R, listed, velocity=np.ones_like, length=12.0)
                for listed in ([Flat(temperature=KBT, rate=0.1)], [kd.PhononBath(KBT, rate=0.1)]))
    np.testing.assert_allclose(one.power, two.power, rtol=1e-9, atol=1e-12)


def test_kinetic_against_the_lattice():
    """Long wires, weak filter: no interference is left to matter."""
    syst = barrier(length=100, height=1.0).finalized()
    bath = [Filter(level=-1.0, width=0.3, temperature=0.05, rate=lambda site: 0.1 * (site.tag[0] != 0)),
            kd.PhononBath(0.05, rate=lambda site: 0.02 * (site.tag[0] != 0))]
    reservoirs = [kd.Reservoir(-0.95, 0.05), kd.Reservoir(-1.05, 0.05)]
    lattice = kd.steady_state(syst, reservoirs, bath, rtol=1e-4)
    bath = [Filter(level=-1.0, width=0.3, temperature=0.05, rate=0.1), kd.PhononBath(0.05, rate=0.02)]
    kinetic = kd.kinetic.steady_state(lambda e: 1 / (1 + 1 / np.clip(4 - e ** 2, 1e-9, None)), reservoirs, bath,
                                      velocity=lambda e: np.sqrt(np.clip(4 - e ** 2, 0, None)), length=100.0, rtol=1e-4)
    np.testing.assert_allclose(lattice.current[0], kinetic.current[0], rtol=0.03)
    np.testing.assert_allclose(lattice.bath_power.sum(axis=1), (kinetic.bath_power * kinetic.node_width).sum(axis=1),
                               rtol=0.06)


def test_kinetic_linear_response_with_all_baths():
    """Also with electrons that keep their energy, whose temperature is found."""
    baths = LISTS["all"]
    given = {"velocity": np.ones_like, "length": 12.0}
    response = kd.kinetic.linear_response(lambda e: 0.3 + 0.2 * np.tanh(e), baths, mu=0.1, **given)
    bias = 1e-4
    states = [kd.kinetic.steady_state(lambda e: 0.3 + 0.2 * np.tanh(e), [
        kd.Reservoir(0.1 + sign * bias / 2, KBT), kd.Reservoir(0.1 - sign * bias / 2, KBT)], baths, **given)
        for sign in (1, -1)]
    np.testing.assert_allclose(response.current1, (states[0].current - states[1].current) / (2 * bias), rtol=1e-6)


def test_save_and_load(tmp_path):
    """What belongs to each bath is kept in files and in xarray."""
    state = kd.steady_state(CHAIN, R, LISTS["all"], rtol=1e-3)
    state.save(tmp_path / "state.h5")
    again = kd.load(tmp_path / "state.h5")
    for name in ("bath_mu", "bath_power", "bath_temperatures"):
        np.testing.assert_array_equal(getattr(again, name), getattr(state, name))
    assert state.to_xarray().bath_power.dims == ("bath", "site")
    assert state.to_si(0.5, 1e-9).bath_temperatures.max() > 100


def test_narrow_filter_at_one_site():
    """Energy is kept, and heat leaves there alone."""
    syst = barrier(length=15, height=0.0).finalized()
    state = kd.steady_state(syst, [kd.Reservoir(-0.9, 0.05), kd.Reservoir(-1.1, 0.05)], Filter(
        level=-1.0, width=0.02, temperature=0.05, rate=lambda site: 0.3 * (site.tag[0] == 0)), rtol=1e-6)
    conserved(state)
    assert [syst.sites[number].tag[0] for number in np.flatnonzero(state.bath_power[0])] == [0]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Flat(rate=0.1), "needs a temperature"),
    (lambda: FlatElectrons(temperature=0.1, rate=0.1), "has no temperature"),
    (lambda: type("Odd", (kd.Bath,), {"keeps": "spin"})(rate=0.1), "keeps must be one of"),
    (lambda: Filter(rate=-0.1), "not negative"),
    (lambda: type("Wide", (kd.Bath,), {"profile": Filter.profile})(temperature=1, mean_free_path=3),
     "profile in energy")])
def test_refused_when_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("profile", "message"), [
    (lambda self, e: -np.ones(np.shape(e)), "not negative"), (lambda self, e: 1.0, "one finite number for each"),
    (lambda self, e: np.conj(Filter.profile(Filter(), e)), "not analytic"),
    (lambda self, e: 0.2 / (0.2 + 1j * (e - 0.1)), "not analytic"),  # that of a growing state
    (lambda self, e: 30 / (30 + 1j * (e - 0.1)), "not analytic"),
    (lambda self, e: 0.01 / (0.01 + 1j * (e - 0.7)), "not analytic"),  # not at a level that was named
    (lambda self, e: 0.5 / (0.1 - 1j * e) + 0.1 / (0.1 + 1j * e), "not analytic"),
    (lambda self, e: (0.04 / (0.04 + (e - 0.1) ** 2)).astype(complex), "not analytic"),  # without its level shift
    (lambda self, e: 1 - 1j * e, "must be bounded")])
def test_refused_when_solved(profile, message):
    bath = type("Odd", (kd.Bath,), {"profile": profile})(temperature=0.1, rate=0.1)
    with pytest.raises(ValueError, match=message):
        kd.steady_state(CHAIN, R, bath)


@pytest.mark.parametrize("profile", [
    lambda self, e: 1e-5 / (1e-5 - 1j * (e - 0.7)), lambda self, e: 300 / (300 - 1j * e),
    lambda self, e: 0.2 / (0.2 - 1j * (e - 1)) + 1e-4 / (1e-4 - 1j * (e + 1)), lambda self, e: 1 + 0.3j + 0 * e])
def test_profiles_that_are_analytic(profile):
    """Narrow ones, wide ones, several levels, a level shift that is constant."""
    bath = type("Fine", (kd.Bath,), {"profile": profile})(temperature=0.1, rate=0.1)
    state = kd.steady_state(chain([0.1, -0.2], [-1.0]), R, bath, rtol=1e-3)
    conserved(state)
    assert np.all(np.isfinite(state.density))


@pytest.mark.parametrize("levels", ["a", ["a"], None, np.nan, [np.inf], [1j], {0.1}, [[0.1, 0.2]]])
def test_levels_are_numbers(levels):
    bath = Filter()
    bath.levels = levels
    with pytest.raises(ValueError, match="Filter levels must be"):
        kd.steady_state(CHAIN, R, bath)
    with pytest.raises(ValueError, match="Filter levels must be"):
        kd.kinetic.steady_state(np.ones_like, R, bath, velocity=np.ones_like, length=5.0)


def test_profile_of_an_instance():
    """It counts as one of the class does."""
    one = Flat(temperature=KBT, rate=0.1)
    one.profile = Filter().profile
    np.testing.assert_allclose(kd.steady_state(CHAIN, R, one).power, kd.steady_state(CHAIN, R, Filter(rate=0.1)).power,
                               rtol=1e-5)


def test_elastic_one_has_its_row():
    """As the pages say, each bath of a list with one of the user's has; without such a one there are none."""
    own = type("Turn", (kd.Bath,), {"keeps": "each energy", "profile": Filter.profile, "level": 0.1, "width": 0.2})
    phonons = kd.PhononBath(KBT, rate=0.05)
    state = kd.steady_state(CHAIN, R, [own(rate=0.1), phonons], rtol=1e-3)
    np.testing.assert_array_equal(state.bath_power, [np.zeros(6), state.power])
    np.testing.assert_array_equal(state.bath_mu, [np.full(6, np.nan), state.mu])
    assert kd.steady_state(CHAIN, R, [kd.ElasticBath(rate=0.1), phonons], rtol=1e-3).bath_mu is None


def test_what_is_no_bath_yet():
    with pytest.raises(TypeError, match="profile that is a function"):
        kd.steady_state(CHAIN, R, type("Odd", (kd.Bath,), {"profile": 1.0})(temperature=0.1, rate=0.1))
    with pytest.raises(TypeError, match="must call super"):
        kd.steady_state(CHAIN, R, type("Odd", (kd.Bath,), {"__init__": lambda self: None})())


def test_electrostatics_needs_a_complex_profile():
    with pytest.raises(ValueError, match="profile only where that is complex"):
        kd.steady_state(CHAIN, R, LISTS["step"], electrostatics=kd.Poisson(1.0))


@pytest.mark.parametrize("baths", ["filter", "all", "two filters, elastic"])
def test_beside_quanta(baths):
    """With microscopic phonons whose coupling vanishes: the same as without; conserved with more of it."""
    weak, strong = (kd.steady_state(CHAIN, R, [*LISTS[baths], kd.OpticalPhonons(0.3, coupling, KBT, level_shift=False)],
                                    rtol=1e-3) for coupling in (1e-9, 0.02))
    without = kd.steady_state(CHAIN, R, LISTS[baths])
    np.testing.assert_allclose(weak.current, without.current, rtol=2e-3)
    np.testing.assert_allclose(weak.power, without.power, atol=2e-3 * np.abs(without.power).max())
    if without.bath_mu is not None:
        np.testing.assert_allclose(weak.bath_mu[:len(LISTS[baths])], without.bath_mu, atol=1e-3)
    conserved(strong)
