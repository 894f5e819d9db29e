"""The calendar: what airs when, moved, drawn out, copied and put back, and nothing of it unasked."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from controller.accounts.roles import Role
from controller.areas.models import Area
from tests.support import broadcasts
from tests.support.controller import House

COMMUNE = "07339"
PART = {"HX-Request": "true"}
FRIDAY = {"view": "week", "shown": "2026-11-20"}
"""Noon of Friday the 20th is now."""


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=2)
    client = await house.in_person(COMMUNE, "lan")
    client.cookies.set("loa_language", "en")
    return client


async def schedule(house: House, client: httpx.AsyncClient, first: str, **more: Any) -> str:
    """A schedule of a minute of sound; its id."""
    playlist = await broadcasts.playlist(house, COMMUNE)
    target = {"kind": "area", "key": COMMUNE}
    body = {"title": "Bản tin", "playlist_id": playlist, "area_code": COMMUNE, "targets": [target]}
    answer = await client.post("/api/v1/schedules", json=body | {"first_local": first} | more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def of(client: httpx.AsyncClient, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/v1/schedules/{id_}")).json()
    return found


def slots(page: str) -> list[dict[str, str]]:
    """What can be moved, as it stands on the page: in the order of the page."""
    return [
        {name: unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', slot)}
        for slot in re.findall(r'<li class="slot[^>]*data-movable[^>]*>', page)
    ]


def days_of(page: str) -> dict[str, list[str]]:
    """The clocks that stand on each day."""
    days = re.split(r'<section class="calendar-day', page)[1:]
    return {re.findall(r'data-day="([\d-]+)"', day)[0]: re.findall(r"<time[^>]*>([\d:]+)</time>", day) for day in days}


async def test_a_week_shows_each_day_with_its_airings_its_moon_and_its_holiday(house: House, lan: httpx.AsyncClient):
    await schedule(house, lan, "2026-11-23T17:00", rrule="FREQ=WEEKLY;BYDAY=MO,WE")
    page = (await lan.get("/calendar", params={"day": "2026-11-25"})).text
    assert days_of(page) == {
        "2026-11-23": ["17:00"],
        "2026-11-24": [],
        "2026-11-25": ["17:00"],
        **{f"2026-11-{day}": [] for day in (26, 27, 28, 29)},
    }
    assert "full moon, 15/10" in page
    assert re.findall(r'class="holiday">([^<]*)', page) == ["Vietnam Cultural Day"]


async def test_a_month_has_whole_weeks_and_says_how_many_more(house: House, lan: httpx.AsyncClient):
    for hour in range(6, 12):
        await schedule(house, lan, f"2026-12-01T{hour:02}:00")
    page = (await lan.get("/calendar", params={"view": "month", "day": "2026-12-15"})).text
    assert next(iter(days_of(page))) == "2026-11-30"
    assert list(days_of(page))[-1] == "2027-01-03"
    assert days_of(page)["2026-12-01"] == ["06:00", "07:00", "08:00", "09:00"]
    assert "2 more" in page


async def test_one_airing_is_moved_and_put_back(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-21T17:00", rrule="FREQ=DAILY")
    first = slots((await lan.get("/calendar")).text)[0]
    wish = FRIDAY | {"schedule": id_, "version": first["version"], "at": first["at"], "to": "2026-11-21T18:05:00"}
    answer = await lan.post("/calendar/move", data=wish | {"scope": "one"}, headers=PART)
    assert answer.status_code == 200, answer.text
    assert days_of(answer.text)["2026-11-21"] == ["18:05"]
    assert days_of(answer.text)["2026-11-22"] == ["17:00"]
    undo = unescape(re.findall(r'name="undo" value="([^"]*)"', answer.text)[0])
    back = await lan.post("/calendar/undo", data=FRIDAY | {"undo": undo}, headers=PART)
    assert days_of(back.text)["2026-11-21"] == ["17:00"]
    assert (await of(lan, id_))["except_local"] == []
    again = await lan.post("/calendar/undo", data=FRIDAY | {"undo": undo}, headers=PART)
    assert again.status_code == 412


async def test_a_series_is_moved_as_a_whole_and_speakers_are_told(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-21T17:00", rrule="FREQ=DAILY")
    first = slots((await lan.get("/calendar")).text)[0]
    wish = FRIDAY | {"schedule": id_, "version": first["version"], "at": first["at"], "to": "2026-11-21T18:00:00"}
    answer = await lan.post("/calendar/move", data=wish | {"scope": "all"}, headers=PART)
    assert days_of(answer.text)["2026-11-22"] == ["18:00"]
    plan = await broadcasts.plan_of(house, f"{COMMUNE}-1")
    assert {each.starts_at.astimezone(UTC).hour for each in plan.occurrences} == {11}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"version": "99"}, 412),
        ({"to": "2026-11-22T17:00:00"}, 422),
        ({"to": "2026-11-19T17:00:00"}, 422),
        ({"at": "2026-11-21T09:59:00+00:00"}, 422),
        ({"at": "2026-11-19T10:00:00+00:00"}, 409),
    ],
    ids=["edited meanwhile", "one is there already", "into the past", "no such airing", "it has begun"],
)
async def test_what_cannot_be_moved_stays_and_says_why(
    house: House, lan: httpx.AsyncClient, change: dict[str, str], status: int
):
    id_ = await schedule(house, lan, "2026-11-21T17:00", rrule="FREQ=DAILY")
    before = await of(lan, id_)
    first = slots((await lan.get("/calendar")).text)[0]
    wish = FRIDAY | {"schedule": id_, "version": first["version"], "at": first["at"], "to": "2026-11-21T18:00:00"}
    answer = await lan.post("/calendar/move", data=wish | change, headers=PART)
    assert answer.status_code == status
    assert 'class="error"' in answer.text
    assert days_of(answer.text)["2026-11-21"] == ["17:00"]
    assert await of(lan, id_) == before


async def test_an_airing_is_drawn_out_over_days(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-21T17:00")
    only = slots((await lan.get("/calendar")).text)[0]
    wish = {"schedule": id_, "version": only["version"], "at": only["at"], "last_day": "2026-11-24"}
    answer = await lan.post("/calendar/stretch", data=FRIDAY | wish, headers=PART)
    assert days_of(answer.text)["2026-11-22"] == ["17:00"]
    next_week = days_of((await lan.get("/calendar", params={"day": "2026-11-23"})).text)
    assert [day for day, clocks in next_week.items() if clocks] == ["2026-11-23", "2026-11-24"]


async def test_a_day_is_copied_to_others_once_and_put_back_as_one(house: House, lan: httpx.AsyncClient):
    ids = [await schedule(house, lan, f"2026-11-21T{hour}:00") for hour in ("05", "17")]
    wish = FRIDAY | {"day": "2026-11-21", "to": ["2026-11-22", "2026-12-01"]}
    answer = await lan.post("/calendar/copy", data=wish, headers=PART)
    assert days_of(answer.text)["2026-11-22"] == ["05:00", "17:00"]
    assert (await of(lan, ids[0]))["extra_local"] == ["2026-11-22T05:00:00", "2026-12-01T05:00:00"]
    again = await lan.post("/calendar/copy", data=wish, headers=PART)
    assert "Nothing had to change" in again.text
    undo = unescape(re.findall(r'name="undo" value="([^"]*)"', answer.text)[0])
    await lan.post("/calendar/undo", data=FRIDAY | {"undo": undo}, headers=PART)
    assert [(await of(lan, id_))["extra_local"] for id_ in ids] == [[], []]


async def approval(house: House, whom: str) -> None:
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"approval": whom}


async def test_where_somebody_approves_the_older_version_airs_until_then(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-21T17:00")
    await approval(house, "second_person")
    only = slots((await lan.get("/calendar")).text)[0]
    wish = FRIDAY | {"schedule": id_, "version": only["version"], "at": only["at"], "to": "2026-11-22T18:00:00"}
    answer = await lan.post("/calendar/move", data=wish, headers=PART)
    assert "once somebody has approved it" in answer.text
    shown = days_of(answer.text)
    assert (shown["2026-11-21"], shown["2026-11-22"]) == (["17:00"], ["18:00"])
    assert "standing-older" in answer.text
    assert "standing-waits" in answer.text
    assert (await of(lan, id_))["approval"] == "submitted"


async def test_what_was_called_off_and_what_is_over_cannot_be_moved(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-20T13:00", rrule="FREQ=DAILY")
    await lan.post(f"/api/v1/occurrences/{id_}.20261121T060000Z/cancel")
    house.clock.advance(timedelta(hours=2))
    page = (await lan.get("/calendar")).text
    assert days_of(page)["2026-11-20"] == ["13:00"]
    assert "standing-called_off" in page
    assert [datetime.fromisoformat(slot["at"]).day for slot in slots(page)] == [22]


async def test_an_airing_that_no_speaker_has_in_its_plan_says_so(house: House, lan: httpx.AsyncClient):
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"quiet_hours": [{"start": "22:00", "end": "05:00"}]}
    await schedule(house, lan, "2026-11-21T23:00")
    page = (await lan.get("/calendar")).text
    assert "standing-nowhere" in page
    assert "no speaker plays it" in page


async def test_whoever_only_reads_sees_the_calendar_and_changes_nothing(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-21T17:00")
    reader = await house.in_person(COMMUNE, "nam", roles=[Role.AUDITOR])
    page = await reader.get("/calendar")
    assert days_of(page.text)["2026-11-21"] == ["17:00"]
    assert slots(page.text) == []
    wish = FRIDAY | {"schedule": id_, "version": "1", "at": "2026-11-21T10:00:00Z", "to": "2026-11-21T18:00:00"}
    assert (await reader.post("/calendar/move", data=wish)).status_code == 403


async def test_a_speakers_plan_says_what_it_plays_and_why_not(house: House, lan: httpx.AsyncClient):
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"quiet_hours": [{"start": "22:00", "end": "05:00"}]}
    await schedule(house, lan, "2026-11-21T17:00")
    await schedule(house, lan, "2026-11-21T23:00")
    await schedule(house, lan, "2026-11-21T17:00:30", title="Tin xã", priority=1)
    page = (await lan.get(f"/calendar/speaker/{COMMUNE}-1")).text
    assert re.search(r'<li class="left-out"><time>23:00:00</time>', page)
    assert "quiet hours" in page.lower()
    assert "has the air instead of" in page
    part = await lan.get(f"/parts/speaker-plan/{COMMUNE}-1", headers=PART)
    assert "<html" not in part.text
    assert "17:00:30" in part.text
    assert (await lan.get("/parts/speaker-plan/elsewhere")).status_code == 404
