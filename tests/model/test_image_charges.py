"""Interaction of wires and planes above a gate."""

import numpy as np
import pytest
from scipy.constants import elementary_charge, epsilon_0
from scipy.integrate import quad
from scipy.special import j0

import kwant_dissip as kd
from kwant_dissip.systems import chain

UNITS = {"energy_unit": 0.4, "lattice_constant": 3e-9}
# e^2 / (4 pi epsilon_0) in the units of these models.
SQUARE = elementary_charge / (4 * np.pi * epsilon_0 * 3e-9 * 0.4)
FAR = np.array([0.0, 0.3, 1.0, 5.0, 20.0])


@pytest.mark.parametrize(("below", "above"), [(3.9, 1.0), (25.0, 1.0), (1.0, 12.0), (300.0, 1.0), (12.9, 12.9)])
def test_images(below, above):
    """2,000 images one by one; where both dielectrics are alike there is one, of the opposite charge."""
    radius, gate = 0.5, 4.0
    found = kd.ImageCharges(radius=radius, distance=gate, permittivity=below, permittivity_above=above, **UNITS)
    mirror, n = (below - above) / (below + above), np.arange(2000)[:, None]
    near, far = (1 / np.sqrt(FAR ** 2 + radius ** 2 + (2 * m * gate) ** 2) for m in (n, n + 1))
    images = ((-mirror) ** n * (near - far)).sum(axis=0) * 2 * SQUARE / (below + above)
    np.testing.assert_allclose(found.energy(FAR), images, rtol=1e-9)
    if below == above:
        single = kd.ImageCharges(radius=radius, distance=gate, permittivity=below, **UNITS)
        np.testing.assert_allclose(single.energy(FAR), images, rtol=1e-12)
        np.testing.assert_allclose(images, SQUARE / below * (1 / np.sqrt(FAR ** 2 + 0.25)
                                                             - 1 / np.sqrt(FAR ** 2 + 0.25 + 64)), rtol=1e-12)


def test_transform_of_the_images():
    """The Hankel transform of e^2 / (eps_0 q [eps' + eps coth(q d)]), the charge being as wide as in a plane R off."""
    below, above, gate, radius = 3.9, 1.0, 2.0, 1e-3
    found = kd.ImageCharges(radius=radius, distance=gate, permittivity=below, permittivity_above=above, **UNITS)
    for r in (1.0, 3.0):
        def integrand(q, r=r):
            without = 1 / (above + below / np.tanh(q * gate)) - 1 / (above + below)
            return 2 * SQUARE * j0(q * r) * without
        rest = quad(integrand, 0, 40, limit=400)[0]
        assert found.energy(np.array([r]))[0] == pytest.approx(rest + 2 * SQUARE / (above + below) / r, rel=1e-5)


def test_limits():
    """A gate far away is none; SI: 1.44 eV nm; a degeneracy counts every charge so often."""
    bare = kd.ImageCharges(radius=0.5, distance=None, permittivity=2.0, **UNITS)
    away = kd.ImageCharges(radius=0.5, distance=1e9, permittivity=2.0, **UNITS)
    np.testing.assert_allclose(bare.energy(FAR), away.energy(FAR), rtol=1e-7)
    assert bare.energy(np.array([10.0]))[0] * 0.4 * 30 == pytest.approx(1.43996 / 2, rel=2e-3)
    fourfold = kd.ImageCharges(radius=0.5, distance=None, permittivity=2.0, degeneracy=4, **UNITS)
    np.testing.assert_allclose(fourfold.energy(FAR), 4 * bare.energy(FAR))


def test_solved():
    """A wire above a gate: as a kernel of one's own with these images, and screened more the closer the gate is."""
    syst = chain.barrier(length=12, height=0.5).finalized()
    reservoirs, bath = [kd.Reservoir(-0.9, 0.1), kd.Reservoir(-1.1, 0.1)], kd.PhononBath(0.1, rate=0.05)

    def solve(law):
        return kd.steady_state(syst, reservoirs, bath, electrostatics=law, rtol=1e-4)
    images = kd.ImageCharges(radius=0.6, distance=3.0, permittivity=12.9, energy_unit=0.1, lattice_constant=5e-9)
    own = kd.CoulombKernel(lambda a, b: float(images.energy(np.linalg.norm(a - b))))
    one = solve(images)
    np.testing.assert_allclose(one.potential, solve(own).potential, rtol=1e-7, atol=1e-10)
    close = solve(kd.ImageCharges(radius=0.6, distance=0.3, permittivity=12.9, energy_unit=0.1, lattice_constant=5e-9))
    assert np.abs(close.density_difference).sum() > np.abs(one.density_difference).sum()


@pytest.mark.parametrize("bad", [{"radius": 0.0}, {"radius": np.nan}, {"distance": -1.0}, {"permittivity": 0},
                                 {"permittivity_above": "1"}, {"energy_unit": None}, {"degeneracy": True}])
def test_bad_numbers(bad):
    (name, value), = bad.items()
    with pytest.raises(ValueError, match=f"ImageCharges {name} must be .*got {value!r}"):
        kd.ImageCharges(**{"radius": 0.5, "distance": 1.0, **UNITS, **bad})
