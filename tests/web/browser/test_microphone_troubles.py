"""The microphone's page in trouble: a line that hangs, a service that died, quiet hours, an old browser."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from controller.live.keeping import desk_of
from tests.support.axe import violations
from tests.support.browser import PHONE, a_context, fits, opened_browser
from tests.support.eventually import eventually
from tests.support.pressing import at_the_microphone, hum, on_air
from tests.support.site import Site


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened_browser(voice=hum(tmp_path_factory.mktemp("mic"))) as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with a_context(chromium, permissions=["microphone"]) as opened:
        yield opened


LOST = "Mất kết nối: loa đang im lặng"


def test_a_line_that_hangs_is_a_clear_sign_and_then_goes_on(site: Site, context: BrowserContext, commune: str):
    """Nobody closes it: the network just brings nothing, in either direction."""
    page = at_the_microphone(site, context, commune)
    hangs = [False]

    def through(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda said: None if hangs[0] else server.send(said))
        server.on_message(lambda said: None if hangs[0] else socket.send(said))

    page.route_web_socket(re.compile("/sound$"), through)
    session = on_air(page)
    speaking = desk_of(site.house.runtime)[session]
    assert speaking is not None
    expect(page.get_by_text("0/2 cụm loa đang phát lời bạn")).to_be_visible()
    hangs[0] = True
    expect(page.get_by_text(LOST)).to_be_visible(timeout=10_000)
    passed = speaking.number
    hangs[0] = False
    expect(page.get_by_text(LOST)).to_be_hidden(timeout=10_000)
    site.house.clock.advance(timedelta(seconds=2))
    eventually(lambda: page.title() and speaking.number > passed + 25, within_s=15, what="it speaks again")


def a_centre_that_dies(page: Page, *, code: int) -> Callable[[], None]:
    """What cuts the line of sound; each that is tried afterwards is refused with this code."""
    dead = [False]
    lines: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        lines.append(socket)
        if dead[0]:
            socket.close(code=code)
        else:
            socket.connect_to_server()

    def dies() -> None:
        dead[0] = True
        lines[-1].close()

    page.route_web_socket(re.compile("/sound$"), through)
    return dies


def test_a_service_that_died_is_told_plainly_with_what_to_do(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    dies = a_centre_that_dies(page, code=4403)
    session = on_air(page)
    page.route(f"**/api/v1/live-sessions/{session}", lambda route: route.fulfill(json={"ending": "restarted"}))
    dies()
    expect(page.get_by_text("máy chủ khởi động lại giữa chừng")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("Bấm lại để nói tiếp")).to_be_visible()
    expect(page.get_by_role("button", name="Bấm để nói")).to_be_visible()


def test_a_centre_that_stays_away_ends_it_on_the_page_too(site: Site, context: BrowserContext, commune: str):
    page = at_the_microphone(site, context, commune)
    dies = a_centre_that_dies(page, code=1012)
    on_air(page)
    dies()
    expect(page.get_by_text("trung tâm không trả lời quá lâu")).to_be_visible(timeout=30_000)


def with_a_quiet_hamlet(site: Site, commune: str) -> None:
    hamlet, policy = f"{commune}d", {"quiet_hours": [{"start": "00:00", "end": "23:59"}]}
    site.ask(lambda: site.house.area(hamlet, parent=commune, name="Thôn Đông", policy=policy))
    site.ask(lambda: site.house.device(f"{commune}-dong", hamlet, "Loa Đông"))


def test_quiet_hours_are_said_before_the_press_and_the_rest_is_spoken_to(
    site: Site, context: BrowserContext, commune: str
):
    with_a_quiet_hamlet(site, commune)
    page = at_the_microphone(site, context, commune)
    page.set_viewport_size(PHONE)
    quiet = page.locator("[data-quiet]")
    expect(quiet).to_contain_text("Thôn Đông: đến 23:59 (1 cụm loa)")
    expect(quiet).to_contain_text("Còn 2/3 cụm loa phát được")
    expect(quiet.get_by_role("link", name="Mở trang Khẩn cấp")).to_have_attribute("href", "/emergency")
    assert fits(page)
    assert not violations(page)
    session = on_air(page)
    speaking = desk_of(site.house.runtime)[session]
    assert speaking is not None
    assert list(speaking.targets) == [f"area:{commune}"], "the hamlet's own speaker keeps silent by itself"


def ticked(page: Page, kind: str, key: str) -> None:
    page.locator(f"[data-areas] input[name={kind}][value='{key}']").check()


def test_quiet_hours_follow_what_is_ticked(site: Site, context: BrowserContext, commune: str):
    with_a_quiet_hamlet(site, commune)
    page = at_the_microphone(site, context, commune)
    expect(page.locator("[data-quiet]")).to_be_visible()
    ticked(page, "device", f"{commune}-1")
    expect(page.locator("[data-quiet]")).to_be_hidden()
    page.locator(f"[data-areas] input[name=device][value='{commune}-1']").uncheck()
    ticked(page, "device", f"{commune}-dong")
    expect(page.get_by_text("Lúc này không cụm loa nào được phát trực tiếp")).to_be_visible()
    page.get_by_role("button", name="Bấm để nói").click()
    expect(page.locator("[data-problem]")).to_contain_text("Đang giờ yên tĩnh")


def test_without_an_encoder_the_page_sends_samples_and_the_centre_encodes(
    site: Site, context: BrowserContext, commune: str
):
    context.add_init_script("delete window.AudioEncoder;")
    page = at_the_microphone(site, context, commune)
    sizes: set[int] = set()
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sizes.add(len(frame))))
    speaking: Any = desk_of(site.house.runtime)[on_air(page)]
    eventually(lambda: page.title() and speaking.number > 50, within_s=20, what="a second of speech arrived")
    assert speaking.encoder is not None
    assert sizes == {645}
