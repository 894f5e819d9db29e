"""A simulated fleet: thousands of speakers that speak the real wire, and make no sound."""
