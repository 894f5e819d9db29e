"""How each speaker's machine was over time."""
