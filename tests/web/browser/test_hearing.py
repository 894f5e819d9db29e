"""The dictionary's page, and the button that reads a draft at once, in a real browser."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.support.browser import PHONE, fits, sign_in
from tests.support.site import Site

PAGES_10 = "Kính thưa bà con, sáng mai lúc 7h30 xã ta tiêm phòng cho trẻ em tại nhà văn hoá. " * 240
SOUNDS = "audio => audio.currentTime > 0.3 && !audio.paused && audio.error === null"


def test_ten_pages_begin_to_sound_at_once_and_the_address_holds_no_word(
    context: BrowserContext,
    site: Site,
    commune: str,
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
    context: BrowserContext,
    site: Site,
    commune: str,
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
    context: BrowserContext,
    site: Site,
    commune: str,
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


def test_one_sound_is_heard_at_a_time(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/signals")
    first, second = page.locator("audio").nth(0), page.locator("audio").nth(1)
    first.evaluate("audio => audio.play()")
    second.evaluate("audio => audio.play()")
    assert first.evaluate("audio => audio.paused")
    assert not second.evaluate("audio => audio.paused")
