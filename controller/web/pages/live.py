"""Server-sent events: hints to a signed-in browser that some part of its page is worth fetching anew."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from controller.accounts.access import READS, ViewerDep
from controller.http.route import RuntimeDep
from controller.monitoring.hub import Hub, Topic, hub_of
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HEARTBEAT_S = 15.0
RETRY_MS = 3000
BEAT = "event: beat\ndata: .\n\n"
"""Says nothing but that the line carries."""
LIFETIME_S = 600.0
"""A stream ends after this long and the browser opens the next: a sign-out or a lost right takes effect."""

_PARTS: dict[Topic, tuple[str, ...]] = {
    Topic.DEVICES: ("speakers",),
    Topic.OCCURRENCES: ("day",),
    Topic.RECORDS: ("records",),
    Topic.ANNOUNCEMENTS: ("announcements",),
    Topic.APPROVALS: ("approvals",),
    Topic.ALERTS: ("alerts",),
}


def encode(topics: Iterable[Topic]) -> str:
    """The events for what changed. They carry no data: each browser fetches what its user may see."""
    parts = sorted({part for topic in topics for part in _PARTS.get(topic, ())})
    return "".join(f"event: {part}\ndata: .\n\n" for part in parts)


async def stream(hub: Hub, *, heartbeat_s: float = HEARTBEAT_S, lifetime_s: float = LIFETIME_S) -> AsyncIterator[str]:
    """Yield hints as they come, and a beat at first and now and then: a line that is dead or held back is noticed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + lifetime_s
    async with hub.subscribe() as subscription:
        yield f"retry: {RETRY_MS}\n{BEAT}"
        while loop.time() < end and not subscription.ended:
            try:
                async with asyncio.timeout(heartbeat_s):
                    changed = await subscription.next()
            except TimeoutError:
                yield BEAT
            else:
                yield encode(changed)


@router.get("/events", dependencies=[READS])
async def events(runtime: RuntimeDep, _viewer: ViewerDep) -> StreamingResponse:
    """The stream of one browser."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(hub_of(runtime)), media_type="text/event-stream", headers=headers)
