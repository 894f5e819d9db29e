"""Sound made ready ahead of its time: a thread decodes into a bounded buffer, the player drains it."""

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import structlog

from audio.decode import decode_args
from audio.errors import AudioError, EngineFailed
from audio.opusfile import OpusFile
from device_agent.mixer import Sound
from device_agent.relay.rules import Account
from device_agent.relay.sound import LEAD_S, RelaySound, Station, Trouble, joined
from device_agent.sinks import FRAME_BYTES, RATE_HZ

log = structlog.get_logger(__name__)

_READY_BYTES: Final = RATE_HZ // 2 * FRAME_BYTES
_BUFFER_BYTES: Final = 10 * RATE_HZ * FRAME_BYTES
"""Just under a megabyte. What follows is opened when the last of a file is in here: time enough on a busy machine."""
_READ_BYTES: Final = 16_384
_AGAIN_AND_AGAIN: Final = 1000


class PreparedSound(Sound, Protocol):
    """A sound that says when it can be played without a gap."""

    @property
    def ready(self) -> bool:
        """Whether half a second (or all of it) is here."""

    @property
    def at_hand(self) -> bool:
        """Whether its end is near, and no decoder needed for it: what follows may be opened."""


class Decoding(Protocol):
    """A clip's samples, one after another. It belongs to the thread that reads it."""

    def read(self) -> bytes:
        """Return the next samples; nothing at the end. Raises an `AudioError` for a broken file."""

    def close(self) -> None:
        """Let go of the file."""


class FfmpegChild:
    """What libopusfile does not take, or all where it is not installed: a child that decodes costs 30 MB."""

    def __init__(self, path: Path, *, from_ms: int = 0) -> None:
        self._child = subprocess.Popen(
            decode_args(path, from_ms=from_ms),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def read(self) -> bytes:
        """Return the next samples; nothing at the end. Raises `EngineFailed` for a broken file."""
        if self._child.stdout is not None and (pcm := self._child.stdout.read(_READ_BYTES)):
            return pcm
        if (status := self._child.wait()) != 0:
            raise EngineFailed(engine="ffmpeg", detail=f"status {status}")
        return b""

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        with self._child:
            pass


def decoding(path: Path, *, from_ms: int = 0) -> Decoding:
    """Begin to decode a clip `from_ms` into it. Raises an `AudioError` or OSError."""
    try:
        return OpusFile(path, from_ms=from_ms)
    except AudioError:
        return FfmpegChild(path, from_ms=from_ms)


class DecodedFile:
    """A clip being decoded from an offset on.

    `on_ready` is called from the decoding thread when it is ready, and again when all that is left of it is here.
    """

    def __init__(self, path: Path, *, from_ms: int = 0, on_ready: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._from_ms = from_ms
        self._on_ready = on_ready
        self._room = threading.Condition()
        self._buffer = bytearray()
        self._closed = False
        self._drained = False
        self._failed = False
        self._ready = False
        threading.Thread(target=self._run, name="decoder", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether half a second (or all of it) is here."""
        return self._ready and not self._failed

    @property
    def at_hand(self) -> bool:
        """Whether the decoder has ended and the rest lies in the buffer."""
        return self._drained

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        with self._room:
            return self._drained and not self._buffer

    @property
    def failed(self) -> bool:
        """Whether the file could not be decoded to its end."""
        return self._failed

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames."""
        with self._room:
            pcm = bytes(self._buffer[: frames * FRAME_BYTES])
            del self._buffer[: frames * FRAME_BYTES]
            self._room.notify()
        return pcm

    def close(self) -> None:
        """End the decoder; does not wait for it."""
        with self._room:
            self._closed = True
            self._room.notify()

    def _run(self) -> None:
        try:
            with closing(decoding(self._path, from_ms=self._from_ms)) as samples:
                self._fill(samples)
        except (OSError, AudioError) as error:
            log.warning("decoder.failed", clip=self._path.name, error=str(error))
            self._failed = True
        with self._room:
            self._drained = True
        self._ready = True
        self._on_ready()

    def _fill(self, samples: Decoding) -> None:
        while pcm := samples.read():
            with self._room:
                self._room.wait_for(lambda: self._closed or len(self._buffer) < _BUFFER_BYTES)
                if self._closed:
                    return
                self._buffer += pcm
                enough = len(self._buffer) >= _READY_BYTES
            if enough and not self._ready:
                self._ready = True
                self._on_ready()


class Samples:
    """Sound that is wholly in memory: a tone, or silence."""

    ready = True
    failed = False
    at_hand = True

    def __init__(self, pcm: bytes) -> None:
        self._rest = memoryview(pcm)

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return not self._rest

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames."""
        pcm, self._rest = self._rest[: frames * FRAME_BYTES], self._rest[frames * FRAME_BYTES :]
        return bytes(pcm)

    def close(self) -> None:
        """Nothing to let go of."""


class Streamed:
    """Sound that is made as it is read, such as a siren."""

    ready = True
    failed = False
    at_hand = True

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = next(chunks, b"")

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return not self._rest

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames."""
        wanted = frames * FRAME_BYTES
        while len(self._rest) <= wanted and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        pcm, self._rest = self._rest[:wanted], self._rest[wanted:]
        return pcm

    def close(self) -> None:
        """Nothing to let go of."""


class Silence:
    """A pause of any length, made as it is read."""

    ready = True
    failed = False

    def __init__(self, silence_ms: int) -> None:
        self._frames = silence_ms * RATE_HZ // 1000

    @property
    def at_hand(self) -> bool:
        """Whether its end is near: what follows may cost data."""
        return self._frames <= LEAD_S * RATE_HZ

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return not self._frames

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames."""
        frames = min(frames, self._frames)
        self._frames -= frames
        return bytes(frames * FRAME_BYTES)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a programme: a file from an offset on, silence of a length, or a station for its time."""

    path: Path | None
    from_ms: int = 0
    silence_ms: int = 0
    station: Station | None = None


class Programme:
    """Pieces one after another without a gap, and never two decoders at work.

    The next piece is opened when the last of the one before lies in its buffer, some ten seconds before that ends.
    """

    def __init__(self, pieces: Sequence[Piece], on_ready: Callable[[], None] = lambda: None) -> None:
        self._waiting = list(pieces)
        self._on_ready = on_ready
        self._failed = False
        self._begun = False
        self._closed = False
        self._opening = threading.Lock()
        self._next: PreparedSound | None = None
        self._account: Account | None = None
        with self._opening:
            self._current: PreparedSound = self._opened(self._begin) or Samples(b"")
        if self._current.ready:
            self._begin()

    @property
    def ready(self) -> bool:
        """Whether its first piece is, and the second where the first is over at once."""
        return self._begun and self._current.ready and (self._next is None or self._next.ready or self._next.failed)

    @property
    def at_hand(self) -> bool:
        """Whether its last piece is."""
        return not self._waiting and self._current.at_hand and (self._next is None or self._next.at_hand)

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return self._current.ended and self._next is None and not self._waiting

    @property
    def failed(self) -> bool:
        """Whether some piece could not be decoded to its end."""
        return self._failed or self._current.failed

    @property
    def account(self) -> Account | None:
        """How much of its relays so far was what; None when there was none."""
        return joined(self._account, _account(self._current))

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the station that should be heard now."""
        return self._current.trouble if isinstance(self._current, RelaySound) else None

    def read(self, frames: int) -> bytes:
        """Return up to `frames` frames."""
        pcm = self._current.read(frames)
        self._look_ahead()
        while len(pcm) < frames * FRAME_BYTES and self._current.ended and self._next is not None:
            self._failed |= self._current.failed
            self._account = self.account
            self._current.close()
            self._current, self._next = self._next, None
            pcm += self._current.read(frames - len(pcm) // FRAME_BYTES)
            self._look_ahead()
        return pcm

    def close(self) -> None:
        """Let go of every open piece."""
        with self._opening:
            self._closed = True
            self._current.close()
            if self._next is not None:
                self._next.close()

    def _begin(self) -> None:
        """The first piece is ready. Once all of it is here, it may be too short to open the next while it is heard."""
        self._look_ahead(self._tell)
        self._begun = True
        self._tell()

    def _tell(self) -> None:
        """From the threads of both pieces: the later one finds it ready, and neither tells before it is."""
        if self.ready or self.failed:
            self._on_ready()

    def _look_ahead(self, on_ready: Callable[[], None] = lambda: None) -> None:
        if self._next is None:
            with self._opening:
                if self._next is None and self._current.at_hand and not self._closed:
                    self._next = self._opened(on_ready)

    def _opened(self, on_ready: Callable[[], None] = lambda: None) -> PreparedSound | None:
        if not self._waiting:
            return None
        piece = self._waiting.pop(0)
        if piece.station is not None:
            return RelaySound(piece.station, open_fallback=_repeated)
        if piece.path is None:
            return Silence(piece.silence_ms)
        return DecodedFile(piece.path, from_ms=piece.from_ms, on_ready=on_ready)


def _account(sound: PreparedSound) -> Account | None:
    return sound.account if isinstance(sound, RelaySound) else None


def _repeated(path: Path) -> Programme:
    """A clip again and again, longer than any relay."""
    return Programme([Piece(path)] * _AGAIN_AND_AGAIN)


def prepare(pieces: Sequence[Piece], on_ready: Callable[[], None]) -> PreparedSound:
    """Begin to decode `pieces`; `on_ready` may be called from another thread."""
    match pieces:
        case [Piece(path=Path() as path, from_ms=from_ms)]:
            return DecodedFile(path, from_ms=from_ms, on_ready=on_ready)
        case _:
            return Programme(pieces, on_ready)
