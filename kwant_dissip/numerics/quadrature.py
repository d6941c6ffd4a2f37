"""Energy integrals: panels with square-root edges, and sums over Matsubara frequencies."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import eigh_tridiagonal

# Beyond 40 k_B T from every chemical potential, occupations differ by less than exp(-40) = 4e-18.
THERMAL_WINDOW = 40.0
# Energy integrals are Int dE / 2 pi.
TWO_PI = 2 * np.pi

# Gauss-Kronrod pair of 10 and 21 nodes on [-1, 1], positive half, from QUADPACK's qk21
# (Piessens, de Doncker-Kapenga, Ueberhuber, Kahaner, QUADPACK, Springer 1983).
_KRONROD_NODES = np.array([
    0.995657163025808080735527280689003, 0.973906528517171720077964012084452,
    0.930157491355708226001207180059508, 0.865063366688984510732096688423493,
    0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
    0.562757134668604683339000099272694, 0.433395394129247190799265943165784,
    0.294392862701460198131126603103866, 0.148874338981631210884826001129720, 0.0])
_KRONROD_WEIGHTS = np.array([
    0.011694638867371874278064396062192, 0.032558162307964727478818972459390,
    0.054755896574351996031381300244580, 0.075039674810919952767043140916190,
    0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
    0.123491976262065851077958109585166, 0.134709217311473325928054001771707,
    0.142775938577060080797094273138717, 0.147739104901338491374841515972068,
    0.149445554002916905664936468389821])
_GAUSS_WEIGHTS = np.array([
    0.066671344308688137593568809893332, 0.149451349150580593145863396957658,
    0.219086362515982043995534934228163, 0.269266719309996355091226921569469,
    0.295524224714752870173815619188769])

# Panels that overlap by less than this part of their width do not.
_ALIKE = 1e-2
# So many times as wide as those of a grid nearby panels may be. Nearer to 1 grids grow from one point of a sweep to the
# next, as their panels do not begin at the same energies.
_COARSER = 3.0
# Energies of a panel.
PANEL = 21
NODES = np.concatenate([-_KRONROD_NODES, _KRONROD_NODES[-2::-1]])
WEIGHTS = np.concatenate([_KRONROD_WEIGHTS, _KRONROD_WEIGHTS[-2::-1]])
EMBEDDED_WEIGHTS = np.zeros(PANEL)
EMBEDDED_WEIGHTS[1:10:2] = _GAUSS_WEIGHTS
EMBEDDED_WEIGHTS[11:20:2] = _GAUSS_WEIGHTS[::-1]


@dataclass(frozen=True)
class Panels:
    """Pieces of the energy axis, each with the nodes of a Gauss-Kronrod pair.

    The axis is cut into segments [a, b] where a lead mode opens. On a segment E = a + (b - a) sin^2(pi u / 2),
    0 <= u <= 1, which turns the square-root edges of the integrands at a and b into smooth functions of u; a
    panel is an interval [u0, u1] of its segment.

    Attributes
    ----------
    a, b, u0, u1 : arrays of float, shape (panels,)
    """

    a: np.ndarray
    b: np.ndarray
    u0: np.ndarray
    u1: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, which: np.ndarray | slice) -> "Panels":
        return Panels(self.a[which], self.b[which], self.u0[which], self.u1[which])

    def nodes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies, weights, and weights of the embedded Gauss rule, each of shape (panels, 21)."""
        half = 0.5 * (self.u1 - self.u0)[:, None]
        u = 0.5 * (self.u1 + self.u0)[:, None] + half * NODES
        width = (self.b - self.a)[:, None]
        energies = self.a[:, None] + width * np.sin(0.5 * np.pi * u) ** 2
        measure = half * width * 0.5 * np.pi * np.sin(np.pi * u)
        return energies, WEIGHTS * measure, EMBEDDED_WEIGHTS * measure

    def shifted(self, energy: float) -> "Panels":
        """The panels, so much higher."""
        return Panels(self.a + energy, self.b + energy, self.u0, self.u1)

    def halves(self) -> "Panels":
        """Both halves (in u) of every panel."""
        middle = 0.5 * (self.u0 + self.u1)
        return Panels(np.repeat(self.a, 2), np.repeat(self.b, 2),
                      np.stack([self.u0, middle], axis=1).ravel(), np.stack([middle, self.u1], axis=1).ravel())

    def ends(self) -> np.ndarray:
        """Lowest and highest energy of each panel, shape (panels, 2)."""
        u = np.stack([self.u0, self.u1], axis=1)
        return self.a[:, None] + (self.b - self.a)[:, None] * np.sin(0.5 * np.pi * u) ** 2

    def as_fine_as(self, other: "Panels") -> "Panels":
        """Panels halved until they are nearly as narrow as those of another grid at the same energies.

        A little wider they may be: what was fine for a resonance that has moved since is not kept for ever.
        """
        low, high = other.ends()[np.argsort(other.ends()[:, 0])].T
        kept, panels = [], self
        while len(panels):
            here_low, here_high = panels.ends().T
            margin = _ALIKE * (here_high - here_low)
            first = np.clip(np.searchsorted(low, here_low + margin, "right") - 1, 0, len(low) - 1)
            last = np.maximum(np.searchsorted(low, here_high - margin, "left"), first + 1)
            narrowest = np.array([(high - low)[i:j].min() for i, j in zip(first, last, strict=True)])
            is_wide = (here_high - here_low > _COARSER * narrowest) & (here_high > low[0]) & (here_low < high[-1])
            kept.append(panels[~is_wide])
            panels = panels[is_wide].halves()
        return Panels.join(*kept)

    @staticmethod
    def join(*parts: "Panels") -> "Panels":
        """All panels of several, in order."""
        return Panels(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("a", "b", "u0", "u1")))


def window_panels(low: float, high: float, edges: Iterable[float], width: float) -> Panels:
    """Panels that cover [low, high].

    Parameters
    ----------
    low, high : float
        Ends of the window.
    edges : sequence of float
        Energies at which the integrand may have a square-root edge; those inside the window split it.
    width : float
        No panel is made wider than this (in the middle of a segment, where the map is widest).

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
    return Panels(*np.concatenate(columns, axis=1))


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
    return nodes, count * vectors[0] ** 2


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
