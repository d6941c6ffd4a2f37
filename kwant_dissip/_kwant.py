"""kwant, imported without its warning that MUMPS is missing: only ``method="kwant"`` gets slower by that.

Who imports kwant before this package sees the warning: it is kwant's.
"""

import warnings

MISSING = (
    "kwant is not installed, and kwant_dissip needs it. With conda: `conda install -c conda-forge kwant`. With pip it "
    "is built from source, with gcc: `pip install 'setuptools>=77' wheel cython 'numpy>=2' scipy tinyarray`, then "
    "`pip install --no-cache-dir --use-pep517 --no-build-isolation --config-settings=--global-option=--cython "
    "kwant==1.5.0`. Or, in a clone of kwant_dissip: `make install`.")

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "MUMPS is not available", RuntimeWarning)
    try:
        import kwant
    except ModuleNotFoundError as error:
        if error.name != "kwant":
            raise
        raise ModuleNotFoundError(MISSING, name="kwant") from None

__all__ = ["kwant"]
