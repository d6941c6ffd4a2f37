"""Modes and self-energy of any lead, see `LeadModes`, by eigenvalues of a matrix of twice its size."""

import numpy as np

from ..native.leads import CROSSING, ON_CIRCLE, TOLERANCE

# A point off all special ones, around which the pencil is inverted: V may be singular.
_CENTER = 0.5 * np.exp(1.234567j)


def pencil_modes(cell: np.ndarray, hopping: np.ndarray,
                 energies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Self-energy, mean velocity, and whether they are right, see `LeadModes`."""
    try:
        return _pencil_modes(cell, hopping, energies)
    except np.linalg.LinAlgError:
        # One energy spoils all: it is singled out.
        if len(energies) == 1:
            m = hopping.shape[1]
            return np.zeros((1, m, m), complex), np.zeros(1), np.zeros(1, bool)
        halves = [pencil_modes(cell, hopping, half) for half in np.array_split(energies, 2)]
        sigma, velocity, good = (np.concatenate(parts) for parts in zip(*halves, strict=True))
        return sigma, velocity, good


def _pencil_modes(cell, hopping, energies):
    n, m = hopping.shape
    count, unit = len(energies), np.eye(n)
    v = np.zeros((n, n), complex)
    v[:, :m] = hopping
    inside = np.asarray(energies)[:, None, None] * unit - cell
    # (A - c B) x = mu B x, lambda = c + 1/mu, for x = (u, lambda u)
    shifted = np.zeros((count, 2 * n, 2 * n), complex)
    shifted[:, :n, :n], shifted[:, :n, n:] = -_CENTER * unit, unit
    shifted[:, n:, :n], shifted[:, n:, n:] = -v, inside - _CENTER * v.conj().T
    right = np.zeros((2 * n, 2 * n), complex)
    right[:n, :n], right[n:, n:] = unit, v.conj().T
    with np.errstate(all="ignore"):
        mu, x = np.linalg.eig(np.linalg.solve(shifted, np.broadcast_to(right, shifted.shape)))
        factor = _CENTER + 1 / mu
        u = x[:, :n] / np.linalg.norm(x[:, :n], axis=1, keepdims=True)
        size = np.abs(factor)
        flow = -2 * (np.einsum("kin,ij,kjn->kn", u.conj(), v.conj().T, u, optimize=True) * factor).imag
        # Smallest first: decaying, then those on the circle that lead away, which a small damping would make decay.
        on_circle = (np.abs(size - 1) < ON_CIRCLE) & (np.imag(energies) == 0)[:, None]
        rank = np.where(on_circle, 1 - 0.5 * np.sign(flow), np.where(size < 1, 0.0, 3.0)) + np.minimum(size, 1) * 1e-3
        order = np.argsort(np.where(np.isfinite(rank), rank, 9.0), axis=1)
        chosen = order[:, None, :n]
        # Where bands cross, modes that lead away and back may be mixed, which the equation does not notice.
        moving = np.take_along_axis(np.where(on_circle, factor, np.nan), order, axis=1)
        crossing = (np.abs(moving[:, :n, None] - moving[:, None, n:]) < CROSSING).any(axis=(1, 2))
        u, factor = np.take_along_axis(u, chosen, axis=2), np.take_along_axis(factor, chosen[:, 0], axis=1)
        flow, on_circle = (np.take_along_axis(values, chosen[:, 0], axis=1) for values in (flow, on_circle))
        enough = np.take_along_axis(rank, chosen[:, 0, -1:], axis=1)[:, 0] < 1
        finite = np.isfinite(u).all(axis=(1, 2)) & np.isfinite(factor).all(axis=1) & enough
        u[~finite], factor[~finite] = unit, 0.0
        singular = np.abs(np.linalg.det(u)) < 1e-200
        u[singular] = unit
        f = np.linalg.solve(u.swapaxes(1, 2), (u * factor[:, None, :]).swapaxes(1, 2)).swapaxes(1, 2)
        sigma = (v.conj().T @ f)[:, :m, :m]
        surface = inside.astype(complex)
        surface[:, :m, :m] -= sigma
        expected = hopping.conj().T @ np.linalg.solve(surface, np.broadcast_to(hopping, (count, n, m)))
    scale = np.abs(sigma).max(axis=(1, 2), initial=np.abs(hopping).max())
    wrong = np.abs(expected - sigma).max(axis=(1, 2))
    absorbed = np.linalg.eigvalsh(1j * (sigma - sigma.conj().swapaxes(1, 2))).min(axis=1)
    good = finite & ~crossing & ~singular & (wrong <= TOLERANCE * scale) & (absorbed >= -TOLERANCE * scale)
    away = on_circle & (flow > 0)
    return sigma, (flow * away).sum(axis=1) / np.maximum(away.sum(axis=1), 1), good
