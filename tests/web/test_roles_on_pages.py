"""Pages offer only what their reader may do."""

import re
from collections.abc import Iterable
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest

from controller.accounts.roles import Role
from controller.areas.models import Area
from controller.authorisation import Row, rows
from tests.support.controller import House
from tests.support.pages import PARTS, WHOLE_PAGES, address
from tests.support.things import things

COMMUNE = "07339"
ROWS = list(rows())
UNSEEN = (
    "POST /content/", "POST /sign-in", "POST /forgotten", "POST /join/",
    "POST /calendar/undo", "POST /calendar/subscriptions/{subscription_id}/end", "POST /devices/enrolment/",
)  # fmt: skip
"""Asked for without a sign-in, in answers to other forms, or of things that are not made here."""
LEADING = {"href": "GET", "hx-get": "GET", "hx-post": "POST"}


class Offers(HTMLParser):
    """What a page leads to: its links, its forms and their buttons, as method and path."""

    def __init__(self, page: str, here: str) -> None:
        super().__init__()
        self.here, self.found, self._method = here, set[tuple[str, str]](), "GET"
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._method = said.get("method", "get").upper()
            self._lead(self._method, said.get("action", ""))
        for name, method in (LEADING | {"formaction": self._method}).items():
            if name in said:
                self._lead(method, said[name])

    def _lead(self, method: str, where: str) -> None:
        self.found.add((method, urlsplit(where).path or self.here))


def row_of(method: str, path: str) -> Row | None:
    """The endpoint that answers, as the router finds it: the first that fits."""
    return next(
        (row for row in ROWS if row.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", row.path), path)), None
    )


async def offers(house: House, *roles: Role) -> set[tuple[str, Row]]:
    """Every page that somebody may open, with the endpoints that it leads to:
    there is one of everything, first as a draft, then under way, then called off, then on air.
    """
    await house.commune(COMMUNE)
    async with house.database.transaction() as session:
        (await session.get_one(Area, COMMUNE)).policy = dict.fromkeys(("approval", "release"), "second_person")
    chief = await house.signed_in(COMMUNE, "chief")
    made = await things(house, chief, COMMUNE)
    person = await house.in_person(COMMUNE, "somebody", roles=roles)
    found = await offered(person, made, (*WHOLE_PAGES, *PARTS))

    second = await house.signed_in(COMMUNE, "second")
    for page, do in ((f"/emergency/{made['alert_id']}", "release"), (f"/approvals/{made['schedule_id']}", "submit")):
        seen = re.findall(r'name="seen" value="(.+?)"', (await second.get(page)).text)
        assert (await second.post(f"{page}/{do}", data={"seen": seen[0]})).status_code == 303
    found |= await offered(person, made, ("/approvals/{schedule_id}", "/emergency", "/emergency/{alert_id}"))
    coming = re.findall(r'action="(/occurrences/[^/]+)/stop"', (await second.get("/")).text)
    for do in ("stop", "take-back"):
        for airing in coming:
            assert (await second.post(f"{airing}/{do}")).status_code == 303
        found |= await offered(person, made, ("/",))
    house.clock.advance(timedelta(minutes=61))
    return found | await offered(person, made, ("/", "/parts/stop-all"))


async def offered(person: httpx.AsyncClient, made: dict[str, str], paths: Iterable[str]) -> set[tuple[str, Row]]:
    found = set()
    for path in paths:
        here = address(path, made)
        answer = await person.get(here)
        if answer.is_success and "html" in answer.headers["content-type"]:
            leads = Offers(answer.text, here).found
            found |= {(path, row) for row in (row_of(*lead) for lead in leads) if row is not None}
    return found


@pytest.mark.parametrize("role", Role)
async def test_pages_lead_nowhere_that_their_reader_is_refused(quiet_house: House, role: Role):
    wrong = [
        f"{page} offers {row.method} {row.path}"
        for page, row in sorted(await offers(quiet_house, role))
        if not row.lets_in(role)
    ]
    assert not wrong, "\n".join(wrong)


async def test_who_may_do_everything_is_offered_it(quiet_house: House):
    """Else the test above might have looked at pages without anything on them."""
    found = {f"{row.method} {row.path}" for _, row in await offers(quiet_house, *Role)}
    posts = {f"{row.method} {row.path}" for row in ROWS if row.method == "POST" and not row.path.startswith("/api/")}
    assert {each for each in posts - found if not each.startswith(UNSEEN)} == set()


async def test_from_a_refusal_the_emergency_page_is_one_press_away_for_whoever_is_signed_in(quiet_house: House):
    await quiet_house.commune(COMMUNE)
    person = await quiet_house.in_person(COMMUNE, "somebody", roles=[Role.AUDITOR])
    for path, status in (("/live", 403), ("/emergency/nothing", 404), (f"/?sent={'x' * 65}", 422)):
        answer = await person.get(path)
        assert answer.status_code == status, path
        assert 'href="/emergency"' in answer.text, path
        assert 'href="/live"' not in answer.text, path
    stranger = await quiet_house.browser().get("/join/nothing")
    assert stranger.is_client_error
    assert 'href="/emergency"' not in stranger.text
