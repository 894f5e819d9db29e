"""The main job as an officer does it, in a real browser."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from controller.accounts.roles import Role
from controller.areas.models import Area
from controller.web import assets, build
from protocol.topics import Channel
from tests.support.broadcasts import document, plan_of, playlist
from tests.support.controller import PASSWORD
from tests.support.pages import WHOLE_PAGES, address
from tests.support.recordings import make_recording
from tests.support.site import Site, running_site
from tests.support.things import things

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
WATER = "Kính thưa bà con! Từ 8 giờ ngày 24/11, nhà máy nước tạm ngừng cấp nước."


@pytest.fixture(autouse=True)
def leaves_nothing_running() -> None:
    """The site and the browser outlive each test; both are waited for when the module ends."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    build.build()
    assets.manifest.cache_clear()
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM is not None, "install chromium first"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def commune(site: Site, request: pytest.FixtureRequest) -> str:
    """A commune with two speakers and an officer of its own, another for each test."""
    code = f"c{abs(hash(request.node.name)) % 10**8}"
    site.ask(lambda: site.house.commune(code, speakers=2))
    site.ask(lambda: site.house.user(code, code))
    for number in (1, 2):
        site.hears(f"{code}-{number}")
    return code


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    opened = chromium.new_context(viewport=DESKTOP, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


def sign_in(context: BrowserContext, site: Site, name: str) -> Page:
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    page.complaints = complaints
    page.goto(site.url)
    expect(page).to_have_url(f"{site.url}/sign-in")
    page.get_by_label("Tên đăng nhập").fill(name)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("[data-link=live]")).to_be_visible()
    return page


async def announcements(site: Site, name: str) -> list[dict[str, Any]]:
    client = await site.house.signed_in(name)
    items: list[dict[str, Any]] = (await client.get("/api/v1/announcements")).json()["items"]
    return items


def fits(page: Page) -> bool:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width <= page.viewport_size["width"]


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
    expect(page.locator("[data-chosen]")).to_have_text("Đã chọn 2 cụm loa")
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
    ("trouble", "words"), [(413, "Tệp này quá lớn"), (500, "Máy chủ không trả lời"), (None, "Máy chủ không trả lời")]
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


def test_a_lost_connection_is_shown_and_found_again(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.route("**/events", lambda route: route.abort())
    page.reload()
    expect(page.locator("[data-link=lost]")).to_be_visible()
    page.unroute("**/events")
    page.reload()
    expect(page.locator("[data-link=live]")).to_be_visible()


SMALL_PHONE = {"width": 360, "height": 640}


async def asks_for_a_second_person(site: Site, code: str) -> None:
    async with site.house.database.transaction() as session:
        (await session.get_one(Area, code)).policy = {"approval": "second_person"}


async def planned(site: Site, device: str) -> list[str]:
    if await document(site.house, device, Channel.PLAN) is None:
        return []
    return [each.title for each in (await plan_of(site.house, device)).occurrences]


def test_two_people_bring_a_broadcast_to_the_air(site: Site, chromium: Browser, commune: str):
    site.ask(lambda: asks_for_a_second_person(site, commune))
    site.ask(lambda: site.house.user(f"an-{commune}", commune, roles=[Role.BROADCASTER]))
    site.ask(lambda: site.house.user(f"binh-{commune}", commune, roles=[Role.APPROVER]))
    desk = chromium.new_context(viewport=DESKTOP, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")
    phone = chromium.new_context(viewport=SMALL_PHONE, device_scale_factor=2, locale="vi-VN", has_touch=True)
    maker, approver = sign_in(desk, site, f"an-{commune}"), sign_in(phone, site, f"binh-{commune}")
    expect(approver.locator("#waiting")).to_be_empty()

    maker.get_by_label("Tiêu đề").fill("Cắt nước")
    maker.get_by_label("Lời đọc").fill(WATER)
    maker.locator(f"input[name=area][value={commune}]").check()
    maker.get_by_role("button", name="Gửi đi").click()
    expect(maker.locator("#compose .error").first).to_contain_text("phải duyệt trước khi phát")
    maker.get_by_role("radio", name="Hẹn giờ").check()
    maker.get_by_label("Ngày", exact=True).fill("2026-11-22")
    maker.get_by_label("Giờ", exact=True).fill("17:30")
    maker.get_by_role("button", name="Gửi đi").click()
    expect(maker.locator("#compose [data-sent]")).to_contain_text("đang chờ duyệt")
    expect(maker.locator("[data-occurrence]")).to_have_count(0)

    expect(approver.locator("#waiting")).to_contain_text("1 lịch phát chờ bạn duyệt")
    approver.locator("#waiting a").click()
    approver.get_by_role("link", name="Cắt nước").click()
    audio = approver.locator("audio")
    audio.evaluate("clip => clip.readyState || new Promise(done => clip.addEventListener('loadedmetadata', done))")
    assert audio.evaluate("element => element.duration") > 3
    expect(approver.locator("main")).to_contain_text(WATER)
    expect(approver.locator("main")).to_contain_text("17:30 · Chủ Nhật, 22 tháng 11")
    assert fits(approver)
    approver.get_by_text("Trả lại …").click()
    approver.get_by_label("Vì sao? Người soạn sẽ đọc lý do này.").fill("Thiếu tên thôn")
    approver.get_by_role("button", name="Trả lại với lý do này").click()
    expect(approver.locator("[data-state=rejected]")).to_be_visible()

    expect(maker.locator("#waiting")).to_contain_text("1 lịch phát của bạn bị trả lại")
    maker.locator("#waiting a").click()
    maker.get_by_role("link", name="Cắt nước").click()
    expect(maker.locator(".reason")).to_contain_text("Thiếu tên thôn")
    maker.get_by_label("Lời đọc").fill(f"{WATER} Thôn Đông và thôn Tây.")
    maker.get_by_role("button", name="Lưu").click()
    maker.get_by_role("button", name="Trình duyệt").click()
    expect(maker.locator("[data-state=submitted]")).to_be_visible()
    assert site.ask(lambda: planned(site, f"{commune}-1")) == []

    approver.goto(f"{site.url}/approvals")
    approver.get_by_role("link", name="Cắt nước").click()
    expect(approver.locator("main")).to_contain_text("Thôn Đông và thôn Tây")
    approver.get_by_role("button", name="Duyệt cho phát").click()
    expect(approver.locator("[data-state=approved]")).to_be_visible()
    assert site.ask(lambda: planned(site, f"{commune}-1")) == ["Cắt nước"]
    assert not maker.complaints
    assert not approver.complaints
    desk.close()
    phone.close()


def test_an_approver_is_told_when_it_was_edited_under_their_thumb(site: Site, chromium: Browser, commune: str):
    site.ask(lambda: asks_for_a_second_person(site, commune))
    site.ask(lambda: site.house.user(f"binh-{commune}", commune, roles=[Role.APPROVER]))

    async def submitted() -> str:
        client = await site.house.signed_in(commune)
        wish = {
            "title": "Cũ",
            "playlist_id": await playlist(site.house, commune, title=commune),
            "area_code": commune,
            "targets": [{"kind": "area", "key": commune}],
            "first_local": "2026-11-23T17:30:00",
        }
        made: str = (await client.post("/api/v1/schedules", json=wish)).json()["id"]
        await submit(client, made)
        return made

    async def submit(client: httpx.AsyncClient, made: str) -> None:
        path = f"/api/v1/schedules/{made}/approval"
        tag = (await client.get(path)).headers["ETag"]
        assert (await client.post(f"{path}/submit", headers={"If-Match": tag})).status_code == 200

    async def edited(made: str) -> None:
        client = await site.house.signed_in(commune, f"khac-{commune}")
        path = f"/api/v1/schedules/{made}"
        tag = (await client.get(path)).headers["ETag"]
        assert (await client.patch(path, json={"title": "Mới"}, headers={"If-Match": tag})).status_code == 200
        await submit(client, made)

    made = site.ask(submitted)
    phone = chromium.new_context(viewport=SMALL_PHONE, locale="vi-VN", has_touch=True)
    approver = sign_in(phone, site, f"binh-{commune}")
    approver.goto(f"{site.url}/approvals/{made}")
    site.ask(lambda: edited(made))
    approver.get_by_role("button", name="Duyệt cho phát").click()
    expect(approver.get_by_role("alert")).to_contain_text("Nội dung vừa được sửa")
    expect(approver.locator("h1")).to_have_text("Mới")
    assert site.ask(lambda: planned(site, f"{commune}-1")) == []
    phone.close()


def test_somebody_is_invited_comes_gets_other_roles_and_is_signed_out(
    site: Site, context: BrowserContext, chromium: Browser, commune: str
):
    site.ask(lambda: site.house.area(f"{commune}-1", parent=commune, name="Thôn Ngọc Lâm"))
    admin = sign_in(context, site, commune)
    admin.get_by_role("button", name="Khác", exact=True).click()
    admin.get_by_role("link", name="Người dùng").click()
    new = admin.get_by_role("region", name="Thêm người")
    new.get_by_label("Tên đăng nhập").fill(f"lan-{commune}")
    new.get_by_label("Họ và tên").fill("Lê Thị Lan")
    with admin.expect_response("**/parts/places?q=Ng%E1%BB%8Dc"):
        new.get_by_label("Tìm địa bàn khác").fill("Ngọc")
    expect(new.locator("select[name=area_code]")).to_have_value(f"{commune}-1")
    expect(new.locator("select[name=area_code]").locator("option")).to_have_text([f"Thôn Ngọc Lâm · {commune}"])
    new.get_by_label("Phát thanh viên").check()
    new.get_by_role("button", name="Thêm và tạo liên kết").click()
    link = httpx.URL(admin.locator("input.secret").input_value()).path

    theirs = chromium.new_context(viewport=PHONE, locale="vi-VN")
    theirs.set_default_timeout(20_000)
    lan = theirs.new_page()
    lan.goto(site.url + link)
    lan.get_by_label("Mật khẩu mới").fill("một câu dài của riêng tôi")
    lan.get_by_role("main").get_by_role("button").click()
    expect(lan.get_by_label("Tên đăng nhập")).to_have_value(f"lan-{commune}")
    lan.get_by_label("Mật khẩu").fill("một câu dài của riêng tôi")
    lan.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    expect(lan.locator("#compose")).to_be_visible()
    assert fits(lan)

    admin.goto(f"{site.url}/people")
    person = admin.locator(f"[data-person='lan-{commune}']")
    person.locator("summary").click()
    person.get_by_label("Phát thanh viên").uncheck()
    person.get_by_label("Người duyệt").check()
    person.get_by_role("button", name="Lưu").click()
    expect(person.locator("summary")).to_contain_text("Người duyệt")
    expect(person.locator("summary")).to_contain_text("Thôn Ngọc Lâm")
    lan.goto(f"{site.url}/account")
    expect(lan.get_by_label("duyệt cho phát")).to_be_visible()
    expect(lan.get_by_label("soạn và xếp lịch bản tin")).to_have_count(0)

    person.locator("summary").click()
    person.get_by_role("button", name="Đăng xuất mọi nơi").click()
    expect(person).to_be_visible()
    lan.goto(site.url)
    expect(lan).to_have_url(f"{site.url}/sign-in")
    theirs.close()
    assert admin.complaints == []


def test_a_place_asks_for_a_second_person_and_those_below_cannot_ask_for_less(
    site: Site, context: BrowserContext, commune: str
):
    site.ask(lambda: site.house.area(f"{commune}-1", parent=commune, name="Thôn Ngọc Lâm"))
    page = sign_in(context, site, commune)
    page.get_by_role("link", name="Duyệt", exact=True).click()
    page.get_by_role("link", name="Ai phải duyệt trước khi phát").click()
    here = page.get_by_role("region", name=commune, exact=True)
    agree = page.get_by_role("region", name="Ai phải duyệt")
    expect(here).to_contain_text("Không cần ai khác")
    here.get_by_label("Người thứ hai").check()
    here.get_by_role("button", name="Lưu").click()
    expect(agree.locator("strong")).to_contain_text("Người thứ hai")

    page.locator("select[name=area_code]").select_option(f"{commune}-1")
    page.get_by_role("button", name="Xem").click()
    below = page.get_by_role("region", name="Thôn Ngọc Lâm")
    expect(agree.locator("strong")).to_contain_text("Người thứ hai")
    expect(below).to_contain_text(f"{commune} quy định như vậy")
    below.get_by_label("Một người duyệt, có thể").check()
    below.get_by_role("button", name="Lưu").click()
    expect(agree.locator("strong")).to_contain_text("Người thứ hai")
    below.get_by_role("link", name="Lịch sử").click()
    expect(page.get_by_role("main")).to_contain_text(commune)
    assert page.complaints == []


def test_every_page_is_a_touch_away_on_a_phone(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.set_viewport_size(PHONE)
    navigation = page.get_by_role("navigation", name="Các trang", exact=True)
    expect(navigation.get_by_role("link")).to_have_text(["Hôm nay", "Khẩn cấp", "Duyệt"])
    tops = {round(each.bounding_box()["y"]) for each in navigation.locator("a:visible, button:visible").all()}
    assert len(tops) == 1, "in one row"
    page.get_by_role("button", name="Khác", exact=True).click()
    further = page.get_by_role("dialog", name="Các trang khác").get_by_role("link")
    expect(further).to_have_count(14)
    assert fits(page)
    further.get_by_text("Người dùng").click()
    expect(page).to_have_url(f"{site.url}/people")
    assert fits(page)
    assert page.complaints == []


async def seeded(site: Site, commune: str) -> dict[str, str]:
    """One of everything that a page shows by its name."""
    house = site.house
    made = await things(house, await house.signed_in(commune), commune)
    person = await house.in_person(commune, f"chief-{commune}")
    link = await person.post(f"/api/v1/users/{made['user_id']}/links", json={})
    assert link.is_success, link.text
    made["secret"] = link.json()["url"].rpartition("/")[2]
    test = await person.post("/emergency/tests")
    made["tests/alert_id"] = test.headers["location"].rpartition("/")[2]
    return made


def test_every_page_keeps_to_its_own_policy(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    made = site.ask(lambda: seeded(site, commune))
    assert {"/", "/records", "/account", "/people", "/emergency/{alert_id}"} <= set(WHOLE_PAGES)
    for path in WHOLE_PAGES:
        answer = page.goto(site.url + address(path, made))
        assert answer is not None
        assert answer.ok, path
        expect(page.get_by_role("main")).to_be_visible()
        assert page.complaints == [], path
    with page.expect_console_message(
        lambda said: "Content Security Policy" in said.text
    ):  # or all of this sees nothing
        page.evaluate("document.body.setAttribute('style', 'color: red')")
