"""What of an alert wants the air, and under which name: pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from protocol.messages import Alert, AlertKind
from schedules.alerts import Airings, Due, due
from schedules.stagger import alert_delay
from schedules.types import OccurrenceId, Percent, PlannedOccurrence, Priority, Resume, ScheduleId

PartName = Literal["signal", "message"]
_AFTER_EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """The signal or the message of one airing."""

    alert: Alert
    due: Due
    name: PartName

    @property
    def id(self) -> OccurrenceId:
        """What the journal knows it by: a new sound is another thing to hear."""
        return part_id(self.alert, self.due.number, self.name)


def part_id(alert: Alert, number: int, name: PartName) -> OccurrenceId:
    """Return the id of a part of the `number`-th airing."""
    return OccurrenceId(f"{alert.id}.{alert.sound_revision}.{number}.{name}")


def names(alert: Alert) -> tuple[PartName, ...]:
    """Return what one airing consists of, in order."""
    signal: tuple[PartName, ...] = ("signal",) if alert.signal is not None else ()
    message: tuple[PartName, ...] = ("message",) if alert.message else ()
    return signal + message


def airing_over(alert: Alert, number: int, over: Callable[[OccurrenceId], bool]) -> bool:
    """Whether nothing more of an airing is to be heard: what is still being made belongs to it."""
    if alert.message_follows and not alert.message:
        return False
    return all(over(part_id(alert, number, name)) for name in names(alert))


def wanted(alert: Alert, now: datetime, over: Callable[[OccurrenceId], bool]) -> tuple[Part, ...]:
    """Return what is still to be heard of one airing: of the one whose time has come, or else of the next."""
    for each in due(airings_of(alert), now, lambda number: airing_over(alert, number, over)):
        return tuple(part for name in names(alert) if not over((part := Part(alert, each, name)).id))
    return ()


def in_turn(alert: Alert, turn: int) -> Alert:
    """Return an alert as it begins on a speaker of this turn, from what the speaker holds alone."""
    if not alert.stagger_ms:
        return alert
    return alert.model_copy(update={"starts_at": alert.starts_at + alert_delay(turn, alert.stagger_ms)})


def airings_of(alert: Alert) -> Airings:
    """Return when an alert wants to be heard."""
    return Airings(alert.starts_at, alert.expires_at, alert.repeat.first_gaps_s, alert.repeat.then_every_s)


def wish(part: Part, starts_at: datetime) -> PlannedOccurrence:
    """Return the part in the form in which the conductor decides about it.

    It has the priority of its alert. An exercise keeps quiet hours and yields to everything real; a test that nobody
    hears yields to everything.
    """
    alert = part.alert
    silent = alert.volume == 0
    priority = alert.priority
    if alert.kind is not AlertKind.ACTUAL:
        priority = Priority.ROUTINE if silent else min(priority, Priority.PRIORITY)
    return PlannedOccurrence(
        id=part.id,
        schedule_id=ScheduleId(""),
        title=alert.headline,
        starts_at=starts_at,
        duration_ms=duration_ms(part),
        priority=priority,
        issuer_depth=alert.issuer_depth,
        commune_rank=(part.name == "message") + (_AFTER_EVERYTHING if silent else 0),
        resume=Resume.RESTART,
        late_join_s=None,
        volume=Percent(100 if alert.volume is None else alert.volume),
        own_volume=alert.volume is not None,
        raised_at=alert.raised_at,
        expires_at=part.due.until,
    )


def nominal_start(part: Part) -> datetime:
    """Return when a part begins on a speaker that has everything in time: all such are in step."""
    follows_signal = part.name == "message" and part.alert.signal is not None
    return part.due.at + timedelta(milliseconds=part.alert.signal_ms if follows_signal else 0)


def duration_ms(part: Part) -> int:
    """Return how long a part sounds."""
    return part.alert.signal_ms if part.name == "signal" else sum(clip.duration_ms for clip in part.alert.message)
