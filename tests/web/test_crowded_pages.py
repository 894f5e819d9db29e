"""Pages of somebody with hundreds of speakers: what matters first, the rest when it is asked for."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from controller.web.gather import AIRINGS
from controller.web.pages.today import SPEAKERS
from tests.support.controller import House, open_house
from tests.support.crowded import COMMUNES, province

pytestmark = pytest.mark.asyncio(loop_scope="module")

EACH = 4
"""Speakers of a commune."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("crowd")
    async with open_house(folder, services=()) as house:
        await province(house, speakers=COMMUNES * EACH, airings=COMMUNES * 4)
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def officer(crowd: House) -> httpx.AsyncClient:
    return await crowd.in_person("24", "lan")


def ticked(page: str) -> list[str]:
    return re.findall(r'name="device" value="([^"]+)"', page)


async def test_the_tree_of_places_brings_speakers_when_a_place_is_opened(officer: httpx.AsyncClient):
    page = (await officer.get("/")).text
    assert ticked(page) == []
    assert page.count('hx-get="/parts/places/') == COMMUNES
    part = (await officer.get("/parts/places/09003")).text
    assert ticked(part) == [f"09003-{number:03}" for number in range(EACH)]
    assert (await officer.get("/parts/places/nowhere")).status_code == 404


async def test_today_shows_the_speakers_with_trouble_and_says_how_many_more_there_are(officer: httpx.AsyncClient):
    page = (await officer.get("/parts/speakers")).text
    tones = re.findall(r'data-tone="([^"]+)"', page)
    away = COMMUNES * EACH // 20
    assert len(tones) == SPEAKERS
    assert tones == ["away"] * away + ["good"] * (SPEAKERS - away)
    assert f"{COMMUNES * EACH - SPEAKERS} cụm loa nữa" in page


async def test_today_shows_the_airings_nearest_to_now(crowd: House, officer: httpx.AsyncClient):
    page = (await officer.get("/parts/day")).text
    starts = sorted(set(re.findall(r'datetime="([^"]+)"', page)))
    assert 0 < page.count('data-occurrence="') <= 2 * AIRINGS
    assert any(each <= crowd.clock.now.isoformat() for each in starts)


async def test_records_are_searched_by_the_name_of_a_speaker_where_a_list_would_be_endless(officer: httpx.AsyncClient):
    page = (await officer.get("/records", params={"speaker": "09007-001 THON"})).text
    assert 'name="speaker"' in page
    assert set(re.findall(r'data-label="Cụm loa">([^<]+)<', page)) == {"Loa thôn 2"}
    assert (await officer.get("/records", params={"speaker": "không có ai"})).text.count("data-record") == 0
