"""Which propagator serves a system."""

from typing import cast

import numpy as np

from ..model.broadening import SelfEnergy
from ..model.dissecting import dissect
from ..model.lattice import Lattice
from ..model.slicing import slice_widths
from .chain import ChainPropagator
from .dissection import DissectionPropagator, FrontGeometry
from .elastic import ElasticPropagator
from .kwant_solver import KwantPropagator
from .lattice import LatticePropagator
from .slices import SlicePropagator

# Orbitals of the widest slice up to which dissection need not be tried; how many operations on slices one of its own
# must save, as these are on small matrices, and its approximate inverse takes more transports; and transports for each
# Green's function.
_NARROW, _OVERHEAD, _TRANSPORTS = 32, 2.5, 4


def check_method(method: str | None) -> None:
    """Raise ValueError unless a route has this name."""
    if method not in (None, "slices", "dissection", "kwant"):
        raise ValueError(f'method must be None, "slices", "dissection" or "kwant", got {method!r}.')


def propagator_for(lattice: Lattice, self_energy: SelfEnergy, band_shifts: np.ndarray,
                   method: str | None) -> LatticePropagator:
    """Propagator of a lattice: `ChainPropagator` for a chain of single orbitals, else slices or dissection.

    Both the chain and kwant's propagator know elastic scattering themselves; others are wrapped for it.

    Parameters
    ----------
    lattice : Lattice
    self_energy : SelfEnergy
    band_shifts : array of float, shape (leads,)
    method : {None, "slices", "dissection", "kwant"}
        "kwant": `KwantPropagator`; None: `DissectionPropagator` where it takes fewer operations than `SlicePropagator`.
    """
    if method == "kwant":
        return KwantPropagator(lattice, self_energy, band_shifts)
    if lattice.chain_order() is not None and method != "dissection":
        return ChainPropagator(lattice, self_energy, band_shifts)
    tree = dissect(lattice) if method == "dissection" else None if method == "slices" else _tree_if_it_pays(lattice)

    def make(baths):
        if tree is None:
            return SlicePropagator(lattice, baths, band_shifts)
        return DissectionPropagator(lattice, baths, band_shifts, FrontGeometry(lattice, tree))

    if self_energy.is_elastic:
        return cast(LatticePropagator, ElasticPropagator(self_energy, make))
    return make(self_energy)


def _tree_if_it_pays(lattice):
    """Elimination tree of a system, None where slices are as quick."""
    widths = slice_widths(lattice)
    if widths.max() < _NARROW:
        return None
    tree = dissect(lattice)
    green, transport = tree.operations()
    # On slices three and four inverses or products for each of them.
    by_slices = (3 + 4 * _TRANSPORTS) * (widths ** 3).sum()
    return tree if _OVERHEAD * (green + _TRANSPORTS * transport) < by_slices else None
