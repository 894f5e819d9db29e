"""The duty officer's worst hour: one tap from the first page, a sentence that says what it does, and who is missing."""

import re
import time
from collections.abc import Callable

import numpy as np
import pyotp
from playwright.sync_api import Locator, expect

from audio.signals import Signal, samples
from loa.officer import Json
from tests.support.days import RATE_HZ, Commune, Person, Town, each_of, heard, likeness

SIREN_S = 2
Figure = Callable[[str], None]


def siren() -> np.ndarray:
    """The first seconds of what a flood sounds like."""
    pcm = b""
    for chunk in samples(Signal.FLOOD_3):
        pcm += chunk
        if len(pcm) >= 2 * RATE_HZ * SIREN_S:
            break
    return np.frombuffer(pcm[: 2 * RATE_HZ * SIREN_S], "<i2").astype(np.float32) / 32768


def telephone(person: Person) -> pyotp.TOTP:
    """Set up the second step of signing in, which a release asks for."""
    page = person.page
    page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/', 3)[2]}/account")
    person.press(person.button("Bật"))
    phone = pyotp.TOTP(page.get_by_text("Không quét được thì nhập khoá này").locator("code").inner_text())
    person.write(page.get_by_label("Mã", exact=True), phone.now())
    person.press(person.button("Bật xác thực"))
    expect(page.get_by_text("Mã dự phòng của bạn")).to_be_visible()
    return phone


def next_code(phone: pyotp.TOTP) -> str:
    """The code of the coming half minute: that of this one was spent on setting it up, and none counts twice."""
    return phone.generate_otp(int(time.time()) // 30 + 1)


def count(person: Person, name: str) -> Locator:
    return person.page.locator(f"[data-count={name}] dd")


def test_a_flood_from_the_first_page_to_the_list_of_whom_to_call(town: Town, commune: Commune, figure: Figure):
    *there, lost = commune.speakers
    town.fleet.officer.change(f"/areas/{commune.code}", {"contact": "Trưởng thôn Nguyễn Văn Bình, 0912 000 111"})
    with town.at_work(f"truc-{commune.kind}", "duty_officer", area=commune.code, on_phone=commune.on_phone) as duty:
        phone = telephone(duty)
        page = duty.page
        page.get_by_role("link", name="Hôm nay").click()
        town.loses(lost)
        duty.presses = duty.letters = duty.fields = 0

        duty.press(page.get_by_role("link", name="Khẩn cấp", exact=True))
        expect(page.get_by_role("heading", name="Phát báo động")).to_be_visible()
        assert duty.presses == 1
        duty.press(page.get_by_role("link", name="Báo động lũ cấp III"))
        expect(page.get_by_label("Tên báo động")).to_have_value("Báo động lũ cấp III")
        expect(page.get_by_role("checkbox", name=re.compile(f"^{commune.name}"))).to_be_checked()
        assert duty.fits()
        duty.picture("alert-draft", of=page.get_by_label("Tên báo động"))
        duty.press(duty.button("Tiếp tục"))
        expect(
            page.get_by_text(f"tới {len(commune.speakers)} cụm loa tại 1 địa bàn. 1 cụm đang mất kết nối")
        ).to_be_visible()
        expect(page.get_by_label("Báo động lũ cấp III")).to_be_visible()  # its words can be listened to
        alert = page.url.rsplit("/", 1)[1]
        duty.write(page.get_by_label("Mã xác thực"), next_code(phone))
        duty.picture("alert-confirm")
        assert duty.fits()
        duty.hold("Nhấn giữ để phát lệnh")
        expect(page.get_by_text("Đang hiệu lực")).to_be_visible()

        reached = str(len(there))
        expect(count(duty, "targeted")).to_have_text(str(len(commune.speakers)))
        expect(count(duty, "unreachable")).to_have_text("1")
        expect(count(duty, "sounding")).to_have_text(reached)
        missing = page.get_by_role("listitem").filter(has_text=name_of(town, lost.id))
        expect(missing).to_contain_text("Mất kết nối")
        clip = siren()
        each_of(
            there,
            lambda speaker: likeness(clip, speaker, f"{alert}.1.0.signal") > 0.8,
            within_s=30,
            what="the siren is heard",
        )
        duty.picture("alert-reach")
        assert duty.fits()

        duty.hold("Nhấn giữ để hủy báo động")
        expect(page.get_by_text("Đã huỷ").first).to_be_visible()
        figure(duty.effort)

        duty.press(page.get_by_role("link", name="Danh sách để in hoặc gọi điện"))
        expect(page.get_by_role("row").filter(has_text=name_of(town, lost.id))).to_contain_text("Mất kết nối")
        expect(page.get_by_text("Trưởng thôn Nguyễn Văn Bình, 0912 000 111")).to_be_visible()
        assert duty.fits()
        duty.picture("call-list")
        each_of(
            there, lambda speaker: heard(speaker, f"{alert}.2.0.message"), within_s=120, what="the all-clear is spoken"
        )
        assert not heard(lost, alert)


def name_of(town: Town, device: str) -> str:
    found: Json = town.fleet.officer.get(f"/devices/{device}")
    return str(found["name"])
