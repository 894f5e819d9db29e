"""What a technician must look at: since when, until when, and who has seen to it."""
