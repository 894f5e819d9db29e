"""How much faster or slower a sound must be read to keep to its instants: a proportional and an integrating part.

What integrates is the drift between this speaker's sample clock and the trusted time. It belongs to the device, so what
was learnt in one broadcast serves the next.
"""

from typing import Final

SOFT_LIMIT: Final = 0.002
"""At most 0.2 % (3.5 cents) faster or slower: below what is heard in speech; 20 ms are caught up in 10 s."""
HARD_LIMIT_S: Final = 0.04
"""What is further away is set right at once: an echo would be heard for too long."""
_PULL_PER_S: Final = 0.25
_LEARN_PER_S2: Final = _PULL_PER_S**2 / 4
"""Critically damped: it settles without swinging over."""
_LEARN_BELOW_S: Final = 0.003
"""A larger error comes from a stall, and says nothing of the drift."""
_WAKE_S: Final = 0.000_1
_REST_S: Final = 0.000_03
_NO_DRIFT: Final = 3e-6


class Steering:
    """Remembers the drift. Nothing is corrected while it is small and the error within a tenth of a millisecond."""

    def __init__(self) -> None:
        self._drift = 0.0
        self._awake = False

    def rate(self, error_s: float, lasting_s: float) -> float:
        """Return how much faster to read for the next `lasting_s` when the sound is late by `error_s`."""
        if abs(error_s) > HARD_LIMIT_S:
            return self._drift
        if not self._awake and abs(error_s) < _WAKE_S and abs(self._drift) < _NO_DRIFT:
            return 0.0
        self._awake = abs(error_s) > _REST_S or abs(self._drift) >= _NO_DRIFT
        if abs(error_s) < _LEARN_BELOW_S:
            learnt = self._drift + _LEARN_PER_S2 * error_s * lasting_s
            self._drift = max(-SOFT_LIMIT / 2, min(SOFT_LIMIT / 2, learnt))
        return max(-SOFT_LIMIT, min(SOFT_LIMIT, self._drift + _PULL_PER_S * error_s))
