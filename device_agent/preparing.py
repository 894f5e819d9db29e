"""Has the next sound decoded before its time, so that nothing is silent when its turn comes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from device_agent.clock import TrustedClock
from device_agent.decoder import Piece, PreparedSound
from device_agent.score import Cue

log = structlog.get_logger(__name__)

_LIMIT_S: Final = 10.0
_PATIENCE_S: Final = 0.5
"""A sound that is so late is still waited for in silence: nothing else is begun for a moment's sake."""
ATTEMPTS: Final = 3
"""So often a sound may fail before it is called unplayable."""

Prepare = Callable[[Sequence[Piece], Callable[[], None]], PreparedSound]
Open = Callable[[Cue, Callable[[], None]], PreparedSound | None]
"""Begins to prepare what a cue asks for, and calls back when it is ready; None when it is not to be had."""


class Failed(Protocol):
    """Told of a sound that came to nothing."""

    def __call__(self, occurrence: str, *, slow: bool) -> None:
        """It was not decoded, or (`slow`) not in time."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sound that is being decoded for a cue."""

    cue: Cue
    sound: PreparedSound
    since_mono_s: float
    due_mono_s: float
    """The instant that was in view when it was begun."""
    asked_again: bool = False
    """Its cue allows for a sound that is on its way, no longer for one that has yet to be begun."""


class Preparation:
    """The sounds of the next cues: one, or two while the first keeps everybody waiting.

    `wake` is called in the event loop when a sound is ready, `failed` when it cannot be.
    """

    def __init__(self, open_sound: Open, *, wake: Callable[[], None], clock: TrustedClock, failed: Failed) -> None:
        self._open_sound = open_sound
        self._wake = wake
        self._clock = clock
        self._failed = failed
        self._prepared: dict[str, Prepared] = {}

    def follow(self, cues: Sequence[Cue]) -> None:
        """Prepare what the cues ask for, keep what is already being prepared for them, drop anything else."""
        wanted: dict[str, Cue] = {cue.occurrence.id: cue for cue in cues}
        for name, prepared in tuple(self._prepared.items()):
            cue = wanted.get(name)
            slow = not prepared.sound.ready and self._clock.mono() - prepared.since_mono_s > _LIMIT_S
            if prepared.sound.failed or slow:
                self._failed(name, slow=not prepared.sound.failed)
                self._drop(name)
                wanted.pop(name, None)
            elif cue is None or not cue.continues(prepared.cue):
                self._drop(name)
            else:
                told = cue if cue.offset_ms == 0 else prepared.cue
                self._prepared[name] = replace(prepared, cue=told, asked_again=True)
        for name, cue in wanted.items():
            if name not in self._prepared and (sound := self._open_sound(cue, self._waker())) is not None:
                self._prepared[name] = Prepared(cue, sound, self._clock.mono(), self._clock.mono_at(cue.at))

    def __contains__(self, occurrence: str) -> bool:
        return occurrence in self._prepared

    def waiting(self) -> tuple[Prepared, ...]:
        """What is prepared or about to be."""
        return tuple(self._prepared.values())

    def keeps_waiting(self, cue: Cue) -> bool:
        """Whether its sound is not ready though its instant has passed: somebody else may have the air meanwhile."""
        prepared = self._prepared.get(cue.occurrence.id)
        late = prepared is not None and self._clock.mono() > prepared.due_mono_s + _PATIENCE_S
        return prepared is not None and late and not prepared.sound.ready

    def take(self, prepared: Prepared) -> None:
        """Hand out a sound; it is the taker's from then on."""
        del self._prepared[prepared.cue.occurrence.id]

    def drop(self) -> None:
        """Prepare nothing."""
        for name in tuple(self._prepared):
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._prepared.pop(name).sound.close()

    def _waker(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                log.debug("sound.ready_after_loop")

        return wake
