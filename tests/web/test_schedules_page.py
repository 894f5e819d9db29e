"""A schedule on its form: kept once, seen in words first, its collisions shown with choices, changed with care."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from controller.accounts.roles import Role
from controller.areas.models import Area
from controller.groups.models import Group
from tests.support import broadcasts
from tests.support.controller import House

COMMUNE = "07339"
TOKEN = "01m8c8yky6jr36cqbvdg984rh3"
OTHER = "01m8c8yky6jr36cqbvdg984rh4"
PART = {"HX-Request": "true"}


@pytest.fixture
async def lan(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=2)
    client = await house.in_person(COMMUNE, "lan")
    client.cookies.set("loa_language", "en")
    return client


async def form(house: House, **more: Any) -> dict[str, Any]:
    playlist = await broadcasts.playlist(house, COMMUNE)
    filled = {"token": TOKEN, "what": f"playlist:{playlist}", "title": "Bản tin", "device": [f"{COMMUNE}-1"]}
    return filled | {"day": "2026-11-21", "time": "17:00", "repeat": "once"} | more


async def kept(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/v1/schedules")).json()["items"]
    return found


def field(page: str, name: str) -> str:
    return unescape(re.findall(rf'name="{name}" value="([^"]*)"', page)[0])


async def test_a_form_that_comes_twice_keeps_one_schedule(house: House, lan: httpx.AsyncClient):
    sent = await form(house, repeat="weekly", weekday=["0", "2"], skip_holidays="yes")
    answers = [await lan.post("/schedules", data=sent) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {f"/schedules/{TOKEN}?kept=yes"}
    (row,) = await kept(lan)
    assert (row["rrule"], row["skip_holidays"]) == ("FREQ=WEEKLY;BYDAY=MO,WE", True)
    page = (await lan.get(f"/schedules/{TOKEN}")).text
    assert "Every Monday and Wednesday at 17:00, except on public holidays" in page
    assert f'value="{COMMUNE}-1" checked' in page


async def test_the_calendar_is_said_in_words_with_its_next_dates(house: House, lan: httpx.AsyncClient):
    sent = await form(house, repeat="moon", moon=["1", "15"])
    page = (await lan.post("/schedules/foreseen", data=sent, headers=PART)).text
    assert "On the 1st and the 15th (full moon) of every lunar month at 17:00" in page
    assert re.findall(r"<li>17:00 \w+, (\d\d/\d\d)", page) == ["23/11", "09/12", "23/12", "08/01", "22/01"]
    lacking = (await lan.post("/schedules/foreseen", data=sent | {"day": ""}, headers=PART)).text
    assert "Please choose a day" in lacking


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"what": ""}, "what"),
        ({"device": []}, "targets"),
        ({"device": ["elsewhere-1"]}, "targets"),
        ({"day": "2026-11-19"}, "time"),
        ({"volume": "101"}, "volume"),
        ({"rank": "first"}, "rank"),
        ({"repeat": "weekly"}, "weekdays"),
    ],
)
async def test_what_is_wrong_is_marked_and_nothing_is_lost(
    house: House, lan: httpx.AsyncClient, change: dict[str, Any], wrong: str
):
    answer = await lan.post("/schedules", data=await form(house, title="Tin <b>lúa</b>") | change, headers=PART)
    assert answer.status_code == 422, answer.text
    assert f'id="error-{wrong}"' in answer.text
    assert field(answer.text, "title") == "Tin <b>lúa</b>"
    assert await kept(lan) == []


async def test_a_collision_is_shown_before_it_is_kept_with_what_can_be_done(house: House, lan: httpx.AsyncClient):
    await lan.post("/schedules", data=await form(house))
    sent = await form(house, token=OTHER, title="Tin xã", time="17:00")
    answer = await lan.post("/schedules", data=sent, headers=PART)
    assert answer.status_code == 200
    assert len(await kept(lan)) == 1
    offered = [unescape(each) for each in re.findall(r'name="choose" value="([^"]*)"', answer.text)]
    assert offered == ["rank:-1", "time:17:01"]
    first = await lan.post("/schedules", data=sent | {"choose": "rank:-1"}, headers=PART)
    assert "“Tin xã” has the air instead of “Bản tin”" in first.text
    later = await lan.post("/schedules", data=sent | {"choose": "time:17:01"}, headers=PART)
    assert "Nothing collides any more" in later.text
    assert field(later.text, "time") == "17:01"
    accepted = {"accepted": field(answer.text, "accepted")}
    assert (await lan.post("/schedules", data=sent | accepted, headers=PART)).status_code == 204
    assert len(await kept(lan)) == 2


async def test_what_was_accepted_does_not_accept_another_collision(house: House, lan: httpx.AsyncClient):
    await lan.post("/schedules", data=await form(house))
    sent = await form(house, token=OTHER, title="Tin xã")
    accepted = field((await lan.post("/schedules", data=sent, headers=PART)).text, "accepted")
    moved = await lan.post("/schedules", data=sent | {"accepted": accepted, "time": "16:59:30"}, headers=PART)
    assert moved.status_code == 200
    assert len(await kept(lan)) == 1


async def test_a_change_is_kept_and_one_that_overtakes_anothers_is_shown_first(house: House, lan: httpx.AsyncClient):
    sent = await form(house)
    await lan.post("/schedules", data=sent)
    version = field((await lan.get(f"/schedules/{TOKEN}")).text, "version")
    change = sent | {"version": version, "time": "18:00", "volume": "55"}
    assert (await lan.post(f"/schedules/{TOKEN}", data=change)).status_code == 303
    (row,) = await kept(lan)
    assert (row["first_local"], row["volume"]) == ("2026-11-21T18:00:00", 55)
    late = await lan.post(f"/schedules/{TOKEN}", data=change | {"time": "19:00"}, headers=PART)
    assert late.status_code == 412
    assert field(late.text, "time") == "19:00"
    again = change | {"time": "19:00", "version": field(late.text, "version")}
    assert (await lan.post(f"/schedules/{TOKEN}", data=again)).status_code == 303


async def test_places_and_groups_that_are_addressed_stay_so(house: House, lan: httpx.AsyncClient):
    await house.area("07339-thon", parent=COMMUNE, name="Thôn Đông")
    async with house.database.transaction() as session:
        session.add(Group(id=OTHER, name="Loa chợ", area=await session.get_one(Area, COMMUNE)))
    sent = await form(house, device=[], area=["07339-thon"], group=[OTHER])
    await lan.post("/schedules", data=sent)
    page = (await lan.get(f"/schedules/{TOKEN}")).text
    assert re.search(r'name="area" value="07339-thon" checked', page)
    assert re.search(rf'name="group" value="{OTHER}" checked', page)
    await lan.post(f"/schedules/{TOKEN}", data=sent | {"version": field(page, "version"), "title": "Tin chợ"})
    (row,) = await kept(lan)
    assert row["targets"] == [{"kind": "area", "key": "07339-thon"}, {"kind": "group", "key": OTHER}]
    assert row["title"] == "Tin chợ"


async def test_an_announcement_airs_between_chimes_once_its_sound_is_made(house: House, lan: httpx.AsyncClient):
    body = {"title": "Tin lúa", "text": "Bà con chú ý phun thuốc.", "area_code": COMMUNE}
    made = (await lan.post("/api/v1/announcements", json=body)).json()
    await broadcasts.settled(lan, f"/api/v1/announcements/{made['id']}")
    sent = await form(house, what=f"announcement:{made['id']}", title="")
    waits = await lan.post("/schedules", data=sent, headers=PART)
    assert "The sound is being made" in waits.text or waits.status_code == 204
    what = re.findall(r'<option value="(playlist:\w+)" selected', waits.text)[0]
    await broadcasts.settled(lan, f"/api/v1/playlists/{what.removeprefix('playlist:')}")
    assert (await lan.post("/schedules", data=sent | {"what": what}, headers=PART)).status_code == 204
    (row,) = await kept(lan)
    assert row["title"] == "Tin lúa"


async def test_one_airing_is_moved_from_the_form_without_a_mouse(house: House, lan: httpx.AsyncClient):
    await lan.post("/schedules", data=await form(house, repeat="daily"))
    page = (await lan.get(f"/schedules/{TOKEN}", params={"at": "2026-11-22T10:00:00+00:00"})).text
    assert "Move the airing at 17:00 22/11" in page
    sent = {name: field(page, name) for name in ("schedule", "version", "at", "shown")}
    answer = await lan.post("/calendar/move", data=sent | {"to": "2026-11-22T18:30", "scope": "one"})
    assert answer.status_code == 303
    (row,) = await kept(lan)
    assert row["extra_local"] == ["2026-11-22T18:30:00"]


async def test_a_schedule_is_taken_out_of_the_calendar(house: House, lan: httpx.AsyncClient):
    await lan.post("/schedules", data=await form(house))
    await lan.post(f"/schedules/{TOKEN}/withdraw")
    assert (await kept(lan))[0]["active"] is False
    assert "Bản tin" not in (await lan.get("/calendar")).text


async def withdrawn(house: House, lan: httpx.AsyncClient, **more: Any) -> tuple[dict[str, Any], str]:
    """A schedule as it was before it was taken out, and what the page after that offers to send."""
    await lan.post("/schedules", data=await form(house, repeat="weekly", weekday=["4", "5"], **more))
    (before,) = await kept(lan)
    page = await lan.get((await lan.post(f"/schedules/{TOKEN}/withdraw")).headers["location"])
    assert "“Bản tin” was taken out of the calendar." in page.text
    return before, field(page.text, "undo")


async def test_what_was_taken_out_is_put_back_as_it_was(house: House, lan: httpx.AsyncClient):
    before, undo = await withdrawn(house, lan)
    assert (await broadcasts.plan_of(house, f"{COMMUNE}-1")).occurrences == ()
    answer = await lan.post("/calendar/undo", data={"shown": "2026-11-20", "undo": undo}, headers=PART)
    assert "It is as it was before.<" in answer.text
    assert re.findall(r'data-local="(.*?)"', answer.text)[0].startswith("2026-11-21T17:00")
    assert await kept(lan) == [before]
    assert (await broadcasts.plan_of(house, f"{COMMUNE}-1")).occurrences
    trail = (await lan.get("/api/v1/audit", params={"kind": "schedule"})).json()["items"]
    assert trail[0]["changes"] == {"active": [False, True]}
    assert 'name="undo"' not in (await lan.get("/calendar", params={"withdrawn": TOKEN})).text


async def test_putting_back_again_or_what_changed_since_is_refused_in_words(house: House, lan: httpx.AsyncClient):
    _, undo = await withdrawn(house, lan)
    await lan.patch(f"/api/v1/schedules/{TOKEN}", json={"title": "Tin chợ"}, headers={"If-Match": "*"})
    changed = await lan.post("/calendar/undo", data={"undo": undo})
    assert changed.status_code == 412
    assert "Somebody else changed this schedule" in changed.text
    assert (await kept(lan))[0]["active"] is False

    undo = field((await lan.get(f"/schedules/{TOKEN}")).text, "undo")
    assert [(await lan.post("/calendar/undo", data={"undo": undo})).status_code for _ in "ab"] == [303, 412]
    assert (await kept(lan))[0]["active"] is True


async def test_what_was_taken_out_waits_until_its_playlist_is_back(house: House, lan: httpx.AsyncClient):
    before, undo = await withdrawn(house, lan)
    playlist = f"/api/v1/playlists/{before['playlist_id']}"
    assert (await lan.patch(playlist, json={"retired": True}, headers={"If-Match": "*"})).is_success
    answer = await lan.post("/calendar/undo", data={"undo": undo})
    assert answer.status_code == 409
    assert "The playlist of this schedule was put away." in answer.text
    assert (await kept(lan))[0]["active"] is False


async def test_only_who_may_take_a_schedule_out_puts_it_back(house: House, lan: httpx.AsyncClient):
    _, undo = await withdrawn(house, lan)
    reader = await house.in_person(COMMUNE, "minh", roles=[Role.TECHNICIAN])
    assert "«Bản tin»" in (shown := (await reader.get(f"/calendar?withdrawn={TOKEN}")).text)
    assert 'name="undo"' not in shown
    assert (await reader.post("/calendar/undo", data={"undo": undo})).status_code == 403
    await house.commune("07340")
    neighbour = await house.in_person("07340", "hoa")
    assert "Bản tin" not in (await neighbour.get(f"/calendar?withdrawn={TOKEN}")).text
    assert (await neighbour.post("/calendar/undo", data={"undo": undo})).status_code == 404
    assert (await kept(lan))[0]["active"] is False


async def test_what_waited_for_approval_still_waits_once_it_is_put_back(house: House, lan: httpx.AsyncClient):
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"approval": "second_person"}
    before, undo = await withdrawn(house, lan)
    answer = await lan.post("/calendar/undo", data={"undo": undo}, headers=PART)
    assert "It airs so once somebody has approved it." in answer.text
    assert before["approval"] == (await kept(lan))[0]["approval"] == "submitted"


async def test_what_was_approved_needs_no_second_yes_to_be_put_back(house: House, lan: httpx.AsyncClient):
    _, undo = await withdrawn(house, lan)
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"approval": "second_person"}
    answer = await lan.post("/calendar/undo", data={"undo": undo}, headers=PART)
    assert "once somebody has approved it" not in answer.text
    assert (await kept(lan))[0]["approval"] == "approved"


async def test_where_somebody_approves_a_new_schedule_asks_for_it(house: House, lan: httpx.AsyncClient):
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = {"approval": "second_person"}
    await lan.post("/schedules", data=await form(house))
    assert (await kept(lan))[0]["approval"] == "submitted"
    assert "It waits for approval" in (await lan.get(f"/schedules/{TOKEN}")).text
