"""A person speaking now: who may, to whom, until when, and what is kept of it."""
