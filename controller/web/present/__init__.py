"""From what the services know to what the templates show: pure functions, with `now` passed in."""
