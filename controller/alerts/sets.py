"""From alerts to what stands on the broker: one signed set for each target, said anew when it says something new."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from audio.signals import Signal, length_ms
from controller.alerts.models import AlertRow, AlertTarget
from controller.alerts.repository import AlertTraffic
from controller.alerts.states import AlertState
from controller.announcements.models import Status
from controller.broadcasts.models import TargetKind
from controller.content.repository import ClipRepository
from controller.database import after_commit
from controller.planning.compile import content_hash
from controller.planning.documents import Document, Standing
from controller.planning.repository import PlanningRepository
from controller.planning.service import put
from controller.standing.repository import StandingRepository
from protocol import topics
from protocol.messages import ACTIVE_MAX, Alert, AlertKind, AlertSet, ClipRef, RepeatPlan
from protocol.signing import Signer, sign
from protocol.topics import DELIVERY, Channel
from schedules.types import Priority

SET_LIVES = timedelta(days=30)
"""What a set says ends by itself; the signature outlives it, so that "nothing is active" can be believed too."""
LINK_OUTLIVES_ALERT = timedelta(days=1)

_OVER: Final[Mapping[AlertKind, Signal]] = MappingProxyType(
    {
        AlertKind.ACTUAL: Signal.ALL_CLEAR,
        AlertKind.EXERCISE: Signal.EXERCISE,
        AlertKind.TEST: Signal.TEST_FALLING,
    }
)
"""What sounds where an emergency is called off: the end of what is not the real thing has no siren either."""

Target = tuple[TargetKind, str]


@dataclass(frozen=True, slots=True)
class AlertPress:
    """What making sets needs besides the database."""

    key: Signer
    url: Callable[[str, str, datetime], str]
    """Of a clip's hash, for a target, until a moment."""
    wake_link: Callable[[], None]
    released: Callable[[], None]
    """Somebody is to be counted on."""


class Sets:
    """Sets of alerts within one transaction."""

    def __init__(self, session: AsyncSession, press: AlertPress) -> None:
        self._session = session
        self._press = press
        self._traffic = AlertTraffic(session)
        self._planning = PlanningRepository(session)
        self._standing = StandingRepository(session)

    async def say(self, targets: Collection[Target], now: datetime) -> int:
        """Say of these targets what is in force there now; returns how many sets are news."""
        await self._session.flush()
        active: dict[Target, list[AlertRow]] = defaultdict(list)
        for row in await self._traffic.in_force_for(targets, now):
            for addressed in row.targets:
                active[_named(addressed)].append(row)
        documents = await self._planning.documents([_topic(target) for target in targets])
        news = 0
        for target in sorted(targets):
            topic = _topic(target)
            document = await self._set(target, active[target], Standing.of(documents.get(topic)), now)
            if document is not None:
                put(self._planning, documents.get(topic), document, now)
                news += 1
        if news:
            after_commit(self._session, self._press.wake_link)
        return news

    async def say_all(self, now: datetime) -> int:
        """Say everything that stands anew where it has ended, or another key signs now."""
        return await self.say(await self._traffic.standing_targets(), now)

    async def _set(
        self, target: Target, rows: Sequence[AlertRow], standing: Standing | None, now: datetime
    ) -> Document | None:
        if not rows and standing is None:
            return None
        newest = sorted(rows, key=lambda row: (row.released_at or now, row.id))[-ACTIVE_MAX:]
        alerts = tuple([await self._alert(row, target) for row in newest])
        name, key = f"{target[0]}:{target[1]}", self._press.key.itself()
        body = AlertSet(target=name, version=1, alerts=alerts)
        digest = content_hash(body)
        if standing is not None and standing.still_good(digest, now, key.kid):
            return None
        version = max(standing.version + 1 if standing else 1, int(now.timestamp() * 1000))
        expires_at = now + SET_LIVES
        signed = sign(
            body.model_copy(update={"version": version}), audience=name, key=key, now=now, lifetime=SET_LIVES
        ).encode()
        device_id = target[1] if target[0] is TargetKind.DEVICE else None
        inline = _inline(alerts)
        if inline is not None and await self._standing.is_sound(inline):
            inline = None  # speakers keep it, and the slow link is for the order itself
        return Document(_topic(target), device_id, signed, digest, version, expires_at, key.kid, content_sha256=inline)

    async def _alert(self, row: AlertRow, target: Target) -> Alert:
        ending = row.state is AlertState.CANCELLED
        words = row.all_clear if ending else row.announcement
        expires_at = (row.all_clear_until if ending else row.expires_at) or row.created_at
        message: tuple[ClipRef, ...] = ()
        clip = await ClipRepository(self._session).find(words.clip_sha256) if words and words.clip_sha256 else None
        if clip is not None:
            name = f"{target[0]}:{target[1]}"
            message = (
                ClipRef(
                    sha256=clip.sha256,
                    url=self._press.url(clip.sha256, name, expires_at + LINK_OUTLIVES_ALERT),
                    size_bytes=clip.size_bytes,
                    duration_ms=clip.duration_ms,
                ),
            )
        released_at = row.released_at or row.created_at
        priority = Priority(row.priority)
        over = _OVER[row.kind] if priority is Priority.EMERGENCY else Signal.ATTENTION
        return Alert(
            id=row.id,
            revision=row.revision,
            sound_revision=row.sound_revision,
            kind=row.kind,
            priority=priority,
            issuer=row.area_code,
            issuer_depth=row.area.depth,
            raised_at=released_at,
            starts_at=row.starts_at or released_at,
            stagger_ms=row.stagger_ms,
            expires_at=expires_at,
            ends=ending,
            headline=row.headline,
            signal=over if ending else row.signal,
            signal_ms=length_ms(over) if ending else row.signal_ms,
            message=message,
            message_follows=words is not None and clip is None and words.status is not Status.FAILED,
            volume=row.volume,
            repeat=RepeatPlan() if ending else RepeatPlan.model_validate(row.repeat),
        )


def targets_of(row: AlertRow) -> frozenset[Target]:
    """Return whom an alert addresses."""
    return frozenset(_named(target) for target in row.targets)


def _named(target: AlertTarget) -> Target:
    return target.kind, target.key


def _topic(target: Target) -> str:
    return topics.alerts(f"{target[0]}:{target[1]}")


def _inline(alerts: Sequence[Alert]) -> str | None:
    """Return the sound of the newest alert where it is small enough to travel with the set."""
    clips = [clip for alert in alerts[-1:] for clip in alert.message]
    return next((clip.sha256 for clip in clips if clip.size_bytes <= DELIVERY[Channel.AUDIO].max_bytes), None)
