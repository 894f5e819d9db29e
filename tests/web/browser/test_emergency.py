"""The duty officer's page in a real browser: choose, hold to release, watch the count, hold to call off."""

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.alerts.keeping import counting_of
from controller.areas.models import Area
from protocol.messages import AlertPhase, AlertReport, AlertStanding
from tests.support.axe import violations
from tests.support.broadcasts import hear
from tests.support.browser import DESKTOP, PHONE, fits, hold, sign_in
from tests.support.recordings import make_recording
from tests.support.site import Site


@pytest.fixture(params=["desktop", "phone"])
def officers(site: Site, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[str, Page, Page]]:
    """A commune where two people are needed, and both of them at their browsers."""
    code = f"d{crc32(request.node.name.encode()) % 10**8}"
    size = PHONE if request.param == "phone" else DESKTOP

    async def commune() -> None:
        await site.house.commune(code, speakers=3)
        async with site.house.database.transaction() as session:
            (await session.get_one(Area, code)).policy = {"release": "second_person"}
        for name in (f"{code}-a", f"{code}-b"):
            await site.house.user(name, code)

    site.ask(commune)
    for number in (1, 2):
        site.hears(f"{code}-{number}")
    contexts = [chromium.new_context(viewport=size, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh") for _ in "ab"]
    pages = [sign_in(context, site, f"{code}-{name}") for context, name in zip(contexts, "ab", strict=True)]
    yield code, pages[0], pages[1]
    for context in contexts:
        context.close()


def reports(site: Site, device: str, alert: str, phase: AlertPhase) -> None:
    standing = AlertStanding(alert=alert, revision=1, phase=phase, at=site.house.clock())
    site.ask(lambda: hear(site.house, AlertReport(device=device, standings=(standing,)), device))


def test_from_a_standing_message_to_the_name_of_each_that_is_silent(
    site: Site, officers: tuple[str, Page, Page], tmp_path: Path
):
    code, maker, releaser = officers
    maker.get_by_role("link", name="Khẩn cấp").click()
    maker.get_by_role("link", name="Báo động lũ cấp III").click()
    expect(maker.get_by_label("Tên báo động")).to_have_value("Báo động lũ cấp III")
    assert fits(maker)
    maker.get_by_role("button", name="Tiếp tục").click()
    expect(maker.locator("#alert")).to_have_attribute("data-state", "draft")
    maker.locator("summary", has_text="Phát ở đâu").click()
    expect(maker.locator(".decide details li")).to_have_count(3)
    assert fits(maker)
    expect(maker.locator(".plain")).to_have_text(
        "Phát báo động «Báo động lũ cấp III» tới 3 cụm loa tại 1 địa bàn. 1 cụm đang mất kết nối."
    )
    expect(maker.get_by_text("Cần hai người")).to_be_visible()
    expect(maker.get_by_role("button", name="Nhấn giữ để phát lệnh")).to_have_count(0)

    address = maker.url
    alert = address.rsplit("/", 1)[1]
    releaser.goto(address)
    releaser.get_by_role("button", name="Nhấn giữ để phát lệnh").click()
    expect(releaser.locator("#alert")).to_have_attribute("data-state", "draft")
    hold(releaser, "Nhấn giữ để phát lệnh")
    expect(releaser.locator("#alert")).to_have_attribute("data-state", "active")
    site.ask(counting_of(site.house.runtime).count)

    expect(releaser.locator("[data-count=targeted] dd")).to_have_text("3")
    reports(site, f"{code}-1", alert, AlertPhase.SOUNDING)
    expect(releaser.locator("[data-count=sounding] dd")).to_have_text("1", timeout=3_000)
    expect(releaser.locator("[data-count=unreachable] dd")).to_have_text("1")
    reports(site, f"{code}-1", alert, AlertPhase.FINISHED)
    expect(releaser.locator("[data-count=finished] dd")).to_have_text("1", timeout=3_000)
    expect(releaser.locator(".silent li")).to_have_count(2)
    expect(releaser.locator(".silent")).to_contain_text("Mất kết nối")
    assert fits(releaser)
    releaser.screenshot(path=tmp_path / "reach.png", full_page=True)

    releaser.get_by_role("link", name="Danh sách để in hoặc gọi điện").click()
    expect(releaser.locator("[data-speaker]")).to_have_count(2)
    expect(releaser.get_by_text("chưa ghi người liên hệ")).to_be_visible()
    assert fits(releaser)
    releaser.screenshot(path=tmp_path / "call-list.png", full_page=True)
    releaser.get_by_role("link", name="Về trang báo động").click()

    hold(releaser, "Nhấn giữ để hủy báo động")
    expect(releaser.locator("#alert")).to_have_attribute("data-state", "cancelled")
    for page in (maker, releaser):
        assert page.complaints == []


def test_a_form_that_cannot_be_taken_says_why_and_keeps_what_was_typed(site: Site, officers: tuple[str, Page, Page]):
    code, page, _ = officers
    page.goto(f"{site.url}/emergency")
    page.get_by_label("Tên báo động").fill("Cháy ở chợ")
    page.get_by_label("Lời đọc").fill("Tránh xa khu chợ.")
    page.locator(f"input[name=area][value='{code}']").uncheck()
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Tên báo động")).to_have_value("Cháy ở chợ")
    expect(page.get_by_label("Lời đọc")).to_have_value("Tránh xa khu chợ.")


def test_who_edits_a_draft_leaves_its_release_to_the_one_who_wrote_it(
    site: Site, officers: tuple[str, Page, Page], tmp_path: Path
):
    _, writer, editor = officers
    writer.goto(f"{site.url}/emergency")
    writer.get_by_label("Tên báo động").fill("Cháy ở chợ")
    writer.get_by_label("Lời đọc").fill("Tránh xa khu chợ.")
    writer.get_by_role("button", name="Tiếp tục").click()
    expect(writer.get_by_text("Cần hai người")).to_be_visible()

    editor.goto(writer.url)
    expect(editor.get_by_label("Lời đọc")).to_be_hidden()
    editor.get_by_text("Sửa lời và tín hiệu").click()
    editor.get_by_label("Lời đọc").fill("Chợ cháy lớn {ở đâu}.")
    editor.get_by_label("Tín hiệu").select_option(label="Còi báo bão")
    assert fits(editor)
    assert violations(editor) == []
    editor.screenshot(path=tmp_path / "form.png", full_page=True)
    editor.get_by_role("button", name="Lưu thay đổi").click()
    expect(editor.locator("#error-text")).to_be_visible()
    assert fits(editor)
    assert violations(editor) == []
    editor.screenshot(path=tmp_path / "refused.png", full_page=True)
    editor.get_by_label("Lời đọc").fill("Chợ cháy lớn.")
    editor.get_by_role("button", name="Lưu thay đổi").click()
    expect(editor.locator("#live blockquote")).to_have_text("Chợ cháy lớn.")
    expect(editor.locator("[data-heard]")).to_contain_text("Còi báo bão")
    expect(editor.get_by_text("Cần hai người")).to_be_visible()
    expect(editor.get_by_role("button", name="Nhấn giữ để phát lệnh")).to_have_count(0)

    writer.reload()
    expect(writer.locator("#live blockquote")).to_have_text("Chợ cháy lớn.")
    hold(writer, "Nhấn giữ để phát lệnh")
    expect(writer.locator("#alert")).to_have_attribute("data-state", "active")
    assert editor.complaints == writer.complaints == []


def test_a_draft_is_thrown_away_by_holding_only(site: Site, officers: tuple[str, Page, Page]):
    _, page, _ = officers
    page.goto(f"{site.url}/emergency")
    page.get_by_label("Tên báo động").fill("Cháy ở chợ")
    page.get_by_label("Lời đọc").fill("Tránh xa khu chợ.")
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.locator("#alert")).to_have_attribute("data-state", "draft")
    address = page.url
    page.get_by_role("button", name="Nhấn giữ để bỏ bản nháp").click()
    page.reload()
    expect(page.locator("#alert")).to_have_attribute("data-state", "draft")
    hold(page, "Nhấn giữ để bỏ bản nháp")
    expect(page).to_have_url(f"{site.url}/emergency")
    page.goto(address)
    expect(page.locator("#alert")).to_have_attribute("data-state", "discarded")


def test_an_exercise_in_two_languages_of_which_one_is_recorded_at_a_chosen_volume(
    site: Site, officers: tuple[str, Page, Page], tmp_path: Path
):
    _, page, _ = officers
    page.goto(f"{site.url}/emergency")
    expect(page.get_by_label("Âm lượng")).to_be_hidden()
    page.get_by_label("DIỄN TẬP").check()
    page.get_by_label("Tên báo động").fill("Diễn tập chống lũ")
    page.get_by_label("Lời đọc").fill("Nước đang lên.")
    page.get_by_text("Thêm lựa chọn").click()
    page.get_by_label("Sau đó nhắc lại bằng").select_option("tyz")
    page.locator("[name=second_file]").set_input_files(make_recording(tmp_path / "tay.wav", seconds=3))
    page.get_by_label("Âm lượng").select_option("30")
    assert fits(page)
    assert violations(page) == []
    page.screenshot(path=tmp_path / "form.png", full_page=True)
    page.get_by_role("button", name="Tiếp tục").click()

    expect(page.locator("#alert")).to_have_attribute("data-state", "draft")
    expect(page.locator("blockquote")).to_contain_text("Nước đang lên.")
    expect(page.locator("#live")).to_contain_text("Thứ tiếng thứ hai, là bản thu âm: Tày")
    expect(page.locator(".plain")).to_contain_text(
        "tới 3 cụm loa tại 1 địa bàn. Âm lượng 30 %, không vượt mức trần của mỗi nơi."
    )
    expect(page.locator("#live audio")).to_be_visible(timeout=60_000)
    assert fits(page)
    assert violations(page) == []
    page.screenshot(path=tmp_path / "draft.png", full_page=True)
    assert page.complaints == []


def test_a_recording_is_raised_instead_of_typed_words_and_again_from_the_ready_ones(
    site: Site, officers: tuple[str, Page, Page], tmp_path: Path
):
    _, page, _ = officers
    page.goto(f"{site.url}/emergency")
    page.get_by_label("Tên báo động").fill("Lời chủ tịch xã")
    page.get_by_label("Thu âm", exact=True).check()
    expect(page.get_by_label("Lời đọc")).to_be_hidden()
    page.locator("[name=file]").set_input_files(make_recording(tmp_path / "lời.wav", seconds=3))
    expect(page.locator("[data-trim]")).to_be_visible()
    assert fits(page)
    assert violations(page) == []
    page.screenshot(path=tmp_path / "recorded.png", full_page=True)
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.locator("#live audio")).to_be_visible(timeout=60_000)
    heard = page.locator("#live audio").get_attribute("src")

    page.goto(f"{site.url}/emergency")
    page.get_by_label("Tên báo động").fill("Nhắc lại lời chủ tịch")
    page.get_by_label("Bản có sẵn").check()
    page.get_by_label("Tìm trong tiêu đề và nội dung").fill("chu tich")
    expect(page.locator("#recordings li")).to_have_count(1)
    page.get_by_role("radio", name="Lời chủ tịch xã").check()
    expect(page.locator("#recordings audio")).to_have_attribute("src", heard or "")
    assert fits(page)
    assert violations(page) == []
    page.screenshot(path=tmp_path / "ready.png", full_page=True)
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.locator("#live audio")).to_have_attribute("src", heard or "")
    expect(page.locator("#live")).to_contain_text("Phát bản ghi: “Lời chủ tịch xã”")
    assert page.complaints == []
