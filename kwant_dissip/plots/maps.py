"""Pictures of results on planar systems: maps over the sites, and arrows for the current."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import EllipseCollection
from scipy.spatial import KDTree

from .style import ENERGIES, LENGTHS, POWERS, TEMPERATURES

# Arrows along the longer side of a map.
_ARROWS = 24


def draw(state, *, axes=None, arrows=False):
    """Power, electrochemical potential, temperature of the electrons and electrostatic energy over a planar system.

    What there is of them; the density where no bath fixes a chemical potential.

    Parameters
    ----------
    state : SteadyState
        Of sites in a plane along two coordinates.
    axes : sequence of matplotlib axes, optional
        As many as there are maps; by default a new figure.
    arrows : bool
        Draw the current on the first map.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the number of axes does not fit.
    """
    plane = np.flatnonzero(np.ptp(state.positions, axis=0))
    positions = state.positions[:, plane]
    energy = ENERGIES[state.units]
    panels = []
    if not np.all(np.isnan(state.mu)):
        panels.append((state.power, f"power per site\n({POWERS[state.units]})", "RdBu_r"))
    if not np.all(np.isnan(state.local_mu)):
        panels.append((state.local_mu, f"electrochemical\npotential $\\mu$ ({energy})", "cividis"))
    if not np.all(np.isnan(state.electron_temperature)):
        panels.append((state.electron_temperature, f"electrons'\n{TEMPERATURES[state.units]}", "cividis"))
    if not panels:
        panels.append((state.density, "electrons per site", "cividis"))
    if state.density_difference is not None:
        panels.append((state.potential, f"electrostatic\nenergy $U$ ({energy})", "cividis"))
    if axes is None:
        # As many rows or columns as suits the shape of the system.
        wide, high = np.ptp(positions, axis=0) + _spacing(positions)
        rows = len(panels) if wide > high else 1
        size = (7.0, np.clip(6.2 * high / wide + 0.9, 2.0, 6) * rows) if wide > high else (4.4 * len(panels), 5.2)
        _, axes = plt.subplots(rows, len(panels) // rows, figsize=size, layout="constrained", squeeze=False)
    axes = np.ravel(axes)
    if len(axes) != len(panels):
        raise ValueError(f"axes must be {len(panels)} for this state, got {len(axes)}.")
    for axis, (values, label, colors) in zip(axes, panels, strict=True):
        drawn = patches(axis, positions, values, colors)
        axis.figure.colorbar(drawn, ax=axis, label=label, pad=0.02)
        axis.set(aspect="equal", **{f"{'xy'[i]}label": f"${'xyz'[coordinate]}$ ({LENGTHS[state.units]})"
                                    for i, coordinate in enumerate(plane)})
    if arrows:
        _arrows(axes[0], state, positions)
    return axes[0].figure


def patches(axis, positions, values, colors):
    """Draw a disc at every site, grey where the value is nan.

    Parameters
    ----------
    axis : matplotlib axis
    positions : array of float, shape (sites, 2)
    values : array of float, shape (sites,)
    colors : str
        Name of a colour map; "RdBu_r" is centred at 0.

    Returns
    -------
    matplotlib.collections.EllipseCollection
        For a colour bar.
    """
    diameter = 1.3 * _spacing(positions)
    known = ~np.isnan(values)
    for chosen, style in ((~known, {"facecolors": "0.85"}), (known, {"array": values[known], "cmap": colors})):
        width = np.full(np.count_nonzero(chosen), diameter)
        drawn = EllipseCollection(width, width, np.zeros_like(width), units="xy", offsets=positions[chosen],
                                  transOffset=axis.transData, **style)
        axis.add_collection(drawn)
    if colors == "RdBu_r":
        largest = np.nanmax(np.abs(values)) or 1.0
        drawn.set_clim(-largest, largest)
    low, high = positions.min(axis=0) - diameter, positions.max(axis=0) + diameter
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return drawn


def _spacing(positions):
    """Distance between neighbouring sites."""
    distance, _ = KDTree(positions).query(positions, k=min(2, len(positions)))
    return np.median(distance.reshape(len(positions), -1)[:, -1])


def _arrows(axis, state, positions):
    """Current of the sites, averaged over squares."""
    first, second = state.bonds.T
    flow = 0.5 * state.bond_current[:, None] * (positions[second] - positions[first])
    vectors = np.zeros_like(positions)
    np.add.at(vectors, first, flow)
    np.add.at(vectors, second, flow)
    size = np.ptp(positions, axis=0).max() / _ARROWS
    _, square = np.unique(np.round((positions - positions.min(axis=0)) / size), axis=0, return_inverse=True)
    count = np.bincount(square)
    middle, mean = (np.stack([np.bincount(square, part) / count for part in array.T])
                    for array in (positions, vectors))
    axis.quiver(*middle, *mean, color="black", pivot="mid", width=0.003)
