"""How an airing is going: from what was planned, what speakers say, and what they recorded. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from controller.broadcasts.repository import DayOfAir
from controller.broadcasts.schemas import OccurrenceOut, RelayOut, SpeakerProgress
from controller.monitoring.models import DeviceStateRow
from controller.planning.models import PlannedRow
from controller.records.models import PlayRecordRow
from protocol.messages import Outcome
from schedules.types import Priority

REPORTED_WITHIN = timedelta(seconds=60)
"""An online speaker that has not spoken of an airing this long after its end did not air it."""


def occurrences(day: DayOfAir, now: datetime) -> list[OccurrenceOut]:
    """Return every occurrence with what became of it, in order of time."""
    states = {state.device_id: state for state in day.states}
    cancelled = {each.occurrence_id for each in day.cancelled}
    records: dict[tuple[str, str], list[PlayRecordRow]] = defaultdict(list)
    for record in sorted(day.records, key=lambda record: (record.device_id, record.at, record.boot_order, record.seq)):
        records[record.device_id, record.occurrence_id or ""].append(record)
    by_occurrence: dict[str, list[PlannedRow]] = defaultdict(list)
    for row in day.planned:
        by_occurrence[row.occurrence_id].append(row)
    found = [_occurrence(rows, states, records, cancelled, now) for rows in by_occurrence.values()]
    return sorted(found, key=lambda each: (each.starts_at, each.id))


def _occurrence(
    rows: Sequence[PlannedRow],
    states: Mapping[str, DeviceStateRow],
    records: Mapping[tuple[str, str], Sequence[PlayRecordRow]],
    cancelled: Collection[str],
    now: datetime,
) -> OccurrenceOut:
    rows = sorted(rows, key=lambda row: row.device_id)
    first = rows[0]
    called_off = first.occurrence_id in cancelled
    speakers = [
        progress(
            row,
            states.get(row.device_id),
            records.get((row.device_id, row.occurrence_id), ()),
            cancelled=called_off,
            now=now,
        )
        for row in rows
    ]
    count = Counter(each.state for each in speakers)
    return OccurrenceOut(
        id=first.occurrence_id,
        schedule_id=first.schedule_id,
        title=first.title,
        starts_at=min(row.starts_at for row in rows),
        ends_at=max(row.ends_at for row in rows),
        duration_ms=first.duration_ms,
        relays=[RelayOut.model_validate(relay) for relay in first.relays],
        priority=Priority(first.priority),
        cancelled=called_off,
        targeted=len(rows),
        ready=sum(has_it(row, states.get(row.device_id)) for row in rows),
        on_air=count["on_air"],
        played=count["played"],
        partly=count["partly"],
        missed=count["missed"],
        failed=count["failed"],
        unreported=count["unreported"],
        speakers=speakers,
    )


def has_it(row: PlannedRow, state: DeviceStateRow | None) -> bool:
    """Whether the speaker knows of the airing and has all its sound."""
    if state is None or state.plan_version is None or state.plan_version < row.plan_version:
        return False
    missing = set((state.state or {}).get("missing", ()))
    return missing.isdisjoint(row.clips)


def progress(
    row: PlannedRow,
    state: DeviceStateRow | None,
    records: Sequence[PlayRecordRow],
    *,
    cancelled: bool,
    now: datetime,
) -> SpeakerProgress:
    """Return how the airing is going on one speaker."""
    online = state is not None and state.online
    sounding = [record for record in records if record.started_at is not None]
    said = SpeakerProgress(
        device=row.device_id,
        starts_at=row.starts_at,
        state="coming",
        start_error_ms=sounding[0].start_error_ms if sounding else None,
        played_ms=sum(record.played_ms for record in records),
        reason=records[-1].reason if records else "",
    )
    if state is not None and online and state.on_air == row.occurrence_id:
        word = "on_air"
    elif records:
        word = _verdict(records)
    elif cancelled:
        word = "cancelled"
    elif now < row.ends_at:
        word = "ready" if has_it(row, state) else "coming"
    elif online and now > row.ends_at + REPORTED_WITHIN:
        word = "missed"
    else:
        word = "unreported"
    return said.model_copy(update={"state": word})


def _verdict(records: Sequence[PlayRecordRow]) -> str:
    """Return what a speaker's records of one airing come to."""
    outcomes = {record.outcome for record in records}
    if Outcome.COMPLETED in outcomes:
        return "played"
    if any(record.played_ms > 0 for record in records):
        return "partly"
    if Outcome.FAILED in outcomes:
        return "failed"
    return "missed"
