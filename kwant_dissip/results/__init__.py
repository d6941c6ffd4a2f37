"""What is found: results with units, files and pictures.

All that files can hold are imported, so that `store` knows them by their names.
"""

from . import kinetic_state, lattice_state, phonon_state, temperature_field, thermal_image  # noqa: F401
