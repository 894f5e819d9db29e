"""Trouble with the sound's way to the speaker: a clear state, and recovery by itself."""

import shutil

import pytest

from tests.support.content_proxy import Mood
from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker

pytestmark = pytest.mark.parametrize("fleet", ["mosquitto"], indirect=True)


@pytest.fixture(scope="module")
def speaker(fleet: Fleet) -> Speaker:
    return fleet.speaker("duong-truyen")


def problems(speaker: Speaker) -> set[str]:
    return {problem["code"] for problem in speaker.state.get("problems", [])}


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        (Mood.ERROR_500, "Mời các hộ ra nhà văn hóa họp thôn tối nay."),
        (Mood.HALF_A_FILE, "Hợp tác xã báo lịch bơm nước vụ đông xuân."),
        (Mood.WRONG_BYTES, "Đoàn thanh niên dọn vệ sinh đường làng sáng chủ nhật."),
    ],
    ids=lambda value: value if isinstance(value, Mood) else "",
)
def test_while_the_content_server_fails_the_speaker_says_so_and_recovers(
    fleet: Fleet, speaker: Speaker, mood: Mood, words: str
):
    sound = fleet.sound(words)
    fleet.content.mood = mood
    try:
        airing = fleet.air(sound, speaker, in_s=16)
        eventually(lambda: fleet.content.seen[mood] > 0, within_s=10, what="it asks")
        eventually(
            lambda: sound.sha256 in speaker.state.get("missing", []), within_s=10, what="it says what is missing"
        )
        assert not speaker.is_ready_for(airing)
    finally:
        fleet.content.mood = Mood.GOOD
    eventually(lambda: speaker.is_ready_for(airing), within_s=25, what="it is ready by itself")
    eventually(lambda: speaker.outcomes(airing) == ["completed"], within_s=40, what="it is played")
    assert speaker.find(airing).likeness > 0.95


def test_a_deleted_cache_folder_is_filled_again(fleet: Fleet, speaker: Speaker):
    airing = fleet.air(fleet.sound("Bưu điện xã trả lương hưu từ ngày mồng mười."), speaker, in_s=15)
    eventually(lambda: speaker.is_ready_for(airing), within_s=10, what="it is ready")
    shutil.rmtree(speaker.agent.state_dir / "clips")

    eventually(lambda: speaker.outcomes(airing) == ["completed"], within_s=40, what="it is played all the same")
    assert speaker.find(airing).likeness > 0.95
