"""Every page, for people who see, hear or move differently, in daylight and in the dark; and on paper."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, a_context, fits, seeded, sign_in
from tests.support.pages import WHOLE_PAGES, address
from tests.support.site import Site

COMMUNE = "axe07339"
REPORT = "/records?print=1"
PRINTED = ["/records", REPORT, "/calendar", "/emergency/{alert_id}/call-list", "/emergency/tests/{alert_id}"]
TOUCHING = """() => {
  const seen = [...document.querySelectorAll("main .card")].filter(card => card.checkVisibility());
  const boxes = seen.map(card => card.getBoundingClientRect());
  const below = (one, other) => other.left < one.right && one.left < other.right && other.top > one.top;
  const touch = (one, other) => below(one, other) && other.top - one.bottom < 8;
  return boxes.flatMap(one => boxes.filter(other => touch(one, other)).map(other => [one.bottom, other.top]));
}"""
"""Cards that stand on each other."""
MOVING = """() => [...document.querySelectorAll("*")].flatMap(each => ["", "::before", "::after"].filter(part => {
  const { animationName, transitionDuration } = getComputedStyle(each, part);
  return animationName !== "none" || transitionDuration.split(",").some(time => parseFloat(time) > 0);
}).map(part => `${each.localName}.${each.className}${part}`))"""
"""What moves, or would as soon as something changes."""
LOOKS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": DESKTOP, "color_scheme": "light"},
    "phone": {"viewport": PHONE, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def made(site: Site) -> dict[str, str]:
    """One commune with one of everything, which the pages are only looked at with."""
    site.ask(lambda: site.house.commune(COMMUNE, speakers=2))
    site.ask(lambda: site.house.user(COMMUNE, COMMUNE))
    for number in (1, 2):
        site.hears(f"{COMMUNE}-{number}")
        site.played(f"{COMMUNE}-{number}", outcome="completed", title="Bản tin")
    return site.ask(lambda: seeded(site, COMMUNE))


@pytest.fixture(scope="module", params=LOOKS)
def look(
    request: pytest.FixtureRequest,
    site: Site,
    chromium: Browser,
    made: dict[str, str],
) -> Iterator[BrowserContext]:
    """A browser in which an officer who reads all pages is signed in."""
    with a_context(chromium, **LOOKS[request.param]) as opened:
        sign_in(opened, site, COMMUNE).close()
        yield opened


@pytest.mark.parametrize("path", [*WHOLE_PAGES, REPORT])
def test_a_page_is_whole_for_everybody(path: str, site: Site, look: BrowserContext, made: dict[str, str]):
    page = look.new_page()
    page.goto(site.url + address(path, made))
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    assert fits(page), "nothing stands beyond the right edge"
    assert page.evaluate(TOUCHING) == [], "cards stand apart"
    assert violations(page) == []
    page.close()


def test_no_page_moves_for_who_asked_for_stillness(site: Site, context: BrowserContext, made: dict[str, str]):
    page = sign_in(context, site, COMMUNE)
    moves = False
    for path in WHOLE_PAGES:
        page.emulate_media(reduced_motion="no-preference")
        page.goto(site.url + address(path, made), wait_until="domcontentloaded")
        expect(page.get_by_role("main")).to_be_visible()
        moves = moves or bool(page.evaluate(MOVING))
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate(MOVING) == [], path
    assert moves, "for everybody else something does"


@pytest.mark.parametrize("path", PRINTED)
def test_a_printed_page_shows_its_content_and_nothing_to_press(
    path: str,
    site: Site,
    context: BrowserContext,
    made: dict[str, str],
):
    page = sign_in(context, site, COMMUNE)
    page.goto(site.url + address(path, made))
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    assert not page.get_by_role("navigation").first.is_visible()
    assert not page.locator(".filters").first.is_visible()
    page.emulate_media(media="screen")
    assert page.get_by_role("navigation").first.is_visible()


@pytest.mark.parametrize("path", [REPORT, "/calendar", "/speakers/{device_id}/label"])
def test_a_button_prints_the_page_that_it_stands_on(
    path: str,
    site: Site,
    context: BrowserContext,
    made: dict[str, str],
):
    page = sign_in(context, site, COMMUNE)
    page.goto(site.url + address(path, made))
    page.evaluate("window.print = () => { document.body.dataset.printed = 'yes'; }")
    page.locator("[data-print]").click()
    expect(page.locator("body")).to_have_attribute("data-printed", "yes")


def test_records_lead_to_a_report_of_what_is_chosen_just_now(
    site: Site,
    context: BrowserContext,
    made: dict[str, str],
):
    page = sign_in(context, site, COMMUNE)
    page.goto(f"{site.url}/records")
    expect(page.locator("[data-heading]")).to_be_hidden()
    page.get_by_label("Kết quả").select_option("completed")
    page.wait_for_url("**/records?*outcome=completed*")
    page.get_by_role("link", name="Bản báo cáo để in").click()
    expect(page.locator("[data-heading]")).to_contain_text("Kết quả")
    page.emulate_media(media="print")
    assert page.locator("[data-heading]").is_visible()
    assert page.locator("[data-record]").first.is_visible()
    assert not page.locator("[data-print]").is_visible()


def test_every_page_is_a_touch_away_on_a_phone(site: Site, context: BrowserContext, commune: str):
    page = sign_in(context, site, commune)
    page.set_viewport_size(PHONE)
    navigation = page.get_by_role("navigation", name="Các trang", exact=True)
    expect(navigation.get_by_role("link")).to_have_text(["Hôm nay", "Khẩn cấp", "Duyệt"])
    tops = {round(each.bounding_box()["y"]) for each in navigation.locator("a:visible, button:visible").all()}
    assert len(tops) == 1, "in one row"
    page.get_by_role("button", name="Khác", exact=True).click()
    further = page.get_by_role("dialog", name="Các trang khác").get_by_role("link")
    expect(further).to_have_count(15)
    assert fits(page)
    further.get_by_text("Người dùng").click()
    expect(page).to_have_url(f"{site.url}/people")
    assert fits(page)
    assert page.complaints == []


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
