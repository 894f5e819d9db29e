"""From the percent an officer chooses to the factor samples are multiplied with."""

from typing import Final

_RANGE_DB: Final = 40.0


def gain(percent: int) -> float:
    """Return the linear factor of a volume: equal steps sound equal.

    100 % is the clip as it was made (0 dB); each 10 % less is 4 dB less, so 70 % is −12 dB; 0 % is silence.
    """
    if percent <= 0:
        return 0.0
    return float(10 ** (-_RANGE_DB * (1 - min(percent, 100) / 100) / 20))
