"""What the balance asks of a theory: how electrons travel from sources to sites, at given energies.

With K_ij(E) the part of what site j sends in that arrives at site i, each source w_j is full at gamma_j:

    n_i = sum_j K_ij w_j + what the leads send in,    A_i = n_i if every source is full.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, Self

import numpy as np

# Site-energies that are worked on together: some ten arrays of this length are alive in each thread.
SITE_ENERGIES = 1 << 16


class Spectrum(ABC):
    """A propagator at some energies.

    Attributes
    ----------
    rate : array of float, shape (sites, energies)
        gamma_i(E), the probability per time that a site absorbs an electron; 0 where not coupled.
    spectral : array of float, shape (sites, energies)
        A_i(E), the local spectral function.
    leads : int
        Number of leads.
    """

    rate: np.ndarray
    spectral: np.ndarray
    leads: int

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory that it holds."""

    @abstractmethod
    def occupation(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupation that arrives, and what the leads send in.

        Parameters
        ----------
        source : array of float, shape (sites, energies)
            w_i, what each site sends in: gamma_i f_i of a probe with the occupation f_i.
        lead_filling : array of float, shape (leads, energies)
            Occupation f_a of the leads.

        Returns
        -------
        n : array of float, shape (sites, energies)
            n_i(E), occupied part of A_i.
        inflow : array of float, shape (leads, energies)
            Particles per time and energy (times 2 pi) that enter from each lead, net.
        """

    def for_products(self, source: np.ndarray, lead_filling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`occupation`, as exactly as products with a derivative need it."""
        return self.occupation(source, lead_filling)

    def response(self, source: np.ndarray, weight: np.ndarray) -> "Response":
        """What arrives from sources in proportion to one value per site, summed over energies.

        Parameters
        ----------
        source, weight : arrays of float, shape (sites, energies)

        Returns
        -------
        callable
            Maps values v of shape (sites,) to sum_k weight_ik sum_j K_ij,k source_jk v_j; its attribute `nbytes` is
            the memory it holds.
        """
        return _TransportedResponse(self, source, weight)

    def moments(self, source: np.ndarray, weight: np.ndarray, energies: np.ndarray) -> "Moments":
        """What arrives at several baths from sources that are linear in the energy, summed over energies.

        Parameters
        ----------
        source, weight : arrays of float, shape (baths, sites, energies)
        energies : array of float, shape (energies,)
            What they count from is up to the caller.

        Returns
        -------
        callable
            Maps a and b, arrays of shape (baths, sites), to the sums over energies of weight n and of weight E n, of
            shape (2, baths, sites), with n what arrives from the sources source (a + b E); its attribute `nbytes` is
            the memory it holds.
        """
        return _TransportedMoments(self, source, weight, energies)

    def passages(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Where electrons go from site to neighbouring site only: how, at each energy.

        Returns
        -------
        own, to_right, to_left : arrays of float, shape (sites, energies), or None
            n_i = own_i (w_i + L_i + R_i), L_{i+1} = to_right_i (w_i + L_i), R_{i-1} = to_left_i (w_i + R_i).
        """
        return None


class Response(Protocol):
    """See `Spectrum.response`."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The sums."""


class Moments(Protocol):
    """See `Spectrum.moments`."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""

    def __call__(self, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """The sums."""


class _TransportedResponse:
    """See `Spectrum.response`: by one transport."""

    def __init__(self, spectrum: Spectrum, source: np.ndarray, weight: np.ndarray) -> None:
        self._arguments = spectrum, source, weight
        self.nbytes = source.nbytes + weight.nbytes

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The sums."""
        spectrum, source, weight = self._arguments
        n, _ = spectrum.for_products(source * values[:, None], np.zeros((spectrum.leads, source.shape[1])))
        return (weight * n).sum(axis=1)


class _TransportedMoments:
    """See `Spectrum.moments`: by one transport of the sum of all sources."""

    def __init__(self, spectrum: Spectrum, source: np.ndarray, weight: np.ndarray, energies: np.ndarray) -> None:
        self._arguments = spectrum, source, weight, energies
        self.nbytes = source.nbytes + weight.nbytes

    def __call__(self, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """The sums."""
        spectrum, source, weight, energies = self._arguments
        change = (source * (values[:, :, None] + slopes[:, :, None] * energies)).sum(axis=0)
        n, _ = spectrum.for_products(change, np.zeros((spectrum.leads, len(energies))))
        arriving = weight * n
        return np.stack([arriving.sum(axis=2), arriving @ energies])


class LatticeSpectrum(Spectrum):
    """A propagator of a lattice at some energies: it knows the hoppings, too."""

    @abstractmethod
    def bond_flows(self, source: np.ndarray, lead_filling: np.ndarray) -> np.ndarray:
        """Particles per time and energy (times 2 pi) on every hopping, from its second site to its first.

        Parameters
        ----------
        source, lead_filling : arrays of float
            As for `occupation`.

        Returns
        -------
        array of float, shape (hoppings, energies)
            I_ij = 2 Im Tr [H_ij G^n_ji], in the order of the propagator's ``bonds``.
        """


class Propagator(ABC):
    """A theory of motion between two collisions with the bath, at fixed electrostatic potential.

    Attributes
    ----------
    coupled : array of bool, shape (sites,)
    batch : int
        Number of energies to work on together.
    response_size : int
        Bytes per energy that a `Spectrum.response` keeps.
    few : int
        Number of energies that are worth it for a `preconditioner`.
    """

    coupled: np.ndarray
    batch: int
    response_size: int
    few: int = 5

    @abstractmethod
    def edges(self) -> np.ndarray:
        """Energies at which integrands have square-root edges: array."""

    def thresholds(self, low: float = -np.inf, high: float = np.inf) -> np.ndarray:  # noqa: ARG002 (where to look)
        """`edges`, and energies between `low` and `high` at which integrands may have narrow peaks: array."""
        return self.edges()

    @abstractmethod
    def spectrum(self, energies: np.ndarray) -> Spectrum:
        """`Spectrum` at real energies, array of shape (energies,)."""

    def reversed(self) -> Self:
        """With the magnetic field reversed: its K is the transpose of this one's."""
        raise NotImplementedError(f"{type(self).__name__} does not know the reversed motion.")

    @abstractmethod
    def preconditioner(self, energies: np.ndarray,
                       weights: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """Inverse of the Jacobian, as if thermal averages were sums over a few energies.

        Parameters
        ----------
        energies : array of float, shape (energies,)
        weights : array of float, shape (sites, energies)
            s_jm, that add up to 1 for each site.

        Returns
        -------
        inverse : callable
            Maps b to x, arrays of shape (sites,), with (diagonal - sum_m gamma_im K_ij,m gamma_jm s_jm) x = b.
        diagonal : array of float, shape (sites,)
            sum_m gamma_im A_im s_im, replaced by 1 where nothing is absorbed.
        """


def mean_absorption(spectrum: Spectrum, weights: np.ndarray) -> np.ndarray:
    """Diagonal of `Propagator.preconditioner`."""
    diagonal = (spectrum.rate * spectrum.spectral * weights).sum(axis=1)
    return np.where(diagonal > 0, diagonal, 1.0)
