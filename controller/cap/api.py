"""`/api/v1/cap`: messages of others, and who sends them."""

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials

from controller.accounts.access import ADMINISTERS, BEARER, IN_PERSON, MaybeViewerDep, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.cap.errors import CapRefused
from controller.cap.models import CapSender
from controller.cap.publisher import Signet, sender_name
from controller.cap.publishing import CAP_TYPE, FeedEntry, atom
from controller.cap.reading import read
from controller.cap.repository import PublishedRepository
from controller.cap.room import room_of
from controller.cap.schemas import (
    FeedEdit,
    FeedIn,
    FeedOut,
    MessageOut,
    SenderEdit,
    SenderIn,
    SenderOut,
    SenderTokenOut,
    TakenOut,
)
from controller.cap.senders import CapSenders
from controller.cap.service import CapService
from controller.errors import Forbidden, NotFound, Unauthenticated
from controller.http.language import language_of
from controller.http.openapi import refusals
from controller.http.pages import PageDep, PageOut
from controller.http.problems import problem
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag

router = APIRouter(prefix="/api/v1/cap", tags=["cap"], route_class=TransactionRoute)

ATOM_TYPE: Final = "application/atom+xml"
PEM_TYPE: Final = "application/x-pem-file"
NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When a feed with nothing in it has changed."""

_XML: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {CAP_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post(
    "",
    operation_id="sendCap",
    summary="Send a CAP message",
    response_model=TakenOut,
    openapi_extra=_XML,
    responses=refusals(400, 429),
)
async def send_cap(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    now: NowDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> TakenOut | Response:
    """Take a CAP 1.2 message of the sender whose token comes with it; `docs/cap.md` says what becomes of it.

    What is refused has a stable `code`, and IPAWS-OPEN's `number` where it has one.
    """
    if bearer is None:
        raise Unauthenticated
    service = CapService(session, room_of(runtime)(session))
    sender = await service.sender_of(bearer.credentials)
    came_to = await service.answer(sender, await request.body(), now=now)
    if isinstance(came_to, CapRefused):  # answered, not raised: that it came is remembered
        request.state.refusal = came_to
        return problem(came_to, language_of(request))
    return TakenOut.of(came_to, language_of(request))


def senders_of(session: SessionDep, viewer: ViewerDep) -> CapSenders:
    """Return senders as the one who asks may change them."""
    return CapSenders(session, viewer)


SendersDep = Annotated[CapSenders, Depends(senders_of)]


def _shown(row: CapSender, response: Response) -> SenderOut:
    tag(response, row)
    response.headers["Location"] = f"/api/v1/cap/senders/{row.id}"
    return SenderOut.of(row)


@router.get("/senders", operation_id="listCapSenders", summary="Whose messages are taken", dependencies=[ADMINISTERS])
async def list_senders(
    senders: SendersDep,
    viewer: ViewerDep,
    page: PageDep,
    *,
    retired: Annotated[bool, Query(description="Also those put away")] = False,
) -> PageOut[SenderOut]:
    """Answer one page of senders for your areas."""
    found = await senders.repository.page(senders.repository.listed(viewer, retired=retired), page)
    return PageOut(items=[SenderOut.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "/senders",
    operation_id="addCapSender",
    summary="Take messages of somebody",
    status_code=201,
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def add_sender(body: SenderIn, response: Response, senders: SendersDep) -> SenderOut:
    """Register a sender for an area. Its emergencies wait for an officer unless `release` says `at_once`."""
    return _shown(await senders.add(body), response)


@router.get("/senders/{sender_id}", operation_id="getCapSender", summary="One sender", dependencies=[ADMINISTERS])
async def get_sender(sender_id: str, response: Response, senders: SendersDep) -> SenderOut:
    """Answer a sender."""
    return _shown(await senders.get(sender_id), response)


@router.patch(
    "/senders/{sender_id}",
    operation_id="editCapSender",
    summary="Change what a sender may do, its certificates or its ladder; put it away",
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def edit_sender(
    *,
    body: SenderEdit,
    sender_id: str,
    response: Response,
    senders: SendersDep,
    condition: IfMatchDep,
    now: NowDep,
) -> SenderOut:
    """Edit a sender. What it sent before stays as it was judged.

    `retired` puts it away: its token and its feeds are worth nothing until it is brought back.
    """
    row = await senders.get(sender_id)
    condition.check(row)
    return _shown(await senders.edit(row, body, now), response)


@router.post(
    "/senders/{sender_id}/token",
    operation_id="giveCapToken",
    summary="Give a sender a new token",
    status_code=201,
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def give_token(sender_id: str, senders: SendersDep) -> SenderTokenOut:
    """Make the token with which it sends; shown this once, and the one before ends."""
    return SenderTokenOut(token=await senders.give_token(await senders.get(sender_id)))


@router.delete(
    "/senders/{sender_id}/token",
    operation_id="takeCapToken",
    summary="Let a sender send no more",
    status_code=204,
    dependencies=[ADMINISTERS],
)
async def take_token(sender_id: str, senders: SendersDep) -> None:
    """Make its token worthless. Its feeds are read until they are removed."""
    await senders.take_token(await senders.get(sender_id))


@router.get(
    "/senders/{sender_id}/messages",
    operation_id="listCapMessages",
    summary="What a sender has sent, newest first",
    dependencies=[ADMINISTERS],
)
async def list_messages(sender_id: str, senders: SendersDep, page: PageDep) -> PageOut[MessageOut]:
    """Answer one page of the messages that were taken, and what they came to."""
    found = await senders.messages(await senders.get(sender_id), page)
    return PageOut(items=[MessageOut.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.get(
    "/senders/{sender_id}/feeds",
    operation_id="listCapFeeds",
    summary="A sender's feeds, and how reading them goes",
    dependencies=[ADMINISTERS],
)
async def list_feeds(sender_id: str, senders: SendersDep) -> list[FeedOut]:
    """Answer all feeds of a sender."""
    return [FeedOut.of(feed, state) for feed, state in await senders.feeds(await senders.get(sender_id))]


@router.post(
    "/senders/{sender_id}/feeds",
    operation_id="addCapFeed",
    summary="Read a feed of a sender",
    status_code=201,
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def add_feed(body: FeedIn, sender_id: str, senders: SendersDep) -> FeedOut:
    """Look at an Atom or RSS feed every so often. Unsigned ones must be https."""
    return FeedOut.of(await senders.add_feed(await senders.get(sender_id), body), None)


@router.patch(
    "/senders/{sender_id}/feeds/{feed_id}",
    operation_id="editCapFeed",
    summary="Read a feed more or less often",
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def edit_feed(body: FeedEdit, feed_id: str, sender_id: str, senders: SendersDep) -> FeedOut:
    """Change how often it is looked at."""
    return FeedOut.of(*await senders.edit_feed(await senders.get(sender_id), feed_id, body))


@router.delete(
    "/senders/{sender_id}/feeds/{feed_id}",
    operation_id="removeCapFeed",
    summary="Read a feed no more",
    status_code=204,
    dependencies=[ADMINISTERS],
)
async def remove_feed(feed_id: str, sender_id: str, senders: SendersDep) -> None:
    """Remove a feed."""
    await senders.remove_feed(await senders.get(sender_id), feed_id)


async def _reader(runtime: RuntimeDep, viewer: MaybeViewerDep) -> Viewer | None:
    """Return whose view counts for what we publish; nobody's where it is for everybody. Refuse others."""
    if runtime.settings.cap_public:
        return None
    if viewer is None:
        raise Unauthenticated
    if not viewer.may(Permission.READ):
        raise Forbidden
    return viewer


ReaderDep = Annotated[Viewer | None, Depends(_reader)]


@router.get(
    "/feed",
    operation_id="readCapFeed",
    summary="Our alerts as CAP, in an Atom feed",
    response_class=Response,
    responses={200: {"content": {ATOM_TYPE: {}}}, 304: {"description": "Nothing new"}},
)
async def read_feed(request: Request, session: SessionDep, runtime: RuntimeDep, reader: ReaderDep) -> Response:
    """Answer the newest messages, each with the address of its signed document. Open to all with `LOA_CAP_PUBLIC`."""
    rows = await PublishedRepository(session).newest(reader)
    base = f"{runtime.settings.base_url}{router.prefix}"
    whose = "" if reader is None else reader.scope
    etag = f'"{sha256(" ".join([whose, *(row.identifier for row in rows)]).encode()).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})

    def made() -> bytes:
        entries = [FeedEntry(read(row.document), f"{base}/{row.identifier}") for row in rows]
        return atom(entries, url=f"{base}/feed", title=sender_name(runtime.settings), updated=NEVER)

    return Response(await asyncio.to_thread(made), media_type=ATOM_TYPE, headers={"ETag": etag})


@router.get(
    "/certificate",
    operation_id="getCapCertificate",
    summary="The certificate that our CAP messages are signed with",
    response_class=Response,
    responses={200: {"content": {PEM_TYPE: {}}}},
)
async def get_certificate(runtime: RuntimeDep, _reader: ReaderDep) -> Response:
    """Answer the certificate in PEM, for others to pin."""
    return Response(Signet.of(runtime).certificate.public_bytes(Encoding.PEM), media_type=PEM_TYPE)


@router.get(
    "/{identifier}",
    operation_id="getCapMessage",
    summary="One of our CAP messages, signed",
    response_class=Response,
    responses={200: {"content": {CAP_TYPE: {}}}},
)
async def get_message(identifier: str, session: SessionDep, reader: ReaderDep) -> Response:
    """Answer a message as it was signed."""
    found = await PublishedRepository(session).find(reader, identifier)
    if found is None:
        raise NotFound
    return Response(found.document, media_type=CAP_TYPE)
