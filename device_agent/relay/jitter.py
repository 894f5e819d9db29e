"""Sound that came over a network and waits for its turn: bounded, and no older than it must be."""

import threading
from collections import deque
from typing import Final

from device_agent.sinks import FRAME_BYTES, RATE_HZ

HOLD_FRAMES: Final = 4 * RATE_HZ
"""How much of a steady stream is kept: a pause of the network as long as this is not heard."""
HOLD_CHUNKED_FRAMES: Final = 20 * RATE_HZ
"""The same for a stream that comes in segments (HLS: 6–10 s each, three of them at first; RFC 8216, section 6.3.3)."""
_SPARE_FRAMES: Final = 10 * RATE_HZ


class Jitter:
    """Filled by one thread, drained by another; at most 2.9 MB."""

    def __init__(self, hold_frames: int = HOLD_FRAMES) -> None:
        self._hold = hold_frames
        self._capacity = hold_frames + _SPARE_FRAMES
        self._lock = threading.Lock()
        self._blocks: deque[tuple[bytes, bool]] = deque()
        self._frames = 0
        self._hushed = 0
        self._heard = False

    @property
    def full(self) -> bool:
        """Whether the sender must wait: only while the buffer is heard. Else the oldest makes room."""
        return self._heard and self._frames >= self._capacity

    def put(self, pcm: bytes, *, loud: bool) -> None:
        """Add a block; `loud` when it is more than silence."""
        with self._lock:
            self._blocks.append((pcm, loud))
            self._frames += len(pcm) // FRAME_BYTES
            if not self._heard:
                self._trim(self._hold)

    def take(self, frames: int) -> bytes:
        """Return up to `frames` frames."""
        taken = bytearray()
        with self._lock:
            while self._blocks and len(taken) < frames * FRAME_BYTES:
                pcm, loud = self._blocks.popleft()
                wanted = frames * FRAME_BYTES - len(taken)
                if len(pcm) > wanted:
                    self._blocks.appendleft((pcm[wanted:], loud))
                    pcm = pcm[:wanted]
                taken += pcm
                self._left(pcm, loud=loud)
        return bytes(taken)

    def listen(self, *, heard: bool) -> None:
        """Say whether it is heard: while it is not, it holds the newest only."""
        with self._lock:
            self._heard = heard
            if not heard:
                self._trim(self._hold)

    def clear(self) -> None:
        """The connection broke: what nobody hears is stale. What is being heard is heard to its end."""
        with self._lock:
            if not self._heard:
                self._trim(0)
                self._hushed = 0

    @property
    def seen(self) -> tuple[int, int]:
        """Frames that are here, and for how long what left it last was silence."""
        with self._lock:
            return self._frames, self._hushed

    def _trim(self, frames: int) -> None:
        while self._frames > frames:
            pcm, loud = self._blocks.popleft()
            self._left(pcm, loud=loud)

    def _left(self, pcm: bytes, *, loud: bool) -> None:
        gone = len(pcm) // FRAME_BYTES
        self._frames -= gone
        self._hushed = 0 if loud else self._hushed + gone
