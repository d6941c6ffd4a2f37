"""Self-energy of a lead's surface from its modes, and whether it is one, for energies side by side (`tiles`).

With the modes u as columns of U, as far as they are on the interface, and Z of columns V^+ u lambda, Sigma U = Z. In a
field modes may be nearly dependent, and what is left of them after rounding is wrong. So they are made orthonormal,
U = Q R, the slowest first; those of which little remains are left out; and Sigma = Z R^-1 Q^+. One cell more in front,

    Sigma -> V^+ (E - H - Sigma)^-1 V,

makes the error smaller by the lambda of each mode that was left out, or is known less well: these decay, while those
that do not are known well. This is repeated while it serves. At last Sigma must solve its equation, and
i (Sigma - Sigma^+) may have no negative eigenvalue beyond a tolerance: with that on its diagonal it has a Cholesky
factor.
"""

import numpy as np
from numba.extending import intrinsic

from . import complex_vectors as cv
from .compiled import compiled
from .tile_inverse import invert
from .tiles import ELEMENT, add_scaled, dot, grow, load, multiply_transposed, store
from .vectors import LANES, called, written

# How well a self-energy must solve its equation, and how little it may emit, relative to the largest element of both
# itself and V.
TOLERANCE = 1e-9
# How well it solves it after as many steps as needed, and the most.
_SOLVED, _STEPS = 1e-11, 100
# Error after a step, relative to that before, if it serves.
_SMALLER = 0.97
# Least part of a mode, orthogonal to slower ones, that counts.
_LEAST = 1e-6
# What is less than this is made orthogonal once more.
_LITTLE = 1e-2


@intrinsic
def _subtract_multiple(context, c, c_at, a, a_at, factor, count):  # noqa: ARG001
    """C -= a b for `count` > 0 elements that follow one another, b the first of `factor`."""
    def write(w, c, c_at, a, a_at, factor, count):
        minus = cv.negative(w, load(w, factor, w.number(0)))

        def step(number, values):
            to, origin = (w.builder.add(at, number) for at in (c_at, a_at))
            store(w, cv.multiply_add(w, minus, load(w, a, origin), load(w, c, to)), c, to)
            return values

        w.loop(count, [], step)
    return written(write, c, c_at, a, a_at, factor, count)


@compiled
def side_by_side(roots, modes, flows, place, bonds, strengths, good, u, z):
    """Arrange the modes of some energies as elements, the slowest first.

    Parameters
    ----------
    roots, modes, flows : arrays, shapes (LANES, roots), (LANES, roots, n), (LANES, roots)
        See `lead_search.search`.
    place : array of int, shape (n,)
        Where each orbital is in a mode.
    bonds, strengths : arrays of int and float, shape (bonds, 2)
        See `solve_surface`.
    good : array of bool, shape (LANES,)
        Where modes are known.
    u, z : arrays of float, of (roots / 2) * m elements
        Take U and Z, a mode in each row; 0 where they are not known.
    """
    called()
    count = roots.shape[1] // 2
    size = len(u) // (max(count, 1) * ELEMENT)
    u[:] = 0.0
    z[:] = 0.0
    image, slowest, sizes = np.empty(size, np.complex128), np.empty(count, np.int64), np.empty(count)
    for lane in range(LANES):
        if not good[lane]:
            continue
        total = 0
        for k in range(2 * count):
            if flows[lane, k] > 0:
                at, factor = total, abs(roots[lane, k])
                while at and sizes[at - 1] < factor:
                    slowest[at], sizes[at] = slowest[at - 1], sizes[at - 1]
                    at -= 1
                slowest[at], sizes[at] = k, factor
                total += 1
        for row in range(count):
            k, square = slowest[row], 0.0
            mode = modes[lane, k]
            for i in range(size):
                square += abs(mode[place[i]]) ** 2
            scale = 1 / np.sqrt(square)
            image[:] = 0.0
            for bond in range(len(bonds)):
                hopping = complex(strengths[bond, 0], -strengths[bond, 1])
                image[bonds[bond, 1]] += hopping * mode[place[bonds[bond, 0]]]
            for i in range(size):
                at, value = (row * size + i) * ELEMENT + lane, scale * mode[place[i]]
                u[at], u[at + LANES] = value.real, value.imag
                value = scale * roots[lane, k] * image[i]
                z[at], z[at + LANES] = value.real, value.imag


@compiled
def from_modes(modes, images, count, size, sigma):
    """Self-energy Z R^-1 Q^+ of one group of energies.

    Parameters
    ----------
    modes, images : arrays of float, of count * size elements
        U and Z, a mode in each row, replaced by Q and Z R^-1.
    count, size : int
        Number of modes, and of orbitals of each.
    sigma : array of float, of size^2 elements
        Takes Sigma.
    """
    called()
    overlap, zero = np.empty(ELEMENT), np.int64(0)
    for j in range(count):
        little = True
        for _ in range(2):
            if not little:
                break
            for k in range(j):
                dot(overlap, zero, modes, j * size, modes, k * size, size)
                _subtract_multiple(modes, j * size, modes, k * size, overlap, size)
                _subtract_multiple(images, j * size, images, k * size, overlap, size)
            dot(overlap, zero, modes, j * size, modes, j * size, size)
            # Of what is left then, rounding is a large part.
            little = overlap[:LANES].min() < _LITTLE ** 2
        for lane in range(LANES):
            overlap[lane] = 1 / np.sqrt(overlap[lane]) if overlap[lane] > _LEAST ** 2 else 0.0
        for i in range(j * size, (j + 1) * size):
            for part in range(i * ELEMENT, (i + 1) * ELEMENT, LANES):
                for lane in range(LANES):
                    modes[part + lane] *= overlap[lane]
                    images[part + lane] *= overlap[lane]
    multiply_transposed(sigma, zero, images, zero, modes, zero, size, count, size)


@compiled
def solve_surface(sigma, bonds, strengths, cell, real, imag, size, work, swaps, rows, good):
    """Improve the self-energy of one group of energies and check it.

    Parameters
    ----------
    sigma : array of float, of m^2 elements
    bonds : array of int, shape (bonds, 2)
        Places in V that are not 0.
    strengths : array of float, shape (bonds, 2)
        Real and imaginary parts of what is there.
    cell : array of float, of n^2 elements
        -H.
    real, imag : arrays of float, shape (LANES,)
        E.
    size : tuple
        n and m.
    work : tuple
        Three arrays of float, of n^2, n m and m^2 elements.
    swaps, rows : arrays
        See `tile_inverse.invert`.
    good : array of bool, shape (LANES,)
        Becomes False where Sigma fails.
    """
    called()
    _, m = size
    green, reached, further = work
    wrong, scale, before = np.empty(ELEMENT), np.empty(ELEMENT), np.full(LANES, np.inf)
    for _ in range(_STEPS):
        _one_cell_more(sigma, bonds, strengths, cell, real, imag, size, green, reached, further, swaps, rows)
        _differ(sigma, further, m, strengths, wrong, scale)
        serves = False
        for lane in range(LANES):
            if good[lane] and wrong[lane] > _SOLVED * scale[lane]:
                serves |= wrong[lane] < _SMALLER * before[lane]
            before[lane] = wrong[lane]
        if not serves:
            break
        sigma[:] = further
    for lane in range(LANES):
        scale[lane] *= TOLERANCE
        good[lane] &= wrong[lane] <= scale[lane]
    for i in range(m):
        for j in range(m):
            for lane in range(LANES):
                here, there = (i * m + j) * ELEMENT + lane, (j * m + i) * ELEMENT + lane
                further[here] = -sigma[here + LANES] - sigma[there + LANES]
                further[here + LANES] = sigma[here] - sigma[there]
    _absorbs(further, m, scale, good)


@compiled
def _one_cell_more(sigma, bonds, strengths, cell, real, imag, size, green, reached, further, swaps, rows):
    """V^+ (E - H - Sigma)^-1 V, into `further`; see `solve_surface`."""
    called()
    one = np.int64(1)
    n, m = size
    green[:] = cell
    for i in range(n):
        for lane in range(LANES):
            green[i * (n + 1) * ELEMENT + lane] += real[lane]
            green[i * (n + 1) * ELEMENT + LANES + lane] += imag[lane]
    for i in range(m):
        for k in range(m * ELEMENT):
            green[i * n * ELEMENT + k] -= sigma[i * m * ELEMENT + k]
    invert(green, np.int64(0), n, swaps, rows)
    reached[:] = 0.0
    further[:] = 0.0
    for k in range(len(bonds)):
        add_scaled(reached, bonds[k, 1], m, green, bonds[k, 0], n, n, strengths[k, 0], strengths[k, 1])
    for k in range(len(bonds)):
        add_scaled(further, bonds[k, 1] * m, one, reached, bonds[k, 0] * m, one, m, strengths[k, 0], -strengths[k, 1])


@compiled
def _differ(sigma, further, size, strengths, wrong, scale):
    """Largest element of the difference, inf if it is not finite, and of Sigma and V, in each lane."""
    called()
    zero, difference = np.int64(0), np.empty(ELEMENT)
    wrong[:] = 0.0
    scale[:] = 0.0
    finite = np.zeros(LANES)
    for k in range(size * size):
        for part in range(ELEMENT):
            difference[part] = further[k * ELEMENT + part] - sigma[k * ELEMENT + part]
        for lane in range(LANES):
            finite[lane] += difference[lane] + difference[LANES + lane]
        grow(wrong, zero, difference, zero)
        grow(scale, zero, sigma, k)
    for lane in range(LANES):
        for k in range(len(strengths)):
            scale[lane] = max(scale[lane], strengths[k, 0] ** 2 + strengths[k, 1] ** 2)
        scale[lane] = np.sqrt(scale[lane])
        wrong[lane] = np.sqrt(wrong[lane]) if np.isfinite(finite[lane]) else np.inf


@compiled
def _absorbs(a, size, shift, good):
    """Unset `good` where a Hermitian matrix with `shift` on its diagonal has no Cholesky factor; it is destroyed."""
    called()
    done = np.empty(ELEMENT)
    for i in range(size):
        for j in range(i):
            at, diagonal = (i * size + j) * ELEMENT, j * (size + 1) * ELEMENT
            done[:] = 0.0
            if j:
                dot(done, np.int64(0), a, i * size, a, j * size, np.int64(j))
            for lane in range(LANES):
                a[at + lane] = (a[at + lane] - done[lane]) * a[diagonal + lane]
                a[at + LANES + lane] = (a[at + LANES + lane] - done[LANES + lane]) * a[diagonal + lane]
        at = i * (size + 1) * ELEMENT
        done[:] = 0.0
        if i:
            dot(done, np.int64(0), a, i * size, a, i * size, np.int64(i))
        # The diagonal holds the inverse of the factor's.
        for lane in range(LANES):
            rest = a[at + lane] + shift[lane] - done[lane]
            good[lane] &= rest > 0
            a[at + lane] = 1 / np.sqrt(rest) if rest > 0 else 0.0
