"""Elastic scattering for any propagator that knows n_i of given sources: at every energy as many return as are taken.

    A_i f_i = n_i,    n = K (source + x f) + leads,    x_i the elastic rate

With T = A^-1 K x, whose rows add up to less than 1, f - T f = A^-1 (K source + leads). The equation is solved by GMRES
at all energies side by side, one scan a step. Where that takes many steps, what varies slowly from group to group of
sites is solved for directly, which keeps their number from growing with the length. Few sites, and those that electrons
hardly ever leave, are eliminated one by one.
"""

from collections.abc import Callable
from copy import copy
from typing import Generic, Self, TypeVar

import numpy as np

from ..errors import ConvergenceError
from ..model.broadening import SelfEnergy
from .interface import LatticeSpectrum, Propagator, Spectrum, mean_absorption
from .lattice import LatticePropagator

# What is left of the equation, relative to its largest right-hand side, when occupations are asked for, and in products
# with a derivative, in which equations are solved to 1e-5.
_EXACT, _PRODUCT = 1e-13, 1e-8
# What is accepted where rounding stops the progress.
_WORST = 1e-10
# Steps before GMRES starts anew, and how often it may.
_RESTART, _CYCLES = 40, 25
# Up to so many sites are eliminated at once: as many scans as sites, which a few solutions by GMRES take, too; and up
# to so many where GMRES fails.
_FEW, _MOST = 48, 400
# Steps of one solution from which on groups of sites pay; how many groups at most, and how many sites one has at least.
_MANY_STEPS = 16
_MOST_GROUPS, _LEAST_GROUP = 24, 12
# Part of a site's states that leads and other baths fill without elastic collisions, below which rounding hides it.
_CLOSED = 1e-12
# Of all baths alike.
Inner = TypeVar("Inner", bound=Spectrum)


class ElasticPropagator(Propagator):
    """A propagator of a lattice with elastic scattering on some sites; it has all that a `LatticePropagator` has.

    Parameters
    ----------
    self_energy : SelfEnergy
        Of all baths.
    make : callable
        Makes the propagator that is wrapped from a self-energy: there all baths are alike, and absorb.

    Attributes
    ----------
    order, bonds, lattice, leads, method, balanced
        Those of `LatticePropagator`.
    """

    def __init__(self, self_energy: SelfEnergy, make: Callable[[SelfEnergy], LatticePropagator]) -> None:
        self._plain = self_energy
        self._set(make(self_energy.all_alike()), self_energy)

    def _set(self, inner, self_energy, potential=None):
        self._inner = inner
        self.order, self.bonds, self.lattice, self.method = inner.order, inner.bonds, inner.lattice, inner.method
        self.leads = inner.leads
        self._self_energy = self_energy.in_order(self.order)
        if potential is not None:
            self._self_energy = self._self_energy.at_potential(potential)
        self.coupled, self.balanced = self._self_energy.absorbing, self._self_energy.balanced
        self.batch, self.response_size, self.few = inner.batch, inner.response_size, inner.few

    def at_potential(self, potential: np.ndarray, band_shifts: np.ndarray) -> "ElasticPropagator":
        """The same propagator with other electrostatic energies of the sites, shape (sites,), and of the leads."""
        other = object.__new__(ElasticPropagator)
        other._plain = self._plain
        other._set(self._inner.at_potential(potential, band_shifts), self._plain, potential)
        return other

    def reversed(self) -> Self:
        other = copy(self)
        other._inner = self._inner.reversed()
        return other

    def edges(self) -> np.ndarray:
        return self._inner.edges()

    def thresholds(self, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
        return self._inner.thresholds(low, high)

    def has_densities(self, energy: float) -> bool:
        """See `LatticePropagator`."""
        return self._inner.has_densities(energy)

    def green_diagonal(self, energies: np.ndarray) -> np.ndarray:
        """See `LatticePropagator`."""
        return self._inner.green_diagonal(energies)

    def green_asymptote(self) -> tuple[np.ndarray, np.ndarray]:
        """See `LatticePropagator`."""
        return self._inner.green_asymptote()

    def bath_rates(self, energies: np.ndarray) -> list[np.ndarray]:
        """See `LatticePropagator`."""
        return self._self_energy.rates(energies)

    def spectrum(self, energies: np.ndarray) -> "ElasticLatticeSpectrum":
        inner = self._inner.spectrum(energies)
        rate = sum(self.bath_rates(energies), np.zeros_like(inner.spectral))
        return ElasticLatticeSpectrum(inner, rate, self._self_energy.elastic_rate(energies), self.leads)

    def kernel(self, energy: float) -> np.ndarray:
        """See `LatticePropagator`; by a dense solve."""
        plain, spectrum = self._inner.kernel(energy), self.spectrum(np.array([energy]))
        return np.linalg.solve(np.eye(len(plain)) - plain * spectrum.returned[:, 0], plain)

    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """See `interface.Propagator`.

        See `beside_elastic`.
        """
        inverse, everything = self._inner.preconditioner(energies, weights)
        diagonal = mean_absorption(self.spectrum(energies), weights)
        return beside_elastic(inverse, everything, diagonal, self.coupled), diagonal


def beside_elastic(inverse: Callable[[np.ndarray], np.ndarray], everything: np.ndarray, diagonal: np.ndarray,
                   coupled: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Inverse of the balance of the baths that absorb, from that of all baths alike.

    At a single energy, with P the latter, g the rate of all and s that of those that absorb, it is exactly
    P + 1/(s A) - 1/(g A).

    Parameters
    ----------
    inverse : callable
        P.
    everything, diagonal : arrays of float, shape (sites,)
        g A and s A.
    coupled : array of bool, shape (sites,)
        Where baths absorb.
    """
    local = np.where(coupled, 1 / diagonal - 1 / everything, 0.0)

    def solve(b):
        return np.where(coupled, inverse(np.where(coupled, b, 0.0)) + local * b, b)

    return solve


class ElasticSpectrum(Spectrum, Generic[Inner]):
    """What the propagator knows at some energies; see `interface.Spectrum`.

    Parameters
    ----------
    inner : Spectrum
        With all baths absorbing.
    rate, elastic : arrays of float, shape (sites, energies)
        gamma of what absorbs, and of what scatters elastically.
    leads : int

    Attributes
    ----------
    inner : Spectrum
    returned : array of float, shape (sites, energies)
        x_i / A_i.
    """

    def __init__(self, inner: Inner, rate: np.ndarray, elastic: np.ndarray, leads: int) -> None:
        self.rate = rate
        self.spectral = inner.spectral
        self.inner, self._elastic = inner, elastic
        self.leads = leads
        self.returned = np.divide(elastic, inner.spectral, out=np.zeros_like(elastic), where=inner.spectral > 0)
        # Where nothing else fills the states nothing comes in: f is 0, as in equilibrium.
        self._escaping, _ = inner.occupation(rate, np.ones((leads, rate.shape[1])))
        self._open = np.any(self._escaping > _CLOSED * inner.spectral, axis=0)
        self._groups: _Groups | None = None
        self._inverse: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        arrays = self.rate, self._elastic, self.returned, self._escaping
        return self.inner.nbytes + sum(array.nbytes for array in arrays) + (
            0 if self._inverse is None else self._inverse.nbytes)

    def total(self, source: np.ndarray, lead_filling: np.ndarray, rtol: float = _EXACT) -> np.ndarray:
        """All sources, elastic ones included, shape (sites, energies)."""
        arriving, _ = self.inner.occupation(source, lead_filling)
        sites = np.any(self._elastic > 0, axis=1)
        inverse = np.divide(1.0, self.spectral, out=np.zeros_like(arriving), where=self.spectral > 0)[sites]
        inverse = inverse * self._open
        nothing = np.zeros_like(lead_filling)

        def scattered(f):
            again = np.zeros_like(source)
            again[sites] = self._elastic[sites] * f
            return again

        def product(f):
            return f - inverse * self.inner.occupation(scattered(f), nothing)[0][sites]

        right, count = inverse * arriving[sites], np.count_nonzero(sites)

        def eliminated():
            if self._inverse is None:
                self._inverse = eliminate(product, inverse * self._escaping[sites])
            return source + scattered((self._inverse @ right.T[:, :, None])[:, :, 0].T)

        if count <= _FEW or self._inverse is not None:
            return eliminated()
        groups = self._groups
        try:
            f, steps = solve_columns(product, right, rtol, groups or (lambda values: values))
        except ConvergenceError:
            if count > _MOST:
                raise
            return eliminated()
        if steps > _MANY_STEPS and groups is None:
            self._groups = _Groups(product, self._elastic[sites] * self.spectral[sites])
        return source + scattered(f)

    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.inner.occupation(self.total(source, lead_filling), lead_filling)

    def for_products(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.inner.occupation(self.total(source, lead_filling, _PRODUCT), lead_filling)


class ElasticLatticeSpectrum(ElasticSpectrum[LatticeSpectrum], LatticeSpectrum):
    """The same of a lattice."""

    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        return self.inner.bond_flows(self.total(source, lead_filling), lead_filling)


def eliminate(product: Callable[[np.ndarray], np.ndarray], escape: np.ndarray) -> np.ndarray:
    """Inverse of 1 - T at all energies, site after site without a difference: T_ii never enters.

    What leaves a site is the sum of what goes to others and of what escapes, e_i = 1 - sum_j T_ij; with the last site
    taken out, what went there goes on from it, T_ij + T_ik T_kj / (sum_l T_kl + e_k). So every element has its digits
    even where electrons are scattered 1e15 times before they escape.

    Parameters
    ----------
    product : callable
        (1 - T) f of f, shape (sites, energies).
    escape : array of float, shape (sites, energies)

    Returns
    -------
    array of float, shape (energies, sites, sites)

    References
    ----------
    W. K. Grassmann, M. I. Taksar, D. P. Heyman, Operations Research 33, 1107 (1985).
    """
    sites, energies = escape.shape
    to, leaving = np.empty((energies, sites, sites)), escape.T.copy()
    for site in range(sites):
        to[:, :, site] = -product(np.repeat((np.arange(sites) == site)[:, None], energies, axis=1).astype(float)).T
    np.clip(to, 0.0, None, out=to)  # T, but for the diagonal
    inverse = np.broadcast_to(np.eye(sites), to.shape).copy()
    outs = np.empty((energies, sites))
    for last in range(sites - 1, -1, -1):
        out = to[:, last, :last].sum(axis=1) + leaving[:, last]
        outs[:, last] = np.where(out > 0, out, np.inf)  # nothing comes there
        share = to[:, :last, last] / outs[:, last, None]
        to[:, :last, :last] += share[:, :, None] * to[:, None, last, :last]
        leaving[:, :last] += share * leaving[:, last, None]
        inverse[:, :last] += share[:, :, None] * inverse[:, None, last]
    for site in range(sites):
        inverse[:, site] += (to[:, site, None, :site] @ inverse[:, :site])[:, 0]
        inverse[:, site] /= outs[:, site, None]
    return inverse


class _Groups:
    """Approximate inverse: exact for what is the same within each of some groups of neighbouring sites."""

    def __init__(self, product: Callable[[np.ndarray], np.ndarray], weight: np.ndarray) -> None:
        sites, energies = weight.shape
        count = min(_MOST_GROUPS, sites // _LEAST_GROUP)
        self._of_site = np.arange(sites) * count // sites
        self._start = np.searchsorted(self._of_site, np.arange(count))
        total = np.add.reduceat(weight, self._start, axis=0)
        self._weight = np.divide(weight, total[self._of_site], out=np.zeros_like(weight),
                                 where=total[self._of_site] > 0)
        matrix = np.empty((energies, count, count))
        for group in range(count):
            one = np.repeat((self._of_site == group)[:, None], energies, axis=1).astype(float)
            matrix[:, :, group] = self._means(product(one)).T
        # A group that scatters nothing at an energy stands for itself.
        empty = ~(total.T > 0)
        matrix[empty] = 0.0
        matrix[np.arange(energies)[:, None], np.arange(count), np.arange(count)] += empty
        self._inverse = np.linalg.inv(matrix)

    def _means(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(self._weight * values, self._start, axis=0)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        means = self._means(values)
        solved = (self._inverse @ means.T[:, :, None])[:, :, 0].T
        return values + (solved - means)[self._of_site]


def solve_columns(product: Callable[[np.ndarray], np.ndarray], right: np.ndarray, rtol: float,
                  inverse: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, int]:
    """Solve one equation per column, all by GMRES side by side, preconditioned from the right.

    Parameters
    ----------
    product, inverse : callable
        Product with the matrices of all columns, and with approximate inverses.
    right : array of float, shape (rows, columns)
    rtol : float
        Largest residual, relative to the largest right-hand side.

    Returns
    -------
    solution : array of float, shape (rows, columns)
    steps : int
        Products.

    Raises
    ------
    ConvergenceError
        If a residual is worse than `rtol` and than what rounding explains.
    """
    solution, residual, steps = np.zeros_like(right), right, 0
    size = np.linalg.norm(right, axis=0).max(initial=0.0)
    if size == 0:
        return solution, 0
    left = previous = 1.0
    for _ in range(_CYCLES):
        change, used = _gmres_cycle(product, residual, 0.5 * rtol * size, inverse)
        solution = solution + change
        residual = right - product(solution)
        steps += used + 1
        previous, left = left, np.linalg.norm(residual, axis=0).max() / size
        if left <= rtol or (left <= _WORST and left > 0.5 * previous):
            return solution, steps
    raise ConvergenceError(f"Elastic scattering was solved to {left:.0e} only, in {steps} scans: electrons are "
                           "scattered for very long before they reach a lead or another bath. A smaller rate of the "
                           "ElasticBath, a mean_free_path (v / rate of a rate vanishes at a band's bottom), or a "
                           "shorter system, helps.", accuracy=float(left))


def _gmres_cycle(product, right, atol, inverse):
    """Change of the solution of all columns, and the number of products."""
    rows, columns = right.shape
    norms = np.linalg.norm(right, axis=0)
    basis = [np.divide(right, norms, out=np.zeros_like(right), where=norms > 0)]
    triangle = np.zeros((_RESTART + 1, _RESTART, columns))
    cosine, sine = np.zeros((2, _RESTART, columns))
    rest = np.zeros((_RESTART + 1, columns))
    rest[0] = norms
    step = 0
    for step in range(min(_RESTART, rows)):
        vector = product(inverse(basis[step]))
        column = triangle[:, step]
        for _ in range(2):  # the second time makes up for rounding
            for number, one in enumerate(basis):
                part = np.einsum("ik,ik->k", one, vector)
                column[number] += part
                vector = vector - part * one
        length = np.linalg.norm(vector, axis=0)
        column[step + 1] = length
        basis.append(np.divide(vector, length, out=np.zeros_like(vector), where=length > 0))
        for number in range(step):
            upper, lower = column[number].copy(), column[number + 1].copy()
            column[number] = cosine[number] * upper + sine[number] * lower
            column[number + 1] = cosine[number] * lower - sine[number] * upper
        radius = np.hypot(column[step], column[step + 1])
        safe = np.where(radius > 0, radius, 1.0)
        cosine[step], sine[step] = np.where(radius > 0, column[step] / safe, 1.0), column[step + 1] / safe
        column[step], column[step + 1] = radius, 0.0
        rest[step + 1] = -sine[step] * rest[step]
        rest[step] = cosine[step] * rest[step]
        if np.abs(rest[step + 1]).max() <= atol:
            break
    count = step + 1
    weights = np.zeros((count, columns))
    for number in range(count - 1, -1, -1):
        value = rest[number] - (triangle[number, number + 1:count] * weights[number + 1:]).sum(axis=0)
        pivot = triangle[number, number]
        weights[number] = np.divide(value, pivot, out=np.zeros(columns), where=np.abs(pivot) > 0)
    change = np.zeros_like(right)
    for one, weight in zip(basis, weights, strict=False):
        change += weight * one
    return inverse(change), count
