import re
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.authorisation import rows
from controller.web.routing import safe_next
from tests.support.controller import ORIGIN, PASSWORD, House
from tests.support.things import things


async def sign_in(browser: httpx.AsyncClient, name: str = "lan", then: str = "/") -> httpx.Response:
    return await browser.post("/sign-in", data={"username": name, "password": PASSWORD, "next": then})


@pytest.mark.parametrize("path", ["/", "/records?since=2026-11-20", "/events", "/parts/day"])
async def test_whoever_is_not_signed_in_is_sent_to_the_form_and_back_afterwards(house: House, path: str):
    answer = await house.browser().get(path)
    assert answer.status_code == 303
    target = httpx.URL(answer.headers["location"])
    assert target.path == "/sign-in"
    assert target.params.get("next", "/") == path


async def test_a_live_part_takes_the_whole_page_to_the_form(house: House):
    here = {"HX-Request": "true", "HX-Current-URL": f"{ORIGIN}/records?outcome=missed#records"}
    answer = await house.browser().get("/parts/day", headers=here)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Frecords%3Foutcome%3Dmissed"


async def test_of_a_sent_form_the_address_of_its_page_is_left_to_the_browser(house: House):
    answer = await house.browser().post("/emergency", data={"headline": "Lũ"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_signing_in_leads_to_where_one_wanted_to_go(house: House):
    await house.user("lan", "VN")
    browser = house.browser()
    answer = await sign_in(browser, then="/records?outcome=missed")
    assert (answer.status_code, answer.headers["location"]) == (303, "/records?outcome=missed")
    assert "loa_session" in browser.cookies
    assert (await browser.get("/sign-in")).headers["location"] == "/"


async def test_from_a_refused_form_signing_in_leads_to_the_nearest_page(house: House):
    await house.area("07339")
    chief = await house.in_person("VN", "chief")
    ids = await things(house, chief, "07339")
    wrong = []
    for row in rows():
        if row.method != "POST" or row.path.startswith("/api/") or "{secret}" in row.path:
            continue
        path = re.sub(r"{(\w+)}", lambda found: quote(ids.get(found[1], "nothing")), row.path)
        answer = await sign_in(house.browser(), "chief", then=path)
        target = answer.headers["location"]
        page = await chief.get(target)
        if not path.startswith(target) or (not page.has_redirect_location and page.status_code != 200):
            wrong.append((row.path, target, page.status_code))
    assert not wrong


@pytest.mark.parametrize(
    ("then", "target"),
    [
        ("/emergency/a-1/release?x=1", "/emergency/a-1"),
        ("/playlists/form", "/playlists"),
        ("/nothing/here", "/"),
        ("/records?outcome=missed", "/records?outcome=missed"),
    ],
)
async def test_what_can_be_looked_at_is_kept_whole(house: House, then: str, target: str):
    await house.user("lan", "VN")
    assert (await sign_in(house.browser(), then=then)).headers["location"] == target


async def test_signing_out_ends_it(house: House):
    await house.user("lan", "VN")
    browser = house.browser()
    await sign_in(browser)
    secret = browser.cookies["loa_session"]
    assert (await browser.post("/sign-out")).headers["location"] == "/sign-in"
    browser.cookies.set("loa_session", secret)
    assert (await browser.get("/")).status_code == 303


async def test_a_wrong_password_is_said_plainly_and_the_name_is_kept(house: House):
    await house.user("lan", "VN")
    answer = await house.browser().post("/sign-in", data={"username": "lan", "password": "sai", "next": "/"})
    assert answer.status_code == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng" in answer.text
    assert 'value="lan"' in answer.text
    assert "sai" not in re.findall(r'value="([^"]*)"', answer.text)


async def test_another_site_cannot_sign_anybody_in_or_out(house: House):
    await house.user("lan", "VN")
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    browser = house.browser()
    refused = await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD}, headers=foreign)
    assert refused.status_code == 403
    await sign_in(browser)
    assert (await browser.post("/sign-out", headers=foreign)).status_code == 403
    assert (await browser.get("/")).status_code == 200


HOSTILE = '"><script>alert(1)</script>'


async def test_what_was_typed_comes_back_as_text_only(house: House):
    answer = await house.browser().post("/sign-in", data={"username": HOSTILE, "password": "x", "next": HOSTILE})
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


async def test_pages_forbid_inline_scripts_and_framing(house: House):
    answer = await house.browser().get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", answer.text)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "then", ["https://evil.example", "//evil.example", "/\\evil", "/\t/evil", "javascript:alert(1)", "", "records"]
)
def test_nobody_is_sent_to_another_site(then: str):
    assert safe_next(then) == "/"


@given(st.text())
def test_going_on_never_leaves_the_site(then: str):
    target = httpx.URL(ORIGIN).join(safe_next(then)) if safe_next(then).isascii() else httpx.URL(ORIGIN)
    assert target.host == "testserver"
