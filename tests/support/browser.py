"""A real browser at a real site: opened once for many tests, signed in as a person would."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from controller.web import assets, build
from tests.support.controller import PASSWORD
from tests.support.site import Site, running_site
from tests.support.things import things

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@contextmanager
def opened_browser(*, voice: Path | None = None) -> Iterator[Browser]:
    """Open Chromium; its microphone hears a recording, over and over."""
    assert _CHROMIUM is not None, "install chromium first"
    flags = [*_FLAGS]
    if voice is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={voice}",
        ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=flags)
        yield browser
        browser.close()


@contextmanager
def built_site(folder: Path, **more: Any) -> Iterator[Site]:
    """Run a controller with its pages as they are now."""
    build.build()
    assets.manifest.cache_clear()
    with running_site(folder, **more) as running:
        yield running


@contextmanager
def a_context(browser: Browser, **more: Any) -> Iterator[BrowserContext]:
    """Open one person's windows: a desk in Viet Nam, unless it is said otherwise."""
    context = browser.new_context(**{
        "viewport": DESKTOP, "locale": "vi-VN", "timezone_id": "Asia/Ho_Chi_Minh", **more
    })  # fmt: skip
    context.set_default_timeout(20_000)
    yield context
    context.close()


class Served(Protocol):
    """A controller somewhere."""

    @property
    def url(self) -> str:
        """Where its pages are."""


def sign_in(context: BrowserContext, site: Served, name: str) -> Page:
    """Open a window and sign in; it notes what breaks in `complaints`."""
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


def fits(page: Page) -> bool:
    """Whether nothing stands beyond the right edge."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width <= page.viewport_size["width"]


def hold(page: Page, name: str) -> None:
    """Press and keep pressing, as the button asks."""
    button = page.get_by_role("button", name=name)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/parts/" not in answer.url):
        expect(page.get_by_role("button", name="Giữ tiếp")).to_be_visible()
    page.mouse.up()


async def announcements(site: Site, name: str) -> list[dict[str, Any]]:
    """All announcements that somebody may read."""
    client = await site.house.signed_in(name)
    items: list[dict[str, Any]] = (await client.get("/api/v1/announcements")).json()["items"]
    return items


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
