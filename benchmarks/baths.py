"""Several baths: a Jacobian product against that of phonons alone, growth with the chain's length, a ribbon."""

import time

import numpy as np

import kwant_dissip as kd
from kwant_dissip.balance import newton
from kwant_dissip.balance.linear import Jacobian
from kwant_dissip.systems import chain

from .slices import MU as RIBBON_MU
from .slices import disordered

MU, TEMPERATURE, RATE, BIAS = -1.0, 0.03, 0.02, 0.05
LENGTHS = (1_000, 10_000, 100_000)


def baths(kinds):
    """Some of phonons (p), electrons (e) and elastic scattering (x), of the same rate in the wires."""
    def rate(site):
        return RATE * chain.in_wires(site) if len(site.tag) == 1 else RATE

    made = {"p": kd.PhononBath(TEMPERATURE, rate=rate), "e": kd.ElectronBath(rate=rate), "x": kd.ElasticBath(rate=rate)}
    return [made[kind] for kind in kinds]


class Products:
    """Time that products with the Jacobian take while it is entered, with Newton's method in place of chords."""

    def __enter__(self):
        self._chords, newton._CHORDS = newton._CHORDS, 0
        self.seconds, self._plain = 0.0, Jacobian.__call__
        Jacobian.__call__ = self._timed(self._plain)
        return self

    def _timed(self, call):
        def timed(jacobian, values):
            start = time.perf_counter()
            result = call(jacobian, values)
            self.seconds += time.perf_counter() - start
            return result
        return timed

    def __exit__(self, *_):
        newton._CHORDS = self._chords
        Jacobian.__call__ = self._plain


def whole(syst, mu, kinds, rtol):
    """State, seconds of the whole call, and seconds per product."""
    reservoirs = [kd.Reservoir(mu + 0.5 * BIAS, TEMPERATURE), kd.Reservoir(mu - 0.5 * BIAS, TEMPERATURE)]
    start = time.perf_counter()
    with Products() as products:
        state = kd.steady_state(syst, reservoirs, baths(kinds), rtol=rtol)
    return state, time.perf_counter() - start, products.seconds / max(1, state.products)


def report(name, kinds, state, seconds, product, alone):
    """One line."""
    steps = max(1, state.newton_steps)
    print(f"{name} {kinds:4s} {seconds:7.1f} s, {state.energies:5d} energies, {state.newton_steps:2d} steps, "
          f"{state.products / steps:4.1f} products per step, time per product {product / alone:.1f} of phonons' alone")


def main():
    """Print all of it."""
    for kinds in ("p", "pex"):  # warms up
        whole(chain.barrier(length=10, height=0.8).finalized(), MU, kinds, 1e-2)
    for sites in LENGTHS:
        syst = chain.barrier(length=sites // 2, height=0.8).finalized()
        alone = None
        for kinds in ("p", "e", "px", "pe", "pex"):
            state, seconds, product = whole(syst, MU, kinds, 1e-4)
            alone = alone or product
            report(f"chain of {sites:6d}", kinds, state, seconds, product, alone)
            assert np.abs(state.electron_power).max() < 1e-8 * state.current[0]
    syst, alone = disordered(100, 10), None
    for kinds in ("p", "e", "x", "pex"):
        state, seconds, product = whole(syst, RIBBON_MU, kinds, 1e-3)
        alone = alone or product
        report("ribbon 100 x 10 ", kinds, state, seconds, product, alone)
