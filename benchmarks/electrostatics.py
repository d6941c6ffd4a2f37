"""Outer steps and Krylov products with electrostatics, against the length; what it costs beside a plain solution."""

import time

import kwant_dissip as kd
from kwant_dissip.systems import chain

MU, TEMPERATURE, BIAS = -1.4, 0.03, 0.3
LENGTHS = (1_000, 3_000, 10_000)
LAWS = (None, kd.Poisson(1.0), kd.Poisson(20.0), kd.Neutrality())


def solve(sites, law):
    """A narrow dot in the middle, bias of half the Fermi energy."""
    syst = chain.resonant_dot(length=sites // 2, coupling=0.1, level=MU * 0.99).finalized()
    bath = kd.PhononBath(TEMPERATURE, rate=lambda site: 0.06 * chain.in_wires(site))
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * BIAS, TEMPERATURE) for sign in (1, -1)]
    return kd.steady_state(syst, reservoirs, bath, electrostatics=law)


def main():
    """Print all of it."""
    solve(100, kd.Poisson(1.0))  # compiles
    print(f"{'electrostatics':>24} {'sites':>7} {'seconds':>8} {'over plain':>11} {'steps':>6} "
          f"{'products per step':>18}")
    for sites in LENGTHS:
        plain = None
        for law in LAWS:
            start = time.perf_counter()
            state = solve(sites, law)
            elapsed = time.perf_counter() - start
            plain = plain or elapsed
            print(f"{law!s:>24} {sites:7d} {elapsed:8.2f} {elapsed / plain:11.1f} {state.newton_steps:6d} "
                  f"{state.products / max(1, state.newton_steps):18.1f}")
