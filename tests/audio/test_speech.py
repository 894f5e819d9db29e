import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from audio.child import ChildLimits
from audio.errors import EngineFailed, NothingToSay, NoVoice, TooMuchText
from audio.speech import EspeakEngine, Gender, OnSamples, Region, Sentence, Studio, named, script
from audio.speech.espeak import (
    CENTRAL,
    CENTRAL_FEMALE,
    ENGLISH,
    ENGLISH_FEMALE,
    NORTH,
    NORTH_FEMALE,
    SOUTH,
    SOUTH_FEMALE,
    VOICES,
)
from tests.support.speech import FakeEngine, Heard, pitch_hz, said

NEWS = "Kính thưa bà con, Ủy ban nhân dân xã thông báo lịch tiêm phòng cho trẻ em."
OWN = named("own", "ngoc", "vi", Gender.FEMALE, Region.SOUTHERN, title="Ngọc")
ONE_WORD = (Sentence("xin chào", 0),)


@pytest.mark.parametrize(
    ("woman", "man"),
    [(NORTH_FEMALE, NORTH), (CENTRAL_FEMALE, CENTRAL), (SOUTH_FEMALE, SOUTH), (ENGLISH_FEMALE, ENGLISH)],
    ids=lambda voice: voice.id,
)
def test_a_woman_speaks_higher_than_a_man_of_her_region(woman, man):
    text = NEWS if woman.language == "vi" else "The commune announces the vaccination of children."
    high, low = pitch_hz(said(text, woman)), pitch_hz(said(text, man))

    assert 80 < low < 135
    assert 135 < high < 240
    assert high > 1.25 * low


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.id)
def test_every_voice_is_loud_enough_and_never_clipped(voice):
    text = {"vi": NEWS, "en": "Good morning, everybody.", "cmn": "人民委员会通知", "yue": "人民委員會通知"}[
        voice.language
    ]
    heard = said(text, voice)

    assert 0.2 < np.abs(heard.samples).max() < 0.95
    assert heard.seconds > 0.8


def test_the_three_regions_sound_different():
    assert len({bytes(said("Mạnh khỏe, vui vẻ.", voice).raw) for voice in (NORTH, CENTRAL, SOUTH)}) == 3


def test_speed_is_heard_and_pauses_follow_it():
    slow, fast = (said("Một hai ba bốn. Năm sáu bảy tám.", NORTH, speed_wpm=speed) for speed in (100, 220))

    assert slow.seconds > 1.6 * fast.seconds
    assert max(slow.pauses_s) > 1.6 * max(fast.pauses_s)


@pytest.mark.parametrize(
    ("between", "pause_s"),
    [(". ", 0.43), ("\n", 0.72), ("\n\n", 1.3), ("\n \n\n", 1.3), (" [nghỉ 2 giây] ", 2.0), ("[NGHỈ 1,5 giây]", 1.5)],
)
def test_a_pause_is_as_long_as_it_was_written(between, pause_s):
    heard = said(f"Một hai{between}ba bốn", NORTH)

    assert max(heard.pauses_s) == pytest.approx(pause_s, abs=0.15)


def test_a_pause_is_never_read_out():
    assert [each.text for each in script("Một [nghỉ 2 giây] hai [nghỉ] [pause 3s]")] == ["một.", "hai."]
    assert [each.pause_ms for each in script("Một [nghỉ 90 giây] hai [nghỉ]")] == [30_000, 0]


def test_a_text_in_decomposed_letters_pauses_and_reads_the_same():
    text = "Thôn Đông [nghỉ 2 giây] thôn Đoài"
    assert script(unicodedata.normalize("NFD", text)) == script(text)


def test_a_dictionary_speaks_for_its_place_in_other_languages_too():
    (sentence,) = script("Meet at NVH, not NVHX.", "en", {"NVH": "the culture house", "NVHX": "the gate"})

    assert sentence.text == "Meet at the culture house, not the gate."


def test_what_looks_like_markup_is_read_not_obeyed():
    plain, marked = said("một hai", NORTH), said('một <break time="60s"/> hai', NORTH)

    assert plain.seconds < marked.seconds < plain.seconds + 10


def test_a_zero_byte_in_the_text_does_not_end_it():
    assert said("một hai\0ba bốn", NORTH).seconds == pytest.approx(said("một hai ba bốn", NORTH).seconds, rel=0.15)


def test_a_whole_page_after_page_is_read_to_its_end():
    page = "Kính thưa bà con, sáng mai xã ta tiêm phòng cho trẻ em. "
    one, many = (said(page * times, SOUTH, speed_wpm=200).seconds for times in (1, 300))

    assert len(page * 300) > 16_000
    assert many == pytest.approx(300 * one, rel=0.15)


def test_an_engine_that_takes_too_long_is_stopped_and_may_be_tried_again():
    with pytest.raises(EngineFailed, match="timeout") as failure:
        EspeakEngine(ChildLimits(wall_s=0.001)).speak(ONE_WORD, NORTH, 150, Heard())
    assert failure.value.transient


def test_an_engine_that_dies_is_said_so():
    with pytest.raises(EngineFailed, match="espeak-ng"):
        EspeakEngine(ChildLimits(memory_mb=8)).speak(ONE_WORD, NORTH, 150, Heard())


def test_who_gives_up_in_mid_sentence_stops_the_engine():
    class Enough(Exception):
        pass

    def give_up(_samples: bytes, _rate_hz: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        Studio().speak(NEWS * 100, NORTH, give_up)


def test_nothing_and_too_much_are_refused():
    with pytest.raises(NothingToSay):
        said("  \n [nghỉ 2 giây] …", NORTH)
    with pytest.raises(TooMuchText):
        said("a" * 20_001, NORTH)


def test_a_full_disk_is_said_and_leaves_no_child():
    with pytest.raises(OSError, match="No space"):
        Studio().speak_to(Path("/dev/full"), NEWS * 50, NORTH)


@pytest.mark.parametrize(
    ("stored", "voice"), [("vi", NORTH), ("vi-vn-x-central", CENTRAL), ("vi-vn-x-south", SOUTH), (None, NORTH)]
)
def test_voices_stored_before_there_were_engines_are_still_understood(stored, voice):
    casting = Studio().cast(stored)

    assert casting.voice == voice
    assert not casting.note_vi


def test_a_voice_that_is_gone_is_replaced_and_that_is_said():
    casting = Studio().cast("piper:vais1000")

    assert casting.voice == NORTH
    assert "piper:vais1000" in casting.note_vi
    assert "piper:vais1000" in casting.note_en
    assert Studio().cast("piper:lessac", "en").voice == ENGLISH


@pytest.mark.parametrize("language", ["tyz", "blt", "hmn", "km"])
def test_a_language_that_nobody_reads_asks_for_a_recording(language):
    with pytest.raises(NoVoice, match="Record"):
        Studio().cast(None, language)


def _beeps(_sentences: object, on_samples: OnSamples) -> None:
    on_samples(b"\x00\x40\x00\xc0" * 8000, 16_000)


def _dies(_sentences: object, _on_samples: OnSamples) -> None:
    raise EngineFailed(engine="own", detail="died")


def _is_silent(_sentences: object, on_samples: OnSamples) -> None:
    on_samples(bytes(32_000), 16_000)


def _never_ends(_sentences: object, on_samples: OnSamples) -> None:
    while True:
        on_samples(b"\x00\x40" * 16_000, 16_000)


def test_any_rate_an_engine_speaks_at_reaches_the_file(tmp_path):
    spoken = Studio([FakeEngine("own", OWN, _beeps)]).speak_to(tmp_path / "a.pcm", "Xin chào", OWN)

    assert spoken.rate_hz == 16_000
    assert spoken.path.stat().st_size == 32_000


def test_silence_is_no_speech():
    with pytest.raises(EngineFailed, match="silence"):
        said("Xin chào", OWN, studio=Studio([FakeEngine("own", OWN, _is_silent)]))


def test_speech_without_end_is_stopped():
    with pytest.raises(TooMuchText):
        Studio([FakeEngine("own", OWN, _never_ends)]).speak("Xin chào", OWN, lambda _samples, _rate_hz: None)


def test_a_broken_engine_rests_after_three_failures_while_others_read_on():
    now = 0.0
    engine = FakeEngine("own", OWN, _dies)
    studio = Studio([engine], clock=lambda: now)
    for _ in range(5):
        with pytest.raises(EngineFailed):
            said("Xin chào", OWN, studio=studio)
    assert engine.calls == 3
    assert said("Xin chào", NORTH, studio=studio).seconds > 0.3

    now, engine.act = 61.0, _beeps
    assert said("Xin chào", OWN, studio=studio).seconds == 1.0


def test_twenty_thousand_characters_take_no_more_memory_than_two_hundred():
    def peak_bytes(text: str) -> int:
        tracemalloc.start()
        try:
            Studio().speak(text, NORTH, lambda _samples, _rate_hz: None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short = "Kính thưa bà con, sáng mai xã ta tiêm phòng cho trẻ em. " * 3
    peak_bytes(short)

    assert peak_bytes((short * 200)[:20_000]) < peak_bytes(short) + 4_000_000
