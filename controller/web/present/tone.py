"""How something is, in one word: what every page shows alike."""

from enum import StrEnum


class Tone(StrEnum):
    """How something is, as a colour *and* a shape: each name is an icon too."""

    GOOD = "good"
    AIR = "air"
    WAIT = "wait"
    WARN = "warn"
    BAD = "bad"
    AWAY = "away"
    """Not heard, though it should be."""
    OFF = "off"
    """Out of service on purpose, or over: no trouble."""
