"""How loud what sounds is: measured on the samples that the sink has consumed, so that silence on air is seen."""

import audioop
import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from device_agent.sinks import FRAME_BYTES, RATE_HZ

_FULL: Final = 32768
_SHOWN_FRAMES: Final = RATE_HZ // 2
_HOLDS_FRAMES: Final = RATE_HZ // 10
"""An answer is good for so long: it is asked for with every chunk, and nobody sees it change faster."""
SILENCE_DBFS: Final = -99.0


@dataclass(frozen=True, slots=True)
class Level:
    """Of the last half second that sounded, in dB below full scale."""

    rms_dbfs: float
    peak_dbfs: float


class Meter:
    """Measures pieces as they are written and answers for those that have been consumed."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, int, int, int]] = deque()
        """End in the stream, frames, RMS, peak."""
        self._answer: tuple[int, Level] | None = None

    def note(self, end: int, pcm: bytes) -> None:
        """Take what was written up to frame `end`."""
        if pcm:
            self._pieces.append(
                (end, len(pcm) // FRAME_BYTES, audioop.rms(pcm, FRAME_BYTES), audioop.max(pcm, FRAME_BYTES))
            )

    def level(self, position: int) -> Level:
        """How loud it is when the sink has consumed up to `position`, a tenth of a second ago at most."""
        if self._answer is None or not 0 <= position - self._answer[0] < _HOLDS_FRAMES:
            self._answer = (position, self._measured(position))
        return self._answer[1]

    def _measured(self, position: int) -> Level:
        while self._pieces and self._pieces[0][0] <= position - _SHOWN_FRAMES:
            self._pieces.popleft()
        heard = [piece for piece in self._pieces if piece[0] <= position]
        frames = sum(piece[1] for piece in heard)
        power = sum(piece[1] * piece[2] ** 2 for piece in heard) / frames if frames else 0.0
        return Level(dbfs(math.sqrt(power)), dbfs(max((piece[3] for piece in heard), default=0)))


def dbfs(amplitude: float) -> float:
    """Return an amplitude of 16-bit samples in dB below full scale, never less than `SILENCE_DBFS`."""
    return max(SILENCE_DBFS, round(20 * math.log10(amplitude / _FULL), 1)) if amplitude else SILENCE_DBFS
