"""However many rows there are, a page asks the database the same number of questions."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event

from controller.broadcasting import planning
from controller.link.ports import Incoming
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from protocol.topics import Channel, DeviceTopic
from schedules.types import DeviceId
from tests.support.broadcasts import inbox_of, playlist, replan, schedule
from tests.support.controller import House, open_house
from tests.support.speaker import state_of

COMMUNE = "07339"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", services=(planning,)) as opened:
        await opened.commune(COMMUNE)
        yield opened


@contextmanager
def questions(house: House) -> Iterator[list[str]]:
    """The statements that the block runs."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    engine = house.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def grow(house: House, numbers: range) -> None:
    """Add as many hamlets, speakers that spoke, playlists, schedules and groups."""
    officer = await house.signed_in(COMMUNE, f"grower-{numbers.start}")
    for number in numbers:
        hamlet, speaker = f"{COMMUNE}-h{number}", f"loa-{number}"
        await house.area(hamlet, parent=COMMUNE)
        await house.device(speaker, hamlet)
        await replan(house, speaker)
        async with house.database.transaction() as session:
            monitoring = MonitoringService(session, hub_of(house.runtime))
            await monitoring.take_state(state_of(speaker, "s"), now=house.clock.now, retained=False)
        sound = await playlist(house, COMMUNE, title=f"Bản tin {number}")
        await schedule(house, COMMUNE, sound, areas=(COMMUNE,), title=f"Lịch {number}")
        tone = {"action": {"verb": "test_tone"}}
        assert (await officer.post(f"/api/v1/devices/{speaker}/commands", json=tone)).status_code == 202
        typed = {"title": "Tin", "text": "Chào", "area_code": hamlet}
        assert (await officer.post("/api/v1/announcements", json=typed)).status_code == 202
        group = {"name": f"Nhóm {number}", "device_ids": [speaker]}
        assert (await officer.post("/api/v1/groups", json=group)).status_code == 201


async def counted(house: House, officer: httpx.AsyncClient, path: str) -> int:
    with questions(house) as asked:
        answer = await officer.get(path)
    assert answer.status_code == 200, answer.text
    return len(asked)


async def test_the_number_of_questions_does_not_grow_with_the_rows(house: House) -> None:
    paths = [
        "/",
        "/parts/day",
        "/parts/speakers",
        "/parts/summary",
        "/records",
        "/groups",
        *(
            f"/api/v1/{name}"
            for name in (
                "areas",
                "devices",
                "groups",
                "states",
                "announcements",
                "playlists",
                "schedules",
                "occurrences",
                "records",
                "devices/loa-0/commands",
            )
        ),
    ]
    officer = await house.signed_in(COMMUNE)
    await grow(house, range(2))
    few = {path: await counted(house, officer, path) for path in paths}
    await grow(house, range(2, 8))
    many = {path: await counted(house, officer, path) for path in paths}
    assert many == few
    assert max(many.values()) <= 35, many


async def test_planning_many_speakers_anew_asks_as_often_as_planning_few(house: House) -> None:
    await grow(house, range(2))
    with questions(house) as few:
        await schedule(house, COMMUNE, await playlist(house, COMMUNE, title="Một"), areas=(COMMUNE,))
    await grow(house, range(2, 8))
    with questions(house) as many:
        await schedule(house, COMMUNE, await playlist(house, COMMUNE, title="Hai"), areas=(COMMUNE,))
    reading = [sum(each.startswith("SELECT") for each in asked) for asked in (few, many)]
    assert reading[0] == reading[1]


async def test_what_many_speakers_say_together_takes_as_many_questions_as_what_two_say(house: House) -> None:
    names = [f"loa-{number}" for number in range(12)]
    for name in names:
        await house.device(name, COMMUNE)

    async def say(devices: Sequence[str]) -> int:
        at = house.clock.now
        words = [
            Incoming(DeviceTopic(DeviceId(name), Channel.STATE), state_of(name, "s", at=at).encode(), retained=False)
            for name in devices
        ]
        with questions(house) as questioned:
            await inbox_of(house).receive_some(words)
        return len(questioned)

    asked = []
    for devices in (names, names, names[:2]):
        house.clock.advance(timedelta(seconds=30))
        asked.append(await say(devices))
    assert asked[1] == asked[2]
