"""The broadcaster's day: what is written, recorded, found again, planned or spoken is heard where it was sent."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.days import (
    AUDIBLE,
    HANOI,
    LIKE,
    Commune,
    Person,
    Town,
    alike,
    choose_password,
    each_of,
    heard,
    likeness,
    loudness,
    spoken,
)
from tests.support.eventually import eventually
from tests.support.fleet import Speaker
from tests.support.sound import RATE_HZ

Figure = Callable[[str], None]
MEETING = "SVĐ thôn Trung mời bà con họp thôn lúc 19 giờ 30 tối nay, bàn việc làm đường. Mỗi nhà cử một người đi họp."
CLEANING = "Sáng chủ nhật, mời bà con ra quân dọn vệ sinh đường làng, ngõ xóm. Mỗi nhà mang theo một cái chổi."
LONG = (
    "Trạm y tế xã thông báo lịch tiêm chủng. Trẻ từ hai tháng tuổi tiêm mũi thứ nhất vào sáng thứ Ba. Trẻ từ ba tháng "
    "tuổi tiêm mũi thứ hai vào sáng thứ Tư. Trẻ từ bốn tháng tuổi tiêm mũi thứ ba vào sáng thứ Năm. Gia đình mang theo "
    "sổ tiêm chủng, đến đúng giờ, và ở lại trạm ba mươi phút sau khi tiêm để cán bộ theo dõi. Bà con cho trẻ ăn no, "
    "mặc đồ thoáng, và báo cho cán bộ biết nếu trẻ đang ốm, đang uống thuốc, hoặc lần trước tiêm về có sốt cao."
)
ALIKE_THROUGH_A_MICROPHONE = 0.4
"""The browser evens out loudness and noise, two encoders take their share; other words of the voice reach 0.25."""


def next_monday() -> date:
    today = datetime.now(HANOI).date()
    return today + timedelta(days=7 - today.weekday())


def day(page: Page, of: date) -> Locator:
    """A day of the calendar."""
    return page.locator(f"[data-day='{of}']")


def send_to(person: Person, commune: Commune) -> None:
    """Tick the whole commune and send what the form holds, now."""
    person.press(person.page.get_by_role("checkbox", name=commune.name, exact=True))
    person.press(person.button("Gửi đi"))
    sent, at_night = person.page.get_by_text("đã được gửi"), person.button("Vẫn gửi")
    expect(sent.or_(at_night)).to_be_visible(timeout=60_000)
    if at_night.is_visible():  # when people sleep it asks again
        person.press(at_night)
    expect(sent).to_be_visible(timeout=60_000)


def on_todays_list(person: Person, title: str) -> Locator:
    """The last broadcast of this title."""
    return person.page.locator("[data-occurrence]").filter(has=person.page.get_by_role("heading", name=title)).last


def occurrence(airing: Locator) -> str:
    return airing.get_attribute("data-occurrence") or ""


def listened(town: Town, person: Person) -> Locator:
    """Have the sound made; the player that came."""
    with person.page.expect_response("**/announce/listen"):
        person.press(person.button("Tạo âm thanh và nghe"))
    player = person.page.locator("#listen audio")
    expect(player).to_be_visible()
    return player


def test_who_knows_the_page_schedules_a_broadcast_in_a_minute(town: Town, commune: Commune, figure: Figure):
    with town.newcomer(f"binh-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as binh:
        page = binh.page
        choose_password(binh)
        expect(page.get_by_text("Đã lưu mật khẩu")).to_be_visible()
        binh.presses = binh.fields = binh.letters = 0
        binh.sign_in()
        binh.write(page.get_by_label("Lời đọc"), "Mời bà con họp thôn tối mai, 19 giờ 30, tại nhà văn hoá.")
        binh.press(page.get_by_role("checkbox", name=commune.name, exact=True))
        binh.press(page.get_by_role("radio", name="Hẹn giờ"))
        monday = next_monday()
        binh.write(page.get_by_label("Ngày", exact=True), monday.isoformat())
        binh.write(page.get_by_label("Giờ", exact=True), "06:30")
        binh.press(binh.button("Gửi đi"))
        expect(page.get_by_text("đã được gửi")).to_be_visible(timeout=60_000)
        figure(binh.effort)
        assert binh.presses <= 9
        assert binh.fields <= 5
        planned = eventually(
            lambda: [
                each
                for each in town.fleet.officer.list("/schedules")
                if each["area_code"] == commune.code and each["first_local"].startswith(f"{monday}T06:30")
            ],
            within_s=10,
            what="it is scheduled",
        )
        assert len(planned) == 1


def test_words_are_listened_to_put_right_and_heard_where_they_were_sent(town: Town, commune: Commune, figure: Figure):
    title = "Họp thôn tối nay"
    as_said = town.words(commune, "Như bà con vẫn nói", MEETING.replace("SVĐ", "sân vận động"))
    with town.at_work(f"lan-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as lan:
        page, words = lan.page, lan.page.get_by_label("Lời đọc")
        lan.write(page.get_by_label("Tiêu đề"), title)
        lan.write(words, MEETING)
        expect(page.get_by_text("Đọc lên mất khoảng")).to_be_visible()
        lan.picture("write", of=words)
        spelt = town.clip(lan, listened(town, lan))
        assert loudness(spelt) > AUDIBLE
        assert alike(as_said, spelt) < LIKE

        lan.mark_first_word(words)
        lan.press(page.get_by_text("Có từ đọc sai?"))
        expect(page.get_by_label("Viết là")).to_have_value("SVĐ")
        lan.write(page.get_by_label("Đọc là"), "sân vận động")
        lan.press(lan.button("Từ nay đọc như thế này"))
        expect(page.locator("#word .done")).to_contain_text("SVĐ")
        player = listened(town, lan)
        eventually(lambda: alike(as_said, town.clip(lan, player)) > LIKE, within_s=20, what="it is read as people say")
        clip = town.clip(lan, player)
        lan.picture("listen", of=player)
        assert lan.fits()

        send_to(lan, commune)
        figure(lan.effort)
        airing = on_todays_list(lan, title)
        each_of(
            commune.speakers,
            lambda speaker: likeness(clip, speaker, occurrence(airing)) > LIKE,
            within_s=60,
            what="it is heard",
        )
        everywhere = len(commune.speakers)
        expect(airing.locator(".result")).to_have_text(f"Đã phát ở {everywhere}/{everywhere} cụm")
        assert not [each.id for each in town.elsewhere(commune) if heard(each, occurrence(airing))]


def test_what_is_on_air_is_followed_on_the_first_page_and_stopped_with_one_press(
    town: Town, commune: Commune, figure: Figure
):
    everywhere = len(commune.speakers)
    later = datetime.now(HANOI) + timedelta(hours=2)
    town.airs(commune, "Dọn vệ sinh đường làng", CLEANING, at=later)
    with town.at_work(f"hanh-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as hanh:
        name = town.airs(commune, "Lịch tiêm chủng", LONG, in_s=12)
        airing = hanh.page.locator(f"[data-occurrence='{name}']")
        result = airing.locator(".result")
        expect(result).to_have_text(f"Sẵn sàng ở {everywhere}/{everywhere} cụm")
        expect(result).to_have_text(f"Đang phát ở {everywhere}/{everywhere} cụm")
        each_of(commune.speakers, lambda speaker: heard(speaker, name), within_s=10, what="it is heard")
        hanh.page.evaluate("scrollTo(0, 0)")
        hanh.picture("today")
        assert hanh.fits()

        hanh.hold("Giữ để dừng mọi thứ đang phát ở đây")
        figure(hanh.effort)
        each_of(
            commune.speakers,
            lambda speaker: [each["outcome"] for each in town.records(speaker, name)] == ["stopped"],
            within_s=15,
            what="it says that it was stopped",
        )
        expect(result).to_have_text("Đã huỷ")
        expect(airing).to_contain_text(f"phát dở ở {everywhere} cụm")
        [planned] = [each for each in town.fleet.officer.list("/schedules") if name.startswith(each["id"])]
        whole_s = planned_s(town, planned["playlist_id"])
        for speaker in commune.speakers:
            [record] = town.records(speaker, name)
            sounded_s = sum(each.seconds for each in heard(speaker, name))
            assert abs(sounded_s - record["played_ms"] / 1000) < 0.5
            assert sounded_s < whole_s - 5
            assert speaker.state["player"]["state"] == "silent"


def planned_s(town: Town, playlist: str) -> float:
    stretches = town.fleet.officer.get(f"/playlists/{playlist}")["stretches"]
    return float(sum(each["duration_ms"] for each in stretches)) / 1000


KEPT = re.compile("từ 0:(0[1-4]) đến 0:(0[6-9]|1[0-4])")
"""Of eight to nineteen seconds, the two quarters in the middle. The browser reads it too: it knows no named groups."""


def test_a_recording_is_cut_and_only_what_was_kept_is_heard(town: Town, commune: Commune, figure: Figure):
    with town.at_work(f"thu-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as thu:
        page = thu.page
        thu.press(page.get_by_role("radio", name="Thu âm hoặc tệp"))
        thu.press(thu.button("Thu âm"))
        level = page.locator("[data-level]")
        eventually(lambda: level.evaluate("meter => meter.value") > 0.05, within_s=10, what="the voice moves the level")
        expect(page.locator("[data-clock]")).to_have_text(re.compile("^0:(08|09|1.)$"))
        thu.press(thu.button("Dừng thu"))
        expect(page.locator("[data-trim] path")).to_have_attribute("d", re.compile("^M0 "))
        thu.slide(page.get_by_label("Cắt bỏ trước"), 0.25)
        thu.slide(page.get_by_label("Cắt bỏ sau"), 0.75)
        expect(page.locator("[data-kept]")).to_have_text(KEPT)
        kept = KEPT.search(page.locator("[data-kept]").inner_text())
        assert kept is not None
        from_s, to_s = map(int, kept.groups())
        thu.write(page.get_by_label("Tiêu đề"), "Lời chủ tịch xã")
        assert thu.fits()
        clip = town.clip(thu, listened(town, thu))
        assert len(clip) / RATE_HZ == pytest.approx(to_s - from_s, abs=1.5), "the page says whole seconds"
        assert spoken(town.voice, [clip]) > ALIKE_THROUGH_A_MICROPHONE

        send_to(thu, commune)
        figure(thu.effort)
        airing = on_todays_list(thu, "Lời chủ tịch xã")
        each_of(
            commune.speakers,
            lambda speaker: likeness(clip, speaker, occurrence(airing)) > LIKE,
            within_s=60,
            what="the recording is heard",
        )


def test_an_old_announcement_is_found_without_marks_and_aired_again(town: Town, commune: Commune, figure: Figure):
    town.words(commune, "Tiêm phòng cho chó", "Ngày mai thú y xã tiêm phòng dại cho chó.")
    clip = town.words(commune, "Mời họp thôn Đông", "Mời bà con thôn Đông họp thôn tối thứ Bảy tại đình làng.")
    with town.at_work(f"tho-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as tho:
        page = tho.page
        tho.go("Kho bản tin")
        tho.write(page.get_by_label("Tìm trong tiêu đề và nội dung"), "hop thon dong")
        tho.press(tho.button("Tìm"))
        found = page.locator("[data-announcement]")
        expect(found).to_have_count(1)
        expect(found.get_by_role("heading", name="Mời họp thôn Đông")).to_be_visible()
        assert alike(clip, town.clip(tho, found.locator("audio"))) > LIKE
        tho.picture("library")
        assert tho.fits()

        tho.press(found.get_by_role("link", name="Dùng lại"))
        expect(page.get_by_label("Lời đọc")).to_have_value(re.compile("^Mời bà con thôn Đông"))
        expect(page.locator("#listen audio")).to_be_visible()
        send_to(tho, commune)
        figure(tho.effort)
        airing = on_todays_list(tho, "Mời họp thôn Đông")
        each_of(
            commune.speakers,
            lambda speaker: likeness(clip, speaker, occurrence(airing)) > LIKE,
            within_s=60,
            what="it is heard again",
        )


def test_a_weekly_broadcast_is_planned_in_plain_words_moved_and_put_back(town: Town, commune: Commune, figure: Figure):
    title = "Dọn vệ sinh mỗi tuần"
    monday = next_monday()
    town.words(commune, title, CLEANING)
    town.airs(commune, "Tin buổi sáng", CLEANING, at=datetime(monday.year, monday.month, monday.day, 7, tzinfo=HANOI))
    with town.at_work(f"nga-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as nga:
        page = nga.page
        nga.go("Lịch phát")
        nga.press(page.get_by_role("link", name="Lịch mới"))
        nga.choose(page.get_by_label("Chương trình hoặc bản tin"), title)
        nga.press(page.get_by_role("checkbox", name=re.compile(f"^{commune.name}")).first)
        nga.write(page.get_by_label("Ngày đầu"), monday.isoformat())
        nga.write(page.get_by_label("Giờ", exact=True), "17:00")
        nga.choose(page.get_by_label("Lặp lại"), "Theo thứ trong tuần")
        nga.press(page.get_by_role("checkbox", name="Thứ Hai"))
        expect(page.get_by_text("Mỗi thứ 2 lúc 17:00")).to_be_visible()
        assert nga.fits()
        nga.press(nga.button("Lưu lại"))
        expect(page.get_by_text("Đã lưu.")).to_be_visible(timeout=60_000)
        figure(nga.effort)
        [kept] = [
            each for each in town.fleet.officer.list("/schedules") if each["title"] == title and here(each, commune)
        ]
        assert kept["rrule"] == "FREQ=WEEKLY;BYDAY=MO"

        nga.press(page.get_by_role("link", name="Xem trong lịch phát"))
        tuesday = monday + timedelta(days=1)
        slot = day(page, monday).locator(".slot").filter(has_text=title)
        expect(slot.locator("time")).to_have_text("17:00")
        if commune.on_phone:
            nga.press(slot.get_by_role("button", name="Dời…"))
        else:
            drag(nga, slot, day(page, tuesday))
        dialog = page.get_by_role("dialog", name=f"Dời “{title}”")
        if commune.on_phone:
            nga.write(dialog.get_by_label("Sang", exact=True), f"{tuesday}T17:00")
        expect(dialog.get_by_label("Sang", exact=True)).to_have_value(f"{tuesday}T17:00")
        nga.press(dialog.get_by_role("button", name="Chỉ lượt này"))
        expect(page.get_by_text(f"Đã dời sang 17:00 {tuesday:%d/%m/%Y}.")).to_be_visible()
        expect(day(page, tuesday).locator(".slot").filter(has_text=title)).to_have_count(1)
        expect(slot).to_have_count(0)
        nga.picture("calendar")
        assert nga.fits()

        nga.press(nga.button("Hoàn tác"))
        expect(page.get_by_text("Đã trở lại như trước.")).to_be_visible()
        expect(slot.locator("time")).to_have_text("17:00")
        expect(day(page, tuesday).locator(".slot").filter(has_text=title)).to_have_count(0)
        back = town.fleet.officer.get(f"/schedules/{kept['id']}")
        calendar = ("first_local", "rrule", "except_local", "extra_local")
        assert [back[name] for name in calendar] == [kept[name] for name in calendar]


def here(schedule: dict[str, object], commune: Commune) -> bool:
    return schedule["area_code"] == commune.code


def drag(person: Person, what: Locator, to: Locator) -> None:
    """Take something by its middle to the same height of another day."""
    what.scroll_into_view_if_needed()
    taken, aimed = what.bounding_box(), to.bounding_box()
    assert taken
    assert aimed
    mouse, y = person.page.mouse, taken["y"] + taken["height"] / 2
    mouse.move(taken["x"] + taken["width"] / 2, y)
    mouse.down()
    mouse.move(aimed["x"] + aimed["width"] / 2, y, steps=6)
    mouse.up()
    person.presses += 1


def test_who_speaks_live_is_heard_at_once_and_found_in_the_library(town: Town, commune: Commune, figure: Figure):
    everywhere = len(commune.speakers)
    with town.at_work(f"chi-{commune.kind}", "broadcaster", area=commune.code, on_phone=commune.on_phone) as chi:
        page = chi.page
        chi.go("Phát trực tiếp")
        chi.write(page.get_by_label("Tiêu đề"), "Nước sông lên nhanh")
        chi.press(page.get_by_role("checkbox", name=commune.name, exact=True))
        with page.expect_response("**/api/v1/live-sessions") as begun:
            chi.press(chi.button("Bấm để nói"))
        expect(page.get_by_text("Loa đang phát nhạc hiệu")).to_be_visible()
        expect(page.locator("[data-count]")).to_have_text(re.compile("^[0-9]$"))
        expect(page.get_by_text("Bạn đang phát trực tiếp")).to_be_visible()
        figure(chi.effort)
        session = f"live.{begun.value.json()['id']}"
        expect(page.get_by_text(f"{everywhere}/{everywhere} cụm loa đang phát lời bạn")).to_be_visible()
        chi.picture("microphone")
        assert chi.fits()

        def says_it(speaker: Speaker) -> bool:
            sounded = [each.samples for each in heard(speaker, session)]
            return spoken(town.voice, sounded) > ALIKE_THROUGH_A_MICROPHONE

        expect(page.locator("[data-elapsed]")).to_have_text(re.compile("^0:0[6-9]|^0:[1-5]"))
        each_of(commune.speakers, says_it, within_s=40, what="the voice is heard")
        assert not [each.id for each in town.elsewhere(commune) if heard(each, session)]
        chi.press(chi.button("Kết thúc"))
        expect(page.get_by_text("Bạn đã kết thúc")).to_be_visible()
        each_of(
            commune.speakers,
            lambda speaker: speaker.state["player"]["state"] == "silent",
            within_s=20,
            what="it is silent again",
        )

        chi.go("Kho bản tin")
        filed = page.locator("[data-announcement]").filter(has_text="Nước sông lên nhanh")
        expect(filed).to_have_count(1)
        eventually(
            lambda: page.reload() and filed.locator("audio").count(), within_s=30, every_s=1, what="it can be heard"
        )
        assert spoken(town.voice, [town.clip(chi, filed.locator("audio"))]) > ALIKE_THROUGH_A_MICROPHONE
