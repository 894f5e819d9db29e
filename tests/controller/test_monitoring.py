import asyncio
from datetime import timedelta
from typing import Any

from controller.monitoring.hub import Hub, Topic
from controller.monitoring.models import DeviceStateRow
from controller.monitoring.service import MonitoringService
from protocol.messages import Status
from tests.support.controller import House
from tests.support.speaker import state_of

SPEAKER = "07339-1"


async def say(house: House, *, retained: bool = False, online: bool | None = None, **state: Any) -> DeviceStateRow:
    """Let the controller hear a birth, a death or a report; return what it thinks then."""
    async with house.database.transaction() as session:
        service = MonitoringService(session, Hub())
        if online is None:
            said = state_of(SPEAKER, state.pop("session", "s"), **state)
            await service.take_state(said, now=house.clock.now, retained=retained)
        else:
            status = Status(device=SPEAKER, session=state.pop("session", "s"), online=online)
            await service.take_status(status, now=house.clock.now, retained=retained)
    return await seen(house)


async def seen(house: House) -> DeviceStateRow:
    async with house.database.reading() as session:
        return await session.get_one(DeviceStateRow, SPEAKER)


async def test_a_speaker_is_online_from_its_birth_to_its_death(house: House) -> None:
    await house.commune("07339", speakers=1)
    assert (await say(house, online=True)).online is True
    assert (await say(house, online=False)).online is False


async def test_the_death_of_a_session_that_was_replaced_is_ignored(house: House) -> None:
    await house.commune("07339", speakers=1)
    await say(house, online=True, session="old")
    await say(house, online=True, session="new")
    assert (await say(house, online=False, session="old")).online is True


async def test_a_speaker_that_falls_silent_is_shown_offline_within_100_seconds(house: House) -> None:
    await house.commune("07339", speakers=1)
    await say(house)
    for seconds, online in ((99, True), (2, False)):
        house.clock.advance(timedelta(seconds=seconds))
        async with house.database.transaction() as session:
            await MonitoringService(session, Hub()).notice_silence(now=house.clock.now)
        assert (await seen(house)).online is online
    assert (await say(house)).online is True


async def test_a_retained_report_of_long_ago_wakes_nobody(house: House) -> None:
    await house.commune("07339", speakers=1)
    long_ago = house.clock.now - timedelta(hours=5)
    row = await say(house, retained=True, at=long_ago, plan_version=9)
    assert (row.online, row.seen_at, row.plan_version) == (False, long_ago, 9)
    assert (await say(house, retained=True, online=True)).online is False


async def test_a_retained_report_of_just_now_counts(house: House) -> None:
    await house.commune("07339", speakers=1)
    row = await say(house, retained=True, at=house.clock.now - timedelta(seconds=20))
    assert row.online is True


async def test_a_report_that_names_no_time_and_was_retained_proves_nothing(house: House) -> None:
    await house.commune("07339", speakers=1)
    assert (await say(house, retained=True)).online is False


async def test_many_notices_between_two_looks_are_one() -> None:
    hub = Hub()
    async with hub.subscribe() as first, hub.subscribe() as second:
        hub.publish(Topic.DEVICES)
        hub.publish(Topic.RECORDS, Topic.DEVICES)
        assert await first.next() == {Topic.DEVICES, Topic.RECORDS}
        assert await second.next() == {Topic.DEVICES, Topic.RECORDS}
        waiting = asyncio.create_task(first.next())
        hub.publish(Topic.OCCURRENCES)
        assert await waiting == {Topic.OCCURRENCES}


async def test_nobody_who_left_is_told() -> None:
    hub = Hub()
    async with hub.subscribe():
        pass
    hub.publish(Topic.DEVICES)
    assert not hub._subscriptions
