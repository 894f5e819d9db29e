"""A controller that a real browser can visit, with its clock, speakers and database in the test's hands."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import uvicorn
from sqlalchemy.pool import QueuePool

from controller.app import SERVICES
from controller.database import Database
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from controller.records.service import RecordService
from controller.server import server_of
from protocol.messages import ClockQuality, ClockState, DeviceState, PlayerState, PlayRecord, Problem, Records
from tests.support.children import SITE
from tests.support.controller import House, open_house

T = TypeVar("T")


@dataclass
class Site:
    """The running controller. `ask` runs something on its own event loop and waits for it."""

    url: str
    house: House
    loop: asyncio.AbstractEventLoop

    def ask(self, what: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await what()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(timeout=30)

    @property
    def now(self) -> datetime:
        return self.house.clock.now

    def hears(self, device: str, **said: Any) -> None:
        """A speaker reports how it is."""
        report = state_of(device, at=self.now, **said)

        async def take() -> None:
            async with self.house.database.transaction() as session:
                service = MonitoringService(session, hub_of(self.house.runtime))
                await service.take_state(report, now=self.now, retained=False)

        self.ask(take)

    def played(self, device: str, seq: int = 1, **record: Any) -> None:
        """A speaker reports what it played."""
        batch = Records(
            device=device,
            boot=f"boot-{device}",
            boot_order=1,
            records=(PlayRecord.model_validate({"seq": seq, **record}),),
        )

        async def take() -> None:
            async with self.house.database.transaction() as session:
                await RecordService(session, hub_of(self.house.runtime)).take(batch, now=self.now)

        self.ask(take)


def state_of(
    device: str,
    *,
    at: datetime,
    playing: str = "",
    title: str = "",
    plan_version: int | None = None,
    ready: int = 0,
    planned: int = 0,
    trusted: bool = True,
    standing: str = "",
    problems: tuple[Problem, ...] = (),
) -> DeviceState:
    """What a healthy speaker says, unless told otherwise."""
    return DeviceState(
        device=device,
        session="s1",
        at=at,
        plan_version=plan_version,
        ready=ready,
        planned=planned,
        standing=standing,
        clock=ClockState(quality=ClockQuality.TRUSTED if trusted else ClockQuality.UNTRUSTED, source="exchange"),
        player=PlayerState(
            state="playing" if playing else "silent", occurrence=playing or None, title=title, volume=70
        ),
        problems=problems,
    )


async def _fill_pool(database: Database) -> None:
    """Open as many connections as are kept: none of their threads is to begin in the midst of a test."""
    async with AsyncExitStack() as opened:
        for _ in range(cast("QueuePool", database.engine.pool).size()):
            await opened.enter_async_context(database.engine.connect())


@contextmanager
def running_site(folder: Path, **settings: Any) -> Iterator[Site]:
    """Serve on a free port of this machine until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    opened: list[Site] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    server_box: list[uvicorn.Server] = []

    async def serve() -> None:
        nobody = socket.create_server(("127.0.0.1", 0))
        async with open_house(folder, services=SERVICES, broker_port=nobody.getsockname()[1], **settings) as house:
            nobody.close()
            await _fill_pool(house.database)
            server = server_of(house.app, house.runtime.settings)
            server.config.lifespan = "off"
            server_box.append(server)
            opened.append(Site(url, house, asyncio.get_running_loop()))
            ready.set()
            await server.serve(sockets=[listening])

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 raised again in the test's own thread
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name=SITE)
    thread.start()
    ready.wait(timeout=30)
    try:
        if not opened:
            raise RuntimeError("the site did not start") from (failed[0] if failed else None)
        yield opened[0]
    finally:
        for server in server_box:
            server.should_exit = True
        thread.join(timeout=30)
        listening.close()
    if failed:
        raise failed[0]
