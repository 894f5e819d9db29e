"""What a CAP message asks of us: a decision over values, with nothing looked up and no clock of its own.

The caller loads what `asked_about` names, lets `judge` decide, and carries out the `Intake`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controller.alerts.standing import Danger, Hazard
from controller.cap.errors import (
    Duplicate,
    NothingToSay,
    NotTheirName,
    OutsideArea,
    Over,
    ReferenceExpired,
    ReferenceMissing,
    Superseded,
)
from controller.cap.geometry import GEOCODE_NAMES, Atlas, Targets
from controller.cap.hazards import danger_in
from controller.cap.ladder import DEFAULT_LADDER, Ladder
from controller.cap.message import (
    Category,
    Info,
    Key,
    Message,
    MessageType,
    Resource,
    ResponseType,
    Scope,
    SenderName,
    Status,
)
from controller.cap.reading import decoded
from controller.cap.speech import Voice, farewell, voices
from controller.text import Text
from protocol.messages import AlertKind
from schedules.types import AlertId, Priority

LIFETIME: Final = timedelta(hours=2)
"""Of an alert whose message names none: the standard leaves it to each recipient."""
LIFETIME_MAX: Final = timedelta(days=7)
INLINE_MAX_BYTES: Final = 300 * 1024
"""Sound inside a message; more does not fit into one that `loading` takes."""


class Release(StrEnum):
    """What becomes of a sender's emergencies. What is less urgent always waits for an officer."""

    AT_ONCE = "at_once"
    OFFICER = "officer"
    """They wait until an officer lets them go."""


@dataclass(frozen=True, slots=True)
class SenderPolicy:
    """What one sender may do. Its areas are the atlas."""

    names: frozenset[SenderName] = frozenset()
    """What its messages may call their sender; empty: anything."""
    release: Release = Release.OFFICER
    ladder: Ladder = DEFAULT_LADDER
    languages: tuple[str, ...] = ("vi",)
    """The languages its areas hear, the first first."""
    geocode_names: frozenset[str] = GEOCODE_NAMES


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the same sender that was taken before, and what came of it."""

    key: Key
    status: Status
    expires_at: datetime
    """When the last of its alerts ends or has ended; an alert that was cancelled ended then."""
    alerts: tuple[AlertId, ...] = ()
    """What was raised for it, or what has replaced that since."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the messages that `asked_about` names."""

    messages: Mapping[Key, Seen] = field(default_factory=dict)
    superseded: frozenset[tuple[Status, Key]] = frozenset()
    """What taken messages of that status have named in their references, also what never arrived."""


class Outcome(StrEnum):
    """What a message that was taken comes to."""

    RAISE = "raise"
    UPDATE = "update"
    CANCEL = "cancel"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a message that was taken all the same, with IPAWS-OPEN's number where it has one."""

    number: int | None
    code: str
    sentence: Text


VALID: Final = Notice(200, "cap_valid", Text("The message is valid"))
SIGNED: Final = Notice(202, "cap_signed", Text("The signature is the sender's"))
RAISED_ANEW: Final = Notice(
    ReferenceMissing.number,
    ReferenceMissing.code,
    Text("None of the referenced messages is known here, so this update is taken as a new alert"),
)
NOTHING_TO_CANCEL: Final = Notice(
    ReferenceMissing.number,
    ReferenceMissing.code,
    Text("None of the referenced messages is known here; should they arrive later, they will not be heard"),
)
PARTLY_OUTSIDE: Final = Notice(
    OutsideArea.number, OutsideArea.code, Text("Part of the area is not the sender's, and is not reached")
)
UNPLACED: Final = Notice(
    None, "cap_unplaced", Text("The area is given in words only: an officer must choose the areas")
)
SHORTENED: Final = Notice(None, "cap_shortened", Text("What is read out was shortened: it is too long"))
NOT_FOR_AIR: Final = Notice(
    None,
    "cap_silent",
    Text("Such a message is never heard: a test, a draft, a system message, an acknowledgement, or not public"),
)

_NOTICES: Final = {
    notice.code: notice for notice in (VALID, SIGNED, RAISED_ANEW, PARTLY_OUTSIDE, UNPLACED, SHORTENED, NOT_FOR_AIR)
}


def noticed(code: str, outcome: Outcome) -> Notice | None:
    """Return the notice that was kept by its code, of a message that came to `outcome`; None: one of another time."""
    if (code, outcome) == (NOTHING_TO_CANCEL.code, Outcome.CANCEL):
        return NOTHING_TO_CANCEL
    return _NOTICES.get(code)


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording that goes with an alert. It stands in for the voice only where it can be had in time."""

    mime_type: str
    uri: str | None
    inline: bytes | None
    sha1: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One alert that a message asks for."""

    kind: AlertKind
    priority: Priority
    event: str
    categories: tuple[Category, ...]
    headline: str
    voices: tuple[Voice, ...]
    audio: tuple[Audio, ...]
    targets: Targets
    """Nobody, where the message gives the place in words only."""
    starts_at: datetime
    expires_at: datetime
    held: bool
    """Whether it waits for an officer."""
    danger: Danger | None = None
    """What chooses siren and repeats: of real emergencies only."""
    hazard: Hazard | None = None
    """Of what it warns, however urgent, and in an exercise too."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What the alert room is to do: end some alerts, raise others, and say so."""

    outcome: Outcome
    raises: tuple[Wanted, ...] = ()
    ends: tuple[AlertId, ...] = ()
    """What is over: at once, or, where what replaces it is held, when that is let go. No gap of silence between."""
    says: tuple[Voice, ...] = ()
    """What is said where alerts are ended and nothing follows them."""
    notices: tuple[Notice, ...] = (VALID,)

    @property
    def held(self) -> bool:
        """Whether an officer is waited for."""
        return any(wanted.held for wanted in self.raises)


def asked_about(message: Message) -> frozenset[Key]:
    """The messages of which `judge` wants to know."""
    return frozenset({message.key, *(reference.key for reference in message.references)})


def judge(
    message: Message,
    policy: SenderPolicy,
    atlas: Atlas,
    known: Known,
    *,
    signed: bool,
    now: datetime,
) -> Intake:
    """Decide what `message` of one sender comes to; raises `CapRefused`. `atlas` holds this sender's areas only."""
    if policy.names and message.sender not in policy.names:
        raise NotTheirName
    if message.key in known.messages:
        raise Duplicate
    intake = _intended(message, policy, atlas, known, now)
    return replace(intake, notices=(VALID, *([SIGNED] if signed else []), *intake.notices))


def _intended(message: Message, policy: SenderPolicy, atlas: Atlas, known: Known, now: datetime) -> Intake:
    if (
        message.status not in {Status.ACTUAL, Status.EXERCISE}
        or message.type not in {MessageType.ALERT, MessageType.UPDATE, MessageType.CANCEL}
        or message.scope is not Scope.PUBLIC
    ):
        return Intake(Outcome.SILENT, notices=(NOT_FOR_AIR,))
    if (message.status, message.key) in known.superseded:
        raise Superseded
    if message.type is MessageType.ALERT:
        return _raised(message, policy, atlas, now)
    if not message.references:
        raise ReferenceMissing
    if message.type is MessageType.CANCEL or _all_clear(message.infos):
        return _cancelled(message, policy, known, now)
    return _updated(message, policy, atlas, known, now)


def _cancelled(message: Message, policy: SenderPolicy, known: Known, now: datetime) -> Intake:
    """End what is still in force of what it names, and say so."""
    named = _named(message, known)
    if not named:
        return Intake(Outcome.CANCEL, notices=(NOTHING_TO_CANCEL,))
    ends = tuple(alert for seen in named if seen.expires_at > now for alert in seen.alerts)
    if not ends:
        raise ReferenceExpired
    says = farewell(message.infos, policy.languages, exercise=message.status is Status.EXERCISE)
    return Intake(Outcome.CANCEL, ends=ends, says=says, notices=())


def _updated(message: Message, policy: SenderPolicy, atlas: Atlas, known: Known, now: datetime) -> Intake:
    """Replace what it names.

    An update says all anew. Where the message before never came here, people must hear this one all the same; but
    what the sender itself knew to be over is not brought back by naming it.
    """
    named = _named(message, known)
    if named and all(seen.expires_at <= min(message.sent, now) for seen in named):
        raise ReferenceExpired
    raised = _raised(message, policy, atlas, now)
    ends = tuple(alert for seen in named if seen.expires_at > now for alert in seen.alerts)
    notices = raised.notices if named else (RAISED_ANEW, *raised.notices)
    return replace(raised, outcome=Outcome.UPDATE if named else Outcome.RAISE, ends=ends, notices=notices)


def _named(message: Message, known: Known) -> tuple[Seen, ...]:
    """Alerts that it names and that are meant the same: an exercise cannot touch what is real, nor the reverse."""
    found = (known.messages.get(reference.key) for reference in message.references)
    return tuple(seen for seen in found if seen is not None and seen.alerts and seen.status is message.status)


def _raised(message: Message, policy: SenderPolicy, atlas: Atlas, now: datetime) -> Intake:
    """One alert for each thing that is told and still to come or in force."""
    if not message.infos:
        raise NothingToSay
    live = [info for info in message.infos if not _all_clear([info]) and _ends(message, info) > now]
    if not live:
        raise Over
    everywhere = tuple(place for info in message.infos for place in info.places)
    reached = [atlas.reached(info.places or everywhere, geocode_names=policy.geocode_names) for info in live]
    parts: list[_Part] = []
    for info, each in zip(live, reached, strict=True):
        if each.targets or not each.placed:
            same = next((part for part in parts if part.takes(info, each.targets)), None)
            if same is None:
                parts.append(_Part(each.targets, [info]))
            else:
                same.infos.append(info)
    wanted = tuple(_wanted(message, part, policy, now) for part in parts)
    if not wanted:
        raise OutsideArea
    return Intake(
        Outcome.RAISE,
        raises=wanted,
        notices=(
            *([PARTLY_OUTSIDE] if any(each.beyond for each in reached) else []),
            *([UNPLACED] if not all(each.targets for each in wanted) else []),
            *([SHORTENED] if any(voice.shortened for each in wanted for voice in each.voices) else []),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Tellings of one thing, to the same people: one alert, in one or more languages."""

    targets: Targets
    infos: list[Info]

    def takes(self, info: Info, targets: Targets) -> bool:
        """Whether this telling is another language of it, or the same words again."""
        return (
            targets == self.targets
            and _facts(info) == _facts(self.infos[0])
            and all(
                info.language.lower() != each.language.lower() or _words(info) == _words(each) for each in self.infos
            )
        )


def _facts(info: Info) -> object:
    return info.urgency, info.severity, info.certainty, info.responses, info.effective, info.expires


def _words(info: Info) -> object:
    return info.event, info.headline, info.description, info.instruction, info.parameters


def _wanted(message: Message, part: _Part, policy: SenderPolicy, now: datetime) -> Wanted:
    first, targets = part.infos[0], part.targets
    exercise = message.status is Status.EXERCISE
    spoken = voices(part.infos, policy.languages, exercise=exercise)
    priority = max(policy.ladder.priority(info) for info in part.infos)
    danger = danger_in(part.infos)
    told = next((info for info in part.infos if spoken and info.language == spoken[0].language), first)
    return Wanted(
        kind=AlertKind.EXERCISE if exercise else AlertKind.ACTUAL,
        priority=priority,
        event=told.event,
        categories=told.categories,
        headline=told.headline or told.event,
        voices=spoken,
        audio=tuple(filter(None, map(_audio, told.resources))) if not exercise else (),
        targets=targets,
        starts_at=max(told.effective or message.sent, now),
        expires_at=_ends(message, first),
        held=policy.release is Release.OFFICER or not targets or priority is not Priority.EMERGENCY,
        danger=danger if priority is Priority.EMERGENCY and not exercise else None,
        hazard=danger.hazard if danger else None,
    )


def _audio(resource: Resource) -> Audio | None:
    """A recording, if it is one; not one of which we know already that it is broken."""
    if not resource.mime_type.lower().startswith("audio/"):
        return None
    inline = decoded(resource.inline_base64, bytes_max=INLINE_MAX_BYTES) if resource.inline_base64 else None
    if inline is not None and resource.digest:
        same = hashlib.sha1(inline, usedforsecurity=False).hexdigest() == resource.digest.lower()
        inline = inline if same else None
    if inline is None and resource.uri is None:
        return None
    return Audio(resource.mime_type, resource.uri, inline, resource.digest.lower() if resource.digest else None)


def _all_clear(infos: Iterable[Info]) -> bool:
    """Whether it says that all is over, and nothing else."""
    responses = [info.responses for info in infos]
    return bool(responses) and all(ResponseType.ALL_CLEAR in each for each in responses)


def _ends(message: Message, info: Info) -> datetime:
    begins = info.effective or message.sent
    return min(info.expires or begins + LIFETIME, begins + LIFETIME_MAX)
