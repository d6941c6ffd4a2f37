"""Kinetic (Landauer-Boltzmann) theory of two wires around a scatterer, by the balance solver of the lattice.

Occupations f_+(x, E), f_-(x, E) of right and left movers at total energy E:

    s v d/dx f_s = -gamma (f_s - F(E - mu(x))),  s = +-1;      Int dE gamma/v (f_+ + f_- - 2F) = 0 fixes mu(x)
    at the scatterer:  f_+(0+) = T f_+(0-) + (1-T) f_-(0+),    f_-(0-) = T f_-(0+) + (1-T) f_+(0-)
    p(x) = Int dE/2pi E (gamma/v) (f_+ + f_- - 2F)

It is the lattice theory without interference between the scatterer and the wires, for k_B T >> gamma.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.special import expit

from ..balance.expansion import LinearResponse, expand
from ..balance.particles import Balance
from ..model.electrostatics import Neutrality
from ..model.reservoirs import Reservoir, known_mus
from ..numerics.quadrature import THERMAL_WINDOW
from ..results.result import Result
from ..solve import check_rtol, equilibrium_mu, equilibrium_temperature
from . import cells
from .mesh import adapt
from .scatterers import FunctionScatterer, KwantScatterer


def from_kwant(syst, *, params=None):
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


def steady_state(transmission, reservoirs, bath, *, velocity=None, length, electrostatics=None,
                 occupation_energies=None, rtol=1e-6):
    """Heat, chemical potential and currents in two wires around a scatterer, nonlinear in the bias.

    Parameters
    ----------
    transmission : callable or KwantScatterer
        T(E) of an array of energies, or what `from_kwant` returns.
    reservoirs : (Reservoir, Reservoir)
        At the outer ends of the left and the right wire.
    bath : PhononBath
        With one number as `rate`, or as `mean_free_path` (rate = mean velocity of the open modes / mean free path),
        and one temperature.
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
    reservoirs = list(reservoirs)
    if len(reservoirs) != 2 or not all(isinstance(reservoir, Reservoir) for reservoir in reservoirs):
        raise ValueError(f"reservoirs must be two Reservoir, of the left and the right wire, got {reservoirs!r}.")
    lengths = _lengths(length)
    reach = THERMAL_WINDOW * max(bath_temperature(bath), *(r.temperature for r in reservoirs))
    known = known_mus(reservoirs)
    window = known.min() - reach, known.max() + reach
    scatterer = _scatterer(transmission, velocity, *window)
    gamma = relaxation(bath)
    _check_electrostatics(electrostatics, bath)
    equilibrium = equilibrium_mu(reservoirs)
    middle = 0.5 * (known.min() + known.max())

    def solve(make, start, progress):
        # One step towards U = mu - mu_eq; `adapt` calls again until it is settled.
        shift = np.zeros(make.nodes) if start is None else start[1]
        potentials = None if electrostatics is None else shift + middle - equilibrium
        propagator = make(potentials)
        temperature = np.full(propagator.sites, bath_temperature(bath))
        balance = Balance(propagator, reservoirs, temperature, rtol, progress)
        if start is not None:
            start = start[0], np.concatenate([start[1], np.zeros(len(balance.floating))])
        solution = balance.solve(*(start or ()))
        new_shift = solution.mu - balance.mu0
        change = 0.0 if electrostatics is None else np.abs(new_shift - shift).max() / np.abs(new_shift).max()
        progress("potential", change)
        if potentials is None:
            potentials = np.zeros(make.nodes)
        # U is constant on a cell: a linear change by d on it, in energies of width T, is missed to second order.
        variation = np.ptp(potentials.reshape(-1, cells.ORDER), axis=1)
        return ((balance, solution, potentials), (solution.panels, new_shift), [solution.power], [new_shift],
                change <= 0.1 * rtol, (variation / bath_temperature(bath)) ** 2 / 12)

    mesh, (balance, solution, potential), (power,), cell_error = adapt(
        scatterer, gamma, lengths, [known.mean() if r.mu is None else r.mu for r in reservoirs],
        [r.temperature for r in reservoirs], rtol, solve)
    shift = np.concatenate([solution.mu, solution.lead_mu[balance.floating]]) - balance.mu0
    occupation = _occupations(balance, shift, occupation_energies)
    return KineticState(
        x=mesh.nodes, node_width=mesh.node_widths,
        power=power, mu=solution.mu, potential=potential, current=solution.current,
        energy_current=solution.energy_current,
        reservoir_mu=solution.lead_mu,
        reservoir_temperature=np.array([r.temperature for r in reservoirs], float),
        bath_temperature=bath_temperature(bath), error=max(solution.error, cell_error),
        rtol=float(rtol), newton_steps=solution.newton_steps, products=solution.products,
        energies=solution.energies, **occupation)


def linear_response(transmission, bath, *, mu, temperature=None, velocity=None, length, rtol=1e-6):
    """First and second order in the bias (half of it on each side): Peltier's and Joule's part of the heat separately.

    Parameters
    ----------
    transmission, bath, velocity, length, rtol
        As in `steady_state`.
    mu : float
        Electrochemical potential of the equilibrium.
    temperature : float, optional
        k_B T of electrons and phonons; 0 is allowed. By default that of the bath.

    Returns
    -------
    kwant_dissip.linear.LinearResponse

    Raises
    ------
    ValueError, ConvergenceError
        As in `steady_state`.
    """
    check_rtol(rtol)
    temperature = equilibrium_temperature(bath, temperature)
    if not np.isfinite(mu):
        raise ValueError(f"mu must be a finite number, got {mu!r}.")
    reach = THERMAL_WINDOW * temperature + 1e-9 * (1 + abs(mu))
    scatterer = _scatterer(transmission, velocity, mu - reach, mu + reach)

    def solve(make, start, progress):
        fields, start = expand(make(), mu, temperature, (0.5, -0.5), rtol, progress, start)
        return fields, start, [fields["power1"], fields["power2"]], [fields["mu1"]], True, 0.0

    mesh, fields, powers, cell_error = adapt(scatterer, relaxation(bath), _lengths(length), [mu, mu],
                                              [temperature, temperature], rtol, solve)
    fields.update(power1=powers[0], power2=powers[1], error=max(fields["error"], cell_error))
    return LinearResponse(x=mesh.nodes, **fields)


def _scatterer(transmission, velocity, low, high):
    if not isinstance(transmission, KwantScatterer):
        return FunctionScatterer(transmission, velocity, low, high)
    if velocity is not None:
        raise ValueError("velocity must not be given with from_kwant: the leads' modes have their own.")
    return transmission


_DESCRIPTIONS = {  # meaning, model's unit, SI
    "x": ("position", "lattice unit", "m"), "node_width": ("length that each node stands for", "lattice unit", "m"),
    "power": ("power per length that the phonons receive", "E0^2/hbar per lattice unit", "W/m"),
    "mu": ("local electrochemical potential", "E0", "eV"), "potential": ("electrostatic energy", "E0", "eV"),
    "current": ("particles entering from each reservoir", "E0/hbar", "A"),
    "energy_current": ("energy entering from each reservoir", "E0^2/hbar", "W"),
    "reservoir_mu": ("electrochemical potential of each reservoir", "E0", "eV"),
    "reservoir_temperature": ("k_B T (SI: T) of each reservoir", "E0", "K"),
    "occupation_energies": ("energies of the occupations", "E0", "eV"),
    "occupation_plus": ("occupation of right movers", "1", "1"),
    "occupation_minus": ("occupation of left movers", "1", "1")}


@dataclass(frozen=True, eq=False, repr=False)
class KineticState(Result):
    """Heat, potentials and currents along two wires. Units as in `SteadyState`.

    Attributes
    ----------
    x : array of float, shape (nodes,)
        Positions, negative in the left wire; the scatterer is at 0.
    node_width : array of float, shape (nodes,)
        Length that each node stands for: ``(power * node_width).sum()`` is the power of all.
    power : array of float, shape (nodes,)
        Power per length that the phonons receive.
    mu : array of float, shape (nodes,)
        Local electrochemical potential.
    potential : array of float, shape (nodes,)
        Electrostatic energy U(x); zero without electrostatics.
    current, energy_current : arrays of float, shape (2,)
        Particles, and energy, that enter from the left and the right reservoir per unit time.
    reservoir_mu, reservoir_temperature : arrays of float, shape (2,)
    bath_temperature : float
    error : float
        Estimated relative error of power and currents, at most `rtol`.
    rtol : float
    newton_steps, products, energies : int
        Of the last mesh: Newton steps, Jacobian products, energies.
    occupation_energies : array of float, shape (energies,) or None
    occupation_plus, occupation_minus : arrays of float, shape (nodes, energies), or None
        f_+ and f_- at those energies, each the mean over the open modes.
    units : str
        "model", or "SI" after `to_si`.
    """

    x: np.ndarray
    node_width: np.ndarray
    power: np.ndarray
    mu: np.ndarray
    potential: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray
    reservoir_mu: np.ndarray
    reservoir_temperature: np.ndarray
    bath_temperature: float
    error: float
    rtol: float
    newton_steps: int
    products: int
    energies: int
    occupation_energies: np.ndarray | None = None
    occupation_plus: np.ndarray | None = None
    occupation_minus: np.ndarray | None = None
    units: str = "model"

    _descriptions = _DESCRIPTIONS

    @property
    def _heat(self):
        return self.power * self.node_width

    @staticmethod
    def _si_factors(units):
        return {"x": units.lattice_constant, "node_width": units.lattice_constant,
                "power": units.power / units.lattice_constant, "energy_current": units.power,
                "current": units.current, "mu": units.energy_unit, "potential": units.energy_unit,
                "reservoir_mu": units.energy_unit, "reservoir_temperature": units.temperature,
                "bath_temperature": units.temperature, "occupation_energies": units.energy_unit}

    @property
    def wires(self):
        """Number of wires."""
        return 2

    def nodes_of(self, wire):
        """Nodes of the left (0) or right (1) wire, in order: array of int."""
        return np.flatnonzero(self.x < 0 if wire == 0 else self.x > 0)

    def interpolate(self, values, wire, points=16):
        """Values between the nodes of a wire, by the polynomials of the solution.

        Parameters
        ----------
        values : array of float, shape (nodes,)
            For example `power` or `mu`.
        wire : int
        points : int
            Points per cell.

        Returns
        -------
        x, values : arrays
        """
        at, _ = self._basis(points)
        nodes = self.nodes_of(wire)
        return tuple((array[nodes].reshape(-1, cells.ORDER) @ at).ravel() for array in (self.x, values))

    def derivative(self, values, wire, points=16):
        """Positions as of `interpolate`, and the derivative of values with x there."""
        at, slope = self._basis(points)
        nodes = self.nodes_of(wire)
        x, values, widths = (array[nodes].reshape(-1, cells.ORDER) for array in (self.x, values, self.node_width))
        return (x @ at).ravel(), (values @ slope / widths.sum(axis=1)[:, None]).ravel()

    @staticmethod
    def _basis(points):
        y = (np.arange(points) + 0.5) / points
        return cells.lagrange(y), cells.lagrange(y, derivative=1)

    def profile(self, wire, window=None):  # noqa: ARG002 (same call as SteadyState.profile)
        """Power per length along a wire: positions, power, and None (nothing is averaged; `window` is not used)."""
        return *self.interpolate(self.power, wire), None

    def plot(self, axes=None):
        """Draw power and electrochemical potential along the wires; see `SteadyState.plot`."""
        from ..plots.profiles import profile  # pictures stand above this module, and matplotlib is slow to import

        return profile(self, axes)


def bath_temperature(bath):
    """Temperature of a bath that is the same everywhere."""
    if not isinstance(bath.temperature, Real):
        raise ValueError("The kinetic theory takes a PhononBath with one temperature, "
                         f"got {bath.temperature!r}.")
    return float(bath.temperature)


def relaxation(bath):
    """Gamma of a bath that is the same everywhere: function of velocities (2, modes, energies).

    Raises
    ------
    ValueError
        If the bath has no single rate or mean free path, or an infinite mean free path or zero rate.
    """
    value = bath.rate if bath.mean_free_path is None else bath.mean_free_path
    if not isinstance(value, Real):
        raise ValueError("The kinetic theory takes a PhononBath with one number as rate or mean_free_path, "
                         f"got {bath!r}.")
    if bath.mean_free_path is None:
        if value == 0:
            raise ValueError(f"{bath!r} does not reach the wires: its rate is 0.")
        return lambda velocity: np.full(velocity.shape[-1], float(value))
    if value == np.inf:
        raise ValueError(f"{bath!r} does not reach the wires: its mean free path is infinite.")

    def gamma(velocity):
        count = (velocity > 0).sum(axis=(0, 1))
        return velocity.sum(axis=(0, 1)) / np.maximum(count, 1) / value

    return gamma


def _check_electrostatics(electrostatics, bath):
    if electrostatics is None:
        return
    if not isinstance(electrostatics, Neutrality):
        raise ValueError(f"electrostatics must be Neutrality() in the kinetic theory, got {electrostatics!r}.")
    if bath.mean_free_path is not None:
        raise ValueError("Neutrality in the kinetic theory needs a PhononBath with a rate: with a mean_free_path the "
                         "density is not that of the local equilibrium.")


def _lengths(length):
    values = np.asarray(length, float)
    if values.shape not in ((), (2,)) or not np.all((values > 0) & np.isfinite(values)):
        raise ValueError(f"length must be a positive number, or one for each of the two wires, got {length!r}.")
    return np.broadcast_to(values, 2)


def _occupations(balance, shift, energies):
    """Fields of a KineticState for the occupations at given energies."""
    if energies is None:
        return {}
    energies = np.atleast_1d(np.asarray(energies, float))
    if energies.ndim != 1 or not np.all(np.isfinite(energies)):
        raise ValueError(f"occupation_energies must be finite numbers, got {energies!r}.")
    reference = expit((balance.mu0 - energies) / balance.temperature0)
    filling, lead_filling = balance.fillings(energies - balance.mu0, shift)
    plus, minus = balance.propagator.spectrum(energies).directions(filling, lead_filling)
    return {"occupation_energies": energies, "occupation_plus": plus + reference, "occupation_minus": minus + reference}
