"""From alerts to published CAP messages: each is made and signed once, by comparing what is with what was told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy.ext.asyncio import AsyncSession

from controller.alerts.models import AlertRow
from controller.alerts.sets import LINK_OUTLIVES_ALERT
from controller.alerts.states import AlertState
from controller.announcements.models import Kind
from controller.cap.message import Message, MessageId, Reference, SenderName
from controller.cap.models import CapPublished
from controller.cap.publishing import OwnAlert, Sound, Words, as_message
from controller.cap.repository import PublishedRepository
from controller.cap.signature import sign
from controller.cap.speech import CANCELLED
from controller.cap.writing import element, write
from controller.content.repository import ClipRepository
from controller.content.service import links_of
from controller.enrolment.office import authority_of
from controller.keys import read_or_make
from controller.runtime import Runtime
from controller.settings import Settings
from schedules.types import AlertId, Priority

log = structlog.get_logger(__name__)

CREDENTIALS_FILE: Final = "cap-credentials.pem"
READERS: Final = "cap"
"""For whom links to recordings are made: nobody's name, so that such a link is not renewed."""


@dataclass(frozen=True, slots=True)
class Signet:
    """What our messages are signed with; others pin its certificate."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    @classmethod
    def of(cls, runtime: Runtime) -> "Signet":
        """Return the service's one. Made the first time, in one file, so that key and certificate belong together."""
        known = runtime.parts.get(Signet)
        if known is None:
            pem = read_or_make(runtime.settings.data_dir / CREDENTIALS_FILE, lambda: _made(runtime))
            key = load_pem_private_key(pem, None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError(f"{CREDENTIALS_FILE}: an EC key is needed")
            known = runtime.parts[Signet] = cls(key, x509.load_pem_x509_certificate(pem))
        signet: Signet = known
        return signet


def _made(runtime: Runtime) -> bytes:
    issued = authority_of(runtime).issue_publisher("loa-cap", runtime.clock())
    return (issued.key + issued.certificate).encode()


def sender_name(settings: Settings) -> SenderName:
    """What our messages call their sender."""
    return SenderName(settings.cap_sender or urlsplit(settings.base_url).hostname or "loa")


@dataclass(frozen=True, slots=True)
class Telling:
    """A message that an alert was told in, or is to be."""

    sent_at: datetime
    expires_at: datetime
    cancelled: bool = False


def next_telling(row: AlertRow, told: Sequence[Telling], now: datetime) -> Telling | None:
    """What is still to be told of an alert that was released. That it expired, everybody knows who was told when."""
    if row.released_at is None or row.expires_at is None:
        return None
    if not told:
        return Telling(row.released_at, row.expires_at)
    last = told[-1]
    if row.state is AlertState.CANCELLED and not last.cancelled:
        return Telling(max(row.ended_at or now, last.sent_at), row.expires_at, cancelled=True)
    if row.state is AlertState.ACTIVE and row.expires_at != last.expires_at:
        return Telling(now, row.expires_at)
    return None


async def publish(runtime: Runtime) -> None:
    """Tell whatever is still to be told, the oldest first. Killed at any point, it goes on where it was."""
    while (document := await _next_document(runtime)) is not None:
        async with runtime.database.transaction() as session:
            session.add(document)
        log.info("cap.published", identifier=document.identifier)


async def _next_document(runtime: Runtime) -> CapPublished | None:
    """Make and sign the next message, outside of any transaction that writes."""
    now, name, signet = runtime.clock(), sender_name(runtime.settings), Signet.of(runtime)
    async with runtime.database.reading() as session:
        repository = PublishedRepository(session)
        for row in await repository.unsettled():
            past = await repository.of_alerts([row.id])
            telling = next_telling(row, [_telling(each) for each in past], now)
            if telling is None:
                continue
            before = await repository.of_alerts(row.replaces)
            own = OwnAlert(
                id=AlertId(row.id),
                kind=row.kind,
                priority=Priority(row.priority),
                headline=row.headline,
                words=_words(row, telling),
                places=await repository.places(row),
                told_at=(*(each.sent_at for each in past), telling.sent_at),
                expires_at=telling.expires_at,
                cancelled=telling.cancelled,
                hazard=row.hazard,
                sound=await _sound(session, runtime, row, telling),
                replaces=tuple(map(_reference, before)),
            )
            message = as_message(own, sender=name, sender_name=row.area.name)
            data = await asyncio.to_thread(_signed, message, signet)
            return CapPublished(
                alert_id=row.id,
                revision=len(own.told_at),
                sender_name=name,
                identifier=message.identifier,
                sent_at=telling.sent_at,
                expires_at=telling.expires_at,
                cancelled=telling.cancelled,
                document=data,
            )
    return None


def _signed(message: Message, signet: Signet) -> bytes:
    return write(sign(element(message), signet.key, [signet.certificate]))


def _words(row: AlertRow, telling: Telling) -> tuple[Words, ...]:
    """What speakers say, word for word; of a recording there is only its headline."""
    said, otherwise = (row.all_clear, CANCELLED["vi"]) if telling.cancelled else (row.announcement, row.headline)
    if said is None:
        return (Words("vi", otherwise),)
    first = Words(said.language, said.text) if said.text else Words("vi", otherwise)
    second = Words(said.second_language, said.second_text) if said.second_language and said.second_text else None
    return (first, second) if second else (first,)


async def _sound(session: AsyncSession, runtime: Runtime, row: AlertRow, telling: Telling) -> Sound | None:
    """The recording that is heard, for as long as a speaker could fetch it; whoever reads the message may, too."""
    said = None if telling.cancelled else row.announcement
    if said is None or said.kind is not Kind.FILE or said.clip_sha256 is None:
        return None
    clip = await ClipRepository(session).find(said.clip_sha256)
    if clip is None:
        return None
    until = telling.expires_at + LINK_OUTLIVES_ALERT
    url = links_of(runtime).url(clip.sha256, device_id=READERS, expires_at=until)
    return Sound(clip.media_type, clip.size_bytes, url)


def _telling(row: CapPublished) -> Telling:
    return Telling(row.sent_at, row.expires_at, row.cancelled)


def _reference(row: CapPublished) -> Reference:
    return Reference(SenderName(row.sender_name), MessageId(row.identifier), row.sent_at.replace(microsecond=0))
