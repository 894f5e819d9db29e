"""From the wire's documents to the values that decisions are made of."""

from collections.abc import Callable, Iterator
from datetime import time
from functools import lru_cache
from pathlib import Path

from device_agent.decoder import Piece
from device_agent.relay.sound import Station
from protocol import messages
from protocol.messages import Config, PlanOccurrence, Relay, Stretch, Window
from schedules.types import (
    Caps,
    ClassVolumes,
    OccurrenceId,
    Percent,
    PlannedOccurrence,
    Resume,
    ScheduleId,
    SpeakerPolicy,
    TimeWindow,
    VolumeRule,
)


@lru_cache(maxsize=4)
def policy_of(config: Config | None) -> SpeakerPolicy:
    """Return what this speaker may do; without a config, the defaults."""
    if config is None:
        return SpeakerPolicy()
    return SpeakerPolicy(
        zone=config.zone,
        quiet_hours=tuple(_window(window) for window in config.quiet_hours),
        volume_rules=tuple(VolumeRule(_window(rule), Percent(rule.volume)) for rule in config.volume_rules),
        default_volume=Percent(config.default_volume),
        max_volume=Percent(config.max_volume),
        class_volumes=_class_volumes(config.class_volumes),
        caps=Caps(**config.caps.model_dump()),
        local_alarm=config.local_alarm,
    )


def _class_volumes(said: messages.ClassVolumes) -> ClassVolumes:
    return ClassVolumes(
        **{name: None if volume is None else Percent(volume) for name, volume in said.model_dump().items()}
    )


def _window(window: Window) -> TimeWindow:
    return TimeWindow(time.fromisoformat(window.start), time.fromisoformat(window.end))


def planned_of(occurrence: PlanOccurrence) -> PlannedOccurrence:
    """Return what the decisions need to know of an occurrence.

    A station does not begin again: what has one in it comes back where it would be, never from its beginning.
    """
    resume = Resume.REJOIN if occurrence.relays and occurrence.resume is Resume.RESTART else occurrence.resume
    return PlannedOccurrence(
        id=OccurrenceId(occurrence.id),
        schedule_id=ScheduleId(occurrence.schedule_id),
        title=occurrence.title,
        starts_at=occurrence.starts_at,
        duration_ms=occurrence.duration_ms,
        priority=occurrence.priority,
        issuer_depth=occurrence.issuer_depth,
        commune_rank=occurrence.commune_rank,
        resume=resume,
        late_join_s=occurrence.late_join_s,
        volume=Percent(occurrence.volume),
        own_volume=occurrence.own_volume,
    )


def coming_stretches(occurrence: PlanOccurrence, offset_ms: int) -> tuple[Stretch, ...]:
    """Return the stretches of which something is left at `offset_ms`, in order."""
    left = (each for each in occurrence.stretches if each.at_ms + each.duration_ms > offset_ms)
    return tuple(sorted(left, key=lambda each: each.at_ms))


def clips_of(occurrence: PlanOccurrence) -> Iterator[str]:
    """Yield the clips of an occurrence: what is planned to sound, then what may have to stand in for a station."""
    yield from (stretch.clip for stretch in occurrence.stretches)
    yield from (relay.fallback for relay in occurrence.relays if relay.fallback is not None)


def pieces_of(occurrence: PlanOccurrence, offset_ms: int, path: Callable[[str], Path | None]) -> tuple[Piece, ...]:
    """Return what to play from `offset_ms` on; empty when a clip of it is not here, or nothing is left.

    A station may come whatever is here, so a clip that is missing after a relay is silence.
    """
    pieces: list[Piece] = []
    cursor_ms = offset_ms
    relayed = False
    for part in _coming_parts(occurrence, offset_ms):
        from_ms = max(0, offset_ms - part.at_ms)
        left_ms = part.duration_ms - from_ms
        if part.at_ms > cursor_ms:
            pieces.append(Piece(None, silence_ms=part.at_ms - cursor_ms))
        if isinstance(part, Relay):
            fallback = path(part.fallback) if part.fallback is not None else None
            pieces.append(Piece(None, station=Station(part.url, left_ms, fallback)))
            relayed = True
        elif (clip := path(part.clip)) is not None:
            pieces.append(Piece(clip, from_ms=from_ms))
        elif relayed:
            pieces.append(Piece(None, silence_ms=left_ms))
        else:
            return ()
        cursor_ms = part.at_ms + part.duration_ms
    return tuple(pieces)


def _coming_parts(occurrence: PlanOccurrence, offset_ms: int) -> list[Stretch | Relay]:
    relays = (each for each in occurrence.relays if each.at_ms + each.duration_ms > offset_ms)
    return sorted((*coming_stretches(occurrence, offset_ms), *relays), key=lambda each: each.at_ms)
