"""Officers who press in the same instant, on PostgreSQL: SQLite lets one write at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.alerts.keeping import alerting, desk_of
from controller.alerts.schemas import AddressIn
from controller.alerts.service import Alerts
from controller.alerts.testing import SERVICE
from controller.broadcasting import planning
from controller.errors import NotFound
from tests.support.alert_desk import COMMUNE, ONE, TARGET, Desk, says, told
from tests.support.controller import House, open_house
from tests.support.eventually import becomes
from tests.support.postgres import somebody_waits


@pytest.fixture
async def house(tmp_path: Path, migrated_url: str) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", database_url=migrated_url, services=(planning, alerting)) as opened:
        await opened.commune(COMMUNE, speakers=2)
        await says(opened, COMMUNE, {"release": "second_person"})
        yield opened


@asynccontextmanager
async def somebody_first(house: House) -> AsyncIterator[Alerts]:
    """Somebody who has done what the block does, and commits once another one waits for it."""
    async with house.database.transaction() as session:
        yield desk_of(house.runtime, session, SERVICE)
        await becomes(lambda: somebody_waits(house))


async def test_of_two_who_release_a_draft_at_once_the_second_finds_it_released(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    async with asyncio.TaskGroup() as both, somebody_first(house) as first:
        await first.release(draft["id"], seen=draft["digest"], code="", now=house.clock.now)
        second = both.create_task(releaser.release(draft, 409))
    assert second.result()["code"] == "not_a_draft"


async def test_targets_that_are_changed_in_the_instant_of_the_press_are_not_released(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    async with asyncio.TaskGroup() as both, somebody_first(house) as first:
        await first.address(draft["id"], AddressIn.model_validate({"targets": ONE}), house.clock.now)
        press = both.create_task(releaser.release(draft, 409))
    assert press.result()["code"] == "changed_since_seen"
    assert await told(house) is None


async def test_two_at_once_do_not_slip_past_the_rate_of_alerts(house: House, maker: Desk, releaser: Desk) -> None:
    for _ in range(11):
        await releaser.release(await maker.draft())
    twelfth, one_more = await maker.draft(), await maker.draft()
    async with asyncio.TaskGroup() as both, somebody_first(house) as first:
        await first.release(twelfth["id"], seen=twelfth["digest"], code="", now=house.clock.now)
        press = both.create_task(releaser.release(one_more, 429))
    assert press.result()["code"] == "too_many_attempts"


async def test_stopping_everything_is_not_stopped_by_who_calls_one_off(
    house: House, maker: Desk, releaser: Desk
) -> None:
    one, other = await maker.draft(), await maker.draft()
    for alert in (one, other):
        await releaser.release(alert)
    async with asyncio.TaskGroup() as both, somebody_first(house) as first:
        await first.cancel(one["id"], all_clear=False, text="", now=house.clock.now)
        stopping = both.create_task(maker.client.post(f"/api/v1/areas/{COMMUNE}/stop-alerts"))
    assert stopping.result().status_code == 200, stopping.result().text
    assert [each["id"] for each in stopping.result().json()] == [other["id"]]
    said = await told(house)
    assert said is not None
    assert said.alerts == ()


async def test_nobody_hears_that_it_is_over_once_an_update_sounds(house: House, maker: Desk, releaser: Desk) -> None:
    alert = await maker.draft(text="Nước lên.")
    await releaser.release(alert)
    update = await maker.draft(text="Nước lên cao hơn.", replaces=[alert["id"]])
    await releaser.cancel(alert, all_clear=True)
    assert [each.ends for each in (await alerts(house))] == [True]
    await releaser.release(update)
    assert [(each.id, each.ends) for each in await alerts(house)] == [(update["id"], False)]


async def alerts(house: House) -> tuple[Any, ...]:
    said = await told(house, TARGET)
    assert said is not None
    return said.alerts


async def test_a_release_that_cannot_end_what_it_replaces_ends_nothing(
    house: House, maker: Desk, releaser: Desk
) -> None:
    await house.commune("07342")
    above, beside = await Desk.of(house, "tinh", "24"), await Desk.of(house, "tinh-hai", "24")
    here = await maker.draft(kind="test", silent=True)
    there = await above.draft(area_code="07342", kind="test", silent=True, targets=[{"kind": "area", "key": "07342"}])
    for alert, desk in ((here, releaser), (there, beside)):
        await desk.release(alert)
    update = await above.draft(replaces=[here["id"], there["id"]])
    officer = await house.in_person(COMMUNE, "xa")
    page = await officer.post(f"/emergency/{update['id']}/release", data={"seen": update["digest"]})
    assert page.status_code == NotFound.status
    assert (await maker.get(f"/api/v1/alerts/{here['id']}"))["state"] == "active"
