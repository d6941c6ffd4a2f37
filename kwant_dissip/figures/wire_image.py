"""The thermal image of a single-mode wire with a resonant defect, as a scanning thermometer sees it; numbers in SI."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy.constants import electron_volt, hbar

from .._kwant import kwant
from ..model.baths import PhononBath
from ..model.reservoirs import Reservoir
from ..numerics.checks import check_positive
from ..plots.numbers import save
from ..plots.style import BLUE, VERMILION, scaled
from ..plots.temperatures import EXCESS, raster
from ..results.lattice_state import SteadyState
from ..solve import steady_state
from ..store.paths import check_writable, made_folder, replacing
from ..store.units import BOLTZMANN_EV
from ..systems import chain
from ..thermal.conductances import Thermal
from ..thermal.field import TemperatureField, temperature
from ..thermal.image import ThermalImage, thermal_image
from ..thermal.tip import Tip

# The chain of figure 2: the chemical potential 0.3 hoppings above the bottom of the band.
_FILLING = 0.3
_MU = -2 + _FILLING
_VELOCITY = np.sqrt(4 - _MU ** 2)
_WAVELENGTH = 2 * np.pi / np.arccos(-0.5 * _MU)
# Of the lattice; more take minutes.
_MOST_SITES = 200_000
# Of electrons in graphene, m/s.
_GRAPHENE = 1e6
# What is shown of both wires, in mean free paths; the last part of them feels the contacts.
_SHOWN = 4.0
# Of a raster: points along and across, and how far it reaches to both sides, in resolutions of the tip.
_ALONG, _ACROSS, _ASIDE = 301, 61, 2.5
_DIRECTIONS = {"forward": (1, BLUE, "-"), "backward": (-1, VERMILION, "--")}


def nanotube_velocity(fermi_energy: float, diameter: float = 1.7e-9) -> float:
    """Velocity of electrons in the lowest conduction band of a semiconducting carbon nanotube.

    Parameters
    ----------
    fermi_energy : float
        Above the bottom of that band, eV.
    diameter : float, optional
        M.

    Returns
    -------
    float
        M/s.

    Notes
    -----
    Graphene's cone, v_0 = 1e6 m/s, cut by the tube's circumference: with half the gap D = 2 hbar v_0 / (3 diameter),
    E = (D^2 + (hbar v_0 k)^2)^(1/2) and the mass D / v_0^2 at the band's edge. The velocity at an energy E_F above the
    edge is v_0 (1 - D^2 / (D + E_F)^2)^(1/2). The second band begins D above the first.
    """
    check_positive("fermi_energy", fermi_energy, "eV")
    check_positive("diameter", diameter, "m")
    half_gap = 2 * hbar * _GRAPHENE / (3 * diameter) / electron_volt
    return float(_GRAPHENE * np.sqrt(1 - (half_gap / (half_gap + fermi_energy)) ** 2))


def path_limits(fermi_energy: float, velocity: float, length: float = 6) -> tuple[float, float]:
    """Shortest and longest mean free path that a `Wire` can have, m."""
    spacing = _lattice_constant(fermi_energy, velocity)
    return _WAVELENGTH * spacing, 0.5 * _MOST_SITES * spacing / length


def _lattice_constant(fermi_energy, velocity):
    return hbar * velocity / (_VELOCITY * fermi_energy / _FILLING * electron_volt)


@dataclass(frozen=True)
class Wire:
    """A single-mode wire with a defect that is resonant at the Fermi energy, and electrons whose rate is constant.

    Parameters
    ----------
    temperature : float
        Of reservoirs and phonons, K.
    fermi_energy : float
        Chemical potential above the bottom of the band, eV.
    resonance_width : float
        Full width of the defect's resonance, eV; at most 0.9 of the Fermi energy.
    mean_free_path : float
        Of the electrons at the Fermi energy, m; at least their wavelength.
    velocity : float
        Of the electrons at the Fermi energy, m/s.
    degeneracy : int, optional
        Alike modes, see `SteadyState.to_si`: 2 for the spin, 4 for spin and valley.
    length : int, optional
        Of the wire on either side, in mean free paths; the last two feel the contacts.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    temperature: float
    fermi_energy: float
    resonance_width: float
    mean_free_path: float
    velocity: float
    degeneracy: int = 1
    length: int = 6

    def __post_init__(self):
        for name, unit in (("temperature", "K"), ("fermi_energy", "eV"), ("resonance_width", "eV"),
                           ("mean_free_path", "m"), ("velocity", "m/s"), ("degeneracy", "number of alike modes"),
                           ("length", "mean free paths")):
            check_positive(name, getattr(self, name), unit)
        if self.resonance_width > 0.9 * self.fermi_energy:
            raise ValueError("resonance_width must be at most 0.9 of the Fermi energy, where the band is, got "
                             f"{self.resonance_width!r} with fermi_energy={self.fermi_energy!r}.")
        least, most = path_limits(self.fermi_energy, self.velocity, self.length)
        if not least <= self.mean_free_path <= most:
            raise ValueError(f"mean_free_path must be from {least:.3g} m, the electrons' wavelength, to {most:.3g} m, "
                             f"of {_MOST_SITES} sites, got {self.mean_free_path!r}.")

    @property
    def energy_unit(self) -> float:
        """Hopping of the chain, eV."""
        return self.fermi_energy / _FILLING

    @property
    def lattice_constant(self) -> float:
        """Of the chain, m: as it gives the velocity."""
        return _lattice_constant(self.fermi_energy, self.velocity)

    @property
    def _sites(self):
        return round(self.length * self.mean_free_path / self.lattice_constant)

    @cached_property
    def syst(self) -> kwant.system.FiniteSystem:
        """The finalized system."""
        coupling = np.sqrt(self.resonance_width / self.energy_unit / (2 * _VELOCITY))
        return chain.resonant_dot(length=self._sites, coupling=coupling, level=_MU * (1 - coupling ** 2)).finalized()

    def state(self, bias: float) -> SteadyState:
        """`SteadyState` in SI at a bias in V, mu of the left lead less that of the right one."""
        kbt = BOLTZMANN_EV * self.temperature / self.energy_unit
        reservoirs = [Reservoir(_MU + sign * 0.5 * bias / self.energy_unit, kbt) for sign in (1, -1)]
        rate = _VELOCITY * self.lattice_constant / self.mean_free_path
        bath = PhononBath(kbt, rate=lambda site: rate if chain.in_wires(site) else 0.0)
        return steady_state(self.syst, reservoirs, bath).to_si(self.energy_unit, self.lattice_constant,
                                                               self.degeneracy)


def draw(wire: Wire, states: dict[str, SteadyState], fields: dict[str, TemperatureField],
         lines: dict[str, ThermalImage], rasters: dict[str, ThermalImage]) -> Figure:
    """Power, temperature and scan lines along the wire, and both rasters.

    Parameters
    ----------
    wire : Wire
    states, fields, lines, rasters : dict
        `SteadyState`, `TemperatureField` and two `ThermalImage` for "forward" and "backward".

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(4, 1, figsize=(7.0, 8.0), sharex=True, layout="constrained",
                                height_ratios=[1.5, 1.5, 0.6, 0.6])
    watts, watt = scaled(_means(states["forward"], wire)[1], "W/m")
    factor, kelvin = scaled(fields["forward"].excess, "K")
    seen = np.concatenate([image.values.ravel() for image in rasters.values()])
    for axis, (name, (_, color, style)) in zip(axes[2:], _DIRECTIONS.items(), strict=True):
        x, power = _means(states[name], wire)
        axes[0].plot(x, watts * power, color=color, ls=style, lw=1.8, label=f"current {name}")
        field = fields[name]
        shown = np.abs(field.positions[:, 0]) < _SHOWN * wire.mean_free_path
        axes[1].plot(1e9 * field.positions[shown, 0], factor * field.excess[shown], color=color, ls=style, lw=1.8,
                     label=f"phonons, {name}", zorder=3)
        place, values = lines[name].line
        axes[1].plot(place, factor * values, ".", color=color, ms=3, alpha=0.5, label=f"tip, {name}")
        drawn, label = raster(rasters[name], axis, (seen.min(), seen.max()))
        axis.set_title(f"current {name}, across stretched", fontsize="medium")
        axis.set_aspect("auto")  # a wire is long: at one scale its image would be a line
    for axis, quantity in ((axes[0], f"power $p(x)$ ({watt})"), (axes[1], f"{EXCESS} ({kelvin})")):
        axis.axhline(0, color="0.6", lw=0.7, zorder=0)
        axis.axvline(0, color="0.6", lw=0.7, zorder=0)
        axis.set_ylabel(quantity)
        axis.margins(y=0.4)
        axis.legend(frameon=False, fontsize="small", loc="upper center", ncols=2)
    for axis in axes[:-1]:
        axis.set_xlabel("")
    figure.colorbar(drawn, ax=axes[2:], label=label, location="bottom", aspect=40, shrink=0.8)
    return figure


def _means(state, wire):
    """Positions in nm and power per length in both wires, averaged over the Fermi wavelength, cut at what is shown."""
    curves = [state.profile(number)[:2] for number in range(state.wires)]
    x, power = (np.concatenate([curve[0], [np.nan], curve[1]]) for curve in zip(*curves, strict=True))
    shown = np.abs(x) > _SHOWN * wire.mean_free_path
    return 1e9 * x, np.where(shown, np.nan, power / wire.lattice_constant)


def make(directory: str | PathLike, wire: Wire, bias: float, thermal: Thermal, tip: Tip, *, name: str,
         seed: int | None = None) -> tuple[list[Path], dict[str, dict[str, Any]]]:
    """Solve, draw and save: ``name.png``, ``.pdf``, and all results in ``name.h5``.

    Parameters
    ----------
    directory : path-like
        Made if it does not exist.
    wire : Wire
    bias : float
        V; both directions are computed.
    thermal : Thermal
    tip : Tip
    name : str
        Of the files.
    seed : int, optional
        Of the noise.

    Returns
    -------
    files : list of pathlib.Path
        The files written.
    results : dict
        State, field, scan line and raster for each direction.
    """
    check_positive("bias", bias, "V")
    directory = made_folder(directory)
    data, *pictures = (directory / f"{name}.{ending}" for ending in ("h5", "png", "pdf"))
    for path in (data, *pictures):
        check_writable(path)
    shown, aside = _SHOWN * wire.mean_free_path, _ASIDE * tip.resolution
    along, across = np.linspace(-shown, shown, _ALONG), np.linspace(-aside, aside, _ACROSS)
    states = {direction: wire.state(sign * bias) for direction, (sign, *_) in _DIRECTIONS.items()}
    fields = {direction: temperature(state, thermal) for direction, state in states.items()}
    # Noise of its own in each image.
    seeds = iter([None] * 4 if seed is None else np.random.SeedSequence(seed).generate_state(4).tolist())
    lines, rasters = ({direction: thermal_image(field, tip, x=along, y=y, seed=next(seeds))
                       for direction, field in fields.items()} for y in (0.0, across))
    results: dict[str, dict[str, Any]] = {"state": states, "field": fields, "line": lines, "raster": rasters}
    with replacing(data) as beside:
        for kind, both in results.items():
            for direction, result in both.items():
                result.save(beside, group=f"{direction}/{kind}")
    figure = draw(wire, states, fields, lines, rasters)
    for picture in pictures:
        save(figure, picture, dpi=200)
    plt.close(figure)
    return [*pictures, data], results
