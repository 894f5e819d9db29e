"""The service ends promptly, and nothing is cut off in the middle."""

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest

from controller.background import UnderWay, kept_running
from controller.monitoring.hub import Hub
from controller.server import server_of
from controller.web.pages.live import BEAT, stream
from tests.support.controller import House, open_house


async def test_what_fails_is_begun_again() -> None:
    begun: list[int] = []
    going = asyncio.Event()

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise OSError("the disk is full")
        going.set()
        await asyncio.Event().wait()

    async with kept_running(work, "link", again_after_s=0), asyncio.timeout(5):
        await going.wait()
    assert len(begun) == 3


async def test_recurring_work_is_finished_before_the_end() -> None:
    under_way, begun, may_end, ended = UnderWay(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    task = asyncio.create_task(under_way.noting(work)())
    await begun.wait()
    asyncio.get_running_loop().call_soon(may_end.set)
    await under_way.ended(5)
    assert ended.is_set()
    await task


async def test_recurring_work_that_does_not_end_is_cut_off() -> None:
    under_way, begun = UnderWay(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(under_way.noting(work)())
    await begun.wait()
    await under_way.ended(0)
    assert task.cancelled()


async def test_connections_in_use_are_given_back_before_the_database_is_closed(quiet_house: House) -> None:
    reading, may_end = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        async with quiet_house.database.reading() as session:
            await session.connection()
            reading.set()
            await may_end.wait()

    reader = asyncio.create_task(read())
    await reading.wait()
    closing = asyncio.create_task(quiet_house.database.close())
    await asyncio.sleep(0)
    assert not closing.done()
    may_end.set()
    await closing
    assert reader.done()


async def test_an_open_stream_ends_with_the_service() -> None:
    hub = Hub()
    events = stream(hub)
    await anext(events)
    waiting = asyncio.ensure_future(anext(events, "the end"))
    await asyncio.sleep(0)
    hub.close()
    async with asyncio.timeout(5):
        while await waiting != "the end":
            waiting = asyncio.ensure_future(anext(events, "the end"))
    assert [event async for event in stream(hub)] == [f"retry: 3000\n{BEAT}"]


@pytest.mark.timeout(30)
async def test_a_signal_ends_the_service_at_once_though_a_page_is_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with open_house(tmp_path / "data", services=()) as house:
            _, secret = await house.user("lan", await house.commune("07339"))
            server = server_of(house.app, house.runtime.settings)
            server.config.lifespan = "off"
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            address = f"http://127.0.0.1:{listening.getsockname()[1]}/events"
            async with (
                httpx.AsyncClient(headers={"Authorization": f"Bearer {secret}"}) as browser,
                browser.stream("GET", address) as page,
            ):
                lines = page.aiter_lines()
                assert (await anext(lines)).startswith("retry:")
                while await anext(lines):
                    pass  # the beat that comes with it
                server.handle_exit(signal.SIGTERM, None)
                server._captured_signals.clear()
                async with asyncio.timeout(3):
                    await serving
                    assert [line async for line in lines if line] == []
