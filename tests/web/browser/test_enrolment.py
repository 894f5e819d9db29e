"""Shutting a speaker out, in a real browser: what cannot be taken back is held, by mouse, key or finger."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from protocol.enrolment import ENROL_PATH
from tests.support.boards import Board
from tests.support.browser import PHONE, a_context, sign_in
from tests.support.finger import Finger
from tests.support.site import Site

Press = Callable[..., None]
HERE = "/devices/enrolment"
BUTTON = "Nhấn giữ để thu hồi"


@pytest.fixture
def context(chromium: Browser, hand: str) -> Iterator[BrowserContext]:
    more = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if hand == "finger" else {}
    with a_context(chromium, **more) as opened:
        yield opened


@pytest.fixture(params=["mouse", "key", "finger"])
def hand(request: pytest.FixtureRequest) -> str:
    """What presses."""
    return str(request.param)


@pytest.fixture
def page(site: Site, context: BrowserContext, commune: str) -> Page:
    """A technician before the certificates of two speakers; the first is about to be shut out."""

    async def let_in() -> None:
        technician = await site.house.signed_in(commune, f"{commune}-t")
        for number in (1, 2):
            board = Board()
            await site.house.browser().post(ENROL_PATH, json=board.asks())
            wish = {"do": "approve", "device_id": f"{commune}-{number}"}
            assert (await technician.post(f"{HERE}/{board.fingerprint}", data=wish)).status_code == 303

    site.ask(let_in)
    page = sign_in(context, site, commune)
    page.goto(site.url + HERE)
    page.locator(".certificate", has_text=f"{commune}-1").get_by_text("Thu hồi", exact=True).click()
    return page


@pytest.fixture
def press(page: Page, hand: str) -> Press:
    """Press the button for so long, on a clock that stands still otherwise."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    finger = Finger(page)

    def press(milliseconds: int, *, slides: bool = False) -> None:
        button = page.get_by_role("button", name=BUTTON)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box
        if hand == "finger":
            finger.down(button)
        elif hand == "mouse":
            button.hover()
            page.mouse.down()
        else:
            button.focus()
            page.keyboard.down(" ")
        expect(page.get_by_role("button", name="Giữ tiếp")).to_be_visible()
        if slides:
            away = (box["x"] + 20, box["y"] + box["height"] + 40)
            finger.to(*away) if hand == "finger" else page.mouse.move(*away)
            expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
        page.clock.run_for(milliseconds)
        if hand == "finger":
            finger.up()
        elif hand == "mouse":
            page.mouse.up()
        else:
            page.keyboard.up(" ")

    return press


def posts(page: Page) -> list[str]:
    """What the page sends from now on."""
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    return sent


def test_a_press_shuts_nobody_out_and_holding_does(page: Page, press: Press, commune: str):
    sent = posts(page)
    certified = page.locator(".certificate > span:first-of-type")
    press(1000)
    page.clock.run_for(10_000)
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    assert sent == []
    page.get_by_role("button", name=BUTTON).press("Enter")
    assert sent == []

    press(1300)
    expect(certified).to_have_text([f"{commune}-2"])
    assert len(sent) == 1
    assert page.complaints == []


@pytest.mark.parametrize("hand", ["mouse", "finger"], indirect=True)
def test_whoever_slides_off_the_button_has_thought_better_of_it(page: Page, press: Press, commune: str):
    sent = posts(page)
    press(5000, slides=True)
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    assert sent == []
    press(1300)
    expect(page.locator(".certificate > span:first-of-type")).to_have_text([f"{commune}-2"])
    assert len(sent) == 1
    assert page.complaints == []
