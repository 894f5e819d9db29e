"""Somebody speaks live: who may, what is signed and said, when it ends, and what is kept."""

import subprocess
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from audio.ffmpeg import executable
from controller.accounts.roles import Role
from controller.live.desk import FRAMES_PER_S_MAX, LiveDesk, Speaking
from controller.live.keeping import desk_of, speaking
from controller.live.recording import Recording
from controller.live.states import GAP, Ending, Standing, ending
from controller.monitoring.models import DeviceStateRow
from protocol.live import FrameKey, SealedFrame, is_speech
from protocol.messages import LiveSession
from protocol.signing import KeyRing, verify
from tests.support.controller import NOON, House, open_house
from tests.support.spoken import tone

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
LOUD, HUSHED = -20, -90


# --- when it ends


def standing(**more: Any) -> Standing:
    return Standing(**{"speak_at": NOON, "ends_at": NOON + 10 * MINUTE, **more})


def test_it_goes_on_while_somebody_speaks():
    now = NOON + 5 * MINUTE
    assert ending(standing(heard_at=now, loud_at=now), now, MINUTE) is None


def test_it_ends_at_its_limit_whoever_speaks():
    now = NOON + 10 * MINUTE
    assert ending(standing(heard_at=now, loud_at=now), now, MINUTE) is Ending.LIMIT


def test_it_survives_a_gap_of_five_seconds_and_no_long_one():
    spoken = standing(heard_at=NOON + MINUTE, loud_at=NOON + MINUTE)
    assert ending(spoken, NOON + MINUTE + 5 * SECOND, MINUTE) is None
    assert ending(spoken, NOON + MINUTE + GAP, MINUTE) is Ending.DISCONNECTED


def test_it_ends_when_nobody_says_anything_though_frames_come():
    now = NOON + 2 * MINUTE
    assert ending(standing(heard_at=now, loud_at=NOON + MINUTE), now, MINUTE) is Ending.SILENCE


def test_whoever_never_connects_is_waited_for_no_longer():
    assert ending(standing(), NOON + GAP - SECOND, MINUTE) is None
    assert ending(standing(), NOON + GAP, MINUTE) is Ending.DISCONNECTED


# --- what is kept


def seconds_in(path: Path) -> float:
    """How long ffmpeg finds it, without a complaint."""
    output = ("-f", "s16le", "-ac", "1", "-ar", "48000", "-")
    done = subprocess.run([str(executable()), "-v", "error", "-i", str(path), *output], capture_output=True, check=True)
    assert not done.stderr
    return len(done.stdout) / 2 / 48_000


def test_the_recording_is_opus_that_others_can_read(tmp_path: Path):
    recording = Recording(tmp_path / "a" / "s.opus")
    for opus in tone(125):
        recording.add(opus)
    recording.close()
    assert abs(seconds_in(recording.path) - 2.5) < 0.02


def test_after_a_kill_all_but_the_last_second_is_there(tmp_path: Path):
    recording = Recording(tmp_path / "s.opus")
    for opus in tone(140):
        recording.add(opus)
    assert seconds_in(recording.path) > 1.9


@pytest.mark.parametrize("opus", [b"", b"\x03abc", b"\x00abc", bytes(2000)])
def test_what_is_no_frame_of_speech_is_not_passed_on(opus: bytes):
    assert not is_speech(opus)


def test_what_an_encoder_makes_is_speech():
    assert all(is_speech(opus) for opus in tone(5))


# --- a session in a controller


class Wire:
    """A broker that keeps all it was told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.up = True

    async def say_now(self, topic: str, payload: bytes) -> bool:
        if self.up:
            self.said.append((topic, payload))
        return self.up

    def words(self, house: House) -> list[LiveSession]:
        """The signed words, verified."""
        keys = KeyRing([house.runtime.keys.signing.public])
        found = []
        for topic, payload in self.said:
            if SealedFrame.parse(payload) is None:
                target = "area:07339" if "/areas/" in topic else "device:tan-yen-1"
                found.append(verify(payload, LiveSession, audiences={target}, keys=keys, now=None).body)
        return found

    @property
    def frames(self) -> list[SealedFrame]:
        return [sealed for _, payload in self.said if (sealed := SealedFrame.parse(payload)) is not None]


@pytest.fixture
def wire(quiet_house: House) -> Wire:
    """Nothing runs behind the house: the desk looks when the test says so."""
    wire = Wire()
    desk_of(quiet_house.runtime, wire)
    return wire


@dataclass
class Press:
    """Somebody has pressed the button."""

    house: House
    officer: httpx.AsyncClient
    speaking: Speaking

    @property
    def desk(self) -> LiveDesk:
        return desk_of(self.house.runtime)

    async def speak(self, seconds: float, level: int = LOUD) -> None:
        """Say something; the desk looks every half second."""
        for number, opus in enumerate(islice(cycle(tone(50)), round(seconds * 50))):
            self.house.clock.advance(timedelta(milliseconds=20))
            await self.desk.take(self.speaking, level, opus)
            if number % 25 == 0:
                await self.desk.look()

    async def pass_by(self, seconds: float) -> None:
        """Nobody says anything."""
        for _ in range(round(seconds * 2)):
            self.house.clock.advance(timedelta(milliseconds=500))
            await self.desk.look()

    async def shown(self) -> Any:
        return (await self.officer.get(f"/api/v1/live-sessions/{self.speaking.id}")).json()


WISH = {"title": "Họp dân", "area_code": "07339", "targets": [{"kind": "area", "key": "07339"}]}


async def pressed(house: House, **more: Any) -> Press:
    await house.commune("07339", speakers=2)
    officer = await house.signed_in("07339")
    answer = await officer.post("/api/v1/live-sessions", json=WISH | more)
    assert answer.status_code == 201, answer.text
    speaking = desk_of(house.runtime)[answer.json()["id"]]
    assert speaking is not None
    return Press(house, officer, speaking)


async def test_frames_are_signed_by_the_key_that_the_signed_word_names(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    await press.speak(3)
    (word, *_) = wire.words(quiet_house)
    key = FrameKey.of(word.frame_key)
    frames = [sealed.opened(key) for sealed in wire.frames]
    assert [frame.number for frame in frames] == list(range(150))
    assert {topic for topic, _ in wire.said} == {"loa/1/areas/07339/live"}
    assert word.session == press.speaking.id


async def test_the_word_is_said_again_for_whoever_was_away(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    await press.speak(11)
    assert 5 <= len(wire.words(quiet_house)) <= 7
    assert not any(word.over for word in wire.words(quiet_house))


async def test_what_was_spoken_is_filed_as_an_announcement(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    await press.speak(5)
    await press.officer.post(f"/api/v1/live-sessions/{press.speaking.id}/end")
    await press.desk.look()
    shown = await press.shown()
    assert shown["ending"] == Ending.SPOKEN
    filed = (await press.officer.get(f"/api/v1/announcements/{shown['announcement_id']}")).json()
    assert (filed["title"], filed["category"], filed["author"]) == ("Họp dân", "Phát trực tiếp", "officer-07339")
    assert wire.words(quiet_house)[-1].over
    assert not press.desk.recording_of(press.speaking.id).exists()


async def test_after_the_end_nothing_more_is_passed_on_and_that_it_is_over_is_said_for_a_while(
    quiet_house: House, wire: Wire
):
    press = await pressed(quiet_house)
    await press.speak(3)
    await press.desk.end(press.speaking, Ending.SPOKEN)
    frames = len(wire.frames)
    await press.speak(6)
    assert len(wire.frames) == frames
    assert [word.over for word in wire.words(quiet_house)][-3:] == [True] * 3


@pytest.mark.parametrize(("level", "why"), [(HUSHED, Ending.SILENCE), (LOUD, Ending.LIMIT)])
async def test_it_ends_by_itself(quiet_house: House, wire: Wire, level: int, why: Ending):
    press = await pressed(quiet_house, limit_s=70)
    await press.speak(80, level)
    assert (await press.shown())["ending"] == why
    assert wire.words(quiet_house)[-1].over


async def test_a_microphone_that_is_gone_for_five_seconds_goes_on_and_for_longer_ends_it(
    quiet_house: House, wire: Wire
):
    press = await pressed(quiet_house)
    await press.speak(6)
    await press.pass_by(5)
    await press.speak(2)
    assert (await press.shown())["ending"] is None
    await press.pass_by(9)
    assert (await press.shown())["ending"] == Ending.DISCONNECTED


async def test_while_the_broker_is_away_it_is_told_that_nobody_is_reached(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    await press.speak(2)
    assert press.speaking.carried
    wire.up = False
    await press.speak(1)
    assert not press.speaking.carried


async def test_more_frames_than_speech_has_are_dropped(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    for opus in islice(cycle(tone(10)), 500):
        await press.desk.take(press.speaking, LOUD, opus)
    assert len(wire.frames) == FRAMES_PER_S_MAX


async def test_a_session_that_a_kill_left_open_is_closed_filed_and_said_to_be_over(tmp_path: Path):
    async with open_house(tmp_path / "data", services=()) as house:
        desk_of(house.runtime, Wire())
        press = await pressed(house)
        await press.speak(5)
        session_id = press.speaking.id
    wire = Wire()
    async with open_house(tmp_path / "data", services=()) as house:
        desk_of(house.runtime, wire)
        async with speaking(house.runtime):
            await desk_of(house.runtime).look()
            officer = await house.signed_in("07339", "another")
            shown = (await officer.get(f"/api/v1/live-sessions/{session_id}")).json()
            assert shown["ending"] == Ending.RESTARTED
            assert shown["announcement_id"]
            (word, *_) = wire.words(house)
            assert (word.session, word.over) == (session_id, True)


async def test_in_quiet_hours_nobody_speaks_and_is_told_what_to_do(quiet_house: House, wire: Wire):
    await quiet_house.commune("07339")
    await quiet_house.area("night", parent="07339", policy={"quiet_hours": [{"start": "11:00", "end": "13:00"}]})
    officer = await quiet_house.signed_in("night")
    wish = {**WISH, "area_code": "night", "targets": [{"kind": "area", "key": "night"}]}
    answer = await officer.post("/api/v1/live-sessions", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (409, "quiet_hours")
    assert not wire.said


async def test_where_broadcasts_need_approval_only_who_may_approve_speaks(quiet_house: House, wire: Wire):
    await quiet_house.commune("07339")
    await quiet_house.area("strict", parent="07339", policy={"approval": "second_person"})
    wish = {**WISH, "area_code": "strict", "targets": [{"kind": "area", "key": "strict"}]}
    speaker = await quiet_house.signed_in("strict", "speaker", roles=[Role.BROADCASTER])
    refused = await speaker.post("/api/v1/live-sessions", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (403, "needs_approval")
    chief = await quiet_house.signed_in("strict", "chief", roles=[Role.BROADCASTER, Role.APPROVER])
    assert (await chief.post("/api/v1/live-sessions", json=wish)).status_code == 201


async def test_nobody_speaks_to_a_neighbour(quiet_house: House, wire: Wire):
    await quiet_house.commune("07339")
    await quiet_house.commune("07340")
    officer = await quiet_house.signed_in("07339")
    answer = await officer.post("/api/v1/live-sessions", json={**WISH, "targets": [{"kind": "area", "key": "07340"}]})
    assert answer.status_code == 422
    assert not wire.said


async def test_who_hears_it_is_what_the_speakers_say(quiet_house: House, wire: Wire):
    press = await pressed(quiet_house)
    async with quiet_house.database.transaction() as session:
        session.add(DeviceStateRow(device_id="07339-1", online=True, on_air=f"live.{press.speaking.id}"))
    heard = (await press.officer.get(f"/api/v1/live-sessions/{press.speaking.id}/listeners")).json()
    assert (heard["speakers"], heard["hearing"]) == (2, 1)
    assert [each["device"] for each in heard["not_hearing"]] == ["07339-2"]
