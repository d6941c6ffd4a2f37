"""Ready-made kwant models, to use as they are or to start one's own from."""

from . import chain

__all__ = ["chain"]
