"""`loa agent doctor`: what a technician at the pole would ask of the sound, answered in plain words."""
