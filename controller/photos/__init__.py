"""Photos of speakers: what a technician should know before climbing the pole."""
