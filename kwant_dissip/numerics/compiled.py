"""How kernels are compiled."""

from numba import njit

# Sums over energies may be reordered; nothing else of fast-math is wanted (nan and inf must stay visible).
compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
