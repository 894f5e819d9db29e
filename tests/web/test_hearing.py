"""The dictionary's page, and the button that reads a draft at once: by hand, and in a real browser."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.controller import PASSWORD, House
from tests.support.site import Site
from tests.web.test_browser import (  # noqa: F401 - fixtures
    PHONE,
    chromium,
    commune,
    context,
    fits,
    leaves_nothing_running,
    sign_in,
    site,
)

PAGES_10 = "Kính thưa bà con, sáng mai lúc 7h30 xã ta tiêm phòng cho trẻ em tại nhà văn hoá. " * 240
SOUNDS = "audio => audio.currentTime > 0.3 && !audio.paused && audio.error === null"


async def officer(house: House, area: str, name: str = "lan") -> httpx.AsyncClient:
    await house.user(name, area)
    browser = house.browser()
    await browser.post("/sign-in", data={"username": name, "password": PASSWORD})
    return browser


def version_and_id(page: str, word: str) -> tuple[str, str]:
    entry = page[page.index(f'data-word="{word}"') - 200 :]
    found = re.search(r'action="/pronunciations/(\w{26})".*?name="version" value="(\d+)"', entry, re.DOTALL)
    assert found is not None
    return found[2], found[1]


async def test_a_word_is_added_corrected_removed_and_taken_back(house: House):
    await house.area("00001")
    browser = await officer(house, "00001")
    assert "Chưa có từ nào" in (await browser.get("/pronunciations")).text

    await browser.post("/pronunciations", data={"written": "NVH", "spoken": "nhà văn hóa"})
    version, entry = version_and_id((await browser.get("/pronunciations")).text, "NVH")
    corrected = {"version": version, "written": "NVH", "spoken": "nhà văn hoá thôn"}
    await browser.post(f"/pronunciations/{entry}", data=corrected)
    page = (await browser.get("/pronunciations")).text
    assert 'value="nhà văn hoá thôn"' in page

    version, entry = version_and_id(page, "NVH")
    removed = (await browser.post(f"/pronunciations/{entry}", data={"version": version, "do": "remove"})).text
    assert "Đã xoá «NVH»" in removed
    assert 'data-word="NVH"' not in removed
    undo = {
        name: re.search(rf'name="{name}" value="([^"]*)"', removed)[1] for name in ("written", "spoken", "area_code")
    }
    await browser.post("/pronunciations", data=undo)
    assert 'value="nhà văn hoá thôn"' in (await browser.get("/pronunciations")).text


async def test_what_somebody_else_just_edited_is_not_overwritten(house: House):
    await house.area("00001")
    browser = await officer(house, "00001")
    await browser.post("/pronunciations", data={"written": "NVH", "spoken": "một"})
    version, entry = version_and_id((await browser.get("/pronunciations")).text, "NVH")
    for spoken in ("hai", "ba"):
        answer = await browser.post(
            f"/pronunciations/{entry}", data={"version": version, "written": "NVH", "spoken": spoken}
        )
    assert answer.status_code == 412
    assert 'value="hai"' in (await browser.get("/pronunciations")).text


@pytest.mark.parametrize(("written", "spoken"), [("", "x"), ("NVH", ""), ("NVH", "…"), ("<b>", "a" * 300)])
async def test_a_word_that_says_nothing_comes_back_with_what_was_typed(house: House, written: str, spoken: str):
    await house.area("00001")
    answer = await (await officer(house, "00001")).post("/pronunciations", data={"written": written, "spoken": spoken})
    assert answer.status_code == 422
    assert "<b>" not in answer.text
    assert 'class="error"' in answer.text


async def test_a_word_from_above_is_shown_but_not_to_be_changed(house: House):
    await house.area("24")
    await house.area("00001", parent="24")
    await (await officer(house, "24", "tinh")).post("/pronunciations", data={"written": "KCN", "spoken": "khu"})
    browser = await officer(house, "00001")
    page = (await browser.get("/pronunciations")).text
    version, entry = version_and_id(page, "KCN")

    assert "do cấp trên đặt" in page
    assert 'value="remove"' not in page
    changed = {"version": version, "written": "KCN", "spoken": "x"}
    assert (await browser.post(f"/pronunciations/{entry}", data=changed)).status_code == 403
    assert 'value="khu"' in (await browser.get("/pronunciations")).text


async def test_a_draft_without_words_is_refused_beside_the_button(house: House):
    await house.area("00001")
    browser = await officer(house, "00001")
    for text in ("", " … "):
        answer = await browser.post("/announce/hear", data={"text": text}, headers={"HX-Request": "true"})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "<audio" not in answer.text


async def test_a_voice_that_does_not_exist_is_refused_in_words(house: House):
    await house.commune("00001", speakers=1)
    browser = await officer(house, "00001")
    for address in ("/announce/hear", "/announce/listen"):
        answer = await browser.post(
            address, data={"text": "xin chào", "voice": "robot"}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 422
        assert "Không có giọng đọc robot" in answer.text


def test_ten_pages_begin_to_sound_at_once_and_the_address_holds_no_word(
    context: BrowserContext,  # noqa: F811 - a fixture
    site: Site,  # noqa: F811
    commune: str,  # noqa: F811
):
    page = sign_in(context, site, commune)
    page.locator("textarea[name=text]").fill(PAGES_10[:9_900])
    page.get_by_label("Giọng đọc").select_option(label="Giọng nữ, miền Nam")
    page.get_by_label("Tốc độ").select_option(label="Chậm")
    page.get_by_role("button", name="Nghe thử ngay").click()
    audio = page.locator("#heard audio")
    expect(audio).to_be_visible()
    page.wait_for_function(SOUNDS, arg=audio.element_handle())

    address = audio.get_attribute("src")
    assert re.fullmatch(r"/api/v1/speech/previews/[\w-]{32}", address)
    assert not page.complaints
    page.close()


def test_a_word_is_heard_on_the_dictionarys_page(
    context: BrowserContext,  # noqa: F811
    site: Site,  # noqa: F811
    commune: str,  # noqa: F811
    tmp_path: Path,
):
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/pronunciations")
    page.get_by_label("Viết là").fill("NVH")
    page.get_by_label("Đọc là").fill("nhà văn hoá thôn Đông")
    page.get_by_role("button", name="Nghe").click()
    audio = page.locator("#heard-new audio")
    page.wait_for_function(SOUNDS, arg=audio.element_handle())
    page.get_by_role("button", name="Thêm").click()

    expect(page.locator('[data-word="NVH"]')).to_be_visible()
    assert not page.complaints
    page.close()


def test_the_dictionarys_page_fits_a_phone(
    context: BrowserContext,  # noqa: F811
    site: Site,  # noqa: F811
    commune: str,  # noqa: F811
):
    page = sign_in(context, site, commune)
    page.set_viewport_size(PHONE)
    page.goto(f"{site.url}/pronunciations")
    page.get_by_label("Viết là").fill("UBMTTQ")
    page.get_by_label("Đọc là").fill("uỷ ban mặt trận tổ quốc Việt Nam xã Đông Cứu")
    page.get_by_role("button", name="Thêm").click()

    expect(page.locator('[data-word="UBMTTQ"]')).to_be_visible()
    assert fits(page)
    page.close()


def test_one_sound_is_heard_at_a_time(site: Site, context: BrowserContext, commune: str):  # noqa: F811 - fixtures
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/signals")
    first, second = page.locator("audio").nth(0), page.locator("audio").nth(1)
    first.evaluate("audio => audio.play()")
    second.evaluate("audio => audio.play()")
    assert first.evaluate("audio => audio.paused")
    assert not second.evaluate("audio => audio.paused")
