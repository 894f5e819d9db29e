"""The emergency page: choose, confirm, and watch until every speaker has sounded it or is named."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from audio.signals import ABOUT, Signal, Use
from controller.accounts.access import ALERTS, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.alerts.api import AlertsDep, shown, speakers_out, to_call
from controller.alerts.api import reach_out as reach_of
from controller.alerts.models import AlertRow
from controller.alerts.schemas import AddressIn, AlertIn
from controller.alerts.service import Alerts
from controller.alerts.standing import Repeats
from controller.alerts.states import AlertState
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.errors import ControllerError
from controller.http.problems import invalid
from controller.http.route import NowDep, SessionDep
from controller.standing.words import Message
from controller.web.pages.common import FieldsDep, page_for
from controller.web.present import alerts as present
from controller.web.routing import PageRoute
from controller.web.templating import Page
from protocol.messages import AlertKind

router = APIRouter(include_in_schema=False, route_class=PageRoute)

AREAS_MAX = 500
PAST_MAX = 20
SILENT_MAX = 100
SIGNALS = tuple(signal for signal in Signal if signal is Signal.ATTENTION or ABOUT[signal].use is Use.ALARM)
LIFETIMES_H = (1, 2, 6, 12, 24)
STAGGERS_S = (3, 5, 10, 20)
AUDIBLE_TEST = {
    "kind": AlertKind.TEST.value,
    "headline": "Thử loa có tiếng",
    "text": "Đây là buổi thử loa. Không có nguy hiểm, bà con cứ sinh hoạt bình thường.",
}
"""What a test that is heard begins with."""


@dataclass(frozen=True)
class Post:
    """The officer's post: one page being made, with all that it needs."""

    page: Page
    session: AsyncSession
    viewer: Viewer
    alerts: Alerts

    async def overview(
        self, wish: dict[str, object], *, problem: str = "", chosen: frozenset[str] = frozenset(), status: int = 200
    ) -> Response:
        """What is active, what waits, and the form."""
        repository, formats = self.alerts.repository, self.page.formats
        statement = repository.heard(self.viewer).order_by(AlertRow.id.desc())
        now_rows = await repository.all(statement.where(AlertRow.state.in_((AlertState.ACTIVE, AlertState.DRAFT))))
        past_rows = await repository.all(
            statement.where(AlertRow.state.not_in((AlertState.ACTIVE, AlertState.DRAFT))).limit(PAST_MAX)
        )
        own_active = await repository.all(
            repository.own(self.viewer).where(AlertRow.state == AlertState.ACTIVE).limit(1)
        )
        places = await self._places(self.viewer.scope)
        own = places[0][0] if places else ""
        return self.page.html(
            "emergency.html",
            status=status,
            viewer_name=self.viewer.name,
            current=[present.line(each, formats) for each in await shown(self.alerts, *now_rows)],
            own_active=bool(own_active),
            past=[present.line(each, formats) for each in await shown(self.alerts, *past_rows)],
            standing=[(each.hazard.value, each.headline) for each in await self.alerts.standing()],
            repeats=[(each.value, each.words().in_language(self.page.t.language.code)) for each in Repeats],
            signals=[(each.value, self._name_of(each)) for each in SIGNALS],
            lifetimes=LIFETIMES_H,
            staggers=STAGGERS_S,
            areas=places,
            chosen=chosen or frozenset({own}),
            wish=wish,
            problem=problem,
        )

    async def _places(self, scope: str) -> list[tuple[str, str, str, int]]:
        """The areas to choose from, each with how deep it lies below the first."""
        areas = AreaRepository(self.session)
        below = areas.readable(self.viewer).where(within(Area.path, scope))
        found = await areas.all(below.order_by("path").limit(AREAS_MAX))
        top = min((area.depth for area in found), default=0)
        return [(area.code, area.name, area.kind, area.depth - top) for area in found]

    async def one(self, alert_id: str, *, problem: str = "", status: int = 200) -> Response:
        """One alert: what it would do, or how far it has come."""
        row = await self.alerts.repository.get(self.viewer, alert_id)
        (alert,) = await shown(self.alerts, row)
        formats, now = self.page.formats, self.page.now
        reach = await reach_of(self.alerts, self.viewer, row.id, now) if row.released_at else None
        silent = await speakers_out(self.alerts, self.viewer, row.id, silent=True) if row.released_at else []
        draft = row.state is AlertState.DRAFT
        own = await self.alerts.repository.is_own(self.viewer, row.id)
        addressed = frozenset(target.key for target in row.targets if target.kind is TargetKind.AREA)
        return self.page.html(
            "alert.html",
            status=status,
            viewer_name=self.viewer.name,
            alert=alert,
            line=present.line(alert, formats),
            clip=row.announcement.clip_sha256 if row.announcement else None,
            audience=await self.alerts.described(row) if draft else None,
            own_draft=row.author == self.viewer.name,
            counts=present.counts(reach.total, formats) if reach else (),
            reached=present.areas(reach.areas, formats) if reach else [],
            areas=await self._places(row.area.path) if draft and row.relayed else [],
            chosen=addressed,
            addressed=bool(row.targets),
            silent=present.silent(silent[:SILENT_MAX], formats, now),
            silent_more=max(0, len(silent) - SILENT_MAX),
            may_act=own and self.viewer.may(Permission.ALERT),
            all_clear_text=await self.alerts.all_clear_text(row.area),
            ends=f"{formats.clock(row.expires_at)} · {formats.short_day(row.expires_at)}" if row.expires_at else "",
            problem=problem,
        )

    async def refused(self, alert_id: str, refusal: ControllerError) -> Response:
        """The page again: what was asked for was not done, and why."""
        return await self.one(alert_id, problem=self.said(refusal), status=refusal.status)

    def said(self, refusal: ControllerError) -> str:
        """A refusal in the reader's language."""
        text = refusal.errors[0].message if refusal.errors else refusal.detail
        return text.in_language(self.page.t.language.code)

    def _name_of(self, signal: Signal) -> str:
        about = ABOUT[signal]
        return about.name_vi if self.page.t.language.code == "vi" else about.name_en


async def post_of(request: Request, session: SessionDep, viewer: ViewerDep, alerts: AlertsDep, now: NowDep) -> Post:
    """Return the post as the one who asks may use it."""
    return Post(await page_for(request, session, viewer, now), session, viewer, alerts)


PostDep = Annotated[Post, Depends(post_of)]


@router.get("/emergency", dependencies=[READS])
async def emergency_page(post: PostDep, standing: Annotated[str, Query(max_length=32)] = "") -> Response:
    """What is active now, and where to begin."""
    if standing == AlertKind.TEST:
        return await post.overview(_wish_of(None) | AUDIBLE_TEST)
    start = next((each for each in await post.alerts.standing() if each.hazard == standing), None)
    return await post.overview(_wish_of(start))


@router.post("/emergency", dependencies=[ALERTS])
async def write(fields: FieldsDep, post: PostDep) -> Response:
    """Write a draft down, and show what releasing it would do."""
    chosen = frozenset(str(code) for code in fields.getlist("area"))
    areas = AreaRepository(post.session)
    found = await areas.all(areas.readable(post.viewer).order_by("path").limit(1))
    try:
        wish = AlertIn.model_validate(
            {
                "area_code": found[0].code,
                "kind": _text(fields, "kind") or AlertKind.ACTUAL,
                "headline": _text(fields, "headline"),
                "text": _text(fields, "text"),
                "signal": _text(fields, "signal") or Signal.ATTENTION,
                "repeats": _text(fields, "repeats") or Repeats.ONCE,
                "stagger_s": _text(fields, "stagger_s") or 0,
                "lifetime_s": 3600 * int(_text(fields, "lifetime_h") or 1),
                "targets": [{"kind": "area", "key": code} for code in sorted(chosen)],
            }
        )
        row = await post.alerts.draft(wish, post.page.now)
    except ValidationError as error:
        refusal: ControllerError = invalid(error.errors())
    except ControllerError as error:
        refusal = error
    except ValueError as error:
        refusal = invalid([{"loc": ("lifetime_h",), "msg": str(error), "type": "value_error", "input": ""}])
    else:
        return RedirectResponse(f"/emergency/{row.id}", 303)
    kept = {
        name: _text(fields, name)
        for name in ("kind", "headline", "text", "signal", "repeats", "lifetime_h", "stagger_s")
    }
    return await post.overview(dict(kept), problem=post.said(refusal), chosen=chosen, status=refusal.status)


@router.post("/emergency/stop-all", dependencies=[ALERTS])
async def stop_all(post: PostDep) -> Response:
    """Call off all that the viewer's own area, and those below it, issued."""
    await post.alerts.stop_all(post.viewer.area_code, post.page.now)
    return RedirectResponse("/emergency", 303)


@router.get("/emergency/{alert_id}", dependencies=[READS])
async def alert_page(alert_id: str, post: PostDep) -> Response:
    """What it would do, or how far it has come."""
    return await post.one(alert_id)


@router.get("/emergency/{alert_id}/call-list", dependencies=[READS])
async def call_list_page(alert_id: str, post: PostDep) -> Response:
    """Whom to call in each area because a speaker has not sounded it: to print, or to call down."""
    row = await post.alerts.repository.get(post.viewer, alert_id)
    formats, now = post.page.formats, post.page.now
    (alert,) = await shown(post.alerts, row)
    return post.page.html(
        "call_list.html",
        viewer_name=post.viewer.name,
        line=present.line(alert, formats),
        areas=present.call_list(await to_call(post.alerts, post.viewer, row.id), formats),
        printed=f"{formats.clock(now)} · {formats.short_day(now)}",
    )


@router.post("/emergency/{alert_id}/release", dependencies=[ALERTS])
async def release(alert_id: str, post: PostDep, code: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Let it be heard."""
    try:
        await post.alerts.release(alert_id, code, post.page.now)
    except ControllerError as refusal:
        return await post.refused(alert_id, refusal)
    return _back(alert_id)


@router.post("/emergency/{alert_id}/targets", dependencies=[ALERTS])
async def choose_targets(alert_id: str, fields: FieldsDep, post: PostDep) -> Response:
    """Choose the areas of a draft that came without, or with others."""
    chosen = sorted({str(code) for code in fields.getlist("area")})
    try:
        wish = AddressIn.model_validate({"targets": [{"kind": "area", "key": code} for code in chosen]})
        await post.alerts.address(alert_id, wish, post.page.now)
    except ValidationError as error:
        return await post.refused(alert_id, invalid(error.errors()))
    except ControllerError as refusal:
        return await post.refused(alert_id, refusal)
    return _back(alert_id)


@router.post("/emergency/{alert_id}/cancel", dependencies=[ALERTS])
async def cancel(
    alert_id: str,
    post: PostDep,
    all_clear: Annotated[str, Form(max_length=8)] = "",
    text: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Call it off."""
    words = text.replace("\r\n", "\n").strip()
    try:
        await post.alerts.cancel(alert_id, all_clear=bool(all_clear), text=words, now=post.page.now)
    except ControllerError as refusal:
        return await post.refused(alert_id, refusal)
    return _back(alert_id)


@router.post("/emergency/{alert_id}/discard", dependencies=[ALERTS])
async def discard(alert_id: str, post: PostDep) -> Response:
    """Throw a draft away."""
    try:
        await post.alerts.discard(alert_id, post.page.now)
    except ControllerError as refusal:
        return await post.refused(alert_id, refusal)
    return RedirectResponse("/emergency", 303)


def _wish_of(message: Message | None) -> dict[str, object]:
    """What the form begins with."""
    if message is None:
        return {
            "kind": AlertKind.ACTUAL.value, "headline": "", "text": "", "signal": Signal.ATTENTION.value,
            "repeats": Repeats.ONCE.value, "lifetime_h": "1", "stagger_s": "0",
        }  # fmt: skip
    start = message.start
    exercise = start.signal is Signal.EXERCISE
    return {
        "kind": (AlertKind.EXERCISE if exercise else AlertKind.ACTUAL).value,
        "headline": message.headline,
        "text": message.text,
        "signal": Signal.ATTENTION.value if exercise else start.signal.value,
        "repeats": start.repeats.value,
        "lifetime_h": str(start.lifetime_s // 3600),
        "stagger_s": "0",
    }


def _text(fields: FormData, name: str) -> str:
    """A text of the form; browsers send its lines with CR LF."""
    return str(fields.get(name, "")).replace("\r\n", "\n").strip()


def _back(alert_id: str) -> Response:
    return RedirectResponse(f"/emergency/{alert_id}", 303)
