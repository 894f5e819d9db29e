"""Chimes and sirens as the page of signals sees them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SignalView:
    """A chime or a siren, in the reader's language."""

    kind: str
    name: str
    meaning: str
    source: str
    duration_s: float
    url: str
