"""A whole commune on one machine: broker, controller and virtual speakers, each a real process."""
