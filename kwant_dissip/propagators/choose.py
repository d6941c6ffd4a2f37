"""Which propagator serves a system."""

from typing import cast

import numpy as np

from ..model.broadening import SelfEnergy
from ..model.lattice import Lattice
from .chain import ChainPropagator
from .elastic import ElasticPropagator
from .kwant_solver import KwantPropagator
from .lattice import LatticePropagator
from .slices import SlicePropagator


def check_method(method: str | None) -> None:
    """Raise ValueError unless a route has this name."""
    if method not in (None, "slices", "kwant"):
        raise ValueError(f'method must be None, "slices" or "kwant", got {method!r}.')


def propagator_for(lattice: Lattice, self_energy: SelfEnergy, band_shifts: np.ndarray,
                   method: str | None) -> LatticePropagator:
    """Propagator of a lattice: `ChainPropagator` for a chain of single orbitals, else `SlicePropagator`.

    Both the chain and kwant's propagator know elastic scattering themselves; slices are wrapped for it.

    Parameters
    ----------
    lattice : Lattice
    self_energy : SelfEnergy
    band_shifts : array of float, shape (leads,)
    method : {None, "slices", "kwant"}
        "kwant": `KwantPropagator`.
    """
    if method == "kwant":
        return KwantPropagator(lattice, self_energy, band_shifts)
    if lattice.chain_order() is not None:
        return ChainPropagator(lattice, self_energy, band_shifts)
    if self_energy.is_elastic:
        return cast(LatticePropagator, ElasticPropagator(
            self_energy, lambda alike: SlicePropagator(lattice, alike, band_shifts)))
    return SlicePropagator(lattice, self_energy, band_shifts)
