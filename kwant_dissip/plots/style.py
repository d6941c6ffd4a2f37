"""Colours, markers and units that all pictures share."""

# Okabe and Ito's colours, told apart by colour-blind readers.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SPOT_MARKERS = {"heat": ("^", VERMILION, "heat spot"), "cold": ("v", BLUE, "cold spot")}
LENGTHS = {"model": "lattice unit", "SI": "m"}
POWERS = {"model": r"$E_0^2/\hbar$", "SI": "W"}
ENERGIES = {"model": "$E_0$", "SI": "eV"}
# Of the electrons, as a label.
TEMPERATURES = {"model": "$k_B T_e$ ($E_0$)", "SI": "$T_e$ (K)"}
