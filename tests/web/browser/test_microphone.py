"""The microphone's page in a real browser: press, count in, speak; refused, cut off, ended."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from controller.live.keeping import desk_of
from controller.live.states import GAP
from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, a_context, fits, opened_browser
from tests.support.eventually import eventually
from tests.support.pressing import at_the_microphone, hum, on_air, pressed
from tests.support.site import Site


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened_browser(voice=hum(tmp_path_factory.mktemp("mic"))) as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with a_context(chromium, permissions=["microphone"]) as opened:
        yield opened


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_officer_presses_counts_in_speaks_and_ends(
    site: Site, context: BrowserContext, commune: str, size: dict[str, int]
):
    page = at_the_microphone(site, context, commune)
    page.set_viewport_size(size)
    assert fits(page)
    session = on_air(page)
    speaking = desk_of(site.house.runtime)[session]
    assert speaking is not None
    site.hears(f"{commune}-1", playing=f"live.{session}")
    expect(page.get_by_text("1/2 cụm loa đang phát lời bạn")).to_be_visible()
    page.get_by_text("Cụm loa chưa phát lời bạn").click()
    expect(page.get_by_role("listitem").get_by_text(f"{commune}-2").last).to_be_visible()
    eventually(lambda: speaking.number > 50, within_s=20, what="a second of speech arrived")
    assert float(page.locator("[data-level]").evaluate("each => each.value")) > 20
    expect(page.get_by_text("Trung tâm chưa gửi được tới loa")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Kết thúc").click()
    expect(page.get_by_text("Bạn đã kết thúc")).to_be_visible()
    eventually(lambda: desk_of(site.house.runtime)[session] is None, within_s=10, what="it is over")


def test_muted_the_session_goes_on_in_silence(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    session = on_air(page)
    page.get_by_role("button", name="Tắt tiếng").click()
    expect(page.get_by_role("button", name="Tắt tiếng")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-level]")).to_have_js_property("value", 0)
    speaking = desk_of(site.house.runtime)[session]
    assert speaking is not None
    passed = speaking.number
    site.house.clock.advance(timedelta(seconds=2))
    eventually(lambda: speaking.number > passed + 25, within_s=10, what="frames of silence come")


def test_a_lost_connection_is_a_clear_sign_and_then_goes_on(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    refuse = [False]
    servers = []

    def through(socket) -> None:  # type: ignore[no-untyped-def]
        if refuse[0]:
            socket.close()
            return
        servers.append(socket)
        socket.connect_to_server()

    page.route_web_socket(re.compile("/sound$"), through)
    session = on_air(page)
    speaking = desk_of(site.house.runtime)[session]
    assert speaking is not None
    refuse[0] = True
    servers[-1].close()
    expect(page.get_by_text("Mất kết nối: loa đang im lặng")).to_be_visible()
    passed = speaking.number
    refuse[0] = False
    site.house.clock.advance(timedelta(seconds=2))
    expect(page.get_by_text("Mất kết nối: loa đang im lặng")).to_be_hidden()
    # Asking the page lets Playwright carry what goes through its hands.
    eventually(lambda: page.title() and speaking.number > passed + 25, within_s=15, what="it speaks again")


def test_it_says_why_it_ended_by_itself(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    on_air(page)
    page.get_by_role("button", name="Tắt tiếng").click()
    site.house.clock.advance(timedelta(hours=1) + GAP)
    expect(page.get_by_text("Đã hết thời gian")).to_be_visible(timeout=10_000)


def test_a_frame_that_comes_after_the_end_is_left(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    page.evaluate(
        """() => {
            const { close } = AudioContext.prototype;
            window.closed = new Promise((done) => {
                AudioContext.prototype.close = async function () {
                    await new Promise((later) => setTimeout(later, 500));
                    await close.call(this);
                    done();
                };
            });
        }"""
    )
    on_air(page)
    page.get_by_role("button", name="Kết thúc").click()
    expect(page.get_by_text("Bạn đã kết thúc")).to_be_visible()
    page.evaluate("() => window.closed")
    assert page.complaints == []


def test_without_a_place_nothing_begins(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    page.get_by_role("button", name="Bấm để nói").click()
    expect(page.get_by_text("Hãy đánh dấu ít nhất một địa bàn")).to_be_visible()


def test_a_group_and_a_speaker_that_was_found_by_its_name_are_spoken_to(
    site: Site, context: BrowserContext, commune: str
):
    async def grouped() -> str:
        officer = await site.house.signed_in(commune, f"{commune}-nhom")
        wish = {"name": "Nhóm ven đê", "area_code": commune, "device_ids": [f"{commune}-2"]}
        return str((await officer.post("/api/v1/groups", json=wish)).json()["id"])

    group = site.ask(grouped)
    page = at_the_microphone(site, context, commune)
    page.get_by_role("checkbox", name="Nhóm ven đê").check()
    page.get_by_role("searchbox", name="Tìm địa bàn").fill(f"{commune}-1")
    page.locator("[data-found] button").click()
    expect(page.locator("[data-reached]")).to_contain_text("2 cụm loa")
    speaking = desk_of(site.house.runtime)[pressed(page)]
    assert speaking is not None
    assert set(speaking.targets) == {f"group:{group}", f"device:{commune}-1"}
    assert page.complaints == []


def test_without_a_microphone_it_says_what_to_do(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError')); }"
    )
    page.locator("[data-areas] input[name=area]").first.check()
    page.get_by_role("button", name="Bấm để nói").click()
    expect(page.get_by_text("Không thấy micrô")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_accessibility_violations(
    site: Site, chromium: Browser, commune: str, scheme: Literal["light", "dark"]
):
    context = chromium.new_context(viewport=PHONE, color_scheme=scheme, locale="vi-VN", permissions=["microphone"])
    page = at_the_microphone(site, context, commune)
    assert not violations(page)
    on_air(page)
    assert not violations(page)
    context.close()
