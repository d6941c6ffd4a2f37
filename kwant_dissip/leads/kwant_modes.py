"""kwant's own modes of a lead, one energy at a time, with a check."""

import numpy as np

from .._kwant import kwant

# How well a self-energy must solve its equation, relative to its largest element.
_TOLERANCE = 1e-6


def kwant_modes(onsite: np.ndarray, hopping: np.ndarray, energy: complex) -> tuple[np.ndarray, float] | None:
    """Self-energy and mean velocity in cells per time, or None if kwant's modes are wrong.

    They may be next to energies where bands are degenerate at their edge, or flat: then Sigma does not solve
    Sigma = V^+ (E - H - Sigma)^-1 V, or it emits.

    Parameters
    ----------
    onsite, hopping : arrays of complex
        H and V, see `LeadModes`.
    energy : float or complex
        If complex, in the upper half plane, where no mode propagates: the velocity is 0.
    """
    cell = onsite - energy * np.eye(len(onsite))
    propagating, stabilized = kwant.physics.modes(cell, hopping)
    sigma = stabilized.selfenergy()
    size, largest = len(sigma), np.abs(sigma).max()
    surface = -cell.astype(complex)
    surface[:size, :size] -= sigma
    expected = hopping.conj().T @ np.linalg.solve(surface, hopping)
    absorbed = np.linalg.eigvalsh(1j * (sigma - sigma.conj().T))
    if (np.abs(expected - sigma).max() > _TOLERANCE * max(largest, np.abs(hopping).max())
            or absorbed.min() < -_TOLERANCE * largest):
        return None
    away = propagating.velocities[propagating.velocities > 0] if np.imag(energy) == 0 else ()
    return sigma, float(np.mean(away)) if len(away) else 0.0
