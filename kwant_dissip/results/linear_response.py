"""What `linear_response` returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..notebook import html
from ..store.fields import documented, quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SITE, _LEAD = ("site",), ("lead",)


@documented
@dataclass(frozen=True, eq=False, repr=False)
class LinearResponse:
    """Expansion in the bias V: power = V power1 + V^2 power2, and so on.

    Powers are per site on a lattice, per length in the kinetic theory.

    Notes
    -----
    At temperature 0 power1 vanishes, and mu2, current2 and energy_current2 are nan: they would need derivatives of
    the Green's function.
    """

    x: np.ndarray = quantity("Positions: of the sites, shape (sites, dimensions), or along the wires", "length", _SITE)
    power1: np.ndarray = quantity("Peltier part of the power", dimensions=_SITE)
    power2: np.ndarray = quantity("Joule part of the power", dimensions=_SITE)
    mu1: np.ndarray = quantity("Change of the local electrochemical potential; nan where not coupled", dimensions=_SITE)
    mu2: np.ndarray = quantity("The same at second order", dimensions=_SITE)
    current1: np.ndarray = quantity("Particles entering from each lead", dimensions=_LEAD)
    current2: np.ndarray = quantity("The same at second order", dimensions=_LEAD)
    energy_current1: np.ndarray = quantity("Energy entering from each lead", dimensions=_LEAD)
    energy_current2: np.ndarray = quantity("The same at second order", dimensions=_LEAD)
    reservoir_mu1: np.ndarray = quantity("Change of each reservoir's mu: as driven, or as found where it floats",
                                         dimensions=_LEAD)
    reservoir_mu2: np.ndarray = quantity("The same at second order: 0 but for floating ones", dimensions=_LEAD)
    floating: int = quantity("Number of leads that float")
    error: float = quantity(
        "Estimated relative error of the energy integrals, and of the resolution along the wires; second-order "
        "currents count relative to those of first order at a bias of k_B T")
    mu: float = quantity("Electrochemical potential of the equilibrium", "energy")
    temperature: float = quantity("k_B T of the equilibrium", "energy")
    thermal_drive: np.ndarray = quantity("Change of each reservoir's k_B T", dimensions=_LEAD)
    phonon_drive: np.ndarray = quantity("Change of the phonons' k_B T; 0 where there are none", dimensions=_SITE)
    electron_mu1: np.ndarray | None = quantity(
        "Change of the electrochemical potential of the ElectronBath's probe; nan where none couples; only with one, "
        "as are the next three", dimensions=_SITE, default=None)
    electron_mu2: np.ndarray | None = quantity("The same at second order", dimensions=_SITE, default=None)
    electron_temperature1: np.ndarray | None = quantity("Change of the electrons' temperature", dimensions=_SITE,
                                                        default=None)
    electron_temperature2: np.ndarray | None = quantity("The same at second order", dimensions=_SITE, default=None)

    @property
    def conductance(self) -> float:
        """current1 of the first lead, in e^2/hbar (multiply by 2 pi for e^2/h)."""
        return float(self.current1[0])

    @property
    def seebeck(self) -> float:
        """Thermopower S = -dV/dT of an open circuit, in k_B/e (multiply by 86.17 for uV/K).

        V is the voltage of the hottest lead relative to the coldest, T their difference of temperature. Electrons have
        the charge -e: S = (dmu_hot - dmu_cold) / (k_B dT) is negative where electrons above mu cross more easily than
        those below, -(pi^2/3) k_B T d ln T(E)/dE for a coherent conductor at low temperature (Mott).

        Raises
        ------
        ValueError
            Unless one lead at most does not float, and leads differ in temperature.
        """
        hot, cold = int(np.argmax(self.thermal_drive)), int(np.argmin(self.thermal_drive))
        difference = self.thermal_drive[hot] - self.thermal_drive[cold]
        if difference == 0:
            raise ValueError("A Seebeck coefficient needs leads that differ in temperature: linear_response(..., "
                             "drive=(0, None), thermal_drive=(0.5, -0.5)).")
        if self.floating < len(self.current1) - 1:
            raise ValueError("A Seebeck coefficient is that of an open circuit: all leads but one must float, "
                             f"drive=(0, None); of {len(self.current1)} leads here {self.floating} do.")
        return float((self.reservoir_mu1[hot] - self.reservoir_mu1[cold]) / difference)

    @property
    def peltier(self) -> float:
        """Heat per charge that a current carries without a difference of temperature, Pi = T S, in E0/e.

        By Onsager's relation, with the same phonons: the heat that comes in from the hottest lead and what warms with
        it (in a magnetic field: with the field reversed).

        Raises
        ------
        ValueError
            As of `seebeck`.
        """
        return self.temperature * self.seebeck

    def plot(self, axes: Any = None, *, fields: str | Sequence[str] | None = None, cmap: Any = None) -> "Figure":
        """Draw power1, power2 and mu1: along a line, or over a plane.

        Parameters
        ----------
        axes : matplotlib axis, or sequence of them, optional
            Where to draw, an axis for each field; by default a new figure. One axis shows the Peltier part.
        fields : str or sequence of str, optional
            What to draw instead: names of fields with a value for each site.
        cmap : str or matplotlib colour map, optional
            Of maps.

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
        from ..plots import responses  # matplotlib is slow to import

        return cast("Figure", responses.draw(self, axes, fields=fields, cmap=cmap))

    def _repr_html_(self) -> str:
        def listed(values):
            return ", ".join(f"{value:.4g}" for value in values)

        rows = {"current per bias from each lead": f"{listed(self.current1)} e^2/hbar",
                "conductance": f"{2 * np.pi * self.conductance:.4g} e^2/h",
                "energy current per bias from each lead": listed(self.energy_current1),
                "power per bias^2 (Joule part), sum": f"{self.power2.sum():.4g}",
                "relative error": f"{self.error:.1e}"}
        return html(f"LinearResponse: {len(self.power1)} sites", rows, self.plot)

    def __repr__(self):
        try:
            found = f"Seebeck coefficient {self.seebeck:.4g} k_B/e"
        except ValueError:  # not of an open circuit
            found = f"conductance {self.conductance:.4g} e^2/hbar"
        return f"<LinearResponse: {len(self.power1)} sites, {found}, error {self.error:.1e}>"
