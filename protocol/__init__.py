"""What the controller and the speakers say to each other: topics, messages, signing.

First floor: imports `schedules` only. Both sides build and read every message through these models.
"""
