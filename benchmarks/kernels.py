"""Block kernels as a fraction of a large matrix product's rate; self-energies of leads against kwant's modes."""

import numpy as np
from threadpoolctl import threadpool_limits

import kwant_dissip as kd
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.propagators.slices import SlicePropagator

from .before import ribbon_in_a_field
from .models import seconds

_WIDTHS = (2, 4, 8, 16, 32, 64)
_LENGTH, _ENERGIES = 20, np.linspace(-1.1, -0.9, 24)
# Products of W^3 a slice and energy. X = B (W + X) B^+ both ways, half of each second product as it is Hermitian, and
# the diagonal of G (W + X + Y) G^+; three inverses count as a product each.
_TRANSPORT, _GREEN = 4, 3


def blocks():
    """Rows (width, rate of the transport, of the Green's function, of numpy's stacked products), one thread."""
    large = np.random.default_rng(0).normal(size=(800, 800)) + 1j
    full = 8 * 800 ** 3 / seconds(lambda: large @ large)
    for width in _WIDTHS:
        lattice = read(ribbon_in_a_field(_LENGTH, width))
        propagator = SlicePropagator(lattice, broadening(kd.PhononBath(0.1, rate=0.05), lattice), np.zeros(2))
        sigma = propagator._self_energies(_ENERGIES)
        propagator._self_energies = lambda energies, sigma=sigma: sigma
        spectrum = propagator.spectrum(_ENERGIES)
        source, filling = 0.5 * spectrum.rate, np.full((2, len(_ENERGIES)), 0.5)
        product = 8 * width ** 3 * _LENGTH * len(_ENERGIES)
        stacked = np.full((_LENGTH * len(_ENERGIES), width, width), 1.0 + 1j)
        yield (width, *(count * product / seconds(work) / full for count, work in (
            (_TRANSPORT, lambda s=spectrum, w=source, f=filling: s.occupation(w, f)),
            (_GREEN, lambda p=propagator: p.spectrum(_ENERGIES)), (1, lambda m=stacked: m @ m))))


def self_energies():
    """Rows (width, seconds here, seconds of kwant) for 100 energies, all different each time."""
    for width in (4, 10, 20, 40):
        syst = ribbon_in_a_field(2, width)
        lead, shift = read(syst).leads[0], 0.0

        def ours(lead=lead):
            nonlocal shift
            shift += 1e-7
            lead.self_energy(np.linspace(-3.0, -1.0, 100) + shift)

        def kwants(syst=syst):
            for energy in np.linspace(-3.0, -1.0, 10):
                syst.leads[0].modes(energy)[1].selfenergy()

        yield width, seconds(ours), 10 * seconds(kwants)


def main():
    """Print both."""
    with threadpool_limits(1):
        print("of the flop rate of a large product, one thread:")
        print(f"{'width':>6} {'transport':>10} {'Green function':>15} {'numpy, stacked products':>24}")
        for row in blocks():
            print("{:6d} {:10.2f} {:15.2f} {:24.2f}".format(*row))
        for width, here, there in self_energies():
            print(f"self-energy in a field, width {width}, 100 energies: {here:.4f} s; kwant {there:.4f} s, ratio "
                  f"{there / here:.1f}")
