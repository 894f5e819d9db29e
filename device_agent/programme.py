"""From the wire's documents to the values that decisions are made of."""

from collections.abc import Callable
from datetime import time
from functools import lru_cache
from pathlib import Path

from device_agent.decoder import Piece
from protocol import messages
from protocol.messages import Config, PlanOccurrence, Stretch, Window
from schedules.types import (
    Caps,
    ClassVolumes,
    OccurrenceId,
    Percent,
    PlannedOccurrence,
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
    )


def _class_volumes(said: messages.ClassVolumes) -> ClassVolumes:
    return ClassVolumes(
        **{name: None if volume is None else Percent(volume) for name, volume in said.model_dump().items()}
    )


def _window(window: Window) -> TimeWindow:
    return TimeWindow(time.fromisoformat(window.start), time.fromisoformat(window.end))


def planned_of(occurrence: PlanOccurrence) -> PlannedOccurrence:
    """Return what the decisions need to know of an occurrence."""
    return PlannedOccurrence(
        id=OccurrenceId(occurrence.id),
        schedule_id=ScheduleId(occurrence.schedule_id),
        title=occurrence.title,
        starts_at=occurrence.starts_at,
        duration_ms=occurrence.duration_ms,
        priority=occurrence.priority,
        issuer_depth=occurrence.issuer_depth,
        commune_rank=occurrence.commune_rank,
        resume=occurrence.resume,
        late_join_s=occurrence.late_join_s,
        volume=Percent(occurrence.volume),
        own_volume=occurrence.own_volume,
    )


def coming_stretches(occurrence: PlanOccurrence, offset_ms: int) -> tuple[Stretch, ...]:
    """Return the stretches of which something is left at `offset_ms`, in order."""
    left = (each for each in occurrence.stretches if each.at_ms + each.duration_ms > offset_ms)
    return tuple(sorted(left, key=lambda each: each.at_ms))


def pieces_of(occurrence: PlanOccurrence, offset_ms: int, path: Callable[[str], Path | None]) -> tuple[Piece, ...]:
    """Return what to play from `offset_ms` on; empty when a clip of it is not here, or nothing is left."""
    pieces: list[Piece] = []
    cursor_ms = offset_ms
    for stretch in coming_stretches(occurrence, offset_ms):
        clip = path(stretch.clip)
        if clip is None:
            return ()
        if stretch.at_ms > cursor_ms:
            pieces.append(Piece(None, silence_ms=stretch.at_ms - cursor_ms))
        pieces.append(Piece(clip, from_ms=max(0, offset_ms - stretch.at_ms)))
        cursor_ms = stretch.at_ms + stretch.duration_ms
    return tuple(pieces)
