"""Which kind of lead a lead of kwant is."""

from .._kwant import kwant
from .given import GivenLead
from .holes import has_holes
from .lead import Lead
from .periodic import PeriodicLead


def lead_of(syst: kwant.system.FiniteSystem, number: int, params: dict | None, electrons: bool = False) -> Lead:
    """`PeriodicLead` or `GivenLead` of a finalized system.

    Parameters
    ----------
    syst : kwant.system.FiniteSystem
    number : int
        Of the lead in ``syst.leads``.
    params : dict or None
        Parameters of its Hamiltonian.
    electrons : bool, optional
        Whether all orbitals are known to be of electrons, whatever its symmetries say.

    Raises
    ------
    ValueError
        If a lead describes electrons and holes, or offers no self-energy.
    """
    lead = syst.leads[number]
    if isinstance(lead, kwant.system.InfiniteSystem):
        if not electrons and has_holes(lead, params):
            raise ValueError(f"Lead {number} describes electrons and holes (it declares a particle-hole symmetry, or a "
                             "conserved charge of both signs whose parts are each other's holes): superconductors are "
                             "not supported. A bath of electrons would give neither charge nor heat. If all its "
                             "orbitals are of electrons, say so: charge=1.")
        return PeriodicLead(lead, number, params)
    if not hasattr(lead, "selfenergy"):
        raise ValueError(f"Lead {number} has neither modes nor a self-energy ({type(lead).__name__}); attach a "
                         "kwant.Builder with a translational symmetry, or a kwant.builder.SelfEnergyLead.")
    return GivenLead(lead, number, len(syst.lead_interfaces[number]), params)
