from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from controller.broadcasting import planning
from controller.commands.models import CommandAttempt
from controller.commands.service import CommandService
from controller.monitoring.hub import hub_of
from protocol.messages import Reply
from tests.support.controller import House, open_house

COMMUNE, SPEAKER = "07339", "07339-1"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", services=(planning,)) as opened:
        await opened.commune(COMMUNE, speakers=1)
        yield opened


async def ordered(house: House, officer: httpx.AsyncClient, *, sent: bool) -> str:
    """Order a test tone; return where it can be looked at."""
    made = await officer.post(f"/api/v1/devices/{SPEAKER}/commands", json={"action": {"verb": "test_tone"}})
    assert made.status_code == 202, made.text
    if sent:
        async with house.database.transaction() as session:
            session.add(CommandAttempt(command_id=made.json()["id"], sent_at=house.clock.now))
    return made.headers["Location"]


async def outcome(officer: httpx.AsyncClient, where: str) -> str:
    found: str = (await officer.get(where)).json()["outcome"]
    listed = (await officer.get(where.rpartition("/")[0])).json()["items"]
    assert [each["outcome"] for each in listed] == [found]
    return found


@pytest.mark.parametrize(("sent", "at_first"), [(False, "waiting"), (True, "sent")])
async def test_a_command_without_an_answer_does_not_wait_for_ever(house: House, *, sent: bool, at_first: str) -> None:
    officer = await house.signed_in(COMMUNE)
    where = await ordered(house, officer, sent=sent)
    assert await outcome(officer, where) == at_first

    house.clock.advance(timedelta(minutes=3))
    assert await outcome(officer, where) == "unanswered"


async def test_a_late_answer_is_an_answer(house: House) -> None:
    officer = await house.signed_in(COMMUNE)
    where = await ordered(house, officer, sent=True)
    house.clock.advance(timedelta(hours=1))
    async with house.database.transaction() as session:
        service = CommandService(session, wake_link=lambda: None, hub=hub_of(house.runtime))
        reply = Reply(device=SPEAKER, command_id=where.rpartition("/")[2], outcome="done")
        await service.take_reply(reply, now=house.clock.now)
    assert await outcome(officer, where) == "done"
