"""Laws for the electrostatic potential: what potential belongs to given densities.

Every law is a linear relation between the electrostatic energies U and the change of the densities q = N - N0,

    A U - b U_leads - B q = 0,

which the solver fulfils together with the balance of particles.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csc_matrix, csr_matrix, eye_array
from scipy.sparse.linalg import splu

from ..errors import users_function
from ..numerics.checks import check_positive, real_array, shortened
from .lattice import Lattice
from .per_site import named

_KERNEL = "a real matrix with a row for each site, or a function of two positions"
# What rounding leaves of sums, over 1e-9, to which the law is fulfilled.
_ROUNDING = 1e-7


class Law(ABC):
    """A law for the electrostatic potential."""

    @abstractmethod
    def equation(self, lattice: Lattice) -> "Equation":
        """`Equation` on a lattice."""


@dataclass(frozen=True)
class Poisson(Law):
    r"""Poisson's equation on the hoppings.

    .. math:: \sum_j (U_i - U_j) = \mathrm{coupling} \cdot (N_i - N^0_i)

    summed over the hoppings of a site: on a chain the sum is -(U_{i+1} - 2 U_i + U_{i-1}). A lead's U holds beyond its
    interface; nothing goes through other edges: field lines stay in the wire, as between charged plates. With a lattice
    constant a and wires of cross section S the coupling is e^2 a / (epsilon S), e^2/epsilon_0 = 18.1 eV nm: 7 meV for
    a = 0.5 nm, S = 100 nm^2 and epsilon = 12.9 epsilon_0 (GaAs). Wires and planes whose field leaves them:
    `ImageCharges`.

    Parameters
    ----------
    coupling : float
        Strength of the interaction, in the model's energy unit, positive.

    Raises
    ------
    ValueError
        If the coupling is not a positive number.
    """

    coupling: float

    def __post_init__(self) -> None:
        check_positive("Poisson coupling", self.coupling)

    def equation(self, lattice: Lattice) -> "Equation":
        laplacian, sources = lattice.laplacian()
        return Equation(laplacian / self.coupling, sources / self.coupling, None)


@dataclass(frozen=True)
class Neutrality(Law):
    """The limit of strong screening: the density stays what it was in equilibrium, at every site.

    In the kinetic theory with a rate that does not depend on energy the density is that of the local equilibrium, so
    that U = mu - mu_eq exactly.
    """

    def equation(self, lattice: Lattice) -> "Equation":
        sites = len(lattice.offsets) - 1
        return Equation(csr_matrix((sites, sites)), np.zeros((sites, len(lattice.leads))), None, largest=1.0)


class CoulombKernel(Law):
    r"""An interaction of one's own.

    .. math:: U_i = U_{\mathrm{ext},i} + \sum_j V_{ij}\,(N_j - N^0_j)

    U_ext is the potential without charge: that of `Poisson`, the ramp between the leads.

    Parameters
    ----------
    kernel : array of float, shape (sites, sites), or function of two positions
        V in the model's energy unit, symmetric, with rows in the order of ``syst.sites``. A function gets two
        positions, arrays of shape (dimensions,), and returns a number; it is called for every pair, of a site with
        itself too.

    Raises
    ------
    ValueError
        If `kernel` is neither.
    """

    def __init__(self, kernel: np.ndarray | Callable[[np.ndarray, np.ndarray], float]) -> None:
        if not callable(kernel):
            given, kernel = kernel, real_array("CoulombKernel kernel", kernel, _KERNEL)
            if kernel.ndim != 2:
                raise ValueError(f"CoulombKernel kernel must be {_KERNEL}, got {shortened(given)}.")
        self.kernel = kernel

    def __repr__(self):
        return f"CoulombKernel({self.kernel if callable(self.kernel) else f'matrix {self.kernel.shape}'})"

    def matrix(self, lattice: Lattice) -> np.ndarray:
        """V between all sites."""
        if not callable(self.kernel):
            return self.kernel
        lattice.require_positions("A CoulombKernel of two positions")
        with users_function("kernel", self.kernel):
            matrix = np.array([[self.kernel(a, b) for b in lattice.positions] for a in lattice.positions])
        if matrix.dtype.kind not in "fiu":
            raise ValueError(f"CoulombKernel: the function must return real numbers, got {matrix.dtype}.")
        return matrix

    def equation(self, lattice: Lattice) -> "Equation":
        sites, matrix = len(lattice.offsets) - 1, self.matrix(lattice)
        if matrix.shape != (sites, sites):
            raise ValueError(f"CoulombKernel needs a matrix of shape ({sites}, {sites}), one row for each site; "
                             f"got {matrix.shape}.")
        if not np.all(np.isfinite(matrix)):
            raise ValueError("CoulombKernel holds values that are not finite.")
        asymmetry = np.abs(matrix - matrix.T).max()
        if asymmetry > 1e-10 * np.abs(matrix).max():
            raise ValueError(f"CoulombKernel must be symmetric; V_ij and V_ji differ by up to {asymmetry:.3g}.")
        if matrix.sum() < 0:
            raise ValueError(f"CoulombKernel attracts: its elements add up to {matrix.sum():.3g}, so that electrons "
                             "would gather without end. A repulsion has V > 0.")
        return Equation(eye_array(sites, format="csr"), ramps(lattice), matrix.astype(float))


def ramps(lattice: Lattice) -> np.ndarray:
    """Potential without charge, the solution of `Poisson` at coupling 0, per U of each lead: shape (sites, leads).

    Raises
    ------
    ValueError
        If a piece of the system is connected to no lead: its potential is not determined.
    """
    lost = lattice.unconnected(np.ones(len(lattice.offsets) - 1, bool))
    if len(lost):
        raise ValueError(f"{len(lost)} sites, the first {named(lattice.sites[lost[0]])}, are connected to no lead: "
                         "their electrostatic potential is not determined.")
    laplacian, sources = lattice.laplacian()
    return splu(csc_matrix(laplacian)).solve(sources)


class Equation:
    """A U - b U_leads - B q = 0.

    Parameters
    ----------
    stiffness : sparse matrix, shape (sites, sites)
        A.
    sources : array of float, shape (sites, leads)
        b.
    kernel : array of float, shape (sites, sites), or None
        B; None: unity.
    largest : float, optional
        What residuals are relative to, at least; for neutrality, which has no other term, one electron per site.
    """

    def __init__(self, stiffness: csr_matrix, sources: np.ndarray, kernel: np.ndarray | None,
                 largest: float = 0.0) -> None:
        self._largest = largest
        self._stiffness = stiffness
        self._sources = sources
        self._kernel = kernel

    def in_order(self, order: np.ndarray) -> "Equation":
        """The same with sites permuted."""
        kernel = None if self._kernel is None else self._kernel[np.ix_(order, order)]
        return Equation(self._stiffness[order][:, order], self._sources[order], kernel, self._largest)

    def _charge(self, q):
        return q if self._kernel is None else self._kernel @ q

    def residual(self, potential: np.ndarray, lead_potentials: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, float]:
        """A U - b U_leads - B q, and what it is relative to: the largest of A U - b U_leads and of B q.

        Or that part of the terms of A U which rounding leaves of them, where the coupling is next to none.
        """
        left, right = self._stiffness @ potential - self._sources @ lead_potentials, self._charge(q)
        rounding = _ROUNDING * (abs(self._stiffness) @ np.abs(potential)).max(initial=0.0)
        return left - right, max(np.abs(left).max(), np.abs(right).max(), self._largest, rounding)

    def thomas_fermi(self, states: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Approximate inverse of the derivative with U.

        As if the density at a site followed the difference of mu and U there, q_i = D_i (dmu_i - dU_i).

        Parameters
        ----------
        states : array of float, shape (sites,)
            D_i, positive.

        Returns
        -------
        callable
            Maps a residual and a change of mu to a change of U.
        """
        if self._kernel is None:
            matrix = csc_matrix(self._stiffness)
            matrix.setdiag(matrix.diagonal() + states)
            solve = splu(matrix).solve
        else:
            factor = lu_factor(self._stiffness.toarray() + self._kernel * states)

            def solve(b):
                return lu_solve(factor, b)

        return lambda residual, mu_change: solve(residual + self._charge(states * mu_change))
