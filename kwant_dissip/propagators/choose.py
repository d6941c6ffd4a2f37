"""Which propagator serves a system."""

import numpy as np

from ..model.broadening import broadening
from ..model.lattice import read
from .chain import ChainPropagator
from .kwant_solver import KwantPropagator
from .slices import SlicePropagator


def propagator_for(syst, bath, band_shifts, params, method, bath_needed=True):
    """Read a system and choose the route.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
    bath : PhononBath
    band_shifts : callable
        Maps the `lattice.Lattice` to the energies by which the bands of its leads are shifted (and checks what else
        must fit the leads).
    params : dict or None
    method : {None, "slices", "kwant"}
    bath_needed : bool, optional
        Whether the bath must reach a site.

    Returns
    -------
    lattice : Lattice
    gamma : Broadening
    propagator : Propagator
        In the order of sites ``propagator.order``.

    Raises
    ------
    ValueError
        If the method is unknown or does not apply, or a piece that the bath reaches is connected to no lead.
    """
    if method not in (None, "slices", "kwant"):
        raise ValueError(f'method must be None, "slices" or "kwant", got {method!r}.')
    lattice = read(syst, params)
    shifts = np.asarray(band_shifts(lattice), float)
    gamma = broadening(bath, lattice, bath_needed)
    floating = lattice.floating(gamma.coupled)
    if len(floating):
        raise ValueError(f"{len(floating)} sites that the bath reaches, the first {lattice.sites[floating[0]]}, are "
                         "connected to no lead: their chemical potential is not determined.")
    if method == "kwant":
        return lattice, gamma, KwantPropagator(lattice, gamma, shifts)
    order = lattice.chain_order()
    if order is not None:
        return lattice, gamma, ChainPropagator(lattice, order, gamma, shifts)
    return lattice, gamma, SlicePropagator(lattice, gamma, shifts)
