"""The speakers that are registered."""
