"""Derivatives of the balance: of every bath against differences, and products with the transposed derivative."""

from itertools import product

import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.balance.energy_grid import EnergyGrid
from kwant_dissip.balance.expansion import ExpandedProbes
from kwant_dissip.balance.linear import Jacobian
from kwant_dissip.balance.particles import Balance
from kwant_dissip.balance.thermal_probes import ThermalProbes
from kwant_dissip.model.baths import checked_baths
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.choose import propagator_for
from kwant_dissip.propagators.rows import in_rows
from models import chain, three_terminal

KBT = 0.1


class Filter(kd.Bath):
    """A bath of a user's: takes electrons near one level."""

    level, width, levels = 0.1, 0.2, (0.1,)

    def profile(self, energies):
        return self.width / (self.width - 1j * (energies - self.level))


class Exchange(Filter):
    """The same among electrons."""

    keeps = "particles and energy"


SYSTEMS = {"chain": chain([0.1, -0.2, 0.3, 0.0, 0.2, 0.1], np.exp(0.3j * np.arange(5))), "flux": three_terminal()}
BATHS = {
    "none": None,
    "phonons": [kd.PhononBath(KBT, rate=0.1)],
    "phonons, elastic": [kd.PhononBath(KBT, rate=lambda site: 0.1 * (site.tag[0] != 2)), kd.ElasticBath(rate=0.2)],
    "electrons": [kd.ElectronBath(rate=0.2)],
    "all": [kd.PhononBath(KBT, rate=0.1), kd.ElectronBath(rate=lambda site: 0.2 * (site.tag[0] != 1)),
            kd.ElasticBath(rate=0.1)],
    "filter": [Filter(temperature=KBT, rate=0.2)],
    "exchange": [Exchange(rate=0.2)],
    "filters, exchange": [Filter(temperature=KBT, rate=0.2), kd.ElectronBath(rate=0.1), Exchange(rate=0.1),
                          Filter(temperature=1.2 * KBT, rate=lambda site: 0.1 * (site.tag[0] != 1))]}


def problem(system, baths, floating, expanded=False):
    """Balance, its grid, and unknowns away from the solution."""
    lattice = read(SYSTEMS[system])
    leads, sites = len(lattice.leads), len(lattice.sites)
    reservoirs = [kd.Reservoir(0.2, KBT)] + [kd.Reservoir(-0.1, 1.2 * KBT)] * (leads - 2) + [
        kd.Reservoir(None if floating else -0.2, KBT)]
    bath = BATHS[baths]
    propagator = propagator_for(lattice, broadening(bath, lattice), np.zeros(leads), None)
    baths = checked_baths(bath)
    keeps = baths.keeps_energy
    rows = in_rows(propagator, keeps)
    if expanded:
        drive = np.array([0.5] + [0.1] * (leads - 2) + [np.nan if floating else -0.5])
        probes = ExpandedProbes(sites, rows.coupled, 0.1, KBT, drive, np.linspace(-0.2, 0.3, leads),
                                np.zeros(len(rows.coupled)), hot=np.flatnonzero(np.repeat(keeps, sites)))
    else:
        probes = ThermalProbes(rows.coupled.reshape(-1, sites), np.full((len(keeps), sites), KBT), keeps, reservoirs)
    balance = Balance(rows, probes, EnergyGrid(probes, 1e-3))
    rng = np.random.default_rng(1)
    start = probes.start()
    coupled = np.concatenate([probes.coupled, probes.coupled[probes.hot], np.ones(len(probes.floating), bool)])
    unknowns = start + np.where(coupled, 0.02 * rng.normal(size=len(start)), 0.0)
    return balance, balance.grid.first_panels(rows), unknowns, coupled, rng


@pytest.mark.parametrize("expanded", [False, True])
@pytest.mark.parametrize("baths", ["phonons", "electrons", "all", "filter", "filters, exchange"])
def test_slopes_of_fillings(baths, expanded):
    """df/dmu of every bath and floating lead, and (E - mu) / T as much with the temperature."""
    balance, panels, unknowns, coupled, _ = problem("chain", baths, True, expanded)
    probes, energies, step = balance.probes, panels.nodes()[0].ravel(), 1e-6
    slopes, lead_slopes = probes.slopes(energies, unknowns)
    for number in np.flatnonzero(coupled):
        unit = step * np.eye(1, len(unknowns), number)[0]
        (up, lead_up), (down, lead_down) = (probes.fillings(energies, unknowns + sign * unit) for sign in (1, -1))
        change, lead_change = (up - down) / (2 * step), (lead_up - lead_down) / (2 * step)
        expected, lead_expected = np.zeros_like(change), np.zeros_like(lead_change)
        row, rows = number, len(probes.coupled)
        if number < rows:
            expected[row] = slopes[row]
        elif number < rows + len(probes.hot):
            mu, temperature = (values[number - rows] for values in probes.local(unknowns))
            row = probes.hot[number - rows]
            expected[row] = slopes[row] * (energies - mu) / temperature
        else:
            lead = probes.floating[number - rows - len(probes.hot)]
            lead_expected[lead] = lead_slopes[lead]
        np.testing.assert_allclose(change, expected, rtol=0, atol=1e-6)
        np.testing.assert_allclose(lead_change, lead_expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("baths", "floating", "expanded"), [("none", True, False), *product(
    [name for name in BATHS if name != "none"], [False, True], [False, True])])
@pytest.mark.parametrize("system", SYSTEMS)
def test_products_and_adjoint(system, baths, floating, expanded):
    """J v is a difference of balances; u . (J v) = (J^T u) . v, with and without a magnetic field."""
    balance, panels, unknowns, coupled, rng = problem(system, baths, floating, expanded)
    jacobian = Jacobian(balance.spectra, balance.probes, panels, unknowns)
    direction, other = (np.where(coupled, rng.normal(size=len(unknowns)), 0.0) for _ in range(2))
    found, step = jacobian(direction), 1e-5
    difference = (balance.evaluate(panels, unknowns + step * direction).residual
                  - balance.evaluate(panels, unknowns - step * direction).residual) / (2 * step)
    np.testing.assert_allclose(found, difference, rtol=0, atol=1e-7 * np.abs(found).max())
    assert other @ found == pytest.approx(jacobian.adjoint(other) @ direction, rel=1e-10,
                                            abs=1e-12 * np.abs(found).max())
    everywhere = rng.normal(size=(2, len(unknowns)))  # rows without a bath are those of the identity
    assert everywhere[0] @ jacobian(everywhere[1]) == pytest.approx(jacobian.adjoint(everywhere[0]) @ everywhere[1],
                                                                    rel=1e-10)
