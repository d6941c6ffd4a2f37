"""What k_B T >> gamma means: the lattice against kinetic theory, at several ratios. Not a measure of time."""

import numpy as np

import kwant_dissip as kd
from kwant_dissip.figures import figure2
from kwant_dissip.systems import chain

RATIOS = (1, 2, 5, 10, 20)
# k_B T / E_F, and the bias over k_B T
TEMPERATURES, BIAS = (0.1, 0.2, 0.4), 0.1
WIRES = 6  # in mean free paths
WINDOW = (0.25, 4.0)  # from the scatterer, in mean free paths: where powers are compared


def compared(ratio, temperature):
    """Lattice and kinetic theory of a resonant dot at k_B T / gamma and k_B T / E_F.

    Returns
    -------
    resolution : float
        Of the lattice's state.
    current, power : float
        Largest difference of both theories, relative to the largest value in kinetic theory. Powers are averaged over
        the Fermi wavelength, as in pictures.
    """
    kbt = temperature * figure2.FERMI_ENERGY
    rate = kbt / ratio
    free_path = figure2.VELOCITY / rate
    length = int(WIRES * free_path)
    reservoirs = [kd.Reservoir(figure2.MU + sign * 0.5 * BIAS * kbt, kbt) for sign in (1, -1)]
    level = figure2.MU * (1 - figure2.COUPLING ** 2)
    syst = chain.resonant_dot(length=length, coupling=figure2.COUPLING, level=level).finalized()
    lattice = kd.steady_state(syst, reservoirs, kd.PhononBath(kbt, rate=lambda site: rate * chain.in_wires(site)))
    kinetic = kd.kinetic.steady_state(figure2.transmission, reservoirs, kd.PhononBath(kbt, rate=rate),
                                      velocity=figure2.velocity, length=length)
    missed, largest = [], []
    for wire in (0, 1):
        x, power, _ = lattice.profile(wire)
        near = (np.abs(x) > WINDOW[0] * free_path) & (np.abs(x) < WINDOW[1] * free_path)
        expected = np.interp(x[near], *kinetic.interpolate(kinetic.power, wire))
        missed.append(np.abs(power[near] - expected).max())
        largest.append(np.abs(expected).max())
    return lattice.thermal_resolution, lattice.current[0] / kinetic.current[0] - 1, max(missed) / max(largest)


def main():
    """Print both errors at every ratio and temperature."""
    print("k_B T / E_F  k_B T / gamma  lambda_F / l  current, lattice / kinetic - 1  power, largest difference")
    wavelength = 2 * np.pi / np.arccos(-0.5 * figure2.MU)
    for temperature in TEMPERATURES:
        for ratio in RATIOS:
            resolution, current, power = compared(ratio, temperature)
            free_path = ratio * figure2.VELOCITY / (temperature * figure2.FERMI_ENERGY)
            print(f"{temperature:11g} {resolution:14.3g} {wavelength / free_path:13.2f} {current:31.4f} {power:26.4f}",
                  flush=True)


if __name__ == "__main__":
    main()
