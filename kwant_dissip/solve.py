"""The entries of the lattice theory: `steady_state` and `linear_response`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ._kwant import kwant
from .balance.expansion import expand
from .balance.near import NearSolution
from .balance.problem import Problem, Solved
from .balance.screening import ScreenedResult
from .errors import ConvergenceError
from .leads.lead import LEAD_WINDOW
from .model.baths import Bath, Baths, check_cold, checked_baths, equilibrium_temperature
from .model.by_bath import ByBath, expanded_by_site
from .model.charges import Charge
from .model.electrostatics import Law
from .model.lattice import Lattice, read
from .model.phonon_drive import PhononDrive, phonon_drives
from .model.phonons import quanta_of
from .model.reservoirs import Reservoir, band_shifts, check_drives_at, checked_drives, checked_reservoirs
from .model.resolution import smallest_ratio
from .model.self_energy import broadening
from .numerics.checks import check_finite, check_memory, check_rtol
from .numerics.threads import thread_pool
from .progress import reporting, stage_bar
from .propagators.choose import check_method, propagator_for
from .results.lattice_state import SteadyState
from .results.linear_response import LinearResponse
from .results.phonon_state import PhononState
from .results.surroundings import surroundings
from .scba.state import quantum_state


def steady_state(syst: kwant.system.FiniteSystem, reservoirs: Sequence[Reservoir],
                 bath: Bath | Sequence[Bath] | None, *, params: dict | None = None, electrostatics: Law | None = None,
                 method: str | None = None, rtol: float = 1e-6, memory: float | None = None,
                 start: SteadyState | None = None, charge: Charge | None = None) -> SteadyState:
    r"""Where a current through a coherent conductor leaves its heat.

    Solves, at any bias and temperature, for the chemical potential mu_i of one Büttiker probe per coupled site such
    that the bath of phonons takes no particles:

    .. math::

        0 = \int\!\frac{dE}{2\pi}\,\gamma_i\,(A_i f_i - n_i), \qquad
        p_i = \int\!\frac{dE}{2\pi}\,E\,\gamma_i\,(n_i - A_i f_i)

    with A_i the local spectral function, n_i its occupied part, gamma_i the coupling to the phonons. Of a list of baths
    each has its own gamma_i, whose sum broadens the states: a bath of electrons has a temperature of its own at every
    site, such that it takes no energy either, and elastic scattering the occupation f_i(E) = n_i(E) / A_i(E).

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized system with leads.
    reservoirs : sequence of Reservoir
        One per lead, in the order of ``syst.leads``.
    bath : PhononBath, ElectronBath, ElasticBath, other Bath, OpticalPhonons, AcousticPhonons, list of them, or None
        What relaxes the electrons, and how strongly each site couples to it: at most one PhononBath and one
        ElectronBath, any number of the others. Only phonons, and a `Bath` of one's own that keeps particles only, take
        up heat. None: no bath; what comes out is the coherent conductor (Landauer and Büttiker), with zero power. With
        microscopic phonons (`OpticalPhonons`, `AcousticPhonons`) the result is a `PhononState`.
    params : dict, optional
        Parameters of the system's value functions, as in kwant.
    electrostatics : Poisson, Neutrality or CoulombKernel, optional
        Law for the electrostatic energies U_i of the sites, from the densities N_i relative to those of the neutral
        system. Without it U = 0. With it a lead's band is shifted by its reservoir's `potential`, by default
        mu - mu_eq, so that it stays neutral; the bath may then reach no site at all (coherent electrostatics, as with
        None).
    method : {None, "slices", "dissection", "kwant"}, optional
        "slices": recursions along slices that lead from lead to lead (sites, on a chain); the cost grows with the
        system's length and the cube of its width. "dissection": the system in halves, and these in halves, and so on;
        for long systems the cost grows with the length and the square of the width. None: whichever of them takes fewer
        operations, dissection from widths of some 50 orbitals on. "kwant": scattering wavefunctions and Green's
        functions of kwant at every energy, slow, as a check on small systems.
    rtol : float, optional
        Relative accuracy of the energy integrals: error of power, over its largest value, and of the currents.
    memory : float, optional
        Bytes that Green's functions may take which are kept for later; what does not fit is computed anew. By default
        a quarter of what is free. The work itself takes, for each thread and each of some 32 energies, some
        ten numbers per site, and on slices three complex matrices of their width per slice, by dissection a half of
        that or less.
    start : SteadyState, optional
        Of the same system under other conditions, to start from: chemical potentials, temperatures and potentials, and
        where it was found in this process the energies, too. The solution is the same within `rtol`.
    charge : number, Hermitian matrix on a site's orbitals, or function of a site that returns one, optional
        Charge of the orbitals. By default the leads' symmetries tell whether there are electrons and holes, which are
        refused; 1 says that all are electrons, whatever these look like.

    Returns
    -------
    SteadyState

    Raises
    ------
    TypeError
        If `syst` is not a finalized kwant system.
    ValueError
        If arguments are out of range or do not fit each other; the message names which.
    ConvergenceError
        If the requested accuracy is not reached; it carries what was.

    Warns
    -----
    UserWarning
        If `method="kwant"` with electrostatics or microscopic phonons will take minutes.

    Notes
    -----
    With `electrostatics` mu_eq is the mean over the reservoirs that do not float of mu - potential where a potential
    is given, of mu otherwise (a floating lead without a potential is shifted by mu - mu_eq with the mu that is found),
    and the neutral system is that with U = 0, unshifted leads, mu_eq everywhere and the temperature of the bath: a
    common shift of every mu and potential changes nothing. A `mean_free_path` is then measured with the velocity at E
    - U_i. Without phonons the mean temperature of the reservoirs takes the place of the bath's.

    A Büttiker probe of phonons relaxes momentum and energy together. The description by rates is meant for
    k_B T >> gamma.
    The density holds the Lorentzian tails of broadened states, down to energies far below the band.

    References
    ----------
    M. Büttiker, Phys. Rev. B 33, 3020 (1986); J. L. D'Amato, H. M. Pastawski, Phys. Rev. B 41, 7411 (1990);
    N. Leumer, D. M. Basko, R. A. Jalabert, D. Weinmann, R. S. Whitney, arXiv:2407.10192.
    """
    check_rtol(rtol)
    check_memory(memory)
    check_method(method)
    quanta, bath = quanta_of(bath)
    baths = checked_baths(bath)
    if electrostatics is not None and not isinstance(electrostatics, Law):
        raise TypeError("electrostatics must be a Poisson, Neutrality or CoulombKernel, or None, "
                        f"got {electrostatics!r}.")
    lattice = read(syst, params, charge)
    lattice.require_energies()
    reservoirs = checked_reservoirs(reservoirs, len(lattice.leads))
    shifts = band_shifts(reservoirs, lattice.leads, electrostatics is not None)
    if start is not None:
        _check_start(start, lattice)
    if quanta:
        return quantum_state(lattice, reservoirs, shifts, quanta, baths, method, rtol,
                             start if isinstance(start, PhononState) else None, electrostatics)
    problem = Problem(lattice, reservoirs, shifts, baths, electrostatics, method)
    near = None if start is None else _near(start, problem.order)
    with thread_pool() as threads, stage_bar("steady_state") as progress, _best_so_far(
            problem.order, baths, lambda solved: _state(problem, solved, rtol)):
        solved = problem.solve(rtol, memory, near, reporting(threads, progress), progress)
    return _state(problem, solved, rtol)


def linear_response(syst: kwant.system.FiniteSystem, bath: Bath | Sequence[Bath], *, mu: float,
                    temperature: float | None = None, drive: Sequence[float | None] | None = None,
                    thermal_drive: Sequence[float] | None = None, phonon_drive: PhononDrive | None = None,
                    params: dict | None = None, method: str | None = None, rtol: float = 1e-6,
                    charge: Charge | None = None) -> LinearResponse:
    """First and second order in the bias: Peltier's and Joule's part of the heat separately; Seebeck coefficient.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized system with leads.
    bath : PhononBath, ElectronBath, ElasticBath, or list of them
    mu : float
        Electrochemical potential of the equilibrium.
    temperature : float, optional
        k_B T of electrons and phonons; 0 is allowed without an ElectronBath. By default that of the PhononBath, which
        must be one number then.
    drive : sequence of float or None, optional
        Shift of each lead's mu per unit of bias; None: that lead floats, and its shift is found. By default
        (0.5, -0.5), or no shift with a `thermal_drive`.
    thermal_drive : sequence of float, optional
        Shift of each lead's k_B T per unit of bias. With it the bias is one of temperature.
    phonon_drive : {"leads", "graded"}, float, sequence of float, or function of a site, optional
        Shift of the phonons' k_B T per unit of bias. "leads": at each site that of the lead which is fewest hoppings
        away (of several as near the mean), as where the wires are heated with their contacts; this is the default with
        a `thermal_drive`. "graded": between the leads as a potential without charges, linear along a wire, as where
        heat is conducted along it. A number (0: the phonons stay as they are), one per site, or a function.
    params, method, rtol, charge
        As in `steady_state`.

    Returns
    -------
    LinearResponse

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As in `steady_state`.

    Notes
    -----
    The thermopower is that of an open circuit, ``drive=(0, None), thermal_drive=(0.5, -0.5)``: `LinearResponse.seebeck`
    and `peltier`. It depends on where the phonons are warm: electrons take their temperature within a relaxation
    length, so that with phonons that stay as they are (0) nothing of the difference reaches a scatterer between long
    wires.

    Onsager's relation holds with the same phonons: a `thermal_drive` t_a and `phonon_drive` t_i drive a current

        T dI_a/dDelta = d(sum_b t_b Q_b - sum_i t_i p_i)/dmu_a

    where Q_b is the heat that comes in from lead b, and p_i the power that site i gives to its phonons.
    """
    check_rtol(rtol)
    check_method(method)
    if bath is None:
        raise TypeError("bath must be a PhononBath, ElectronBath or ElasticBath, or a list of them, got None: a "
                        "coherent conductor has no power.")
    if quanta_of(bath)[0]:
        raise TypeError("linear_response does not take microscopic phonons: use steady_state with a small bias.")
    baths = checked_baths(bath)
    temperature = equilibrium_temperature(baths, temperature)
    check_cold(baths, temperature)
    check_finite("mu", mu)
    lattice = read(syst, params, charge)
    if temperature > 0:
        lattice.require_energies()
    shifts, heats = checked_drives(drive, thermal_drive, len(lattice.leads))
    warming = phonon_drives(phonon_drive, heats, lattice, baths)
    check_drives_at(temperature, shifts, heats, bool(warming.any()))
    for lead in lattice.leads:
        lead.check_open(mu - LEAD_WINDOW * temperature, mu + LEAD_WINDOW * temperature)
    propagator = propagator_for(lattice, broadening(baths, lattice), np.zeros(len(lattice.leads)), method)
    order = propagator.order
    with thread_pool() as threads, stage_bar("linear_response") as progress, _best_so_far(order, baths):
        fields, _ = expand(propagator, mu, temperature, shifts, heats, warming[order], rtol,
                           reporting(threads, progress), progress, keeps_energy=baths.keeps_energy)
    back = np.argsort(order)
    coupled = np.array(propagator.balanced).reshape(-1, len(order))[:, back]
    fields = {name: values[:, back] if np.ndim(values) == 2 else values for name, values in fields.items()}
    fields.update(expanded_by_site(ByBath(baths, coupled), fields))
    return LinearResponse(x=lattice.positions, mu=float(mu), temperature=temperature, thermal_drive=heats,
                          phonon_drive=warming, floating=int(np.isnan(shifts).sum()), **fields)


def _state(problem: Problem, solved: Solved, rtol: float) -> SteadyState:
    """A solution in the order of the sites; nan where density or flows are not known."""
    found, baths, probes = solved.found, problem.baths, problem.probes
    back, sites = np.argsort(problem.order), len(problem.order)
    extra: dict[str, Any] = {}
    potential, lead_potential = np.zeros(sites), problem.band_shifts
    if isinstance(found, ScreenedResult):
        potential, lead_potential = found.potential[back], found.lead_potentials
        extra = {"density_difference": found.density_difference[back], "field": -problem.lattice.gradient(potential),
                 "law_residual": found.law_residual}
    by_bath = ByBath(baths, np.array(problem.propagator.balanced).reshape(-1, sites)[:, back])

    mus, powers = (by_bath.of_balanced(values)[:, back] for values in (found.mu, found.power))
    temperatures = by_bath.of_balanced(problem.temperature.copy())
    if len(probes.hot):
        _, hot = probes.local(found.unknowns)
        temperatures[probes.hot_baths] = hot.reshape(-1, sites)[:, back]
    mu, electron_mu = by_bath.taking_heat(mus), by_bath.keeping_energy(mus)
    extra.update(by_bath.others(mus, powers, temperatures))
    where = np.where(np.isnan(mu), electron_mu, mu)
    rate = problem.self_energy.at_potential(potential).local(np.where(np.isnan(where), probes.mu0, where))
    lead_mu = np.array([floating if reservoir.mu is None else reservoir.mu
                        for floating, reservoir in zip(found.lead_mu, problem.reservoirs, strict=True)], float)
    flows = np.full((2, len(problem.propagator.bonds)), np.nan) if solved.flows is None else solved.flows
    return SteadyState(
        **surroundings(problem.lattice, problem.self_energy.coupled, problem.reservoirs, lead_mu, lead_potential),
        power=by_bath.heat(powers), mu=mu, electron_mu=electron_mu,
        electron_temperature=by_bath.keeping_energy(temperatures), electron_power=by_bath.kept(powers),
        potential=potential, density=np.full(sites, np.nan) if solved.density is None else solved.density[back],
        current=found.current, energy_current=found.energy_current, gross_current=found.gross_current,
        gross_energy_current=found.gross_energy_current, bonds=problem.order[problem.propagator.bonds],
        bond_current=-flows[0], bond_energy_current=-flows[1],
        bath_temperature=np.full(sites, np.nan) if baths.phonons is None else problem.reference,
        error=found.error, rtol=float(rtol), newton_steps=found.newton_steps, products=found.products,
        energies=found.energies, thermal_resolution=smallest_ratio(problem.reference, rate),
        green_functions=solved.counts.green_functions, transports=solved.counts.transports,
        method=problem.propagator.method, known=solved.solution, **extra)


def _check_start(start: Any, lattice: Lattice) -> None:
    """Raise unless a state is one to start from."""
    if not isinstance(start, SteadyState):
        raise TypeError(f"start must be a SteadyState, got {start!r}.")
    if start.units != "model":
        raise ValueError("start must be in the model's units, and this state is in SI units.")
    if start.positions.shape != lattice.positions.shape or not np.array_equal(start.positions, lattice.positions) or \
            len(start.current) != len(lattice.leads):
        raise ValueError(f"start must be a state of the same system, of {len(lattice.sites)} sites and "
                         f"{len(lattice.leads)} leads at the same positions, got {start!r}.")


def _near(start: SteadyState, order: np.ndarray) -> NearSolution:
    """What to start from."""
    solution = start.solution
    energies, mu0 = (None, 0.0) if solution is None else (solution.panels, solution.probes.mu0)
    return NearSolution(start.mu[order], start.electron_mu[order], start.electron_temperature[order],
                        start.potential[order], start.reservoir_mu, start.reservoir_temperature, energies, mu0,
                        start.density_difference is not None)


@contextmanager
def _best_so_far(order: np.ndarray, baths: Baths,
                 state: Callable[[Solved], SteadyState] | None = None) -> Iterator[None]:
    """Turn what an error of the solver carries into what users know: sites in their order, a state if there is one."""
    try:
        yield
    except ConvergenceError as error:
        if error.sites is not None:
            # Numbers of unknowns: of all baths at every site, then of those with a temperature, then of leads.
            of_sites = len(order) * max(1, len(baths.balanced) + len(baths.hot))
            error.sites = order[error.sites[error.sites < of_sites] % len(order)]
        error.state = state(error.state) if state and error.state is not None else None
        raise
