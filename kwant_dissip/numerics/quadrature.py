"""Energy integrals: panels with square-root edges, and sums over Matsubara frequencies."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.linalg import eigh_tridiagonal

# Beyond 40 k_B T from every chemical potential, occupations differ by less than exp(-40) = 4e-18.
THERMAL_WINDOW = 40.0
# Energy integrals are Int dE / 2 pi.
TWO_PI = 2 * np.pi

# Nested rules of 1, 3, 7, 15 and 31 nodes on [-1, 1], each with all nodes of the one before, and one more between them
# than these are: T. N. L. Patterson, Math. Comp. 22, 847 (1968). Positive nodes of the largest, by extension of Gauss's
# three (orthogonality of the added nodes' polynomial, solved with 60 digits).
_POSITIVE = np.array([
    0.112488943133186625745843327560319, 0.223386686428966881628203986843998, 0.331135393257976833092640782248747,
    0.434243749346802558002071502844628, 0.531319743644375623972103438052469, 0.621102946737226402940687443816595,
    0.702496206491527078609800156008001, 0.774596669241483377035853079956480, 0.836725938168868735502753818110222,
    0.888459232872256998890420167258503, 0.929654857429740056670125725933374, 0.960491268708020283423507092629080,
    0.981531149553740106867361888547026, 0.993831963212755022208512841307951, 0.999098124967667597662226062412998])

# Panels that overlap by less than this part of their width do not.
_ALIKE = 1e-2
# So many times as far apart as those of a grid nearby nodes may be. Nearer to 1 grids grow from one point of a sweep to
# the next, as their panels do not begin at the same energies.
_COARSER = 3.0
# Energies of the rules that panels have.
COUNTS = 7, 15, 31


def _rules():
    """Nodes, weights, and those of the rules of half and a quarter as many nodes, by number of nodes."""
    largest = np.concatenate([-_POSITIVE[::-1], [0.0], _POSITIVE])
    nodes, weights = {}, {}
    for count in (1, 3, *COUNTS):
        step = (len(largest) + 1) // (count + 1)
        nodes[count] = largest[step - 1::step]
        moments = np.zeros(count)
        moments[0] = 2.0
        weights[count] = np.linalg.solve(np.polynomial.legendre.legvander(nodes[count], count - 1).T, moments)
    rules = {}
    for count in COUNTS:
        embedded = np.zeros((2, count))
        embedded[0, 1::2], embedded[1, 3::4] = weights[count // 2], weights[count // 4]
        rules[count] = nodes[count], weights[count], embedded
    return rules


RULES = _rules()


@dataclass(frozen=True)
class Panels:
    """Pieces of the energy axis, each with the nodes of a nested rule.

    The axis is cut into segments [a, b] where a lead mode opens. On a segment E = a + (b - a) sin^2(pi u / 2),
    0 <= u <= 1, which turns the square-root edges of the integrands at a and b into smooth functions of u; a
    panel is an interval [u0, u1] of its segment.

    Attributes
    ----------
    a, b, u0, u1 : arrays of float, shape (panels,)
    count : array of int, shape (panels,)
        Nodes of each: 7, 15 or 31.
    """

    a: np.ndarray
    b: np.ndarray
    u0: np.ndarray
    u1: np.ndarray
    count: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, which: np.ndarray | slice) -> "Panels":
        return Panels(*(getattr(self, field.name)[which] for field in fields(Panels)))

    @property
    def energies(self) -> int:
        """Number of nodes of all."""
        return int(self.count.sum())

    def nodes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies and weights of panels that have as many nodes each, and weights of both embedded rules.

        Returns
        -------
        energies, weights : arrays of float, shape (panels, count)
        embedded : array of float, shape (2, panels, count)
            Of the rule of half as many nodes, and of that of a quarter.
        """
        nodes, weights, embedded = RULES[int(self.count[0])]
        half = 0.5 * (self.u1 - self.u0)[:, None]
        u = 0.5 * (self.u1 + self.u0)[:, None] + half * nodes
        width = (self.b - self.a)[:, None]
        energies = self.a[:, None] + width * np.sin(0.5 * np.pi * u) ** 2
        measure = half * width * 0.5 * np.pi * np.sin(np.pi * u)
        return energies, weights * measure, embedded[:, None] * measure

    def alike(self) -> list["Panels"]:
        """The panels in parts of as many nodes each, fewest first."""
        return [self[self.count == count] for count in np.unique(self.count)]

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Energies and weights of all nodes, of one part that is `alike` after the other, shape (energies,)."""
        parts = [part.nodes() for part in self.alike()]
        energies, weights = (np.concatenate([part[which].ravel() for part in parts]) for which in (0, 1))
        return energies, weights

    def shifted(self, energy: float) -> "Panels":
        """The panels, so much higher."""
        return replace(self, a=self.a + energy, b=self.b + energy)

    def raised(self) -> "Panels":
        """The panels with twice as many nodes and one."""
        return replace(self, count=2 * self.count + 1)

    def halves(self) -> "Panels":
        """Both halves (in u) of every panel, of 15 nodes at most."""
        middle = 0.5 * (self.u0 + self.u1)
        count = np.minimum(self.count, COUNTS[1])
        return Panels(np.repeat(self.a, 2), np.repeat(self.b, 2), np.stack([self.u0, middle], axis=1).ravel(),
                      np.stack([middle, self.u1], axis=1).ravel(), np.repeat(count, 2))

    def ends(self) -> np.ndarray:
        """Lowest and highest energy of each panel, shape (panels, 2)."""
        u = np.stack([self.u0, self.u1], axis=1)
        return self.a[:, None] + (self.b - self.a)[:, None] * np.sin(0.5 * np.pi * u) ** 2

    def as_fine_as(self, other: "Panels") -> "Panels":
        """Panels halved until their nodes are nearly as close as those of another grid at the same energies.

        A little wider they may be: what was fine for a resonance that has moved since is not kept for ever.
        """
        order = np.argsort(other.ends()[:, 0])
        low, high = other.ends()[order].T
        spacing = (high - low) / other.count[order]
        kept, panels = [], self
        while len(panels):
            here_low, here_high = panels.ends().T
            margin = _ALIKE * (here_high - here_low)
            first = np.clip(np.searchsorted(low, here_low + margin, "right") - 1, 0, len(low) - 1)
            last = np.maximum(np.searchsorted(low, here_high - margin, "left"), first + 1)
            closest = np.array([spacing[i:j].min() for i, j in zip(first, last, strict=True)])
            is_wide = (here_high - here_low > _COARSER * closest * panels.count) & (here_high > low[0]) & (
                here_low < high[-1])
            kept.append(panels[~is_wide])
            panels = panels[is_wide].halves()
        return Panels.join(*kept)

    @staticmethod
    def join(*parts: "Panels") -> "Panels":
        """All panels of several, in order."""
        return Panels(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Panels)))


def window_panels(low: float, high: float, edges: Iterable[float], width: float, count: int = COUNTS[1]) -> Panels:
    """Panels that cover [low, high].

    Parameters
    ----------
    low, high : float
        Ends of the window.
    edges : sequence of float
        Energies at which the integrand may have a square-root edge; those inside the window split it.
    width : float
        No panel is made wider than this (in the middle of a segment, where the map is widest).
    count : int, optional
        Nodes of each.

    Returns
    -------
    Panels
    """
    inside = sorted({float(e) for e in edges if low < e < high})
    # Thresholds of two leads that should be equal differ by rounding; a panel between them would be empty.
    points = [low]
    for edge in [*inside, high]:
        if edge - points[-1] > 1e-12 * (high - low):
            points.append(edge)
    points[-1] = high
    columns = []
    for a, b in pairwise(points):
        u = np.linspace(0, 1, 1 + max(1, int(np.ceil(0.5 * np.pi * (b - a) / width))))
        columns.append(np.stack([np.full(len(u) - 1, a), np.full(len(u) - 1, b), u[:-1], u[1:]]))
    a, b, u0, u1 = np.concatenate(columns, axis=1)
    return Panels(a, b, u0, u1, np.full(len(a), count))


@cache
def sum_rule(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss rule for a sum over 0, 1, ..., count - 1.

    Exact for polynomials of degree 2 size - 1; for a function that is analytic away from negative arguments, and
    summed from n to 2 n, the error falls as (3 + sqrt(8))^(-2 size).

    Parameters
    ----------
    count : int
        Number of terms.
    size : int
        Number of nodes; no more than `count` are used.

    Returns
    -------
    nodes, weights : arrays of float
        Nodes between 0 and count - 1, not integers in general; the weights add up to `count`.

    Notes
    -----
    The orthogonal polynomials are the discrete Chebyshev (Gram) polynomials, whose recurrence is known: G. Szegő,
    Orthogonal Polynomials, section 2.8. Nodes and weights follow from its tridiagonal matrix (Golub and Welsch).
    """
    k = np.arange(1, min(count, size))
    off = 0.5 * k * np.sqrt((float(count) ** 2 - k ** 2) / (4.0 * k ** 2 - 1))
    nodes, vectors = eigh_tridiagonal(np.full(len(k) + 1, 0.5 * (count - 1)), off)
    weights = count * vectors[0] ** 2
    for shared in (nodes, weights):
        shared.flags.writeable = False
    return nodes, weights


def gauss_rule(points: np.ndarray, density: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss rule for a density that is known at points, by Lanczos' recursion (Golub and Welsch).

    Parameters
    ----------
    points, density : arrays of float
        Where it is known, and its weight there; not negative.
    size : int
        Number of nodes; no more than there are points with weight.

    Returns
    -------
    nodes, weights : arrays of float
        The weights add up to 1.
    """
    held = density > 0
    points, vector = points[held], np.sqrt(density[held] / density.sum())
    middle, half = 0.5 * (points.max() + points.min()), max(0.5 * np.ptp(points), 1e-300)
    x = (points - middle) / half
    basis, diagonal, off = [vector], [], []
    for _ in range(min(size, len(points))):
        diagonal.append(basis[-1] @ (x * basis[-1]))
        vector = x * basis[-1]
        for _ in range(2):  # once leaves rounding
            for other in basis:
                vector = vector - (other @ vector) * other
        norm = np.linalg.norm(vector)
        if norm < 1e-12:
            break
        off.append(norm)
        basis.append(vector / norm)
    nodes, vectors = eigh_tridiagonal(np.array(diagonal), np.array(off[:len(diagonal) - 1]))
    return middle + half * nodes, vectors[0] ** 2
