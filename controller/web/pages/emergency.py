"""The emergency page: choose, confirm, and watch until every speaker has sounded it or is named."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from audio.signals import TEST_WORDS
from controller.accounts.access import ALERTS, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.alerts.api import AlertsDep, shown, to_call
from controller.alerts.models import AlertRow
from controller.alerts.schemas import AddressIn, AlertEdit, AlertIn, ProlongIn
from controller.alerts.service import Alerts
from controller.alerts.states import AlertState
from controller.alerts.wording import CATEGORY, marked
from controller.announcements.api import AnnouncementsDep
from controller.announcements.models import Announcement, Status
from controller.announcements.schemas import AnnouncementIn, Second
from controller.announcements.service import Announcements
from controller.announcements.uploads import Kept, KeptDep
from controller.areas.policy import ReleaseRule
from controller.areas.repository import AreaRepository
from controller.content.store import Stored
from controller.errors import ControllerError, Invalid, PreconditionFailed
from controller.http.fields import Search
from controller.http.problems import invalid
from controller.http.route import NowDep, SessionDep
from controller.repository import PageRequest
from controller.runtime import runtime_of
from controller.speech.studio import studio_of
from controller.text import Text
from controller.web.hearing import second_voice_choices
from controller.web.pages.alert_live import reach_parts, told
from controller.web.pages.common import FieldsDep, page_for
from controller.web.present import alert_map as present_map
from controller.web.present import alerts as present
from controller.web.present import compose as form
from controller.web.present.compose import ComposeView
from controller.web.present.targets import NOTHING, Choice
from controller.web.routing import PageRoute
from controller.web.targets import Targets
from controller.web.templating import Page
from protocol.messages import AlertKind

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PAST_MAX = 20
RECORDINGS_MAX = 6
AUDIBLE_TEST = {
    "kind": AlertKind.TEST.value,
    "headline": "Thử loa có tiếng",
    "text": f"{TEST_WORDS} Không có nguy hiểm, bà con cứ sinh hoạt bình thường.",
}
"""What a test that is heard begins with."""
OVERTAKEN = Text(
    "Somebody else has just changed this draft: below is what it says now. What you typed is kept in the form:"
    " save again to put it in its place."
)


_FORM_NAMES = {"lifetime_s": "lifetime_h"}
"""How the form calls what the service names otherwise."""


@dataclass(frozen=True)
class Post:
    """The officer's post: one page being made, with all that it needs."""

    page: Page
    session: AsyncSession
    viewer: Viewer
    alerts: Alerts
    announcements: Announcements

    async def overview(
        self,
        wish: Mapping[str, str],
        *,
        refusal: ControllerError | None = None,
        chosen: Choice | None = None,
        replaced: AlertRow | None = None,
    ) -> Response:
        """What is active, what waits, and the form; `refusal`: why what it says could not be taken."""
        repository, formats = self.alerts.repository, self.page.formats
        statement = repository.heard(self.viewer).order_by(AlertRow.id.desc())
        now_rows = await repository.all(statement.where(AlertRow.state.in_((AlertState.ACTIVE, AlertState.DRAFT))))
        past_rows = await repository.all(
            statement.where(AlertRow.state.not_in((AlertState.ACTIVE, AlertState.DRAFT))).limit(PAST_MAX)
        )
        own_active = await repository.all(
            repository.own(self.viewer).where(AlertRow.state == AlertState.ACTIVE).limit(1)
        )
        own = await AreaRepository(self.session).get(self.viewer, self.viewer.area_code)
        begun = Choice(areas=frozenset({own.code})) if chosen is None else chosen
        return self.page.html(
            "emergency.html",
            status=refusal.status if refusal else 200,
            viewer_name=self.viewer.name,
            current=[present.line(each, formats) for each in await shown(self.alerts, *now_rows)],
            own_active=bool(own_active),
            past=[present.line(each, formats) for each in await shown(self.alerts, *past_rows)],
            settings=runtime_of(self.page.request).settings,
            standing=[(each.hazard.value, each.headline) for each in await self.alerts.standing()],
            offered=present.offered(formats),
            recordings=await self.recordings(held=wish["announcement_id"]),
            compose=self.compose(wish, self.errors(refusal) if refusal else {}),
            picker=await Targets(self.session, self.viewer, own).picker(begun, drawable=True),
            wish=wish,
            replaced=replaced,
            problem=self.said(refusal) if refusal else "",
        )

    def compose(self, wish: Mapping[str, str], errors: dict[str, str]) -> ComposeView:
        """What is said, as the form shows it with what is wrong beside each field."""
        return ComposeView(
            values=replace(form.values_of(wish, NOTHING), source=wish["source"]),
            errors=errors,
            languages=form.languages(),
            second_voices=second_voice_choices(runtime_of(self.page.request), self.page.t, form.languages()),
        )

    async def one(
        self,
        alert_id: str,
        *,
        refusal: ControllerError | None = None,
        chosen: Choice | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """One alert: what it would do, or how far it has come.

        `refusal`: why what was asked for was not done; `chosen`, `typed`: the places, the words that it was about.
        """
        row = await self.alerts.repository.get(self.viewer, alert_id)
        (alert,) = await shown(self.alerts, row)
        formats, now = self.page.formats, self.page.now
        released = row.released_at is not None
        reach = await reach_parts(self.session, self.viewer, self.page, row.id, now) if released else None
        draft = row.state is AlertState.DRAFT
        own = await self.alerts.repository.is_own(self.viewer, row.id)
        may_act = own and self.viewer.may(Permission.ALERT)
        errors = self.errors(refusal) if typed and refusal else {}
        picker = wish = None
        if draft and may_act:
            wish = typed or present.wish_of_draft(alert)
            before = Choice.of(await self.alerts.named(row), row.polygon)
            targets = Targets(self.session, self.viewer, row.area)
            picker = await targets.picker(before if chosen is None else chosen, drawable=True)
        return self.page.html(
            "alert.html",
            status=refusal.status if refusal else 200,
            viewer_name=self.viewer.name,
            **told(row, alert, self.page),
            reach=reach,
            audience=await self.alerts.described(row) if draft else None,
            own_draft=row.author == self.viewer.name,
            picker=picker,
            choosing=chosen is not None,
            legends=present_map.legends(self.page.t),
            settings=runtime_of(self.page.request).settings,
            addressed=bool(row.targets),
            may_act=may_act,
            replaceable=row.kind is not AlertKind.TEST,
            replaces=[each.headline for each in await self.alerts.repository.some(self.viewer, row.replaces)],
            all_clear_text=await self.alerts.all_clear_text(row),
            offered=present.offered(formats, alert if draft else None),
            wish=wish,
            editing=typed is not None,
            compose=self.compose(wish, errors) if wish else None,
            recordings=await self.recordings(held=wish["announcement_id"]) if wish else [],
            prolonging_asks_code=await self.alerts.rule(row.area) is ReleaseRule.OWN_CODE and row.volume != 0,
            problem=self.said(refusal) if refusal else "",
        )

    async def recordings(self, q: str = "", held: str = "") -> list[present.RecordingView]:
        """The newest that are ready, or those that hold these words; `held`, the one chosen, before them."""
        known = self.announcements.repository
        ready = known.in_use(self.viewer).where(Announcement.status == Status.READY)
        if q:
            found = await known.search(ready, q, RECORDINGS_MAX)
        else:
            found = (await known.page(ready, PageRequest(None, RECORDINGS_MAX))).items
        first = await known.find(self.viewer, held) if held else None
        rows = ([first] if first else []) + [row for row in found if row.id != held]
        return [present.recording(row, self.page.formats) for row in rows]

    async def words(self, given: dict[str, str], kept: Mapping[str, Stored], name: str) -> dict[str, object]:
        """What the form says, as `AlertIn` takes it.

        What was recorded becomes an announcement first; `given` chooses that from then on, so that a form that is
        refused for something else comes back with it.
        """
        t, now, area = self.page.t, self.page.now, self.viewer.area_code
        if given["source"] == "library":
            if not given["announcement_id"]:
                raise _unsaid("announcement_id", t("Please choose a recording."))
            return {"announcement_id": given["announcement_id"]}
        values, second = self.typed(given, kept)
        language, also = values.second_language, kept.get("second_file")
        if values.source == "file":
            row = await self.announcements.upload(
                title=given["headline"] or name,
                area_code=area,
                category=CATEGORY,
                source=kept["file"].sha256,
                source_name=name,
                now=now,
                trim=form.trim_of(values),
                second=None if also else second,
            )
        elif also and language:
            said = marked(AlertKind(given["kind"]), values.text)
            wish = AnnouncementIn(title=given["headline"], text=said, area_code=area, category=CATEGORY)
            row = await self.announcements.type(wish, now)
        else:
            return {"text": given["text"], "second": second}
        if also and language:
            await self.announcements.say_also(row, language=language, source=also.sha256, source_name="", now=now)
        given |= {"source": "library", "announcement_id": row.id}
        return {"announcement_id": row.id}

    def typed(self, given: Mapping[str, str], kept: Mapping[str, Stored]) -> tuple[form.ComposeValues, Second | None]:
        """What the form says, if it can be heard, and its words in another language."""
        values, t = form.values_of(given, NOTHING), self.page.t
        if not values.second_language:  # who chooses none drops what was said in it
            values, kept = replace(values, second_text=""), {"file": kept["file"]} if "file" in kept else {}
        errors = form.sound_errors(values, t, sent=kept)
        language, text = values.second_language, values.second_text.strip()
        if not (values.text.strip() or language):
            errors.pop("text", None)  # the signal alone is an alert, too
        if text and "second_file" not in kept and not studio_of(runtime_of(self.page.request)).voices(language):
            errors["second"] = t("No voice reads this language here. Choose a recording of it, or no other language.")
        for field, problem in errors.items():
            raise _unsaid(field, problem)
        second = Second(language=language, text=text, voice=values.second_voice or None) if language and text else None
        return values, second

    async def changes(
        self, before: Mapping[str, str], given: dict[str, str], kept: Mapping[str, Stored], name: str
    ) -> dict[str, object]:
        """What of a draft the form changes, as `AlertEdit` takes it: what stands there as it was shown, stays."""
        changed = {name for name, was in before.items() if given[name] != was}
        wish: dict[str, object] = {each: given[each] for each in changed & {"headline", "repeats", "stagger_s"}}
        wish |= {each: given[each] or None for each in changed & {"signal", "volume"}}
        if kept or changed & {"source", "announcement_id"}:
            wish |= await self.words(given, kept, name)
        elif given["source"] == "text":
            wish |= {each: given[each] for each in changed & {"text"}}
            if changed & {"second_language", "second_text", "second_voice"}:
                second = self.typed(given, {})[1]
                wish |= {"second": second} if second or before["second_language"] else {}
        if "lifetime_h" in changed:
            wish["lifetime_s"] = _seconds(given["lifetime_h"])
        return wish

    async def done(
        self,
        alert_id: str,
        deed: Awaitable[object],
        then: str = "",
        *,
        chosen: Choice | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """Do it, and go on to the alert, or to where else.

        Where it is refused, the page says why, and keeps what was `chosen`, or `typed`.
        """
        try:
            await deed
        except ValidationError as error:
            refusal: ControllerError = invalid(error.errors())
        except ControllerError as error:
            refusal = error
        else:
            return RedirectResponse(then or f"/emergency/{alert_id}", 303)
        self.page.request.state.refusal = refusal
        return await self.one(alert_id, refusal=refusal, chosen=chosen, typed=typed)

    async def replaceable(self, alert_id: str) -> AlertRow | None:
        """The active alert of one's own that a new one may take the place of."""
        row = await self.alerts.repository.find(self.viewer, alert_id) if alert_id else None
        if row is None or row.state is not AlertState.ACTIVE or row.kind is AlertKind.TEST:
            return None
        return row if await self.alerts.repository.is_own(self.viewer, row.id) else None

    def errors(self, refusal: ControllerError) -> dict[str, str]:
        """What is wrong, by the field of the form."""
        language = self.page.t.language.code
        named = ((each.field.partition(".")[0], each.message.in_language(language)) for each in refusal.errors)
        return {_FORM_NAMES.get(field, field): said for field, said in named}

    def said(self, refusal: ControllerError) -> str:
        """A refusal in the reader's language."""
        text = refusal.errors[0].message if refusal.errors else refusal.detail
        return text.in_language(self.page.t.language.code)


async def post_of(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    alerts: AlertsDep,
    announcements: AnnouncementsDep,
    now: NowDep,
) -> Post:
    """Return the post as the one who asks may use it."""
    return Post(await page_for(request, session, viewer, now), session, viewer, alerts, announcements)


PostDep = Annotated[Post, Depends(post_of)]


@router.get("/emergency", dependencies=[READS])
async def emergency_page(
    post: PostDep,
    standing: Annotated[str, Query(max_length=32)] = "",
    replaces: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """What is active now, and where to begin. `replaces`: the active alert whose place the new one is to take."""
    if row := await post.replaceable(replaces):
        (alert,) = await shown(post.alerts, row)
        chosen = Choice.of(await post.alerts.named(row), row.polygon)
        return await post.overview(present.wish_again(alert), chosen=chosen, replaced=row)
    if standing == AlertKind.TEST:
        return await post.overview({**present.BLANK, **AUDIBLE_TEST})
    start = next((each for each in await post.alerts.standing() if each.hazard == standing), None)
    return await post.overview(present.wish_of(start) if start else present.BLANK)


@router.get("/parts/alerts/recordings", dependencies=[READS])
async def recordings_part(
    post: PostDep,
    q: Annotated[Search, Query()] = "",
    announcement_id: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """What may be heard instead of typed words, of what was searched for; what is chosen by now stays."""
    found = await post.recordings(q, announcement_id)
    return post.page.html("partials/recordings.html", recordings=found, held=announcement_id)


@router.post("/emergency", dependencies=[Kept, ALERTS])
async def write(fields: FieldsDep, kept: KeptDep, post: PostDep) -> Response:
    """Write a draft down, and show what releasing it would do."""
    chosen = Choice.read(fields)
    given = {name: _text(fields, name) or begun for name, begun in present.BLANK.items()}
    try:
        wish = AlertIn.model_validate(
            {
                "area_code": post.viewer.area_code,
                **{name: given[name] for name in ("kind", "headline", "signal", "repeats", "stagger_s")},
                "lifetime_s": _seconds(given["lifetime_h"]),
                "volume": given["volume"] or None,
                "hazard": given["hazard"] or None,
                "replaces": [given["replaces"]] if given["replaces"] else [],
            }
            | await post.words(given, kept, _file_name(fields))
            | chosen.address()
        )
        row = await post.alerts.draft(wish, post.page.now)
    except ValidationError as error:
        refusal: ControllerError = invalid(error.errors())
    except ControllerError as error:
        refusal = error
    else:
        return RedirectResponse(f"/emergency/{row.id}", 303)
    return await post.overview(
        given, refusal=refusal, chosen=chosen, replaced=await post.replaceable(given["replaces"])
    )


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
async def release(
    alert_id: str,
    post: PostDep,
    seen: Annotated[str, Form(max_length=256)] = "",
    code: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Let it be heard, as the page showed it."""
    return await post.done(alert_id, post.alerts.release(alert_id, seen=seen, code=code, now=post.page.now))


@router.post("/emergency/{alert_id}/targets", dependencies=[ALERTS])
async def choose_targets(alert_id: str, fields: FieldsDep, post: PostDep) -> Response:
    """Choose whom a draft addresses that came without, or with others."""
    chosen = Choice.read(fields)

    async def address() -> None:
        await post.alerts.address(alert_id, AddressIn.model_validate(chosen.address()), post.page.now)

    return await post.done(alert_id, address(), chosen=chosen)


@router.post("/emergency/{alert_id}/words", dependencies=[Kept, ALERTS])
async def edit(alert_id: str, fields: FieldsDep, kept: KeptDep, post: PostDep) -> Response:
    """Change what a draft says and how it is heard. What is refused, or overtaken by another's change, stays typed."""
    row = await post.alerts.repository.get(post.viewer, alert_id)
    before = present.wish_of_draft((await shown(post.alerts, row))[0])
    given = before | {name: _text(fields, name) for name in before if name in fields}

    async def reword() -> None:
        if wish := await post.changes(before, given, kept, _file_name(fields)):
            edited = AlertEdit.model_validate(wish | {"seen": _text(fields, "seen")})
            try:
                await post.alerts.edit(alert_id, edited, post.page.now)
            except PreconditionFailed:
                raise PreconditionFailed(OVERTAKEN) from None

    return await post.done(alert_id, reword(), typed=given)


@router.post("/emergency/{alert_id}/cancel", dependencies=[ALERTS])
async def cancel(
    alert_id: str,
    post: PostDep,
    all_clear: Annotated[str, Form(max_length=8)] = "",
    text: Annotated[str, Form(max_length=4000)] = "",
    shown: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Call it off, in the words that were typed, or else in those that the page showed: somebody may reword them."""
    words = (text.strip() or shown.strip()).replace("\r\n", "\n")
    deed = post.alerts.cancel(alert_id, all_clear=bool(all_clear), text=words, now=post.page.now)
    return await post.done(alert_id, deed)


@router.post("/emergency/{alert_id}/prolong", dependencies=[ALERTS])
async def prolong(
    alert_id: str,
    post: PostDep,
    lifetime_h: Annotated[str, Form(max_length=4)] = "",
    code: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Let it live so long from now on: longer, or shorter."""

    async def live_on() -> None:
        wish = ProlongIn(lifetime_s=_seconds(lifetime_h), code=code)
        await post.alerts.prolong(alert_id, wish.lifetime_s, wish.code, post.page.now)

    return await post.done(alert_id, live_on())


@router.post("/emergency/{alert_id}/discard", dependencies=[ALERTS])
async def discard(alert_id: str, post: PostDep) -> Response:
    """Throw a draft away."""
    return await post.done(alert_id, post.alerts.discard(alert_id, post.page.now), then="/emergency")


def _text(fields: FormData, name: str) -> str:
    """A text of the form; browsers send its lines with CR LF."""
    return str(fields.get(name, "")).replace("\r\n", "\n").strip()


def _file_name(fields: FormData) -> str:
    """What the recording that came with the form is called."""
    upload = fields.get("file")
    return Path(upload.filename or "").name if isinstance(upload, UploadFile) else ""


def _seconds(hours: str) -> int:
    """How long that is; none at all, which is refused, where it is no number."""
    return 3600 * int(hours[:4]) if hours.isdecimal() else 0


def _unsaid(field: str, problem: str) -> Invalid:
    """A refusal that is in the reader's language already."""
    return Invalid.field(field, Text.both(problem, problem))
