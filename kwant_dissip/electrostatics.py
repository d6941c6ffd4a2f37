"""Laws for the electrostatic potential."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Neutrality:
    """The limit of strong screening: the density stays what it was in equilibrium, everywhere.

    In the kinetic theory with a rate that does not depend on energy the density is that of the local equilibrium, so
    that U = mu - mu_eq exactly.
    """
