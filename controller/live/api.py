"""`/api/v1/live-sessions`."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, WebSocket, WebSocketDisconnect
from pydantic import Field

from controller.accounts.access import ANNOUNCES, COOKIE, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.service import identify_browser, identify_program
from controller.accounts.viewer import Viewer
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import Target
from controller.http.cookies import HOST_ONLY
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.live.arriving import Lateness, Piece
from controller.live.desk import LiveDesk, Speaking
from controller.live.keeping import desk_of, live_sessions_of
from controller.live.models import LiveSessionRow
from controller.live.schemas import TARGETS_MAX, ListenersOut, LiveSessionIn, LiveSessionOut, ReachOut
from controller.live.service import LiveSessions
from controller.live.states import Ending
from controller.runtime import Runtime, runtime_of

router = APIRouter(prefix="/api/v1/live-sessions", tags=["live sessions"], route_class=TransactionRoute)

TELL_EVERY_S: Final = 1.0
REFUSED, REPLACED, OVER = 4403, 4409, 4410
"""Why the connection of who speaks is closed: not allowed, another one took its place, the session is over."""


def live_sessions_dep(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> LiveSessions:
    """Return live sessions as the one who asks may have them."""
    return live_sessions_of(runtime, session, viewer)


LiveSessionsDep = Annotated[LiveSessions, Depends(live_sessions_dep)]


@router.get("", operation_id="listLiveSessions", summary="Live sessions, newest first", dependencies=[READS])
async def list_live_sessions(
    *,
    live: LiveSessionsDep,
    viewer: ViewerDep,
    page: PageDep,
    on_air: Annotated[bool, Query(description="Only those that are not over")] = False,
) -> PageOut[LiveSessionOut]:
    """Answer one page of what was spoken in the viewer's area and below it."""
    statement = live.repository.readable(viewer)
    if on_air:
        statement = statement.where(LiveSessionRow.ended_at.is_(None))
    found = await live.repository.page(statement, page)
    return PageOut(items=[LiveSessionOut.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "",
    operation_id="beginLiveSession",
    summary="Begin to speak: speakers sound the chime; send sound to its `/sound`",
    status_code=201,
    dependencies=[ANNOUNCES],
)
async def begin_live_session(body: LiveSessionIn, live: LiveSessionsDep, now: NowDep) -> LiveSessionOut:
    """Open a session. It ends by itself when nobody speaks, nothing comes, or its time is over."""
    return LiveSessionOut.of(await live.begin(body, now))


@router.get(
    "/reach",
    operation_id="getLiveReach",
    summary="Who would be spoken to now, and who is in quiet hours",
    dependencies=[ANNOUNCES],
)
async def get_live_reach(
    *,
    live: LiveSessionsDep,
    viewer: ViewerDep,
    now: NowDep,
    target: Annotated[
        list[Annotated[str, Field(pattern=r"^(area|group|device):.{1,128}$")]],
        Query(max_length=TARGETS_MAX, description="`area:`, `group:` or `device:` with its code or id"),
    ] = [],  # noqa: B006 FastAPI makes a new one for each request
) -> ReachOut:
    """Answer for these targets, or for all of the viewer's area: what to know before the button is pressed."""
    wishes = [Target.model_validate(dict(zip(("kind", "key"), each.split(":", 1), strict=True))) for each in target]
    everybody = [Target(kind=TargetKind.AREA, key=viewer.area_code)]
    return ReachOut.of(await live.reach(wishes or everybody, viewer.area_code, now))


@router.get("/{live_session_id}", operation_id="getLiveSession", summary="One live session", dependencies=[READS])
async def get_live_session(live_session_id: str, live: LiveSessionsDep, viewer: ViewerDep) -> LiveSessionOut:
    """Answer a session."""
    return LiveSessionOut.of(await live.repository.get(viewer, live_session_id))


@router.get(
    "/{live_session_id}/listeners",
    operation_id="listListeners",
    summary="Who hears it now, and who does not",
    dependencies=[READS],
)
async def list_listeners(live_session_id: str, live: LiveSessionsDep, viewer: ViewerDep) -> ListenersOut:
    """Answer what the speakers say themselves."""
    return await live.listeners(await live.repository.get(viewer, live_session_id))


@router.post(
    "/{live_session_id}/end", operation_id="endLiveSession", summary="End it", status_code=202, dependencies=[ANNOUNCES]
)
async def end_live_session(
    live_session_id: str, live: LiveSessionsDep, viewer: ViewerDep, runtime: RuntimeDep
) -> LiveSessionOut:
    """End a session, one's own or another's of the area: the speakers are told at once, the record follows."""
    row = await live.repository.get(viewer, live_session_id)
    desk = desk_of(runtime)
    if (speaking := desk[row.id]) is not None:
        desk.end_soon(speaking, Ending.SPOKEN)
    return LiveSessionOut.of(row)


@router.websocket("/{live_session_id}/sound")
async def take_sound(socket: WebSocket, live_session_id: str) -> None:
    """Take frames from who speaks, and tell who hears them.

    Each is one byte of level in −dBov (RFC 6464), four of the speaking clock in milliseconds, then 20 ms of sound in
    the session's format.
    """
    runtime = runtime_of(socket.app)
    viewer = await _speaker(socket, runtime)
    speaking = desk_of(runtime)[live_session_id] if viewer is not None else None
    await socket.accept()
    if speaking is None or viewer is None or viewer.user_id != speaking.user_id:
        await socket.close(REFUSED)
        return
    await _Line(socket, runtime, desk_of(runtime), speaking).run()


@dataclass(slots=True)
class _Line:
    """The connection of who speaks."""

    socket: WebSocket
    runtime: Runtime
    desk: LiveDesk
    speaking: Speaking
    lateness: Lateness = field(default_factory=Lateness)

    async def run(self) -> None:
        """Take and tell until either side ends it."""
        if self.speaking.connection is not None:
            await self.speaking.connection()
        self.speaking.connection = self._replaced
        with suppress(WebSocketDisconnect, RuntimeError):  # Starlette says the latter of a connection that is gone
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(self._tell(), name=f"live-tell-{self.speaking.id}")
                try:
                    await self._take()
                finally:
                    telling.cancel()
        if self.speaking.connection == self._replaced:
            self.speaking.connection = None

    async def _replaced(self) -> None:
        with suppress(RuntimeError):
            await self.socket.close(REPLACED)

    async def _take(self) -> None:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            piece = Piece.parse(message.get("bytes") or b"", self.speaking.sound)
            if piece is not None and not self.lateness.is_late(piece.said_ms, monotonic() * 1000):
                await self.desk.take(self.speaking, piece.level_dbov, piece.sound)

    async def _tell(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                viewer = await _speaker(self.socket, self.runtime)
                if viewer is None:
                    await self.desk.end(self.speaking, Ending.DISCONNECTED)
                    await self.socket.close(REFUSED)
                    return
                await self.socket.send_text(await self._news(viewer))
                if self.speaking.ended is not None:
                    await self.socket.close(OVER)
                    return
                await asyncio.sleep(TELL_EVERY_S)

    async def _news(self, viewer: Viewer) -> str:
        async with self.runtime.database.reading() as session:
            live = live_sessions_of(self.runtime, session, viewer)
            row = await live.repository.find(viewer, self.speaking.id)
            heard = (
                await live.listeners(row) if row is not None else ListenersOut(speakers=0, hearing=0, not_hearing=[])
            )
        left = self.speaking.standing.ends_at - self.runtime.clock()
        return json.dumps(
            {
                "ended": self.speaking.ended,
                "carried": self.speaking.carried,
                "left_s": max(0, left // timedelta(seconds=1)),
                **heard.model_dump(mode="json"),
            }
        )


async def _speaker(socket: WebSocket, runtime: Runtime) -> Viewer | None:
    """Return who is at the other end, if they may speak and come from one of our own pages, or bring a token."""
    now, bearer = runtime.clock(), socket.headers.get("authorization", "")
    async with runtime.database.reading() as session:
        if bearer.startswith("Bearer "):
            viewer = await identify_program(session, bearer.removeprefix("Bearer "), now)
        else:
            name = HOST_ONLY + COOKIE if socket.url.scheme == "wss" else COOKIE
            token = socket.cookies.get(name, "")
            if not token or not _is_from_here(socket, runtime):
                return None
            lasts = timedelta(days=runtime.settings.session_days)
            viewer = await identify_browser(runtime.database, session, token, now, lasts)
    return viewer if viewer is not None and viewer.may(Permission.ANNOUNCE) else None


def _is_from_here(socket: WebSocket, runtime: Runtime) -> bool:
    """Whether a browser was sent by one of our own pages: it lets every site open a socket, and sends our cookie."""
    ours = {socket.headers.get("host", ""), urlsplit(runtime.settings.base_url).netloc} - {""}
    return urlsplit(socket.headers.get("origin", "")).netloc in ours
