"""What of the first page somebody should see to, and that its link leads where it can be seen to."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest

from tests.support import broadcasts
from tests.support.controller import House
from tests.support.eventually import becomes

COMMUNE = "07339"
SIX = datetime(2026, 11, 20, 23, tzinfo=UTC)
"""Of tomorrow's morning in Vietnam: now it is noon."""


async def airs(house: House, area: str, title: str, at: datetime) -> None:
    """A minute of sound on all speakers of a place."""
    playlist = await broadcasts.playlist(house, area, title=title)
    await broadcasts.schedule(house, area, playlist, at=at, areas=(area,), title=title)


async def needs(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Where each leads, and its sentence."""
    part = (await client.get("/parts/needs")).text
    return [(unescape(where), unescape(text)) for where, text in re.findall(r'<a href="([^"]+)">([^<]+)</a>', part)]


def aired(page: str, day: str) -> list[str]:
    """The titles that a calendar shows on one day."""
    [shown] = [each for each in page.split('<section class="calendar-day')[1:] if f'data-day="{day}"' in each]
    return re.findall(r'class="slot-title">([^<]+)<', shown)


@pytest.mark.parametrize("issued_at", [COMMUNE, "24"])
@pytest.mark.parametrize("seen_from", [COMMUNE, "24"])
async def test_broadcasts_in_each_others_way_lead_to_the_day_that_shows_both(
    house: House, issued_at: str, seen_from: str
):
    await house.commune(COMMUNE, speakers=2)
    await airs(house, COMMUNE, "Bản tin xã", SIX)
    await airs(house, issued_at, "Thông báo", SIX)
    viewer = await house.in_person(seen_from, "lan")

    [(where, sentence)] = [each for each in await needs(viewer) if "được phát thay" in each[1]]
    assert sentence.startswith("Từ 06:00:00 đến 06:01:00, “")
    assert "“Bản tin xã”" in sentence
    assert "“Thông báo”" in sentence
    assert where == f"/calendar?day=2026-11-21&area={COMMUNE}"

    async def both() -> bool:
        page = await viewer.get(where)
        assert page.status_code == 200
        return sorted(aired(page.text, "2026-11-21")) == ["Bản tin xã", "Thông báo"]

    assert await becomes(both), "once they are planned"


async def test_broadcasts_after_each_other_need_nobody(quiet_house: House):
    await quiet_house.commune(COMMUNE, speakers=2)
    await airs(quiet_house, COMMUNE, "Bản tin xã", SIX)
    await airs(quiet_house, COMMUNE, "Thông báo", SIX + timedelta(minutes=30))
    lan = await quiet_house.in_person(COMMUNE, "lan")
    assert [each for each in await needs(lan) if "được phát thay" in each[1]] == []
