"""What wants the air besides the plan: an alert, a person speaking. The same order decides about them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from device_agent.clock import TrustedClock
from device_agent.decoder import PreparedSound
from device_agent.ports import PlayKind
from schedules.entry import last_entry
from schedules.types import PlannedOccurrence, Priority

CallKind = Literal["alert", "live"]
MakeSound = Callable[[int, Callable[[], None]], PreparedSound | None]
"""Opens the sound from so many milliseconds on; None where it is not to be had now.

The callable may be called from any thread, once the sound is ready.
"""


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody's wish for the air.

    `occurrence` says when and how. An alert restarts, so that it is heard whole, until it `expires_at`; what it wants
    to say is as long as its sound. A live session rejoins; its `duration_ms` is the limit at which it ends, if its
    source has not ended before.
    """

    occurrence: PlannedOccurrence
    kind: CallKind
    make_sound: MakeSound
    called_mono_s: float
    withdrawn: bool = False
    """It wants the air no more; what is left of it fades out."""

    def by(self, clock: TrustedClock) -> PlannedOccurrence:
        """Return the occurrence in the clock's time: where that is not trusted it begins when it was called."""
        wish = self.occurrence
        if clock.trusted:
            return wish
        shift = clock.utc_at(self.called_mono_s) - wish.starts_at
        return replace(
            wish,
            starts_at=wish.starts_at + shift,
            raised_at=wish.raised_at or wish.starts_at,
            expires_at=None if wish.expires_at is None else wish.expires_at + shift,
        )


class Calls:
    """The calls in force.

    They live in memory only, on purpose: after a restart those who made them make them again from what they keep, and
    the journal knows what of them was heard.
    """

    def __init__(self, clock: TrustedClock) -> None:
        self._clock = clock
        self._calls: dict[str, Call] = {}

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __getitem__(self, name: str) -> Call | None:
        return self._calls.get(name)

    def kind(self, name: str) -> PlayKind:
        """What records call something: what was not called is planned."""
        call = self._calls.get(name)
        return "occurrence" if call is None else call.kind

    def add(self, occurrence: PlannedOccurrence, kind: CallKind, make_sound: MakeSound) -> None:
        """Take a call, or what is new about one."""
        known = self._calls.get(occurrence.id)
        since = known.called_mono_s if known is not None else self._clock.mono()
        self._calls[occurrence.id] = Call(occurrence, kind, make_sound, since)

    def withdraw(self, name: str) -> None:
        """Have it want the air no more, though it is still known what it was."""
        if (call := self._calls.get(name)) is not None:
            self._calls[name] = replace(call, withdrawn=True)

    def remove(self, name: str) -> Call | None:
        """Forget a call."""
        return self._calls.pop(name, None)

    def wishes(self) -> tuple[PlannedOccurrence, ...]:
        """Return who wants the air. Without a trusted clock nobody can tell the quiet hours: emergencies only."""
        wishes = (call.by(self._clock) for call in self if not call.withdrawn)
        return tuple(each for each in wishes if self._clock.trusted or each.priority is Priority.EMERGENCY)

    def is_over(self, call: Call) -> bool:
        """Whether it may no longer begin."""
        return self._clock.utc_at(self._clock.mono()) >= last_entry(call.by(self._clock))
