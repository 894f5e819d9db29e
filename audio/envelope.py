"""How loud a sound is every hundredth of a second: enough to know what a compressor and a limiter will do to it."""

import audioop
from array import array
from itertools import compress, count

from audio.ffmpeg import BYTES_PER_SECOND

HOP_MS = 10
_HOP_BYTES = BYTES_PER_SECOND * HOP_MS // 1000
_SAMPLE_BYTES = 2
FULL_SCALE = 32_768


class Envelope:
    """Peak and RMS of each hop, of samples as they pass: 1.4 MB an hour."""

    def __init__(self) -> None:
        self.peaks = array("H")
        self.rms = array("H")
        self._waiting = b""

    def add(self, samples: bytes) -> None:
        """Take more mono signed 16-bit samples; a chunk may end inside a hop."""
        data = self._waiting + samples
        whole = len(data) - len(data) % _HOP_BYTES
        for at in range(0, whole, _HOP_BYTES):
            hop = data[at : at + _HOP_BYTES]
            self.peaks.append(audioop.max(hop, _SAMPLE_BYTES))
            self.rms.append(audioop.rms(hop, _SAMPLE_BYTES))
        self._waiting = data[whole:]

    def sounding_ms(self, threshold_db: float) -> tuple[int, int] | None:
        """From the first to the end of the last hop above a level (dBFS, RMS); None when all is below."""
        threshold = FULL_SCALE * 10 ** (threshold_db / 20)
        above = [rms > threshold for rms in self.rms]
        first = next(compress(count(), above), None)
        if first is None:
            return None
        last = len(above) - next(compress(count(), reversed(above)))
        return first * HOP_MS, last * HOP_MS
