"""The calendar: what airs when, moved, drawn out, copied and put back, and nothing of it unasked."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from controller.accounts.roles import Role
from controller.areas.models import Area
from controller.web.pages.calendar import WARNINGS_MAX
from controller.web.present.calendar import A_DAY_MAX
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


async def test_of_a_crowded_day_the_first_are_shown_and_it_is_said_that_there_are_more(
    house: House, lan: httpx.AsyncClient
):
    minutes = [f"2026-11-21T{6 + minute // 60:02}:{minute % 60:02}:00" for minute in range(0, 5 * 70, 5)]
    await schedule(house, lan, minutes[0], extra_local=minutes[1:])
    page = (await lan.get("/calendar")).text
    assert days_of(page)["2026-11-21"] == [each[11:16] for each in minutes[: A_DAY_MAX["week"]]]
    assert "Choose a smaller place" in page
    house.clock.advance(timedelta(days=2))
    over = (await lan.get("/calendar")).text
    assert days_of(over)["2026-11-21"] == [each[11:16] for each in minutes[: A_DAY_MAX["week"]]]
    assert "Choose a smaller place" in over


async def test_what_a_province_airs_is_looked_at_in_its_communes_and_stays_when_it_is_over(
    house: House, lan: httpx.AsyncClient
):
    chief = await house.in_person("24", "chief")
    playlist = await broadcasts.playlist(house, "24")
    body = {"title": "Tin tỉnh", "playlist_id": playlist, "area_code": "24", "targets": [{"kind": "area", "key": "24"}]}
    answer = await chief.post("/api/v1/schedules", json=body | {"first_local": "2026-11-21T06:00"})
    assert answer.status_code == 201, answer.text
    await house.commune("07340")
    for _ in range(2):
        page = (await lan.get("/calendar")).text
        assert days_of(page)["2026-11-21"] == ["06:00"]
        assert "standing-was" in page
        assert slots(page) == []
        neighbour = (await chief.get("/calendar", params={"area": "07340"})).text
        assert "Tin tỉnh" not in neighbour, "it has no speakers"
        house.clock.advance(timedelta(days=2))


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


async def test_what_was_heard_today_stays_when_its_schedule_is_put_away(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-20T13:00")
    house.clock.advance(timedelta(hours=2))
    answer = await lan.delete(f"/api/v1/schedules/{id_}", headers={"If-Match": '"1"'})
    assert answer.status_code in {200, 204}, answer.text
    page = (await lan.get("/calendar")).text
    assert days_of(page)["2026-11-20"] == ["13:00"]
    assert "standing-was" in page


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


async def collides(house: House, lan: httpx.AsyncClient) -> tuple[str, dict[str, Any]]:
    """A daily airing, and the wish to move the first onto another's."""
    id_ = await schedule(house, lan, "2026-11-21T17:00", rrule="FREQ=DAILY")
    await schedule(house, lan, "2026-11-21T09:00", title="Tin xã")
    first = next(each for each in slots((await lan.get("/calendar")).text) if each["schedule"] == id_)
    return id_, FRIDAY | {
        "schedule": id_, "version": first["version"], "at": first["at"], "to": "2026-11-21T09:00:00",
    }  # fmt: skip


def asked(page: str) -> dict[str, Any]:
    """The question on the page, as its form sends it."""
    [form] = re.findall(r"data-question>(.*?)</dialog>", page, re.DOTALL)
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(unescape(value))
    return dict(fields)


def offered(page: str) -> list[str]:
    """What the question offers to choose instead."""
    return re.findall(r'name="choose" value="([^"]+)"', page)


async def test_a_collision_is_shown_before_it_is_kept_and_can_be_kept_all_the_same(
    house: House, lan: httpx.AsyncClient
):
    id_, wish = await collides(house, lan)
    question = await lan.post("/calendar/move", data=wish, headers=PART)
    assert "Tin xã" in question.text
    assert (await of(lan, id_))["except_local"] == [], "nothing is written before it is answered"
    kept = await lan.post("/calendar/move", data=asked(question.text), headers=PART)
    assert "data-question" not in kept.text
    assert days_of(kept.text)["2026-11-21"] == ["09:00", "09:00"]


async def test_without_scripts_the_question_is_a_page(house: House, lan: httpx.AsyncClient):
    _, wish = await collides(house, lan)
    question = await lan.post("/calendar/move", data=wish)
    assert question.status_code == 200
    assert "<html" in question.text
    assert (await lan.post("/calendar/move", data=asked(question.text))).status_code == 303


async def test_another_time_or_another_order_can_be_chosen_and_is_put_back_as_one(house: House, lan: httpx.AsyncClient):
    id_, wish = await collides(house, lan)
    question = await lan.post("/calendar/move", data=wish, headers=PART)
    choices = offered(question.text)
    assert [each.split(":")[0] for each in choices] == ["rank", "time"]
    later = await lan.post("/calendar/move", data=asked(question.text) | {"choose": choices[1]}, headers=PART)
    assert days_of(later.text)["2026-11-21"] == ["09:00", "09:01"]
    undo = unescape(re.findall(r'name="undo" value="([^"]*)"', later.text)[0])
    await lan.post("/calendar/undo", data=FRIDAY | {"undo": undo}, headers=PART)

    first = next(each for each in slots((await lan.get("/calendar")).text) if each["schedule"] == id_)
    wish |= {"version": first["version"]}
    question = await lan.post("/calendar/move", data=wish, headers=PART)
    ordered = await lan.post("/calendar/move", data=asked(question.text) | {"choose": choices[0]}, headers=PART)
    assert (await of(lan, id_))["commune_rank"] == 0
    kept = await lan.post("/calendar/move", data=asked(ordered.text), headers=PART)
    assert (await of(lan, id_))["commune_rank"] == int(choices[0].split(":")[1])
    undo = unescape(re.findall(r'name="undo" value="([^"]*)"', kept.text)[0])
    await lan.post("/calendar/undo", data=FRIDAY | {"undo": undo}, headers=PART)
    assert (await of(lan, id_))["commune_rank"] == 0


async def test_what_collided_before_is_not_asked_again(house: House, lan: httpx.AsyncClient):
    _, wish = await collides(house, lan)
    await schedule(house, lan, "2026-11-22T17:00", title="Tin xã")  # with the second of the series, which stays
    answer = await lan.post("/calendar/move", data=wish | {"to": "2026-11-21T12:00:00"}, headers=PART)
    assert "data-question" not in answer.text
    assert days_of(answer.text)["2026-11-21"] == ["09:00", "12:00"]


async def test_a_collision_weeks_ahead_is_seen_too(house: House, lan: httpx.AsyncClient):
    _, wish = await collides(house, lan)
    await schedule(house, lan, "2026-12-18T09:00", title="Tin huyện")
    question = await lan.post("/calendar/move", data=wish | {"to": "2026-12-18T09:00:00"}, headers=PART)
    assert "Tin huyện" in question.text


async def test_what_is_drawn_out_into_another_is_asked_about(house: House, lan: httpx.AsyncClient):
    id_ = await schedule(house, lan, "2026-11-21T17:00")
    await schedule(house, lan, "2026-11-23T17:00", title="Tin xã")
    only = next(each for each in slots((await lan.get("/calendar")).text) if each["schedule"] == id_)
    wish = FRIDAY | {"schedule": id_, "version": only["version"], "at": only["at"], "last_day": "2026-11-24"}
    question = await lan.post("/calendar/stretch", data=wish, headers=PART)
    assert "Tin xã" in question.text
    assert 'value="time:' not in question.text
    await lan.post("/calendar/stretch", data=asked(question.text), headers=PART)
    assert (await of(lan, id_))["rrule"] is not None


async def a_day_to_copy(house: House, lan: httpx.AsyncClient) -> tuple[list[str], dict[str, Any]]:
    """Two airings of a Saturday, and the wish to hear them on the Monday, and on a Tuesday that has one already."""
    ids = [await schedule(house, lan, f"2026-11-21T{hour}:00") for hour in ("05", "17")]
    await schedule(house, lan, "2026-11-24T17:00", title="Tin xã")
    return ids, FRIDAY | {"day": "2026-11-21", "to": ["2026-11-23", "2026-11-24"]}


async def copies(lan: httpx.AsyncClient, ids: list[str]) -> list[list[str]]:
    """The days that each was copied to."""
    return [[at.partition("T")[0] for at in (await of(lan, id_))["extra_local"]] for id_ in ids]


async def test_copies_that_would_collide_are_asked_about_with_their_day_and_can_be_kept_all_the_same(
    house: House, lan: httpx.AsyncClient
):
    ids, wish = await a_day_to_copy(house, lan)
    question = await lan.post("/calendar/copy", data=wish, headers=PART)
    assert re.search(r"<li>24/11 · From 17:00:00 [^<]*Tin xã", question.text)
    assert "23/11 ·" not in question.text
    assert await copies(lan, ids) == [[], []], "nothing is written before it is answered"
    kept = await lan.post("/calendar/copy", data=asked(question.text), headers=PART)
    assert "data-question" not in kept.text
    assert await copies(lan, ids) == [["2026-11-23", "2026-11-24"]] * 2
    undo = unescape(re.findall(r'name="undo" value="([^"]*)"', kept.text)[0])
    await lan.post("/calendar/undo", data=FRIDAY | {"undo": undo}, headers=PART)
    assert await copies(lan, ids) == [[], []]


async def test_days_on_which_copies_would_collide_can_be_left_out(house: House, lan: httpx.AsyncClient):
    ids, wish = await a_day_to_copy(house, lan)
    question = await lan.post("/calendar/copy", data=wish, headers=PART)
    assert offered(question.text) == ["days:2026-11-23"], "neither another time nor another order"
    assert "Copy only to 23/11" in question.text
    kept = await lan.post(
        "/calendar/copy", data=asked(question.text) | {"choose": offered(question.text)[0]}, headers=PART
    )
    assert "data-question" not in kept.text
    assert await copies(lan, ids) == [["2026-11-23"]] * 2


async def test_where_every_copy_would_collide_no_day_is_offered(house: House, lan: httpx.AsyncClient):
    ids, wish = await a_day_to_copy(house, lan)
    question = await lan.post("/calendar/copy", data=wish | {"to": "2026-11-24"}, headers=PART)
    assert "data-question" in question.text
    assert offered(question.text) == []
    chosen = {"choose": "days:2026-11-23"}  # which nobody asked for
    refused = await lan.post("/calendar/copy", data=asked(question.text) | chosen, headers=PART)
    assert refused.status_code == 422
    assert await copies(lan, ids) == [[], []]


async def test_a_copy_is_looked_at_where_it_lands_beyond_what_plans_speak_of_and_over_midnight(
    house: House, lan: httpx.AsyncClient
):
    await schedule(house, lan, "2026-11-21T23:59:30")
    await schedule(house, lan, "2027-01-11T00:00", title="Tin xã")
    for day, collides_there in (("2027-01-10", True), ("2027-01-11", False)):
        wish = FRIDAY | {"day": "2026-11-21", "to": day}
        question = await lan.post("/calendar/copy", data=wish, headers=PART)
        assert ("Tin xã" in question.text) is collides_there


async def test_a_copy_to_a_quiet_hour_is_said_to_be_not_played(house: House, lan: httpx.AsyncClient):
    await schedule(house, lan, "2026-11-21T23:00")
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"quiet_hours": [{"start": "22:00", "end": "05:00"}]}
    wish = FRIDAY | {"day": "2026-11-21", "to": ["2026-11-22", "2026-11-23"]}
    question = await lan.post("/calendar/copy", data=wish, headers=PART)
    assert re.search(r"<li>22/11, 23/11 · 23:00: not played\.", question.text), "once, with its days"


async def test_what_there_is_no_room_for_in_a_question_is_counted(house: House, lan: httpx.AsyncClient):
    for hour in range(8, 16):
        await schedule(house, lan, f"2026-11-21T{hour:02}:00")
        await schedule(house, lan, f"2026-11-22T{hour:02}:00", title="Tin xã")
    question = await lan.post("/calendar/copy", data=FRIDAY | {"day": "2026-11-21", "to": "2026-11-22"}, headers=PART)
    assert question.text.count("<li>22/11 ·") == WARNINGS_MAX
    assert f"and {8 - WARNINGS_MAX} more things" in question.text
