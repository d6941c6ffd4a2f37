"""Systems that several test modules use."""

import kwant
import numpy as np
from hypothesis import strategies as st

import kwant_dissip as kd
from kwant_dissip.native import KERNELS
from kwant_dissip.native.elements import ELEMENT

LATTICE = kwant.lattice.chain(norbs=1)


def chain(onsite, hopping, lead_onsite=(0.0, 0.0), lead_hopping=(-1.0, -1.0)):
    """Finalized chain with sites 0 .. N - 1 and two leads; hopping[i] is the matrix element from i + 1 to i."""
    builder = kwant.Builder()
    for i, energy in enumerate(onsite):
        builder[LATTICE(i)] = energy
    for i, t in enumerate(hopping):
        builder[LATTICE(i), LATTICE(i + 1)] = t
    for direction, energy, t in zip((-1, 1)[:len(lead_onsite)], lead_onsite, lead_hopping, strict=True):
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


SQUARE = {1: kwant.lattice.square(norbs=1), 2: kwant.lattice.square(norbs=2)}


@st.composite
def planes(draw, max_width=5, max_length=12, min_leads=2):
    """(system, reservoirs, bath) of a random rectangle: flux, disorder, one or two orbitals, two to four leads."""
    width, length = draw(st.integers(1, max_width)), draw(st.integers(2, max_length))
    orbitals = draw(st.integers(1, 2))
    leads = draw(st.integers(min_leads, 4))
    phase, seed = draw(floats(-2, 2)), draw(st.integers(0, 10 ** 6))
    rng = np.random.default_rng(seed)
    lattice, unit = SQUARE[orbitals], np.eye(orbitals)
    builder = kwant.Builder()
    for x in range(length):
        for y in range(width):
            matrix = 0.4 * rng.normal(size=(orbitals, orbitals)) + 0.4j * rng.normal(size=(orbitals, orbitals))
            builder[lattice(x, y)] = 0.5 * (matrix + matrix.conj().T)
    mixing = 0.2 * rng.normal(size=(orbitals, orbitals))

    def along(to, _):
        return -np.exp(1j * phase * to.tag[1]) * (unit + mixing)

    builder[kwant.builder.HoppingKind((0, 1), lattice)] = -unit
    builder[kwant.builder.HoppingKind((1, 0), lattice)] = along
    places = [((-1, 0), [(0, y) for y in range(width)]), ((1, 0), [(0, y) for y in range(width)]),
              ((0, 1), [(x, 0) for x in range(min(2, length))]), ((0, -1), [(length - 1, 0)])]
    for number, (direction, tags) in enumerate(places[:leads]):
        lead = kwant.Builder(kwant.TranslationalSymmetry(direction))
        lead[(lattice(*tag) for tag in tags)] = 0.1 * number * unit
        if direction[1]:
            lead[lattice.neighbors()] = -unit
        else:
            lead[kwant.builder.HoppingKind((0, 1), lattice)] = -unit
            # with a field in one lead, without in the other
            lead[kwant.builder.HoppingKind((1, 0), lattice)] = along if number == 0 else -unit
        builder.attach_lead(lead)
    sites = width * length
    rates = np.where(rng.uniform(size=sites) < 0.25, 0.0, rng.uniform(0.02, 0.4, size=sites))
    rates[0] = 0.1
    temperatures = rng.uniform(0.2, 0.4, size=sites)
    reservoirs = [kd.Reservoir(draw(floats(-0.8, 0.8)), draw(floats(0.2, 0.4))) for _ in range(leads)]
    return builder.finalized(), reservoirs, kd.PhononBath(temperatures, rate=rates)


@st.composite
def lists_of_baths(draw, sites):
    """A list of baths, each with a mean free path, a rate, or rates with holes."""

    def coupling():
        kind = draw(st.sampled_from(["path", "rate", "rates", "rates"]))
        if kind == "path":
            return {"mean_free_path": draw(floats(2, 50)), "lead": 0}
        if kind == "rate":
            return {"rate": draw(floats(0.01, 0.4))}
        return {"rate": draw(st.lists(st.just(0.0) | floats(0.01, 0.4), min_size=sites, max_size=sites).filter(any))}

    made = {"x": lambda: kd.ElasticBath(**coupling()), "e": lambda: kd.ElectronBath(**coupling()),
            "p": lambda: kd.PhononBath(draw(floats(0.05, 0.3)), **coupling())}
    return [made[kind]() for kind in draw(st.sampled_from(["x", "e", "ex", "px", "pe", "pex", "pxx", "xe"]))]


@st.composite
def chains_with_baths(draw, max_sites=8):
    """(system, reservoirs, baths, arguments of `chain`), a lead floating in some."""
    syst, reservoirs, _, arguments = draw(chains(max_sites=max_sites))
    if draw(st.integers(0, 3)) == 0:
        reservoirs = [reservoirs[0], kd.Reservoir(None, reservoirs[1].temperature)]
    return syst, reservoirs, draw(lists_of_baths(len(syst.sites))), arguments


def invert(matrices, size):
    """Inverses of `packed` matrices in their own places; very large where one is singular."""
    KERNELS["inverses"]((len(matrices), size), matrices)


def multiply(a, b, rows, inner, columns, adjoint=False, hermitian=False):
    """A B of `packed` matrices, or A B^+ with b of shape (columns, inner); if that is Hermitian, half is copied."""
    result = np.empty((len(a), rows * columns * ELEMENT))
    KERNELS["products"]((len(a), rows, inner, columns, adjoint, hermitian), a, b, result)
    return result
