"""The thermal image of a GaAs wire at 4 K, as a SQUID on a tip sees it.

A wire of one mode (two with its spin) 2 meV above the bottom of its band, with a resonant defect, at 4.2 K. Electrons
have 1.0e5 m/s and a mean free path of 1 um: k_B T is 5 times hbar v / l. The tip has the noise and the size of
D. Halbertal et al., Nature 539, 407 (2016), 1 uK/Hz^(1/2) and 50 nm, hovers 50 nm above the wire and stays 1 s at each
point: a line takes five minutes. What it sees are some uK, which change sides with the current.

The thermal numbers are estimates, not measured: of a free-standing wire 100 nm thick that lies on a substrate, phonons
that its surface scatters carry the heat along (C v d / 3, with Debye's C T^3), and Kapitza's law with 1e-3 K^4 m^2/W,
the order of what boundaries between solids have, takes it away. In a wire that gates cut out of a plane of electrons
the crystal itself is the substrate, in which the heat spreads: no wire's heat equation describes that.

Writes gaas_wire_image.png (.pdf, .h5) as ``kwant-dissip image`` does.
"""

import numpy as np
from scipy.constants import Boltzmann, electron_mass, electron_volt

import kwant_dissip as kd
from kwant_dissip.figures import wire_image

TEMPERATURE, FERMI_ENERGY, MASS = 4.2, 2e-3, 0.067  # K, eV, in electron masses
BIAS = 1e-4  # V
THICKNESS = 100e-9  # m
DEBYE, ATOMS, SOUND = 345.0, 4.43e28, 3.3e3  # of GaAs: K, 1/m^3, m/s
KAPITZA = 1e-3  # K^4 m^2/W, times T^-3 a resistance
TIP = kd.Tip(50e-9, height=50e-9, sensitivity=1e-6, dwell_time=1.0)


def wire():
    """The electrons: a parabolic band."""
    velocity = np.sqrt(2 * FERMI_ENERGY * electron_volt / (MASS * electron_mass))
    return wire_image.Wire(temperature=TEMPERATURE, fermi_energy=FERMI_ENERGY, resonance_width=0.5 * FERMI_ENERGY,
                           mean_free_path=1e-6, velocity=velocity, degeneracy=2)


def thermal():
    """The phonons."""
    capacity = 12 / 5 * np.pi ** 4 * ATOMS * Boltzmann * (TEMPERATURE / DEBYE) ** 3
    conductivity = capacity * SOUND * THICKNESS / 3 * 0.25 * np.pi * THICKNESS ** 2
    return kd.Thermal(conductivity=conductivity, substrate_temperature=TEMPERATURE,
                      coupling=kd.thermal.kapitza(TEMPERATURE ** 3 / KAPITZA * THICKNESS, TEMPERATURE))


if __name__ == "__main__":
    _, results = wire_image.make(".", wire(), BIAS, thermal(), TIP, name="gaas_wire_image", seed=1)
    print(results["state"]["forward"])
    print(results["field"]["forward"])
    print(f"noise of a reading: {TIP.noise:.2g} K")
