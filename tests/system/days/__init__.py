"""A package, so that the town of its conftest is closed when its tests are over, and not at the end of all."""
