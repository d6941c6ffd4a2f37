"""How unequally a quantum point contact heats its two sides.

Coherent contact (a saddle in the potential) between reservoirs, no bath: Q_R - Q_L against the Fermi energy. It peaks
at every conductance step, and follows (2 pi^2/3) T^2 T'(mu) V / 2 pi at low temperature; divided by the whole heat it
peaks only at the higher steps and keeps growing below the first. Writes asymmetry_at_a_point_contact.png.
"""

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd

CURVATURE, SPACING, TEMPERATURE, BIAS = 0.4, 1.0, 0.02, 1e-3
TRANSMISSION = kd.analytic.saddle_point(curvature=CURVATURE, level_spacing=SPACING, modes=6)


def derivative(energy, step=1e-5):
    """dT/dE."""
    return (TRANSMISSION(energy + step) - TRANSMISSION(energy - step)) / (2 * step)


if __name__ == "__main__":
    energies = np.linspace(0.05, 3.2, 200)
    exact, law = [], []
    for mu in energies:
        exact.append(kd.analytic.landauer_heat(
            TRANSMISSION, [kd.Reservoir(mu + s * 0.5 * BIAS, TEMPERATURE) for s in (1, -1)]))
        law.append(kd.analytic.sommerfeld_heat(TRANSMISSION, derivative, mu=mu, temperature=TEMPERATURE, bias=BIAS))
    asymmetry, expected = (np.array([heat.heat_right - heat.heat_left for heat in heats]) for heats in (exact, law))
    whole = np.array([heat.heat_right + heat.heat_left for heat in exact])
    peaks = energies[1:-1][(asymmetry[1:-1] > asymmetry[:-2]) & (asymmetry[1:-1] > asymmetry[2:])]
    print("Q_R - Q_L peaks at", ", ".join(f"{peak:.2f}" for peak in peaks), "(steps at 0.5, 1.5, 2.5)")
    figure, (top, middle, bottom) = plt.subplots(3, 1, sharex=True, figsize=(6, 6.6), layout="constrained")
    top.plot(energies, TRANSMISSION(energies), color="black")
    top.set_ylabel(r"conductance ($e^2/h$)")
    middle.plot(energies, 1e6 * asymmetry, color="#0072B2", lw=2.5, label="exact")
    middle.plot(energies, 1e6 * expected, color="#E69F00", lw=1.2, ls="--",
                label=r"$\frac{2\pi^2}{3} (k_BT)^2\, T'(\mu)\, V / 2\pi$")
    middle.set_ylabel(r"$Q_R - Q_L$ ($10^{-6}\,E_0^2/\hbar$)")
    middle.set_ylim(top=2.2e6 * asymmetry.max())
    middle.legend(frameon=False, ncols=2, loc="upper center")
    bottom.semilogy(energies, asymmetry / whole, color="#009E73", lw=2)
    bottom.set(xlabel=r"Fermi energy $\mu$ ($\hbar\omega_y$)", ylabel=r"$(Q_R - Q_L) / (Q_R + Q_L)$")
    for axis in (top, middle, bottom):
        for step in (0.5, 1.5, 2.5):
            axis.axvline(step, color="0.85", lw=0.8, zorder=0)
    figure.savefig("asymmetry_at_a_point_contact.png", dpi=150)
