"""The main job as an officer does it, in a real browser: from words or a recording to what was heard."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from tests.support.broadcasts import playlist, replan, schedule
from tests.support.browser import PHONE, announcements, fits, hold, sign_in
from tests.support.controller import PASSWORD
from tests.support.recordings import make_recording
from tests.support.site import Site

WATER = "Kính thưa bà con! Từ 8 giờ ngày 24/11, nhà máy nước tạm ngừng cấp nước."


def test_an_officer_types_listens_chooses_speakers_sends_and_sees_it_air(
    site: Site, context: BrowserContext, commune: str
):
    page = sign_in(context, site, commune)
    expect(page.locator("[data-speaker]")).to_have_count(2)
    page.get_by_label("Tiêu đề").fill("Lịch cấp nước")
    page.get_by_label("Lời đọc").fill(WATER)
    expect(page.locator("#length")).to_contain_text("Đọc lên mất khoảng")

    page.get_by_role("button", name="Tạo âm thanh và nghe").click()
    audio = page.locator("#listen audio")
    expect(audio).to_be_visible()
    audio.evaluate("clip => clip.readyState || new Promise(done => clip.addEventListener('loadedmetadata', done))")
    assert 3 < audio.evaluate("element => element.duration") < 20

    page.locator(f"input[name=area][value={commune}]").check()
    expect(page.locator("[data-reached]")).to_have_text("2 cụm loa tại 1 địa bàn")
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#compose [data-sent]")).to_contain_text("“Lịch cấp nước” đã được gửi")
    expect(page.get_by_label("Lời đọc")).to_have_value("")

    airing = page.locator("[data-occurrence]")
    expect(airing).to_contain_text("Lịch cấp nước")
    expect(airing).to_contain_text("Sẵn sàng ở 0/2 cụm")
    occurrence = airing.get_attribute("data-occurrence")

    site.house.clock.advance(timedelta(seconds=20))
    site.hears(f"{commune}-1", playing=occurrence, title="Lịch cấp nước", plan_version=2**53, ready=1, planned=1)
    expect(page.locator(f"[data-speaker={commune}-1][data-tone=air]")).to_contain_text("Đang phát: Lịch cấp nước")
    expect(airing).to_contain_text("Đang phát ở 1/2 cụm")

    site.house.clock.advance(timedelta(seconds=20))
    for number in (1, 2):
        site.hears(f"{commune}-{number}", plan_version=2**53)
        site.played(
            f"{commune}-{number}",
            occurrence=occurrence,
            title="Lịch cấp nước",
            outcome="completed",
            started_at=site.now,
            ended_at=site.now + timedelta(seconds=8),
            played_ms=8000,
            start_error_ms=0.4,
            underruns=2 if number == 1 else 0,
            underrun_ms=340 if number == 1 else 0,
            level_dbfs=-21.2,
        )
    expect(airing).to_contain_text("Đã phát ở 2/2 cụm")

    page.get_by_role("button", name="Khác", exact=True).click()
    page.get_by_role("link", name="Nhật ký phát").click()
    expect(page.locator("[data-record]")).to_have_count(2)
    expect(page.locator("[data-broken]")).to_have_text("đứt 2 lần, 340 ms")
    expect(page.locator("[data-record]").first).to_contain_text("-21 dB")
    page.get_by_label("Chỉ lượt bị đứt").check()
    expect(page.locator("[data-record]")).to_have_count(1)
    expect(page).to_have_url(re.compile("broken=1"))
    page.get_by_label("Kết quả").select_option("missed")
    expect(page.locator("[data-record]")).to_have_count(0)
    expect(page).to_have_url(re.compile("outcome=missed"))
    assert not page.complaints


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.get_by_label("Lời đọc").fill(WATER)
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#error-targets")).to_have_text("Xin chọn ít nhất một cụm loa.")
    expect(page.get_by_label("Lời đọc")).to_have_value(WATER)
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"


def test_a_night_broadcast_is_warned_of_before_it_is_saved(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.get_by_label("Lời đọc").fill(WATER)
    page.locator(f"input[name=area][value={commune}]").check()
    page.get_by_role("radio", name="Hẹn giờ").check()
    page.get_by_label("Ngày", exact=True).fill("2026-11-21")
    page.get_by_label("Giờ", exact=True).fill("03:15")
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator(".warning")).to_contain_text("03:15")
    expect(page.locator("[data-occurrence]")).to_have_count(0)

    page.get_by_role("button", name="Vẫn gửi").click()
    expect(page.locator("#compose [data-sent]")).to_be_visible()
    expect(page.locator("[data-occurrence]")).to_contain_text("giờ khác thường")


def test_what_is_planned_can_be_called_off(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.get_by_label("Lời đọc").fill(WATER)
    page.locator(f"input[name=area][value={commune}]").check()
    page.get_by_role("button", name="Gửi đi").click()
    page.locator("[data-occurrence]").get_by_role("button", name="Huỷ lượt").click()
    page.get_by_role("button", name="Huỷ lượt này").click()
    expect(page.locator("[data-occurrence][data-phase=coming]")).to_have_count(0)


def test_a_called_off_airing_is_taken_back_and_once_on_air_stopped_by_holding_only(
    site: Site, context: BrowserContext, commune: str
):
    async def planned() -> None:
        long = await playlist(site.house, commune, duration_ms=600_000)
        await schedule(site.house, commune, long, areas=(commune,), at=site.now + timedelta(minutes=5))
        for number in (1, 2):
            await replan(site.house, f"{commune}-{number}")

    site.ask(planned)
    page = sign_in(context, site, commune)
    airing = page.locator("[data-occurrence]")
    airing.get_by_role("button", name="Huỷ lượt").click()
    page.get_by_role("button", name="Huỷ lượt này").click()
    expect(airing).to_contain_text("Đã huỷ")
    airing.get_by_role("button", name="Vẫn phát lượt này").click()
    expect(airing).to_have_attribute("data-phase", "coming")

    site.house.clock.advance(timedelta(minutes=8))
    page.reload()
    expect(airing).to_have_attribute("data-phase", "on_air")
    airing.get_by_role("button", name="Dừng").click()
    page.get_by_role("button", name="Nhấn giữ để dừng").click()
    expect(page.get_by_role("button", name="Nhấn giữ để dừng")).to_be_visible()
    expect(airing).to_have_attribute("data-phase", "on_air")
    hold(page, "Nhấn giữ để dừng")
    expect(airing).to_contain_text("Đã huỷ")
    expect(airing.get_by_role("button")).to_have_count(0)


def test_a_recording_is_sent_instead_of_words(site: Site, context: BrowserContext, commune: str, tmp_path: Path):
    page = sign_in(context, site, commune)
    page.get_by_role("radio", name="Thu âm hoặc tệp").check()
    broken = tmp_path / "hỏng.mp3"
    broken.write_bytes(b"this is not sound" * 100)
    page.locator("input[name=file]").set_input_files(broken)
    page.get_by_role("button", name="Tạo âm thanh và nghe").click()
    expect(page.locator("#listen .error")).to_be_visible()


def test_a_recording_is_shaped_followed_by_another_language_and_shown_before_and_after(
    site: Site, context: BrowserContext, commune: str, tmp_path: Path
):
    page = sign_in(context, site, commune)
    page.get_by_role("radio", name="Thu âm hoặc tệp").check()
    soft = make_recording(tmp_path / "nhỏ.wav", sound="anoisesrc=d=4:c=pink:a=0.05,adelay=2000")
    page.locator("input[name=file]").set_input_files(soft)
    page.get_by_text("Xử lý âm thanh và tiếng thứ hai").click()
    page.get_by_label("Nghe ở đâu").select_option(label="Trong nhà")
    page.get_by_label("Sau đó nhắc lại bằng").select_option("en")
    page.get_by_label("Lời bằng tiếng đó, để máy đọc").fill("Dear residents, the water is off tomorrow.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.resource_type) if request.method == "POST" else None)
    page.get_by_role("button", name="Tạo âm thanh và nghe").click()
    expect(page.locator("#listen audio")).to_be_visible()
    expect(page.locator("#listen")).to_contain_text("Đã tăng")
    page.get_by_text("Trước và sau khi xử lý").click()
    expect(page.locator("#listen .waveform")).to_have_count(2)
    expect(page.locator("#listen figcaption").last).to_contain_text("LUFS")
    expect(page.locator("[data-uploading]")).to_be_hidden()
    assert sent == ["xhr"], "what tells how much of a file has left"

    page.set_viewport_size(PHONE)
    assert fits(page)
    heard = page.locator("#listen [name=announcement]").input_value()
    page.locator(f"input[name=area][value={commune}]").check()
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#compose [data-sent]")).to_be_visible()
    made = site.ask(lambda: announcements(site, commune))
    assert [each["id"] for each in made] == [heard], "the same file is not made twice"
    assert made[0]["profile"] == "indoor"
    assert made[0]["second"]["language"] == "en"
    assert not page.complaints


def test_another_language_without_words_is_asked_for(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.get_by_label("Lời đọc").fill(WATER)
    page.get_by_text("Xử lý âm thanh và tiếng thứ hai").click()
    page.get_by_label("Sau đó nhắc lại bằng").select_option("tyz")
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("#error-second")).to_contain_text("Xin nhập lời bằng thứ tiếng thứ hai")
    expect(page.get_by_label("Sau đó nhắc lại bằng")).to_have_value("tyz")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    site: Site, chromium: Browser, commune: str, scheme: str, tmp_path: Path
):
    context = chromium.new_context(viewport=PHONE, color_scheme=scheme, device_scale_factor=2, locale="vi-VN")
    page = sign_in(context, site, commune)
    assert fits(page)
    page.get_by_role("radio", name="Hẹn giờ").check()
    assert fits(page)
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, input:not([type=hidden],[type=checkbox],[type=radio]), nav a')]"
        ".filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 36)"
        ".map(each => each.outerHTML.slice(0, 80))"
    )
    assert not small, "too small for a thumb"
    for other in ("records", "signals"):
        page.goto(f"{site.url}/{other}")
        assert fits(page)
    context.close()


def test_without_scripts_an_announcement_is_sent_all_the_same(site: Site, chromium: Browser, commune: str):
    context = chromium.new_context(java_script_enabled=False, locale="vi-VN")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(site.url)
    page.get_by_label("Tên đăng nhập").fill(commune)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    page.get_by_label("Lời đọc").fill(WATER)
    page.locator(f"input[name=area][value={commune}]").check()
    for _ in range(60):
        with page.expect_navigation():
            page.get_by_role("button", name="Gửi đi").click()
        if page.locator("[data-sent]").count():
            break
    expect(page.locator("[data-sent]")).to_be_visible()
    expect(page.locator("[data-occurrence]")).to_have_count(1)
    context.close()


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (403, "Bạn không có quyền gửi"),
        (413, "Tệp này quá lớn"),
        (500, "Máy chủ không trả lời"),
        (None, "Máy chủ không trả lời"),
    ],
)
def test_trouble_on_the_way_is_said_and_the_form_stays(
    site: Site, context: BrowserContext, commune: str, trouble: int | None, words: str
):
    page = sign_in(context, site, commune)
    page.get_by_label("Lời đọc").fill(WATER)
    page.route("**/announce", lambda route: route.fulfill(status=trouble, body="{}") if trouble else route.abort())
    page.get_by_role("button", name="Gửi đi").click()
    expect(page.locator("[data-trouble]:visible")).to_contain_text(words)
    expect(page.get_by_label("Lời đọc")).to_have_value(WATER)


def test_a_page_rests_for_as_long_as_the_server_asks(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)

    def ask_for_four_seconds(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "server-timing": "page;dur=1000, rest;dur=4000"})

    page.clock.install()
    page.route("**/parts/speakers", ask_for_four_seconds)
    page.reload()
    expect(page.locator("[data-link=live]")).to_be_visible()
    site.hears(f"{commune}-1", playing="now", title="Một")
    expect(page.locator(f"[data-speaker={commune}-1]")).to_contain_text("Đang phát: Một")
    rested_from_ms = page.evaluate("performance.now()")
    site.hears(f"{commune}-1", playing="now", title="Hai")
    while not page.locator(f"[data-speaker={commune}-1]", has_text="Hai").count():
        page.clock.run_for(100)
    assert page.evaluate("performance.now()") - rested_from_ms > 3_000
