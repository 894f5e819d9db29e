"""How a place says what a voice would say wrong."""
