"""The entries of the lattice theory: `steady_state` and `linear_response`."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ._kwant import kwant
from .balance.electron_probes import ElectronProbes
from .balance.energy_grid import EnergyGrid
from .balance.expansion import expand
from .balance.near import NearSolution
from .balance.particles import Balance, BalanceResult
from .balance.probes import ThermalProbes
from .balance.screening import ScreenedBalance, ScreenedResult, neutral_density
from .balance.solution import Solution
from .errors import ConvergenceError
from .leads.lead import LEAD_WINDOW
from .model.baths import Bath, checked_baths, equilibrium_temperature
from .model.broadening import broadening
from .model.charges import Charge
from .model.electrostatics import Law, ramps
from .model.lattice import read
from .model.phonon_drive import PhononDrive, phonon_drives
from .model.phonons import quanta_of
from .model.reservoirs import (
    Reservoir,
    band_shifts,
    check_drives_at,
    check_resolved,
    checked_drives,
    checked_reservoirs,
    equilibrium_mu,
    known_mus,
    neutral_potentials,
)
from .model.resolution import smallest_ratio
from .numerics.checks import check_finite, check_memory, check_rtol
from .numerics.threads import thread_pool
from .progress import reporting, stage_bar
from .propagators.choose import check_method, propagator_for
from .propagators.density import EquilibriumDensity
from .propagators.interface import Propagator
from .propagators.kwant_solver import warn_of_patience
from .propagators.lattice import LatticePropagator
from .propagators.places import PlacesPropagator
from .quanta.state import quantum_state
from .results.lattice_state import SteadyState
from .results.linear_response import LinearResponse
from .results.phonon_state import PhononState
from .results.surroundings import surroundings

# How often electrostatics evaluates all energies: a few Newton steps of some ten products each.
_EVALUATIONS = 40


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
    bath : PhononBath, ElectronBath, ElasticBath, OpticalPhonons, AcousticPhonons, list of them, or None
        What relaxes the electrons, and how strongly each site couples to it: at most one PhononBath and one
        ElectronBath, any number of the others. Only phonons take up heat. None: no bath; what comes out is the
        coherent conductor (Landauer and Büttiker), with zero power. With microscopic phonons (`OpticalPhonons`,
        `AcousticPhonons`) the result is a `PhononState`.
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
        a quarter of what is free. The work itself takes, for each thread and each of the 21 energies of a panel, some
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
    if quanta:
        if start is not None:
            _near(start, lattice, np.arange(len(lattice.sites)))  # checks it
        return quantum_state(lattice, reservoirs, shifts, quanta, baths, method, rtol,
                             start if isinstance(start, PhononState) else None, electrostatics)
    gamma = broadening(bath, lattice, needed=electrostatics is None)
    if baths.phonons is None:
        temperature = np.full(len(lattice.sites), np.nan)
        reference = np.full(len(lattice.sites), np.mean([reservoir.temperature for reservoir in reservoirs]))
    else:
        reference = temperature = baths.phonons.site_temperatures(lattice.sites)
    lead_temperature = np.array([reservoir.temperature for reservoir in reservoirs], float)
    check_resolved(np.concatenate([lead_temperature, reference]),
                   max(abs(lattice.hamiltonian).max(), *np.abs(known_mus(reservoirs))))
    propagator = propagator_for(lattice, gamma, shifts, method)
    order = propagator.order
    by_place: Callable[[LatticePropagator], Propagator] = _unchanged
    probes: ThermalProbes | ElectronProbes
    if baths.electrons is None:
        probes = ThermalProbes(propagator.coupled, reference[order], reservoirs)
    else:
        by_place = PlacesPropagator
        phonons = None if baths.phonons is None else propagator.balanced[0]
        probes = ElectronProbes(phonons, propagator.balanced[-1], reference[order], reservoirs)

    def state(solution: BalanceResult, density=None, flows=None) -> SteadyState:
        """A solution in the order of the sites; nan where density or flows are not known."""
        extra: dict[str, Any] = {}
        back, lead_potential, potential = np.argsort(order), shifts, np.zeros(len(order))
        found = {name: values[back] for name, values in _of_sites(solution, probes, baths, len(order)).items()}
        if isinstance(solution, ScreenedResult):
            potential, density, lead_potential = solution.potential[back], solution.density, solution.lead_potentials
            extra = {"density_difference": solution.density_difference[back], "field": -lattice.gradient(potential),
                     "law_residual": solution.law_residual}
        flows = np.full((2, len(propagator.bonds)), np.nan) if flows is None else flows
        where = np.where(np.isnan(found["mu"]), found["electron_mu"], found["mu"])
        rate = gamma.at_potential(potential).local(np.where(np.isnan(where), probes.mu0, where))
        mu = np.array([floating if reservoir.mu is None else reservoir.mu
                       for floating, reservoir in zip(solution.lead_mu, reservoirs, strict=True)], float)
        return SteadyState(
            **surroundings(lattice, gamma.coupled, reservoirs, mu, lead_potential),
            potential=potential, density=np.full(len(order), np.nan) if density is None else density[back],
            current=solution.current, energy_current=solution.energy_current, gross_current=solution.gross_current,
            gross_energy_current=solution.gross_energy_current, bonds=order[propagator.bonds],
            bond_current=-flows[0], bond_energy_current=-flows[1], bath_temperature=temperature,
            error=solution.error, rtol=float(rtol), newton_steps=solution.newton_steps, products=solution.products,
            energies=solution.energies, thermal_resolution=smallest_ratio(reference, rate),
            green_functions=grid.counts.green_functions,
            transports=grid.counts.transports, method=propagator.method, **found, **extra)

    of_sites = len(probes.start()) - len(probes.floating)
    near = None if start is None else _near(start, lattice, order)
    energies = None if near is None or near.energies is None else near.energies.shifted(near.mu0 - probes.mu0)
    with thread_pool() as threads, stage_bar("steady_state") as progress, _best_so_far(order, state, of_sites):
        map_ = reporting(threads, progress)
        grid = EnergyGrid(probes, rtol, map_, progress, memory=memory, near=energies)
        density = None
        if electrostatics is None:
            balance = Balance(by_place(propagator), probes, grid)
            solution = balance.solve(unknowns=None if near is None else near.unknowns(probes))
            spectra = balance.spectra
            if propagator.has_densities(probes.mu0):
                equilibrium = EquilibriumDensity(probes.mu0, probes.temperature0, 1e-2 * rtol, map_)
                density = solution.density[:len(order)] + equilibrium(propagator)
        else:
            if not propagator.has_densities(probes.mu0):
                raise ValueError("Electrostatics needs the density, which with a mean_free_path is known only for "
                                 "leads of one orbital per cell, and with leads by self-energy only where that can be "
                                 "called at complex energies. Give the PhononBath a rate.")
            if method == "kwant":
                warn_of_patience(propagator, "electrostatics", probes.mu0,
                                 _EVALUATIONS * probes.first_panels(np.empty(0)).nodes()[0].size)
            neutral_mu, first = equilibrium_mu(reservoirs), None
            if near is not None and start is not None and start.density_difference is not None:
                first = np.concatenate([near.unknowns(probes), near.potentials(probes)])
            solution = screened = ScreenedBalance(
                propagator, probes, grid, equation=electrostatics.equation(lattice).in_order(order),
                ramps=ramps(lattice)[order], lead_potentials=neutral_potentials(reservoirs), equilibrium_mu=neutral_mu,
                reference=neutral_density(propagator, neutral_mu, probes, grid), first=first).solve()
            propagator = propagator.at_potential(screened.potential, screened.lead_potentials)
            spectra = grid.spectra(by_place(propagator))
        unknowns = solution.unknowns[:len(probes.start())]
        flows = grid.bond_currents(spectra, solution.panels, unknowns)
        result = state(solution, density, flows)
    if method == "kwant":  # a new one does not hold the matrices of all energies
        propagator = propagator.at_potential(*(
            (solution.potential, solution.lead_potentials) if isinstance(solution, ScreenedResult)
            else (np.zeros(len(order)), shifts)))
    object.__setattr__(result, "solution", Solution(by_place(propagator), probes, solution.panels, unknowns, order))
    return result


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
    temperature = equilibrium_temperature(baths.phonons, temperature)
    if temperature == 0 and baths.electrons is not None:
        raise ValueError("At temperature 0 electrons with a temperature of their own are far from linear response: "
                         f"raise temperature, or leave out {baths.electrons!r}.")
    check_finite("mu", mu)
    lattice = read(syst, params, charge)
    if temperature > 0:
        lattice.require_energies()
    shifts, heats = checked_drives(drive, thermal_drive, len(lattice.leads))
    warming = phonon_drives(phonon_drive, heats, lattice, baths)
    check_drives_at(temperature, shifts, heats, bool(warming.any()))
    for lead in lattice.leads:
        lead.check_open(mu - LEAD_WINDOW * temperature, mu + LEAD_WINDOW * temperature)
    propagator = propagator_for(lattice, broadening(bath, lattice), np.zeros(len(lattice.leads)), method)
    with thread_pool() as threads, stage_bar("linear_response") as progress, _best_so_far(propagator.order):
        map_ = reporting(threads, progress)
        sites = len(propagator.order)
        if baths.electrons is None:
            fields, _ = expand(propagator, mu, temperature, shifts, heats, warming[propagator.order], rtol, map_,
                               progress)
        else:
            places = PlacesPropagator(propagator)
            hot = np.arange(len(places.coupled) - sites, len(places.coupled))
            per_place = np.tile(warming[propagator.order], len(places.coupled) // sites)
            fields, _ = expand(places, mu, temperature, shifts, heats, per_place, rtol, map_, progress, hot=hot)
            for order in ("1", "2"):
                found = fields.pop("temperature" + order)
                fields["electron_temperature" + order] = np.where(places.coupled[hot], found, np.nan)
                fields["electron_mu" + order] = fields["mu" + order][hot]
    back = np.argsort(propagator.order)
    for name in ("power1", "power2", "mu1", "mu2"):
        nothing = 0.0 if name.startswith("power") else np.nan
        fields[name] = np.full(sites, nothing) if baths.phonons is None else fields[name][:sites]
    for name in [name for name in fields if name.startswith(("power", "mu", "electron_"))]:
        fields[name] = fields[name][back]
    return LinearResponse(x=lattice.positions, mu=float(mu), temperature=temperature, thermal_drive=heats,
                          phonon_drive=warming, floating=int(np.isnan(shifts).sum()), **fields)


def _near(start, lattice, order):
    """What to start from, or the reason why it cannot be that."""
    if not isinstance(start, SteadyState):
        raise TypeError(f"start must be a SteadyState, got {start!r}.")
    if start.units != "model":
        raise ValueError("start must be in the model's units, and this state is in SI units.")
    if start.positions.shape != lattice.positions.shape or not np.array_equal(start.positions, lattice.positions) or \
            len(start.current) != len(lattice.leads):
        raise ValueError(f"start must be a state of the same system, of {len(lattice.sites)} sites and "
                         f"{len(lattice.leads)} leads at the same positions, got {start!r}.")
    solution = start.solution
    return NearSolution(
        *(values[order] for values in (start.mu, start.electron_mu, start.electron_temperature, start.potential)),
        start.reservoir_mu, start.reservoir_temperature,
        *((None, 0.0) if solution is None else (solution.panels, solution.probes.mu0)))


def _unchanged(propagator):
    """Where at most one bath has a balance sites are places."""
    return propagator


def _of_sites(solution, probes, baths, sites):
    """What a solution says of each bath at every site; nan where there is none, power 0 without phonons."""
    nothing = np.full(sites, np.nan)
    result = {"power": solution.power[:sites], "mu": solution.mu[:sites], "electron_mu": nothing,
              "electron_temperature": nothing, "electron_power": np.zeros(sites)}
    if baths.electrons is not None:
        hot = probes.hot
        temperature = probes.temperature0 + probes.excess(solution.unknowns)
        result.update(electron_mu=solution.mu[hot], electron_power=solution.power[hot],
                      electron_temperature=np.where(probes.coupled[hot], temperature, np.nan))
        if baths.phonons is None:
            result.update(power=np.zeros(sites), mu=nothing)
    return result


@contextmanager
def _best_so_far(order: np.ndarray, state: Callable | None = None, unknowns: int = 0):
    """Turn what an error of the solver carries into what users know: sites in their order, a state if there is one.

    Of the unknowns the first so many belong to sites, as often as each has some.
    """
    try:
        yield
    except ConvergenceError as error:
        if error.sites is not None:
            error.sites = order[error.sites[error.sites < max(unknowns, len(order))] % len(order)]
        error.state = state(error.state) if state and error.state is not None else None
        raise
