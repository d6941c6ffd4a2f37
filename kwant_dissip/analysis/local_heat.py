"""What makes the heat: local Joule heat, and what electrons bring from elsewhere."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import trapezoid

from ..notebook import ends, html
from .smoothing import check_window
from .states import State, check_state


@dataclass(frozen=True, eq=False)
class LocalHeat:
    """The power along one wire, split.

    Attributes
    ----------
    x : array of float
        Positions.
    power : array of float
        Power per length (per site on a lattice of spacing 1), smoothed over the Fermi wavelength on a lattice.
    joule : array of float
        Local Joule heat, current times -dmu/dx.
    nonlocal_power : array of float
        power - joule: energy that electrons carry here from elsewhere, or away.
    resistivity : array of float
        -dmu/dx over the current: 2 pi times it is in h/e^2 per length.
    electrostatic_resistivity : array of float
        -dU/dx over the current: the force on the electrons in place of the gradient of their electrochemical potential.
        Both are the same where the wire is neutral and relaxed.
    """

    x: np.ndarray
    power: np.ndarray
    joule: np.ndarray
    nonlocal_power: np.ndarray
    resistivity: np.ndarray
    electrostatic_resistivity: np.ndarray

    def _rows(self):
        over = {name: trapezoid(values, self.x) for name, values in
                (("power", self.power), ("Joule", self.joule), ("from elsewhere", self.nonlocal_power))}
        return {"x": ends(self.x), **{name: f"{value:.4g}" for name, value in over.items()},
                "resistivity": ends(self.resistivity)}

    def _repr_html_(self) -> str:
        return html(f"LocalHeat: {len(self.x)} positions", self._rows())

    def __repr__(self):
        return f"<LocalHeat: {', '.join(f'{name} {text}' for name, text in self._rows().items())}>"


def local_heat(state: State, *, window: float | None = None) -> list[LocalHeat]:
    """Split the power in each wire into local Joule heat and the rest, and give the local resistivity.

    Parameters
    ----------
    state : SteadyState or KineticState
        Of two wires along one coordinate.
    window : float, optional
        Length to average over on a lattice; by default the largest Fermi wavelength of the leads.

    Returns
    -------
    list of LocalHeat
        One per wire.

    Raises
    ------
    TypeError
        If `state` is no state.
    ValueError
        If phonons are microscopic, no current flows, `window` is not positive, the state has not two leads, or
        its wires are no straight chains.

    Notes
    -----
    Far from scatterer and contacts the rest vanishes and mu is a straight line. Near the scatterer the resistivity
    differs from the wire's own where the electrons that pass it are faster or slower than the thermal mean: they relax
    over a different length.
    """
    check_state("Local heat is that of", state)
    if not state.has_bath_mu:
        raise ValueError("local_heat needs the mu of a PhononBath: with microscopic phonons it is that of a weak "
                         "probe, whose slope is not the force behind the current.")
    check_window(window)
    if len(state.current) != 2:
        raise ValueError(f"local_heat is for two leads; the state has {len(state.current)}.")
    if state.flow == 0:
        raise ValueError("No current flows: there is no local resistivity.")
    return [_split(state, wire, window) for wire in range(state.wires)]


def _split(state, wire, window):
    curves = state.along(wire, window)
    if len(curves.x) < 3:
        raise ValueError(f"Wire {wire} is too short to average over "
                         f"{state.smoothing_window if window is None else window:.3g}.")
    power, joule = curves.power / curves.spacing, -state.flow * curves.mu_slope
    return LocalHeat(curves.x, power, joule, power - joule, -curves.mu_slope / state.flow,
                     -curves.potential_slope / state.flow)
