"""What the balance solver asks of a theory: how electrons travel from sources to sites, at given energies."""

from typing import Protocol

import numpy as np

# Site-energies that are worked on together: some ten arrays of this length are alive in each thread.
SITE_ENERGIES = 1 << 16


class Spectrum(Protocol):
    """A propagator at some energies.

    Attributes
    ----------
    rate : array of float, shape (sites, energies)
        gamma_i(E), the probability per time that the bath absorbs an electron; 0 where not coupled.
    spectral : array of float, shape (sites, energies)
        A_i(E), the local spectral function: n_i if every source is full.
    """

    rate: np.ndarray
    spectral: np.ndarray

    def occupation(self, filling, lead_filling):
        """Occupation that arrives, and what the leads send in.

        Parameters
        ----------
        filling : array of float, shape (sites, energies)
            Occupation f_i of the probes.
        lead_filling : array of float, shape (leads, energies)
            Occupation f_a of the leads.

        Returns
        -------
        n : array of float, shape (sites, energies)
            n_i(E), occupied part of A_i.
        inflow : array of float, shape (leads, energies)
            Particles per time and energy (times 2 pi) that enter from each lead, net.
        """

    def response(self, slope, weight):
        """Linear response of the particles absorbed by the bath, summed over energies.

        Parameters
        ----------
        slope : array of float, shape (sites, energies)
            Change of f_j with the value at j.
        weight : array of float, shape (energies,)

        Returns
        -------
        callable
            Maps values v of shape (sites,) to sum_k weight_k gamma_ik sum_j (dn_i/df_j)_k slope_jk v_j; its
            attribute `nbytes` is the memory it holds.
        """


    def bond_flows(self, filling, lead_filling):
        """Particles per time and energy (times 2 pi) on every hopping of a lattice, from its second site to its first.

        Parameters
        ----------
        filling, lead_filling : arrays of float
            As for `occupation`.

        Returns
        -------
        array of float, shape (hoppings, energies)
            I_ij = 2 Im Tr [H_ij G^n_ji], in the order of the propagator's ``bonds``.
        """


class Propagator(Protocol):
    """A theory of motion between two collisions with the bath, at fixed electrostatic potential.

    Propagators of a lattice also have the attributes ``order`` (site of each row) and ``method`` (name of the route),
    ``bonds`` (both rows of each hopping, array of int of shape (hoppings, 2)), the two methods for densities,
    ``green_diagonal`` and ``green_asymptote``, and ``at_potential``; the kinetic one has none of these.

    Attributes
    ----------
    coupled : array of bool, shape (sites,)
    batch : int
        Number of energies to work on together.
    response_size : int
        Bytes per energy that a `Spectrum.response` keeps.
    """

    coupled: np.ndarray
    batch: int
    response_size: int

    def thresholds(self):
        """Energies at which integrands have square-root edges, or may have narrow peaks: array."""

    def at_potential(self, potential, band_shifts):
        """The same propagator with other electrostatic energies of the sites, shape (sites,), and of the leads."""

    def spectrum(self, energies):
        """`Spectrum` at real energies, array of shape (energies,)."""

    def green_diagonal(self, energies):
        """Sum over a site's orbitals of G_ii at energies in the upper half plane, shape (sites, energies)."""

    def green_asymptote(self):
        """(Z, e), arrays of shape (sites,): G_ii -> Z / (z - e) + O(z^-3) for large |z|."""

    def preconditioner(self, energies):
        """Inverse of the Jacobian, as if the thermal average were a mean over a few energies.

        Parameters
        ----------
        energies : array of float

        Returns
        -------
        inverse : scipy.sparse.linalg.LinearOperator
            Of diagonal - mean_m gamma_i (dn_i/df_j).
        diagonal : array of float, shape (sites,)
            mean_m gamma_i A_i, replaced by 1 where nothing is absorbed.
        """
