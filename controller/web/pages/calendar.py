"""The calendar: a week or a month of airings, moved, drawn out and copied by hand, and what one speaker will play."""

import asyncio
from collections.abc import Awaitable, Sequence
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
from controller.areas.models import Area
from controller.areas.policy import ApprovalAsked
from controller.areas.repository import AreaRepository
from controller.broadcasts.agenda import Agenda, Days, Standing
from controller.broadcasts.api import FIRST_DAY, LAST_DAY, BroadcastsDep, timing_of
from controller.broadcasts.rearranging import Change, Rearranging, Undo
from controller.broadcasts.schemas import Local
from controller.devices.repository import DeviceRepository
from controller.errors import Conflict, ControllerError, Invalid, PreconditionFailed
from controller.http.problems import invalid
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.planning.compile import compiled
from controller.planning.gather import Gathering
from controller.planning.repository import PlanningRepository
from controller.web.pages.common import page_for
from controller.web.pages.places import places
from controller.web.present import calendar as present
from controller.web.routing import PageRoute
from controller.web.templating import Page
from controller.web.views import CalendarView, PlanDay, Toast, Tone
from schedules.day import midnight

router = APIRouter(include_in_schema=False, route_class=PageRoute)

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
    rearranging: Rearranging

    async def area(self, code: str) -> Area:
        """The place whose calendar is shown: the viewer's own, or one in it."""
        return await AreaRepository(self.session).get(self.viewer, code or self.viewer.area_code)

    async def days(self, area: Area, first: date, end: date) -> Days:
        """The airings of some local days."""
        zone = str(self.page.formats.zone)
        span = midnight(first, zone), midnight(end, zone)
        return await self.agenda.between(self.viewer, area.path, *span, now=self.page.now, zone=zone)


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
    return Desk(session, viewer, page, agenda, Rearranging(viewer, broadcasts, approvals))


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


@router.get("/calendar", dependencies=[READS])
async def calendar(
    desk: DeskDep,
    view: Annotated[Mode, Query()] = "week",
    day: Day = None,
    area: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The week of a day, or its month."""
    shown = Shown(view, day or desk.page.formats.local(desk.page.now).date(), area)
    return await _answer(desk, shown)


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
) -> Response:
    """Move one airing, or with it the whole series."""
    work = desk.rearranging.moved(schedule, version, at.astimezone(UTC), to, desk.page.now, whole=scope == "all")
    return await _rearranged(desk, shown, work, desk.page.t("Moved to %(when)s.", when=_when(to)))


@router.post("/calendar/stretch", dependencies=[ANNOUNCES])
async def stretch(
    *,
    desk: DeskDep,
    shown: ShownDep,
    schedule: Annotated[str, Form(max_length=26)],
    version: Annotated[int, Form()],
    at: Annotated[AwareDatetime, Form()],
    last_day: FormDay,
) -> Response:
    """Let one airing be heard on every day up to the last."""
    work = desk.rearranging.stretched(schedule, version, at.astimezone(UTC), last_day, desk.page.now)
    said = desk.page.t("Airs on every day until %(day)s.", day=desk.page.formats.short_day(last_day))
    return await _rearranged(desk, shown, work, said)


@router.post("/calendar/copy", dependencies=[ANNOUNCES])
async def copy(
    *, desk: DeskDep, shown: ShownDep, day: FormDay, to: Annotated[list[date] | None, Form(max_length=62)] = None
) -> Response:
    """Let what airs on one day be heard at the same hours of other days."""
    area = await desk.area(shown.area)
    found = await desk.days(area, day, day + timedelta(days=1))
    airings = [each for each in found.airings if each.standing in _COPIED]
    within = [each for each in to or () if FIRST_DAY <= each <= LAST_DAY and each != day]
    work = desk.rearranging.copied(airings, within, desk.page.now)
    said = desk.page.t("%(day)s was copied.", day=desk.page.formats.short_day(day))
    return await _rearranged(desk, shown, work, said)


@router.post("/calendar/undo", dependencies=[ANNOUNCES])
async def undo(*, desk: DeskDep, shown: ShownDep, undo: Annotated[str, Form(max_length=2_000_000)]) -> Response:
    """Put back what was done last."""
    try:
        asked = Undo.model_validate_json(undo)
    except ValidationError as error:
        raise invalid(error.errors()) from error
    return await _rearranged(desk, shown, desk.rearranging.undone(asked), desk.page.t("It is as it was before."))


_COPIED = {Standing.AIRS, Standing.WAITS, Standing.NOWHERE}


async def _rearranged(desk: Desk, shown: Shown, work: Awaitable[tuple[Change, ...]], said: str) -> Response:
    """Make what was asked for, and show the calendar with it; or show it as it is, with why not."""
    t = desk.page.t
    try:
        changes = await work
    except (Invalid, Conflict, PreconditionFailed) as refusal:
        return await _answer(desk, shown, Toast(_reason(refusal, desk.page), Tone.BAD), status=refusal.status)
    if not changes:
        return await _answer(desk, shown, Toast(t("Nothing had to change."), Tone.OFF))
    done = await desk.rearranging.make(changes, desk.page.now)
    await desk.session.flush()
    if await _asks(desk, changes):
        said = f"{said} {t('It airs so once somebody has approved it.')}"
    return await _answer(desk, shown, Toast(said, Tone.GOOD, done.model_dump_json()))


async def _asks(desk: Desk, changes: Sequence[Change]) -> bool:
    paths = {change.row.area.path for change in changes}
    asked = await AreaRepository(desk.session).approvals(paths)
    return any(each is not ApprovalAsked.NONE for each in asked.values())


def _reason(refusal: ControllerError, page: Page) -> str:
    language = page.t.language.code
    return refusal.errors[0].message.in_language(language) if refusal.errors else refusal.detail.in_language(language)


def _when(local: datetime) -> str:
    return f"{local:%H:%M %d/%m/%Y}"


async def _answer(desk: Desk, shown: Shown, toast: Toast | None = None, status: int = 200) -> Response:
    page, formats = desk.page, desk.page.formats
    area = await desk.area(shown.area)
    first, end = present.days_shown(shown.mode, shown.day)
    found = await desk.days(area, first, end)
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
    )
    if page.partial:
        return page.html("partials/calendar.html", status=status, calendar=view)
    if page.request.method == "POST" and status == 200:  # noqa: PLR2004 without scripts: the page itself, once
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
