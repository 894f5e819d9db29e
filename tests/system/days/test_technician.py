"""The technician's day: a pole is dead, why, since when, what can be done from here; and it comes back."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from audio.signals import tone
from controller.incidents.edges import PASSING
from loa.officer import Json
from tests.support.days import HANOI, Commune, Person, Town, each_of, heard, loudness
from tests.support.eventually import eventually
from tests.support.fleet import Speaker
from tests.support.recordings import make_recording
from tests.support.sound import RATE_HZ, Samples

Figure = Callable[[str], None]
TONE_S = 2
WEATHER = "Dự báo thời tiết. Ngày mai trời nắng, gió nhẹ, nhiệt độ cao nhất hai mươi tám độ. Bà con phơi thóc được."
NO_SIGNAL = "Không còn tín hiệu: mất điện hoặc mất mạng"


@pytest.fixture(scope="module")
def dead(town: Town) -> Iterator[dict[str, Speaker]]:
    """One pole in each commune has lost its power, and the centre has noticed."""
    town.is_whole()
    poles = {kind: commune.speakers[0] for kind, commune in town.communes.items()}
    for pole in poles.values():
        pole.agent.kill()
    each_of(list(poles.values()), lambda pole: not town.online(pole), within_s=30, what="it is missed")
    yield poles
    town.is_whole()


@pytest.fixture(params=["desk", "phone"])
def commune(town: Town, request: pytest.FixtureRequest) -> Commune:
    """As it is: what is dead there stays dead."""
    found: Commune = town.communes[request.param]
    return found


@pytest.fixture
def pole(dead: dict[str, Speaker], commune: Commune) -> Speaker:
    """The one that is dead."""
    return dead[commune.kind]


@pytest.fixture
def healthy(town: Town, commune: Commune) -> Speaker:
    """One that nothing is wrong with."""
    speaker = commune.speakers[-1]
    eventually(lambda: town.online(speaker), within_s=60, what=f"{speaker.id} is there")
    return speaker


def name_of(town: Town, speaker: Speaker) -> str:
    found: Json = town.fleet.officer.get(f"/devices/{speaker.id}")
    return str(found["name"])


def since(town: Town, speaker: Speaker) -> datetime:
    """When its last incident began."""
    return datetime.fromisoformat(town.fleet.officer.list(f"/devices/{speaker.id}/incidents")[0]["began_at"])


def opened(town: Town, person: Person, speaker: Speaker) -> Page:
    """Its page, by way of the first page."""
    person.press(person.page.locator(f"#speaker-{speaker.id}").get_by_role("link", name=name_of(town, speaker)))
    expect(person.page.get_by_role("heading", name=name_of(town, speaker), level=1)).to_be_visible()
    return person.page


def seen_on_the_map(page: Page, tone: str) -> dict[str, float]:
    """Where the eye finds a state's colour on the map: the middle of it, from the map's own corner."""
    found: dict[str, float] | None = page.locator(".map").evaluate(
        """(map, tone) => {
            const canvas = map.querySelector("canvas");
            const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`).trim();
            const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            let [count, x, y] = [0, 0, 0];
            for (let at = 0; at < width * height; at++) {
                if (data[4 * at] !== red || data[4 * at + 1] !== green || data[4 * at + 2] !== blue) continue;
                [count, x, y] = [count + 1, x + (at % width), y + Math.floor(at / width)];
            }
            if (!count) return null;
            const [drawn, shown] = [canvas.getBoundingClientRect(), map.getBoundingClientRect()];
            return {
                x: drawn.x - shown.x + (x / count / width) * drawn.width,
                y: drawn.y - shown.y + (y / count / height) * drawn.height,
            };
        }""",
        tone,
    )
    assert found is not None, f"nothing on the map has the colour of {tone}"
    return found


def cause_is_told(where: Locator, began: datetime) -> None:
    expect(where).to_contain_text(NO_SIGNAL)
    expect(where).to_contain_text(f"{began.astimezone(HANOI):%H:%M}")


def test_a_dead_pole_is_red_on_the_first_page_and_tells_why_in_one_press(
    town: Town, commune: Commune, pole: Speaker, figure: Figure
):
    with town.at_work(f"dung-{commune.kind}", "technician", area=commune.code, on_phone=commune.on_phone) as dung:
        card = dung.page.locator(f"#speaker-{pole.id}")
        expect(card).to_have_attribute("data-tone", "away")
        expect(card).to_contain_text("Mất kết nối từ")
        page = opened(town, dung, pole)
        cause = page.locator("#causes [data-cause=offline]")
        cause_is_told(cause, since(town, pole))
        expect(cause).to_contain_text("có điện không")  # and what to do
        figure(dung.effort)
        assert dung.presses == 1
        expect(page.locator("#incidents")).to_contain_text(NO_SIGNAL)
        expect(page.locator("[data-health]")).to_have_attribute("data-drawn", "yes")
        dung.picture("speaker")
        assert dung.fits()

        dung.press(dung.button("Tôi lo việc này"))
        expect(page.locator("#incidents")).to_contain_text(f"dung-{commune.kind} đang lo việc này")


def test_the_list_and_the_map_show_which_pole_is_dead_and_why(
    town: Town, commune: Commune, pole: Speaker, figure: Figure
):
    began = since(town, pole)
    with town.at_work(f"khoa-{commune.kind}", "technician", area=commune.code, on_phone=commune.on_phone) as khoa:
        page = khoa.page
        khoa.go("Cụm loa")
        row = page.locator("[data-speaker]").first  # the worst stands first
        expect(row).to_have_attribute("data-speaker", pole.id)
        expect(row).to_have_attribute("data-tone", "away")
        cause_is_told(row, began)
        assert khoa.fits()

        khoa.press(page.get_by_role("link", name="Bản đồ", exact=True))
        box = page.locator("[data-map]")
        everywhere = len(commune.speakers)
        expect(box).to_have_attribute("data-marks", ", ".join(["good 1"] * (everywhere - 1) + ["away 1"]))
        box.click(position=seen_on_the_map(page, "away"))
        khoa.presses += 1
        card = page.locator(".leaflet-popup")
        expect(card).to_contain_text(name_of(town, pole))
        expect(card).to_contain_text("Mất kết nối")
        cause_is_told(card, began)
        figure(khoa.effort)
        card.get_by_role("link").click(trial=True)  # the map stands still
        khoa.picture("map")
        assert khoa.fits()
        khoa.press(card.get_by_role("link"))
        expect(page.locator("#causes [data-cause=offline]")).to_be_visible()


def pitch_hz(samples: Samples) -> float:
    """Where most of a sound is."""
    return float(np.argmax(np.abs(np.fft.rfft(samples)))) * RATE_HZ / len(samples)


def tones(speaker: Speaker) -> list[float]:
    """How loud each test tone was that it sounded to its end: late, it plays a little faster to catch up."""
    sent = np.frombuffer(tone(TONE_S), "<i2").astype(np.float32) / 32768
    whole = [each for each in heard(speaker, "test_tone") if each.seconds > TONE_S - 0.1]
    assert [pitch_hz(each.samples) for each in whole] == [pytest.approx(pitch_hz(sent), rel=0.01)] * len(whole)
    return [loudness(each.samples) for each in whole]


def test_a_test_tone_is_heard_and_softer_once_the_volume_is_turned_down(
    town: Town, commune: Commune, healthy: Speaker, figure: Figure
):
    with town.at_work(f"quan-{commune.kind}", "technician", area=commune.code, on_phone=commune.on_phone) as quan:
        page = opened(town, quan, healthy)
        done = page.locator("[data-order]").filter(has_text="đã làm")
        quan.press(quan.button("Phát tiếng thử"))
        expect(done.filter(has_text="Âm thử")).to_have_count(1)
        [usual] = eventually(lambda: tones(healthy), within_s=10, what="the tone is heard")

        quan.write(page.get_by_label("Âm lượng (%)"), "30")
        quan.press(quan.button("Đặt"))
        expect(done.filter(has_text="Âm lượng 30 %")).to_have_count(1)
        quan.press(quan.button("Phát tiếng thử"))
        expect(done.filter(has_text="Âm thử")).to_have_count(2)
        figure(quan.effort)
        _, soft = eventually(
            lambda: found if len(found := tones(healthy)) == 2 else None, within_s=10, what="it is heard again"
        )
        assert soft < usual / 2
        assert quan.fits()


def test_the_page_of_a_speaker_follows_what_it_plays(town: Town, commune: Commune, healthy: Speaker):
    tomorrow = (datetime.now(HANOI) + timedelta(days=1)).replace(hour=17, minute=30)
    town.airs(commune, "Lịch cấp nước", WEATHER, at=tomorrow)
    with town.at_work(f"son-{commune.kind}", "technician", area=commune.code, on_phone=commune.on_phone) as son:
        page = opened(town, son, healthy)
        coming = page.get_by_role("region", name="Sắp phát")
        expect(coming).to_contain_text("Lịch cấp nước")
        expect(coming).to_contain_text("17:30")
        name = town.airs(commune, "Dự báo thời tiết", WEATHER, in_s=5)
        expect(page.locator(".speaker-head")).to_contain_text("Đang phát: Dự báo thời tiết")
        assert heard(healthy, name)
        played = page.get_by_role("region", name="Vừa phát")
        expect(played.get_by_role("listitem").first).to_contain_text("Dự báo thời tiết")
        expect(page.locator(".speaker-head")).to_have_attribute("data-tone", "good")
        assert son.fits()

        son.press(page.get_by_role("link", name="Xem đủ những ngày tới"))
        expect(page.get_by_role("heading", name=f"{name_of(town, healthy)} sẽ phát gì?")).to_be_visible()
        line = page.get_by_role("listitem").filter(has_text="Lịch cấp nước")
        expect(line.locator("time")).to_have_text(f"{tomorrow:%H:%M:%S}")
        assert son.fits()


def test_a_note_a_photo_and_a_label_stay_with_the_speaker(
    town: Town, commune: Commune, healthy: Speaker, tmp_path: Path
):
    photo = make_recording(tmp_path / "hop-loa.jpg", "-frames:v", "1", sound="testsrc=size=640x480")
    with town.at_work(f"kien-{commune.kind}", "technician", area=commune.code, on_phone=commune.on_phone) as kien:
        page = opened(town, kien, healthy)
        note = page.get_by_label("Chìa khoá ở đâu")
        kien.write(note, "Chìa khoá ở nhà ông Tư. Đã thay cầu chì 5 A.")
        kien.press(page.locator("#note").get_by_role("button", name="Lưu"))
        page.get_by_label("Ảnh JPEG, PNG hoặc WebP").set_input_files(photo)
        kien.press(kien.button("Thêm ảnh"))
        shown = page.get_by_role("img", name="Ảnh cụm loa")
        shown.scroll_into_view_if_needed()
        eventually(
            lambda: shown.evaluate("(image) => image.complete && image.naturalWidth") == 640,
            within_s=10,
            what="the photo is seen",
        )
        expect(page.locator("#photos")).to_contain_text(f"kien-{commune.kind}")
        assert kien.fits()

        kien.press(page.get_by_role("link", name="Nhãn có mã QR"))
        expect(page.locator(".label svg")).to_be_visible()
        expect(page.locator(".label")).to_contain_text(healthy.id)
        expect(page.locator(".label")).to_contain_text(f"/speakers/{healthy.id}")
        assert kien.fits()
        kien.press(page.get_by_role("link", name="Về trang cụm loa"))
        expect(note).to_have_value("Chìa khoá ở nhà ông Tư. Đã thay cầu chì 5 A.")
        expect(shown).to_have_count(1)


def test_a_pole_that_is_back_turns_green_on_the_open_page(town: Town, commune: Commune, pole: Speaker):
    began = since(town, pole)
    eventually(lambda: datetime.now(UTC) > began + PASSING, within_s=120, every_s=1, what="it was away for long enough")
    with town.at_work(f"hai-{commune.kind}", "technician", area=commune.code, on_phone=commune.on_phone) as hai:
        page = opened(town, hai, pole)
        head = page.locator(".speaker-head")
        expect(head).to_have_attribute("data-tone", "away")
        typed = page.get_by_label("Chìa khoá ở đâu")
        hai.write(typed, "đang viết dở")
        pole.agent.start()
        expect(head).to_have_attribute("data-tone", "good", timeout=60_000)
        expect(page.locator("#causes")).to_have_count(0)
        expect(page.locator("#incidents li").first).to_contain_text(f"{began.astimezone(HANOI):%H:%M} đến ")
        expect(typed).to_have_value("đang viết dở")  # nothing was loaded anew
        assert hai.fits()
