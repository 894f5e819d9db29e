"""What comes out of a printer: the list, and nothing to press."""

import pytest
from playwright.sync_api import BrowserContext

from tests.support.pages import address
from tests.support.site import Site
from tests.web.test_axe import made  # noqa: F401 - a fixture
from tests.web.test_browser import (  # noqa: F401 - fixtures
    chromium,
    context,
    leaves_nothing_running,
    sign_in,
    site,
)

PRINTED = ["/records", "/calendar", "/emergency/{alert_id}/call-list", "/emergency/tests/{alert_id}"]


@pytest.mark.parametrize("path", PRINTED)
def test_a_printed_page_shows_its_content_and_nothing_to_press(
    path: str,
    site: Site,  # noqa: F811
    context: BrowserContext,  # noqa: F811
    made: dict[str, str],  # noqa: F811
):
    page = sign_in(context, site, "axe07339")
    page.goto(site.url + address(path, made))
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    assert not page.get_by_role("navigation").first.is_visible()
    assert not page.locator(".filters").first.is_visible()
    page.emulate_media(media="screen")
    assert page.get_by_role("navigation").first.is_visible()
