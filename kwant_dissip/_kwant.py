"""kwant, imported without its warning that MUMPS is missing: only ``method="kwant"`` gets slower by that.

Who imports kwant before this package sees the warning: it is kwant's.
"""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "MUMPS is not available", RuntimeWarning)
    import kwant

__all__ = ["kwant"]
