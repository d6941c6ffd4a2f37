"""What `steady_state` returns."""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.spatial import KDTree

from ..analysis.smoothing import average, check_window
from ..numerics.checks import check_flag
from ..store.fields import documented, quantity
from .result import AveragedProfile, Graph, Result

if TYPE_CHECKING:
    import plotly.graph_objects
    from matplotlib.figure import Figure

# Positions that differ by less than this part of the system's size are the same.
_SAME = 1e-9
_SITE, _LEAD, _BOND, _BATH = ("site",), ("lead",), ("hopping",), ("bath", "site")


@documented
@dataclass(frozen=True, eq=False, repr=False)
class SteadyState(Result):
    """Heat, potentials and currents of a stationary state.

    Arrays over sites are in the order of ``syst.sites``, arrays over leads in that of ``syst.leads``. Units:
    hbar = e = k_B = 1, energies E0 and lengths as in the kwant model; `to_si` converts.
    """

    power: np.ndarray = quantity(
        "Power that each site gives to the phonons, and to other baths that take heat; negative where they are cooled",
        "power", _SITE)
    mu: np.ndarray = quantity(
        "Local electrochemical potential: that of the phonons' probe, or of another bath that takes heat where only "
        "such couple; nan where none does", "energy", _SITE)
    density: np.ndarray = quantity(
        "Electrons per site, Int dE/2pi n_i(E) over all energies, spin only if the orbitals represent it; nan for a "
        "mean_free_path measured with leads of several orbitals per cell: gamma is not known off the real axis then",
        "electrons", _SITE)
    potential: np.ndarray = quantity("Electrostatic energy U_i; zero without electrostatics", "energy", _SITE)
    current: np.ndarray = quantity("Particles that enter from each lead per unit time", "current", _LEAD)
    energy_current: np.ndarray = quantity("Energy that enters from each lead per unit time", "power", _LEAD)
    bonds: np.ndarray = quantity("Both sites of every hopping", dimensions=("hopping", "2"), is_place=True)
    bond_current: np.ndarray = quantity(
        "Particles per unit time from the first to the second site of each hopping; what flows in equilibrium, in a "
        "magnetic field, at the middle of the reservoirs' mu is left out", "current", _BOND)
    bond_energy_current: np.ndarray = quantity(
        "Energy per unit time from the first to the second site of each hopping, likewise", "power", _BOND)
    positions: np.ndarray = quantity("Positions of the sites; nan of those without", "length", ("site", "dimension"),
                                       is_place=True)
    wire: np.ndarray = quantity(
        "Number of the connected piece of coupled sites that a site belongs to, -1 where not coupled", dimensions=_SITE,
        is_place=True)
    bath_temperature: np.ndarray = quantity("k_B T (SI: T) of the phonons at each site", "temperature", _SITE)
    reservoir_mu: np.ndarray = quantity("Electrochemical potential of each reservoir, of floating ones as found",
                                        "energy", _LEAD)
    reservoir_temperature: np.ndarray = quantity("k_B T (SI: T) of each reservoir", "temperature", _LEAD)
    lead_potential: np.ndarray = quantity("Electrostatic energy by which each lead's band is shifted", "energy", _LEAD)
    lead_positions: np.ndarray = quantity("Middle of the sites that each lead couples to", "length",
                                          ("lead", "dimension"), is_place=True)
    fermi_wavelength: np.ndarray = quantity(
        "Longest Fermi wavelength of each lead's open modes at its reservoir's mu (or next to a band edge, if none is "
        "open)", "length", _LEAD)
    error: float = quantity("Estimated relative error of the energy integrals (power over its largest value; "
                            "currents), at most rtol")
    rtol: float = quantity("The accuracy asked for")
    newton_steps: int = quantity("Newton steps, where chords did not lead to the solution")
    products: int = quantity("Jacobian products in all of them")
    energies: int = quantity("Energies of the last grid")
    method: str = quantity('Route that ran: "chain", "slices", "dissection" or "kwant"')
    green_functions: int | None = quantity(
        "Energies at which a Green's function was computed for integrals over the thermal window, in all; None in "
        "files of earlier versions", default=None)
    transports: int | None = quantity("Energies at which occupations were sent through one for them, in all",
                                      default=None)
    density_difference: np.ndarray | None = quantity(
        "N_i - N0_i, the charge; only with electrostatics, as are the next two", "electrons", _SITE, default=None)
    field: np.ndarray | None = quantity(
        "Force -grad U on an electron, by least squares over the hoppings of each site", "force", ("site", "dimension"),
        default=None)
    law_residual: float | None = quantity(
        "What is left of the law of electrostatics, over its largest term (for Neutrality: electrons per site)",
        default=None)
    electron_mu: np.ndarray = quantity(
        "Electrochemical potential of the electrons among themselves: that of the ElectronBath's probe; nan where none "
        "couples", "energy", _SITE, default=None)
    electron_temperature: np.ndarray = quantity(
        "The electrons' k_B T_e (SI: T_e), of the same probe; nan where none couples", "temperature", _SITE,
        default=None)
    electron_power: np.ndarray = quantity(
        "Power that the ElectronBath takes: zero but for what the solution leaves of its balance", "power", _SITE,
        default=None)
    bath_mu: np.ndarray | None = quantity(
        "Electrochemical potential of each bath of the list at every site, nan where it does not couple and of elastic "
        "ones; None, as the next two, where there are no other baths than a PhononBath, an ElectronBath and "
        "ElasticBaths", "energy", _BATH, default=None)
    bath_power: np.ndarray | None = quantity("Power that each site gives to each bath", "power", _BATH, default=None)
    bath_temperatures: np.ndarray | None = quantity(
        "k_B T (SI: T) at which each bath returns electrons: its own, or as it was found", "temperature", _BATH,
        default=None)
    contacts: np.ndarray | None = quantity("Lead, and site that it couples to; None in files of earlier versions",
                                           dimensions=("contact", "2"), default=None)
    lead_directions: np.ndarray | None = quantity(
        "Unit vector along each lead, out of the system; 0 for leads by self-energy, None in files of earlier versions",
        dimensions=("lead", "dimension"), default=None)
    gross_current: float | None = quantity(
        "What the conservation of particles is measured with: the largest of all leads' Int dE/2pi |i(E)|, which does "
        "not cancel where net currents do; with microscopic phonons k_B T / h at least; None in files of earlier "
        "versions", "current", default=None)
    gross_energy_current: float | None = quantity("The same of energy", "power", default=None)
    degeneracy: float = quantity("How many times each orbital counts: 1 in the model's units, else as given to `to_si`",
                                 default=1.0)
    thermal_resolution: float | None = quantity(
        "Smallest k_B T / gamma of all coupled sites: gamma of all baths together, at the local mu, T of the phonons "
        "(without them the mean of the reservoirs); rates are meant for values far above 1. None without a bath, and "
        "in files of earlier versions", default=None)
    units: str = quantity('"model", or "SI" after `to_si`', default="model")

    # What spectra follow from, see `instruments`: not part of the result, and gone in copies, files, other processes.
    known: InitVar[Any] = None

    def __post_init__(self, known: Any) -> None:
        object.__setattr__(self, "solution", known)
        # Files written before there were several baths do not have these.
        for name, value in (("electron_mu", np.nan), ("electron_temperature", np.nan), ("electron_power", 0.0)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(len(self.power), value))

    def __getstate__(self):
        return {**self.__dict__, "solution": None}

    solution: ClassVar[Any]
    power_per: ClassVar[str] = "site"
    averages: ClassVar[bool] = True

    @property
    def places(self) -> np.ndarray:
        """`positions`, of which pictures and lengths are made.

        Raises
        ------
        ValueError
            If some sites have none: of a family without, or in a space of other dimension than the others'.
        """
        lost = np.flatnonzero(np.isnan(self.positions).any(axis=1)) if self.positions.shape[1] else [0]
        if len(lost):
            raise ValueError(f"Pictures, heat spots and profiles need the positions of all sites in one space; site "
                             f"number {lost[0]} has none there. power, mu, currents and bonds are known all the same.")
        return self.positions

    @property
    def graph(self) -> Graph:
        directions = np.zeros_like(self.lead_positions) if self.lead_directions is None else self.lead_directions
        if self.contacts is not None:
            return Graph(self.places, self.bonds, self.contacts, directions)
        # Of a file of an earlier version: known where a lead couples to one site.
        distance, site = KDTree(self.positions).query(self.lead_positions)
        if np.any(distance > _SAME * np.ptp(self.positions, axis=0).max()):
            raise ValueError("This SteadyState was saved by an earlier version, which did not say which sites "
                             "the leads couple to: solve again.")
        return Graph(self.positions, self.bonds, np.stack([np.arange(len(site)), site], axis=1), directions)

    @property
    def screening(self) -> tuple[float, float] | None:
        """Largest and mean absolute change of density, (max, mean) of |N_i - N0_i|; None without electrostatics."""
        if self.density_difference is None:
            return None
        charge = np.abs(self.density_difference)
        return float(charge.max()), float(charge.mean())

    @property
    def wires(self) -> int:
        """Number of wires: connected pieces of coupled sites."""
        return int(self.wire.max()) + 1

    @property
    def is_line(self) -> bool:
        return bool(np.count_nonzero(np.ptp(self.places, axis=0)) <= 1)

    @property
    def coordinate(self) -> np.ndarray:
        """Coordinate of each site along the wires: the one in which the system is longest, shape (sites,)."""
        return self.places[:, np.argmax(np.ptp(self.places, axis=0))]

    @property
    def lead_coordinate(self) -> np.ndarray:
        """The same coordinate of each lead, shape (leads,)."""
        return self.lead_positions[:, np.argmax(np.ptp(self.places, axis=0))]

    def sites_of(self, wire: int) -> np.ndarray:
        """Sites of a wire, ordered along it: array of int."""
        self.check_wire(wire)
        chosen = np.flatnonzero(self.wire == wire)
        return chosen[np.argsort(self.coordinate[chosen], kind="stable")]

    @property
    def smoothing_window(self) -> float:
        """Length over which standing waves average out: the largest Fermi wavelength of the leads.

        Where none is known (leads by self-energy), the smallest distance of sites: nothing is averaged.
        """
        if np.all(np.isnan(self.fermi_wavelength)):
            return float(np.diff(np.unique(self.coordinate)).min(initial=1.0))
        return float(np.nanmax(self.fermi_wavelength))

    def along(self, wire: int, window: float | None = None) -> AveragedProfile:
        """Curves along a wire, averaged over a length.

        Parameters
        ----------
        wire : int
        window : float, optional
            See `smoothing.average`; by default `smoothing_window`.

        Returns
        -------
        AveragedProfile
            At the positions where the whole window lies inside the wire.

        Raises
        ------
        ValueError
            If there is no such wire, its sites are not equally spaced along `coordinate`, or `window` is not positive.
        """
        check_window(window)
        x, *curves = self.points(wire)
        window = self.smoothing_window if window is None else window
        (at, power), (_, mu), (_, potential) = (average(x, curve, window) for curve in curves)
        spacing = at[1] - at[0] if len(at) > 1 else 1.0
        mu_slope, potential_slope = (np.gradient(curve, at) if len(at) > 1 else curve for curve in (mu, potential))
        return AveragedProfile(at, power, mu, potential, mu_slope, potential_slope, spacing, window / spacing)

    def profile(self, wire: int, window: float | None = None) -> tuple[np.ndarray, np.ndarray, float]:
        """Positions and power of `along`, and the window in sites."""
        curves = self.along(wire, window)
        return curves.x, curves.power, curves.resolution

    def points(self, wire: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        chosen = self.sites_of(wire)
        return self.coordinate[chosen], self.power[chosen], self.local_mu[chosen], self.potential[chosen]

    def from_scatterer(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """See `Result`; half a site beyond the last site that is coupled to the phonons."""
        if self.wires != 2 or len(self.current) != 2:
            raise ValueError("A voltage drop is that of one scatterer between two wires and two leads; the state has "
                             f"{self.wires} wires and {len(self.current)} leads. Leave the scatterer uncoupled.")
        local_mu = self.local_mu
        wires = [(self.coordinate[chosen], local_mu[chosen]) for chosen in map(self.sites_of, (0, 1))]
        if any(np.any(np.isnan(mu)) for _, mu in wires):
            raise ValueError("Some sites of the wires have no chemical potential: elastic collisions do not make one. "
                             "Add a PhononBath or an ElectronBath there, or take local_electrons(state).mu.")
        (left, mu_left), (right, mu_right) = sorted(wires, key=lambda wire: wire[0].mean())
        half = 0.5 * np.min([np.diff(np.unique(x)).min(initial=np.inf) for x, _ in wires])
        result = [(left.max() + half - left, mu_left), (right - right.min() + half, mu_right)]
        return result[::-1] if self.lead_coordinate[0] > self.lead_coordinate[1] else result

    @property
    def flow(self) -> float:
        sign = -1 if self.lead_coordinate[0] > self.lead_coordinate[1] else 1
        return 0.5 * sign * float(self.current[0] - self.current[1])

    def plot(self, axes: Any = None, *, fields: str | Sequence[str] | None = None, cmap: Any = None,
             legend: bool = True, spots: bool = True, arrows: bool = False) -> "Figure":
        """Draw power and electrochemical potential, and U with electrostatics: along wires, or as maps.

        Wires along a line are curves, networks of wires in a plane coloured lines, other planes filled cells. In three
        dimensions: profiles along the longest direction, sums (mu: means) over the cross sections, and maps of the
        power summed along each of the other two. In SI lengths are in nm or um, powers in pW and so on, as it suits.

        Parameters
        ----------
        axes : matplotlib axis, or sequence of them, optional
            Where to draw, an axis for each field; by default a new figure. With fewer axes than there are fields by
            default the first ones are drawn: one axis shows the power.
        fields : str or sequence of str, optional
            What to draw instead: names of fields with a value for each site, such as "power" or "density", and in a
            plane "current". In three dimensions they are drawn as profiles.
        cmap : str or matplotlib colour map, optional
            Of maps. By default power is red where it heats and blue where it cools, of one colour where it does only
            one of both.
        legend : bool, optional
            Name curves and spots.
        spots : bool, optional
            Mark heat and cold spots, white ones at ends and edges, see `heat_spots`.
        arrows : bool, optional
            In a plane: draw the current, too, beside the power.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        TypeError
            If `axes` are none.
        ValueError
            If `axes` do not fit, or there is no such field.
        """
        for name, flag in (("legend", legend), ("spots", spots), ("arrows", arrows)):
            check_flag(name, flag)
        if self.is_line:
            return super().plot(axes, fields=fields, legend=legend, spots=spots)
        from ..plots import maps, solids  # matplotlib is slow to import

        options = {"axes": axes, "fields": fields, "cmap": cmap, "legend": legend, "spots": spots}
        if np.count_nonzero(np.ptp(self.positions, axis=0)) > 2:
            return solids.draw(self, **options)
        return maps.draw(self, arrows=arrows, **options)

    def explore(self, fields: str | Sequence[str] | None = None) -> "plotly.graph_objects.Figure":
        """A view of the sites in three dimensions that can be turned, with a menu of fields to colour them by.

        A slider hides sites that take little power. In a notebook it shows itself; ``.write_html("state.html")`` makes
        a page of it that needs no network. It takes plotly: ``pip install 'kwant_dissip[explore]'``.

        Parameters
        ----------
        fields : str or sequence of str, optional
            Names of fields with a value for each site; by default all that are not 0.

        Returns
        -------
        plotly.graph_objects.Figure

        Raises
        ------
        ImportError
            If there is no plotly.
        ValueError
            If there is no such field.

        Examples
        --------
        >>> state.explore("power").write_html("state.html")
        """
        from ..plots import explore  # slow to import

        return explore.figure(self, fields)
