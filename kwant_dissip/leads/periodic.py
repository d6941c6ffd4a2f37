"""Leads that are periodic: modes, self-energies and band edges, from their Hamiltonian."""

from collections.abc import Callable
from functools import cached_property
from itertools import combinations
from typing import TypeVar

import numpy as np
from scipy.optimize import minimize_scalar

from .._kwant import kwant
from ..errors import ConvergenceError
from .lead import Lead
from .modes import LeadModes

Value = TypeVar("Value")

# Momenta per half Brillouin zone at which bands are searched for extrema, before refinement.
_BAND_GRID = 256
# Bands that change from one such momentum to the next by less, relative to the largest energy, are flat there.
_FLAT = 1e-12
# How well a self-energy must solve its equation, relative to its largest element.
_SIGMA_TOLERANCE = 1e-6
# Numbers of self-energies that are kept, for energies that come again.
_KEPT = 1 << 23
# Where bands of electrons and holes are compared.
_MOMENTA = (0.0, 1.0)
# Where to look for one, in units of the largest matrix element of the lead.
_DISTANCES = (0.0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)


class PeriodicLead(Lead):
    """A periodic lead: modes, velocities, and self-energy from its Hamiltonian.

    Parameters
    ----------
    lead : kwant.system.InfiniteSystem
        Finalized lead.
    number : int
        Its place in ``syst.leads``, for error messages.
    params : dict or None
        Parameters of its Hamiltonian.
    electrons : bool, optional
        Whether all orbitals are known to be of electrons, whatever its symmetries say.

    Raises
    ------
    ValueError
        If it describes electrons and holes.
    """

    has_velocity = True

    def __init__(self, lead: kwant.system.InfiniteSystem, number: int, params: dict | None = None,
                 electrons: bool = False) -> None:
        self.number = number
        self._lead = lead
        self._params = params
        self._onsite = lead.cell_hamiltonian(params=params)
        self._hopping = lead.inter_cell_hopping(params=params)
        period = getattr(getattr(lead, "symmetry", None), "periods", None)
        self.period = 1.0 if period is None else float(np.linalg.norm(np.asarray(period)[0]))
        self._known: dict[complex, tuple[np.ndarray, float]] = {}
        self._chains = _independent_chains(self._onsite, self._hopping)
        if not electrons and self._has_holes():
            raise ValueError(f"Lead {self.number} describes electrons and holes (it declares a particle-hole symmetry, "
                             "or a conserved charge of both signs whose parts are each other's holes): superconductors "
                             "are not supported. A bath of electrons would give neither charge nor heat. If all its "
                             "orbitals are of electrons, say so: charge=1.")

    def hoppings(self):
        hamiltonian, norbs, _ = self._lead.hamiltonian_submatrix(params=self._params, return_norb=True)
        first = np.concatenate([[0], np.cumsum(norbs)[:-1]])
        bonds = np.add.reduceat(np.add.reduceat(np.abs(hamiltonian), first, axis=0), first, axis=1)
        cell = self._lead.cell_size
        return np.count_nonzero(bonds[:cell, cell:], axis=0)

    def _has_holes(self):
        """Whether the lead's symmetries say that it describes electrons and holes."""
        symmetry = self._lead.discrete_symmetry(params=self._params)
        # As declared: kwant completes a third symmetry from two, of graphene's for example.
        declared = getattr(self._lead, "_symmetries", (None, symmetry.particle_hole, None))[1]
        if declared is not None:
            return True
        if symmetry.projectors is None:
            return False
        # A conserved charge of both signs: the bands of holes are those of electrons, turned around, and so are their
        # hoppings, -t^* for t; those of spins need not, though on a bipartite lattice their bands can mirror each
        # other. Sums over a site's orbitals do not depend on how these are chosen.
        size = len(self._onsite)
        hop = np.zeros((size, size), complex)
        hop[:, :self._hopping.shape[1]] = self._hopping
        _, norbs, _ = self._lead.hamiltonian_submatrix(params=self._params, return_norb=True)
        of_site = np.repeat(np.arange(self._lead.cell_size), norbs[:self._lead.cell_size])

        def bands(projector, momentum):
            part = hop * np.exp(1j * momentum)
            return np.linalg.eigvalsh(projector.conj().T @ (self._onsite + part + part.conj().T) @ projector)

        def traces(projector):
            """Of each pair of sites the hopping within this charge, summed over orbitals."""
            within = projector @ projector.conj().T
            matrices = np.array([self._onsite, hop]) @ within
            sites = range(of_site[-1] + 1)
            return np.array([np.diag(matrix[of_site == a][:, of_site == b]).sum() for matrix in matrices
                             for a in sites for b in sites])

        def alike(one, other):
            size = max(np.abs(self._onsite).max(), np.abs(hop).max())
            return len(one) == len(other) and np.abs(one - other).max() <= 1e-9 * size

        return any(all(alike(bands(p, k), -bands(q, -k)[::-1]) for k in _MOMENTA)
                   and not all(alike(bands(p, k), bands(q, k)) for k in _MOMENTA)
                   and alike(traces(p), -traces(q).conj())
                   for p, q in combinations([part.toarray() for part in symmetry.projectors], 2))

    @property
    def is_chain(self) -> bool:  # type: ignore[override]
        """See `Lead`."""
        return self._onsite.shape == self._hopping.shape == (1, 1)

    @property
    def center(self) -> float:
        """Middle of the band of a chain."""
        return self._onsite[0, 0].real

    def self_energy(self, energies):
        if self._chains is not None:
            # Each solves s = |t|^2 / (x - s), retarded branch; kwant gives the same, an energy at a time.
            vectors, centers, hoppings = self._chains
            x = np.asarray(energies)[:, None] - centers
            return (vectors * (0.5 * (x - 1j * _continued_velocity(x, hoppings)))[:, None]) @ vectors.conj().T
        return np.array([sigma for sigma, _ in self._solved(energies)])

    @cached_property
    def _lead_modes(self):
        return LeadModes(self._onsite, self._hopping)

    def _solved(self, energies):
        """Self-energy and mean velocity at each energy, in cells: list of pairs."""
        known = {energy: self._known.get(energy) for energy in energies}
        missing = np.array([energy for energy, pair in known.items() if pair is None])
        if len(missing):
            for energy, sigma, velocity, good in zip(missing, *self._lead_modes(missing), strict=True):
                # Where a mode opens, or bands are degenerate, kwant finds its modes next to it.
                known[energy] = (sigma, velocity) if good else self.near(energy, self._by_kwant)
            if len(self._known) * self._hopping.shape[1] ** 2 > _KEPT:
                self._known = {}
            self._known.update(known)
        return [known[energy] for energy in energies]

    def _by_kwant(self, energy):
        """Self-energy and mean velocity by kwant's modes, or None."""
        sigma = self._checked_self_energy(energy)
        if sigma is None or np.imag(energy):
            return sigma if sigma is None else (sigma, 0.0)
        velocities = self._lead.modes(energy, params=self._params)[0].velocities
        velocities = velocities[velocities > 0]
        return sigma, velocities.mean() if len(velocities) else 0.0

    def _checked_self_energy(self, energy):
        """Self-energy by kwant's modes, or None if it solves not Sigma = V^+ (E - H - Sigma)^-1 V, or absorbs.

        Next to energies where bands are degenerate at their edge, or flat, kwant's modes may be wrong.
        """
        cell = self._onsite - energy * np.eye(len(self._onsite))
        # As kwant's lead.selfenergy, which evaluates the Hamiltonian anew each time.
        sigma = kwant.physics.modes(cell, self._hopping)[1].selfenergy()
        size, largest = len(sigma), np.abs(sigma).max()
        surface = -cell.astype(complex)
        surface[:size, :size] -= sigma
        expected = self._hopping.conj().T @ np.linalg.solve(surface, self._hopping)
        absorbed = np.linalg.eigvalsh(1j * (sigma - sigma.conj().T))
        good = (np.abs(expected - sigma).max() <= _SIGMA_TOLERANCE * max(largest, np.abs(self._hopping).max())
                and absorbed.min() >= -_SIGMA_TOLERANCE * largest)
        return sigma if good else None

    def near(self, energy: float, function: Callable[[float], Value | None]) -> Value:
        """Value of a function at an energy, or the closest to it at which kwant's modes are right.

        Parameters
        ----------
        energy : float
        function : callable
            Fails, or returns None, where they are not: at and next to band edges.

        Raises
        ------
        ConvergenceError
            If there is no such energy.
        """
        scale = max(np.abs(self._onsite).max(), np.abs(self._hopping).max())
        for distance in _DISTANCES:
            for shift in {distance * scale, -distance * scale}:
                try:
                    value = function(energy + shift)
                except (np.linalg.LinAlgError, RuntimeError, ValueError):
                    continue
                if value is not None:
                    return value
        raise ConvergenceError(f"kwant found no modes of lead {self.number} at the energy {energy:.10g}, nor next to "
                               "it.")

    def velocity(self, energies: np.ndarray) -> np.ndarray:
        """Mean velocity of the open modes, in lattice length times energy.

        For a chain the analytic function sqrt(4 t^2 - (E - center)^2) a, retarded branch, off the real axis and
        below the band too; otherwise 0 where no mode is open.

        Parameters
        ----------
        energies : array of float or complex

        Returns
        -------
        array of complex, same shape
        """
        energies = np.asarray(energies)
        if self.is_chain:
            return _continued_velocity(energies - self.center, abs(self._hopping[0, 0])) * self.period
        if np.any(np.imag(energies)):
            raise ValueError(f"The velocity in lead {self.number} has no analytic continuation to complex energies: "
                             "a cell holds more than one orbital.")
        if self._chains is None:
            velocities = [velocity for _, velocity in self._solved(energies.real.ravel())]
        else:
            _, centers, hoppings = self._chains
            away = _continued_velocity(energies.real.ravel()[:, None] - centers, hoppings).real
            velocities = away.sum(axis=1) / np.maximum((away > 0).sum(axis=1), 1)
        return self.period * np.asarray(velocities, complex).reshape(energies.shape)

    def modes(self, energy):
        """Propagating modes at an energy, from kwant."""
        return self.near(energy, lambda e: self._lead.modes(e, params=self._params)[0])

    def open_modes(self, energy):
        return len(self.modes(energy).velocities) // 2

    def fermi_wavelength(self, energy: float) -> float:
        """Longest Fermi wavelength of the open modes, in lattice length; nan where none is open.

        Twice the period 2 pi / |k_out - k_in| of the standing wave that a mode and its reflection form, with the
        difference taken modulo 2 pi: the same for electrons and holes, and in every gauge.
        """
        scale = max(np.abs(self._onsite).max(), np.abs(self._hopping).max())
        if np.abs(self.thresholds() - energy).min() < 1e-9 * scale:
            return np.nan  # kwant's modes are not defined where one opens
        momenta = self.modes(energy).momenta
        half = len(momenta) // 2
        difference = np.abs(np.angle(np.exp(1j * (momenta[half:] - momenta[:half]))))
        difference = difference[difference > 1e-6]
        return 4 * np.pi * self.period / difference.min() if len(difference) else np.nan

    def thresholds(self):
        return self._thresholds

    def level_width(self, energy):  # noqa: ARG002 (of this order at any)
        return float(max(np.abs(self._onsite).max(), np.abs(self._hopping).max()))

    def is_analytic(self, energy):  # noqa: ARG002 (everywhere)
        return True

    @cached_property
    def _thresholds(self):
        return self._band_extrema()

    def _band_extrema(self):
        if self._chains is not None:
            _, centers, hoppings = self._chains
            edges = np.sort(np.concatenate([centers - 2 * hoppings, centers + 2 * hoppings]))
            return edges[np.diff(edges, prepend=-np.inf) > 1e-12 * np.abs(edges).max()]
        bands = kwant.physics.Bands(self._lead, params=self._params)
        momenta = np.linspace(-np.pi, np.pi, 2 * _BAND_GRID + 1)
        energies = np.array([bands(k) for k in momenta])
        step, scale = momenta[1] - momenta[0], np.abs(energies).max()
        found = []
        for band, values in enumerate(energies.T):
            # The grid is periodic; its last point repeats the first.
            before, after = np.roll(values[:-1], 1), np.roll(values[:-1], -1)
            flat = np.maximum(np.abs(before - values[:-1]), np.abs(after - values[:-1])) < _FLAT * scale
            for sign in (1, -1):
                extremal = (sign * values[:-1] <= sign * before) & (sign * values[:-1] <= sign * after)
                found.extend(values[:-1][extremal & flat])
                for k in momenta[:-1][extremal & ~flat]:
                    best = minimize_scalar(lambda q, band=band, sign=sign: sign * bands(q)[band],
                                           bounds=(k - step, k + step), method="bounded", options={"xatol": 1e-9})
                    found.append(sign * best.fun)
        # Where bands cross, the search finds the crossing from both sides, nearly.
        found = np.sort(found)
        return found[np.concatenate([[True], np.diff(found) > 1e-7 * np.abs(found).max()])]


def _continued_velocity(x, hopping):
    """sqrt(4 t^2 - x^2), retarded branch, continued to complex energies."""
    x = np.asarray(x) + 0j  # +0j: approach the real axis from above
    return -1j * np.sqrt(x - 2 * hopping) * np.sqrt(x + 2 * hopping)


def _independent_chains(onsite, hopping):
    """Transverse modes that the hopping between cells does not mix: (vectors, onsite energies, |hoppings|), or None.

    They exist if the cell's Hamiltonian and the hopping commute, with each other and with the latter's adjoint, as on
    a ribbon without a field: then a mode is a chain of its own.
    """
    if onsite.shape != hopping.shape:
        return None
    parts = [onsite, hopping + hopping.conj().T, 1j * (hopping - hopping.conj().T)]
    # Eigenvectors of a combination of all three are those of each, unless some happen to be degenerate in it only.
    _, vectors = np.linalg.eigh(sum(factor * part for factor, part in zip((1, 0.6180339, 0.2718281), parts,
                                                                         strict=True)))
    diagonal = [vectors.conj().T @ matrix @ vectors for matrix in (onsite, hopping)]
    scale = max(np.abs(onsite).max(), np.abs(hopping).max())
    if any(np.abs(matrix - np.diag(matrix.diagonal())).max() > 1e-13 * len(onsite) * scale for matrix in diagonal):
        return None
    return vectors, diagonal[0].diagonal().real, np.abs(diagonal[1].diagonal())
