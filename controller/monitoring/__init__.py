"""How every speaker is, and who wants to know."""
