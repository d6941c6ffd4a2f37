"""The heat equation: a million sites of a wire, a sheet of 300 x 300, growth with size, against conjugate gradients."""

import time

import numpy as np
from scipy.sparse.linalg import cg

import kwant_dissip as kd
from kwant_dissip.results.result import Graph
from kwant_dissip.thermal.cells import cells_of
from kwant_dissip.thermal.heat_equation import HeatEquation

WIRES, SHEETS = (10_000, 100_000, 1_000_000), (75, 150, 300)
WIRE = kd.Thermal(conductivity=6.24e-15, coupling=0.17, substrate_temperature=300)
SHEET = kd.Thermal(conductivity=1.2e-7, coupling=5e7, substrate_temperature=300)
# kappa ~ T and Kapitza's law: Newton's method.
LAW = kd.Thermal(conductivity=lambda kelvin: 6.24e-15 * kelvin / 300, coupling=kd.thermal.kapitza(0.17, 300),
                 substrate_temperature=300)


def chain(sites):
    """Graph of a straight wire, a site every nanometre."""
    number = np.arange(sites)
    return Graph(1e-9 * number[:, None], np.stack([number[:-1], number[1:]], axis=1),
                 np.array([[0, 0], [1, sites - 1]]), np.array([[-1.0], [1.0]]))


def square(width):
    """Graph of a square sheet between two leads."""
    number = np.arange(width ** 2).reshape(width, width)
    bonds = np.concatenate([np.stack([part[0].ravel(), part[1].ravel()], axis=1) for part in (
        (number[:-1], number[1:]), (number[:, :-1], number[:, 1:]))])
    contacts = [(lead, site) for lead, end in enumerate((number[0], number[-1])) for site in end]
    return Graph(1e-9 * np.stack(np.indices(number.shape), axis=-1).reshape(-1, 2), bonds, np.array(contacts),
                 np.array([[-1.0, 0.0], [1.0, 0.0]]))


def equation(graph, thermal):
    """Heat equation with random heat on every site."""
    power = 1e-12 * np.random.default_rng(0).normal(size=len(graph.positions))
    return HeatEquation(cells_of(graph), thermal, power, np.zeros(2))


def iterative(problem):
    """Conjugate gradients with the diagonal as preconditioner, to 1e-10."""
    matrix, right = problem.derivative(problem.start), -problem.balance(problem.flows(problem.start))
    diagonal = matrix.diagonal()
    return cg(matrix, right, rtol=1e-10, M=matrix.__class__((1 / diagonal, (range(len(diagonal)),) * 2)))


def seconds(call, times=1):
    """Shortest time of some calls."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def rows(name, graphs, thermal):
    """Seconds of each size, cells included, ratio to the alternative, and exponent of the growth."""
    sites, times = [len(graph.positions) for graph in graphs], []
    for graph, count in zip(graphs, sites, strict=True):
        times.append(seconds(lambda graph=graph: equation(graph, thermal).solve(), times=3))
        row = f"{name}, {count} sites: {times[-1]:.2f} s"
        if not callable(thermal.coupling):
            problem = equation(graph, thermal)
            direct, other = (seconds(lambda call=call, problem=problem: call(problem)) for call in (
                HeatEquation.solve, iterative))
            row += f", of these for the equation {direct:.2f} s; conjugate gradients {other:.2f} s, ratio " \
                   f"{other / direct:.1f}"
        print(row, flush=True)
    print(f"{name}: time grows as sites^{np.polyfit(np.log(sites), np.log(times), 1)[0]:.2f}", flush=True)


def main():
    """Print all of it."""
    wires = [chain(sites) for sites in WIRES]
    rows("heat equation of a chain", wires, WIRE)
    rows("the same, kappa ~ T and g ~ T^3", wires, LAW)
    rows("heat equation of a square sheet", [square(width) for width in SHEETS], SHEET)


if __name__ == "__main__":
    main()
