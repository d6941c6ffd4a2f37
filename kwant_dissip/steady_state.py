"""The one entry, `steady_state`, and what it returns."""

import dataclasses
from dataclasses import dataclass
from itertools import pairwise

import h5py
import numpy as np

from .balance import Balance
from .broadening import broadening
from .density import equilibrium_density
from .lattice import read
from .progress import stage_bar
from .quantum import ChainPropagator
from .reference import KwantPropagator
from .reservoirs import Reservoir
from .storage import read_fields, write_fields
from .units import Units

# Thermal energies around mu within which a lead needs an open mode.
_LEAD_WINDOW = 10.0


def steady_state(syst, reservoirs, bath, *, params=None, method=None, rtol=1e-6):
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
    method : {None, "slices", "kwant"}, optional
        "slices": recursions along the system, cost linear in its length; for chains of single orbitals. "kwant":
        scattering wavefunctions and Green's functions of kwant at every energy, for any system of modest size. None:
        the first where it applies, otherwise the second.
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
    A Büttiker probe relaxes momentum and energy together. The description by rates is meant for k_B T >> gamma.
    The density holds the Lorentzian tails of broadened states, down to energies far below the band.

    References
    ----------
    M. Büttiker, Phys. Rev. B 33, 3020 (1986); J. L. D'Amato, H. M. Pastawski, Phys. Rev. B 41, 7411 (1990);
    N. Leumer, D. M. Basko, R. A. Jalabert, D. Weinmann, R. S. Whitney, arXiv:2407.10192.
    """
    if not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol!r}.")
    if method not in (None, "slices", "kwant"):
        raise ValueError(f'method must be None, "slices" or "kwant", got {method!r}.')
    lattice = read(syst, params)
    reservoirs = _checked_reservoirs(reservoirs, lattice)
    band_shifts = np.array([reservoir.band_shift for reservoir in reservoirs])
    gamma = broadening(bath, lattice)
    temperature = bath.site_temperatures(lattice.sites)
    order = lattice.chain_order() if method != "kwant" else None
    if order is not None:
        propagator = ChainPropagator(lattice, order, gamma, band_shifts)
    elif method == "slices":
        raise ValueError('method="slices" needs a chain: one orbital per site, at most two neighbours, leads of one '
                         'site; use method="kwant" for this system.')
    else:
        propagator = KwantPropagator(lattice, gamma, band_shifts)

    with stage_bar() as progress:
        balance = Balance(propagator, reservoirs, temperature[propagator.order], rtol, progress)
        solution = balance.solve()
    if gamma.is_analytic:
        density = solution.density + equilibrium_density(propagator, balance.mu0, balance.temperature0, 1e-2 * rtol)
    else:
        density = np.full(len(temperature), np.nan)

    back = np.argsort(propagator.order)
    return SteadyState(
        power=solution.power[back], mu=solution.mu[back], density=density[back],
        potential=np.zeros(len(back)), current=solution.current, energy_current=solution.energy_current,
        positions=lattice.positions, wire=lattice.wires(gamma.coupled), bath_temperature=temperature,
        reservoir_mu=np.array([reservoir.mu for reservoir in reservoirs], float),
        reservoir_temperature=np.array([reservoir.temperature for reservoir in reservoirs], float),
        fermi_wavelength=np.array([lead.fermi_wavelength(reservoir.mu - reservoir.band_shift)
                                   for lead, reservoir in zip(lattice.leads, reservoirs, strict=True)]),
        error=solution.error, rtol=float(rtol), newton_steps=solution.newton_steps, products=solution.products,
        energies=solution.energies, method=propagator.method)


def _checked_reservoirs(reservoirs, lattice):
    reservoirs = list(reservoirs)
    if len(reservoirs) != len(lattice.leads):
        raise ValueError(f"reservoirs must hold one Reservoir per lead: syst has {len(lattice.leads)} leads, "
                         f"got {len(reservoirs)} reservoirs.")
    for lead, reservoir in zip(lattice.leads, reservoirs, strict=True):
        if not isinstance(reservoir, Reservoir):
            raise TypeError(f"reservoirs[{lead.number}] must be a Reservoir, got {type(reservoir).__name__}.")
        mu, reach = reservoir.mu - reservoir.band_shift, _LEAD_WINDOW * reservoir.temperature
        edges = lead.thresholds()
        edges = [mu - reach, *edges[np.abs(edges - mu) < reach], mu + reach]
        if not any(lead.open_modes(0.5 * (a + b)) for a, b in pairwise(edges)):
            raise ValueError(f"Lead {lead.number} has no open modes within {_LEAD_WINDOW:g} k_B T of its "
                             f"mu={reservoir.mu!r}: its bands lie elsewhere, no current can flow.")
    return reservoirs


_DESCRIPTIONS = {
    "power": "power that each site gives to the phonons, E0^2/hbar",
    "mu": "local electrochemical potential, E0; nan where not coupled to the phonons",
    "density": "electrons per site",
    "potential": "electrostatic energy, E0",
    "current": "particles entering from each lead, E0/hbar",
    "energy_current": "energy entering from each lead, E0^2/hbar",
    "positions": "positions of the sites, model's length unit",
    "wire": "number of the connected piece of coupled sites, -1 where not coupled",
    "bath_temperature": "k_B T of the phonons at each site, E0",
    "reservoir_mu": "electrochemical potential of each reservoir, E0",
    "reservoir_temperature": "k_B T of each reservoir, E0",
    "fermi_wavelength": "shortest wavelength in each lead at its mu, model's length unit",
}


@dataclass(frozen=True, eq=False)
class SteadyState:
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
    current, energy_current : arrays of float, shape (leads,)
        Particles, and energy, that enter from each lead per unit time.
    positions : array of float, shape (sites, dimensions)
    wire : array of int, shape (sites,)
        Number of the connected piece of coupled sites that a site belongs to, -1 where not coupled.
    bath_temperature : array of float, shape (sites,)
    reservoir_mu, reservoir_temperature : arrays of float, shape (leads,)
    fermi_wavelength : array of float, shape (leads,)
        Shortest wavelength 2 pi / k of the open modes at the reservoir's mu; nan where none is open.
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
    positions: np.ndarray
    wire: np.ndarray
    bath_temperature: np.ndarray
    reservoir_mu: np.ndarray
    reservoir_temperature: np.ndarray
    fermi_wavelength: np.ndarray
    error: float
    rtol: float
    newton_steps: int
    products: int
    energies: int
    method: str
    units: str = "model"

    @property
    def particle_residual(self):
        """Sum of the currents over the largest: 0 if particles are conserved."""
        return _ratio(self.current.sum(), np.abs(self.current).max())

    @property
    def energy_residual(self):
        """Energy currents less the power, over the largest energy current: 0 if energy is conserved."""
        return _ratio(self.energy_current.sum() - self.power.sum(), np.abs(self.energy_current).max())

    @property
    def entropy_production(self):
        """Entropy that phonons and reservoirs gain per unit time; not negative (second law)."""
        heat = self.energy_current - self.reservoir_mu * self.current
        return (self.power / self.bath_temperature).sum() - (heat / self.reservoir_temperature).sum()

    def to_si(self, energy_unit, lattice_constant):
        """The same state in SI units.

        Parameters
        ----------
        energy_unit : float
            The model's energy unit E0, in eV.
        lattice_constant : float
            The model's length unit, in m.

        Returns
        -------
        SteadyState
            Power and energy current in W, current in A (electrons counted positive), energies (mu, potential) in eV,
            temperatures in K, lengths in m.

        Raises
        ------
        ValueError
            If a unit is not a positive number, or the state is in SI units already.
        """
        if self.units == "SI":
            raise ValueError("This SteadyState is in SI units already.")
        units = Units(energy_unit, lattice_constant)
        factors = {"power": units.power, "energy_current": units.power, "current": units.current,
                   "mu": energy_unit, "potential": energy_unit, "reservoir_mu": energy_unit,
                   "bath_temperature": units.temperature, "reservoir_temperature": units.temperature,
                   "positions": lattice_constant, "fermi_wavelength": lattice_constant}
        return dataclasses.replace(self, units="SI", **{name: factor * getattr(self, name)
                                                        for name, factor in factors.items()})

    def plot(self, axes=None):
        """Draw power and electrochemical potential along the wires.

        Parameters
        ----------
        axes : sequence of two matplotlib axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .plot import profile  # pictures stand above this module, and matplotlib is slow to import

        return profile(self, axes)

    def save(self, path, group="/"):
        """Write all fields to an HDF5 file, one dataset per array, each with its meaning and unit.

        Parameters
        ----------
        path : path-like
            Without `group` a file that exists is replaced; with it, the file keeps its other groups.
        group : str, optional
            Group of the file, for several states in one.
        """
        with h5py.File(path, "w" if group == "/" else "a") as file:
            write_fields(file.require_group(group),
                         {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}, _DESCRIPTIONS)


def load(path, group="/"):
    """Read a `SteadyState` that `SteadyState.save` wrote, bit for bit the same.

    Parameters
    ----------
    path : path-like
    group : str, optional
        Group of the file.

    Returns
    -------
    SteadyState

    Raises
    ------
    KeyError
        If the file has no such group.
    ValueError
        If the group holds something else.
    """
    with h5py.File(path, "r") as file:
        return SteadyState(**read_fields(file[group]))


def _ratio(numerator, denominator):
    return float(numerator / denominator) if denominator else 0.0
