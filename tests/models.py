"""Systems that several test modules use."""

import kwant
import numpy as np
from hypothesis import strategies as st

import kwant_dissip as kd

LATTICE = kwant.lattice.chain(norbs=1)


def chain(onsite, hopping, lead_onsite=(0.0, 0.0), lead_hopping=(-1.0, -1.0)):
    """Finalized chain with sites 0 .. N - 1 and two leads; hopping[i] is the matrix element from i + 1 to i."""
    builder = kwant.Builder()
    for i, energy in enumerate(onsite):
        builder[LATTICE(i)] = energy
    for i, t in enumerate(hopping):
        builder[LATTICE(i), LATTICE(i + 1)] = t
    for direction, energy, t in zip((-1, 1), lead_onsite, lead_hopping, strict=True):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction,)))
        lead[LATTICE(0)] = energy
        lead[LATTICE(0), LATTICE(1)] = t
        builder.attach_lead(lead)
    return builder.finalized()


def uniform_chain(sites, onsite=0.0):
    """Finalized chain of hopping -1 that continues its leads."""
    return chain([onsite] * sites, [-1.0] * (sites - 1), lead_onsite=(onsite, onsite))


def three_terminal():
    """The ribbon of ``three_terminal`` in ``lattice_cases.json``: flux, disorder, a third lead on top."""
    lattice = kwant.lattice.square(norbs=1)
    builder = kwant.Builder()
    for x in range(6):
        for y in range(4):
            builder[lattice(x, y)] = 0.3 * np.sin(12.9898 * x + 78.233 * y)
    builder[kwant.builder.HoppingKind((0, 1), lattice)] = -1

    def along(to, _):
        return -np.exp(0.2j * to.tag[1])

    builder[kwant.builder.HoppingKind((1, 0), lattice)] = along
    for direction in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((direction, 0)))
        lead[(lattice(0, y) for y in range(4))] = 0
        lead[kwant.builder.HoppingKind((0, 1), lattice)] = -1
        lead[kwant.builder.HoppingKind((1, 0), lattice)] = along
        builder.attach_lead(lead)
    top = kwant.Builder(kwant.TranslationalSymmetry((0, 1)))
    top[lattice(2, 0)] = top[lattice(3, 0)] = 0
    top[lattice.neighbors()] = -1
    builder.attach_lead(top)
    return builder.finalized()


def floats(low, high):
    """Finite floats in an interval."""
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


@st.composite
def chains(draw, max_sites=12):
    """(system, reservoirs, bath, arguments of `chain`) with everything random."""
    sites = draw(st.integers(2, max_sites))
    onsite = draw(st.lists(floats(-0.5, 0.5), min_size=sites, max_size=sites))
    hopping = [draw(floats(0.4, 1.5)) * np.exp(1j * draw(floats(-3, 3))) for _ in range(sites - 1)]
    arguments = {"onsite": onsite, "hopping": hopping,
                 "lead_onsite": (draw(floats(-0.5, 0.5)), draw(floats(-0.5, 0.5))),
                 "lead_hopping": (draw(floats(0.7, 1.3)), draw(floats(0.7, 1.3)))}
    rates = draw(st.lists(st.just(0.0) | floats(0.01, 0.4), min_size=sites, max_size=sites).filter(any))
    reservoirs = [kd.Reservoir(draw(floats(-0.8, 0.8)), draw(floats(0.03, 0.3))) for _ in range(2)]
    bath = kd.PhononBath(draw(floats(0.03, 0.3)), rate=rates)
    return chain(**arguments), reservoirs, bath, arguments
