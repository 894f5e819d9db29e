"""Speakers as marks on a map. Pure."""

from dataclasses import dataclass
from datetime import datetime

from controller.areas.outlines import Position
from controller.monitoring.fleet import SpeakerNow
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.causes import causes, tone_name
from controller.web.present.speakers import SpeakerFacts, tone_of, tone_rank
from controller.web.views import Tone


@dataclass(frozen=True, slots=True)
class Mark:
    """One speaker on the map."""

    id: str
    name: str
    place: str
    lat: float
    lon: float
    tone: Tone
    cause: str
    """The first thing that is wrong, in words; empty where nothing is."""
    since: str


def position(speaker: SpeakerNow) -> Position | None:
    """Return where it stands; None where nobody said."""
    return None if speaker.lat is None or speaker.lon is None else (speaker.lon, speaker.lat)


def mark(speaker: SpeakerNow, facts: SpeakerFacts, formats: Formats, now: datetime) -> Mark:
    """Show a speaker that has a position."""
    first = next(iter(causes(facts, formats, now)), None)
    lon, lat = position(speaker) or (0.0, 0.0)
    return Mark(
        facts.id,
        facts.name,
        facts.place,
        lat,
        lon,
        tone_of(facts),
        first.text if first else "",
        first.since if first else "",
    )


def states(t: Translator) -> tuple[tuple[Tone, str], ...]:
    """Return the states in words, the worst first."""
    return tuple((tone, tone_name(tone, t)) for tone in sorted(Tone, key=tone_rank))
