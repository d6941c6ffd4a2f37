"""What is unknown: chemical potentials, electrostatic potentials, from conservation."""
