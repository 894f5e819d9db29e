"""What changes is seen by itself, also where a proxy refuses, cuts or holds back the event stream."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support import broadcasts
from tests.support.browser import sign_in
from tests.support.site import Site

POLL_MS = 15_000
REFUSALS: dict[str, Callable[[Route], None]] = {
    "cuts": lambda route: route.abort(),
    "refuses": lambda route: route.fulfill(status=502, body=""),
    "holds back": lambda _route: None,
}


def behind_a_proxy(context: BrowserContext, site: Site, name: str, refusal: Callable[[Route], None]) -> Page:
    """A page whose clock is in the test's hands and whose events go through such a proxy."""
    page = sign_in(context, site, name)
    page.clock.install()
    page.route("**/events", refusal)
    page.reload()
    return page


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_without_its_stream_a_page_asks_by_itself_until_the_stream_comes(
    site: Site,
    context: BrowserContext,
    commune: str,
    refusal: Callable[[Route], None],
):
    page = behind_a_proxy(context, site, commune, refusal)
    expect(page.locator("[data-speaker]")).to_have_count(2)
    page.clock.fast_forward(3 * POLL_MS)
    sign = page.locator(".link[data-link=polling]")
    expect(sign).to_contain_text("Cập nhật 15 giây một lần")

    site.hears(f"{commune}-1", playing="now", title="Lịch cấp nước")
    page.clock.fast_forward(POLL_MS)
    expect(page.locator(f"[data-speaker={commune}-1][data-tone=air]")).to_contain_text("Đang phát: Lịch cấp nước")

    page.unroute("**/events")
    if refusal is REFUSALS["holds back"]:
        page.clock.fast_forward(3 * POLL_MS)
    page.clock.fast_forward(POLL_MS)
    expect(page.locator(".link[data-link=live]")).to_be_attached()
    site.hears(f"{commune}-2", playing="then", title="Tin sáng")
    expect(page.locator(f"[data-speaker={commune}-2][data-tone=air]")).to_contain_text("Đang phát: Tin sáng")
    assert page.complaints == []


def test_a_hidden_page_does_not_ask_for_what_the_stream_would_tell(site: Site, context: BrowserContext, commune: str):
    page = behind_a_proxy(context, site, commune, REFUSALS["refuses"])
    expect(page.locator(".link[data-link=polling]")).to_be_attached()
    page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.clock.fast_forward(4 * POLL_MS)
    assert {"/events", "/healthz", "/parts/day", "/parts/speakers"}.isdisjoint(asked)

    page.evaluate("delete document.hidden")
    with page.expect_request("**/parts/speakers"):
        page.clock.fast_forward(POLL_MS)


def test_a_lost_connection_is_said_as_such(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    for address in ("**/events", "**/healthz"):
        page.route(address, lambda route: route.abort())
    page.reload()
    expect(page.locator("[data-link=lost]")).to_be_visible()
    page.unroute_all()
    page.reload()
    expect(page.locator("[data-link=live]")).to_be_visible()


def test_a_button_that_is_held_shows_so_while_the_page_is_renewed(site: Site, context: BrowserContext, commune: str):
    async def on_air() -> None:
        playlist = await broadcasts.playlist(site.house, commune)
        at = site.now + timedelta(minutes=1)
        await broadcasts.schedule(site.house, commune, playlist, at=at, areas=(commune,))
        site.house.clock.advance(timedelta(seconds=61))

    site.ask(on_air)
    page = sign_in(context, site, commune)
    button = page.locator(".stop-all button")
    expect(button).to_have_text("Giữ để dừng mọi thứ đang phát ở đây")
    button.hover()
    page.mouse.down()
    shown = button.evaluate(
        """(button) => new Promise((done) => {
            document.addEventListener("htmx:after:swap", () => {
                const held = [button.isConnected, button.className, button.innerText.trim()];
                dispatchEvent(new Event("blur")); // a hand that slips
                done([...held, button.innerText.trim()]);
            }, { once: true });
            document.body.dispatchEvent(new CustomEvent("loa:day"));
        })"""
    )
    page.mouse.up()
    assert shown == [True, "danger wide holding", "Giữ tiếp …", "Giữ để dừng mọi thứ đang phát ở đây"]
    assert page.complaints == []
