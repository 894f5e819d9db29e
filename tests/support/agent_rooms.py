"""Small things the tests of the agent's rooms share: keys, orders, plays."""

from datetime import UTC, datetime, timedelta

from device_agent.ports import Play
from protocol.messages import ClipRef, ClockQuality, Order, Plan, PlanOccurrence, Stretch
from protocol.signing import SigningKey, sign
from schedules.types import Priority

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
SPEAKER = "tan-yen-1"
KEY = SigningKey.generate()
CLIP = "ab" * 32


def order(
    body: Order,
    *,
    audience: str = SPEAKER,
    key: SigningKey = KEY,
    now: datetime = NOON,
    days: float = 1,
    jti: str | None = None,
) -> bytes:
    return sign(body, audience=audience, key=key, now=now, lifetime=timedelta(days=days), jti=jti).encode()


def play(occurrence: str | None = "s.1", *, title: str = "bản tin sáng", from_ms: int = 0) -> Play:
    return Play(
        kind="occurrence" if occurrence else "test_tone",
        title=title,
        volume=70,
        clock=ClockQuality.TRUSTED,
        occurrence=occurrence,
        from_ms=from_ms,
    )


def occurrence(name: str, *, in_s: float, clip: str = CLIP) -> PlanOccurrence:
    return PlanOccurrence(
        id=name,
        schedule_id="s",
        title=name,
        starts_at=NOON + timedelta(seconds=in_s),
        duration_ms=60_000,
        priority=Priority.ROUTINE,
        volume=70,
        stretches=(Stretch(clip=clip, at_ms=0, duration_ms=60_000),),
    )


def plan(version: int, *occurrences: PlanOccurrence, device: str = SPEAKER, clips: tuple[ClipRef, ...] = ()) -> Plan:
    return Plan(
        device=device,
        version=version,
        window_start=NOON,
        window_end=NOON + timedelta(days=8),
        occurrences=occurrences,
        clips=clips,
    )
