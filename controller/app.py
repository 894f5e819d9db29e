"""The service as one ASGI application: what it offers, in explicit lists, and what runs behind it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.routing import BaseRoute

from controller import broadcasting
from controller.accounts.api import router as accounts
from controller.accounts.own_api import router as own_accounts
from controller.accounts.people_api import router as people
from controller.alerts.api import router as alerts
from controller.announcements.api import router as announcements
from controller.approval.api import router as approval
from controller.areas.api import router as areas
from controller.audit.api import router as audit
from controller.audit.keeping import auditing
from controller.broadcasts.api import router as broadcasts
from controller.cap.api import router as cap
from controller.commands.api import router as commands
from controller.content.api import router as content
from controller.devices.api import router as devices
from controller.enrolment.api import router as enrolment
from controller.errors import Unavailable
from controller.groups.api import router as groups
from controller.health.api import router as machine_health
from controller.http import problems
from controller.http.cookies import HostCookies
from controller.http.hosts import KnownHosts
from controller.http.middleware import BodyLimit, SecurityHeaders
from controller.http.openapi import describe, refusals
from controller.http.route import RuntimeDep
from controller.incidents.api import router as incidents
from controller.live.api import router as live
from controller.migrations import migrate
from controller.monitoring.api import router as monitoring
from controller.occupancy import working_in
from controller.photos.api import router as photos
from controller.playlists.api import router as playlists
from controller.pronunciations.api import router as pronunciations
from controller.records.api import router as records
from controller.runtime import Runtime
from controller.settings import Settings
from controller.signals.api import router as signals
from controller.signing.api import router as signing
from controller.speech.api import router as speech
from controller.standing.api import router as standing
from controller.web.pages import PAGES
from controller.web.routing import refused

log = structlog.get_logger(__name__)

ROUTERS: tuple[APIRouter, ...] = (
    accounts,
    own_accounts,
    people,
    areas,
    devices,
    enrolment,
    groups,
    announcements,
    playlists,
    signals,
    broadcasts,
    approval,
    alerts,
    standing,
    live,
    cap,
    monitoring,
    machine_health,
    incidents,
    photos,
    commands,
    records,
    content,
    pronunciations,
    speech,
    signing,
    audit,
)
"""The API of every capability."""

Service = Callable[[Runtime], AbstractAsyncContextManager[None]]
SERVICES: tuple[Service, ...] = (auditing, *broadcasting.SERVICES)
"""What runs as long as the application does, entered in order and left in reverse: the planner, the link, …"""

health = APIRouter(tags=["health"])


@health.get("/healthz", operation_id="isAlive", summary="The process answers")
async def healthz() -> dict[str, str]:
    """Say that this process lives."""
    return {"status": "ok"}


@health.get("/readyz", operation_id="isReady", summary="The database answers", responses=refusals(503))
async def readyz(runtime: RuntimeDep) -> dict[str, str]:
    """Say that requests can be served."""
    try:
        async with runtime.database.reading() as session:
            await session.execute(text("SELECT 1"))
    except OSError as error:
        raise Unavailable from error
    return {"status": "ok"}


@cache
def _offered() -> Sequence[BaseRoute]:
    """Return all routes. At the first request FastAPI works out what each needs, which takes a second: once."""
    offered = APIRouter()
    for router in ROUTERS:
        offered.include_router(
            router, responses=refusals(400, 401, 403, 404, 405, 408, 409, 412, 413, 422, 428, 429, 500, 503)
        )
    for router in (*PAGES, health):
        offered.include_router(router)
    return offered.routes


def create_app(
    settings: Settings, *, runtime: Runtime | None = None, services: Sequence[Service] = SERVICES
) -> FastAPI:
    """Return the application. The database is migrated, and services start, in its lifespan."""
    parts = runtime or Runtime.open(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.enter_context(working_in(settings.data_dir))
            await migrate(settings.database)
            stack.push_async_callback(parts.database.close)
            for service in services:
                await stack.enter_async_context(service(parts))
            log.info("controller_started", url=settings.base_url)
            yield
        log.info("controller_stopped")

    app = FastAPI(
        title="Loa",
        version="1",
        summary="Broadcast controller for commune loudspeakers",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        routes=list(_offered()),
    )
    app.state.runtime = parts
    app.state.pages = [route for router in PAGES for route in router.routes if isinstance(route, APIRoute)]
    problems.install(app, page=refused)
    describe(app)
    app.add_middleware(BodyLimit, body_max_bytes=settings.body_max_bytes, upload_max_bytes=settings.upload_max_bytes)
    app.add_middleware(HostCookies)
    app.add_middleware(KnownHosts, names=settings.host_names)
    app.add_middleware(SecurityHeaders, https=settings.base_url.startswith("https:"), images=settings.tiles_origin)
    return app
