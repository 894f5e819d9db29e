"""Rows of the database as the values that planning is made of, and back."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from controller.broadcasts.models import Airs
from controller.broadcasts.models import Schedule as ScheduleRow
from controller.planning.compile import Airing, Sound
from controller.planning.repository import Told
from controller.playlists.models import Assembly
from protocol.messages import Relay, Stretch
from schedules.types import OccurrenceId, Percent, PlannedOccurrence, Priority, Recurrence, Schedule, ScheduleId

_STRETCHES = TypeAdapter(tuple[Stretch, ...])
_RELAYS = TypeAdapter(tuple[Relay, ...])


def recurrence(row: Airs) -> Recurrence:
    """Return the calendar of a schedule, or of a version of it."""
    return Recurrence(
        first_local=datetime.fromisoformat(row.first_local),
        zone=row.zone,
        rrule=row.rrule,
        except_local=frozenset(map(datetime.fromisoformat, row.except_local)),
        extra_local=frozenset(map(datetime.fromisoformat, row.extra_local)),
        lunar_days=frozenset(row.lunar_days or ()),
        skip_holidays=bool(row.skip_holidays),
    )


def schedule(row: Airs, of: ScheduleRow, duration_ms: int) -> Schedule:
    """Return the planner's view of a version of a schedule (or of the schedule itself) whose sound is so long."""
    return Schedule(
        id=ScheduleId(of.id),
        title=row.title,
        recurrence=recurrence(row),
        duration_ms=duration_ms,
        priority=Priority(row.priority),
        issuer_depth=of.area.depth,
        commune_rank=row.commune_rank,
        resume=row.resume,
        late_join_s=row.late_join_s,
        volume=None if row.volume is None else Percent(row.volume),
        staggered=row.staggered,
    )


def sound(made: Assembly) -> Sound:
    """Return the sound of an assembled playlist."""
    return Sound(_STRETCHES.validate_python(made.stretches), _RELAYS.validate_python(made.relays))


def airing(told: Told) -> Airing:
    """Return what a row says was planned."""
    return Airing(
        PlannedOccurrence(
            id=OccurrenceId(told.occurrence_id),
            schedule_id=ScheduleId(told.schedule_id),
            title=told.title,
            starts_at=told.starts_at,
            duration_ms=told.duration_ms,
            priority=Priority(told.priority),
            issuer_depth=told.issuer_depth,
            commune_rank=told.commune_rank,
            resume=told.resume,
            late_join_s=told.late_join_s,
            volume=Percent(told.volume),
            own_volume=told.own_volume,
        ),
        _promised(told.stretches, told.relays),
    )


@lru_cache(maxsize=1024)
def _promised(stretches: str, relays: str) -> Sound:
    """Return the sound that a row holds: the same text on every speaker and every day of a schedule."""
    return Sound(_STRETCHES.validate_json(stretches), _RELAYS.validate_json(relays))


def planned_values(device_id: str, airing: Airing, plan_version: int) -> dict[str, Any]:
    """Return the columns of a planned occurrence."""
    each = airing.occurrence
    return {
        "device_id": device_id,
        "occurrence_id": each.id,
        "schedule_id": each.schedule_id,
        "title": each.title,
        "starts_at": each.starts_at,
        "ends_at": each.starts_at + timedelta(milliseconds=each.duration_ms),
        "duration_ms": each.duration_ms,
        "priority": int(each.priority),
        "issuer_depth": each.issuer_depth,
        "commune_rank": each.commune_rank,
        "resume": each.resume,
        "late_join_s": each.late_join_s,
        "volume": each.volume,
        "own_volume": each.own_volume,
        "stretches": [stretch.model_dump(mode="json") for stretch in airing.sound.stretches],
        "relays": [relay.model_dump(mode="json") for relay in airing.sound.relays],
        "clips": sorted(airing.sound.clips),
        "plan_version": plan_version,
    }
