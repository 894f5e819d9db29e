"""Emergencies on one speaker: what is in force, what of it is due, and how each stands."""
