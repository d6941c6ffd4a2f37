"""Ready-made kwant models, to use as they are or to start one's own from."""

from . import chain, graphene, ribbon

__all__ = ["chain", "graphene", "ribbon"]


def __dir__():
    return __all__
