"""What the player reads while somebody speaks: the opening chime at the very beginning, then what they say."""

import threading
from collections.abc import Callable, Iterator

from audio import signals
from audio.opus import BadFrame, Decoder
from audio.signals import Signal
from device_agent.decoder import Streamed
from device_agent.live.jitter import Jitter
from device_agent.sinks import FRAME_BYTES

Decode = Callable[[bytes], bytes]


def chime() -> Iterator[bytes]:
    """What is heard before anybody speaks, on every speaker at the same instant."""
    return signals.samples(Signal.OPENING)


CHIME_MS = signals.length_ms(Signal.OPENING)


class LiveSound:
    """One stretch of a session on air. The link's thread puts, the player's reads.

    While nothing comes it brings nothing: the player then counts a gap, and gives the air back after five seconds.
    """

    failed = False
    at_hand = True

    def __init__(
        self, *, opening: bool, on_ready: Callable[[], None] = lambda: None, decode: Decode | None = None
    ) -> None:
        self._decode = decode or Decoder().decode
        self._on_ready = on_ready
        self._lock = threading.Lock()
        self._jitter = Jitter()
        self._chime = Streamed(chime()) if opening else None
        self._rest = b""
        self._over = False
        self._begun = False
        self._told = opening
        if opening:
            on_ready()

    @property
    def ready(self) -> bool:
        """Whether something can be heard: the chime, or enough of who speaks."""
        return self._chime is not None or self._over or self._jitter.filled

    @property
    def ended(self) -> bool:
        """Whether the session is over and all of it was read."""
        with self._lock:
            more = self._jitter.filled and len(self._jitter)
            return self._over and not self._rest and self._chime is None and not more

    def put(self, number: int, opus: bytes) -> bool:
        """Take a verified frame; False when it comes too late."""
        with self._lock:
            taken = self._jitter.put(number, opus)
            told, self._told = self._told, self._told or self._jitter.filled
        if self._told and not told:
            self._on_ready()
        return taken

    def finish(self) -> None:
        """Nobody speaks any more: what is at hand is still heard."""
        self._over = True

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames: as many as are here now."""
        pcm = b""
        if self._chime is not None:
            pcm = self._chime.read(frames)
            if not self._chime.ended:
                return pcm
            self._chime = None
        wanted = frames * FRAME_BYTES
        while len(pcm) + len(self._rest) < wanted and (more := self._next()):
            self._rest += more
        left = wanted - len(pcm)
        pcm, self._rest = pcm + self._rest[:left], self._rest[left:]
        return pcm

    def close(self) -> None:
        """Nothing to let go of but the decoder, which goes with this."""

    def _next(self) -> bytes:
        with self._lock:
            if not self._begun:  # what was said into the chime would be late for ever
                self._begun = True
                self._jitter.catch_up()
            opus = self._jitter.take()
        if opus is None or (self._over and not opus):
            return b""
        try:
            return self._decode(opus)
        except BadFrame:
            return self._decode(b"")
