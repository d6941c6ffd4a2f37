"""Squares: seconds of CPU an energy of nested dissection and of slices, growth with the side, and memory."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

from kwant_dissip.model.dissecting import dissect
from kwant_dissip.model.lattice import read
from kwant_dissip.model.self_energy import broadening
from kwant_dissip.native import LANES
from kwant_dissip.numerics.memory import freed_memory_kept
from kwant_dissip.propagators.dissection import DissectionPropagator
from kwant_dissip.propagators.slices import SlicePropagator
from kwant_dissip.systems import graphene

from .slices import BATH, MU, RATE, disordered

_SIDES, _WITH_SLICES = (40, 60, 100, 140, 200), 100


def an_energy(lattice, kind, mu=MU, repeats=3):
    """Least seconds of CPU of Green's function and of a transport, and bytes kept, each of one energy."""
    propagator = kind(lattice, broadening(BATH, lattice), np.zeros(len(lattice.leads)))
    energies = mu + np.linspace(-0.05, 0.05, LANES)
    sigma = propagator._self_energies(energies)
    propagator._self_energies = lambda energies, sigma=sigma: sigma
    source = np.random.default_rng(0).uniform(0, RATE, size=(len(lattice.sites), LANES))
    filling, times = np.full((propagator.leads, LANES), 0.5), []
    for _ in range(repeats):
        start = time.process_time()
        spectrum = propagator.spectrum(energies)
        between = time.process_time()
        spectrum.occupation(source, filling)
        times.append((between - start, time.process_time() - between))
        size = spectrum.nbytes / LANES
        del spectrum
    return (*(np.min(times, axis=0) / LANES), size)


def squares():
    """Rows (side, those of `an_energy` by dissection, by slices or None, seconds to make the tree)."""
    for side in _SIDES:
        lattice = read(disordered(side, side))
        lattice.graph  # noqa: B018 (worked out once, whoever asks)
        start = time.process_time()
        dissect(lattice)
        tree = time.process_time() - start
        yield (side, an_energy(lattice, DissectionPropagator),
               an_energy(lattice, SlicePropagator) if side <= _WITH_SLICES else None, tree)


def _row(name, ours, slices):
    green, transport, size = ours
    text = f"{name}: Green's function {green * 1e3:.1f} ms, transport {transport * 1e3:.1f} ms, {size / 1e6:.1f} MB"
    if slices is not None:
        text += (f"; slices {slices[0] * 1e3:.1f} ms, {slices[1] * 1e3:.1f} ms, {slices[2] / 1e6:.1f} MB: "
                 f"{slices[0] / green:.2f} and {slices[1] / transport:.2f} times as long")
    print(text, flush=True)


def main():
    """Print all of it."""
    with threadpool_limits(1), freed_memory_kept():
        print("dissection, seconds of CPU for one energy:")
        sides, times = [], []
        for side, ours, slices, tree in squares():
            _row(f"square of {side}, tree {tree:.2f} s", ours, slices)
            sides.append(side)
            times.append(ours[:2])
        for name, column in zip(("Green's function", "transport"), np.transpose(times[1:]), strict=True):
            power = np.polyfit(np.log(sides[1:]), np.log(column), 1)[0]
            print(f"{name}: time grows as W^{power:.2f} from {sides[1]} to {sides[-1]}")
        lattice = read(graphene.constriction(length=70, width=60, neck=40).finalized())
        _row(f"graphene, {len(lattice.sites)} sites", *(
            an_energy(lattice, kind, 0.5) for kind in (DissectionPropagator, SlicePropagator)))
