"""A site and a browser for each file, a commune and a window for each test."""

from collections.abc import Iterator
from zlib import crc32

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.support.browser import a_context, built_site, opened_browser
from tests.support.site import Site


@pytest.fixture(autouse=True)
def leaves_nothing_running() -> None:
    """The site and the browser outlive each test; both are waited for when the module ends."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with built_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def commune(site: Site, request: pytest.FixtureRequest) -> str:
    """A commune with two speakers and an officer of its own, another for each test."""
    code = f"c{crc32(request.node.name.encode()) % 10**8}"
    site.ask(lambda: site.house.commune(code, speakers=2))
    site.ask(lambda: site.house.user(code, code))
    for number in (1, 2):
        site.hears(f"{code}-{number}")
    return code


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with a_context(chromium) as opened:
        yield opened
