"""Figures that are made in one go: solve, draw, save."""
