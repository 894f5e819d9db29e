"""The page of standing messages in a real browser: word one, hear that it is ready, take it back, say it again."""

from collections.abc import Iterator
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.accounts.roles import Role
from controller.standing.keeping import begin
from tests.support.axe import violations
from tests.support.browser import DESKTOP, PHONE, built_site, fits, sign_in
from tests.support.site import Site

HERE = "/emergency/messages"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that makes the sound of its standing messages."""
    with built_site(tmp_path_factory.mktemp("standing"), standing_sounds=True) as running:
        running.ask(lambda: begin(running.house.runtime))
        yield running


@pytest.fixture(params=["desktop", "phone"])
def officer(site: Site, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[str, Page]]:
    """The duty officer of a commune with two speakers, of which one has spoken."""
    code = f"m{crc32(request.node.name.encode()) % 10**8}"
    site.ask(lambda: site.house.commune(code, speakers=2))
    site.ask(lambda: site.house.user(code, code, roles=(Role.DUTY_OFFICER,)))
    site.hears(f"{code}-1", standing="0" * 16)
    size = PHONE if request.param == "phone" else DESKTOP
    scheme = "dark" if request.param == "phone" else "light"
    context = chromium.new_context(viewport=size, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", color_scheme=scheme)
    context.set_default_timeout(20_000)
    page = sign_in(context, site, code)
    page.goto(f"{site.url}{HERE}")
    yield code, page
    context.close()


def sends(page: Page, button: str) -> None:
    """Press a button of a form and wait for what the server makes of it."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name=button).locator("visible=true").click()


def test_a_message_is_worded_made_ready_taken_back_and_said_again(site: Site, officer: tuple[str, Page]) -> None:
    code, page = officer
    assert fits(page)
    storm = page.locator("[data-hazard=storm]")
    expect(page.locator("[data-hazard]")).to_have_count(8)
    expect(storm.locator("small")).to_have_text("có sẵn của hệ thống")
    storm.locator("summary").click()
    storm.get_by_label("Tên báo động").fill("Bão vào xã ta")
    storm.get_by_label("Lời đọc").fill("Bão vào xã ta đêm nay. Bà con ở trong nhà.")
    storm.get_by_label("Rồi bằng thứ tiếng khác").select_option("en")
    storm.get_by_label("Lời bằng tiếng đó").fill("A storm comes tonight. Stay at home.")
    sends(page, "Lưu cho")
    expect(storm.locator("strong")).to_have_text("Bão vào xã ta")
    expect(storm.locator("#state-storm")).to_contain_text("sẵn sàng", timeout=60_000)  # the page follows by itself
    page.reload()
    storm.locator("summary").click()
    expect(storm.locator("audio")).to_be_visible()
    assert fits(page)
    assert violations(page) == []

    sends(page, "Bỏ lời riêng ở đây")
    expect(storm.locator("strong")).to_have_text("Báo bão")
    sends(page, "Hoàn tác")
    expect(storm.locator("strong")).to_have_text("Bão vào xã ta")
    expect(storm.locator("small")).to_have_text(code)
    page.goto(f"{site.url}/emergency?standing=storm")
    expect(page.locator("textarea[name=text]").first).to_have_value("Bão vào xã ta đêm nay. Bà con ở trong nhà.")
    assert page.complaints == []


def test_what_is_refused_stays_as_it_was_typed(site: Site, officer: tuple[str, Page]) -> None:
    code, page = officer
    dam = page.locator("[data-hazard=dam]")
    dam.locator("summary").click()
    dam.get_by_label("Lời đọc").fill("Đập {tên đập} xả lũ.")
    dam.get_by_label("Rồi bằng thứ tiếng khác").select_option("en")
    dam.get_by_label("Lời bằng tiếng đó").fill("The dam opens.")
    sends(page, "Lưu cho")
    expect(dam.get_by_role("alert")).to_contain_text("chỗ trống")
    expect(dam.get_by_label("Lời đọc")).to_have_value("Đập {tên đập} xả lũ.")
    dam.get_by_label("Rồi bằng thứ tiếng khác").select_option("")
    dam.get_by_label("Lời bằng tiếng đó").fill("")
    sends(page, "Lưu cho")
    expect(dam.locator("#state-dam")).to_have_text("cần điền: tên đập")

    other = page.context.new_page()
    other.goto(f"{site.url}{HERE}?area_code={code}")
    for each, words in ((other, "Đập {tên đập} mở cửa."), (page, "Xả lũ.")):
        form = each.locator("[data-hazard=dam]")
        form.locator("summary").click()
        form.get_by_label("Lời đọc").fill(words)
        with each.expect_response(lambda answer: answer.request.method == "POST") as saved:
            form.get_by_role("button", name="Lưu cho").click()
    assert saved.value.status == 412
    expect(dam.get_by_role("alert")).to_contain_text("vừa sửa")
    expect(dam.locator(".theirs")).to_contain_text("Đập {tên đập} mở cửa.")
    expect(dam.locator(".theirs")).to_contain_text(code)
    expect(dam.get_by_label("Lời đọc")).to_have_value("Xả lũ.")
    assert fits(page)
    assert violations(page) == []
    sends(page, "Lưu cho")
    expect(page.locator("[data-hazard=dam] .theirs")).to_have_count(0)

    theirs = other.locator("[data-hazard=dam]")
    theirs.locator("summary").click()
    sends(other, "Bỏ lời riêng ở đây")
    expect(theirs.locator(".theirs")).to_contain_text("Xả lũ.")
    sends(other, "Bỏ lời riêng ở đây")
    expect(theirs.locator("small").first).to_have_text("có sẵn của hệ thống")


def test_a_technician_reads_who_holds_an_old_set_and_words_nothing(site: Site, officer: tuple[str, Page]) -> None:
    code, page = officer
    technician = f"{code}-kt"
    site.ask(lambda: site.house.user(technician, code, roles=(Role.TECHNICIAN,)))
    page.context.clear_cookies()
    page = sign_in(page.context, site, technician)
    page.goto(f"{site.url}{HERE}")
    expect(page.get_by_text("0/2 cụm loa giữ đủ")).to_be_visible()
    expect(page.locator(f"[data-old={code}-1]")).to_be_visible()
    expect(page.locator(f"[data-old={code}-2]")).to_contain_text("chưa")
    page.locator("[data-hazard=fire] summary").click()
    expect(page.locator("[data-hazard=fire] .said")).to_contain_text("Gọi 114")
    expect(page.get_by_role("button", name="Lưu cho")).to_have_count(0)
    assert violations(page) == []
