"""Who must agree before something airs: two people in two browsers, and the rule that asks for the second."""

import httpx
from playwright.sync_api import Browser, BrowserContext, expect

from controller.accounts.roles import Role
from controller.areas.models import Area
from protocol.topics import Channel
from tests.support.broadcasts import document, plan_of, playlist
from tests.support.browser import DESKTOP, fits, sign_in
from tests.support.site import Site

WATER = "Kính thưa bà con! Từ 8 giờ ngày 24/11, nhà máy nước tạm ngừng cấp nước."
SMALL_PHONE = {"width": 360, "height": 640}


async def asks_for_a_second_person(site: Site, code: str) -> None:
    async with site.house.database.transaction() as session:
        (await session.get_one(Area, code)).policy = {"approval": "second_person"}


async def planned(site: Site, device: str) -> list[str]:
    if await document(site.house, device, Channel.PLAN) is None:
        return []
    return [each.title for each in (await plan_of(site.house, device)).occurrences]


def test_two_people_bring_a_broadcast_to_the_air(site: Site, chromium: Browser, commune: str):
    site.ask(lambda: asks_for_a_second_person(site, commune))
    site.ask(lambda: site.house.user(f"an-{commune}", commune, roles=[Role.BROADCASTER]))
    site.ask(lambda: site.house.user(f"binh-{commune}", commune, roles=[Role.APPROVER]))
    desk = chromium.new_context(viewport=DESKTOP, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")
    phone = chromium.new_context(viewport=SMALL_PHONE, device_scale_factor=2, locale="vi-VN", has_touch=True)
    maker, approver = sign_in(desk, site, f"an-{commune}"), sign_in(phone, site, f"binh-{commune}")
    expect(approver.locator("#waiting")).to_be_empty()

    maker.get_by_label("Tiêu đề").fill("Cắt nước")
    maker.get_by_label("Lời đọc").fill(WATER)
    maker.locator(f"input[name=area][value={commune}]").check()
    maker.get_by_role("button", name="Gửi đi").click()
    expect(maker.locator("#compose .error").first).to_contain_text("phải duyệt trước khi phát")
    maker.get_by_role("radio", name="Hẹn giờ").check()
    maker.get_by_label("Ngày", exact=True).fill("2026-11-22")
    maker.get_by_label("Giờ", exact=True).fill("17:30")
    maker.get_by_role("button", name="Gửi đi").click()
    expect(maker.locator("#compose [data-sent]")).to_contain_text("đang chờ duyệt")
    expect(maker.locator("[data-occurrence]")).to_have_count(0)

    expect(approver.locator("#waiting")).to_contain_text("1 lịch phát chờ bạn duyệt")
    approver.locator("#waiting a").click()
    approver.get_by_role("link", name="Cắt nước").click()
    audio = approver.locator("audio")
    audio.evaluate("clip => clip.readyState || new Promise(done => clip.addEventListener('loadedmetadata', done))")
    assert audio.evaluate("element => element.duration") > 3
    expect(approver.locator("main")).to_contain_text(WATER)
    expect(approver.locator("main")).to_contain_text("17:30 · Chủ Nhật, 22 tháng 11")
    assert fits(approver)
    approver.get_by_text("Trả lại …").click()
    approver.get_by_label("Vì sao? Người soạn sẽ đọc lý do này.").fill("Thiếu tên thôn")
    approver.get_by_role("button", name="Trả lại với lý do này").click()
    expect(approver.locator("[data-state=rejected]")).to_be_visible()

    expect(maker.locator("#waiting")).to_contain_text("1 lịch phát của bạn bị trả lại")
    maker.locator("#waiting a").click()
    maker.get_by_role("link", name="Cắt nước").click()
    expect(maker.locator(".reason")).to_contain_text("Thiếu tên thôn")
    maker.get_by_label("Lời đọc").fill(f"{WATER} Thôn Đông và thôn Tây.")
    maker.get_by_role("button", name="Lưu").click()
    maker.get_by_role("button", name="Trình duyệt").click()
    expect(maker.locator("[data-state=submitted]")).to_be_visible()
    assert site.ask(lambda: planned(site, f"{commune}-1")) == []

    approver.goto(f"{site.url}/approvals")
    approver.get_by_role("link", name="Cắt nước").click()
    expect(approver.locator("main")).to_contain_text("Thôn Đông và thôn Tây")
    approver.get_by_role("button", name="Duyệt cho phát").click()
    expect(approver.locator("[data-state=approved]")).to_be_visible()
    assert site.ask(lambda: planned(site, f"{commune}-1")) == ["Cắt nước"]
    assert not maker.complaints
    assert not approver.complaints
    desk.close()
    phone.close()


def test_an_approver_is_told_when_it_was_edited_under_their_thumb(site: Site, chromium: Browser, commune: str):
    site.ask(lambda: asks_for_a_second_person(site, commune))
    site.ask(lambda: site.house.user(f"binh-{commune}", commune, roles=[Role.APPROVER]))

    async def submitted() -> str:
        client = await site.house.signed_in(commune)
        wish = {
            "title": "Cũ",
            "playlist_id": await playlist(site.house, commune, title=commune),
            "area_code": commune,
            "targets": [{"kind": "area", "key": commune}],
            "first_local": "2026-11-23T17:30:00",
        }
        made: str = (await client.post("/api/v1/schedules", json=wish)).json()["id"]
        await submit(client, made)
        return made

    async def submit(client: httpx.AsyncClient, made: str) -> None:
        path = f"/api/v1/schedules/{made}/approval"
        tag = (await client.get(path)).headers["ETag"]
        assert (await client.post(f"{path}/submit", headers={"If-Match": tag})).status_code == 200

    async def edited(made: str) -> None:
        client = await site.house.signed_in(commune, f"khac-{commune}")
        path = f"/api/v1/schedules/{made}"
        tag = (await client.get(path)).headers["ETag"]
        assert (await client.patch(path, json={"title": "Mới"}, headers={"If-Match": tag})).status_code == 200
        await submit(client, made)

    made = site.ask(submitted)
    phone = chromium.new_context(viewport=SMALL_PHONE, locale="vi-VN", has_touch=True)
    approver = sign_in(phone, site, f"binh-{commune}")
    approver.goto(f"{site.url}/approvals/{made}")
    site.ask(lambda: edited(made))
    approver.get_by_role("button", name="Duyệt cho phát").click()
    expect(approver.get_by_role("alert")).to_contain_text("Nội dung vừa được sửa")
    expect(approver.locator("h1")).to_have_text("Mới")
    assert site.ask(lambda: planned(site, f"{commune}-1")) == []
    phone.close()


def test_a_place_asks_for_a_second_person_and_those_below_cannot_ask_for_less(
    site: Site, context: BrowserContext, commune: str
):
    site.ask(lambda: site.house.area(f"{commune}-1", parent=commune, name="Thôn Ngọc Lâm"))
    page = sign_in(context, site, commune)
    page.get_by_role("link", name="Duyệt", exact=True).click()
    page.get_by_role("link", name="Ai phải duyệt trước khi phát").click()
    here = page.get_by_role("region", name=commune, exact=True)
    agree = page.get_by_role("region", name="Ai phải duyệt")
    expect(here).to_contain_text("Không cần ai khác")
    here.get_by_label("Người thứ hai").check()
    here.get_by_role("button", name="Lưu").click()
    expect(agree.locator("strong")).to_contain_text("Người thứ hai")

    page.locator("select[name=area_code]").select_option(f"{commune}-1")
    page.get_by_role("button", name="Xem").click()
    below = page.get_by_role("region", name="Thôn Ngọc Lâm")
    expect(agree.locator("strong")).to_contain_text("Người thứ hai")
    expect(below).to_contain_text(f"{commune} quy định như vậy")
    below.get_by_label("Một người duyệt, có thể").check()
    below.get_by_role("button", name="Lưu").click()
    expect(agree.locator("strong")).to_contain_text("Người thứ hai")
    below.get_by_role("link", name="Lịch sử").click()
    expect(page.get_by_role("main")).to_contain_text(commune)
    assert page.complaints == []
