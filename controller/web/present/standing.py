"""Standing messages as their reader sees them: whose words, how far their sound is, and which speakers hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.announcements.models import Status
from controller.areas.models import Area
from controller.standing.repository import Holding
from controller.standing.words import Message, blanks_in
from controller.web.formats import Formats
from controller.web.present.tone import Tone


@dataclass(frozen=True)
class MessageView:
    """One message, as it stands in its form."""

    hazard: str
    version: str
    """Of what holds there, whoever worded it."""
    headline: str
    text: str
    language: str
    second_text: str
    own: bool
    whose: str
    tone: Tone
    state: str
    clip: str
    problem: str = ""
    theirs: "Theirs | None" = None
    """What somebody else put there meanwhile."""


@dataclass(frozen=True)
class Theirs:
    """What holds now, beside what was typed."""

    headline: str
    text: str
    language: str
    second_text: str
    whose: str
    by: str
    """Who worded it, and when; empty where that is nobody here."""


@dataclass(frozen=True)
class OldView:
    """A speaker that would have to fetch something when it is needed."""

    device: str
    name: str
    area: str
    seen: str
    tone: Tone


def message(of: Message, area: Area, formats: Formats) -> MessageView:
    """Show what holds in an area."""
    sound, t = of.sound, formats.t
    whose = area.name if of.own else t("as it comes with the system") if of.shipped else _owner(of)
    tone, state = _state(of, formats)
    return MessageView(
        hazard=of.hazard.value,
        version=of.version,
        headline=of.headline,
        text=of.text,
        language=of.second_language or "",
        second_text=of.second_text,
        own=of.own,
        whose=whose,
        tone=tone,
        state=state,
        clip=sound.clip_sha256 or "" if sound else "",
    )


def theirs(of: Message, area: Area, formats: Formats) -> Theirs:
    """Show what somebody else put there while one was typing."""
    now, row = message(of, area, formats), of.row
    by = "" if row is None or of.shipped else f"{row.author}, {formats.clock(row.updated_at)}"
    return Theirs(now.headline, now.text, now.language, now.second_text, now.whose, by)


def old(found: Sequence[Holding], formats: Formats, now: datetime) -> list[OldView]:
    """Show who does not hold what it should."""
    return [
        OldView(
            each.device,
            each.name,
            each.area_name,
            formats.t("last seen %(when)s", when=formats.since(each.last_seen_at, now))
            if each.last_seen_at
            else formats.t("never seen"),
            Tone.WAIT if each.online else Tone.BAD,
        )
        for each in found
    ]


def _owner(of: Message) -> str:
    return of.row.area.name if of.row is not None else ""


def _state(of: Message, formats: Formats) -> tuple[Tone, str]:
    t, sound = formats.t, of.sound
    if blanks := blanks_in(of.text):
        return Tone.WAIT, t("to fill in: %(blanks)s", blanks=", ".join(blanks))
    if sound is None:
        return Tone.WAIT, t("spoken when it is raised")
    if sound.status is Status.FAILED:
        said = sound.error_vi if t.language == "vi" else sound.error_en
        return Tone.BAD, said or t("No sound could be made")
    if sound.status is Status.PROCESSING:
        return Tone.WAIT, t("The sound is being made")
    return Tone.GOOD, t("ready, %(length)s", length=formats.duration((sound.duration_ms or 0) / 1000))
