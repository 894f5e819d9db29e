"""The main job once more, on PostgreSQL: what SQLite forgives, it does not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from controller.broadcasting import planner_of, planning
from controller.content.service import collect_garbage, store_of
from controller.link.inbox import DatabaseInbox
from controller.link.outbox import DatabaseOutbox
from controller.link.ports import Incoming
from controller.link.refusals import Refusals
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from protocol.messages import Outcome, PlayRecord, Records
from protocol.topics import DeviceTopic
from schedules.types import DeviceId
from tests.support.broadcasts import plan_of, playlist, replan, schedule
from tests.support.controller import House, open_house
from tests.support.speaker import state_of

COMMUNE, SPEAKER = "07339", "07339-1"


@pytest.fixture
async def house(tmp_path: Path, postgres_url: str) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", database_url=postgres_url, services=(planning,)) as opened:
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
