"""The controller's heartbeat, and knowing that one is blind without it."""

from collections.abc import Callable

from protocol.messages import Problem

BLIND_AFTER_S = 100.0
"""EN 54-16's limit for showing a fault."""


class PulseWatch:
    """Counts from the agent's start: who never heard a pulse is blind too."""

    def __init__(self, mono: Callable[[], float], *, blind_after_s: float = BLIND_AFTER_S) -> None:
        self._mono = mono
        self._blind_after_s = blind_after_s
        self._last_s = mono()

    def beat(self) -> None:
        """A genuine pulse arrived."""
        self._last_s = self._mono()

    def problems(self) -> tuple[Problem, ...]:
        """Whether the controller has been silent for too long."""
        if self._mono() - self._last_s < self._blind_after_s:
            return ()
        return (Problem(code="blind", text="no pulse from the controller; playing by the stored plan"),)
