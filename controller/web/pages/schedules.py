"""The form of a schedule: what, where, when in plain words, and what to do about collisions before it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from audio.signals import Signal
from controller.accounts.access import ANNOUNCES, ViewerDep
from controller.accounts.viewer import Viewer
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Announcement, Status
from controller.announcements.service import Announcements
from controller.approval.api import ApprovalsDep
from controller.approval.coming import next_start
from controller.approval.service import Approvals
from controller.approval.states import ApprovalState
from controller.areas.policy import ApprovalAsked
from controller.broadcasts.api import BroadcastsDep
from controller.broadcasts.models import Schedule
from controller.broadcasts.rearranging import ChangedMeanwhile, Rearranging, Undo
from controller.broadcasts.schemas import ScheduleEdit, ScheduleIn
from controller.broadcasts.service import Broadcasts
from controller.database import is_id, new_id
from controller.errors import ControllerError
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.planning import rows
from controller.playlists.api import PlaylistsDep
from controller.playlists.models import Playlist
from controller.playlists.schemas import AnnouncementItemIn, ChimeIn, ItemIn, PlaylistIn, holds
from controller.playlists.service import Playlists
from controller.repository import PageRequest
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.compose import playlist_choices
from controller.web.pages.common import FieldsDep, page_for, to_kept, words_by_field
from controller.web.present import schedule as form
from controller.web.present.collisions import CollisionChoice
from controller.web.present.compose import warnings_mark
from controller.web.present.schedule import ScheduleValues, ScheduleView
from controller.web.present.targets import Choice
from controller.web.routing import PageRoute
from controller.web.templating import Page
from schedules.types import Priority, Resume

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/schedules"
CHOICES = 100
_LISTS = ("weekday", "moon", "excepted", "extra")


@dataclass(frozen=True)
class Desk:
    """Where one viewer works on schedules, within one transaction."""

    session: AsyncSession
    page: Page
    viewer: Viewer
    broadcasts: Broadcasts
    approvals: Approvals
    playlists: Playlists
    announcements: Announcements
    plan_days: int

    async def get(self, schedule_id: str) -> Schedule:
        """The schedule, or `NotFound`."""
        return await self.broadcasts.repository.get(self.viewer, schedule_id)

    async def playlist(self, values: ScheduleValues) -> Playlist | None:
        """The playlist that was chosen, or one that airs the announcement that was chosen."""
        kind, _, key = values.what.partition(":")
        if kind == "playlist":
            return await self.playlists.repository.find(self.viewer, key)
        row = await self.announcements.repository.find(self.viewer, key) if kind == "announcement" else None
        if row is None:
            return None
        wish = PlaylistIn(title=row.title, area_code=self.viewer.area_code, items=_items(row.id))
        repository = self.playlists.repository
        for known in await repository.search(repository.in_use(self.viewer), row.title, CHOICES):
            if holds(known, wish.items):
                return known
        return await self.playlists.add(wish, self.page.now)

    def wished(self, values: ScheduleValues, area_code: str) -> ScheduleIn:
        """What the form asks for. Raises `Untold`, or pydantic's complaint."""
        recurrence = form.recurrence_of(values, self.page.t, str(self.page.formats.zone))
        if not values.targets:
            raise form.Untold({"targets": self.page.t("Please choose at least one speaker.")})
        return ScheduleIn(
            title=values.title,
            playlist_id=values.what.removeprefix("playlist:"),
            area_code=area_code,
            targets=values.targets.named(),
            first_local=recurrence.first_local,
            zone=recurrence.zone,
            rrule=recurrence.rrule,
            except_local=sorted(recurrence.except_local),
            extra_local=sorted(recurrence.extra_local),
            lunar_days=sorted(recurrence.lunar_days),
            skip_holidays=recurrence.skip_holidays,
            priority=Priority(int(values.priority)),
            resume=Resume(values.resume),
            volume=values.volume or None,
            commune_rank=values.rank,
        )


def _items(announcement_id: str) -> list[ItemIn]:
    reading = AnnouncementItemIn(kind="announcement", announcement_id=announcement_id)
    return [
        ChimeIn(kind="chime", chime=Signal.OPENING),
        reading,
        ChimeIn(kind="chime", chime=Signal.CLOSING),
    ]


async def _desk(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    broadcasts: BroadcastsDep,
    approvals: ApprovalsDep,
    playlists: PlaylistsDep,
    announcements: AnnouncementsDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> Desk:
    page = await page_for(request, session, viewer, now)
    days = runtime.settings.plan_days
    return Desk(session, page, viewer, broadcasts, approvals, playlists, announcements, days)


DeskDep = Annotated[Desk, Depends(_desk)]


@dataclass(frozen=True)
class Before:
    """What should be known, and can be done, before a schedule is kept."""

    warnings: tuple[str, ...] = ()
    choices: tuple[CollisionChoice, ...] = ()
    settled: bool = False


@dataclass
class ComeBack(Exception):
    """The form is not through yet: it is shown again with this."""

    values: ScheduleValues
    errors: Mapping[str, str] | None = None
    before: Before = Before()
    pending: bool = False
    status: int = 200


@router.get(f"{HERE}/new", dependencies=[ANNOUNCES])
async def new(
    desk: DeskDep,
    playlist: Annotated[str, Query(max_length=26)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """An empty form, perhaps about a playlist, or for a day."""
    what = f"playlist:{playlist}" if playlist else ""
    return await _shown(desk, ScheduleValues(token=new_id(), what=what, day=day), None)


@router.post(f"{HERE}/foreseen", dependencies=[ANNOUNCES])
async def foreseen(fields: FieldsDep, desk: DeskDep) -> Response:
    """The calendar in plain words and its next dates, while it is put together."""
    values = _read(fields)
    seen = form.foreseen(values, desk.page.formats, desk.page.now)
    return desk.page.html("partials/foreseen.html", foreseen=seen)


@router.post(HERE, dependencies=[ANNOUNCES])
async def keep(fields: FieldsDep, desk: DeskDep) -> Response:
    """Keep a new schedule, once: a form that comes again finds what the first one made."""
    values = _read(fields)
    known = await desk.broadcasts.repository.find(desk.viewer, values.token)
    if known is not None:
        return to_kept(desk.page, f"{HERE}/{known.id}")
    try:
        wish = await _through(desk, values, str(fields.get("choose", "")), None)
    except ComeBack as back:
        return await _came_back(desk, back, None)
    row = await desk.broadcasts.add(wish, desk.page.now, id_=values.token)
    if await desk.broadcasts.approval_asked(row.area) is not ApprovalAsked.NONE:
        await desk.approvals.submit(row.id, None, desk.page.now)
    return to_kept(desk.page, f"{HERE}/{row.id}")


@router.get(f"{HERE}/{{schedule_id}}", dependencies=[ANNOUNCES])
async def one(
    schedule_id: str,
    desk: DeskDep,
    at: Annotated[AwareDatetime | None, Query()] = None,
    kept: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """A schedule that is there. `at`: the airing that was opened, to be moved by itself."""
    row = await desk.get(schedule_id)
    values = form.of_schedule(row, desk.page.t)
    opened = at.isoformat() if at is not None and at > desk.page.now else ""
    local = f"{desk.page.formats.local(at):%Y-%m-%dT%H:%M}" if at is not None else ""
    return await _shown(desk, values, row, kept=kept == "yes", at=opened, at_local=local)


@router.post(f"{HERE}/{{schedule_id}}", dependencies=[ANNOUNCES])
async def change(schedule_id: str, fields: FieldsDep, desk: DeskDep) -> Response:
    """Keep what was changed. Somebody else's change meanwhile is shown as such, and nothing typed is lost."""
    row = await desk.get(schedule_id)
    values = replace(_read(fields), token=row.id)
    try:
        _demand_seen(desk, values, row)
        wish = await _through(desk, values, str(fields.get("choose", "")), row)
    except ComeBack as back:
        return await _came_back(desk, back, row)
    edit = ScheduleEdit.model_validate(wish.model_dump(exclude={"area_code", "active", "late_join_s", "staggered"}))
    await Rearranging(desk.viewer, desk.broadcasts, desk.approvals).write(row, edit, desk.page.now)
    return to_kept(desk.page, f"{HERE}/{row.id}")


@router.post(f"{HERE}/{{schedule_id}}/withdraw", dependencies=[ANNOUNCES])
async def withdraw(schedule_id: str, desk: DeskDep) -> Response:
    """Take a schedule out of the calendar; what of it is on air stops. The calendar offers the way back."""
    await desk.broadcasts.remove(await desk.get(schedule_id), desk.page.now)
    return RedirectResponse(f"/calendar?withdrawn={schedule_id}", 303)


def _demand_seen(desk: Desk, values: ScheduleValues, row: Schedule) -> None:
    """Let nobody's change be overwritten unseen: the form comes back, and goes over what is there when sent again."""
    if values.version != str(row.version):
        words = desk.page.t("This schedule was changed meanwhile. Keep it again to have yours instead.")
        raise ComeBack(replace(values, version=str(row.version)), {"": words}, status=ChangedMeanwhile.status)


async def _through(desk: Desk, values: ScheduleValues, choice: str, row: Schedule | None) -> ScheduleIn:
    """Go as far as the form can go now: to what is to be kept, or raise `ComeBack`."""
    t = desk.page.t
    values = await _pruned(desk, form.chosen(values, choice))
    playlist = await desk.playlist(values)
    if playlist is None or playlist.retired_at is not None:
        raise ComeBack(values, {"what": t("Please choose what is to be heard.")}, status=422)
    values = replace(values, what=f"playlist:{playlist.id}", title=values.title or playlist.title)
    try:
        wish = desk.wished(values, row.area_code if row else desk.viewer.area_code)
        drafted = await desk.broadcasts.draft(wish, desk.page.now)
    except form.Untold as untold:
        raise ComeBack(values, untold.errors, status=422) from untold
    except (ControllerError, ValidationError) as refusal:
        raise ComeBack(values, words_by_field(refusal, desk.page, form.field_of), status=422) from refusal
    if next_start(rows.recurrence(drafted), desk.page.now) is None:
        raise ComeBack(values, {"time": t("This time has already passed.")}, status=422)
    if playlist.wanted is not None and playlist.wanted.status is Status.FAILED:
        raise ComeBack(values, {"what": t("The sound could not be made.")}, status=422)
    if playlist.sound is None:
        raise ComeBack(values, pending=True)
    drafted.id = row.id if row else drafted.id
    ahead = await desk.broadcasts.look_ahead(drafted, desk.page.now, days=desk.plan_days)
    warnings = form.warnings_of(ahead, desk.page.formats)
    mark = warnings_mark(warnings)
    if choice or (warnings and values.accepted != mark):
        offered = await gather.choices(
            desk.session, desk.viewer, desk.page.formats, ahead, mine=drafted.id, rank=int(values.rank)
        )
        raise ComeBack(replace(values, accepted=mark), before=Before(warnings, offered, settled=not warnings))
    return wish


async def _pruned(desk: Desk, values: ScheduleValues) -> ScheduleValues:
    roll = await gather.Roll.of(desk.session, desk.viewer)
    return replace(values, targets=values.targets.pruned(await gather.places(desk.session, desk.viewer, roll)))


def _read(fields: FormData) -> ScheduleValues:
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    lists = {name: [each for each in fields.getlist(name) if isinstance(each, str)] for name in _LISTS}
    values = form.values_of(texts, lists, replace(Choice.read(fields), polygon=""))
    return values if is_id(values.token) else replace(values, token=new_id())


async def _came_back(desk: Desk, back: ComeBack, row: Schedule | None) -> Response:
    return await _shown(
        desk, back.values, row, errors=back.errors, before=back.before, pending=back.pending, status=back.status
    )


async def _shown(
    desk: Desk,
    values: ScheduleValues,
    row: Schedule | None,
    *,
    errors: Mapping[str, str] | None = None,
    before: Before = Before(),
    pending: bool = False,
    kept: bool = False,
    at: str = "",
    at_local: str = "",
    status: int = 200,
) -> Response:
    page, t = desk.page, desk.page.t
    kind, _, key = values.what.partition(":")
    view = ScheduleView(
        values=values,
        heading=row.title if row else t("New schedule"),
        action=f"{HERE}/{row.id}" if row else HERE,
        foreseen=form.foreseen(values, page.formats, page.now),
        picker=await gather.picker(desk.session, desk.viewer, values.targets, row.area_code if row else ""),
        playlists=await playlist_choices(
            desk.playlists.repository, desk.viewer, page, key if kind == "playlist" else ""
        ),
        announcements=await _announcements(desk),
        errors=dict(errors or {}),
        warnings=before.warnings,
        choices=before.choices,
        settled=before.settled,
        pending=pending,
        kept=kept,
        state=await _state(desk, row) if row else "",
        at=at,
        at_local=at_local,
        undo=Undo.of_withdrawal(row).model_dump_json() if row and not row.active else "",
        weekdays=form.weekday_choices(page.formats),
        repeats=form.repeats(t, values),
        resumes=form.resumes(t),
        excepted=form.moments(values.excepted),
        extra=form.moments(values.extra),
    )
    template = "partials/schedule.html" if page.partial else "schedule.html"
    return page.html(
        template,
        status=status,
        schedule=view,
        settings=runtime_of(page.request).settings,
        viewer_name=desk.viewer.name,
    )


async def _announcements(desk: Desk) -> tuple[tuple[str, str], ...]:
    repository = desk.announcements.repository
    ready = repository.readable(desk.viewer).where(
        Announcement.retired_at.is_(None), Announcement.status == Status.READY
    )
    newest = await repository.page(ready, PageRequest(None, CHOICES))
    return tuple((each.id, each.title) for each in newest.items)


async def _state(desk: Desk, row: Schedule) -> str:
    t = desk.page.t
    if not row.active:
        return t("It was taken out of the calendar.")
    state = (await desk.broadcasts.ledger.states([row]))[row.id]
    return {
        ApprovalState.DRAFT: t("A draft: nobody has been asked to approve it yet."),
        ApprovalState.SUBMITTED: t("It waits for approval."),
        ApprovalState.REJECTED: t("It was sent back: see Approval."),
        ApprovalState.APPROVED: "",
    }[state]
