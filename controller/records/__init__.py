"""What was really played, each thing once."""
