"""Leads: self-energies, modes, and bands."""
