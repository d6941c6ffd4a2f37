"""Graphene, one orbital per site, on kwant's honeycomb lattice."""

import numpy as np

from .._kwant import kwant
from .checks import finite, positive

__all__ = ["constriction"]

_LATTICE = kwant.lattice.honeycomb(norbs=1)


def constriction(*, length: float = 20.0, width: float = 8.0, neck: float = 4.0, extent: float = 3.0,
                 onsite: float = 0.0) -> kwant.Builder:
    """A zigzag ribbon that narrows smoothly in its middle.

    Its width is width - (width - neck) exp(-x^2 / extent^2).

    Parameters
    ----------
    length, width, neck, extent : float
        Length of the ribbon, its width, that of the narrowest place, and the length of that, in lattice constants
        (distances between sites of the same kind).
    onsite : float
        Energy of the Dirac point, in units of the hopping.

    Returns
    -------
    kwant.Builder
        Lead 0 is at the left, lead 1 at the right.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    for name, value in (("length", length), ("width", width), ("neck", neck), ("extent", extent)):
        positive(name, value)
    finite("onsite", onsite)
    if neck > width:
        raise ValueError(f"neck must not be wider than width={width!r}, got {neck!r}.")
    if (width - neck) * np.exp(-(0.5 * length / extent) ** 2) > 0.25:
        raise ValueError(f"length must be longer, about {4 * extent:g} for extent={extent!r}: at its ends the ribbon "
                         f"must be as wide as the leads, got {length!r}.")

    def inside(position):
        x, y = position
        return abs(x) <= 0.5 * length and abs(y) <= 0.5 * (width - (width - neck) * np.exp(-(x / extent) ** 2))

    builder = kwant.Builder()
    builder[_LATTICE.shape(inside, (0, 0))] = onsite
    builder[_LATTICE.neighbors()] = -1
    builder.eradicate_dangling()
    lead = kwant.Builder(kwant.TranslationalSymmetry(_LATTICE.vec((-1, 0))))
    lead[_LATTICE.shape(lambda position: abs(position[1]) <= 0.5 * width, (0, 0))] = onsite
    lead[_LATTICE.neighbors()] = -1
    lead.eradicate_dangling()
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder


def __dir__():
    return __all__
