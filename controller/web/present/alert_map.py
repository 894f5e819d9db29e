"""The speakers of an alert as marks on a map. Pure."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row

from controller.monitoring.fleet import Standing
from controller.web.i18n import Translator
from controller.web.present.speaker_map import position
from controller.web.present.tone import Tone
from protocol.messages import AlertPhase


@dataclass(frozen=True, slots=True)
class Mark:
    """One speaker on the map."""

    id: str
    name: str
    place: str
    lat: float
    lon: float
    tone: Tone

    def as_json(self) -> dict[str, Any]:
        """As a feed carries it."""
        return asdict(self)


def awaited(speaker: Standing) -> Mark | None:
    """Show a speaker that a draft addresses; None where nobody said where it stands."""
    at = position(speaker)
    if at is None:
        return None
    lon, lat = at
    return Mark(speaker.id, speaker.name, speaker.place.name, lat, lon, Tone.WAIT if speaker.online else Tone.AWAY)


def reached(row: Row[*tuple[Any, ...]]) -> Mark:
    """Show a speaker of `ReachRepository.standing`."""
    return Mark(row.id, row.name, row.place, row.lat, row.lon, tone(row))


def tone(row: Row[*tuple[Any, ...]]) -> Tone:
    """How a speaker of `ReachRepository.standing` is."""
    if row.phase is AlertPhase.SOUNDING:
        return Tone.AIR
    if row.finished:
        return Tone.GOOD
    if row.phase is AlertPhase.FAILED:
        return Tone.BAD
    if row.received:
        return Tone.WAIT
    return Tone.WARN if row.online else Tone.AWAY


def legends(t: Translator) -> tuple[tuple[str, tuple[tuple[Tone, str], ...]], ...]:
    """Return what the marks mean in words, before the release and after it."""
    return (
        ("draft", ((Tone.WAIT, t("will be told at once")), (Tone.AWAY, t("offline")))),
        (
            "released",
            (
                (Tone.WAIT, t("have it")),
                (Tone.AIR, t("sounding now")),
                (Tone.GOOD, t("have sounded it")),
                (Tone.BAD, t("failed")),
                (Tone.WARN, t("no answer yet")),
                (Tone.AWAY, t("unreachable")),
            ),
        ),
    )


def drawing(polygon: str | None) -> Any:
    """Return what was drawn as GeoJSON; None where nothing was."""
    return json.loads(polygon) if polygon else None
