"""The main job once more, on PostgreSQL: what SQLite forgives, it does not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from controller.areas.models import Area
from controller.broadcasting import planner_of, planning
from controller.content.service import collect_garbage, store_of
from controller.devices.models import Device
from controller.events import AreaPolicyChanged, DeviceChanged, Event, record_event
from controller.link.inbox import DatabaseInbox
from controller.link.outbox import DatabaseOutbox
from controller.link.ports import Incoming
from controller.link.refusals import Refusals
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from protocol.messages import Outcome, PlayRecord, Records
from protocol.topics import DeviceTopic
from schedules.types import DeviceId
from tests.support.broadcasts import config_of, plan_of, playlist, replan, schedule
from tests.support.controller import House, open_house
from tests.support.eventually import becomes
from tests.support.postgres import somebody_waits
from tests.support.speaker import state_of

COMMUNE, SPEAKER = "07339", "07339-1"


@pytest.fixture
async def house(tmp_path: Path, migrated_url: str) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", database_url=migrated_url, services=(planning,)) as opened:
        await opened.commune(COMMUNE, speakers=2)
        yield opened


async def test_planned_published_heard_and_tidied(house: House) -> None:
    await replan(house, SPEAKER)
    await schedule(house, COMMUNE, await playlist(house, COMMUNE), areas=(COMMUNE,), rrule="FREQ=DAILY")
    plan = await plan_of(house, SPEAKER)
    key, runtime = house.runtime.keys.signing, house.runtime
    async with house.database.transaction() as session:
        await planner_of(runtime).replan(session, [SPEAKER, f"{COMMUNE}-2"])

    outbox = DatabaseOutbox(house.database, key=key, now=house.clock)
    waiting = await outbox.waiting(50)
    assert len(waiting) == 4
    await outbox.published(waiting)
    assert await outbox.waiting(50) == []
    assert len(await outbox.everything(None, 50)) == 4

    inbox = DatabaseInbox(
        house.database, key=key, hub=hub_of(runtime), wake_link=lambda: None, now=house.clock, refusals=Refusals()
    )
    occurrence = plan.occurrences[0]
    record = PlayRecord(seq=1, occurrence=occurrence.id, outcome=Outcome.COMPLETED, started_at=occurrence.starts_at)
    for said in (
        state_of(SPEAKER, "s", plan_version=plan.version),
        Records(device=SPEAKER, boot="b", boot_order=1, records=(record,)),
    ):
        topic = DeviceTopic(DeviceId(SPEAKER), said.channel)
        await inbox.receive(Incoming(topic, said.encode(), retained=False))

    officer = await house.signed_in(COMMUNE)
    (seen,) = (await officer.get("/api/v1/occurrences")).json()["items"]
    assert (seen["targeted"], seen["played"]) == (2, 1)
    assert (await officer.get(f"/content/{plan.clips[0].sha256}")).status_code == 200
    assert len((await officer.get("/api/v1/records?limit=1")).json()["items"]) == 1
    assert (await officer.post(f"/api/v1/occurrences/{occurrence.id}/cancel")).status_code == 204
    ordered = await officer.post(f"/api/v1/devices/{SPEAKER}/commands", json={"action": {"verb": "test_tone"}})
    assert ordered.status_code == 202, ordered.text
    assert any(each.topic.endswith("/command") for each in await outbox.waiting(50))

    house.clock.advance(timedelta(days=3))
    async with house.database.transaction() as session:
        await MonitoringService(session, hub_of(runtime)).notice_silence(now=house.clock.now)
    assert (await officer.get("/api/v1/states?online=true")).json()["items"] == []
    assert await collect_garbage(house.database, store_of(runtime), house.clock.now) == 0


@asynccontextmanager
async def held_before_its_commit(house: House) -> AsyncIterator[asyncio.Event]:
    """Hold up the next transaction with an event once it has planned; yield what says that it stands there."""
    stands, goes_on = asyncio.Event(), asyncio.Event()

    async def hold(_session: AsyncSession, _events: Sequence[Event]) -> None:
        if not stands.is_set():
            stands.set()
            await goes_on.wait()

    house.database.before_commit.append(hold)
    try:
        yield stands
    finally:
        goes_on.set()
        house.database.before_commit.remove(hold)


async def test_two_schedules_approved_in_the_same_instant_both_air(house: House) -> None:
    await replan(house, SPEAKER)
    sound, now = await playlist(house, COMMUNE), house.clock.now
    async with asyncio.TaskGroup() as both, held_before_its_commit(house) as stands:
        both.create_task(schedule(house, COMMUNE, sound, areas=(COMMUNE,), title="Một", at=now + timedelta(hours=1)))
        await stands.wait()
        both.create_task(schedule(house, COMMUNE, sound, areas=(COMMUNE,), title="Hai", at=now + timedelta(hours=2)))
        await becomes(lambda: somebody_waits(house))
    assert [each.title for each in (await plan_of(house, SPEAKER)).occurrences] == ["Một", "Hai"]


async def test_a_speaker_that_moves_while_its_new_area_is_scheduled_airs_that(house: House) -> None:
    await house.commune("07340")
    await replan(house, SPEAKER)
    sound = await playlist(house, "07340")
    async with asyncio.TaskGroup() as both, held_before_its_commit(house) as stands:
        both.create_task(schedule(house, "07340", sound, areas=("07340",), title="Một"))
        await stands.wait()
        both.create_task(moved(house, SPEAKER, "07340"))
        await becomes(lambda: somebody_waits(house))
    assert [each.title for each in (await plan_of(house, SPEAKER)).occurrences] == ["Một"]


async def moved(house: House, device: str, area: str) -> None:
    async with house.database.transaction() as session:
        row = await session.get_one(Device, device)
        row.area = await session.get_one(Area, area)
        record_event(session, DeviceChanged(device))


async def test_rules_that_change_in_the_same_instant_all_reach_the_speaker(house: House) -> None:
    await replan(house, SPEAKER)
    async with asyncio.TaskGroup() as both, held_before_its_commit(house) as stands:
        both.create_task(ruled(house, "24", max_volume=40))
        await stands.wait()
        both.create_task(ruled(house, COMMUNE, quiet_hours=[{"start": "21:00", "end": "05:00"}]))
        await becomes(lambda: somebody_waits(house))
    config = await config_of(house, SPEAKER)
    assert (config.max_volume, len(config.quiet_hours)) == (40, 1)


async def ruled(house: House, area: str, **policy: object) -> None:
    async with house.database.transaction() as session:
        above = [await session.get_one(Area, code) for code in ("24", COMMUNE)]
        row = next(each for each in above if each.code == area)
        row.policy = policy
        record_event(session, AreaPolicyChanged(row.path))


async def test_a_plan_that_changes_while_the_broker_takes_the_one_before_is_published_too(house: House) -> None:
    await replan(house, SPEAKER)
    sound = await playlist(house, COMMUNE)
    outbox = DatabaseOutbox(house.database, key=house.runtime.keys.signing, now=house.clock)
    before = await outbox.waiting(50)
    async with asyncio.TaskGroup() as both, held_before_its_commit(house) as stands:
        both.create_task(schedule(house, COMMUNE, sound, areas=(COMMUNE,)))
        await stands.wait()
        noting = both.create_task(outbox.published(before))

        async def noted_or_waiting() -> bool:
            return noting.done() or await somebody_waits(house)

        await becomes(noted_or_waiting)
    waiting = {each.topic: each.receipt for each in await outbox.waiting(50)}
    plan = await plan_of(house, SPEAKER)
    assert waiting[f"loa/1/devices/{SPEAKER}/plan"] == str(plan.version)
