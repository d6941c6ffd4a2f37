"""The self-energy that the baths of a lattice make."""

from collections.abc import Sequence

import numpy as np

from .baths import Bath, Baths, checked_baths
from .broadening import Broadening, Broadenings, SelfEnergy
from .lattice import Lattice
from .per_site import named
from .profile import ProfileBroadening

# Rates, in units of the largest matrix element, beyond which products of them are lost in rounding.
_WEAKEST, _STRONGEST = 1e-30, 1e6


def broadening(bath: Bath | Sequence[Bath] | Baths | None, lattice: Lattice, needed: bool = True) -> SelfEnergy:
    """Broadening of every site of a lattice.

    Parameters
    ----------
    bath : Bath, list of them, Baths, or None
    lattice : Lattice
    needed : bool, optional
        Whether every bath must reach a site.

    Raises
    ------
    ValueError
        If a bath's values have the wrong length or range, or reach no site, or a site that no lead is connected to.
    """
    baths = checked_baths(bath)
    balanced, elastic = ([bath_broadening(one, lattice, needed) for one in kind]
                         for kind in (baths.balanced, baths.elastic))
    if not balanced and not elastic:
        return Broadening(np.zeros(len(lattice.sites)))
    return balanced[0] if len(balanced) == 1 and not elastic else Broadenings(balanced, elastic)


def bath_broadening(bath: Bath, lattice: Lattice, needed: bool = True) -> SelfEnergy:
    """Broadening by one bath; arguments and errors as of `broadening`."""
    result: SelfEnergy
    if bath.has_profile:
        result = ProfileBroadening(bath, bath.site_rates(lattice.sites), abs(lattice.hamiltonian).max())
    elif bath.rate is not None:
        result = Broadening(bath.site_rates(lattice.sites))
    else:
        lead_of_site = bath.site_leads(lattice.sites, lattice.nearest_leads(), len(lattice.leads))
        result = Broadening(1 / bath.site_mean_free_paths(lattice.sites), lattice.leads, lead_of_site)
        for a in np.unique(lead_of_site[result.coupled]):
            if not lattice.leads[a].has_velocity:
                lattice.leads[a].velocity(np.zeros(1))  # says what to do
    gamma, scale = result.typical(), abs(lattice.hamiltonian).max() + max(
        (lead.level_width(0.0) for lead in lattice.leads if lead.has_velocity), default=0.0)
    bad = np.flatnonzero(result.coupled & ~((gamma > _WEAKEST * scale) & (gamma < _STRONGEST * scale)))
    if len(bad):
        raise ValueError(f"{bath!r} gives {named(lattice.sites[bad[0]])} a rate of {gamma[bad[0]]:.3g}: it must lie "
                         f"between {_WEAKEST * scale:.1g} and {_STRONGEST * scale:.1g}, beyond which nothing is "
                         "resolved, or be 0 (mean free path inf) where a site is not coupled.")
    if needed and not np.any(result.coupled):
        raise ValueError(f"{bath!r} reaches no site: every rate is 0 or every mean free path infinite. Leave it "
                         "out; bath None stands for no bath at all.")
    lost = lattice.unconnected(result.coupled)
    if len(lost):
        raise ValueError(f"{len(lost)} sites that the bath reaches, the first {named(lattice.sites[lost[0]])}, are "
                         "connected to no lead: their chemical potential is not determined.")
    return result
