"""People of two communes at their browsers; behind the pages a real controller, broker and speakers that record."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import numpy as np
from playwright.sync_api import Browser, Locator, Page, expect
from scipy.io import wavfile

from audio.ffmpeg import executable
from audio.speech import Studio
from loa.officer import Json
from tests.support.browser import PHONE, fits, opened_browser
from tests.support.controller import PASSWORD
from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker
from tests.support.sound import RATE_HZ, Recording, Samples, decode, find
from tests.support.speech import said

AT_A_DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
ON_A_PHONE: dict[str, Any] = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True}
PICTURES = os.environ.get("LOA_PICTURES")
"""A folder for pictures of the pages as they are passed; nothing: none are taken."""
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
VOICE = (
    "Kính thưa bà con! Tôi là Nguyễn Văn Bình, chủ tịch xã. Đêm qua nước sông lên nhanh. Bà con vùng bãi thu hoạch sớm "
    "hoa màu, đưa trâu bò lên đê, dự trữ nước sạch, kiểm tra lại dây chằng mái nhà. Trưởng thôn điểm danh người già và "
    "trẻ nhỏ trước sáu giờ chiều, rồi báo về uỷ ban. Xin cảm ơn bà con đã chú ý lắng nghe."
)
"""What every microphone hears, over and over."""
PIECE_S = 2
AUDIBLE = 0.003
LIKE = 0.8
"""The same sound, at another volume; other words reach 0.3."""
LOOK_S = 0.3
"""Looking into recordings takes time that speakers need."""
PATIENCE_MS = 30_000
"""A page waits for a whole controller, and speakers, on a machine that does other things too."""
PRESS_S, LETTER_S = 1.2, 0.2
"""The pace of a person who is neither new to the page nor in a hurry."""


@dataclass
class Person:
    """Somebody at a page, and what their hands have done there."""

    page: Page
    name: str
    on_phone: bool
    presses: int = 0
    fields: int = 0
    letters: int = 0
    complaints: list[str] = field(default_factory=list)

    def press(self, what: Locator) -> None:
        """One click or tap."""
        what.click()
        self.presses += 1

    def write(self, what: Locator, words: str) -> None:
        """Go into a field and type."""
        what.fill(words)
        self.presses += 1
        self.fields += 1
        self.letters += len(words)

    def choose(self, what: Locator, label: str) -> None:
        """Open a list and take one."""
        what.select_option(label=label)
        self.presses += 2
        self.fields += 1

    def slide(self, what: Locator, share: float) -> None:
        """Put a slider's handle at a share of its way, by a press on the spot."""
        what.scroll_into_view_if_needed()
        box = what.bounding_box()
        assert box is not None
        what.click(position={"x": box["width"] * share, "y": box["height"] / 2})
        self.presses += 1

    def mark_first_word(self, field: Locator) -> None:
        """Two clicks on a word, or a long press: counted as one."""
        field.press("Control+Home")
        field.press("Control+Shift+ArrowRight")
        self.presses += 1

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def go(self, name: str) -> None:
        """Follow a link of the menu, on a phone perhaps by way of «Khác»."""
        link = self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        if not link.first.is_visible():
            self.press(self.page.get_by_role("button", name="Khác", exact=True))
            link = self.page.get_by_role("dialog", name="Các trang khác").get_by_role("link", name=name, exact=True)
        self.press(link.first)

    def hold(self, name: str) -> None:
        """Press and keep pressing until it is done."""
        button = self.button(name)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            self.page.mouse.down()
            expect(self.button("Giữ tiếp")).to_be_visible()
        self.page.mouse.up()
        self.presses += 1

    def sign_in(self) -> None:
        """By name and password, where the page stands."""
        self.write(self.page.get_by_label("Tên đăng nhập"), self.name)
        self.write(self.page.get_by_label("Mật khẩu"), PASSWORD)
        self.press(self.page.get_by_role("main").get_by_role("button", name="Đăng nhập"))
        expect(self.page.locator("[data-link=live]")).to_be_attached()

    def fits(self) -> bool:
        """Whether nothing sticks out sideways."""
        return fits(self.page)

    @property
    def effort(self) -> str:
        """What it took so far, and how long that takes at a person's pace."""
        seconds = self.presses * PRESS_S + self.letters * LETTER_S
        return f"{self.presses} presses, {self.fields} fields, {self.letters} letters: {seconds:.0f} s"

    def picture(self, name: str, *, of: Locator | None = None) -> None:
        """Keep what is seen now, if somebody asked for pictures; `of`: with this in the middle."""
        if PICTURES is None:
            return
        if of is not None:
            of.evaluate("(node) => node.scrollIntoView({ block: 'center', behavior: 'instant' })")
        taken = self.page.screenshot(animations="disabled")
        save_small(taken, Path(PICTURES) / f"{name}{'-phone' if self.on_phone else ''}-vi.png")


def save_small(png: bytes, path: Path) -> None:
    """Write a screenshot in 256 colours: a fifth of its weight, and no eye sees it."""
    colours = "split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=0[p];[b][p]paletteuse=dither=none"
    command = [str(executable()), "-v", "error", "-y", "-f", "png_pipe", "-i", "pipe:0", "-lavfi", colours]
    subprocess.run([*command, "-pred", "mixed", "-update", "1", str(path)], input=png, check=True)


@dataclass(frozen=True)
class Commune:
    """Where one of the days is spent, at a screen of one kind."""

    code: str
    name: str
    on_phone: bool
    speakers: list[Speaker]

    @property
    def kind(self) -> str:
        return "phone" if self.on_phone else "desk"


PLACES = {
    "desk": ("07339", "Xã Tân Yên", (
        ("dinh-lang-dong", "Đình làng Đông", 21.3885, 106.1281),
        ("nha-van-hoa", "Nhà văn hoá thôn Trung", 21.3931, 106.1352),
        ("cho-sau", "Chợ Sậu", 21.3967, 106.1243),
    )),
    "phone": ("07306", "Xã Nhã Nam", (
        ("truong-hoc", "Trường học Nhã Nam", 21.4512, 106.0987),
        ("doi-phu", "Đồi Phủ", 21.4548, 106.1041),
    )),
}  # fmt: skip


class Town:
    """Two communes with speakers, and whoever works there."""

    def __init__(self, fleet: Fleet, chromium: Browser, voice: Samples) -> None:
        self.fleet = fleet
        self.voice = voice
        self._chromium = chromium
        self.communes = {
            kind: Commune(code, name, kind == "phone", [self._speaker(code, *each) for each in speakers])
            for kind, (code, name, speakers) in PLACES.items()
        }
        for commune in self.communes.values():
            for speaker in commune.speakers:
                fleet.is_up(speaker)

    def _speaker(self, area: str, name: str, title: str, lat: float, lon: float) -> Speaker:
        return self.fleet.begin({"id": name, "name": title, "area_code": area, "lat": lat, "lon": lon})

    def invite(self, name: str, *roles: str, area: str) -> str:
        """Add somebody; return where the one-time link leads, as the administrator hands it over."""
        chosen = [word for role in roles for word in ("--role", role)]
        self.fleet.controller.command("user", "add", name, "--area", area, *chosen)
        link = self.fleet.controller.command("user", "link", name).split()[0]
        return f"{self.fleet.controller.url}{urlsplit(link).path}"

    @contextmanager
    def newcomer(self, name: str, *roles: str, area: str, on_phone: bool) -> Iterator[Person]:
        """Somebody whose browser is open where the invitation leads."""
        link = self.invite(name, *roles, area=area)
        context = self._chromium.new_context(
            **(ON_A_PHONE if on_phone else AT_A_DESK),
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            reduced_motion="reduce",
            permissions=["microphone"],
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        person = Person(page, name, on_phone)
        page.on("pageerror", lambda error: person.complaints.append(str(error)))
        page.on("console", lambda said: person.complaints.append(said.text) if said.type == "error" else None)
        page.goto(link)
        try:
            yield person
            assert person.complaints == [], person.complaints
        finally:
            context.close()

    @contextmanager
    def at_work(self, name: str, *roles: str, area: str, on_phone: bool) -> Iterator[Person]:
        """Somebody who has a password and is signed in; what that took is not counted."""
        with self.newcomer(name, *roles, area=area, on_phone=on_phone) as person:
            choose_password(person)
            person.sign_in()
            person.presses = person.fields = person.letters = 0
            yield person

    def loses(self, speaker: Speaker) -> None:
        """A power cut at a pole, and the centre has noticed."""
        speaker.agent.kill()
        eventually(lambda: not self.online(speaker), within_s=30, what=f"{speaker.id} is missed")

    def is_whole(self) -> None:
        """Every pole has power: what one test broke does not harm the next."""
        for commune in self.communes.values():
            for speaker in commune.speakers:
                speaker.agent.start()
        for commune in self.communes.values():
            for speaker in commune.speakers:
                eventually(lambda speaker=speaker: self.online(speaker), within_s=60, what=f"{speaker.id} is back")

    def asks_for_approval(self, commune: Commune, approval: str) -> None:
        """Set who has to agree before something airs there."""
        self.fleet.officer.change(f"/areas/{commune.code}", {"policy": {"approval": approval}})

    def airs(self, commune: Commune, title: str, words: str, *, in_s: float = 0, at: datetime | None = None) -> str:
        """Have a colleague schedule an announcement there in some seconds, or at a moment; return the occurrence."""
        officer = self.fleet.officer
        announcement = officer.announce(title, words, area=commune.code)
        playlist = officer.playlist(title, [announcement["id"]], area=commune.code, chime=False)
        at = (at or datetime.now(UTC) + timedelta(seconds=in_s + 1)).replace(microsecond=0)
        made = officer.schedule(title, playlist["id"], area=commune.code, at=at, areas=[commune.code], staggered=False)
        return f"{made['id']}.{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def words(self, commune: Commune, title: str, words: str) -> Samples:
        """Have a colleague put an announcement into the library; return its sound."""
        made = self.fleet.officer.announce(title, words, area=commune.code)
        return decode(self.fleet.officer.listen(made["listen_url"]))

    def elsewhere(self, commune: Commune) -> list[Speaker]:
        """The speakers of the other commune."""
        return [speaker for each in self.communes.values() if each is not commune for speaker in each.speakers]

    def online(self, speaker: Speaker) -> bool:
        """Whether the controller hears it."""
        return bool(self.fleet.officer.get(f"/devices/{speaker.id}/state")["online"])

    def clip(self, person: Person, player: Locator) -> Samples:
        """The sound behind a player on a page, as its browser gets it."""
        source = player.evaluate("(audio) => audio.currentSrc || audio.src")
        return decode(person.page.request.get(source).body())

    def records(self, speaker: Speaker, occurrence: str) -> list[Json]:
        """What it says that it played of a broadcast."""
        return self.fleet.records(device=speaker.id, occurrence=occurrence)


def choose_password(person: Person) -> None:
    """What the invitation asks for."""
    person.write(person.page.get_by_label("Mật khẩu mới"), PASSWORD)
    person.press(person.button("Lưu mật khẩu"))


def heard(speaker: Speaker, of: str) -> list[Recording]:
    """What it sounded of something, all that it sounded if `of` is empty; silence is not heard."""
    return [each for each in speaker.recordings if each.occurrence.startswith(of) and loudness(each.samples) > AUDIBLE]


def loudness(samples: Samples) -> float:
    """Root mean square, full scale is 1."""
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


def likeness(clip: Samples, speaker: Speaker, of: str) -> float:
    """How much something in what it sounded is like the first seconds of a clip: a busy machine may tear the rest."""
    return max((alike(clip, each.samples) for each in heard(speaker, of)), default=0.0)


def alike(clip: Samples, other: Samples) -> float:
    """How much something in a sound is like the first seconds of a clip."""
    return find(clip[: 2 * RATE_HZ], Recording(Path(), "", datetime.now(UTC), other)).likeness


def spoken(voice: Samples, sounded: list[Samples]) -> float:
    """How much something that sounded is like some seconds of a voice, wherever in it."""
    size = PIECE_S * RATE_HZ
    pieces = [voice[begin : begin + size] for begin in range(0, len(voice) - size, size)]
    return max((alike(piece, each) for piece in pieces for each in sounded if len(each) >= size), default=0.0)


def voice_of(words: str, path: Path) -> Samples:
    """Read words aloud into a file that a browser's microphone can hear, and return them at our rate."""
    studio = Studio()
    heard = said(words, studio.cast().voice, studio=studio)
    wavfile.write(path, heard.rate_hz, np.frombuffer(bytes(heard.raw), "<i2"))
    return decode(path)


def each_of(speakers: list[Speaker], check: Callable[[Speaker], object], *, within_s: float, what: str) -> None:
    """Wait until it is true of every one."""
    for speaker in speakers:
        what_of_it = f"{speaker.id}: {what}"
        eventually(lambda speaker=speaker: check(speaker), within_s=within_s, every_s=LOOK_S, what=what_of_it)


@contextmanager
def open_town(folder: Path) -> Iterator[Town]:
    """Start everything; a voice of half a minute speaks into every microphone."""
    voice = voice_of(VOICE, folder / "voice.wav")
    with (
        Fleet("mosquitto", folder / "fleet", env={"LOA_LEAD_S": "6"}).running() as fleet,
        opened_browser(voice=folder / "voice.wav") as chromium,
    ):
        expect.set_options(timeout=PATIENCE_MS)
        yield Town(fleet, chromium, voice)
        expect.set_options(timeout=None)
