"""Kernels in C, several builds of them: the one for this processor is chosen at import.

Formulas stand beside the code, `*.h`. Many energies are worked on side by side, in as many lanes as a vector of the
processor has doubles; `python -m kwant_dissip.native` says which build runs.
"""

from ._kernels import chosen_build

BUILD, USABLE, LANES, KERNELS = chosen_build()
