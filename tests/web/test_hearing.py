"""The dictionary's page, and the button that reads a draft at once."""

import re

import httpx
import pytest

from tests.support.controller import PASSWORD, House


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
