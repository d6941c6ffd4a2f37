"""Errors of the package."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ConvergenceError(RuntimeError):
    """The requested accuracy was not reached.

    Attributes
    ----------
    accuracy : float or None
        Relative accuracy that was reached.
    residual : float or None
        What is left of the balance, in units of the chemical potential, or of the law of electrostatics.
    sites : array of int or None
        The sites (nodes in the kinetic theory) that are worst, in the order of the results.
    energies : array of float or None
        Ends of the worst pieces of the energy axis, shape (pieces, 2).
    state : SteadyState, KineticState or None
        The best that was reached: not a solution, but often a hint at what is wrong.
    """

    def __init__(self, message, *, accuracy=None, residual=None, sites=None, energies=None, state=None):
        super().__init__(message)
        self.accuracy = accuracy
        self.residual = residual
        self.sites = sites
        self.energies = energies
        self.state = state


class RunawayError(ConvergenceError):
    """Phonons have no steady temperature: what they receive grows faster with it than what they lose.

    Attributes
    ----------
    bias : float
        Largest difference of the reservoirs' mu, in eV.
    state
        The last, at the hottest temperatures that were tried.
    """

    def __init__(self, message, *, bias, state=None):
        super().__init__(message, state=state)
        self.bias = bias


class SweepError(RuntimeError):
    """A sweep ended before its time, or without a result.

    Attributes
    ----------
    result : xarray.Dataset
        What is finished.
    failed : list of dict
        The points that failed, or at which a worker may have died.
    """

    def __init__(self, message, *, result, failed):
        super().__init__(message)
        self.result = result
        self.failed = failed


def heed_interrupt(error: BaseException) -> None:
    """Raise KeyboardInterrupt if that is what an error goes back to: whoever catches errors asks here first.

    Ctrl-C inside compiled code comes back as a SystemError, which functions of a user turn into errors of their own.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise KeyboardInterrupt(*cause.args) from error
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


@contextmanager
def users_function(argument: str, function: Callable, place: object = None) -> Iterator[None]:
    """Errors inside a user's function say which one it is, and keep their cause, as kwant does for value functions.

    Parameters
    ----------
    argument : str
        What the function was given as.
    function : callable
    place : object, optional
        Where it was called.
    """
    from ._kwant import kwant  # slow to import, and the command line asks for what else is here

    try:
        yield
    except Exception as error:
        heed_interrupt(error)
        where = "" if place is None else f" (at {place})"
        raise kwant.UserCodeError(f"The function given as {argument}, {getattr(function, '__qualname__', function)}, "
                                  f"raised {type(error).__name__}: {error}{where}") from error
