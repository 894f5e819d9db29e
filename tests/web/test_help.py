"""The "?" beside headings: on every page that asks something of people, with whom to ask."""

import re

from controller.areas.models import Area
from tests.support.controller import House
from tests.support.pages import address
from tests.support.things import things

COMMUNE = "07339"
ASKING = (
    "/", "/live", "/library", "/pronunciations", "/rules", "/people", "/devices/enrolment", "/cap",
    "/emergency", "/emergency/{alert_id}", "/emergency/messages", "/emergency/tests",
    "/approvals", "/approvals/{schedule_id}",
    "/calendar", "/calendar/subscriptions", "/schedules/new", "/schedules/{schedule_id}",
    "/playlists", "/playlists/new", "/playlists/{playlist_id}",
)  # fmt: skip


async def test_every_page_that_asks_something_says_what_a_press_does_and_whom_to_ask(house: House):
    await house.commune(COMMUNE)
    made = await things(house, await house.signed_in(COMMUNE), COMMUNE)
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).contact = "Ông Ba, 0912 345 678"
    person = await house.in_person(COMMUNE, "lan")
    for path in ASKING:
        page = (await person.get(address(path, made))).text
        said = re.findall(r'<div class="help-words">(.*?)</div>', page, re.DOTALL)
        assert len(said) == 1, path
        assert said[0].count("<p>") >= 3, f"{path}: at least what it is for, what a press does, and whom to ask"
        assert "Ông Ba, 0912 345 678" in said[0], path
