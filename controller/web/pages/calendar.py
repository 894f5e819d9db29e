"""The calendar: a week or a month of airings, moved, drawn out and copied by hand, and what one speaker will play."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import AwareDatetime, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ANNOUNCES, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.approval.api import ApprovalsDep
from controller.approval.states import ApprovalState
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.broadcasts.agenda import Agenda, Days, Standing
from controller.broadcasts.api import FIRST_DAY, LAST_DAY, BroadcastsDep, timing_of
from controller.broadcasts.rearranging import Change, Rearranging, Undo
from controller.broadcasts.schemas import RANK_MAX, Local, Rank
from controller.broadcasts.service import Broadcasts
from controller.devices.repository import DeviceRepository
from controller.errors import Conflict, ControllerError, Invalid, PreconditionFailed
from controller.http.problems import invalid
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.planning.compile import compiled
from controller.planning.gather import Gathering
from controller.planning.repository import PlanningRepository
from controller.web import gather
from controller.web.formats import Formats
from controller.web.pages.common import page_for
from controller.web.pages.places import places
from controller.web.present import calendar as present
from controller.web.present.calendar import CalendarView, PlanDay, Question, Toast
from controller.web.present.collisions import CollisionChoice
from controller.web.present.compose import parsed_time, warnings_mark
from controller.web.present.schedule import warnings_of
from controller.web.present.tone import Tone
from controller.web.routing import PageRoute
from controller.web.templating import Page
from schedules.day import midnight
from schedules.recurrence import to_utc

router = APIRouter(include_in_schema=False, route_class=PageRoute)

WARNINGS_MAX = 6
DAY = timedelta(days=1)
_LOOKED_AT_BEFORE = timedelta(hours=1)
"""Before it lands: plans no longer change in the minutes after they begin."""

Mode = Literal["week", "month"]
Day = Annotated[date | None, Query(ge=FIRST_DAY, le=LAST_DAY)]
FormDay = Annotated[date, Form(ge=FIRST_DAY, le=LAST_DAY)]


@dataclass(frozen=True)
class Desk:
    """Where one viewer's calendar is looked at and rearranged."""

    session: AsyncSession
    viewer: Viewer
    page: Page
    agenda: Agenda
    broadcasts: Broadcasts
    rearranging: Rearranging
    plan_days: int

    async def area(self, code: str) -> Area:
        """The place whose calendar is shown: the viewer's own, or one in it."""
        return await AreaRepository(self.session).get(self.viewer, code or self.viewer.area_code)

    async def days(self, area: Area, first: date, end: date, a_day: int) -> Days:
        """The airings of some local days, of each the first."""
        zone = str(self.page.formats.zone)
        span = midnight(first, zone), midnight(end, zone)
        return await self.agenda.between(self.viewer, area.path, *span, now=self.page.now, zone=zone, a_day=a_day)


async def _desk(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    broadcasts: BroadcastsDep,
    approvals: ApprovalsDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> Desk:
    page = await page_for(request, session, viewer, now)
    agenda = Agenda(session, plan_days=runtime.settings.plan_days, freeze=timing_of(runtime).freeze)
    rearranging = Rearranging(viewer, broadcasts, approvals)
    return Desk(session, viewer, page, agenda, broadcasts, rearranging, runtime.settings.plan_days)


DeskDep = Annotated[Desk, Depends(_desk)]


@dataclass(frozen=True)
class Shown:
    """What the calendar showed when something was done on it: it comes back the same."""

    mode: Mode
    day: date
    area: str


def _shown(
    view: Annotated[Mode, Form()] = "week",
    shown: FormDay = FIRST_DAY,
    area: Annotated[str, Form(max_length=64)] = "",
) -> Shown:
    return Shown(view, shown, area)


ShownDep = Annotated[Shown, Depends(_shown)]


@dataclass(frozen=True)
class Decided:
    """What was decided about collisions: those that were seen and accepted, and what was chosen instead."""

    accepted: str
    choose: str
    rank: int | None
    """The schedule's new place in the commune's order."""

    def days(self, to: Sequence[date]) -> list[date]:
        """Those of the days that were chosen, where some were."""
        kind, _, value = self.choose.partition(":")
        return [each for each in to if each.isoformat() in value.split()] if kind == "days" else list(to)

    def clock(self, to: datetime) -> datetime:
        """The same day at the hour that was chosen, where one was."""
        kind, _, value = self.choose.partition(":")
        chosen = parsed_time(value) if kind == "time" else None
        return to if chosen is None else datetime.combine(to.date(), chosen)


_CHOICE = r"^((time:\d\d:\d\d)|(rank:-?\d{1,4})|(days:[\d -]+))?$"


def _decided(
    accepted: Annotated[str, Form(max_length=64)] = "",
    choose: Annotated[str, Form(max_length=400, pattern=_CHOICE)] = "",
    rank: Annotated[Rank | None, Form()] = None,
) -> Decided:
    if choose.startswith("rank:"):
        rank = min(max(int(choose.removeprefix("rank:")), -RANK_MAX), RANK_MAX)
    return Decided(accepted, choose, rank)


DecidedDep = Annotated[Decided, Depends(_decided)]


@dataclass(frozen=True)
class Wish:
    """A rearrangement as it was asked for, to be asked for again once somebody decided."""

    action: str
    fields: tuple[tuple[str, str], ...]
    lands: Sequence[tuple[datetime, int]]
    """When it differs: so many days from a moment on."""
    decided: Decided
    days: Sequence[date] = ()
    """Those that a day is copied to."""


@router.get("/calendar", dependencies=[READS])
async def calendar(
    desk: DeskDep,
    view: Annotated[Mode, Query()] = "week",
    day: Day = None,
    area: Annotated[str, Query(max_length=64)] = "",
    withdrawn: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """The week of a day, or its month. `withdrawn`: the schedule that was taken out just now, to be put back."""
    shown = Shown(view, day or desk.page.formats.local(desk.page.now).date(), area)
    return await _answer(desk, shown, await _taken_out(desk, withdrawn) if withdrawn else None)


async def _taken_out(desk: Desk, schedule_id: str) -> Toast | None:
    row = await desk.broadcasts.repository.find(desk.viewer, schedule_id)
    if row is None or row.active:
        return None
    said = desk.page.t("“%(title)s” was taken out of the calendar.", title=row.title)
    undo = Undo.of_withdrawal(row).model_dump_json() if Permission.ANNOUNCE in desk.page.may else ""
    return Toast(said, Tone.GOOD, undo)


@router.post("/calendar/move", dependencies=[ANNOUNCES])
async def move(
    *,
    desk: DeskDep,
    shown: ShownDep,
    schedule: Annotated[str, Form(max_length=26)],
    version: Annotated[int, Form()],
    at: Annotated[AwareDatetime, Form()],
    to: Annotated[Local, Form()],
    scope: Annotated[Literal["one", "all"], Form()] = "one",
    decided: DecidedDep,
) -> Response:
    """Move one airing, or with it the whole series. What it would collide with is said first."""
    to = decided.clock(to)
    work = desk.rearranging.moved(
        schedule, version, at.astimezone(UTC), to, desk.page.now, whole=scope == "all", rank=decided.rank
    )
    wish = Wish(
        "/calendar/move",
        (*_airing(schedule, version, at), ("to", to.isoformat()), ("scope", scope)),
        lands=[(to_utc(to, desk.page.formats.zone), desk.plan_days)],
        decided=decided,
    )
    return await _rearranged(desk, shown, work, desk.page.t("Moved to %(when)s.", when=_when(to)), wish)


@router.post("/calendar/stretch", dependencies=[ANNOUNCES])
async def stretch(
    *,
    desk: DeskDep,
    shown: ShownDep,
    schedule: Annotated[str, Form(max_length=26)],
    version: Annotated[int, Form()],
    at: Annotated[AwareDatetime, Form()],
    last_day: FormDay,
    decided: DecidedDep,
) -> Response:
    """Let one airing be heard on every day up to the last. What it would collide with is said first."""
    work = desk.rearranging.stretched(schedule, version, at.astimezone(UTC), last_day, desk.page.now, rank=decided.rank)
    wish = Wish(
        "/calendar/stretch",
        (*_airing(schedule, version, at), ("last_day", last_day.isoformat())),
        lands=[(at.astimezone(UTC), desk.plan_days)],
        decided=decided,
    )
    said = desk.page.t("Airs on every day until %(day)s.", day=desk.page.formats.short_day(last_day))
    return await _rearranged(desk, shown, work, said, wish)


@router.post("/calendar/copy", dependencies=[ANNOUNCES])
async def copy(
    *,
    desk: DeskDep,
    shown: ShownDep,
    day: FormDay,
    to: Annotated[list[date] | None, Form(max_length=62)] = None,
    decided: DecidedDep,
) -> Response:
    """Let what airs on one day be heard at the same hours of other days. What it would collide with is said first."""
    area = await desk.area(shown.area)
    found = await desk.days(area, day, day + DAY, present.A_DAY_MAX["week"])
    airings = [each for each in found.airings if each.standing in _COPIED]
    within = sorted({each for each in to or () if FIRST_DAY <= each <= LAST_DAY and each != day})
    days = decided.days(within)
    work = desk.rearranging.copied(airings, days, desk.page.now)
    wish = Wish(
        "/calendar/copy",
        (("day", day.isoformat()), *(("to", each.isoformat()) for each in days)),
        lands=_runs(days, desk.page.formats),
        decided=decided,
        days=days,
    )
    said = desk.page.t("%(day)s was copied.", day=desk.page.formats.short_day(day))
    return await _rearranged(desk, shown, work, said, wish)


def _airing(schedule: str, version: int, at: datetime) -> tuple[tuple[str, str], ...]:
    return ("schedule", schedule), ("version", str(version)), ("at", at.isoformat())


def _runs(days: Iterable[date], formats: Formats) -> list[tuple[datetime, int]]:
    """Days that follow each other, looked at together, from the day before them to the one after."""
    runs: list[tuple[date, date]] = []
    for day in days:
        first = runs.pop()[0] if runs and runs[-1][1] + DAY == day else day
        runs.append((first, day))
    return [(midnight(first, str(formats.zone)), (last - first).days + 3) for first, last in runs]


@router.post("/calendar/undo", dependencies=[ANNOUNCES])
async def undo(*, desk: DeskDep, shown: ShownDep, undo: Annotated[str, Form(max_length=2_000_000)]) -> Response:
    """Put back what was done last."""
    try:
        asked = Undo.model_validate_json(undo)
    except ValidationError as error:
        raise invalid(error.errors()) from error
    return await _rearranged(desk, shown, desk.rearranging.undone(asked), desk.page.t("It is as it was before."))


_COPIED = {Standing.AIRS, Standing.WAITS, Standing.NOWHERE}


async def _rearranged(
    desk: Desk, shown: Shown, work: Awaitable[tuple[Change, ...]], said: str, wish: Wish | None = None
) -> Response:
    """Make what was asked for, and show the calendar with it; or show it as it is, with why not, or what to decide."""
    t = desk.page.t
    try:
        changes = await work
    except (Invalid, Conflict, PreconditionFailed) as refusal:
        return await _answer(desk, shown, Toast(_reason(refusal, desk.page), Tone.BAD), status=refusal.status)
    if not changes:
        return await _answer(desk, shown, Toast(t("Nothing had to change."), Tone.OFF))
    question = await _question(desk, changes, wish) if wish else None
    if question is not None:
        return await _answer(desk, shown, question=question)
    done = await desk.rearranging.make(changes, desk.page.now)
    await desk.session.flush()
    if await _waits(desk, changes):
        said = f"{said} {t('It airs so once somebody has approved it.')}"
    return await _answer(desk, shown, Toast(said, Tone.GOOD, done.model_dump_json()))


async def _question(desk: Desk, changes: Sequence[Change], wish: Wish) -> Question | None:
    """What the changes would collide with from where they land on, unless just that was seen and wanted already."""
    formats, decided = desk.page.formats, wish.decided
    stretches = [(max(desk.page.now, since - _LOOKED_AT_BEFORE), days) for since, days in wish.lands]
    ahead = await desk.broadcasts.look_beyond([(each.row, each.wish) for each in changes], stretches)
    warnings = present.copy_warnings(ahead, formats) if wish.days else warnings_of(ahead, formats)
    mark = warnings_mark(warnings)
    if not warnings or (decided.accepted == mark and not decided.choose):
        return None
    found: tuple[CollisionChoice, ...]
    if wish.days:
        found = present.copy_choices(ahead, wish.days, formats)
    else:
        row = changes[0].row
        rank = row.commune_rank if decided.rank is None else decided.rank
        found = await gather.choices(desk.session, desk.viewer, formats, ahead, mine=row.id, rank=rank)
        if "to" not in dict(wish.fields):
            found = tuple(each for each in found if not each.value.startswith("time:"))
    ranked = () if decided.rank is None else (("rank", str(decided.rank)),)
    return Question(
        action=wish.action,
        fields=(*wish.fields, ("accepted", mark), *ranked),
        warnings=warnings[:WARNINGS_MAX],
        more=max(0, len(warnings) - WARNINGS_MAX),
        choices=found,
    )


async def _waits(desk: Desk, changes: Sequence[Change]) -> bool:
    """Whether any of it is not approved: what was put back may be just what once was."""
    states = await desk.broadcasts.ledger.states([change.row for change in changes])
    return any(each is not ApprovalState.APPROVED for each in states.values())


def _reason(refusal: ControllerError, page: Page) -> str:
    language = page.t.language.code
    return refusal.errors[0].message.in_language(language) if refusal.errors else refusal.detail.in_language(language)


def _when(local: datetime) -> str:
    return f"{local:%H:%M %d/%m/%Y}"


async def _answer(
    desk: Desk, shown: Shown, toast: Toast | None = None, status: int = 200, question: Question | None = None
) -> Response:
    page, formats = desk.page, desk.page.formats
    area = await desk.area(shown.area)
    first, end = present.days_shown(shown.mode, shown.day)
    found = await desk.days(area, first, end, present.A_DAY_MAX[shown.mode])
    before, after = present.neighbours(shown.mode, shown.day)
    view = CalendarView(
        mode=shown.mode,
        title=present.title_of(shown.mode, shown.day, formats),
        shown=shown.day,
        before=before,
        after=after,
        weeks=present.weeks(shown.mode, shown.day, found.airings, formats, page.now),
        area="" if area.code == desk.viewer.area_code else area.code,
        area_name=area.name,
        complete=found.complete,
        may_change=Permission.ANNOUNCE in page.may,
        toast=toast,
        question=question,
    )
    if page.partial:
        return page.html("partials/calendar.html", status=status, calendar=view)
    if page.request.method == "POST" and status == 200 and question is None:  # noqa: PLR2004 without scripts
        area_part = f"&area={area.code}" if view.area else ""
        return RedirectResponse(f"/calendar?view={shown.mode}&day={shown.day.isoformat()}{area_part}", 303)
    choices = await places(desk.session, desk.viewer, also=[area.code])
    return page.html(
        "calendar.html", status=status, calendar=view, viewer_name=desk.viewer.name, places=choices, chosen=area.code
    )


@router.get("/calendar/speaker/{device_id}", dependencies=[READS])
async def speaker(desk: DeskDep, runtime: RuntimeDep, device_id: str) -> Response:
    """What one speaker will play, on a page of its own."""
    device = await DeviceRepository(desk.session).get(desk.viewer, device_id)
    return desk.page.html(
        "speaker_plan.html",
        viewer_name=desk.viewer.name,
        device=device,
        days=await _plan(desk, runtime.settings.plan_days, timing_of(runtime).freeze, device_id),
    )


@router.get("/parts/speaker-plan/{device_id}", dependencies=[READS])
async def speaker_part(desk: DeskDep, runtime: RuntimeDep, device_id: str) -> Response:
    """The same as a part of another page."""
    days = await _plan(desk, runtime.settings.plan_days, timing_of(runtime).freeze, device_id)
    return desk.page.html("partials/speaker_plan.html", days=days)


async def _plan(desk: Desk, plan_days: int, freeze: timedelta, device_id: str) -> tuple[PlanDay, ...]:
    """Ask the planner's own functions, as of now."""
    device = await DeviceRepository(desk.session).get(desk.viewer, device_id)
    now = desk.page.now
    gathering = Gathering(PlanningRepository(desk.session), now=now, days=plan_days, freeze=freeze)
    gathered = await gathering.gather([device])
    asked = gathered.speakers[device.id]
    plan = await asyncio.to_thread(compiled, asked, gathered.material, gathered.calendars[asked.policy.zone], now)
    return present.speaker_days(plan, desk.page.formats, now)
