"""The feed of the map of speakers, and what pages may load for it."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from controller.devices.models import Device
from controller.monitoring.hub import hub_of
from controller.monitoring.service import MonitoringService
from controller.settings import Settings
from protocol.messages import Problem
from tests.support.controller import PASSWORD, House
from tests.support.site import state_of

TILES = "https://tile.example:8443/{z}/{x}/{y}.png"


async def place(house: House, device: str, lat: float, lon: float) -> None:
    async with house.database.transaction() as session:
        row = await session.get_one(Device, device)
        row.lat, row.lon = lat, lon


@pytest.fixture
async def commune(quiet_house: House) -> House:
    await quiet_house.commune("00001", speakers=3)
    await quiet_house.commune("00002", speakers=1)
    await quiet_house.user("lan", "00001")
    await place(quiet_house, "00001-1", 21.2, 106.1)
    await place(quiet_house, "00001-2", 21.21, 106.11)
    await place(quiet_house, "00002-1", 21.3, 106.2)
    return quiet_house


async def test_the_feed_tells_of_ones_own_speakers_that_have_a_place(commune: House):
    full = Problem(code="disk_full", since=commune.clock.now - timedelta(hours=1))
    async with commune.database.transaction() as session:
        report = state_of("00001-2", at=commune.clock.now, problems=(full,))
        service = MonitoringService(session, hub_of(commune.runtime))
        await service.take_state(report, now=commune.clock.now, retained=False)
    browser = commune.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    feed = (await browser.get("/parts/speakers/map.json")).json()
    assert [(each["id"], each["tone"], each["lat"], each["lon"]) for each in feed["speakers"]] == [
        ("00001-1", "away", 21.2, 106.1),
        ("00001-2", "warn", 21.21, 106.11),
    ]
    assert feed["speakers"][1]["cause"].startswith("Đĩa đầy")
    assert feed["speakers"][1]["since"] == "11:00"
    assert [each["properties"]["code"] for each in feed["outlines"]["features"]] == ["00001"]
    assert "outlines" not in (await browser.get("/parts/speakers/map.json?outlined=false")).json()


async def test_the_page_says_how_many_have_no_place(commune: House):
    browser = commune.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    assert "1 cụm loa chưa có vị trí" in (await browser.get("/speakers/map")).text


def test_tiles_are_named_by_an_address_that_the_policy_of_pages_can_name():
    assert Settings(tiles=TILES).tiles_origin == "https://tile.example:8443"
    assert Settings().tiles_origin == ""
    for wrong in ("https://a.example/ ; script-src *//{z}", "javascript:{z}", "https://{s}.example/{z}/{x}/{y}.png"):
        with pytest.raises(ValidationError):
            Settings(tiles=wrong)
