"""What a solution knows beyond its numbers: spectra, and who fills them."""

from dataclasses import dataclass

import numpy as np

from ..numerics.quadrature import Panels
from ..propagators.interface import Propagator, Spectrum
from .probes import Probes


@dataclass(frozen=True, eq=False)
class Solution:
    """What spectra and occupations of a solution follow from.

    Attributes
    ----------
    propagator : Propagator
    probes : Probes
    panels : Panels
        Energies, relative to mu_0.
    unknowns : array of float
    order : array of int, shape (sites,)
        The sites in the propagator's order.
    """

    propagator: Propagator
    probes: Probes
    panels: Panels
    unknowns: np.ndarray
    order: np.ndarray

    def occupied(self, spectrum: Spectrum, energies: np.ndarray) -> np.ndarray:
        """n_i less A_i f_0 at energies relative to mu_0, those of the spectrum: shape (sites, energies)."""
        filling, lead_filling = self.probes.fillings(energies, self.unknowns)
        return spectrum.occupation(spectrum.rate * filling, lead_filling)[0][:len(self.order)]
