"""The controller's end of the wire."""
