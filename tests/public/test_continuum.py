"""Models that kwant.continuum discretises."""

import kwant
import numpy as np
import pytest

import kwant_dissip as kd

continuum = pytest.importorskip("kwant.continuum", reason="kwant.continuum needs sympy")


def test_coefficient_that_varies_in_space():
    """A mass that doubles halfway: Landauer's current is kwant's, and with phonons all is conserved."""
    continuous = "k_x * A(x) * k_x + V"
    template = continuum.discretize(continuous)
    device = kwant.Builder()
    device.fill(template, lambda site: 0 <= site.pos[0] < 12, (0,))
    for direction, value in ((-1, "A_left"), (1, "A_right")):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction,)))
        lead.fill(continuum.discretize(f"{value} * k_x**2 + V"), lambda site: True, (0,))
        device.attach_lead(lead)
    params = {"A": lambda x: 1.0 if x < 6 else 0.5, "A_left": 1.0, "A_right": 0.5, "V": 0.0}
    syst = device.finalized()
    reservoirs = [kd.Reservoir(1.02, 0.01), kd.Reservoir(0.98, 0.01)]
    coherent = kd.steady_state(syst, reservoirs, None, params=params)
    through = [kwant.smatrix(syst, energy, params=params).transmission(1, 0) for energy in (0.98, 1.0, 1.02)]
    assert coherent.current[0] == pytest.approx(0.04 * np.mean(through) / (2 * np.pi), rel=1e-3)
    state = kd.steady_state(syst, reservoirs, kd.PhononBath(0.01, rate=0.05), params=params)
    assert abs(state.energy_residual) < 1e-10
    assert 0 < state.current[0] < coherent.current[0]
    assert state.entropy_production > 0
