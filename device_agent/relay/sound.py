"""What the player reads while a station is relayed: always as much as it asks for, and never more than was planned."""

import audioop
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, runtime_checkable

from device_agent.mixer import Sound
from device_agent.relay.jitter import Jitter
from device_agent.relay.rules import LIMITS, Account, Limits, Seen, Standing, Voice, after, spare_wanted
from device_agent.relay.source import RelaySource
from device_agent.sinks import FRAME_BYTES, RATE_HZ

LEAD_S: Final = 10.0
"""A station is called so long before its first sample, and no earlier: data cost money."""
_STEP_FRAMES: Final = RATE_HZ // 50
_RAMP_FRAMES: Final = RATE_HZ // 1000

Trouble = Literal["relay_silent", "relay_dead"]


@dataclass(frozen=True, slots=True)
class Station:
    """A station, for how long, and what sounds instead while it cannot be heard."""

    url: str
    duration_ms: int
    fallback: Path | None = None


@runtime_checkable
class Relaying(Protocol):
    """A sound in which stations are relayed."""

    @property
    def account(self) -> Account | None:
        """How much of the relays so far was what; None when there was none."""

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the station that should be heard now."""


class Spare(Sound, Protocol):
    """What stands in for a station, without an end of its own."""

    @property
    def ready(self) -> bool:
        """Whether it can be heard now."""


class Feed(Protocol):
    """Where a station's sound comes from."""

    @property
    def jitter(self) -> Jitter:
        """Its sound, as it came."""

    @property
    def flowing(self) -> bool:
        """Whether the connection stands and has brought sound lately."""

    def start(self) -> None:
        """Call the station, and keep connected."""

    def close(self) -> None:
        """Break off; does not wait for it."""


class RelaySound:
    """Ready from the beginning: when its time comes, something else sounds if the station does not."""

    ready = True
    failed = False

    def __init__(
        self,
        station: Station,
        *,
        open_fallback: Callable[[Path], Spare],
        source: Feed | None = None,
        limits: Limits = LIMITS,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = station.duration_ms * RATE_HZ // 1000
        self._limits = limits
        self._mono = mono
        self._called_mono_s = mono()
        self._standing: Standing | None = None
        self._fallback = station.fallback
        self._open_fallback = open_fallback
        self._spare: Spare | None = None
        self._spare_heard = False
        self._trouble: Trouble | None = None
        self.account = Account()
        self._source = source or RelaySource(station.url, window_s=station.duration_ms / 1000 + 2 * LEAD_S)
        self._source.start()

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return self._left == 0

    @property
    def at_hand(self) -> bool:
        """Whether its end is near, so that what follows may be opened."""
        return self._left <= LEAD_S * RATE_HZ

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the station, while it should be heard and is not."""
        return self._trouble

    def read(self, frames: int) -> bytes:
        """Return `frames` frames, or what is left of its time."""
        pcm = bytearray()
        while wanted := min(frames - len(pcm) // FRAME_BYTES, self._left, _STEP_FRAMES):
            block = self._step(wanted)
            if self._left <= _STEP_FRAMES:
                block = _ramped(block, self._left / _STEP_FRAMES, (self._left - wanted) / _STEP_FRAMES)
            pcm += block
            self._left -= wanted
        if not self._left:
            self.close()
        return bytes(pcm)

    def close(self) -> None:
        """Let go of the station and of what stands in for it."""
        self._left = 0
        self._trouble = None
        self._source.close()
        self._drop_spare()

    def _step(self, frames: int) -> bytes:
        before = self._standing or self._first_standing()
        buffered, hushed = self._source.jitter.seen
        seen = Seen(buffered, hushed, self._source.flowing, self._spare_ready())
        now = self._standing = after(before, seen, frames, self._limits)
        if now.voice is before.voice:
            pcm = self._take(now.voice, frames)
        else:
            leaving = _ramped(self._take(before.voice, frames), 1, 0)
            self._source.jitter.listen(heard=now.voice is Voice.SOURCE)
            pcm = audioop.add(leaving, _ramped(self._take(now.voice, frames), 0, 1), FRAME_BYTES)
        self.account = self.account.with_(now.voice, frames)
        self._judge(now, seen)
        return pcm

    def _first_standing(self) -> Standing:
        """The station was called some time ago: if it has not come by now, it has been waited for."""
        waited = round((self._mono() - self._called_mono_s) * RATE_HZ)
        return Standing(waited=min(waited, self._limits.patience))

    def _judge(self, standing: Standing, seen: Seen) -> None:
        if spare_wanted(standing, seen, self._limits):
            self._want_spare()
        else:
            self._drop_spare()
        if standing.voice is Voice.SOURCE or (
            standing.voice is Voice.SILENCE and standing.waited < self._limits.patience
        ):
            self._trouble = None
        else:
            self._trouble = "relay_silent" if seen.flowing and seen.hushed >= self._limits.hush else "relay_dead"

    def _take(self, voice: Voice, frames: int) -> bytes:
        match voice:
            case Voice.SOURCE:
                pcm = self._source.jitter.take(frames)
            case Voice.FALLBACK if self._spare is not None:
                pcm = self._spare.read(frames)
                self._spare_heard = self._spare_heard or bool(pcm)
            case _:
                pcm = b""
        return pcm + bytes(frames * FRAME_BYTES - len(pcm))

    def _spare_ready(self) -> bool:
        spare = self._spare
        if spare is not None and (spare.failed or spare.ended):
            if spare.failed or not self._spare_heard:
                self._fallback = None
            self._drop_spare()
            self._want_spare()
        return self._spare is not None and self._spare.ready and not self._spare.failed

    def _want_spare(self) -> None:
        if self._spare is None and self._fallback is not None:
            self._spare, self._spare_heard = self._open_fallback(self._fallback), False

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None


def joined(account: Account | None, other: Account | None) -> Account | None:
    """Both together."""
    return other if account is None else account if other is None else account + other


def _ramped(pcm: bytes, begin: float, end: float) -> bytes:
    """Change the volume from `begin` to `end` over the whole block, in steps of 1 ms."""
    size = _RAMP_FRAMES * FRAME_BYTES
    slope = (end - begin) / max(1, len(pcm))
    return b"".join(
        audioop.mul(pcm[at : at + size], FRAME_BYTES, begin + slope * at) for at in range(0, len(pcm), size)
    )
