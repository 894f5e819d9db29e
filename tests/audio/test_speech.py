from pathlib import Path

import pytest

from audio.child import ChildLimits
from audio.errors import EngineFailed, NothingToSay, TooMuchText
from audio.speech import EspeakEngine, Voice
from tests.support.ears import from_bytes


def test_speech_is_loud_enough_and_never_clipped(tmp_path: Path):
    spoken = EspeakEngine().speak("Ủy ban nhân dân xã thông báo.", Voice.NORTH, 150, tmp_path / "a.pcm")
    sound = from_bytes(spoken.path.read_bytes())

    assert 1.0 < len(sound) / spoken.rate_hz < 6.0
    assert 0.2 < abs(sound).max() < 0.95


def test_what_looks_like_markup_is_read_not_obeyed(tmp_path: Path):
    engine = EspeakEngine()
    plain = engine.speak("một hai", Voice.NORTH, 150, tmp_path / "plain.pcm").path.stat().st_size
    marked = engine.speak('một <break time="60s"/> hai', Voice.NORTH, 150, tmp_path / "marked.pcm").path.stat().st_size

    assert plain < marked < plain + 10 * 44_100


def test_a_zero_byte_in_the_text_does_not_end_it(tmp_path: Path):
    engine = EspeakEngine()
    whole = engine.speak("một hai ba bốn", Voice.NORTH, 150, tmp_path / "a.pcm").path.stat().st_size
    torn = engine.speak("một hai\0ba bốn", Voice.NORTH, 150, tmp_path / "b.pcm").path.stat().st_size

    assert torn == pytest.approx(whole, rel=0.1)


def test_a_whole_page_after_page_is_read_to_its_end(tmp_path: Path):
    page = "Kính thưa bà con, sáng mai xã ta tiêm phòng cho trẻ em. "
    one = EspeakEngine().speak(page, Voice.SOUTH, 200, tmp_path / "one.pcm").path.stat().st_size
    many = EspeakEngine().speak(page * 300, Voice.SOUTH, 200, tmp_path / "many.pcm").path.stat().st_size

    assert len(page * 300) > 16_000
    assert many == pytest.approx(300 * one, rel=0.1)


def test_an_engine_that_takes_too_long_is_stopped_and_may_be_tried_again(tmp_path: Path):
    engine = EspeakEngine(ChildLimits(wall_s=0.001))

    with pytest.raises(EngineFailed, match="timeout") as failure:
        engine.speak("xin chào", Voice.NORTH, 150, tmp_path / "a.pcm")
    assert failure.value.transient


def test_an_engine_that_dies_is_said_so(tmp_path: Path):
    with pytest.raises(EngineFailed, match="espeak-ng"):
        EspeakEngine(ChildLimits(memory_mb=8)).speak("xin chào", Voice.NORTH, 150, tmp_path / "a.pcm")


def test_nothing_and_too_much_are_refused(tmp_path: Path):
    with pytest.raises(NothingToSay):
        EspeakEngine().speak("  \n", Voice.NORTH, 150, tmp_path / "a.pcm")
    with pytest.raises(TooMuchText):
        EspeakEngine().speak("a" * 200_000, Voice.NORTH, 150, tmp_path / "a.pcm")
