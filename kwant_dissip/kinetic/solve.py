"""Kinetic (Landauer-Boltzmann) theory of two wires around a scatterer, by the balance solver of the lattice.

Occupations f_+(x, E), f_-(x, E) of right and left movers at total energy E:

    s v d/dx f_s = -gamma (f_s - F(E - mu(x))),  s = +-1;      Int dE gamma/v (f_+ + f_- - 2F) = 0 fixes mu(x)
    at the scatterer:  f_+(0+) = T f_+(0-) + (1-T) f_-(0+),    f_-(0-) = T f_-(0+) + (1-T) f_+(0-)
    p(x) = Int dE/2pi E (gamma/v) (f_+ + f_- - 2F)

It is the lattice theory without interference between the scatterer and the wires, for k_B T >> gamma.
"""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Literal

import kwant
import numpy as np
from scipy.special import expit

from ..balance.electron_probes import ElectronProbes
from ..balance.energy_grid import EnergyGrid
from ..balance.expansion import expand
from ..balance.particles import Balance
from ..balance.probes import ThermalProbes
from ..errors import ConvergenceError
from ..model.baths import Bath, checked_baths, equilibrium_temperature, per_site
from ..model.electrostatics import Law, Neutrality
from ..model.phonon_drive import check_phonon_drive, checked_drive
from ..model.reservoirs import (
    Reservoir,
    check_drives_at,
    check_finite,
    checked_drives,
    equilibrium_mu,
    known_mus,
)
from ..numerics.checks import check_rtol
from ..numerics.quadrature import THERMAL_WINDOW
from ..numerics.threads import thread_pool
from ..progress import stage_bar
from ..propagators.places import PlacesPropagator
from ..results.linear_response import LinearResponse
from . import cells
from .mesh import adapt
from .scatterers import FunctionScatterer, KwantScatterer
from .state import KineticState
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
    lengths = _lengths(length)
    temperatures = np.array([reservoir.temperature for reservoir in reservoirs], float)
    phonons = np.nan if baths.phonons is None else bath_temperature(baths.phonons)
    reference = float(temperatures.mean()) if baths.phonons is None else phonons
    known = known_mus(reservoirs)
    # Electrons among themselves become hotter than all else.
    reach = THERMAL_WINDOW * max(reference, *temperatures) + (0 if baths.electrons is None else
                                                             _HOT * THERMAL_WINDOW * np.ptp(known))
    scatterer = _scatterer(transmission, velocity, known.min() - reach, known.max() + reach)
    _check_electrostatics(electrostatics, baths)
    occupation_energies = _checked_energies(occupation_energies)
    equilibrium = equilibrium_mu(reservoirs)

    def solve(make, start, map_, progress):
        # One step towards U = mu - mu_eq; `adapt` calls again until it is settled.
        everywhere, temperature = np.ones(make.nodes, bool), np.full(make.nodes, reference)
        phonon_probes = everywhere if baths.phonons is not None else None
        probes = (ThermalProbes(everywhere & (phonon_probes is not None), temperature, reservoirs)
                  if baths.electrons is None else
                  ElectronProbes(phonon_probes, everywhere, temperature, reservoirs))
        panels, profiles, lead_mu = start or (None, _profiles(probes, probes.start(), make.nodes),
                                              np.zeros(len(probes.floating)))
        shift = profiles[0]
        potentials = None if electrostatics is None else shift + probes.mu0 - equilibrium
        propagator = make(potentials)
        places = propagator if baths.electrons is None else PlacesPropagator(propagator)
        balance = Balance(places, probes, EnergyGrid(probes, rtol, map_, progress))
        try:
            solution = balance.solve(panels, np.concatenate([*profiles, lead_mu]))
        except ConvergenceError as error:
            if error.state is None:
                raise
            parts = propagator, probes, error.state, np.zeros(make.nodes) if potentials is None else potentials
            error.state = make.mesh, parts, heat(error.state, make.nodes) / make.mesh.node_widths, error.state.error
            raise
        profiles, lead_mu = _profiles(probes, solution.unknowns, make.nodes), probes.split(solution.unknowns)[1]
        new_shift = profiles[0]
        change = 0.0 if electrostatics is None else np.abs(new_shift - shift).max() / np.abs(new_shift).max()
        progress("potential", change)
        if potentials is None:
            potentials = np.zeros(make.nodes)
        # U is constant on a cell: a linear change by d on it, in energies of width T, is missed to second order.
        variation = np.ptp(potentials.reshape(-1, cells.ORDER), axis=1)
        return ((propagator, probes, solution, potentials), (solution.panels, profiles, lead_mu),
                [heat(solution, make.nodes)], profiles, change <= 0.1 * rtol, (variation / reference) ** 2 / 12)

    def heat(solution, nodes):
        """Power that each node gives to the phonons."""
        return np.zeros(nodes) if baths.phonons is None else solution.power[:nodes]

    def state(mesh, parts, power, cell_error):
        propagator, probes, solution, potential = parts
        nodes = len(mesh.nodes)
        electrons = {}
        if baths.electrons is not None:
            electrons = {"electron_mu": solution.mu[probes.hot],
                         "electron_temperature": probes.temperature0 + probes.excess(solution.unknowns)}
        reservoir_mu = np.array([found if reservoir.mu is None else reservoir.mu
                                 for found, reservoir in zip(solution.lead_mu, reservoirs, strict=True)], float)
        return KineticState(
            x=mesh.nodes, node_width=mesh.node_widths, power=power,
            mu=np.full(nodes, np.nan) if baths.phonons is None else solution.mu[:nodes], potential=potential,
            current=solution.current, energy_current=solution.energy_current, gross_current=solution.gross_current,
            gross_energy_current=solution.gross_energy_current, reservoir_mu=reservoir_mu,
            reservoir_temperature=temperatures, bath_temperature=phonons, error=max(solution.error, cell_error),
            rtol=float(rtol), newton_steps=solution.newton_steps, products=solution.products,
            energies=solution.energies, **electrons,
            **_occupations(propagator, probes, solution.unknowns, occupation_energies))

    where = [known.mean() if reservoir.mu is None else reservoir.mu for reservoir in reservoirs]
    with thread_pool() as map_, stage_bar("kinetic.steady_state") as progress:
        try:
            mesh, parts, (power,), cell_error = adapt(scatterer, gamma, lengths, where, temperatures, rtol, solve, map_,
                                                      progress)
        except ConvergenceError as error:
            error.state = error.state and state(*error.state)
            raise
    return state(mesh, parts, power, cell_error)


def linear_response(transmission: Function | KwantScatterer, bath: Bath | Sequence[Bath], *, mu: float,
                    temperature: float | None = None, drive: Sequence[float | None] | None = None,
                    thermal_drive: Sequence[float] | None = None,
                    phonon_drive: Literal["leads", "graded"] | float | Callable[[float], float] | None = None,
                    velocity: Function | tuple[Function, Function] | None = None,
                    length: float | tuple[float, float], rtol: float = 1e-6) -> LinearResponse:
    """First and second order in the bias: Peltier's and Joule's part of the heat separately; thermopower.

    Parameters
    ----------
    transmission, bath, velocity, length, rtol
        As in `steady_state`.
    mu : float
        Electrochemical potential of the equilibrium.
    temperature : float, optional
        k_B T of electrons and phonons; 0 is allowed. By default that of the bath.
    drive, thermal_drive : sequences of two floats, optional
        As in the lattice theory's `linear_response`, of the left and the right reservoir.
    phonon_drive : {"leads", "graded"}, float, or function of x, optional
        Shift of the phonons' k_B T per unit of bias. "leads", the default with a `thermal_drive`: in each wire that of
        its reservoir. "graded": linear from the outer end of the left wire to that of the right one. A number (0: the
        phonons stay as they are), or a function of the position x (negative in the left wire).

    Returns
    -------
    LinearResponse

    Raises
    ------
    ValueError, ConvergenceError
        As in `steady_state`.
    """
    check_rtol(rtol)
    baths = checked_baths(bath)
    if baths.electrons is not None:
        raise ValueError("bath must hold phonons and elastic scattering only in the kinetic theory's linear_response, "
                         f"got {bath!r}; steady_state takes an ElectronBath.")
    gamma = relaxation(baths)
    temperature = equilibrium_temperature(baths.phonons, temperature)
    check_finite("mu", mu)
    reach = THERMAL_WINDOW * temperature + 1e-9 * (1 + abs(mu))
    scatterer, lengths = _scatterer(transmission, velocity, mu - reach, mu + reach), _lengths(length)
    shifts, heats = checked_drives(drive, thermal_drive, 2)
    check_phonon_drive(phonon_drive, baths)
    if not (phonon_drive is None or callable(phonon_drive) or isinstance(phonon_drive, Real | str)):
        raise ValueError('phonon_drive must be "leads", "graded", a number, or in the kinetic theory a function of x, '
                         f"got {phonon_drive!r}.")
    if not heats.any() and (phonon_drive is None or isinstance(phonon_drive, str)):
        phonon_drive = 0.0
    check_drives_at(temperature, shifts, heats, phonon_drive != 0)

    def solve(make, start, map_, progress):
        warming = _warming(phonon_drive, heats, lengths, make.mesh.nodes)
        if start is not None:
            panels, profiles, lead_mus = start
            start = panels, *(np.concatenate(pair) for pair in zip(profiles, lead_mus, strict=True))
        fields, found = expand(make(), mu, temperature, shifts, heats, warming, rtol, map_, progress, start)
        if found is not None:
            panels, *unknowns = found
            found = panels, [values[:make.nodes] for values in unknowns], [values[make.nodes:] for values in unknowns]
        return ({"phonon_drive": warming, **fields}, found, [fields["power1"], fields["power2"]], [fields["mu1"]], True,
                0.0)

    with thread_pool() as map_, stage_bar("kinetic.linear_response") as progress:
        try:
            mesh, fields, powers, cell_error = adapt(scatterer, gamma, lengths, [mu, mu], [temperature, temperature],
                                                      rtol, solve, map_, progress)
        except ConvergenceError as error:
            error.state = None  # one order alone
            raise
    fields.update(power1=powers[0], power2=powers[1], error=max(fields["error"], cell_error))
    return LinearResponse(x=mesh.nodes, mu=float(mu), temperature=temperature, thermal_drive=heats,
                          floating=int(np.isnan(shifts).sum()), **fields)


def _warming(phonon_drive, heats, lengths, x):
    """Shift of the phonons' temperature per unit of bias at positions x."""
    if phonon_drive is None or phonon_drive == "leads":
        return np.where(x < 0, *heats)
    if phonon_drive == "graded":
        return np.interp(x, [-lengths[0], lengths[1]], heats)
    return checked_drive(per_site("phonon_drive", phonon_drive, x))


def _scatterer(transmission, velocity, low, high):
    if not isinstance(transmission, KwantScatterer):
        return FunctionScatterer(transmission, velocity, low, high)
    if velocity is not None:
        raise ValueError("velocity must not be given with from_kwant: the leads' modes have their own.")
    return transmission


def bath_temperature(bath):
    """Temperature of a bath that is the same everywhere."""
    if not isinstance(bath.temperature, Real):
        raise ValueError("The kinetic theory takes a PhononBath with one temperature, "
                         f"got {bath.temperature!r}.")
    return float(bath.temperature)


def relaxation(baths):
    """Rates of baths that are the same everywhere.

    Raises
    ------
    ValueError
        If a bath has no single rate or mean free path, or an infinite mean free path or zero rate.
    """
    if not any(True for _ in baths):
        raise ValueError("The kinetic theory needs a bath: coherent electrons do not relax. Give a PhononBath, "
                         "ElectronBath or ElasticBath.")
    return Relaxation([_rate(bath) for bath in (baths.phonons, baths.electrons) if bath is not None],
                      [_rate(bath) for bath in baths.elastic])


def _rate(bath):
    """Rate of one bath: function of velocities (2, modes, energies)."""
    value = bath.rate if bath.mean_free_path is None else bath.mean_free_path
    if not isinstance(value, Real):
        raise ValueError("The kinetic theory takes baths with one number as rate or mean_free_path, "
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


def _check_electrostatics(electrostatics, baths):
    if electrostatics is None:
        return
    if not isinstance(electrostatics, Neutrality):
        raise ValueError(f"electrostatics must be Neutrality() in the kinetic theory, got {electrostatics!r}.")
    if baths.phonons is None or baths.electrons is not None or baths.elastic:
        raise ValueError("Neutrality in the kinetic theory takes a PhononBath alone: with other baths the density is "
                         "not that of its local equilibrium.")
    if baths.phonons.mean_free_path is not None:
        raise ValueError("Neutrality in the kinetic theory needs a PhononBath with a rate: with a mean_free_path the "
                         "density is not that of the local equilibrium.")


def _profiles(probes, unknowns, nodes):
    """The unknowns at the nodes, one array for each mu and for the temperature."""
    return list(unknowns[:len(unknowns) - len(probes.floating)].reshape(-1, nodes))


def _lengths(length):
    values = np.asarray(length, float)
    if values.shape not in ((), (2,)) or not np.all((values > 0) & np.isfinite(values)):
        raise ValueError(f"length must be a positive number, or one for each of the two wires, got {length!r}.")
    return np.broadcast_to(values, 2)


def _checked_energies(energies):
    if energies is None:
        return None
    values = np.atleast_1d(np.asarray(energies))
    if values.ndim != 1 or values.dtype.kind not in "fiu" or not np.all(np.isfinite(values)):
        raise ValueError(f"occupation_energies must be finite real numbers, got {energies!r}.")
    return values.astype(float)


def _occupations(propagator, probes, unknowns, energies):
    """Fields of a KineticState for the occupations at given energies."""
    if energies is None:
        return {}
    reference = expit((probes.mu0 - energies) / probes.temperature0)
    spectrum = propagator.spectrum(energies)
    filling, lead_filling = probes.fillings(energies - probes.mu0, unknowns)
    source = (np.array(propagator.bath_rates(energies)).reshape(-1, len(energies)) * filling
              if propagator.balanced else np.zeros_like(spectrum.rate))
    plus, minus = spectrum.directions(source.reshape(-1, *spectrum.rate.shape).sum(axis=0), lead_filling)
    return {"occupation_energies": energies, "occupation_plus": plus + reference, "occupation_minus": minus + reference}
