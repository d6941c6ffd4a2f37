"""Kinetic (Landauer-Boltzmann) theory of two wires around a scatterer, by the balance solver of the lattice.

Occupations f_+(x, E), f_-(x, E) of right and left movers at total energy E:

    s v d/dx f_s = -gamma (f_s - F(E - mu(x))),  s = +-1;      Int dE gamma/v (f_+ + f_- - 2F) = 0 fixes mu(x)
    at the scatterer:  f_+(0+) = T f_+(0-) + (1-T) f_-(0+),    f_-(0-) = T f_-(0+) + (1-T) f_+(0-)
    p(x) = Int dE/2pi E (gamma/v) (f_+ + f_- - 2F)

It is the lattice theory without interference between the scatterer and the wires, for k_B T >> gamma.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import expit

from .._kwant import kwant
from ..balance.electron_probes import ElectronProbes
from ..balance.energy_grid import EnergyGrid
from ..balance.particles import Balance
from ..balance.probes import ThermalProbes
from ..errors import ConvergenceError
from ..model.baths import Bath, checked_baths
from ..model.electrostatics import Law, Neutrality
from ..model.reservoirs import Reservoir, equilibrium_mu, known_mus
from ..model.resolution import smallest_ratio, smooth_values
from ..numerics import gauss
from ..numerics.checks import check_rtol, is_number, real_array, shortened
from ..numerics.quadrature import THERMAL_WINDOW
from ..numerics.threads import thread_pool
from ..progress import reporting, stage_bar
from ..propagators.rows import RowsPropagator
from ..results.kinetic_state import KineticState
from .mesh import adapt
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
    phonons = np.nan if baths.phonons is None else bath_temperature(baths.phonons)
    reference = float(temperatures.mean()) if baths.phonons is None else phonons
    known = known_mus(reservoirs)
    # Electrons among themselves become hotter than all else.
    reach = THERMAL_WINDOW * max(reference, *temperatures) + (0 if baths.electrons is None else
                                                             _HOT * THERMAL_WINDOW * np.ptp(known))
    scatterer = scatterer_of(transmission, velocity, known.min() - reach, known.max() + reach)
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
        rows = propagator if baths.electrons is None else RowsPropagator(propagator)
        balance = Balance(rows, probes, EnergyGrid(probes, rtol, map_, progress))
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
        variation = np.ptp(potentials.reshape(-1, gauss.ORDER), axis=1)
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
        mu = np.full(nodes, np.nan) if baths.phonons is None else solution.mu[:nodes]
        known = electrons.get("electron_mu", np.full(nodes, probes.mu0)) if baths.phonons is None else mu
        rate = _local_rate(scatterer, gamma, known - potential, mesh.nodes)
        return KineticState(
            thermal_resolution=smallest_ratio(np.full(nodes, reference), rate), x=mesh.nodes,
            node_width=mesh.node_widths, power=power,
            mu=mu, potential=potential,
            current=solution.current, energy_current=solution.energy_current, gross_current=solution.gross_current,
            gross_energy_current=solution.gross_energy_current, reservoir_mu=reservoir_mu,
            reservoir_temperature=temperatures, bath_temperature=phonons, error=max(solution.error, cell_error),
            rtol=float(rtol), newton_steps=solution.newton_steps, products=solution.products,
            energies=solution.energies, **electrons,
            **_occupations(propagator, probes, solution.unknowns, occupation_energies))

    where = [known.mean() if reservoir.mu is None else reservoir.mu for reservoir in reservoirs]
    with thread_pool() as threads, stage_bar("kinetic.steady_state") as progress:
        map_ = reporting(threads, progress)
        try:
            mesh, parts, (power,), cell_error = adapt(scatterer, gamma, lengths, where, temperatures, rtol, solve, map_,
                                                      progress)
        except ConvergenceError as error:
            error.state = error.state and state(*error.state)
            raise
    return state(mesh, parts, power, cell_error)


def scatterer_of(transmission, velocity, low, high):
    """What the user gave as a scatterer between the wires, checked at energies from low to high."""
    if not isinstance(transmission, KwantScatterer):
        return FunctionScatterer(transmission, velocity, low, high)
    if velocity is not None:
        raise ValueError("velocity must not be given with from_kwant: the leads' modes have their own.")
    return transmission


def bath_temperature(bath):
    """Temperature of a bath that is the same everywhere."""
    if not is_number(bath.temperature):
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
    if not is_number(value):
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


def _local_rate(scatterer, gamma, energies, x):
    """Rate of all baths at each node's own energy, above its U."""
    rate = np.zeros(len(x))
    for side, nodes in enumerate((x < 0, x > 0)):
        def at(values, side=side):
            return np.array([gamma(np.stack(scatterer.velocities(side, value))[:, :, None])[0] for value in values])

        rate[nodes] = smooth_values(at, energies[nodes])
    return rate


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


def lengths_of(length):
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
