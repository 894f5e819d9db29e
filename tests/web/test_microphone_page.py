"""The microphone's page in a real browser: press, count in, speak; refused, cut off, ended."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from scipy.io import wavfile

from controller.live.keeping import desk_of
from controller.live.states import GAP
from tests.support.axe import violations
from tests.support.eventually import eventually
from tests.support.site import Site
from tests.web.test_browser import CHROMIUM, DESKTOP, FLAGS, PHONE, commune, fits, leaves_nothing_running, sign_in, site

__all__ = ["commune", "leaves_nothing_running", "site"]


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears a tone of its own, for ever."""
    assert CHROMIUM is not None, "install chromium first"
    tone = tmp_path_factory.mktemp("mic") / "tone.wav"
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    wavfile.write(tone, 48_000, wave.astype(np.int16))
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *fake, f"--use-file-for-fake-audio-capture={tone}"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(talking: Browser) -> Iterator[BrowserContext]:
    opened = talking.new_context(
        viewport=DESKTOP, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", permissions=["microphone"]
    )
    yield opened
    opened.close()


def at_the_microphone(site: Site, context: BrowserContext, commune: str) -> Page:
    page = sign_in(context, site, commune)
    page.goto(f"{site.url}/live")
    return page


def on_air(page: Page) -> str:
    """Tick the commune, press, and wait for the count; returns the session."""
    page.locator("[data-areas] input[name=area]").first.check()
    with page.expect_response("**/api/v1/live-sessions") as begun:
        page.get_by_role("button", name="Bấm để nói").click()
    expect(page.get_by_text("Loa đang phát nhạc hiệu")).to_be_visible()
    expect(page.get_by_text("Bạn đang phát trực tiếp")).to_be_visible(timeout=15_000)
    session: str = begun.value.json()["id"]
    return session


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


def test_without_a_place_nothing_begins(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    page.get_by_role("button", name="Bấm để nói").click()
    expect(page.get_by_text("Hãy đánh dấu ít nhất một địa bàn")).to_be_visible()


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
    site: Site, talking: Browser, commune: str, scheme: Literal["light", "dark"]
):
    context = talking.new_context(viewport=PHONE, color_scheme=scheme, locale="vi-VN", permissions=["microphone"])
    page = at_the_microphone(site, context, commune)
    assert not violations(page)
    on_air(page)
    assert not violations(page)
    context.close()
