"""Play records: a period of them, and the report that a commune prints and files."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from controller.records.models import PlayRecordRow
from controller.web.pages import records
from protocol.messages import Outcome
from tests.support.controller import House

COMMUNE = "07339"


@pytest.fixture
async def lan(quiet_house: House) -> httpx.AsyncClient:
    await quiet_house.commune(COMMUNE, speakers=2)
    client = await quiet_house.in_person(COMMUNE, "lan")
    client.cookies.set("loa_language", "en")
    return client


async def played(house: House, *moments: datetime, speaker: str = f"{COMMUNE}-1", **more: object) -> None:
    """Something sounded at each of these moments, and is called after its day and hour."""
    async with house.database.transaction() as session:
        session.add_all(
            PlayRecordRow(
                device_id=speaker, boot=speaker, seq=seq, boot_order=1, at=at, received_at=at, kind="item",
                title=f"{at:%d %H:%M}", from_ms=0, played_ms=60_000, volume=50, reason="", clock="trusted",
                **{"outcome": Outcome.COMPLETED, **more},
            )
            for seq, at in enumerate(moments, start=1)
        )  # fmt: skip


def titles(page: str) -> list[str]:
    return re.findall(r'data-label="What">([^<]+)<', page)


def heading(page: str) -> str:
    [found] = re.findall(r"<div[^>]*data-heading>(.*?)</div>", page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


async def test_a_period_holds_its_first_and_its_last_day_as_the_clock_on_the_wall_has_them(
    quiet_house: House, lan: httpx.AsyncClient
):
    day = datetime(2026, 10, 31, 17, tzinfo=UTC)
    minute = timedelta(minutes=1)
    await played(quiet_house, day - minute, day, day + timedelta(days=2) - minute, day + timedelta(days=2))
    page = (await lan.get("/records", params={"since": "2026-11-01", "until": "2026-11-02"})).text
    assert titles(page) == ["02 16:59", "31 17:00"]


async def test_paper_says_where_which_and_when(quiet_house: House, lan: httpx.AsyncClient):
    await played(quiet_house, quiet_house.clock.now, outcome=Outcome.MISSED)
    asked = {"since": "2026-11-01", "until": "2026-11-30", "device": f"{COMMUNE}-1", "outcome": "missed", "broken": "1"}
    said = heading((await lan.get("/records", params={**asked, "print": "1"})).text)
    name = f"{COMMUNE}-1"
    assert said.startswith(
        f"{COMMUNE} · from 01/11/2026 · up to and including 30/11/2026 · Speaker: {name} · Outcome: "
    )
    assert said.endswith("Only what broke off As it stood at 12:00 · 20/11/2026")
    assert "All records" in heading((await lan.get("/records")).text)


async def test_a_report_goes_on_after_the_first_page_and_keeps_the_filters(quiet_house: House, lan: httpx.AsyncClient):
    start = quiet_house.clock.now - timedelta(days=1)
    await played(quiet_house, *(start + timedelta(minutes=each) for each in range(records.ROWS + 5)))
    await played(quiet_house, start, speaker=f"{COMMUNE}-2")
    page = (await lan.get("/records", params={"device": f"{COMMUNE}-1"})).text
    [report] = re.findall(r'href="(/records\?[^"]*print[^"]*)"', page)
    paper = (await lan.get(report.replace("&amp;", "&"))).text
    assert len(titles(page)) == records.ROWS
    assert len(titles(paper)) == records.ROWS + 5
    assert "data-print" in paper
    assert "There are more records" in heading(page)
    assert "There are more records" not in heading(paper)


async def test_paper_can_be_of_a_place_below_ones_own(quiet_house: House, lan: httpx.AsyncClient):
    await quiet_house.area("07339-x", parent=COMMUNE, name="Thôn Ven Đê")
    await quiet_house.device("07339-x-1", "07339-x")
    await quiet_house.commune("07340", speakers=1)
    start = quiet_house.clock.now
    await played(quiet_house, start, speaker="07339-x-1")
    await played(quiet_house, start - timedelta(hours=1), speaker=f"{COMMUNE}-1")
    await played(quiet_house, start, speaker="07340-1")
    page = (await lan.get("/records", params={"area": "07339-x"})).text
    assert '<option value="07339-x" selected>' in page
    assert 'value="07340"' not in page
    assert f'value="{COMMUNE}-1"' not in page, "a speaker of another place"
    [report] = re.findall(r'href="(/records\?[^"]*print[^"]*)"', page)
    paper = (await lan.get(report.replace("&amp;", "&"))).text
    assert titles(paper) == [f"{start:%d %H:%M}"]
    assert heading(paper).startswith("Thôn Ven Đê · ")
    assert len(titles((await lan.get("/records")).text)) == 2
    assert (await lan.get("/records", params={"area": "07340"})).status_code == 404


async def test_an_old_link_to_a_day_means_that_day(quiet_house: House, lan: httpx.AsyncClient):
    start = quiet_house.clock.now
    await played(quiet_house, start - timedelta(days=1), start, start + timedelta(days=1))
    answer = await lan.get("/records", params={"day": f"{start:%Y-%m-%d}", "outcome": "completed"})
    target = answer.headers["location"]
    assert "outcome=completed" in target
    assert titles((await lan.get(target)).text) == [f"{start:%d %H:%M}"]


async def test_a_report_that_holds_not_all_says_so(
    quiet_house: House, lan: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "ON_PAPER", 3)
    await played(quiet_house, *(quiet_house.clock.now - timedelta(minutes=each) for each in range(4)))
    paper = (await lan.get("/records?print=1")).text
    assert len(titles(paper)) == 3
    assert "There are more records than the 3 listed here." in heading(paper)
    assert "Older records" not in paper
