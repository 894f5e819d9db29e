"""Every page, for people who see, hear or move differently: what axe finds, in daylight and in the dark."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.axe import violations
from tests.support.pages import WHOLE_PAGES, address
from tests.support.site import Site
from tests.web.test_browser import (  # noqa: F401 - fixtures
    DESKTOP,
    PHONE,
    chromium,
    fits,
    leaves_nothing_running,
    seeded,
    sign_in,
    site,
)

COMMUNE = "axe07339"
LOOKS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": DESKTOP, "color_scheme": "light"},
    "phone": {"viewport": PHONE, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def made(site: Site) -> dict[str, str]:  # noqa: F811
    """One commune with one of everything, which the pages are only looked at with."""
    site.ask(lambda: site.house.commune(COMMUNE, speakers=2))
    site.ask(lambda: site.house.user(COMMUNE, COMMUNE))
    for number in (1, 2):
        site.hears(f"{COMMUNE}-{number}")
    return site.ask(lambda: seeded(site, COMMUNE))


@pytest.fixture(scope="module", params=LOOKS)
def look(
    request: pytest.FixtureRequest,
    site: Site,  # noqa: F811
    chromium: Browser,  # noqa: F811
    made: dict[str, str],
) -> Iterator[BrowserContext]:
    """A browser in which an officer who reads all pages is signed in."""
    opened = chromium.new_context(**LOOKS[request.param], locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")
    opened.set_default_timeout(20_000)
    sign_in(opened, site, COMMUNE).close()
    yield opened
    opened.close()


@pytest.mark.parametrize("path", WHOLE_PAGES)
def test_a_page_is_whole_for_everybody(path: str, site: Site, look: BrowserContext, made: dict[str, str]):  # noqa: F811
    page = look.new_page()
    page.goto(site.url + address(path, made))
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    assert fits(page), "nothing stands beyond the right edge"
    assert violations(page) == []
    page.close()
