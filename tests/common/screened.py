"""Chains with electrostatics, between two reservoirs, that several test modules solve."""

import kwant
import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain

MU, TEMPERATURE, RATE = -1.4, 0.03, 0.06
FERMI_ENERGY = MU + 2
LAWS = [kd.Poisson(1.0), kd.Poisson(20.0), kd.Neutrality()]


def system(kind, length=30):
    if kind == "barrier":
        return chain.barrier(length=length)
    return chain.resonant_dot(length=length, coupling=kind, level=MU * (1 - kind ** 2))


def solve(builder, bias, law, *, rate=RATE, path=None, mu=MU, temperature=TEMPERATURE, potentials=(None, None),
          **options):
    builder = builder.finalized() if isinstance(builder, kwant.Builder) else builder
    if path is not None:
        bath = kd.PhononBath(temperature, mean_free_path=lambda site: path if chain.in_wires(site) else np.inf)
    else:
        bath = kd.PhononBath(temperature, rate=lambda site: rate * chain.in_wires(site))
    reservoirs = [kd.Reservoir(mu + sign * 0.5 * bias, temperature, potential)
                  for sign, potential in zip((1, -1), potentials, strict=True)]
    return kd.steady_state(builder, reservoirs, bath, electrostatics=law, **options)


def coherent(builder, bias, law, **options):
    return solve(builder, bias, law, rate=0.0, **options)
