"""What the form shows while a sound is made."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from controller.announcements.making import Making
from controller.announcements.models import Announcement, Status
from controller.announcements.workshop import workshop_of
from controller.content.models import Clip
from tests.support.controller import PASSWORD, House, open_house

COMMUNE = "00001"
WORDS = {"token": "t", "source": "text", "title": "Họp", "text": "Mời bà con đi họp"}
PART = {"HX-Request": "true"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A controller whose workshop does not work: the test says how far it is."""
    async with open_house(tmp_path / "data", services=()) as opened:
        yield opened


@pytest.fixture
async def browser(house: House) -> httpx.AsyncClient:
    await house.commune(COMMUNE, speakers=1)
    await house.user("lan", COMMUNE)
    browser = house.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    return browser


async def announcement(house: House) -> Announcement:
    async with house.database.reading() as session:
        return (await session.scalars(select(Announcement))).one()


async def alive(house: House) -> list[Announcement]:
    """Those that nobody put away."""
    async with house.database.reading() as session:
        return list(await session.scalars(select(Announcement).where(Announcement.retired_at.is_(None))))


async def look(browser: httpx.AsyncClient, first: httpx.Response) -> str:
    address, spoken = re.search(r'hx-get="([^"]+)" hx-vals=\'{"spoken": "(\w+)"}', first.text).groups()
    return (await browser.get(address, params={"spoken": spoken}, headers=PART)).text


async def test_the_making_is_shown_in_per_cent_once_that_is_known(house: House, browser: httpx.AsyncClient) -> None:
    first = await browser.post("/announce/listen", data=WORDS, headers=PART)
    assert '<progress class="making" max="100" aria' in first.text

    job = (await announcement(house)).job
    workshop_of(house.runtime)._makings._note(job, Making("encoding", 42))
    later = await look(browser, first)
    assert 'value="42"' in later
    assert "42 %" in later


async def test_a_long_text_is_kept_whole(house: House, browser: httpx.AsyncClient) -> None:
    long = "lời " * 4_999 + "cuối"

    assert (await browser.post("/announce/listen", data=WORDS | {"text": long}, headers=PART)).status_code == 200
    assert (await announcement(house)).text == long
    assert 'maxlength="10000"' not in (await browser.get("/")).text


@pytest.mark.parametrize("field", ["text", "second_text"])
async def test_more_text_than_one_announcement_may_have_is_refused_and_not_cut(
    house: House, browser: httpx.AsyncClient, field: str
) -> None:
    sent = WORDS | {"second_language": "en", "second_text": "Come"} | {field: "x " * 10_001}

    refused = await browser.post("/announce/listen", data=sent, headers=PART)

    assert refused.status_code == 422
    assert "Nội dung dài quá 20000 ký tự. Hãy chia thành nhiều thông báo." in refused.text
    async with house.database.reading() as session:
        assert (await session.scalars(select(Announcement))).all() == []


@pytest.mark.parametrize(("written", "again"), [("họp", True), ("trạm", False)])
async def test_a_word_that_was_put_right_asks_for_the_sound_anew(
    *, house: House, browser: httpx.AsyncClient, written: str, again: bool
) -> None:
    first = (await browser.post("/announce/listen", data=WORDS, headers=PART)).text
    form = WORDS | {name: re.search(rf'name="{name}" value="(\w+)"', first)[1] for name in ("announcement", "spoken")}
    await browser.post("/announce/word", data=form | {"written": written, "spoken_as": "khác"}, headers=PART)

    heard = (await browser.post("/announce/listen", data=form, headers=PART)).text
    [kept] = await alive(house)
    assert (kept.id != form["announcement"]) is again
    assert f'name="announcement" value="{kept.id}"' in heard

    anew = form | {name: re.search(rf'name="{name}" value="(\w+)"', heard)[1] for name in ("announcement", "spoken")}
    await browser.post("/announce/listen", data=anew, headers=PART)
    assert [each.id for each in await alive(house)] == [kept.id], "it is made once"


async def test_the_characters_are_counted_while_they_are_typed(browser: httpx.AsyncClient) -> None:
    said = (await browser.post("/announce/length", data={"text": "x " * 10_001}, headers=PART)).text

    assert "20.001 trong tối đa 20.000 ký tự." in said


@pytest.mark.parametrize(
    ("lufs", "peak_dbtp", "words"),
    [(-16.4, -2.5, None), (-21.0, -2.0, "Vẫn quá nhỏ"), (-13.0, -2.5, "Vẫn quá to"), (-16.0, -1.0, "Vẫn quá to")],
)
async def test_a_clip_that_missed_its_loudness_says_so_and_what_to_do(
    house: House, browser: httpx.AsyncClient, lufs: float, peak_dbtp: float, words: str | None
) -> None:
    first = await browser.post("/announce/listen", data=WORDS, headers=PART)
    made = {"lufs": lufs, "peak_dbtp": peak_dbtp, "duration_ms": 1000, "waveform": [1]}
    async with house.database.transaction() as session:
        row = (await session.scalars(select(Announcement))).one()
        session.add(
            Clip(sha256="0" * 64, size_bytes=1, duration_ms=1000, media_type="audio/ogg", created_at=row.created_at)
        )
        await session.flush()
        row.status, row.clip_sha256, row.duration_ms, row.after = Status.READY, "0" * 64, 1000, made
        id_ = row.id

    shown = await look(browser, first)

    assert (await browser.get(f"/api/v1/announcements/{id_}")).json()["fit"] is (words is None)
    assert ("Hãy thu lại" in shown) is (words is not None)
    assert (words or "") in shown
