"""One-off orders to speakers, and what became of each."""
