"""The standing messages of areas: what officers start from, and what speakers keep the sound of."""
