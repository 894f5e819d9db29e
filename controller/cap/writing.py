"""From a message to XML: what `reading.read` reads back as the same message."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from lxml import etree

from controller.cap.loading import Element
from controller.cap.message import Info, Message, Named, Place, Point, Reference, Resource
from controller.cap.reading import CAP

_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot say."""


def without_controls(text: str) -> str:
    """The text as XML can hold it."""
    return _CONTROLS.sub("", text)


def element(message: Message) -> Element:
    """The message as an element, in the order that the schema asks for."""
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})
    _put(root, "identifier", message.identifier)
    _put(root, "sender", message.sender)
    _put(root, "sent", _time(message.sent))
    _put(root, "status", message.status)
    _put(root, "msgType", message.type)
    _put(root, "source", message.source)
    _put(root, "scope", message.scope)
    _put(root, "restriction", message.restriction)
    _put(root, "addresses", message.addresses)
    _put_all(root, "code", message.codes)
    _put(root, "note", message.note)
    _put(root, "references", " ".join(map(_reference, message.references)) or None)
    _put(root, "incidents", message.incidents)
    for info in message.infos:
        _info(root, info)
    return root


def write(message: Message | Element) -> bytes:
    """The message as a document in UTF-8."""
    root = element(message) if isinstance(message, Message) else message
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _info(root: Element, info: Info) -> None:
    parent = etree.SubElement(root, f"{{{CAP}}}info")
    _put(parent, "language", info.language)
    _put_all(parent, "category", info.categories)
    _put(parent, "event", info.event)
    _put_all(parent, "responseType", info.responses)
    _put(parent, "urgency", info.urgency)
    _put(parent, "severity", info.severity)
    _put(parent, "certainty", info.certainty)
    _put(parent, "audience", info.audience)
    _put_named(parent, "eventCode", info.event_codes)
    for tag, moment in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        _put(parent, tag, _time(moment) if moment else None)
    _put(parent, "senderName", info.sender_name)
    _put(parent, "headline", info.headline)
    _put(parent, "description", info.description)
    _put(parent, "instruction", info.instruction)
    _put(parent, "web", info.web)
    _put(parent, "contact", info.contact)
    _put_named(parent, "parameter", info.parameters)
    for resource in info.resources:
        _resource(parent, resource)
    for place in info.places:
        _place(parent, place)


def _resource(info: Element, resource: Resource) -> None:
    parent = etree.SubElement(info, f"{{{CAP}}}resource")
    _put(parent, "resourceDesc", resource.description)
    _put(parent, "mimeType", resource.mime_type)
    _put(parent, "size", None if resource.size_bytes is None else str(resource.size_bytes))
    _put(parent, "uri", resource.uri)
    _put(parent, "derefUri", resource.inline_base64)
    _put(parent, "digest", resource.digest)


def _place(info: Element, place: Place) -> None:
    parent = etree.SubElement(info, f"{{{CAP}}}area")
    _put(parent, "areaDesc", place.description)
    _put_all(parent, "polygon", (" ".join(map(_point, each.points)) for each in place.polygons))
    _put_all(parent, "circle", (f"{_point(each.centre)} {each.radius_km!r}" for each in place.circles))
    _put_named(parent, "geocode", place.geocodes)


def _put(parent: Element, tag: str, text: str | None) -> None:
    if text is not None:
        etree.SubElement(parent, f"{{{CAP}}}{tag}").text = without_controls(text)


def _put_all(parent: Element, tag: str, texts: Iterable[str]) -> None:
    for text in texts:
        _put(parent, tag, text)


def _put_named(parent: Element, tag: str, pairs: Iterable[Named]) -> None:
    for pair in pairs:
        child = etree.SubElement(parent, f"{{{CAP}}}{tag}")
        _put(child, "valueName", pair.name)
        _put(child, "value", pair.value)


def _point(point: Point) -> str:
    return f"{point.lat!r},{point.lon!r}"


def _reference(reference: Reference) -> str:
    return f"{reference.sender},{reference.identifier},{_time(reference.sent)}"


def _time(moment: datetime) -> str:
    """To the second, with a numeric zone: the one form that the schema allows."""
    return moment.isoformat(timespec="seconds")
