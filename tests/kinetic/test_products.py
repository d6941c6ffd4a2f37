"""Derivatives of the balance of wires, for baths of the package and of a user's."""

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.balance.energy_grid import EnergyGrid
from kwant_dissip.balance.linear import Jacobian
from kwant_dissip.balance.particles import Balance
from kwant_dissip.balance.thermal_probes import ThermalProbes
from kwant_dissip.kinetic.mesh import Maker, Mesh
from kwant_dissip.kinetic.scatterers import FunctionScatterer
from kwant_dissip.kinetic.solve import relaxation
from kwant_dissip.model.baths import checked_baths
from kwant_dissip.propagators.rows import in_rows

KBT = 0.1


class Filter(kd.Bath):
    """Takes electrons near one level."""

    def profile(self, energies):
        return 0.2 / (0.2 - 1j * (energies - 0.1))


LISTS = {"phonons": [kd.PhononBath(KBT, rate=0.2)], "elastic": [kd.PhononBath(KBT, rate=0.2), kd.ElasticBath(rate=0.1)],
         "electrons": [kd.ElectronBath(rate=0.2)],
         "all": [Filter(temperature=KBT, rate=0.2), kd.ElectronBath(rate=0.1), kd.PhononBath(KBT, mean_free_path=5.0)]}


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("listed", LISTS)
def test_product_is_a_difference(listed, floating):
    """J v is a difference of balances."""
    baths = checked_baths(LISTS[listed])
    scatterer = FunctionScatterer(lambda energy: 0.4 + 0.3 * np.tanh(energy), np.ones_like, -5.0, 5.0)
    make = Maker(Mesh([np.array([-6.0, -1.0, 0.0]), np.array([0.0, 2.0, 5.0])]), scatterer, relaxation(baths))
    shape = len(baths.keeps_energy), make.nodes
    probes = ThermalProbes(np.ones(shape, bool), np.full(shape, KBT), baths.keeps_energy,
                           [kd.Reservoir(0.2, KBT), kd.Reservoir(None if floating else -0.2, 1.2 * KBT)])
    balance = Balance(in_rows(make(), baths.keeps_energy), probes, EnergyGrid(probes, 1e-3))
    panels, rng, start = balance.grid.first_panels(balance.propagator), np.random.default_rng(1), probes.start()
    unknowns, direction = start + 0.02 * rng.normal(size=len(start)), rng.normal(size=len(start))
    found, step = Jacobian(balance.spectra, probes, panels, unknowns)(direction), 1e-5
    difference = (balance.evaluate(panels, unknowns + step * direction).residual
                  - balance.evaluate(panels, unknowns - step * direction).residual) / (2 * step)
    np.testing.assert_allclose(found, difference, rtol=0, atol=1e-7 * np.abs(found).max())
