"""Linear equations with an operator that is known by its products only."""

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from ..errors import ConvergenceError

# Beyond all that has a meaning, and before products overflow.
_ASTRAY = 1e100


def solve(product: Callable, right: np.ndarray, inverse: Callable, *, rtol: float, worst: float, what: str,
          restart: int = 60, cycles: int = 20) -> np.ndarray:
    """Solution x of J x = right, by GMRES on P J x = P right.

    Parameters
    ----------
    product, inverse : callable
        J v, and P b, an approximate solution of J x = b; arrays of shape (n,).
    right : array of float, shape (n,)
    rtol, worst : float
        What is aimed at, and the worst that is accepted, of |P (J x - right)| / |P right|.
    what : str
        What x is, for the error.
    restart, cycles : int
        Products per cycle, and cycles.

    Raises
    ------
    ConvergenceError
        If x is worse than `worst`.
    """
    right = inverse(right)
    if not np.all(np.abs(right) < _ASTRAY):
        raise ConvergenceError(f"Newton's method for {what} left the range in which there are states.")
    operator = LinearOperator((len(right),) * 2, matvec=lambda v: inverse(product(np.ravel(v))), dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):  # where there are no states; told from `missed`
        x, info = gmres(operator, right, rtol=rtol, restart=restart, maxiter=cycles)
        missed = np.linalg.norm(operator.matvec(x) - right) / np.linalg.norm(right) if info != 0 else 0.0
    # What is not exact still leads Newton's method on, as long as it is good.
    if not missed <= worst:
        raise ConvergenceError(
            f"GMRES solved for {what} to {missed:.0e} only, in {restart * cycles} products: the sites' exchange "
            "with the leads is much weaker than that with each other. A higher rate or temperature, or a stronger "
            "coupling to the leads, helps.", accuracy=float(missed))
    return x
