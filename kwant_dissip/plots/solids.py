"""Pictures of results in three dimensions: profiles along the longest direction, and projected maps."""

import matplotlib.pyplot as plt
import numpy as np

from .maps import patches
from .style import BLUE, ENERGIES, GREEN, LENGTHS, POWERS, PURPLE

# Coordinates closer than this part of the system's size are one cross section.
_SAME = 1e-6
# Points between a curve and its title: room for the power of ten.
_PAD = 16


def draw(state, *, axes=None):
    """Power and mu of the cross sections along the longest direction, and the power projected along the other two.

    Parameters
    ----------
    state : SteadyState
        Of a system that extends in three coordinates.
    axes : sequence of four matplotlib axes, optional
        For power, mu and both maps; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are not four axes.
    """
    if axes is None:
        _, axes = plt.subplots(2, 2, figsize=(9.6, 7.2), layout="constrained")
    axes = np.ravel(axes)
    if len(axes) != 4:
        raise ValueError(f"axes must be 4 for a system in three dimensions, got {len(axes)}.")
    extent = np.ptp(state.positions, axis=0)
    along, *across = np.argsort(-extent, kind="stable")
    length, unit = LENGTHS[state.units], POWERS[state.units]
    label = [f"${'xyz'[i]}$ ({length})" for i in range(3)]

    x, section = _groups(state.positions[:, [along]], extent)
    above, below, *maps = axes
    above.plot(x, np.bincount(section, state.power), color=BLUE, marker="o", ms=3, lw=1.5)
    above.axhline(0, color="0.6", lw=0.6, zorder=0)
    above.set_title("power, sum over the cross section", pad=_PAD)
    above.set(ylabel=f"power ({unit})", xlabel=label[along])
    below.plot(x, _means(state.local_mu, section), color=GREEN, marker="o", ms=3, lw=1.5)
    below.set_title(r"$\mu$, mean over the cross section", pad=_PAD)
    below.set(ylabel=rf"electrochemical potential $\mu$ ({ENERGIES[state.units]})", xlabel=label[along])
    if state.density_difference is not None:
        beside = below.twinx()
        beside.plot(x, _means(state.potential, section), color=PURPLE, lw=1.2, ls="--")
        beside.set_ylabel(f"electrostatic energy $U$, dashed ({ENERGIES[state.units]})")
    for axis, shown, summed in zip(maps, across, across[::-1], strict=True):
        places, column = _groups(state.positions[:, [along, shown]], extent)
        drawn = patches(axis, places, np.bincount(column, state.power), "RdBu_r")
        axis.figure.colorbar(drawn, ax=axis, label=f"power ({unit})", location="bottom")
        axis.set(title=f"power, sum along ${'xyz'[summed]}$", xlabel=label[along], ylabel=label[shown], aspect="equal")
    return axes[0].figure


def _groups(coordinates, extent):
    """The different places among the sites' coordinates, and which of them each site is at."""
    _, first, group = np.unique(np.round(coordinates / (_SAME * extent.max())), axis=0, return_index=True,
                                return_inverse=True)
    return np.squeeze(coordinates[first]), group.ravel()


def _means(values, section):
    """Mean over each cross section of what is known; nan where nothing is."""
    known = ~np.isnan(values)
    count = np.bincount(section[known], minlength=section.max() + 1)
    total = np.bincount(section[known], values[known], minlength=len(count))
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
