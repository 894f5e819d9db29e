"""How a speaker comes to its certificate, keeps it, and loses it."""
