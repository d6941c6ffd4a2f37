"""Starting points: what has been measured, with its source and temperature.

Samples differ by factors of two and more: replace these numbers by those of yours.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..numerics.checks import check_positive
from .conductances import CONTINUED, Thermal

# Substrate temperatures for which numbers at "room temperature" are meant, K.
ROOM = (290.0, 310.0)
# Of a single-wall nanotube 2.6 um long and 1.7 nm wide: 2.4 nW/K times the length (3500 W/(m K) times pi d 0.34 nm).
# 300 to 800 K; here the value at 300 K. E. Pop, D. Mann, Q. Wang, K. Goodson, H. Dai, Nano Lett. 6, 96 (2006).
NANOTUBE_CONDUCTIVITY = 2.4e-9 * 2.6e-6
# W/(K m), +- 0.03, from the breakdown of metallic single-wall nanotubes in air, on SiO2 that starts at room
# temperature. E. Pop, D. A. Mann, K. E. Goodson, H. Dai, J. Appl. Phys. 101, 093710 (2007).
NANOTUBE_COUPLING = 0.17
# W/K: 300 to 400 W/(m K), depending on the grains, times 0.335 nm, of polycrystalline graphene on SiO2 near room
# temperature. D. Estrada et al., npj 2D Mater. Appl. 3, 10 (2019), doi:10.1038/s41699-019-0092-8.
GRAPHENE_CONDUCTIVITY = 350 * 0.335e-9
# W/(K m^2) at room temperature, mean of many samples. K. F. Mak, C. H. Lui, T. F. Heinz, Appl. Phys. Lett. 97, 221904
# (2010).
GRAPHENE_COUPLING = 5e7


def nanotube_on_silica(substrate_temperature: float = 300.0, *, ends: Any = CONTINUED) -> Thermal:
    """A single-wall carbon nanotube on SiO2 at room temperature; the healing length is 0.19 um.

    Parameters
    ----------
    substrate_temperature : float
        290 to 310 K.
    ends
        See `Thermal`.

    Returns
    -------
    Thermal
        6.2e-15 W m/K and 0.17 W/(K m).

    Raises
    ------
    ValueError
        At other temperatures, of which the sources say nothing.

    References
    ----------
    Conductivity, of a suspended tube, 300 to 800 K (here: 300 K): E. Pop, D. Mann, Q. Wang, K. Goodson, H. Dai, Nano
    Lett. 6, 96 (2006). Coupling, from the substrate's room temperature up to breakdown in air: E. Pop, D. A. Mann,
    K. E. Goodson, H. Dai, J. Appl. Phys. 101, 093710 (2007). The coupling grows with the diameter; its upper limit at
    room temperature is about 0.4 W/(K m) for 3 to 4 nm: A. Liao et al., arXiv:1005.4350.
    """
    _check_room(substrate_temperature)
    return Thermal(conductivity=NANOTUBE_CONDUCTIVITY, coupling=NANOTUBE_COUPLING,
                   substrate_temperature=substrate_temperature, ends=ends)


def graphene_on_silica(substrate_temperature: float = 300.0, *, ends: Any = CONTINUED) -> Thermal:
    """Polycrystalline graphene on SiO2 at room temperature; the healing length is 48 nm.

    Parameters
    ----------
    substrate_temperature : float
        290 to 310 K.
    ends
        See `Thermal`.

    Returns
    -------
    Thermal
        1.2e-7 W/K and 5e7 W/(K m^2).

    Raises
    ------
    ValueError
        At other temperatures, of which the sources say nothing.

    References
    ----------
    Conductivity near room temperature (300 to 400 W/(m K), times 0.335 nm): D. Estrada et al., npj 2D Mater. Appl. 3,
    10 (2019). Coupling at room temperature: K. F. Mak, C. H. Lui, T. F. Heinz, Appl. Phys. Lett. 97, 221904 (2010).
    """
    _check_room(substrate_temperature)
    return Thermal(conductivity=GRAPHENE_CONDUCTIVITY, coupling=GRAPHENE_COUPLING,
                   substrate_temperature=substrate_temperature, ends=ends)


def kapitza(coupling: float, temperature: float) -> Callable[[np.ndarray], np.ndarray]:
    """Kapitza's law of a boundary between solids at low temperature: a coupling that grows as T^3.

    Parameters
    ----------
    coupling : float
        Its value at `temperature`, per length or per area as in `Thermal`: yours, none is known here.
    temperature : float
        In K.

    Returns
    -------
    callable
        For ``Thermal(coupling=...)``: the heat flow is coupling (T^4 - T_substrate^4) / (4 temperature^3).

    Raises
    ------
    ValueError
        If a number is not positive.

    References
    ----------
    E. T. Swartz, R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989): both limits, of acoustic and of diffuse mismatch; far
    below the Debye temperatures, measured from 0.1 K on. For graphene of a few layers theory has T^4: Z.-Y. Ong,
    arXiv:1704.00435; any such law is a function of the temperature that `Thermal` takes.
    """
    check_positive("temperature", temperature, "K")
    check_positive("coupling", coupling, "W/(K m) or W/(K m^2)")

    def law(kelvin):
        return coupling * (kelvin / temperature) ** 3

    return law


def _check_room(temperature):
    check_positive("substrate_temperature", temperature, "K")
    if not ROOM[0] <= temperature <= ROOM[1]:
        raise ValueError(f"substrate_temperature must lie between {ROOM[0]:g} and {ROOM[1]:g} K, where these numbers "
                         f"were measured, got {temperature!r}: give Thermal numbers of your own.")
