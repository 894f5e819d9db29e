"""Ordered items assembled into uninterrupted stretches of sound."""
