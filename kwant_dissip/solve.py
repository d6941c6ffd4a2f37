"""The one entry, `steady_state`, and what it returns."""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Real

import numpy as np

from .analysis.smoothing import average
from .balance.expansion import LinearResponse, expand
from .balance.particles import Balance
from .balance.screening import screened_balance
from .model.reservoirs import PhononBath, Reservoir, known_mus
from .progress import stage_bar
from .propagators.choose import propagator_for
from .propagators.density import EquilibriumDensity
from .results.result import Result

# Thermal energies around mu within which a lead needs an open mode.
_LEAD_WINDOW = 10.0


def steady_state(syst, reservoirs, bath, *, params=None, electrostatics=None, method=None, rtol=1e-6):
    """Where a current through a coherent conductor leaves its heat.

    Solves, at any bias and temperature, for the chemical potential mu_i of one Büttiker probe per coupled site such
    that the bath of phonons takes no particles:

        0 = Int dE/2pi gamma_i (A_i f_i - n_i),    p_i = Int dE/2pi E gamma_i (n_i - A_i f_i)

    with A_i the local spectral function, n_i its occupied part, gamma_i the coupling to the phonons.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized system with leads.
    reservoirs : sequence of Reservoir
        One per lead, in the order of ``syst.leads``.
    bath : PhononBath
        Temperature of the phonons, and how strongly each site couples to them.
    params : dict, optional
        Parameters of the system's value functions, as in kwant.
    electrostatics : Poisson, Neutrality or CoulombKernel, optional
        Law for the electrostatic energies U_i of the sites, from the densities N_i relative to those of the neutral
        system. Without it U = 0. With it a lead's band is shifted by its reservoir's `potential`, by default
        mu - mu_eq, so that it stays neutral; the bath may then reach no site at all (coherent electrostatics).
    method : {None, "slices", "kwant"}, optional
        "slices" (None is the same): recursions along slices that lead from lead to lead; the cost grows with the
        system's length and the cube of its width. "kwant": scattering wavefunctions and Green's functions of kwant at
        every energy, slow, as a check on small systems.
    rtol : float, optional
        Relative accuracy of the energy integrals: error of power, over its largest value, and of the currents.

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
        If the requested accuracy is not reached.

    Notes
    -----
    With `electrostatics` mu_eq is the mean over the reservoirs that do not float of mu - potential where a potential
    is given, of mu otherwise (a floating lead without a potential is shifted by mu - mu_eq with the mu that is found),
    and the neutral system is that with U = 0, unshifted leads, mu_eq everywhere and the temperature of the bath: a
    common shift of every mu and potential changes nothing. A `mean_free_path` is then measured with the velocity at E
    - U_i.

    A Büttiker probe relaxes momentum and energy together. The description by rates is meant for k_B T >> gamma.
    The density holds the Lorentzian tails of broadened states, down to energies far below the band.

    References
    ----------
    M. Büttiker, Phys. Rev. B 33, 3020 (1986); J. L. D'Amato, H. M. Pastawski, Phys. Rev. B 41, 7411 (1990);
    N. Leumer, D. M. Basko, R. A. Jalabert, D. Weinmann, R. S. Whitney, arXiv:2407.10192.
    """
    check_rtol(rtol)
    if isinstance(reservoirs, Reservoir):
        raise TypeError("reservoirs must hold one Reservoir per lead, got a single Reservoir.")
    if not isinstance(bath, PhononBath):
        raise TypeError(f"bath must be a PhononBath, got {type(bath).__name__}.")
    reservoirs = list(reservoirs)
    if electrostatics is not None and (isinstance(electrostatics, type) or not hasattr(electrostatics, "equation")):
        raise TypeError("electrostatics must be a Poisson, Neutrality or CoulombKernel, or None, "
                        f"got {electrostatics!r}.")

    def band_shifts(lattice):
        return _band_shifts(reservoirs, lattice, electrostatics is not None)

    lattice, gamma, propagator = propagator_for(syst, bath, band_shifts, params, method, electrostatics is None)
    temperature = bath.site_temperatures(lattice.sites)
    order = propagator.order
    back = np.argsort(order)
    with stage_bar() as progress:
        arguments = propagator, reservoirs, temperature[order], rtol, progress
        if electrostatics is None:
            balance = Balance(*arguments)
            solution = balance.solve()
            density, screened = np.full(len(order), np.nan), {"potential": np.zeros(len(order))}
            shifts = band_shifts(lattice)
            if gamma.is_analytic:
                equilibrium = EquilibriumDensity(balance.mu0, balance.temperature0, 1e-2 * rtol)
                density = solution.density + equilibrium(propagator)
        else:
            balance = screened_balance(electrostatics, lattice, gamma, _lead_potentials(reservoirs),
                                       equilibrium_mu(reservoirs), *arguments)
            solution = balance.solve()
            density, shifts = solution.density, solution.lead_potentials
            potential = solution.potential[back]
            screened = {"potential": potential, "density_difference": solution.density_difference[back],
                        "field": -lattice.gradient(potential), "law_residual": solution.law_residual}

    bond_current, bond_energy_current = balance.bond_currents(solution)
    return SteadyState(
        bonds=order[propagator.bonds], bond_current=-bond_current, bond_energy_current=-bond_energy_current,
        power=solution.power[back], mu=solution.mu[back], density=density[back], **screened,
        current=solution.current, energy_current=solution.energy_current,
        positions=lattice.positions, wire=lattice.wires(gamma.coupled), bath_temperature=temperature,
        reservoir_mu=solution.lead_mu,
        reservoir_temperature=np.array([reservoir.temperature for reservoir in reservoirs], float),
        fermi_wavelength=np.array([
            _fermi_wavelength(lead, mu - shift, reservoir.temperature) for lead, mu, shift, reservoir
            in zip(lattice.leads, solution.lead_mu, shifts, reservoirs, strict=True)]),
        lead_potential=np.asarray(shifts, float),
        lead_positions=np.array([lattice.positions[interface].mean(axis=0) for interface in lattice.interfaces]),
        error=solution.error, rtol=float(rtol), newton_steps=solution.newton_steps, products=solution.products,
        energies=solution.energies, method=propagator.method)


def linear_response(syst, bath, *, mu, temperature=None, drive=(0.5, -0.5), params=None, method=None, rtol=1e-6):
    """First and second order in the bias: Peltier's and Joule's part of the heat separately.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
        Finalized system with leads.
    bath : PhononBath
    mu : float
        Electrochemical potential of the equilibrium.
    temperature : float, optional
        k_B T of electrons and phonons; 0 is allowed. By default that of the bath, which must be one number then.
    drive : sequence of float, optional
        Shift of each lead's mu per unit of bias.
    params, method, rtol
        As in `steady_state`.

    Returns
    -------
    LinearResponse

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As in `steady_state`.
    """
    check_rtol(rtol)
    temperature = equilibrium_temperature(bath, temperature)
    if not np.isfinite(mu):
        raise ValueError(f"mu must be a finite number, got {mu!r}.")

    def band_shifts(lattice):
        if np.shape(drive) != (len(lattice.leads),) or not np.all(np.isfinite(drive)):
            raise ValueError(f"drive must hold one finite number for each of the {len(lattice.leads)} leads, "
                             f"got {drive!r}.")
        for lead in lattice.leads:
            _check_open(lead, mu - _LEAD_WINDOW * temperature, mu + _LEAD_WINDOW * temperature)
        return np.zeros(len(lattice.leads))

    lattice, _, propagator = propagator_for(syst, bath, band_shifts, params, method)
    with stage_bar() as progress:
        fields, _ = expand(propagator, mu, temperature, drive, rtol, progress)
    back = np.argsort(propagator.order)
    for name in ("power1", "power2", "mu1", "mu2"):
        fields[name] = fields[name][back]
    return LinearResponse(x=lattice.positions, **fields)


def check_rtol(rtol):
    """Raise unless rtol is a number between 0 and 1."""
    if not isinstance(rtol, Real) or not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol!r}.")


def equilibrium_temperature(bath, temperature):
    """The one temperature of a linear response: the one given, or the bath's."""
    if temperature is None:
        temperature = bath.temperature
    if not isinstance(temperature, Real) or not 0 <= temperature < np.inf:
        raise ValueError(f"temperature must be one number, 0 or more, got {temperature!r}.")
    return float(temperature)


def equilibrium_mu(reservoirs):
    """mu_eq: mean over the reservoirs that do not float of mu, less the potential where one was given."""
    return float(np.mean([reservoir.mu - reservoir.band_shift for reservoir in reservoirs
                          if reservoir.mu is not None]))


def _lead_potentials(reservoirs):
    """Electrostatic energy of each lead: as given, or mu - mu_eq; nan where that follows a floating mu."""
    middle = equilibrium_mu(reservoirs)
    following = [np.nan if reservoir.mu is None else reservoir.mu - middle for reservoir in reservoirs]
    return np.array([value if reservoir.potential is None else reservoir.potential
                     for value, reservoir in zip(following, reservoirs, strict=True)])


def _band_shifts(reservoirs, lattice, neutral_leads):
    """Shift of each lead's band, after checking that reservoirs and leads fit.

    With `neutral_leads` a lead without potential is shifted by mu - mu_eq.
    """
    if len(reservoirs) != len(lattice.leads):
        raise ValueError(f"reservoirs must hold one Reservoir per lead: syst has {len(lattice.leads)} leads, "
                         f"got {len(reservoirs)} reservoirs.")
    for number, reservoir in enumerate(reservoirs):
        if not isinstance(reservoir, Reservoir):
            raise TypeError(f"reservoirs[{number}] must be a Reservoir, got {type(reservoir).__name__}.")
    known = known_mus(reservoirs)
    reach = _LEAD_WINDOW * max(reservoir.temperature for reservoir in reservoirs)
    low, high = known.min() - reach, known.max() + reach
    shifts = np.array([reservoir.band_shift for reservoir in reservoirs], float)
    if neutral_leads:
        shifts = np.nan_to_num(_lead_potentials(reservoirs))
    for lead, reservoir, shift in zip(lattice.leads, reservoirs, shifts, strict=True):
        if neutral_leads and reservoir.mu is not None:
            # Its own electrons must be in its band, or there is nothing that screens.
            reach = _LEAD_WINDOW * reservoir.temperature
            _check_open(lead, reservoir.mu - reach - shift, reservoir.mu + reach - shift)
        else:
            _check_open(lead, low - shift, high - shift)
    return shifts


def _fermi_wavelength(lead, mu, temperature):
    """At mu, counted from the lead's shift, or, if no mode is open there, next to the nearest band edge."""
    edges = lead.thresholds()
    edges = edges[np.argsort(np.abs(edges - mu))]
    inside = (edge + sign * 0.5 * temperature for edge in edges for sign in (1, -1))
    wavelengths = (lead.fermi_wavelength(energy) for energy in (mu, *inside))
    return next((wavelength for wavelength in wavelengths if np.isfinite(wavelength)), np.nan)


def _check_open(lead, low, high):
    """Raise unless a mode is open somewhere between two energies, which count from the lead's shift."""
    edges = lead.thresholds()
    edges = [low, *edges[(edges > low) & (edges < high)], high]
    if not any(lead.open_modes(0.5 * (a + b)) for a, b in pairwise(edges)):
        raise ValueError(f"Lead {lead.number} has no open modes within {_LEAD_WINDOW:g} k_B T of any mu, from "
                         f"{low:.6g} to {high:.6g} (counted from its potential): no current can flow.")


_DESCRIPTIONS = {  # meaning, model's unit, SI
    "power": ("power that each site gives to the phonons", "E0^2/hbar", "W"),
    "mu": ("local electrochemical potential; nan where not coupled to the phonons", "E0", "eV"),
    "density": ("electrons per site", "1", "1"),
    "potential": ("electrostatic energy", "E0", "eV"),
    "density_difference": ("electrons per site, less those of the neutral system", "1", "1"),
    "field": ("force on an electron", "E0 per lattice unit", "eV/m"),
    "current": ("particles entering from each lead", "E0/hbar", "A"),
    "energy_current": ("energy entering from each lead", "E0^2/hbar", "W"),
    "bonds": ("both sites of each hopping", "1", "1"),
    "bond_current": ("particles per time from the first to the second site of each hopping", "E0/hbar", "A"),
    "bond_energy_current": ("energy per time from the first to the second site of each hopping", "E0^2/hbar", "W"),
    "positions": ("positions of the sites", "lattice unit", "m"),
    "wire": ("number of the connected piece of coupled sites, -1 where not coupled", "1", "1"),
    "bath_temperature": ("k_B T (SI: T) of the phonons at each site", "E0", "K"),
    "reservoir_mu": ("electrochemical potential of each reservoir", "E0", "eV"),
    "reservoir_temperature": ("k_B T (SI: T) of each reservoir", "E0", "K"),
    "lead_potential": ("electrostatic energy of each lead", "E0", "eV"),
    "lead_positions": ("middle of the sites that each lead couples to", "lattice unit", "m"),
    "fermi_wavelength": ("longest Fermi wavelength in each lead at its mu", "lattice unit", "m"),
}


@dataclass(frozen=True, eq=False, repr=False)
class SteadyState(Result):
    """Heat, potentials and currents of a stationary state.

    Arrays over sites are in the order of ``syst.sites``, arrays over leads in that of ``syst.leads``. Units:
    hbar = e = k_B = 1, energies E0 and lengths as in the kwant model; `to_si` converts.

    Attributes
    ----------
    power : array of float, shape (sites,)
        Power that each site gives to the phonons; negative where they are cooled.
    mu : array of float, shape (sites,)
        Local electrochemical potential: that of the probe; nan where not coupled.
    density : array of float, shape (sites,)
        Electrons per site, Int dE/2pi n_i(E) over all energies, spin only if the orbitals represent it. nan for a
        `mean_free_path` measured with leads of several orbitals per cell: gamma is not known off the real axis then.
    potential : array of float, shape (sites,)
        Electrostatic energy U_i; zero without electrostatics.
    density_difference : array of float, shape (sites,), or None
        N_i - N0_i, the charge; only with electrostatics, as are the next two.
    field : array of float, shape (sites, dimensions), or None
        Force -grad U on an electron, by least squares over the hoppings of each site.
    law_residual : float or None
        What is left of the law of electrostatics, over its largest term (for `Neutrality`: electrons per site).
    current, energy_current : arrays of float, shape (leads,)
        Particles, and energy, that enter from each lead per unit time.
    bonds : array of int, shape (hoppings, 2)
        Both sites of every hopping.
    bond_current, bond_energy_current : arrays of float, shape (hoppings,)
        Particles, and energy, that flow on each hopping from its first to its second site per unit time. What flows
        in equilibrium, in a magnetic field, at the middle of the reservoirs' mu is left out.
    positions : array of float, shape (sites, dimensions)
    wire : array of int, shape (sites,)
        Number of the connected piece of coupled sites that a site belongs to, -1 where not coupled.
    bath_temperature : array of float, shape (sites,)
    reservoir_mu, reservoir_temperature : arrays of float, shape (leads,)
        Those of floating reservoirs as found.
    lead_potential : array of float, shape (leads,)
        Electrostatic energy by which each lead's band is shifted.
    lead_positions : array of float, shape (leads, dimensions)
        Middle of the sites that each lead couples to.
    fermi_wavelength : array of float, shape (leads,)
        Longest Fermi wavelength of the open modes at the reservoir's mu (or next to a band edge, if none is open).
    error : float
        Estimated relative error of the energy integrals (power over its largest value; currents), at most `rtol`.
    rtol : float
        The accuracy asked for.
    newton_steps, products, energies : int
        Newton steps, Jacobian products in all of them, and energies of the last grid.
    method : str
        Route that ran: "slices" or "kwant".
    units : str
        "model", or "SI" after `to_si`.
    """

    power: np.ndarray
    mu: np.ndarray
    density: np.ndarray
    potential: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray
    bonds: np.ndarray
    bond_current: np.ndarray
    bond_energy_current: np.ndarray
    positions: np.ndarray
    wire: np.ndarray
    bath_temperature: np.ndarray
    reservoir_mu: np.ndarray
    reservoir_temperature: np.ndarray
    lead_potential: np.ndarray
    lead_positions: np.ndarray
    fermi_wavelength: np.ndarray
    error: float
    rtol: float
    newton_steps: int
    products: int
    energies: int
    method: str
    density_difference: np.ndarray | None = None
    field: np.ndarray | None = None
    law_residual: float | None = None
    units: str = "model"

    _descriptions = _DESCRIPTIONS

    @property
    def screening(self):
        """Largest and mean absolute change of density, (max, mean) of |N_i - N0_i|; None without electrostatics."""
        if self.density_difference is None:
            return None
        charge = np.abs(self.density_difference)
        return float(charge.max()), float(charge.mean())

    @property
    def _heat(self):
        return self.power

    @staticmethod
    def _si_factors(units):
        return {"power": units.power, "energy_current": units.power, "current": units.current,
                "bond_current": units.current, "bond_energy_current": units.power,
                "mu": units.energy_unit, "potential": units.energy_unit, "reservoir_mu": units.energy_unit,
                "lead_potential": units.energy_unit,
                "bath_temperature": units.temperature, "reservoir_temperature": units.temperature,
                "field": units.energy_unit / units.lattice_constant, "positions": units.lattice_constant,
                "lead_positions": units.lattice_constant, "fermi_wavelength": units.lattice_constant}

    @property
    def wires(self):
        """Number of wires: connected pieces of coupled sites."""
        return int(self.wire.max()) + 1

    @property
    def coordinate(self):
        """Coordinate of each site along the wires: the one in which the system is longest, shape (sites,)."""
        return self.positions[:, np.argmax(np.ptp(self.positions, axis=0))]

    @property
    def lead_coordinate(self):
        """The same coordinate of each lead, shape (leads,)."""
        return self.lead_positions[:, np.argmax(np.ptp(self.positions, axis=0))]

    def sites_of(self, wire):
        """Sites of a wire, ordered along it: array of int."""
        chosen = np.flatnonzero(self.wire == wire)
        return chosen[np.argsort(self.coordinate[chosen], kind="stable")]

    @property
    def smoothing_window(self):
        """Length over which standing waves average out: the largest Fermi wavelength of the leads."""
        return float(np.nanmax(self.fermi_wavelength))

    def profile(self, wire, window=None):
        """Power per site along a wire, averaged over a length.

        Parameters
        ----------
        wire : int
        window : float, optional
            See `smoothing.average`; by default `smoothing_window`.

        Returns
        -------
        x, power : arrays
            Positions where the whole window lies inside the wire, and the average there.
        resolution : float
            The window, in sites.

        Raises
        ------
        ValueError
            If the sites of the wire are not equally spaced along `coordinate`.
        """
        chosen = self.sites_of(wire)
        window = self.smoothing_window if window is None else window
        x, power = average(self.coordinate[chosen], self.power[chosen], window)
        return x, power, window / (x[1] - x[0]) if len(x) > 1 else 1.0

    def plot(self, axes=None, *, arrows=False):
        """Draw power and electrochemical potential, and U with electrostatics: along wires, or as maps.

        Parameters
        ----------
        axes : sequence of matplotlib axes, optional
            Where to draw, two for wires, one a map in a plane; by default a new figure.
        arrows : bool, optional
            In a plane: draw the current, too.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If the sites fill three dimensions, or `axes` do not fit.
        """
        # Pictures stand above this module, and matplotlib is slow to import.
        if np.count_nonzero(np.ptp(self.positions, axis=0)) > 1:
            from .plots.maps import draw

            return draw(self, axes=axes, arrows=arrows)
        from .plots.profiles import profile

        return profile(self, axes)
