"""Steady states with microscopic phonons, in the self-consistent Born approximation."""
