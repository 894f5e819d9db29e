"""What the form asks for before and around the words: a chime, and a second reading."""

import re

import httpx
import pytest

from tests.support.controller import PASSWORD, House

COMMUNE = "00001"
WORDS = {"token": "t", "source": "text", "title": "Họp", "text": "Mời bà con đi họp", "device": f"{COMMUNE}-1"}
PART = {"HX-Request": "true"}


@pytest.fixture
async def browser(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=1)
    await house.user("lan", COMMUNE)
    browser = house.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    return browser


async def send(browser: httpx.AsyncClient, **fields: str) -> dict[str, str]:
    """Send the form; return the hidden fields with which it comes back while its sound is being made."""
    answer = await browser.post("/announce", data=WORDS | fields, headers=PART)
    assert answer.status_code == 200, answer.text
    hidden = re.findall(r'type="hidden" name="(announcement|playlist|spoken)" value="([^"]+)"', answer.text)
    return dict(hidden)


async def items(browser: httpx.AsyncClient, playlist: str) -> list[tuple[object, ...]]:
    found = (await browser.get(f"/api/v1/playlists/{playlist}")).json()["items"]
    return [(item["chime"] or item["kind"], item["repeat"], item["repeat_gap_ms"]) for item in found]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("opening", 1, 0), ("announcement", 1, 0), ("closing", 1, 0)]),
        ({"chime": ""}, [("announcement", 1, 0)]),
        ({"chime": "attention", "twice": "yes"}, [("attention", 1, 0), ("announcement", 2, 2000)]),
        ({"chime": "test-rising"}, [("test-rising", 1, 0), ("announcement", 1, 0), ("test-falling", 1, 0)]),
        ({"chime": "storm"}, [("announcement", 1, 0)]),
        ({"chime": "<script>"}, [("announcement", 1, 0)]),
    ],
)
async def test_the_form_chooses_a_chime_and_a_second_reading(
    browser: httpx.AsyncClient, fields: dict[str, str], expected: list[tuple[object, ...]]
):
    assert await items(browser, (await send(browser, **fields))["playlist"]) == expected


async def test_a_changed_wish_is_not_answered_with_the_former_sound(browser: httpx.AsyncClient):
    first = await send(browser)
    same = await send(browser, **first)
    other = await send(browser, **first, twice="yes")

    assert same["playlist"] == first["playlist"] != other["playlist"]
    assert same["announcement"] == first["announcement"] == other["announcement"]


async def test_what_was_chosen_stays_chosen_when_the_form_comes_back(browser: httpx.AsyncClient):
    page = (await browser.post("/announce", data=WORDS | {"text": "", "chime": "attention", "twice": "yes"})).text

    assert '<option value="attention" selected>Tín hiệu chú ý</option>' in page
    assert 'name="twice" value="yes" checked' in page


async def test_the_form_offers_no_siren(browser: httpx.AsyncClient):
    page = (await browser.get("/")).text

    assert re.findall(r'<option value="([^"]*)"', page.split('name="chime"')[1].split("</select>")[0]) == [
        "",
        "opening",
        "attention",
        "test-rising",
        "exercise",
    ]
