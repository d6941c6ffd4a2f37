"""Two one-dimensional wires around a scatterer: chains of one orbital per site, both leads attached.

Every function returns a `kwant.Builder`, to be changed as needed and finalized. Sites have the tags -length .. -1 for
the left wire, 0 .. width - 1 for the scatterer, and so on up to width + length - 1; lead 0 is the left one.
"""

from .._kwant import kwant
from .checks import finite, positive, whole

__all__ = ["barrier", "in_wires", "resonant_dot"]


def barrier(*, length: int = 100, height: float = 0.8, width: int = 1, onsite: float = 0.0,
            hopping: float = 1.0) -> kwant.Builder:
    """Two wires around a rectangular barrier.

    Parameters
    ----------
    length : int
        Sites in each wire.
    height : float
        Onsite energy of the barrier above that of the wires, in the energy unit of the model.
    width : int
        Sites in the barrier.
    onsite : float
        Onsite energy of wires and leads: the middle of their band.
    hopping : float
        Hopping t > 0 (the matrix element is -t); the band reaches from onsite - 2 t to onsite + 2 t.

    Returns
    -------
    kwant.Builder
        With both leads attached.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    finite("height", height)
    builder, lattice = _wires(length, width, onsite, hopping)
    for i in range(width):
        builder[lattice(i)] = onsite + height
    return builder


def resonant_dot(*, length: int = 100, coupling: float = 0.4, level: float = -0.84, onsite: float = 0.0,
                 hopping: float = 1.0) -> kwant.Builder:
    """Two wires around a dot of one site: a resonance, close to a Lorentzian.

    Parameters
    ----------
    length : int
        Sites in each wire.
    coupling : float
        Hopping t_c between the dot and either wire, in the energy unit of the model.
    level : float
        Onsite energy e_d of the dot, absolute.
    onsite : float
        Onsite energy e of wires and leads: the middle of their band.
    hopping : float
        Hopping t > 0 (the matrix element is -t); the band reaches from onsite - 2 t to onsite + 2 t.

    Returns
    -------
    kwant.Builder
        With both leads attached.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Seen from the dot each wire has the self-energy (t_c / t)^2 [(E - e) - i v(E)] / 2, v = sqrt(4 t^2 - (E - e)^2).
    With r = (t_c / t)^2 the transmission is exactly

        T(E) = (r v)^2 / {[E - e_d - r (E - e)]^2 + (r v)^2},

    for r << 1 a Lorentzian at E_0 = (e_d - r e) / (1 - r) of full width at half maximum 2 r v(E_0) / (1 - r): the real
    part of the self-energy moves the level by r (E_0 - e) and narrows by 1 - r how the distance to it counts.
    """
    finite("level", level)
    finite("coupling", coupling)
    builder, lattice = _wires(length, 1, onsite, hopping)
    builder[lattice(0)] = level
    builder[lattice(-1), lattice(0)] = builder[lattice(0), lattice(1)] = -coupling
    return builder


def in_wires(site: kwant.builder.Site, *, width: int = 1) -> bool:
    """Whether a site belongs to one of the wires, not to the scatterer.

    Parameters
    ----------
    site : kwant.builder.Site
        Of `barrier` or `resonant_dot`.
    width : int
        Sites in the scatterer.

    Raises
    ------
    TypeError
        If `site` is none.
    ValueError
        If `width` is out of range.
    """
    whole("width", width)
    if not isinstance(site, kwant.builder.Site):
        raise TypeError(f"site must be a kwant.builder.Site, got {site!r}.")
    return not 0 <= site.tag[0] < width


def _wires(length, width, onsite, hopping):
    whole("length", length)
    whole("width", width)
    positive("hopping", hopping)
    finite("onsite", onsite)
    lattice = kwant.lattice.chain(norbs=1)
    builder = kwant.Builder()
    builder[(lattice(i) for i in range(-length, width + length))] = onsite
    builder[lattice.neighbors()] = -hopping
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[lattice(0)] = onsite
    lead[lattice.neighbors()] = -hopping
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    return builder, lattice


def __dir__():
    return __all__
