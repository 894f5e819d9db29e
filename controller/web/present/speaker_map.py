"""Speakers as marks on a map. Pure."""

from datetime import datetime
from typing import NamedTuple

from controller.areas.outlines import Position
from controller.monitoring.fleet import Fine, SpeakerNow, Standing
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.causes import causes, tone_name
from controller.web.present.speakers import SpeakerFacts, fine_tone, tone_of, tone_rank
from controller.web.present.tone import Tone


class Mark(NamedTuple):
    """One speaker on the map: of thousands each is made into a dictionary, which this does at once."""

    id: str
    name: str
    place: str
    lat: float
    lon: float
    tone: Tone
    cause: str
    """The first thing that is wrong, in words; empty where nothing is."""
    since: str


def position(speaker: SpeakerNow | Standing) -> Position | None:
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


def fine_mark(speaker: Fine, place: str) -> Mark:
    """Show a speaker that has a position and with which nothing is wrong."""
    lon, lat = position(speaker) or (0.0, 0.0)
    return Mark(speaker.id, speaker.name, place, lat, lon, fine_tone(speaker), "", "")


def states(t: Translator) -> tuple[tuple[Tone, str], ...]:
    """Return the states in words, the worst first; who is out of service stands on no map."""
    return tuple((tone, tone_name(tone, t)) for tone in sorted(set(Tone) - {Tone.OFF}, key=tone_rank))
