"""libopusfile hands out the samples that ffmpeg does, from any moment on, and refuses what is no clip."""

import os
import random
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.clips import clip_from_file
from audio.decode import pcm
from audio.errors import AudioError, NotAudio, Unreadable
from audio.opusfile import OpusFile
from tests.support.recordings import make_recording

SECONDS = 5
LIKE = 4
"""Units of the 16 bits by which two decoders of Opus, both within its standard, may differ."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opusfile")
    return clip_from_file(make_recording(folder / "noise.wav", seconds=SECONDS), folder).path


def samples(path: Path, from_ms: int = 0) -> NDArray[np.int32]:
    with closing(OpusFile(path, from_ms=from_ms)) as file:
        return np.frombuffer(b"".join(iter(file.read, b"")), "<i2").astype(np.int32)


def test_the_samples_are_those_of_ffmpeg_one_for_one(clip: Path) -> None:
    theirs = np.frombuffer(pcm(clip), "<i2").astype(np.int32)
    ours = samples(clip)
    assert len(ours) == len(theirs)
    assert np.abs(ours - theirs).max() <= LIKE


def test_the_same_samples_come_every_time(clip: Path) -> None:
    assert np.array_equal(samples(clip), samples(clip))


@pytest.mark.parametrize("from_ms", [0, 1, 19, 199, 200, 201, 333, 1000, 3217, 4999])
def test_a_late_start_gives_exactly_the_rest(clip: Path, from_ms: int) -> None:
    whole, rest = samples(clip), samples(clip, from_ms)
    assert len(rest) == len(whole) - 48 * from_ms
    assert np.abs(rest - whole[48 * from_ms :]).max() <= LIKE


@pytest.mark.parametrize("late_ms", [0, 1, 4000, 10_000_000])
def test_a_start_after_the_end_gives_silence(clip: Path, late_ms: int) -> None:
    assert not len(samples(clip, len(samples(clip)) // 48 + 1 + late_ms))


@pytest.mark.parametrize("content", [b"", b"xin chao", b"OggS", b"OggS" + bytes(5000)])
def test_what_is_no_clip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(content)
    with pytest.raises(NotAudio):
        OpusFile(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable):
        OpusFile(tmp_path / "pipe")


def test_a_clip_in_stereo_or_in_two_pieces_is_not_read_as_one(clip: Path, tmp_path: Path) -> None:
    stereo = make_recording(tmp_path / "stereo.opus", "-ac", "2", "-c:a", "libopus")
    chained = tmp_path / "chained.opus"
    chained.write_bytes(clip.read_bytes() + make_recording(tmp_path / "b.opus", "-c:a", "libopus").read_bytes())
    for path in (stereo, chained):
        with pytest.raises(NotAudio):
            OpusFile(path)


def test_a_torn_page_costs_no_more_than_itself(clip: Path, tmp_path: Path) -> None:
    torn = bytearray(clip.read_bytes())
    page = torn.index(b"OggS", len(torn) // 2)
    torn[page + 40] ^= 0xFF
    path = tmp_path / "torn"
    path.write_bytes(torn)
    assert len(samples(clip)) - 2 * 48_000 < len(samples(path)) <= len(samples(clip))


def test_whatever_is_done_to_a_clip_reading_it_ends(clip: Path, tmp_path: Path) -> None:
    whole, path, dice = clip.read_bytes(), tmp_path / "broken", random.Random(1)
    for _ in range(200):
        broken = bytearray(whole[: dice.randrange(1, len(whole))] if dice.random() < 0.5 else whole)
        for _ in range(dice.randrange(1, 20)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        try:
            assert len(samples(path, dice.randrange(SECONDS * 1000))) <= 3 * SECONDS * 48_000
        except AudioError:
            continue
