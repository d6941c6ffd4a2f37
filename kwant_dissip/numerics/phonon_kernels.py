"""Compiled kernels: electrons that give quanta to phonons and take them, on energies that a shift leads onto.

Arrays have shape (sites, energies); `shift` is the number of energies by which a quantum leads further. Beyond the ends
there are neither electrons nor holes.
"""

from .compiled import compiled


@compiled
def add_scattering(occupied, spectral, coupling, quanta, shift, into, rate):
    """Add what one mode scatters into states, and that in and out of them together.

        in(E) += D [(N + 1) n(E + w) + N n(E - w)],    out(E) += D [(N + 1) h(E - w) + N h(E + w)],    h = A - n

    Parameters
    ----------
    occupied, spectral : arrays of float, shape (sites, energies)
        n and A.
    coupling, quanta : arrays of float, shape (sites,)
        D and N.
    shift : int
    into, rate : arrays of float, shape (sites, energies)
        To be added to: in, and in + out.
    """
    sites, energies = occupied.shape
    for i in range(sites):
        emit, absorb = coupling[i] * (quanta[i] + 1.0), coupling[i] * quanta[i]
        if emit == 0.0:
            continue
        for k in range(energies - shift):
            entering = emit * occupied[i, k + shift]
            into[i, k] += entering
            rate[i, k] += entering + absorb * (spectral[i, k + shift] - occupied[i, k + shift])
        for k in range(shift, energies):
            entering = absorb * occupied[i, k - shift]
            into[i, k] += entering
            rate[i, k] += entering + emit * (spectral[i, k - shift] - occupied[i, k - shift])


@compiled
def add_response(change, filling, coupling, quanta, shift, result):
    """Add how the sources of one mode change with the occupation, at fixed spectral function.

        result(E) += D [(N + 1 - f(E)) x(E + w) + (N + f(E)) x(E - w)]

    Particles are conserved: what enters in the sum over energies is what the states lose.

    Parameters
    ----------
    change, filling : arrays of float, shape (sites, energies)
        x, the change of n, and f = n / A.
    coupling, quanta : arrays of float, shape (sites,)
    shift : int
    result : array of float, shape (sites, energies)
        To be added to.
    """
    sites, energies = change.shape
    for i in range(sites):
        d, n = coupling[i], quanta[i]
        if d == 0.0:
            continue
        for k in range(energies - shift):
            result[i, k] += d * (n + 1.0 - filling[i, k]) * change[i, k + shift]
        for k in range(shift, energies):
            result[i, k] += d * (n + filling[i, k]) * change[i, k - shift]


@compiled
def emitted(occupied, spectral, coupling, quanta, shift, result):
    """Net quanta that one mode gets at each site from electrons that end at an energy.

        result(E) = D [(N + 1) n(E + w) h(E) - N n(E) h(E + w)]

    Parameters
    ----------
    occupied, spectral : arrays of float, shape (sites, energies)
    coupling, quanta : arrays of float, shape (sites,)
    shift : int
    result : array of float, shape (sites, energies)
        Filled.
    """
    sites, energies = occupied.shape
    for i in range(sites):
        emit, absorb = coupling[i] * (quanta[i] + 1.0), coupling[i] * quanta[i]
        for k in range(energies):
            if k + shift < energies:
                n, high = occupied[i, k], occupied[i, k + shift]
                result[i, k] = (emit * high * (spectral[i, k] - n)
                                - absorb * n * (spectral[i, k + shift] - high))
            else:
                result[i, k] = 0.0
