"""Incidents begin and end with what speakers say, and with their silence."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from controller.accounts.roles import Role
from controller.incidents.edges import AGAIN_WITHIN, OFFLINE, PASSING, edges, wrong_with
from controller.monitoring.hub import Hub
from controller.monitoring.service import MonitoringService
from protocol.messages import Problem, Status
from tests.support.controller import NOON, House
from tests.support.speaker import state_of

SPEAKER = "07339-1"
HOT = Problem(code="disk_full", text="no space left", since=NOON - timedelta(hours=1))


async def hear(house: House, *problems: Problem, speaker: str = SPEAKER) -> None:
    async with house.database.transaction() as session:
        state = state_of(speaker, "s", problems=problems)
        await MonitoringService(session, Hub()).take_state(state, now=house.clock.now, retained=False)


async def die(house: House) -> None:
    async with house.database.transaction() as session:
        status = Status(device=SPEAKER, session="s", online=False)
        await MonitoringService(session, Hub()).take_status(status, now=house.clock.now, retained=False)


async def silence(house: House) -> None:
    async with house.database.transaction() as session:
        await MonitoringService(session, Hub()).notice_silence(now=house.clock.now)


async def told(house: House, name: str = "asks") -> list[dict[str, Any]]:
    client = await house.signed_in("07339", f"{name}-{house.clock.now:%d%H%M%S}")
    answer = await client.get(f"/api/v1/devices/{SPEAKER}/incidents")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.fixture
async def commune(either_house: House) -> House:
    await either_house.commune("07339", speakers=2)
    return either_house


async def test_a_problem_is_an_incident_from_when_the_speaker_noticed_it_until_it_is_over(commune: House):
    await hear(commune, HOT)
    await hear(commune, HOT)
    (going_on,) = await told(commune, "one")
    assert (going_on["code"], going_on["said"], going_on["ended_at"]) == ("disk_full", "no space left", None)
    assert going_on["began_at"].startswith("2026-11-20T04:00:00")
    commune.clock.advance(timedelta(minutes=3))
    await hear(commune)
    (over,) = await told(commune, "two")
    assert over["ended_at"].startswith("2026-11-20T05:03:00")


async def test_what_comes_back_soon_is_the_same_incident_and_later_another(commune: House):
    await hear(commune, HOT)
    await hear(commune)
    commune.clock.advance(AGAIN_WITHIN)
    await hear(commune, HOT)
    (same,) = await told(commune, "one")
    assert (same["times"], same["ended_at"]) == (2, None)
    await hear(commune)
    commune.clock.advance(AGAIN_WITHIN + timedelta(seconds=1))
    await hear(commune, HOT.model_copy(update={"since": commune.clock.now}))
    assert [each["times"] for each in await told(commune, "two")] == [1, 2]


async def test_silence_is_an_incident_and_a_restart_is_none(commune: House):
    await hear(commune)
    await die(commune)
    assert [each["code"] for each in await told(commune)] == [OFFLINE]
    commune.clock.advance(PASSING - timedelta(seconds=1))
    await hear(commune)
    assert await told(commune) == []

    commune.clock.advance(timedelta(seconds=101))
    await silence(commune)
    commune.clock.advance(timedelta(minutes=5))
    await hear(commune)
    (away,) = await told(commune)
    assert away["ended_at"] is not None


async def test_a_speaker_that_was_never_heard_is_no_incident(commune: House):
    await silence(commune)
    assert await told(commune) == []


async def test_a_beginning_in_the_future_is_now(commune: House):
    await hear(commune, HOT.model_copy(update={"since": NOON + timedelta(days=400)}))
    assert (await told(commune))[0]["began_at"].startswith("2026-11-20T05:00:00")


async def test_while_nothing_changes_no_incident_is_asked_for(quiet_house: House):
    await quiet_house.commune("07339", speakers=1)
    await hear(quiet_house, HOT)
    asked: list[str] = []
    engine = quiet_house.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    await hear(quiet_house, HOT)
    assert asked
    assert not [each for each in asked if "incidents" in each]


async def test_who_sees_to_it_first_stays(commune: House):
    await hear(commune, HOT)
    (incident,) = await told(commune)
    for name in ("hoa", "nam"):
        client = await commune.signed_in("07339", name, roles=[Role.TECHNICIAN])
        answer = await client.post(f"/api/v1/devices/{SPEAKER}/incidents/{incident['id']}/acknowledge")
        assert answer.status_code == 200, answer.text
        assert answer.json()["acknowledged_by"] == "hoa"
    elsewhere = await client.post(f"/api/v1/devices/07339-2/incidents/{incident['id']}/acknowledge")
    assert elsewhere.status_code == 404


def codes(found: Sequence[Any]) -> list[str]:
    return [edge.wrong.code for edge in found]


def test_only_what_changed_is_an_edge():
    before = wrong_with({"problems": [{"code": "a"}, {"code": "b"}]}, away=False)
    after = wrong_with({"problems": [{"code": "b"}, {"code": "c"}]}, away=True)
    began, ended = edges(SPEAKER, before, after)
    assert (codes(began), codes(ended)) == (["c", OFFLINE], ["a"])
    assert edges(SPEAKER, after, after) == ((), ())
    assert wrong_with(None, away=False) == {}
