"""Signals and sirens as people may look them up and hear them."""
