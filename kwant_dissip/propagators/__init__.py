"""How electrons travel from sources to sites at given energies."""
