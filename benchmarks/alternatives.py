"""One energy on a chain: kwant with one lead per probe, fuNEGF, hamop, and this package."""

import contextlib
import io

import kwant
import numpy as np

import kwant_dissip as kd
from kwant_dissip.systems import chain

from .models import BATH, MU, RATE, balance, barrier, seconds

_ENERGIES = np.linspace(MU - 0.3, MU + 0.3, 256)


def ours_per_energy(sites):
    """Green's function and occupation, per energy."""
    system = balance(sites)

    def run():
        spectrum = system.propagator.spectrum(_ENERGIES)
        filling, lead_filling = system.probes.fillings(_ENERGIES - MU, system.probes.start())
        return spectrum.occupation(spectrum.rate * filling, lead_filling)

    return seconds(run) / len(_ENERGIES)


def ours_green(sites):
    """Green's function alone (diagonal and the factors of the rest), per energy."""
    propagator = balance(sites).propagator
    return seconds(lambda: propagator.spectrum(_ENERGIES)) / len(_ENERGIES)


def probed_lead_by_lead(syst, energy, rate, rates=None):
    """Seconds for one energy with kwant alone: every probe a lead defined by its self-energy."""
    rates = np.full(len(syst.sites), rate) if rates is None else rates
    probed, leads = np.flatnonzero(rates), len(syst.leads)
    sigma = np.array([[-0.5j * rate]])
    for _ in probed:
        syst.leads.append(kwant.builder.SelfEnergyLead(lambda energy, args=(), params=None: sigma, (), ()))
    syst.lead_interfaces = [*syst.lead_interfaces, *([i] for i in probed)]
    filling = np.full(len(probed), 0.5)

    def run():
        green2 = np.abs(kwant.greens_function(syst, energy, check_hermiticity=False).data) ** 2
        return green2[:, -len(probed):] @ (rate * filling)

    time = seconds(run)
    del syst.leads[leads:]
    return time


def funegf_green(sites):
    """Dense inverse of fuNEGF's chain with -i gamma / 2 on every site."""
    from fuNEGF.models import LinearChain

    with contextlib.redirect_stdout(io.StringIO()):
        model = LinearChain(N=sites, t=-1.0, plot_dispersion=False)
    momentum = model.k_vs_E_fun(MU)
    sigma = -0.5j * RATE * np.eye(sites)
    return seconds(lambda: model.G_R_fun(momentum, MU, sigma))


def hamop_resistance(sites):
    """Seconds and effective transmission of hamop's D'Amato-Pastawski model, one energy."""
    from hamop import multiprobe_transmission

    layer, coupling = np.zeros((1, 1)), -np.ones((1, 1))
    arguments = [MU], [layer] * sites, [coupling] * (sites - 1), layer, coupling, RATE
    result = multiprobe_transmission(*arguments, eta=1e-12)
    return seconds(lambda: multiprobe_transmission(*arguments, eta=1e-12), least=0.0), result[0]


def ours_resistance(sites):
    """The same from a whole call of `steady_state` at a low temperature: all energies, nonlinear balance."""
    temperature, bias = 1e-4, 1e-5
    syst = chain.barrier(length=sites // 2 - 1, height=0.0, width=2).finalized()
    reservoirs = [kd.Reservoir(MU + 0.5 * bias, temperature), kd.Reservoir(MU - 0.5 * bias, temperature)]

    def run():
        return kd.steady_state(syst, reservoirs, kd.PhononBath(temperature, rate=RATE))

    return seconds(run), 2 * np.pi * run().current[0] / bias


def table():
    """Rows (what, ours, theirs, ratio) of the benchmark's table."""
    syst = barrier(400)
    ours, theirs = ours_per_energy(400), probed_lead_by_lead(syst, MU, RATE, BATH.site_rates(syst.sites))
    yield "one energy, 400 sites: kwant, one lead per probe", ours, theirs
    for sites in (400, 800):
        yield f"one energy, {sites} sites, Green's function: fuNEGF", ours_green(sites), funegf_green(sites)
    for sites in (400, 800):
        (ours, expected), (theirs, value) = ours_resistance(sites), hamop_resistance(sites)
        yield f"resistance, {sites} sites (T_eff {expected:.5f}, {value:.5f}): hamop", ours, theirs


def main():
    """Print the table."""
    print(f"{'against':<70} {'ours':>10} {'theirs':>10} {'ratio':>9}")
    for name, ours, theirs in table():
        print(f"{name:<70} {ours * 1e3:8.3f} ms {theirs * 1e3:7.1f} ms {theirs / ours:9.0f}")


