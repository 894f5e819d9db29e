"""Has the next sound decoded before its time, so that nothing is silent when its turn comes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from device_agent.decoder import Piece, PreparedSound
from device_agent.score import Cue

log = structlog.get_logger(__name__)

_LIMIT_S: Final = 10.0
ATTEMPTS: Final = 3
"""So often a sound may fail before it is called unplayable."""

Prepare = Callable[[Sequence[Piece], Callable[[], None]], PreparedSound]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sound that is being decoded for a cue."""

    cue: Cue
    sound: PreparedSound
    since_mono_s: float


class Preparation:
    """At most one sound at a time.

    `wake` is called in the event loop when it is ready, `undecodable` with its occurrence when it cannot be.
    """

    def __init__(
        self,
        prepare: Prepare,
        *,
        wake: Callable[[], None],
        mono: Callable[[], float],
        undecodable: Callable[[str], None],
    ) -> None:
        self._prepare = prepare
        self._wake = wake
        self._mono = mono
        self._prepared: Prepared | None = None
        self._undecodable = undecodable

    def follow(self, cue: Cue | None, pieces: Callable[[Cue], Sequence[Piece]]) -> None:
        """Prepare what the cue asks for, keep what is already being prepared for it, drop anything else."""
        prepared = self._prepared
        if prepared is not None and self._failed(prepared):
            self._undecodable(prepared.cue.occurrence.id)
            self.drop()
        elif prepared is not None and cue is not None and cue.continues(prepared.cue):
            if cue.offset_ms == 0:
                self._prepared = Prepared(cue, prepared.sound, prepared.since_mono_s)
            return
        self.drop()
        if cue is not None and (found := pieces(cue)):
            self._prepared = Prepared(cue, self._prepare(found, self._waker()), self._mono())

    @property
    def waiting(self) -> Prepared | None:
        """What is prepared or about to be."""
        return self._prepared

    def take(self) -> Prepared | None:
        """Hand out the sound if it is ready; it is the taker's from then on."""
        prepared = self._prepared
        if prepared is None or not prepared.sound.ready:
            return None
        self._prepared = None
        return prepared

    def drop(self) -> None:
        """Prepare nothing."""
        if self._prepared is not None:
            self._prepared.sound.close()
            self._prepared = None

    def _failed(self, prepared: Prepared) -> bool:
        slow = not prepared.sound.ready and self._mono() - prepared.since_mono_s > _LIMIT_S
        return prepared.sound.failed or slow

    def _waker(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                log.debug("sound.ready_after_loop")

        return wake
