"""From XML to a message: only what the schema allows, in values."""

import base64
import binascii
import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

from lxml import etree

from controller.cap.errors import BadCircle, BadPolygon, NotCap, TooMuch
from controller.cap.loading import Element, load
from controller.cap.message import (
    Category,
    Certainty,
    Circle,
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
from controller.cap.signature import SIGNATURE
from controller.text import Text

CAP: Final = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_1_1: Final = "urn:oasis:names:tc:emergency:cap:1.1"
POINTS_MAX: Final = 10_000
"""In all polygons of a message together."""
INFOS_MAX: Final = 200
SHAPES_MAX: Final = 200
"""Polygons and circles of a message together."""
NAME_MAX: Final = 500
"""Characters of an identifier or a sender."""
REFERENCES_MAX: Final = 200
RADIUS_MAX_KM: Final = 20_038.0
"""Half of the way around the earth."""
RING_MIN: Final = 4
_YEARS: Final = range(1990, 2200)
_TIMES: Final = ("sent", "effective", "onset", "expires")

Word = TypeVar("Word", bound=StrEnum)


@cache
def schema() -> etree.XMLSchema:
    """The standard's own schema."""
    return etree.XMLSchema(etree.fromstring(files("controller.cap").joinpath("CAP-v1.2.xsd").read_bytes()))


def read(data: bytes) -> Message:
    """Read a message from bytes that may come from anybody; raises `CapRefused`.

    What carries a signature is read from `signature.signed_part`, never from the document around it.
    """
    return message_of(load(data))


def message_of(root: Element) -> Message:
    """Read a message from a loaded document, which is changed on the way."""
    _lay_bare(root)
    if not schema().validate(root):
        first = schema().error_log[0]
        raise NotCap(
            Text(
                "This XML is not valid CAP 1.2 (line %(line)s): %(message)s",
                line=first.line,
                message=_plain(first.message),
            ),
        )
    _bound(root)
    return Message(
        identifier=MessageId(_name(root, "identifier")),
        sender=SenderName(_name(root, "sender")),
        sent=_needed(_time(root, "sent"), "sent"),
        status=Status(_text(root, "status")),
        type=MessageType(_text(root, "msgType")),
        scope=Scope(_text(root, "scope")),
        source=_maybe(root, "source"),
        restriction=_maybe(root, "restriction"),
        addresses=_maybe(root, "addresses"),
        codes=_texts(root, "code"),
        note=_maybe(root, "note"),
        references=_references(_maybe(root, "references") or ""),
        incidents=_maybe(root, "incidents"),
        infos=tuple(_info(each) for each in _all(root, "info")),
    )


def _lay_bare(root: Element) -> None:
    """Leave the message alone, without a signature, and 1.1 as 1.2."""
    for signature in root.findall(SIGNATURE):
        root.remove(signature)
    if root.tag != f"{{{CAP_1_1}}}alert":
        return
    for element in root.iter(etree.Element):
        element.tag = str(element.tag).replace(f"{{{CAP_1_1}}}", f"{{{CAP}}}", 1)
        if etree.QName(element).localname in _TIMES:
            element.text = _time_of_1_1(element.text or "")


def _time_of_1_1(text: str) -> str:
    """Any time with a zone, which 1.1 allowed, in the one form of 1.2; the schema refuses what is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if moment.tzinfo is None else moment.isoformat(timespec="seconds")


def _bound(root: Element) -> None:
    polygons, circles = _all_below(root, "polygon"), _all_below(root, "circle")
    points = sum(len((each.text or "").split()) for each in polygons)
    if len(_all(root, "info")) > INFOS_MAX:
        raise TooMuch(Text("The message has more than %(infos_max)s info elements", infos_max=INFOS_MAX))
    if points > POINTS_MAX or len(polygons) + len(circles) > SHAPES_MAX:
        raise TooMuch(
            Text(
                "The message draws too much (at most %(shapes_max)s polygons and circles, and %(points_max)s points)",
                shapes_max=SHAPES_MAX,
                points_max=POINTS_MAX,
            )
        )


def _info(info: Element) -> Info:
    return Info(
        language=_maybe(info, "language") or "en-US",
        categories=_words(info, "category", Category),
        event=_text(info, "event"),
        responses=_words(info, "responseType", ResponseType),
        urgency=Urgency(_text(info, "urgency")),
        severity=Severity(_text(info, "severity")),
        certainty=Certainty(_text(info, "certainty")),
        audience=_maybe(info, "audience"),
        event_codes=_named(info, "eventCode"),
        effective=_time(info, "effective"),
        onset=_time(info, "onset"),
        expires=_time(info, "expires"),
        sender_name=_maybe(info, "senderName"),
        headline=_maybe(info, "headline"),
        description=_maybe(info, "description"),
        instruction=_maybe(info, "instruction"),
        web=_maybe(info, "web"),
        contact=_maybe(info, "contact"),
        parameters=_named(info, "parameter"),
        resources=tuple(_resource(each) for each in _all(info, "resource")),
        places=tuple(_place(each) for each in _all(info, "area")),
    )


def _resource(resource: Element) -> Resource:
    size = _maybe(resource, "size")
    inline = _maybe(resource, "derefUri")
    return Resource(
        description=_text(resource, "resourceDesc"),
        mime_type=_text(resource, "mimeType"),
        size_bytes=int(size) if size is not None else None,
        uri=_maybe(resource, "uri"),
        inline_base64="".join(inline.split()) if inline else None,
        digest=_maybe(resource, "digest"),
    )


def _place(area: Element) -> Place:
    return Place(
        description=_text(area, "areaDesc"),
        polygons=tuple(_polygon(text) for text in _texts(area, "polygon")),
        circles=tuple(_circle(text) for text in _texts(area, "circle")),
        geocodes=_named(area, "geocode"),
    )


def _polygon(text: str) -> Polygon:
    points = tuple(_point(pair, BadPolygon) for pair in text.split())
    if len(points) < RING_MIN or points[0] != points[-1]:
        raise BadPolygon
    return Polygon(points)


def _circle(text: str) -> Circle:
    try:
        centre, radius = text.split()
    except ValueError as error:
        raise BadCircle from error
    radius_km = _number(radius, BadCircle)
    if not 0 <= radius_km <= RADIUS_MAX_KM:
        raise BadCircle
    return Circle(_point(centre, BadCircle), radius_km)


def _point(pair: str, refusal: type[BadCircle | BadPolygon]) -> Point:
    try:
        lat, lon = pair.split(",")
    except ValueError as error:
        raise refusal from error
    point = Point(_number(lat, refusal), _number(lon, refusal))
    if abs(point.lat) > 90 or abs(point.lon) > 180:  # noqa: PLR2004 degrees
        raise refusal
    return point


def _number(text: str, refusal: type[BadCircle | BadPolygon]) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise refusal from error
    if not math.isfinite(number):
        raise refusal
    return number


def _references(text: str) -> tuple[Reference, ...]:
    """The messages that `references` names: `sender,identifier,sent`, with spaces between them."""
    triples = text.split()
    if len(triples) > REFERENCES_MAX:
        raise TooMuch
    return tuple(dict.fromkeys(map(_reference, triples)))


def _reference(triple: str) -> Reference:
    try:
        sender, identifier, sent = triple.split(",")
        moment = datetime.fromisoformat(sent)
    except ValueError as error:
        raise NotCap(Text('references is written "sender,identifier,sent", with spaces between several')) from error
    return Reference(SenderName(sender), MessageId(identifier), moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _name(parent: Element, tag: str) -> str:
    """An identifier or a sender: neither spaces nor commas, so that `references` can name it."""
    text = _text(parent, tag).strip()
    if not text or len(text) > NAME_MAX or "," in text or len(text.split()) > 1:
        raise NotCap(
            Text("%(tag)s must have 1 to %(name_max)s characters, without spaces or commas", tag=tag, name_max=NAME_MAX)
        )
    return text


def _time(parent: Element, tag: str) -> datetime | None:
    text = _maybe(parent, tag)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("24:00:00", "00:00:00"))
        moment += timedelta(days="T24:00:00" in text)
    except (ValueError, OverflowError) as error:
        raise NotCap(Text("%(tag)s is not a time", tag=tag)) from error
    if moment.year not in _YEARS:
        raise NotCap(Text("%(tag)s is not of our time", tag=tag))
    return moment.astimezone(UTC)


def _needed(moment: datetime | None, tag: str) -> datetime:
    if moment is None:
        raise NotCap(Text("%(tag)s is empty", tag=tag))
    return moment


def _all(parent: Element, tag: str) -> list[Element]:
    return parent.findall(f"{{{CAP}}}{tag}")


def _all_below(root: Element, tag: str) -> list[Element]:
    return root.findall(f".//{{{CAP}}}{tag}")


def _texts(parent: Element, tag: str) -> tuple[str, ...]:
    return tuple(each.text or "" for each in _all(parent, tag))


def _text(parent: Element, tag: str) -> str:
    return parent.findtext(f"{{{CAP}}}{tag}") or ""


def _maybe(parent: Element, tag: str) -> str | None:
    """The text of an optional element; an empty one says nothing, and is as good as none."""
    return _text(parent, tag).strip() or None


def _words(parent: Element, tag: str, words: type[Word]) -> tuple[Word, ...]:
    return tuple(map(words, _texts(parent, tag)))


def _named(parent: Element, tag: str) -> tuple[Named, ...]:
    return tuple(Named(_text(each, "valueName").strip(), _text(each, "value").strip()) for each in _all(parent, tag))


def _plain(message: str) -> str:
    return message.replace(f"{{{CAP}}}", "")[:300]


def decoded(inline_base64: str, *, bytes_max: int) -> bytes | None:
    """The bytes of an inline resource, or None where it is broken or larger than `bytes_max`."""
    if len(inline_base64) > bytes_max * 4 // 3 + 4:
        return None
    try:
        return base64.b64decode(inline_base64, validate=True)
    except (binascii.Error, ValueError):
        return None
