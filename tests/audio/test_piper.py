"""Piper's real loading code, with a voice of our own making."""

import time
from pathlib import Path

import pytest

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.speech import Gender, PiperEngine, Region, Sentence, Studio
from tests.support.children import running
from tests.support.piper_voice import RATE_HZ, make_voice
from tests.support.speech import Heard, pitch_hz, said

TEXT = "Sáng mai, nhân dân thôn Đông tập trung tại nhà văn hóa. Xin cảm ơn bà con."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    make_voice(folder, "vi_VN-lan-medium", gender="female", region="southern", title="Lan")
    return folder


@pytest.fixture
def studio(folder: Path) -> Studio:
    return Studio([PiperEngine(folder)])


def test_a_voice_in_the_folder_is_offered_as_it_describes_itself(studio):
    voice = studio.cast("piper:vi_VN-lan-medium").voice

    assert (voice.language, voice.gender, voice.region) == ("vi", Gender.FEMALE, Region.SOUTHERN)
    assert voice.vi == "Lan: Giọng nữ, miền Nam"
    assert studio.voices()[0].engine == "espeak"


def test_the_model_is_really_run_at_its_own_rate_with_our_pauses(studio):
    heard = said(TEXT, studio.cast("piper:vi_VN-lan-medium").voice, studio=studio)

    assert heard.rate_hz == RATE_HZ
    assert pitch_hz(heard) == pytest.approx(220, rel=0.02)
    assert 0.5 < abs(heard.samples).max() < 0.95
    assert heard.pauses_s == [pytest.approx(0.43, abs=0.01)]


def test_the_same_text_gives_the_same_bytes(studio):
    voice = studio.cast("piper:vi_VN-lan-medium").voice

    assert said(TEXT, voice, studio=studio).raw == said(TEXT, voice, studio=studio).raw


def test_speed_stretches_the_model(studio):
    voice = studio.cast("piper:vi_VN-lan-medium").voice
    slow, fast = (said("Xin chào bà con", voice, studio=studio, speed_wpm=speed).seconds for speed in (100, 200))

    assert slow == pytest.approx(2 * fast, rel=0.01)


def test_a_voice_added_while_the_service_runs_is_there_at_once(tmp_path):
    studio = Studio([PiperEngine(tmp_path / "voices")])
    assert studio.cast("piper:new").missing == "piper:new"

    make_voice(tmp_path / "voices", "new")
    assert not studio.cast("piper:new").missing


@pytest.mark.parametrize(
    "description",
    ["", "{}", "[]", "nonsense", '{"audio": {"sample_rate": -1}, "espeak": {"voice": "vi"}}', '{"language": 5}'],
)
def test_a_voice_that_cannot_be_read_is_left_out_and_the_others_stay(tmp_path, description):
    make_voice(tmp_path, "good")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    (tmp_path / "bad.onnx.json").write_text(description)
    (tmp_path / "lone.onnx").write_bytes(b"no description")

    assert [voice.name for voice in PiperEngine(tmp_path).voices()] == ["good"]


def test_a_model_that_is_no_model_says_which_engine_failed(tmp_path):
    make_voice(tmp_path, "torn").write_bytes(b"no model")
    studio = Studio([PiperEngine(tmp_path)])

    with pytest.raises(EngineFailed, match="piper"):
        said(TEXT, studio.cast("piper:torn").voice, studio=studio)


@pytest.mark.parametrize("factor", [float("nan"), 0.0])
def test_a_model_that_makes_nothing_to_hear_fails_and_is_never_aired_as_silence(tmp_path, factor):
    make_voice(tmp_path, "broken", factor=factor)
    studio = Studio([PiperEngine(tmp_path)])

    with pytest.raises(EngineFailed, match="piper"):
        said(TEXT, studio.cast("piper:broken").voice, studio=studio)


def test_a_model_killed_in_mid_sentence_is_said_so(studio, folder):
    engine = PiperEngine(folder)
    voice = studio.cast("piper:vi_VN-lan-medium").voice
    heard = Heard()

    def kill_at_the_first_sound(samples: bytes, rate_hz: int) -> None:
        if samples and not heard.raw:
            for child in running("piper_worker"):
                child.kill()
        heard(samples, rate_hz)

    with pytest.raises(EngineFailed, match="piper"):
        engine.speak([Sentence("Xin chào bà con cô bác.", 100)] * 500, voice, 150, kill_at_the_first_sound)
    assert heard.raw


def test_a_model_that_hangs_is_stopped(folder):
    engine = PiperEngine(folder, ChildLimits(wall_s=0.05))
    began = time.monotonic()

    with pytest.raises(EngineFailed, match="timeout"):
        engine.speak([Sentence("Xin chào", 0)], engine.voices()[0], 150, Heard())
    assert time.monotonic() - began < 60
