"""A wire in three dimensions that several test modules draw."""

import kwant
import numpy as np

import kwant_dissip as kd

LATTICE = kwant.lattice.cubic(norbs=1)
RESERVOIRS = [kd.Reservoir(3.05, 0.1), kd.Reservoir(2.95, 0.1)]


def solid(law=None, shape=(8, 3, 2)):
    """A wire in three dimensions with a slab in its middle that is not coupled to the phonons."""
    builder = kwant.Builder()
    builder[(LATTICE(*tag) for tag in np.ndindex(shape))] = 6.0
    builder[LATTICE.neighbors()] = -1.0
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0, 0)))
    lead[(LATTICE(0, y, z) for y, z in np.ndindex(shape[1:]))] = 6.0
    lead[LATTICE.neighbors()] = -1.0
    builder.attach_lead(lead)
    builder.attach_lead(lead.reversed())
    bath = kd.PhononBath(0.1, rate=lambda site: 0.05 * (site.tag[0] != 4))
    return kd.steady_state(builder.finalized(), RESERVOIRS, bath, electrostatics=law, rtol=1e-2)
