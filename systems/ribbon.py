"""Ribbons of the square lattice, one orbital per site: plain, with a point contact, and as a Hall bar.

Every function returns a `kwant.Builder` with its leads attached, to be changed as needed and finalized. The leads carry
no magnetic field. Energies are in units of the hopping; a wide ribbon's band begins at -4.
"""

from collections.abc import Callable

import numpy as np

from .._kwant import kwant
from .checks import finite, positive, whole

__all__ = ["hall_bar", "point_contact", "ribbon"]

_LATTICE = kwant.lattice.square(norbs=1)
_ALONG, _ACROSS = kwant.builder.HoppingKind((1, 0), _LATTICE), kwant.builder.HoppingKind((0, 1), _LATTICE)


def ribbon(*, length: int = 20, width: int = 5, potential: Callable[[float, float], float] | None = None,
           flux: float = 0.0) -> kwant.Builder:
    """A ribbon between two leads.

    Parameters
    ----------
    length, width : int
        Sites along x and across, y; x = 0 .. length - 1, y = 0 .. width - 1.
    potential : function of x and y, optional
        Onsite energy, in units of the hopping.
    flux : float
        Magnetic flux through each square of the ribbon, in units of h/e.

    Returns
    -------
    kwant.Builder
        Lead 0 is at the left, lead 1 at the right.

    Raises
    ------
    TypeError
        If `potential` is no function.
    ValueError
        If another argument is out of range.
    """
    whole("length", length)
    whole("width", width)
    finite("flux", flux)
    if potential is not None and not callable(potential):
        raise TypeError(f"potential must be a function of x and y, or None, got {potential!r}.")

    def onsite(site):
        return 0.0 if potential is None else potential(*site.tag)

    builder = kwant.Builder()
    builder[(_LATTICE(x, y) for x in range(length) for y in range(width))] = onsite
    builder[_ACROSS] = -1
    builder[_ALONG] = lambda to, _: -np.exp(2j * np.pi * flux * to.tag[1])
    for direction in (-1, 1):
        builder.attach_lead(_lead((direction, 0), [(0, y) for y in range(width)]))
    return builder


def point_contact(*, length: int = 60, width: int = 12, barrier: float = 0.3, spacing: float = 0.3,
                  extent: float = 6.0) -> kwant.Builder:
    """A ribbon with a saddle in its middle: a point contact with evenly spaced modes.

    The potential is [barrier + spacing^2 y^2 / 4] exp(-x^2 / extent^2), x and y from the middle: in the narrowest place
    a harmonic oscillator, whose modes open near -4 + barrier + spacing (n + 1/2), n = 0, 1, ...

    Parameters
    ----------
    length, width : int
        Sites along x and across.
    barrier, spacing : float
        Height of the saddle and distance between its modes, in units of the hopping; spacing > 0.
    extent : float
        Length of the contact, in sites, positive.

    Returns
    -------
    kwant.Builder
        Lead 0 is at the left, lead 1 at the right.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    positive("spacing", spacing)
    positive("extent", extent)
    finite("barrier", barrier)

    def saddle(x, y):
        x, y = x - 0.5 * (length - 1), y - 0.5 * (width - 1)
        return (barrier + 0.25 * spacing ** 2 * y ** 2) * np.exp(-(x / extent) ** 2)

    return ribbon(length=length, width=width, potential=saddle)


def hall_bar(*, length: int = 40, width: int = 16, contact: int = 5, flux: float = 0.02) -> kwant.Builder:
    """A bar in a magnetic field, with current leads at its ends and four voltage leads at its sides.

    Parameters
    ----------
    length, width : int
        Sites along x and across, y.
    contact : int
        Width of each voltage lead, in sites; at most a quarter of the length.
    flux : float
        Magnetic flux through each square of the bar, in units of h/e; there is none in the leads.

    Returns
    -------
    kwant.Builder
        Leads 0 and 1 at the left and right end; 2 and 3 at the top, left and right; 4 and 5 at the bottom.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    builder = ribbon(length=length, width=width, flux=flux)
    whole("contact", contact)
    if contact > length // 4:
        raise ValueError(f"contact must be at most a quarter of the length, {length}, got {contact!r}.")
    starts = (length // 4 - contact // 2, length - length // 4 - contact + contact // 2)
    for direction in (1, -1):
        for start in starts:
            builder.attach_lead(_lead((0, direction), [(x, 0) for x in range(start, start + contact)]))
    return builder


def _lead(direction, tags):
    lead = kwant.Builder(kwant.TranslationalSymmetry(direction))
    lead[(_LATTICE(*tag) for tag in tags)] = 0
    lead[_LATTICE.neighbors()] = -1
    return lead


def __dir__():
    return __all__
