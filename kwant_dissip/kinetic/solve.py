"""Kinetic (Landauer-Boltzmann) theory of two wires around a scatterer, by the balance solver of the lattice.

Occupations f_+(x, E), f_-(x, E) of right and left movers at total energy E:

    s v d/dx f_s = -gamma (f_s - F(E - mu(x))),  s = +-1;      Int dE gamma/v (f_+ + f_- - 2F) = 0 fixes mu(x)
    at the scatterer:  f_+(0+) = T f_+(0-) + (1-T) f_-(0+),    f_-(0-) = T f_-(0+) + (1-T) f_+(0-)
    p(x) = Int dE/2pi E (gamma/v) (f_+ + f_- - 2F)

It is the lattice theory without interference between the scatterer and the wires, for k_B T >> gamma.
"""

from collections.abc import Callable, Sequence

import numpy as np

from .._kwant import kwant
from ..errors import ConvergenceError
from ..model.baths import Bath, Baths, PhononBath, checked_baths
from ..model.electrostatics import Law, Neutrality
from ..model.profile import ProfileBroadening
from ..model.reservoirs import Reservoir, known_mus
from ..numerics.checks import check_rtol, is_number, real_array, shortened
from ..numerics.quadrature import THERMAL_WINDOW
from ..numerics.threads import thread_pool
from ..progress import reporting, stage_bar
from ..results.kinetic_state import KineticState
from .mesh import adapt
from .problem import KineticProblem, bath_temperature
from .scatterers import FunctionScatterer, KwantScatterer
from .streams import Relaxation

# In a long wire without phonons electrons reach 0.28 of the bias; more between energy filters.
_HOT = 0.5

Function = Callable[[np.ndarray], np.ndarray]


def from_kwant(syst: kwant.system.FiniteSystem, *, params: dict | None = None) -> KwantScatterer:
    """Scattering probabilities and velocities of a kwant system, for `steady_state`.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized scatterer with two leads; lead 0 is the left wire. Without wires between scatterer and leads fewer
        energies resolve it. Any number of modes.
    params : dict, optional
        Parameters of its value functions.

    Returns
    -------
    KwantScatterer
        Its method ``transmission(energies)`` is the sum of the transmission probabilities.

    Raises
    ------
    TypeError, ValueError
        If `syst` is not a finalized system with two leads.
    """
    return KwantScatterer(syst, params)


def steady_state(transmission: Function | KwantScatterer, reservoirs: Sequence[Reservoir],
                 bath: Bath | Sequence[Bath], *, velocity: Function | tuple[Function, Function] | None = None,
                 length: float | tuple[float, float], electrostatics: Law | None = None,
                 occupation_energies: np.ndarray | None = None, rtol: float = 1e-6) -> KineticState:
    """Heat, chemical potential and currents in two wires around a scatterer, nonlinear in the bias.

    Parameters
    ----------
    transmission : callable or KwantScatterer
        T(E) of an array of energies, or what `from_kwant` returns.
    reservoirs : (Reservoir, Reservoir)
        At the outer ends of the left and the right wire.
    bath : PhononBath, ElectronBath, ElasticBath, or list of them
        Each with one number as `rate`, or as `mean_free_path` (rate = mean velocity of the open modes / mean free
        path), phonons with one temperature. Elastic scattering sends electrons into all open modes of both directions
        alike.
    velocity : callable or pair of callables
        v(E) in both wires, or in the left and in the right one; 0 (or nan) where no mode is open. Not with
        `from_kwant`.
    length : float or pair of floats
        Length of each wire.
    electrostatics : Neutrality, optional
        The wires stay neutral: U(x) = mu(x) - mu_eq, and the velocity is taken at E - U(x), where mu_eq is the mean
        over the reservoirs of mu less the potential, if one was given. Needs a `rate`, and wires of one mode. Without
        it U = 0.
    occupation_energies : array of float, optional
        Energies at which the occupations of right and left movers are returned too.
    rtol : float, optional
        Relative accuracy of power and currents, each measured by its largest value: of the energy integrals, and of
        the resolution along the wires.

    Returns
    -------
    KineticState

    Raises
    ------
    ValueError
        If arguments are out of range or do not fit each other; the message names which.
    ConvergenceError
        If the requested accuracy is not reached.

    Notes
    -----
    Cells with six Gauss nodes each are halved where the highest Legendre coefficient of power or chemical potential
    exceeds `rtol` of their range; on a cell the streams are solved exactly. All modes relax into the same local
    equilibrium.
    """
    check_rtol(rtol)
    baths = checked_baths(bath)
    gamma = relaxation(baths)
    reservoirs = list(reservoirs)
    if len(reservoirs) != 2 or not all(isinstance(reservoir, Reservoir) for reservoir in reservoirs):
        raise ValueError(f"reservoirs must be two Reservoir, of the left and the right wire, got {reservoirs!r}.")
    lengths = lengths_of(length)
    temperatures = np.array([reservoir.temperature for reservoir in reservoirs], float)
    known = known_mus(reservoirs)
    # Electrons among themselves become hotter than all else.
    warm = max([*temperatures, *(bath_temperature(bath) for bath in baths.cold)])
    reach = THERMAL_WINDOW * warm + (_HOT * THERMAL_WINDOW * np.ptp(known) if baths.hot else 0)
    scatterer = scatterer_of(transmission, velocity, known.min() - reach, known.max() + reach)
    _check_electrostatics(electrostatics, baths)
    problem = KineticProblem(scatterer, gamma, reservoirs, baths, electrostatics, rtol)
    energies = _checked_energies(occupation_energies)
    where = [known.mean() if reservoir.mu is None else reservoir.mu for reservoir in reservoirs]
    with thread_pool() as threads, stage_bar("kinetic.steady_state") as progress:
        try:
            mesh, solved, (power,), cell_error = adapt(scatterer, gamma, lengths, where, temperatures, rtol,
                                                       problem.solve, reporting(threads, progress), progress)
        except ConvergenceError as error:
            error.state = error.state and problem.state(*error.state, occupation_energies=energies)
            raise
    return problem.state(mesh, solved, power, cell_error, occupation_energies=energies)


def scatterer_of(transmission: Function | KwantScatterer, velocity: Function | tuple[Function, Function] | None,
                 low: float, high: float) -> FunctionScatterer | KwantScatterer:
    """What the user gave as a scatterer between the wires, checked at energies from low to high."""
    if not isinstance(transmission, KwantScatterer):
        return FunctionScatterer(transmission, velocity, low, high)
    if velocity is not None:
        raise ValueError("velocity must not be given with from_kwant: the leads' modes have their own.")
    return transmission


def relaxation(baths: Baths) -> Relaxation:
    """Rates of baths that are the same everywhere.

    Raises
    ------
    ValueError
        If a bath has no single rate or mean free path, or an infinite mean free path or zero rate.
    """
    if not baths.listed:
        raise ValueError("The kinetic theory needs a bath: coherent electrons do not relax. Give a PhononBath, "
                         "ElectronBath or ElasticBath.")
    balanced, elastic = ([_rate(bath) for bath in kind] for kind in (baths.balanced, baths.elastic))
    return Relaxation(balanced, elastic, np.concatenate([bath.checked_levels() for bath in baths.listed]))


def _rate(bath):
    """Rate of one bath: function of energies, and velocities (2, modes, energies)."""
    value = bath.rate if bath.mean_free_path is None else bath.mean_free_path
    if not is_number(value):
        raise ValueError("The kinetic theory takes baths with one number as rate or mean_free_path, "
                         f"got {bath!r}.")
    if bath.mean_free_path is None:
        if value == 0:
            raise ValueError(f"{bath!r} does not reach the wires: its rate is 0.")
        if bath.has_profile:
            checked = ProfileBroadening(bath, np.array([float(value)]), 1.0)
            return lambda energies, velocity: checked.parts(energies)[0][0]
        return lambda energies, velocity: np.full(len(energies), float(value))
    if value == np.inf:
        raise ValueError(f"{bath!r} does not reach the wires: its mean free path is infinite.")

    def gamma(energies, velocity):  # noqa: ARG001
        count = (velocity > 0).sum(axis=(0, 1))
        return velocity.sum(axis=(0, 1)) / np.maximum(count, 1) / value

    return gamma


def _check_electrostatics(electrostatics, baths):
    if electrostatics is None:
        return
    if not isinstance(electrostatics, Neutrality):
        raise ValueError(f"electrostatics must be Neutrality() in the kinetic theory, got {electrostatics!r}.")
    if [type(bath) for bath in baths.listed] != [PhononBath]:
        raise ValueError("Neutrality in the kinetic theory takes a PhononBath alone: with other baths the density is "
                         "not that of its local equilibrium.")
    if baths.listed[0].mean_free_path is not None:
        raise ValueError("Neutrality in the kinetic theory needs a PhononBath with a rate: with a mean_free_path the "
                         "density is not that of the local equilibrium.")


def lengths_of(length: float | tuple[float, float]) -> np.ndarray:
    """Length of each wire, shape (2,), checked."""
    what = "a positive number, or one for each of the two wires"
    values = real_array("length", length, what)
    if values.shape not in ((), (2,)) or not np.all((values > 0) & np.isfinite(values)):
        raise ValueError(f"length must be {what}, got {shortened(length)}.")
    return np.broadcast_to(values.astype(float), 2)


def _checked_energies(energies):
    if energies is None:
        return None
    values = np.atleast_1d(real_array("occupation_energies", energies))
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise ValueError(f"occupation_energies must be finite real numbers, got {shortened(energies)}.")
    return values.astype(float)
