"""Clips become samples ahead of their time, in a bounded buffer, and no decoder outlives its use."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audio import opusfile
from audio.ffmpeg import executable
from device_agent.decoder import Piece, PreparedSound, Samples, Silence, prepare
from device_agent.sinks import RATE_HZ
from tests.support.children import running


@pytest.fixture(params=["libopusfile", "ffmpeg"], autouse=True)
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With libopusfile, and on a machine without it."""
    if request.param == "ffmpeg":
        monkeypatch.setattr(opusfile, "library", lambda: None)
    return str(request.param)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a tone in Opus, as the wire carries it."""
    path = tmp_path_factory.mktemp("clips") / "clip"
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6"]
    opus = ["-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg"]
    subprocess.run([executable(), "-v", "error", *source, *opus, path], check=True)
    return path


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds: twice what a decoder keeps ahead."""
    path = tmp_path_factory.mktemp("clips") / "long"
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20"]
    opus = ["-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg"]
    subprocess.run([executable(), "-v", "error", *source, *opus, path], check=True)
    return path


@contextmanager
def opened(*pieces: Piece) -> Iterator[PreparedSound]:
    ready = threading.Event()
    sound = prepare(pieces, ready.set)
    try:
        assert ready.wait(10)
        yield sound
    finally:
        sound.close()
        _until(lambda: not any(thread.name == "decoder" for thread in threading.enumerate()))


def _until(done: object) -> None:
    limit = time.monotonic() + 10
    assert callable(done)
    while not done():
        assert time.monotonic() < limit
        threading.Event().wait(0.01)


def whole(sound: PreparedSound) -> bytes:
    pcm = bytearray()

    def drained() -> bool:
        pcm.extend(sound.read(RATE_HZ))
        return sound.ended

    _until(drained)
    return bytes(pcm)


def test_a_clip_is_ready_early_and_whole_in_the_end(clip: Path) -> None:
    with opened(Piece(clip)) as sound:
        assert sound.ready
        assert len(whole(sound)) == pytest.approx(6 * RATE_HZ * 2, abs=200)
        assert not sound.failed


def test_a_clip_can_begin_in_its_middle(clip: Path) -> None:
    with opened(Piece(clip, from_ms=4500)) as sound:
        assert len(whole(sound)) == pytest.approx(1.5 * RATE_HZ * 2, abs=200)


def test_a_clip_needs_a_child_only_without_the_library(by: str, long_clip: Path) -> None:
    with opened(Piece(long_clip)):
        assert bool(running("ffmpeg")) == (by == "ffmpeg")


def test_closing_early_ends_the_decoder(long_clip: Path) -> None:
    with opened(Piece(long_clip)) as sound:
        sound.close()
        _until(lambda: sound.at_hand and not running("ffmpeg"))


def test_what_is_no_clip_but_sounds_is_heard_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "stereo"
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2"]
    opus = ["-ac", "2", "-c:a", "libopus", "-f", "ogg"]
    subprocess.run([executable(), "-v", "error", *source, *opus, path], check=True)
    with opened(Piece(path)) as sound:
        assert len(whole(sound)) == 2 * RATE_HZ * 2
        assert not sound.failed


def test_rubbish_fails_and_is_never_ready(tmp_path: Path) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(b"not a sound" * 1000)
    with opened(Piece(path)) as sound:
        assert sound.failed
        assert not sound.ready
        assert whole(sound) == b""


def test_pieces_and_pauses_follow_one_another(clip: Path) -> None:
    with opened(Piece(clip, from_ms=5000), Piece(None, silence_ms=500), Piece(clip, from_ms=5500)) as sound:
        pcm = whole(sound)
    assert len(pcm) == pytest.approx(2 * RATE_HZ * 2, abs=400)
    middle = pcm[int(1.1 * RATE_HZ) * 2 : int(1.4 * RATE_HZ) * 2]
    assert not any(middle)


def test_samples_and_silence_end() -> None:
    tone, pause = Samples(b"\1\0" * 100), Silence(10)
    assert len(tone.read(60)) == 120
    assert len(tone.read(60)) == 80
    assert tone.ended
    assert len(pause.read(1000)) == 960
    assert pause.ended


def test_a_programme_never_has_two_decoders_at_work(long_clip: Path) -> None:
    most = 0
    pcm = bytearray()
    with opened(Piece(long_clip), Piece(long_clip), Piece(long_clip)) as sound:

        def drained() -> bool:
            nonlocal most
            pcm.extend(sound.read(RATE_HZ // 2))
            most = max(most, sum(thread.name == "decoder" for thread in threading.enumerate()))
            return sound.ended

        _until(drained)
    assert most == 1
    assert len(pcm) == pytest.approx(60 * RATE_HZ * 2, abs=600)


def test_the_next_piece_is_at_hand_before_the_one_before_ends(long_clip: Path, clip: Path) -> None:
    with opened(Piece(long_clip, from_ms=8000), Piece(clip)) as sound:
        heard = 0

        def three_seconds_heard() -> bool:
            nonlocal heard
            heard += len(sound.read(RATE_HZ // 10)) // 2
            return heard >= 3 * RATE_HZ

        _until(three_seconds_heard)
        _until(lambda: sound.read(0) == b"" and sound.at_hand)
        rest = 18 * RATE_HZ - heard
        assert len(sound.read(rest)) == pytest.approx(rest * 2, abs=400)
        assert sound.ended


def test_a_short_first_piece_waits_for_the_second(clip: Path) -> None:
    with opened(Piece(clip, from_ms=5900), Piece(clip)) as sound:
        assert sound.ready
        assert len(sound.read(RATE_HZ // 2)) == RATE_HZ


def test_a_pause_in_front_waits_for_what_follows(clip: Path) -> None:
    with opened(Piece(None, silence_ms=100), Piece(clip)) as sound:
        _until(lambda: sound.ready)
        assert len(sound.read(RATE_HZ // 2)) == RATE_HZ
