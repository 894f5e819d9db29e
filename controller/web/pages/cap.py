"""Senders of CAP: who may warn here, by what each is known, and what became of what it sent."""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ADMINISTERS, IN_PERSON, ViewerDep
from controller.accounts.viewer import Viewer
from controller.cap.api import SendersDep
from controller.cap.judging import Release
from controller.cap.ladder import DEFAULT_LADDER, Ladder, Rung
from controller.cap.models import CapSender
from controller.cap.repository import CapMessageRepository
from controller.cap.schemas import FeedEdit, FeedIn, SenderEdit, SenderIn
from controller.cap.senders import CapSenders
from controller.cap.signature import pinned
from controller.errors import ControllerError
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.http.versions import Precondition
from controller.repository import PageRequest
from controller.web.pages.common import FieldsDep, page_for, words
from controller.web.pages.places import places
from controller.web.present import cap as present
from controller.web.routing import PageRoute
from controller.web.templating import Page
from schedules.types import Priority

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE: Final = "/cap"
ROWS: Final = 50
MESSAGES: Final = 20
PEM_MAX: Final = 20_000
"""Characters, as `schemas.Pem` takes them."""
INTERVALS_S: Final = (60, 120, 300, 600, 900)


@dataclass(frozen=True)
class Typed:
    """What was typed, what is wrong with it, and what is shown this once."""

    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    wrong: str = ""
    """The part of the page that the error is about."""
    token: str = ""


@dataclass(frozen=True)
class Desk:
    """The desk of whoever looks after senders: one page being made, with all that it needs."""

    page: Page
    session: AsyncSession
    viewer: Viewer
    senders: CapSenders
    address: str
    """To which senders send."""

    async def overview(self, typed: Typed, *, cursor: str | None = None, retired: bool = False) -> Response:
        """All senders, and a form for one more."""
        formats, now = self.page.formats, self.page.now
        repository, messages = self.senders.repository, CapMessageRepository(self.session)
        found = await repository.page(repository.listed(self.viewer, retired=retired), PageRequest(cursor, ROWS))
        ids = [row.id for row in found.items]
        last, refusals = await messages.newest(ids), await messages.refusals(ids)
        feeds = await repository.feeds_of(ids)
        chosen = typed.values.get("area_code") or self.viewer.area_code
        more = f"{HERE}?cursor={found.next_cursor}{'&retired=true' if retired else ''}" if found.next_cursor else ""
        return self.page.html(
            "cap_senders.html",
            status=422 if typed.error else 200,
            viewer_name=self.viewer.name,
            rows=[
                present.line(
                    row,
                    formats,
                    now,
                    feeds=feeds.get(row.id, 0),
                    last=last.get(row.id),
                    refusal=refusals.get(row.id),
                )
                for row in found.items
            ],
            typed=typed,
            values={"title": "", "release": Release.OFFICER.value, **typed.values},
            places=await places(self.session, self.viewer, also=[chosen]),
            chosen=chosen,
            releases=_releases(self.page),
            retired=retired,
            next_page=more,
        )

    async def one(self, row: CapSender, typed: Typed) -> Response:
        """One sender, with everything that may be changed of it."""
        formats, now, t = self.page.formats, self.page.now, self.page.t
        messages = await self.senders.messages(row, PageRequest(None, MESSAGES))
        refusals = await CapMessageRepository(self.session).refusals([row.id])
        kept = {
            "title": row.title,
            "names": "\n".join(row.names),
            "languages": ", ".join(row.languages),
            "release": row.release.value,
            "url": "",
        }
        return self.page.html(
            "cap_sender.html",
            status=422 if typed.error else 200,
            viewer_name=self.viewer.name,
            sender=row,
            typed=typed,
            values={**kept, **typed.values},
            releases=_releases(self.page),
            certificates=present.certificates(row, formats, now),
            feeds=[present.feed(feed, state, formats) for feed, state in await self.senders.feeds(row)],
            intervals=[(each, formats.duration(each)) for each in INTERVALS_S],
            rungs=present.rungs(Ladder.model_validate(row.ladder), t),
            priorities=present.priorities(t),
            messages=[present.message(each, formats) for each in messages.items],
            refused=present.refused(refusals[row.id], formats) if row.id in refusals else None,
            address=self.address,
        )


async def desk_of(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    senders: SendersDep,
    runtime: RuntimeDep,
    now: NowDep,
) -> Desk:
    """Return the desk as the one who asks may use it."""
    page = await page_for(request, session, viewer, now)
    return Desk(page, session, viewer, senders, f"{runtime.settings.base_url}/api/v1/cap")


DeskDep = Annotated[Desk, Depends(desk_of)]


@router.get(HERE, dependencies=[ADMINISTERS])
async def senders_page(
    desk: DeskDep, cursor: Annotated[str | None, Query(max_length=2000)] = None, *, retired: bool = False
) -> Response:
    """Who sends, and what came of each last."""
    return await desk.overview(Typed(), cursor=cursor, retired=retired)


@router.post(HERE, dependencies=[ADMINISTERS, IN_PERSON])
async def add(desk: DeskDep, fields: FieldsDep) -> Response:
    """Take messages of somebody from now on."""
    values = {name: _text(fields, name) for name in ("title", "area_code", "release")}
    try:
        async with desk.session.begin_nested():
            row = await desk.senders.add(SenderIn.model_validate(values))
    except (ControllerError, ValidationError) as refusal:
        return await desk.overview(Typed(values, words(refusal, desk.page)))
    return RedirectResponse(f"{HERE}/{row.id}", 303)


@router.get(f"{HERE}/{{sender_id}}", dependencies=[ADMINISTERS])
async def sender_page(sender_id: str, desk: DeskDep) -> Response:
    """One sender."""
    return await desk.one(await desk.senders.get(sender_id), Typed())


@router.post(f"{HERE}/{{sender_id}}", dependencies=[ADMINISTERS, IN_PERSON])
async def change(sender_id: str, desk: DeskDep, fields: FieldsDep) -> Response:
    """Change one thing about a sender: what `do` names."""
    row = await desk.senders.get(sender_id)
    Precondition(frozenset({f'"{_text(fields, "version")}"'})).check(row)
    do, _, which = _text(fields, "do").partition(":")
    part = _PARTS.get(do, "")
    try:
        async with desk.session.begin_nested():
            if do == "token":
                token = await desk.senders.give_token(row)
                return await desk.one(row, Typed(token=token))
            await _do(desk, row, do, which, fields)
    except (ControllerError, ValidationError) as refusal:
        await desk.session.refresh(row)
        values = {
            name: _text(fields, name) for name in ("title", "names", "languages", "release", "url") if name in fields
        }
        return await desk.one(row, Typed(values, words(refusal, desk.page), part))
    return RedirectResponse(f"{HERE}/{row.id}{f'#{part}' if part else ''}", 303)


_PARTS: Final = {
    "save": "about",
    "token": "token",
    "take-token": "token",
    "add-feed": "feeds",
    "interval": "feeds",
    "remove-feed": "feeds",
    "ladder": "ladder",
    "usual-ladder": "ladder",
    "add-rung": "ladder",
    "raise-rung": "ladder",
    "drop-rung": "ladder",
}
"""In which part of the page each thing is done."""


async def _do(desk: Desk, row: CapSender, do: str, which: str, fields: FormData) -> None:
    senders, now = desk.senders, desk.page.now
    match do:
        case "save":
            await senders.edit(row, SenderEdit.model_validate(await _wish(row, fields)), now)
        case "retire" | "restore":
            await senders.edit(row, SenderEdit(retired=do == "retire"), now)
        case "take-token":
            await senders.take_token(row)
        case "add-feed":
            wish = {"url": _text(fields, "url"), "interval_s": _text(fields, "interval_s")}
            await senders.add_feed(row, FeedIn.model_validate(wish))
        case "interval":
            wish = {"interval_s": _text(fields, "interval_s")}
            await senders.edit_feed(row, which, FeedEdit.model_validate(wish))
        case "remove-feed":
            await senders.remove_feed(row, which)
        case "usual-ladder":
            await senders.edit(row, SenderEdit(ladder=DEFAULT_LADDER), now)
        case "ladder" | "add-rung" | "raise-rung" | "drop-rung":
            place = int(which) if which.isdecimal() else 0
            await senders.edit(row, SenderEdit(ladder=_ladder(fields, do, place)), now)


async def _wish(row: CapSender, fields: FormData) -> dict[str, Any]:
    keep = set(map(str, fields.getlist("keep")))
    kept = [pem for pem in row.certificates if present.fingerprint(pinned(pem)) in keep]
    new = [await _pem(each) for each in fields.getlist("certificate") if isinstance(each, UploadFile) and each.size]
    return {
        "title": _text(fields, "title"),
        "names": [line for line in _text(fields, "names").splitlines() if line.strip()],
        "languages": [tag.strip() for tag in _text(fields, "languages").split(",") if tag.strip()],
        "release": _text(fields, "release"),
        "certificates": [*kept, *(pem for pem in new if pem not in kept)],
    }


async def _pem(file: UploadFile) -> str:
    """The text of a certificate's file: as it is, or of one in binary."""
    data = await file.read(PEM_MAX + 1)
    try:
        return x509.load_der_x509_certificate(data).public_bytes(Encoding.PEM).decode()
    except (ValueError, binascii.Error):
        return data.decode("utf-8", errors="replace")


def _ladder(fields: FormData, do: str, place: int) -> Ladder:
    """The ladder as it stands in the form, and what is to become of one rung."""
    rungs = [
        Rung.model_validate(
            {
                "priority": _number(_text(fields, f"priority-{number}")),
                **{scale: fields.getlist(f"{scale}-{number}") for scale in ("urgency", "severity", "certainty")},
            }
        )
        for number in range(min(_number(_text(fields, "rungs")), 50))
    ]
    match do:
        case "add-rung":
            rungs.append(Rung(priority=Priority.ROUTINE))
        case "raise-rung" if 0 < place < len(rungs):
            rungs[place - 1], rungs[place] = rungs[place], rungs[place - 1]
        case "drop-rung" if place < len(rungs):
            del rungs[place]
    return Ladder.model_validate({"rungs": tuple(rungs)})


def _releases(page: Page) -> tuple[tuple[str, str], ...]:
    return tuple((each.value, present.release_text(page.t, each)) for each in (Release.OFFICER, Release.AT_ONCE))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0  # noqa: PLR2004 digits


def _text(fields: FormData, name: str) -> str:
    return str(fields.get(name, "")).replace("\r\n", "\n").strip()
