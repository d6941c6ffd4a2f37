"""The figure that the package grew from: dissipation around a resonant dot, at several temperatures."""

from functools import partial
from os import PathLike
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .. import kinetic
from ..analysis.spots import heat_spots
from ..model.baths import PhononBath
from ..model.reservoirs import Reservoir
from ..plots.numbers import save
from ..plots.style import SPOT_MARKERS
from ..results.kinetic_state import KineticState
from ..results.lattice_state import SteadyState
from ..runs.bias import at_voltage_drop
from ..solve import steady_state
from ..store.paths import check_writable, made_folder, replacing
from ..systems import chain

# A chain with hopping 1 and its band's bottom E_F below the chemical potential; energies in units of the hopping.
FERMI_ENERGY = 0.3
MU = -2 + FERMI_ENERGY
VELOCITY = np.sqrt(4 - MU ** 2)
MEAN_FREE_PATH = 100  # sites, at mu; the rate does not depend on energy
WIRE_LENGTH = 6 * MEAN_FREE_PATH
RESONANCE_WIDTH = 0.5 * FERMI_ENERGY
COUPLING = np.sqrt(RESONANCE_WIDTH / (2 * VELOCITY))
DROP = 5e-4  # electrochemical drop in the dot, at every temperature
TEMPERATURES = (0.05, 0.1, 0.2, 0.4)  # in units of the Fermi energy
# The last of the wire before a lead feels the contact to the reservoir, which is no part of the question.
_SHOWN = 4.0
# Of Okabe and Ito's colours, told apart by colour-blind readers; cold to hot, dark to light.
_COLORS = ("#000000", "#0072B2", "#009E73", "#E69F00")


def velocity(energy: np.ndarray) -> np.ndarray:
    """Velocity in the chain, 0 outside the band; array of energies in units of the hopping."""
    return np.sqrt(np.clip(4 - energy ** 2, 0.0, None))


def transmission(energy: np.ndarray) -> np.ndarray:
    """Transmission of the dot: the closed form of `systems.chain.resonant_dot`."""
    ratio, level = COUPLING ** 2, MU * (1 - COUPLING ** 2)
    width = ratio * velocity(energy)
    return np.divide(width ** 2, (energy - level - ratio * energy) ** 2 + width ** 2, where=width > 0,
                     out=np.zeros_like(energy))


def lattice_state(temperature: float, bias: float) -> SteadyState:
    """Steady state at one temperature and bias.

    Parameters
    ----------
    temperature : float
        Of reservoirs and phonons, in units of the Fermi energy.
    bias : float
        In units of the hopping.

    Returns
    -------
    SteadyState
    """
    syst = chain.resonant_dot(length=WIRE_LENGTH, coupling=COUPLING, level=MU * (1 - COUPLING ** 2)).finalized()
    kbt = temperature * FERMI_ENERGY
    bath = PhononBath(kbt, rate=lambda site: VELOCITY / MEAN_FREE_PATH if chain.in_wires(site) else 0.0)
    return steady_state(syst, _reservoirs(kbt, bias), bath)


def kinetic_state(temperature: float, bias: float) -> KineticState:
    """The same wires and dot in kinetic theory, with the transmission of the dot itself: `KineticState`."""
    kbt = temperature * FERMI_ENERGY
    return kinetic.steady_state(transmission, _reservoirs(kbt, bias), PhononBath(kbt, rate=VELOCITY / MEAN_FREE_PATH),
                                velocity=velocity, length=WIRE_LENGTH)


def _reservoirs(kbt, bias):
    return [Reservoir(MU + 0.5 * bias, kbt), Reservoir(MU - 0.5 * bias, kbt)]


def draw(states: dict[float, SteadyState], kinetic_states: dict[float, KineticState]) -> Figure:
    """Profiles of the dissipation, one panel per wire.

    Parameters
    ----------
    states, kinetic_states : dict
        `SteadyState` and `KineticState` for each temperature in units of the Fermi energy.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(1, 2, sharey=True, figsize=(9.6, 4.6), layout="constrained")
    highest = 0.0
    for color, (temperature, state) in zip(_COLORS, states.items(), strict=True):
        scale = 1e3 / (state.current[0] * temperature * FERMI_ENERGY)
        spots = [spot for spot in heat_spots(state) if not spot.is_end]
        continuum = kinetic_states[temperature]
        for wire, axis in enumerate(axes):
            chosen = state.wire == wire
            axis.plot(state.coordinate[chosen] / MEAN_FREE_PATH, scale * state.power[chosen], color=color, alpha=0.3,
                      lw=0.7)
            x, power, _ = state.profile(wire)
            axis.plot(x / MEAN_FREE_PATH, scale * power, color=color, lw=2.2,
                      label=f"{temperature:g} ({state.thermal_resolution:.1f})")
            kinetic_x, kinetic_power = continuum.interpolate(continuum.power, wire)
            axis.plot(kinetic_x / MEAN_FREE_PATH, 1e3 / (continuum.current[0] * temperature * FERMI_ENERGY)
                      * kinetic_power, color=color, lw=0.9, ls="--")
            shown = np.abs(x) < _SHOWN * MEAN_FREE_PATH
            highest = max(highest, np.abs(scale * power[shown]).max())
            for spot in spots:
                place = np.ravel(spot.position)[0] / MEAN_FREE_PATH
                if spot.wire == wire and abs(place) < _SHOWN:
                    marker, face, _ = SPOT_MARKERS[spot.kind]
                    axis.plot(place, scale * spot.power, marker, color=face, ms=9,
                              mec="black", mew=0.8, zorder=5)
    for axis, title, ends in zip(axes, ("left wire", "right wire"), ((-_SHOWN, 0), (0, _SHOWN)), strict=True):
        axis.axhline(0, color="0.6", lw=0.7, zorder=0)
        axis.set(title=title, xlim=ends, ylim=(-1.4 * highest, 1.4 * highest),
                 xlabel=r"position $x / \ell$, dot at 0", xticks=np.arange(ends[0], ends[1] + 1))
    axes[0].set_ylabel(r"power per site  $p \,/\, (I\, k_B T)$   ($10^{-3}$)")
    axes[0].legend(title=r"$k_B T / E_F$  ($k_B T / \gamma$)", frameon=False, loc="upper left", ncols=2)
    handles = [axes[1].plot([], [], marker, color=color, mec="black", mew=0.8, ms=9, ls="none", label=label)[0]
               for marker, color, label in SPOT_MARKERS.values()]
    handles += [axes[1].plot([], [], color="0.3", lw=width, ls=style, alpha=alpha, label=label)[0]
                for width, style, alpha, label in ((0.7, "-", 0.5, "lattice, each site"),
                                                   (2.2, "-", 1.0, "lattice, averaged"),
                                                   (0.9, "--", 1.0, "kinetic theory"))]
    axes[1].legend(handles=handles, frameon=False, loc="lower right")
    return figure


def make(directory: str | PathLike, drop: float = DROP) -> list[Path]:
    """Solve, draw and save: ``figure2.png``, ``figure2.pdf`` and the states in ``figure2.h5``.

    Parameters
    ----------
    directory : path-like
        Made if it does not exist.
    drop : float, optional
        Electrochemical drop in the dot, the same at every temperature, in units of the hopping.

    Returns
    -------
    list of pathlib.Path
        The files written.
    """
    directory = made_folder(directory)
    data, *pictures = (directory / f"figure2.{ending}" for ending in ("h5", "png", "pdf"))
    for path in (data, *pictures):
        check_writable(path)
    states = {temperature: at_voltage_drop(drop, partial(lattice_state, temperature)) for temperature in TEMPERATURES}
    kinetic_states = {temperature: at_voltage_drop(drop, partial(kinetic_state, temperature))
                      for temperature in TEMPERATURES}
    with replacing(data) as beside:
        for temperature, state in states.items():
            state.save(beside, group=f"temperature_{temperature:g}")
            kinetic_states[temperature].save(beside, group=f"kinetic_{temperature:g}")
    figure = draw(states, kinetic_states)
    for picture in pictures:
        save(figure, picture, dpi=200)
    plt.close(figure)
    return [*pictures, data]
