"""Our alerts as CAP messages for others, and the feed in which they find them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from lxml import etree
from shapely.geometry import mapping

from controller.alerts.standing import Hazard
from controller.cap.geometry import BORDER_DEG, outline_of
from controller.cap.loading import Element
from controller.cap.message import (
    Category,
    Certainty,
    Info,
    Message,
    MessageId,
    MessageType,
    Named,
    Place,
    Point,
    Polygon,
    Reference,
    Resource,
    ResponseType,
    Scope,
    SenderName,
    Severity,
    Status,
    Urgency,
)
from controller.cap.reading import POINTS_MAX, SHAPES_MAX
from controller.cap.writing import without_controls
from controller.text import LANGUAGES, Text
from protocol.messages import AlertKind
from schedules.types import AlertId, AreaCode, Priority

ATOM: Final = "http://www.w3.org/2005/Atom"
CAP_TYPE: Final = "application/cap+xml"
AREA_CODE: Final = "VN.DVHC"
"""The name of a geocode that is an official code of an administrative unit (đơn vị hành chính)."""
BROADCAST_TEXT: Final = "broadcastText"
"""What our speakers say, word for word."""


@dataclass(frozen=True, slots=True)
class Scales:
    """How soon, how bad, how sure."""

    urgency: Urgency
    severity: Severity
    certainty: Certainty


SCALES: Final[Mapping[Priority, Scales]] = MappingProxyType(
    {
        Priority.EMERGENCY: Scales(Urgency.IMMEDIATE, Severity.SEVERE, Certainty.OBSERVED),
        Priority.LIVE: Scales(Urgency.EXPECTED, Severity.MODERATE, Certainty.LIKELY),
        Priority.PRIORITY: Scales(Urgency.EXPECTED, Severity.MODERATE, Certainty.LIKELY),
        Priority.ROUTINE: Scales(Urgency.UNKNOWN, Severity.MINOR, Certainty.UNKNOWN),
    }
)
"""What an alert says of itself where nobody has said more: `ladder.DEFAULT_LADDER` leads back to the same priority."""
_HAZARDS: Final[Mapping[Hazard, tuple[Category, Text]]] = MappingProxyType(
    {
        Hazard.STORM: (Category.MET, Text("Storm")),
        Hazard.FLOOD: (Category.MET, Text("Flood")),
        Hazard.DAM: (Category.MET, Text("Dam discharge")),
        Hazard.TSUNAMI: (Category.GEO, Text("Tsunami")),
        Hazard.EVACUATION: (Category.SAFETY, Text("Evacuation")),
        Hazard.FIRE: (Category.FIRE, Text("Fire")),
    }
)
"""What OASIS files a hazard under (a flood is Met), and its name: one that `hazards.danger_in` reads back."""
_REGIONS: Final = MappingProxyType({"vi": "vi-VN", "en": "en-US"})
_OVER: Final = Scales(Urgency.PAST, Severity.MINOR, Certainty.OBSERVED)
_STATUS: Final = MappingProxyType(
    {
        AlertKind.ACTUAL: Status.ACTUAL,
        AlertKind.EXERCISE: Status.EXERCISE,
        AlertKind.TEST: Status.TEST,
    }
)


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """An area of an alert of ours, or what was drawn by hand, which has no code."""

    code: AreaCode | None
    name: str
    polygon: str | None = None
    """GeoJSON, as `areas.models.Area` keeps it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, and in which language."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Sound:
    """The recording of an alert, for who would rather play than read it."""

    mime_type: str
    size_bytes: int
    url: str


@dataclass(frozen=True, slots=True)
class OwnAlert:
    """An alert of ours as it stands."""

    id: AlertId
    kind: AlertKind
    priority: Priority
    headline: str
    words: tuple[Words, ...]
    """At least one; the first is in the language of the headline."""
    places: tuple[OwnPlace, ...]
    told_at: tuple[datetime, ...]
    """When it was raised, and when each of its revisions was made, this one last; its cancellation is one, too."""
    expires_at: datetime
    cancelled: bool = False
    hazard: Hazard | None = None
    scales: Scales | None = None
    """What was said of it when it was raised; None: what its priority says."""
    sound: Sound | None = None
    """Of the first words."""
    replaces: tuple[Reference, ...] = ()
    """The messages of the alerts whose place it took."""

    def __post_init__(self) -> None:
        if len(self.told_at) < 1 + self.cancelled:
            raise ValueError("an alert was told when it was raised, and once more when it was cancelled")


def as_message(alert: OwnAlert, *, sender: SenderName, sender_name: str) -> Message:
    """The alert's newest revision as a message. The same alert always makes the same message."""
    names = [_identifier(alert, revision) for revision, _ in enumerate(alert.told_at, start=1)]
    earlier = zip(names[:-1], alert.told_at[:-1], strict=True)
    own = (Reference(sender, name, sent.replace(microsecond=0)) for name, sent in earlier)
    references = (*alert.replaces, *own)
    told = MessageType.UPDATE if references else MessageType.ALERT
    return Message(
        identifier=names[-1],
        sender=sender,
        sent=alert.told_at[-1].replace(microsecond=0),
        status=_STATUS[alert.kind],
        type=MessageType.CANCEL if alert.cancelled else told,
        scope=Scope.PUBLIC,
        references=references,
        infos=tuple(_info(alert, words, sender_name) for words in alert.words),
    )


def _identifier(alert: OwnAlert, revision: int) -> MessageId:
    return MessageId(f"{alert.id}.{revision}")


def _info(alert: OwnAlert, words: Words, sender_name: str) -> Info:
    first = words is alert.words[0]
    category, name = (_HAZARDS.get(alert.hazard) if alert.hazard else None) or (Category.SAFETY, None)
    scales = _OVER if alert.cancelled else alert.scales or SCALES[alert.priority]
    return Info(
        event=name.in_language(words.language) if name and words.language in LANGUAGES else alert.headline,
        categories=(category,),
        urgency=scales.urgency,
        severity=scales.severity,
        certainty=scales.certainty,
        language=_REGIONS.get(words.language, words.language),
        responses=(ResponseType.ALL_CLEAR,) if alert.cancelled else (),
        effective=alert.told_at[-1].replace(microsecond=0),
        expires=alert.expires_at.replace(microsecond=0),
        sender_name=sender_name,
        headline=alert.headline if first else None,
        description=words.text,
        parameters=(Named(BROADCAST_TEXT, words.text),),
        resources=(_resource(alert.sound),) if alert.sound and first else (),
        places=_places(alert.places),
    )


def _resource(sound: Sound) -> Resource:
    return Resource("Bản âm thanh", sound.mime_type, size_bytes=sound.size_bytes, uri=sound.url)


def _places(places: Sequence[OwnPlace]) -> tuple[Place, ...]:
    """Every place by its code where it has one, and drawn too, unless that is more than a reader takes."""
    drawn = [_rings(place.polygon) for place in places]
    points = sum(len(ring.points) for rings in drawn for ring in rings)
    fits = points <= POINTS_MAX and sum(map(len, drawn)) <= SHAPES_MAX
    return tuple(
        Place(
            place.name, polygons=rings if fits else (), geocodes=(Named(AREA_CODE, place.code),) if place.code else ()
        )
        for place, rings in zip(places, drawn, strict=True)
    )


def _rings(geojson: str | None) -> tuple[Polygon, ...]:
    """The outer rings; a CAP polygon has no holes. No more corners than the width of a border asks for."""
    if geojson is None:
        return ()
    outline: dict[str, Any] = mapping(outline_of(json.loads(geojson)).simplify(BORDER_DEG / 2))
    polygons = [outline["coordinates"]] if outline["type"] == "Polygon" else outline["coordinates"]
    return tuple(Polygon(tuple(Point(lat, lon) for lon, lat, *_ in rings[0])) for rings in polygons)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A message in the feed, with the address of its signed document."""

    message: Message
    url: str


def atom(entries: Iterable[FeedEntry], *, url: str, title: str, updated: datetime) -> bytes:
    """An Atom feed (RFC 4287) of messages, the newest first; `updated` counts where there is none."""
    newest = sorted(entries, key=lambda entry: entry.message.sent, reverse=True)
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _put(feed, "id", url)
    _put(feed, "title", title)
    _put(feed, "updated", max((entry.message.sent for entry in newest), default=updated).isoformat())
    etree.SubElement(feed, f"{{{ATOM}}}link", rel="self", href=url, type="application/atom+xml")
    _put(etree.SubElement(feed, f"{{{ATOM}}}author"), "name", title)
    for entry in newest:
        _entry(feed, entry)
    return etree.tostring(feed, xml_declaration=True, encoding="UTF-8")


def _entry(feed: Element, entry: FeedEntry) -> None:
    message = entry.message
    child = etree.SubElement(feed, f"{{{ATOM}}}entry")
    _put(child, "id", entry.url)
    _put(child, "title", next((info.headline or info.event for info in message.infos), message.type))
    _put(child, "updated", message.sent.isoformat())
    etree.SubElement(child, f"{{{ATOM}}}link", rel="alternate", href=entry.url, type=CAP_TYPE)
    _put(child, "summary", " ".join(info.description or "" for info in message.infos))


def _put(parent: Element, tag: str, text: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}{tag}").text = without_controls(text)
