"""Rearranging what a calendar shows: airings moved, drawn out over days, copied to other days, and put back.

Each is an edit of its schedule like any other. What was approved, or waited for approval, asks for it again. What puts
these back also puts back a schedule that was taken out of the calendar.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from controller.accounts.viewer import Viewer
from controller.approval.service import Approvals, SoundNotSettled, TimePassed
from controller.approval.states import ApprovalState
from controller.areas.policy import ApprovalAsked
from controller.broadcasts.agenda import Airing
from controller.broadcasts.models import Schedule
from controller.broadcasts.schemas import Dates, Local, LunarDays, Rank, Rule, ScheduleEdit
from controller.broadcasts.service import Broadcasts, PlaylistPutAway
from controller.errors import Conflict, Invalid, PreconditionFailed
from controller.http.fields import In
from controller.http.problems import invalid
from controller.planning import rows
from controller.text import Text
from schedules.errors import InvalidRecurrence
from schedules.moving import move_all, move_one, stretch, with_airing
from schedules.recurrence import to_utc
from schedules.types import Recurrence

COPIED_MAX = 100
"""Schedules that one copying of a day changes at the most."""
DAYS_MAX = 31


class Before(In):
    """What undoes one rearrangement: the calendar that a schedule had, and the version that it has since.

    A calendar that is right, of a schedule that was taken out of it, puts it back in.
    """

    schedule_id: Annotated[str, Field(max_length=26)]
    version: int
    first_local: Local
    rrule: Rule | None
    except_local: Dates
    extra_local: Dates
    lunar_days: LunarDays
    skip_holidays: bool
    commune_rank: Rank
    active: bool

    @classmethod
    def of(cls, row: Schedule) -> Self:
        """Return the schedule as it stands now."""
        kept = _fields(rows.recurrence(row)) | {"commune_rank": row.commune_rank, "active": row.active}
        return cls.model_validate({"schedule_id": row.id, "version": row.version, **kept})


class Undo(In):
    """Everything that one action changed."""

    changed: Annotated[list[Before], Field(max_length=COPIED_MAX)]

    @classmethod
    def of_withdrawal(cls, row: Schedule) -> Self:
        """Return what puts a schedule back that was taken out, as long as nobody edits it."""
        return cls(changed=[Before.of(row).model_copy(update={"active": True})])


class ChangedMeanwhile(PreconditionFailed):
    """Somebody else edited the schedule since the calendar was shown."""

    code = "changed_meanwhile"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one schedule."""

    row: Schedule
    wish: ScheduleEdit


class Rearranging:
    """Rearrangements within one transaction, as one viewer may make them.

    Each is first worked out, which refuses and writes nothing, and then made.
    """

    def __init__(self, viewer: Viewer, broadcasts: Broadcasts, approvals: Approvals) -> None:
        self._viewer = viewer
        self._broadcasts = broadcasts
        self._approvals = approvals

    async def moved(
        self,
        schedule_id: str,
        version: int,
        at: datetime,
        to_local: datetime,
        now: datetime,
        *,
        whole: bool,
        rank: int | None = None,
    ) -> tuple[Change, ...]:
        """Work out the airing at `at` (UTC) moved, or with it the whole series.

        `rank`: the schedule's new place in the commune's order.
        """
        row = await self._coming(schedule_id, version, at, now)
        if not whole and to_utc(to_local, ZoneInfo(row.zone)) <= now:
            raise Invalid.field("to", Text("This time has passed already."))
        how = move_all if whole else move_one
        return (_changed(row, lambda calendar: how(calendar, at, to_local), rank),)

    async def stretched(
        self,
        schedule_id: str,
        version: int,
        at: datetime,
        last_day: date,
        now: datetime,
        *,
        rank: int | None = None,
    ) -> tuple[Change, ...]:
        """Work out the airing at `at` (UTC) heard on every day up to the last."""
        row = await self._coming(schedule_id, version, at, now)
        return (_changed(row, lambda calendar: stretch(calendar, at, last_day), rank),)

    async def copied(self, airings: Sequence[Airing], days: Iterable[date], now: datetime) -> tuple[Change, ...]:
        """Work out the airings of one day heard at the same hours of other days too, where they are not already."""
        wanted = sorted(set(days))
        if not wanted or len(wanted) > DAYS_MAX:
            raise Invalid.field("to", Text("Choose 1 to %(days_max)s days.", days_max=DAYS_MAX))
        by_schedule: dict[str, list[Airing]] = {}
        for airing in airings:
            by_schedule.setdefault(airing.schedule_id, []).append(airing)
        if len(by_schedule) > COPIED_MAX:
            raise Conflict(
                Text("This day has more than %(copied_max)s schedules. Choose a smaller place.", copied_max=COPIED_MAX)
            )
        made: list[Change] = []
        for schedule_id, some in by_schedule.items():
            row = await self._broadcasts.repository.get(self._viewer, schedule_id)
            change = _changed(row, partial(_copied, airings=some, days=wanted, now=now))
            if change.wish != _as_is(row):
                made.append(change)
        return tuple(made)

    async def undone(self, undo: Undo) -> tuple[Change, ...]:
        """Work out what one action changed, put back: all of it or nothing."""
        made: list[Change] = []
        for before in undo.changed:
            row = await self._broadcasts.repository.get(self._viewer, before.schedule_id)
            _demand_version(row, before.version)
            if before.active and row.playlist.retired_at is not None:
                raise PlaylistPutAway
            made.append(Change(row, _edit(before.model_dump(exclude={"schedule_id", "version"}))))
        return tuple(made)

    async def make(self, changes: Iterable[Change], now: datetime) -> Undo:
        """Make the changes, and return what puts them back."""
        made: list[Before] = []
        for change in changes:
            before = Before.of(change.row)
            await self.write(change.row, change.wish, now)
            made.append(before.model_copy(update={"version": change.row.version}))
        return Undo(changed=made)

    async def write(self, row: Schedule, wish: ScheduleEdit, now: datetime) -> None:
        """Edit a schedule, and let it ask for approval again where it had asked before."""
        before = (await self._broadcasts.ledger.states([row]))[row.id]
        await self._broadcasts.edit(row, wish, now)
        asked = await self._broadcasts.approval_asked(row.area)
        if before in {ApprovalState.SUBMITTED, ApprovalState.APPROVED} and asked is not ApprovalAsked.NONE:
            with suppress(SoundNotSettled, TimePassed):  # it stays a draft, and the calendar shows that it waits
                await self._approvals.submit(row.id, None, now)

    async def _coming(self, schedule_id: str, version: int, at: datetime, now: datetime) -> Schedule:
        row = await self._broadcasts.repository.get(self._viewer, schedule_id)
        _demand_version(row, version)
        if at <= now:
            raise Conflict(Text("This airing has begun and can no longer be moved."))
        return row


def _demand_version(row: Schedule, version: int) -> None:
    if row.version != version:
        raise ChangedMeanwhile(Text("Somebody else changed this schedule just now. Look again, then repeat it."))


def _copied(calendar: Recurrence, *, airings: Iterable[Airing], days: Iterable[date], now: datetime) -> Recurrence:
    zone = ZoneInfo(calendar.zone)
    for airing in airings:
        for day in days:
            local = datetime.combine(day, airing.starts_at.astimezone(zone).time())
            if to_utc(local, zone) > now:
                calendar = with_airing(calendar, local)
    return calendar


def _changed(row: Schedule, change: Callable[[Recurrence], Recurrence], rank: int | None = None) -> Change:
    try:
        fields = _fields(change(rows.recurrence(row)))
    except InvalidRecurrence as refusal:
        raise Invalid.field(refusal.field, Text.both(refusal.sentence.vi, refusal.sentence.en)) from refusal
    return Change(row, _edit(fields if rank is None else fields | {"commune_rank": rank}))


def _as_is(row: Schedule) -> ScheduleEdit:
    return _edit(_fields(rows.recurrence(row)))


def _edit(fields: Mapping[str, object]) -> ScheduleEdit:
    try:
        return ScheduleEdit.model_validate(fields)
    except ValidationError as error:
        raise invalid(error.errors()) from error


def _fields(calendar: Recurrence) -> dict[str, object]:
    return {
        "first_local": calendar.first_local,
        "rrule": calendar.rrule,
        "except_local": sorted(calendar.except_local),
        "extra_local": sorted(calendar.extra_local),
        "lunar_days": sorted(calendar.lunar_days),
        "skip_holidays": calendar.skip_holidays,
    }
