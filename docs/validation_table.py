"""The numbers that have a source, computed anew for the page on validation; the tests ask for more of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

import kwant_dissip as kd
from kwant_dissip import kinetic
from kwant_dissip.figures import figure2
from kwant_dissip.systems import chain
from models import uniform_chain

DAMATO = "D'Amato 1990"
LEUMER = "this package's own, of the model of Leumer 2024"
NAGAEV = "Nagaev 1995"
NOISE = "Beenakker 1992"


class Number(NamedTuple):
    """A line of the table."""

    what: str
    source: str
    expected: float
    value: float


def resistances() -> Iterator[Number]:
    """Chains with a probe on every site."""
    for bath, name in ((kd.PhononBath(1e-4, rate=1.0), "voltage"), (kd.ElasticBath(rate=1.0), "elastic")):
        found = {}
        for sites in (1, 2, 3, 10):
            state = kd.steady_state(uniform_chain(sites), [kd.Reservoir(5e-6, 1e-4), kd.Reservoir(-5e-6, 1e-4)], bath)
            found[sites] = 1e-5 / (2 * np.pi * state.current[0])
        for sites, expected in ((1, 1.25), (2, 1.5347222222), (3, 1.7678571429), (10, 3.5851963411)):
            yield Number(f"resistance of {sites} site{'s' * (sites > 1)}, {name} probes, $\\gamma = t$ ($h/e^2$)",
                         DAMATO, expected, found[sites])
    for rate in (0.3, 1.0, 3.0):
        first, second = (1e-5 / (2 * np.pi * kd.steady_state(
            uniform_chain(sites), [kd.Reservoir(5e-6, 1e-4), kd.Reservoir(-5e-6, 1e-4)],
            kd.PhononBath(1e-4, rate=rate)).current[0]) for sites in (200, 300))
        yield Number(rf"resistance per site, $\gamma = {rate}\,t$: "
                     r"$\frac{\gamma}{4t}\sqrt{1 + (\gamma/4t)^2}$", DAMATO,
                     0.25 * rate * np.sqrt(1 + (0.25 * rate) ** 2), (second - first) / 100)


def diffusive_wires() -> Iterator[Number]:
    """Long uniform wires."""
    temperature, bias, path, sites = 0.01, 0.05, 20.0, 400
    leads = [kd.Reservoir(bias / 2, temperature), kd.Reservoir(-bias / 2, temperature)]
    state = kd.steady_state(uniform_chain(sites), leads, kd.ElectronBath(mean_free_path=path))
    yield Number(r"$T_e$ in the middle of a wire of $20\,\ell$: $\sqrt{T^2 + (3/4\pi^2) V^2}$", NAGAEV,
                 np.sqrt(temperature ** 2 + 0.75 / np.pi ** 2 * bias ** 2),
                 state.electron_temperature[sites // 2 - 1:sites // 2 + 1].mean())
    state = kd.steady_state(uniform_chain(200), leads, kd.ElasticBath(mean_free_path=path))
    conductance = 2 * np.pi * state.current[0] / bias
    yield Number(r"conductance of an elastic wire of $10\,\ell$: $1/(1 + L/2\ell)$ ($e^2/h$)",
                 "closed form", 1 / 6, conductance)
    warm = kd.steady_state(uniform_chain(200), [kd.Reservoir(0.0, 0.0101), kd.Reservoir(0.0, 0.0099)],
                           kd.ElasticBath(mean_free_path=path))
    yield Number(r"its Lorenz number: $\pi^2/3$", "Wiedemann-Franz", np.pi ** 2 / 3,
                 2 * np.pi * warm.energy_current[0] / 0.0002 / temperature / conductance)
    for bath, expected, name, source in ((kd.ElasticBath(mean_free_path=10.0), 1 / 3, "elastic", NOISE),
                                         (kd.ElectronBath(mean_free_path=10.0), np.sqrt(3) / 4, "hot electrons",
                                          NAGAEV)):
        state = kd.steady_state(uniform_chain(1600), [kd.Reservoir(0.05, 1e-3), kd.Reservoir(-0.05, 1e-3)], bath,
                                rtol=1e-4)
        energies = np.linspace(-0.3, 0.3, 1201)
        f = kd.local_distribution(state, energies)
        yield Number(rf"$\frac{{2}}{{V}} \int \langle f(1-f) \rangle dE$, {name}, $160\,\ell$, $T = V/100$ (there: "
                     "infinite length, $T = 0$)", source, expected,
                     2 / 0.1 * np.sum((f * (1 - f)).mean(axis=0)) * (energies[1] - energies[0]))


def closed_forms() -> Iterator[Number]:
    """Constant mean free path, and heat without a bath."""
    def transmission(energy):
        return 0.15 ** 2 / ((energy - 0.05) ** 2 + 0.15 ** 2)

    state = kinetic.steady_state(transmission, [kd.Reservoir(0.1, 0.1), kd.Reservoir(-0.1, 0.1)],
                                 kd.PhononBath(0.1, mean_free_path=1.0), velocity=np.ones_like, length=20.0)
    drop = 0.2 - 2 * np.pi * state.current[0] * 21
    exact = kd.analytic.constant_mean_free_path(transmission, temperature=0.1, drop=drop, mean_free_path=1)
    yield Number(r"current, kinetic theory, wires of $20\,\ell$", "[closed form](physics.md)", exact.current,
                 state.current[0])
    for side, sign in (("left", -1), ("right", 1)):
        node = np.flatnonzero(sign * state.x > 0)[0 if sign > 0 else -1]
        yield Number(f"power {side} of the scatterer, kinetic theory", "[closed form](physics.md)",
                     exact.power(state.x[node:node + 1])[0], state.power[node])
    saddle, mu, temperature, bias = kd.analytic.saddle_point(curvature=1.0, level_spacing=2.0), 0.9, 0.002, 1e-5
    heat = kd.analytic.landauer_heat(saddle, [kd.Reservoir(mu + s * 0.5 * bias, temperature) for s in (1, -1)])
    slope = (saddle(np.array([mu + 1e-5])) - saddle(np.array([mu - 1e-5])))[0] / 2e-5
    yield Number(r"$Q_R - Q_L$ of a saddle at $k_BT = 0.002$: $\frac{2\pi^2}{3} T^2 \mathcal{T}'(\mu) V / 2\pi$",
                 "Blaas-Anselmi 2021", np.pi / 3 * temperature ** 2 * slope * bias,
                 heat.heat_right - heat.heat_left)


def spots() -> Iterator[Number]:
    """Heat and cold spots around the dot of figure 2, by two theories."""
    lattice, state = figure2.lattice_state(0.2, 0.006), figure2.kinetic_state(0.2, 0.006)
    yield Number("current of figure 2, $k_BT = 0.2\\,E_F$: lattice", f"kinetic, {LEUMER}", state.current[0],
                 lattice.current[0])
    inside = ([spot for spot in kd.heat_spots(found) if not spot.is_end] for found in (lattice, state))
    for one, two in zip(*inside, strict=True):
        yield Number(f"position of its {one.kind} spot over $\\ell$: lattice", f"kinetic, {LEUMER}",
                     two.position / figure2.MEAN_FREE_PATH, one.position / figure2.MEAN_FREE_PATH)


def transmissions() -> Iterator[Number]:
    """Ready-made models against their formulas, by kwant."""
    ratio, level, energy = 0.3 ** 2, -0.84, -0.9
    dot = kinetic.from_kwant(chain.resonant_dot(length=1, coupling=0.3, level=level).finalized())
    width = ratio * np.sqrt(4 - energy ** 2)
    yield Number("transmission of `systems.chain.resonant_dot` at $E = -0.9$", "closed form",
                 width ** 2 / ((energy - level - ratio * energy) ** 2 + width ** 2),
                 dot.transmission(np.array([energy]))[0])


def write(path: Path) -> None:
    """Write the table as Markdown."""
    lines = ["| what | source | there | here | off |", "|---|---|---|---|---|"]
    parts = (resistances, diffusive_wires, closed_forms, spots, transmissions)
    for number in (number for part in parts for number in part()):
        off = abs(number.value / number.expected - 1)
        numbers = f"{number.expected:.7g} | {number.value:.7g} | {off:.1e}".replace("-", "−")  # where no line breaks
        lines.append(f"| {number.what} | {number.source} | {numbers} |")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(Path("validation_table.md"))
