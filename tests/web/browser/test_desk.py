"""The broadcaster's desk in a real browser with a microphone: record, cut, hear, send; drafts that stay."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from schedules.types import VIETNAM
from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, announcements, fits, hold, opened_browser, sign_in
from tests.support.calendar import airs
from tests.support.controller import PASSWORD
from tests.support.recordings import make_recording
from tests.support.site import Site

KEPT = """([name, count]) => JSON.parse(localStorage.getItem(`loa draft ${name}`))?.draft.targets.length === count"""
"""Whether a draft with so many targets stays in this browser."""
VOICE = "sine=frequency=440:duration={seconds},tremolo=f=4:d=0.8"
WATER = "Kính thưa bà con! Ngày mai tạm ngừng cấp nước."


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened_browser(
        voice=make_recording(tmp_path_factory.mktemp("voice") / "voice.wav", sound=VOICE, seconds=30)
    ) as browser:
        yield browser


async def schedules(site: Site, area: str) -> list[dict[str, Any]]:
    client = await site.house.signed_in(area)
    items: list[dict[str, Any]] = (await client.get("/api/v1/schedules")).json()["items"]
    return items


def record(page: Page, seconds: int) -> None:
    page.get_by_label("Thu âm hoặc tệp").check()
    page.get_by_role("button", name="Thu âm").click()
    expect(page.locator("[data-clock]")).to_have_text(f"0:0{seconds}")
    assert page.locator("[data-level]").evaluate("meter => meter.value") > 0
    page.get_by_role("button", name="Dừng thu").click()
    expect(page.locator("[data-trim]")).to_be_visible()


def slide(page: Page, end: str, to_s: float) -> None:
    page.locator(f"[data-{end}]").evaluate(
        "(input, to) => { input.value = to; input.dispatchEvent(new Event('input', { bubbles: true })); }", to_s
    )


def test_what_is_recorded_is_cut_heard_and_sent(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    record(page, 4)
    taken_s = float(page.locator("[data-to]").get_attribute("max") or 0)
    assert taken_s > 3.5
    slide(page, "from", 1)
    slide(page, "to", 2.5)
    expect(page.locator("[data-kept]")).to_have_text("Phần giữ lại: từ 0:01 đến 0:02, dài 0:01.")
    assert violations(page) == []

    page.get_by_label("Tiêu đề").fill("Lời chủ tịch xã")
    page.get_by_role("button", name="Tạo âm thanh và nghe").click()
    expect(page.locator("#listen audio")).to_be_visible()
    [made] = site.ask(lambda: announcements(site, commune))
    assert made["trim"] == {"from_ms": 1000, "to_ms": 2500}
    assert made["before"]["duration_ms"] == pytest.approx(1500, abs=30)
    assert made["fit"] is True

    page.locator(f"input[name=area][value={commune}]").check()
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#compose [data-sent]")).to_contain_text("“Lời chủ tịch xã” đã được gửi")
    page.reload()
    expect(page.get_by_label("Tiêu đề")).to_have_value("")
    assert not page.complaints


def test_a_session_that_ends_in_the_middle_loses_neither_words_nor_recording(
    site: Site, context: BrowserContext, commune: str
):
    page = sign_in(context, site, commune)
    record(page, 2)
    page.get_by_label("Tiêu đề").fill("Lịch cấp nước")
    page.locator("[name=text]").evaluate("(area, text) => { area.value = text; }", WATER)
    page.locator(f"input[name=area][value={commune}]").check()
    context.clear_cookies()
    page.get_by_role("button", name="Gửi đi").click()
    expect(page).to_have_url(re.compile("/sign-in"))

    page.get_by_label("Tên đăng nhập").fill(commune)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("[data-brought-back]")).to_be_visible()
    expect(page.get_by_label("Tiêu đề")).to_have_value("Lịch cấp nước")
    assert page.locator("[name=text]").input_value() == WATER
    expect(page.locator(f"input[name=area][value={commune}]")).to_be_checked()
    expect(page.locator("[data-trim]")).to_be_visible()
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#compose [data-sent]")).to_contain_text("“Lịch cấp nước” đã được gửi")


def test_a_draft_keeps_a_group_a_speaker_and_a_place_that_was_found_by_its_name(
    site: Site, context: BrowserContext, commune: str
):
    async def more() -> None:
        await site.house.area(f"{commune}-x", parent=commune, name="Thôn chưa có loa")
        officer = await site.house.signed_in(commune, f"{commune}-nhom")
        wish = {"name": "Nhóm ven đê", "area_code": commune, "device_ids": [f"{commune}-2"]}
        assert (await officer.post("/api/v1/groups", json=wish)).is_success

    site.ask(more)
    page = sign_in(context, site, commune)
    counted: list[str] = []
    page.on("request", lambda asked: counted.append(asked.post_data or "") if asked.url.endswith("/reach") else None)
    reached = expect(page.locator("[data-reached]"))
    page.get_by_label("Lời đọc").fill(WATER)
    page.locator(f"input[name=device][value='{commune}-1']").check()
    page.get_by_role("checkbox", name="Nhóm ven đê").check()
    reached.to_contain_text("2 cụm loa")
    page.get_by_role("searchbox", name="Tìm địa bàn").fill("chua co loa")
    with page.expect_response("**/parts/targets/reach"):
        page.locator("[data-found] button").click()
    assert {name for form in counted for name in parse_qs(form)} == {"issuer", "area", "group", "device"}

    kept = page.locator("[data-chips] li > :first-child").all_inner_texts()
    assert len(kept) == 3
    page.wait_for_function(KEPT, arg=[commune, len(kept)])
    page.reload()
    expect(page.locator("[data-brought-back]")).to_be_visible()
    expect(page.locator("[data-chips] li > :first-child")).to_have_text(kept)
    expect(page.locator(f"input[name=device][value='{commune}-1']")).to_be_checked()
    expect(page.locator(f"input[name=device][value='{commune}-2']")).not_to_be_checked()
    reached.to_contain_text("2 cụm loa")
    page.get_by_role("button", name="Bỏ Thôn chưa có loa").click()
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#compose [data-sent]")).to_be_visible()
    expect(page.locator("[data-chips] li")).to_have_count(0)
    [made] = site.ask(lambda: schedules(site, commune))
    assert {each["kind"] for each in made["targets"]} == {"device", "group"}
    assert not page.complaints


def test_another_person_at_the_same_browser_does_not_see_the_draft(site: Site, context: BrowserContext, commune: str):
    site.ask(lambda: site.house.user(f"{commune}-minh", commune))
    page = sign_in(context, site, commune)
    page.get_by_label("Lời đọc").fill(WATER)
    expect(page.locator("#length")).to_contain_text("Đọc lên mất khoảng")
    page.reload()
    expect(page.get_by_label("Lời đọc")).to_have_value(WATER)
    context.clear_cookies()
    other = sign_in(context, site, f"{commune}-minh")
    expect(other.get_by_label("Lời đọc")).to_have_value("")


def test_a_dropped_file_is_drawn_and_can_be_cut(site: Site, context: BrowserContext, commune: str, tmp_path: Path):
    page = sign_in(context, site, commune)
    file = make_recording(tmp_path / "loi-dan.mp3", sound=VOICE, seconds=5)
    dropped = page.evaluate_handle(
        """bytes => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "loi-dan.mp3", { type: "audio/mpeg" })); return data; }""",
        list(file.read_bytes()),
    )
    page.dispatch_event("#compose", "drop", {"dataTransfer": dropped})
    expect(page.locator("[data-trim] path")).to_have_attribute("d", re.compile("^M0 "))
    assert float(page.locator("[data-to]").get_attribute("max") or 0) == pytest.approx(5, abs=0.2)


def test_a_word_is_put_right_without_leaving_the_form(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    words = page.get_by_label("Lời đọc")
    words.fill("UBND xã thông báo.")
    words.evaluate("area => area.setSelectionRange(0, 4)")
    page.get_by_text("Có từ đọc sai?").click()
    expect(page.get_by_label("Viết là")).to_have_value("UBND")
    page.get_by_label("Đọc là").fill("ủy ban")
    page.get_by_role("button", name="Từ nay đọc như thế này").click()
    expect(page.locator("#word .done")).to_contain_text("UBND")
    expect(words).to_have_value("UBND xã thông báo.")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_all_that_is_on_air_is_stopped_without_scrolling_past_the_form(
    site: Site, context: BrowserContext, commune: str, size: dict[str, int]
):
    soon = site.now.astimezone(ZoneInfo(VIETNAM)) + timedelta(minutes=5)
    airs(site, commune, f"{soon:%Y-%m-%dT%H:%M:%S}", staggered=False)
    page = sign_in(context, site, commune)
    page.set_viewport_size(size)
    stops = page.get_by_role("button", name="Giữ để dừng mọi thứ đang phát ở đây")
    expect(page.locator("[data-occurrence][data-phase=coming]")).to_have_count(1)
    expect(stops).to_have_count(0)
    site.house.clock.advance(timedelta(minutes=5, seconds=10))
    page.reload()
    expect(page.locator("[data-occurrence][data-phase=on_air]")).to_have_count(1)
    expect(stops).to_be_in_viewport(ratio=1)
    assert fits(page)
    assert violations(page) == []
    stops.click()
    expect(page.locator("[data-occurrence][data-phase=on_air]")).to_have_count(1)
    hold(page, "Giữ để dừng mọi thứ đang phát ở đây")
    expect(stops).to_have_count(0)
    expect(page.locator("[data-occurrence][data-phase=on_air]")).to_have_count(0)
    assert page.complaints == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_desk_and_library_fit_and_are_open_to_everybody(
    site: Site, context: BrowserContext, commune: str, size: dict[str, Any], scheme: Any
):
    page = sign_in(context, site, commune)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    page.get_by_label("Tiêu đề").fill("Lịch cấp nước")
    page.get_by_label("Lời đọc").fill(WATER)
    page.get_by_role("button", name="Tạo âm thanh và nghe").click()
    expect(page.locator("#listen audio")).to_be_visible()
    assert fits(page)
    assert violations(page) == []
    page.goto(f"{site.url}/library?q=lich+cap")
    expect(page.locator("[data-announcement]")).to_have_count(1)
    assert fits(page)
    assert violations(page) == []
