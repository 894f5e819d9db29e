"""How an airing is going: from what was planned, what speakers say, and what they recorded. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.broadcasts.repository import Alike, DayOfAir, Planned, Played, Said
from controller.broadcasts.schemas import OccurrenceOut, RelayOut, SpeakerProgress, Word
from protocol.messages import Outcome
from schedules.types import Priority

REPORTED_WITHIN = timedelta(seconds=60)
"""An online speaker that has not spoken of an airing this long after its end did not air it."""


@dataclass(frozen=True, slots=True)
class Airing:
    """One occurrence on all the viewer's speakers that it is meant for."""

    rows: Sequence[Planned]
    """By speaker."""
    cancelled: bool
    words: Sequence[Word]
    """How it goes on each of them."""
    ready: int

    @property
    def first(self) -> Planned:
        """What it is, the same on each."""
        return self.rows[0]

    @property
    def starts_at(self) -> datetime:
        """When the first speaker begins: hamlets may follow one another."""
        return min(row.starts_at for row in self.rows)

    @property
    def ends_at(self) -> datetime:
        """When the last speaker ends."""
        return max(row.ends_at for row in self.rows)

    def on(self, word: Word) -> int:
        """On how many speakers it goes so."""
        return self.words.count(word)


@dataclass(frozen=True, slots=True)
class Counted:
    """One occurrence on all the viewer's speakers, without their names."""

    first: Planned
    """What it is, the same on each."""
    starts_at: datetime
    ends_at: datetime
    targets: int
    ready: int
    cancelled: bool
    on: Counter[Word]
    """On how many speakers it goes so."""


def counted(alike: Sequence[Alike], cancelled: Collection[str], now: datetime) -> list[Counted]:
    """Return every occurrence with how often it goes how, in order of time."""
    by_occurrence: dict[str, list[Alike]] = defaultdict(list)
    for each in alike:
        by_occurrence[each.planned.occurrence_id].append(each)
    found = [_counted(each, off=id_ in cancelled, now=now) for id_, each in by_occurrence.items()]
    return sorted(found, key=lambda each: (each.starts_at, each.first.occurrence_id))


def _counted(alike: Sequence[Alike], *, off: bool, now: datetime) -> Counted:
    on, ready = Counter[Word](), 0
    for each in alike:
        has = has_it(each.planned, each.said)
        ready += has * each.count
        came_to = _came_to(each.outcomes, played=each.played) if each.outcomes else None
        on[_word(each.planned, each.said, came_to, has=has, cancelled=off, now=now)] += each.count
    return Counted(
        first=min((each.planned for each in alike), key=lambda row: row.device_id),
        starts_at=min(each.planned.starts_at for each in alike),
        ends_at=max(each.planned.ends_at for each in alike),
        targets=sum(each.count for each in alike),
        ready=ready,
        cancelled=off,
        on=on,
    )


def airings(day: DayOfAir, now: datetime) -> list[Airing]:
    """Return every occurrence with what became of it, in order of time."""
    records = _records(day)
    by_occurrence: dict[str, list[Planned]] = defaultdict(list)
    for row in day.planned:
        by_occurrence[row.occurrence_id].append(row)
    found = [_airing(sorted(rows, key=lambda row: row.device_id), day, records, now) for rows in by_occurrence.values()]
    return sorted(found, key=lambda each: (each.starts_at, each.first.occurrence_id))


def occurrences(day: DayOfAir, now: datetime) -> list[OccurrenceOut]:
    """Return the same as the API tells it, speaker by speaker."""
    records = _records(day)
    return [_occurrence(each, records) for each in airings(day, now)]


_Records = Mapping[tuple[str, str], Sequence[Played]]


def _records(day: DayOfAir) -> _Records:
    found: dict[tuple[str, str], list[Played]] = defaultdict(list)
    for record in sorted(day.records, key=lambda record: (record.device_id, record.at, record.boot_order, record.seq)):
        found[record.device_id, record.occurrence_id].append(record)
    return found


def _airing(rows: Sequence[Planned], day: DayOfAir, records: _Records, now: datetime) -> Airing:
    cancelled = rows[0].occurrence_id in day.cancelled
    words, ready = list[Word](), 0
    for row in rows:
        said = day.said.get(row.device_id)
        has = has_it(row, said)
        ready += has
        mine = records.get((row.device_id, row.occurrence_id), ())
        words.append(_word(row, said, _verdict(mine), has=has, cancelled=cancelled, now=now))
    return Airing(rows, cancelled, words, ready)


def _occurrence(airing: Airing, records: _Records) -> OccurrenceOut:
    first = airing.first
    return OccurrenceOut(
        id=first.occurrence_id,
        schedule_id=first.schedule_id,
        title=first.title,
        starts_at=airing.starts_at,
        ends_at=airing.ends_at,
        duration_ms=first.duration_ms,
        relays=[RelayOut.model_validate(relay) for relay in first.relays],
        priority=Priority(first.priority),
        cancelled=airing.cancelled,
        targeted=len(airing.rows),
        ready=airing.ready,
        on_air=airing.on("on_air"),
        played=airing.on("played"),
        partly=airing.on("partly"),
        missed=airing.on("missed"),
        failed=airing.on("failed"),
        unreported=airing.on("unreported"),
        speakers=[
            _progress(row, word, records.get((row.device_id, row.occurrence_id), ()))
            for row, word in zip(airing.rows, airing.words, strict=True)
        ],
    )


def has_it(row: Planned, said: Said | None) -> bool:
    """Whether the speaker knows of the airing and has all its sound."""
    if said is None or said.plan_version is None or said.plan_version < row.plan_version:
        return False
    return not said.missing or set(said.missing).isdisjoint(row.clips)


def _progress(row: Planned, word: Word, records: Sequence[Played]) -> SpeakerProgress:
    sounding = [record for record in records if record.started_at is not None]
    return SpeakerProgress(
        device=row.device_id,
        starts_at=row.starts_at,
        state=word,
        start_error_ms=sounding[0].start_error_ms if sounding else None,
        played_ms=sum(record.played_ms for record in records),
        reason=records[-1].reason if records else "",
    )


def _word(row: Planned, said: Said | None, came_to: Word | None, *, has: bool, cancelled: bool, now: datetime) -> Word:
    """Return how an airing is going on a speaker which `has` it or not. `came_to`: by its records, where there are."""
    online = said is not None and said.online
    if said is not None and online and said.on_air == row.occurrence_id:
        return "on_air"
    if came_to is not None:
        return came_to
    if cancelled:
        return "cancelled"
    if now < row.ends_at:
        return "ready" if has else "coming"
    return "missed" if online and now > row.ends_at + REPORTED_WITHIN else "unreported"


def _verdict(records: Sequence[Played]) -> Word | None:
    if not records:
        return None
    return _came_to({record.outcome for record in records}, played=any(record.played_ms > 0 for record in records))


def _came_to(outcomes: Collection[Outcome], *, played: bool) -> Word:
    """Return what a speaker's records of one airing come to."""
    if Outcome.COMPLETED in outcomes:
        return "played"
    if played:
        return "partly"
    return "failed" if Outcome.FAILED in outcomes else "missed"
