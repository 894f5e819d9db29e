"""Secret addresses of calendars: read by a program without a sign-in, until they are ended."""

import re
from datetime import UTC, datetime

import httpx
import pytest
import recurring_ical_events
from icalendar import Calendar
from sqlalchemy import select

from controller.accounts.models import User
from controller.areas.models import Area
from controller.subscriptions.service import EACH_MAX
from tests.support import broadcasts
from tests.support.controller import House

COMMUNE = "07339"


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=1)
    await house.area("07339-thon", parent=COMMUNE, name="Thôn Đông")
    return await house.in_person(COMMUNE, "lan")


async def subscribed(client: httpx.AsyncClient, area: str = "") -> str:
    """The path of a new address."""
    answer = await client.post("/calendar/subscriptions", data={"area_code": area})
    assert answer.status_code == 200, answer.text
    return re.findall(r"(/subscriptions/\S+?\.ics)", answer.text)[0]


async def aired(house: House, client: httpx.AsyncClient, area: str = COMMUNE, title: str = "Bản tin") -> str:
    playlist = await broadcasts.playlist(house, area)
    body = {"title": title, "playlist_id": playlist, "area_code": area, "targets": [{"kind": "area", "key": area}]}
    answer = await client.post(
        "/api/v1/schedules", json=body | {"first_local": "2026-11-21T17:00", "rrule": "FREQ=DAILY"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def events(document: bytes) -> list[tuple[str, datetime]]:
    since, until = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
    found = recurring_ical_events.of(Calendar.from_ical(document)).between(since, until)
    return sorted((str(each["SUMMARY"]), each["DTSTART"].dt.astimezone(UTC)) for each in found)


async def test_a_calendar_program_follows_an_area_by_its_address_alone(house: House, lan: httpx.AsyncClient):
    id_ = await aired(house, lan)
    program = house.browser()
    path = await subscribed(lan)
    answer = await program.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert events(answer.content) == [("Bản tin", datetime(2026, 11, day, 10, tzinfo=UTC)) for day in (21, 22, 23)]
    await lan.post(f"/api/v1/occurrences/{id_}.20261122T100000Z/cancel")
    assert [moment.day for _, moment in events((await program.get(path)).content)] == [21, 23]


async def test_what_nobody_approved_is_not_in_it(house: House, lan: httpx.AsyncClient):
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"approval": "second_person"}
    await aired(house, lan)
    assert events((await house.browser().get(await subscribed(lan))).content) == []


async def test_an_address_is_of_one_area_and_what_lies_in_it(house: House, lan: httpx.AsyncClient):
    await house.device("thon-1", "07339-thon")
    await aired(house, lan, title="Tin xã")
    await aired(house, lan, "07339-thon", title="Tin thôn")
    program = house.browser()
    assert {title for title, _ in events((await program.get(await subscribed(lan))).content)} == {"Tin xã", "Tin thôn"}
    assert {title for title, _ in events((await program.get(await subscribed(lan, "07339-thon"))).content)} == {
        "Tin thôn"
    }
    await house.area("07444")
    assert (await lan.post("/calendar/subscriptions", data={"area_code": "07444"})).status_code == 404


async def test_an_ended_address_leads_nowhere(house: House, lan: httpx.AsyncClient):
    path = await subscribed(lan)
    id_ = re.findall(r"/calendar/subscriptions/(\w+)/end", (await lan.get("/calendar/subscriptions")).text)[0]
    stranger = await house.in_person(COMMUNE, "nam")
    assert (await stranger.post(f"/calendar/subscriptions/{id_}/end")).status_code == 404
    assert (await house.browser().get(path)).status_code == 200
    assert (await lan.post(f"/calendar/subscriptions/{id_}/end")).status_code == 303
    assert (await house.browser().get(path)).status_code == 404


async def test_whoever_may_no_longer_come_is_told_nothing(house: House, lan: httpx.AsyncClient):
    path = await subscribed(lan)
    async with house.database.transaction() as session:
        (await session.scalars(select(User).where(User.name == "lan"))).one().disabled = True
    assert (await house.browser().get(path)).status_code == 404


async def test_the_secret_is_shown_once_and_stored_as_a_hash_and_a_wrong_one_is_nothing(
    house: House, lan: httpx.AsyncClient
):
    path = await subscribed(lan)
    assert path not in (await lan.get("/calendar/subscriptions")).text
    assert (await house.browser().get("/subscriptions/loa_wrong.ics")).status_code == 404


async def test_nobody_collects_addresses(house: House, lan: httpx.AsyncClient):
    for _ in range(EACH_MAX):
        await subscribed(lan)
    assert (await lan.post("/calendar/subscriptions", data={})).status_code == 409
