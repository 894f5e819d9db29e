import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audio.clips import clip_from_file
from audio.decode import decode_args, pcm
from audio.errors import NotAudio, TooLong
from tests.support.ears import from_bytes
from tests.support.recordings import make_recording

NOT_FOR_THE_SPEAKER = {"pydub", "espeakng_loader", "vietnormalizer", "numpy", "imageio_ffmpeg", "asyncio"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decode")
    return clip_from_file(make_recording(folder / "noise.wav", seconds=5), folder).path


def stream(clip: Path, from_ms: int, rate_hz: int = 48_000) -> bytes:
    return subprocess.run(decode_args(clip, from_ms, rate_hz), check=True, capture_output=True).stdout


@pytest.mark.parametrize("from_ms", [0, 1, 19, 199, 200, 201, 333, 1000, 3217, 4999])
def test_a_late_start_gives_exactly_the_rest(clip: Path, from_ms: int):
    whole, rest = from_bytes(pcm(clip)), from_bytes(stream(clip, from_ms))

    assert len(rest) == len(whole) - 48 * from_ms
    assert np.abs(rest - whole[48 * from_ms :]).max() < 0.001


def test_a_start_after_the_end_gives_silence(clip: Path):
    assert not stream(clip, 9000)


def test_another_rate_keeps_the_length(clip: Path):
    assert len(stream(clip, 1000, 16_000)) == pytest.approx(2 * 16_000 * 4, abs=4)


def test_what_is_no_clip_is_refused(tmp_path: Path):
    for name, content in (("text.opus", b"xin chao"), ("empty.opus", b"")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(NotAudio):
            pcm(path)


def test_memory_is_bounded(clip: Path):
    with pytest.raises(TooLong):
        pcm(clip, max_s=4)


def test_the_speaker_loads_nothing_heavy_to_decode_and_to_beep():
    code = "import sys, audio.ffmpeg, audio.decode, audio.signals; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "audio.decode" in loaded.stdout.split()
    assert not NOT_FOR_THE_SPEAKER & set(loaded.stdout.split())
