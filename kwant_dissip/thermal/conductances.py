"""What heat has to do with: how well it is conducted, along the sample and into the substrate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import users_function
from ..numerics.checks import check_positive, is_number, real_array, shortened

# A number, one per site, or a function of an array of temperatures in K.
Conductance = float | Sequence[float] | np.ndarray | Callable[[np.ndarray], Any]
# What ends can be besides a temperature.
CONTINUED, INSULATED = None, "insulated"
# Nodes between two temperatures: exact for powers of T up to 31.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
NODES, WEIGHTS = 0.5 * (_NODES + 1), 0.5 * _WEIGHTS


class Thermal:
    r"""Material numbers of a wire or sheet of phonons on a substrate, in SI.

    Parameters
    ----------
    conductivity : float, sequence of float, or function of the temperature
        Wires: thermal conductivity times cross section, W m/K. Sheets: times thickness, W/K. One number, one per site,
        or a function that takes an array of temperatures in K and returns as many values.
    coupling : float, sequence of float, or function of the temperature
        Thermal conductance to the substrate per length, W/(K m), or per area, W/(K m^2): likewise. As a function it is
        the derivative of the heat flow with the temperature, so that g = c T^3 gives c (T^4 - T_substrate^4) / 4.
    substrate_temperature : float
        In K, positive.
    ends : float, "insulated" or None, or a sequence of them
        What the model's ends at the leads are; in a sequence, one for each lead. None: the wire goes on beyond them on
        the same substrate, without end. A number: held at this temperature, in K, half a lattice constant beyond the
        last site.

    Raises
    ------
    TypeError
        If an end is of no such kind.
    ValueError
        If a conductance is of no such kind, a number negative or not finite, or a temperature not positive.

    Notes
    -----
    Beyond its end at temperature T a semi-infinite wire takes the heat flow q with

    .. math::

        q^2 = 2 \int_{T_\mathrm{substrate}}^{T}\! \kappa(s)\,w(s)\,ds, \qquad
        w(s) = \int_{T_\mathrm{substrate}}^{s}\! g\,dT',

    the first integral of (kappa T')' = w(T); q = sqrt(kappa g) (T - T_substrate) for constant numbers. A sheet goes on
    as such a wire beyond each of its last sites: heat that spreads sideways in there is left out.

    Numbers with their sources: `nanotube_on_silica`, `graphene_on_silica` in `kwant_dissip.thermal`.

    Examples
    --------
    >>> thermal = kd.Thermal(conductivity=6.2e-15, coupling=0.17, substrate_temperature=300)
    >>> kd.temperature(state.to_si(energy_unit=0.4, lattice_constant=3e-9), thermal).plot()
    """

    def __init__(self, *, conductivity: Conductance, coupling: Conductance, substrate_temperature: float,
                 ends: Any = CONTINUED) -> None:
        check_positive("substrate_temperature", substrate_temperature, "K")
        self.conductivity = _conductance("conductivity", conductivity)
        self.coupling = _conductance("coupling", coupling)
        self.substrate_temperature = float(substrate_temperature)
        self.ends = ends
        for end in ends if _is_sequence(ends) else [ends]:
            _check_end(end)

    def __repr__(self):
        return (f"Thermal(conductivity={self.conductivity!r}, coupling={self.coupling!r}, "
                f"substrate_temperature={self.substrate_temperature!r}, ends={self.ends!r})")

    def lead_ends(self, leads: int) -> list:
        """What each lead's end is."""
        if not _is_sequence(self.ends):
            return [self.ends] * leads
        if len(self.ends) != leads:
            raise ValueError(f"ends must be one for all leads, or one for each of the {leads}, got {self.ends!r}.")
        return list(self.ends)

    def conductivity_law(self, sites: int) -> "Law":
        """Conductivity of the sites."""
        return Law("conductivity", self.conductivity, sites)

    def coupling_law(self, sites: int) -> "Law":
        """Coupling of the sites to the substrate."""
        return Law("coupling", self.coupling, sites)


@dataclass(frozen=True)
class Law:
    """A conductance on the sites.

    Parameters
    ----------
    name : str
        Of the argument, for errors.
    given : number, array or function
    sites : int

    Raises
    ------
    ValueError
        If there is not one number per site.
    """

    name: str
    given: Any
    sites: int

    def __post_init__(self):
        if np.ndim(self.given) and np.shape(self.given) != (self.sites,):
            raise ValueError(f"{self.name} must be a number, a function of the temperature, or one value for each of "
                             f"the {self.sites} sites; got an array of shape {np.shape(self.given)}.")

    @property
    def varies(self) -> bool:
        """Whether it depends on the temperature."""
        return callable(self.given)

    def at(self, temperature: np.ndarray, sites: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Values at temperatures, those of `sites`.

        Raises
        ------
        ValueError
            If the user's function returns what is no conductance.
        """
        if not self.varies:
            return np.broadcast_to(np.broadcast_to(self.given, self.sites)[sites], np.shape(temperature))
        with users_function(f"Thermal {self.name}", self.given):
            values = np.asarray(self.given(temperature))
        if values.dtype.kind not in "fiu" or np.broadcast_shapes(values.shape, temperature.shape) != temperature.shape:
            raise ValueError(f"Thermal {self.name} must return one real number for each temperature, shape "
                             f"{temperature.shape}, got {values.dtype} of shape {values.shape}.")
        values = np.broadcast_to(values, temperature.shape).astype(float)
        good = np.isfinite(values) & (values >= 0)
        if not np.all(good):
            raise ValueError(f"Thermal {self.name} must be finite and not negative, got {values[~good][0].item()!r} at "
                             f"{temperature[~good][0].item():.6g} K.")
        return values

    def mean(self, start: np.ndarray, stop: np.ndarray, sites: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Mean between two temperatures, of `sites`: the integral over their difference."""
        if not self.varies:
            return self.at(start, sites)
        mean = np.zeros_like(start)
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            mean += weight * self.at(start + node * (stop - start))
        return mean


def _conductance(name, value):
    if callable(value):
        return value
    what = "a number, one for each site, or a function of the temperature"
    array = real_array(f"Thermal {name}", value, what)
    if array.ndim > 1:
        raise ValueError(f"Thermal {name} must be {what}, got {shortened(value)}.")
    good = np.isfinite(array) & (array >= 0)
    if not np.all(good):
        where = f" at site number {np.argmin(good)}" if array.ndim else ""
        raise ValueError(f"Thermal {name} must be finite and not negative, got {array[~good][0].item()!r}{where}.")
    return array.astype(float) if array.ndim else float(array)


def _is_sequence(ends):
    return isinstance(ends, Sequence | np.ndarray) and not isinstance(ends, str | bytes)


def _check_end(end):
    if end is CONTINUED or (isinstance(end, str) and end == INSULATED):
        return
    if not is_number(end):
        raise TypeError(f'ends must be a temperature in K, "{INSULATED}", or None for a wire that goes on, '
                        f"got {shortened(end)}.")
    check_positive("ends", end, "K")
