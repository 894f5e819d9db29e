import asyncio

import pytest

from controller.monitoring.hub import Hub, Topic
from controller.web.pages.live import BEAT, encode, stream


def test_hints_carry_no_data():
    assert encode({Topic.DEVICES}) == "event: speakers\ndata: .\n\n"


async def test_a_change_is_announced_once_however_often_it_was_told():
    hub = Hub()
    events = stream(hub)
    assert (await anext(events)).startswith("retry:")
    hub.publish(Topic.RECORDS)
    hub.publish(Topic.RECORDS, Topic.OCCURRENCES)
    assert await anext(events) == "event: day\ndata: .\n\nevent: records\ndata: .\n\n"
    await events.aclose()


async def test_a_quiet_line_is_kept_open_and_ends_in_time():
    events = [event async for event in stream(Hub(), heartbeat_s=0.01, lifetime_s=0.05)]
    assert events[0].endswith(BEAT)
    assert BEAT in events[1:]


async def test_whoever_leaves_is_forgotten():
    hub = Hub()
    events = stream(hub)
    await anext(events)
    assert len(hub._subscriptions) == 1
    await events.aclose()
    assert not hub._subscriptions


async def test_waiting_can_be_cancelled():
    events = stream(Hub())
    await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await events.aclose()
