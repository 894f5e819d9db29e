"""A few hundred damaged recordings; `python -m bench.fuzz` goes on for as long as wanted."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from audio.errors import AudioError, TooDemanding
from audio.ffmpeg import recording
from audio.listen import measure
from audio.truncation import ends_early
from tests.audio.conftest import Record
from tests.support.damaged import LIMITS, damaged, outcome, recordings


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return recordings(tmp_path_factory.mktemp("whole"))


def understood_or_refused(path: Path) -> None:
    """One pass of listening; a limit that had to stop it, or an error not ours, is a finding."""
    try:
        ends_early(measure(recording(path), limits=LIMITS.child), path)
    except TooDemanding:
        raise
    except AudioError:
        return


@pytest.mark.parametrize("seed", range(10))
def test_damaged_recordings_are_understood_or_refused(seed: int, whole: dict[str, bytes], tmp_path: Path):
    dice = random.Random(seed)
    for _ in range(25):
        name, data = damaged(whole, dice)
        path = tmp_path / name
        path.write_bytes(data)
        understood_or_refused(path)


def test_damaged_recordings_become_clips_or_words(whole: dict[str, bytes], tmp_path: Path):
    dice = random.Random(7)
    became = set()
    for _ in range(25):
        name, data = damaged(whole, dice)
        path = tmp_path / name
        path.write_bytes(data)
        became.add(outcome(path, tmp_path / "clips"))
    assert {"clip", "not_audio"} <= became
    assert not any((tmp_path / "clips").iterdir())


@pytest.mark.parametrize("part", [0.002, 0.05, 0.3, 0.8])
@pytest.mark.parametrize("name", ["a.m4a", "a.mp3", "a.webm", "a.ogg", "a.flac", "a.wma", "a.w64", "a.amr"])
def test_a_recording_that_was_cut_anywhere_is_never_taken_for_whole(name: str, part: float, record: Record):
    kinds: dict[str, Callable[[], Path]] = {
        "a.webm": lambda: record("a.webm", "-c:a", "libopus", seconds=6),
        "a.wma": lambda: record("a.wma", "-c:a", "wmav2", seconds=6),
        "a.amr": lambda: record("a.amr", "-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb", seconds=6),
    }
    path = kinds.get(name, lambda: record(name, seconds=6))()
    whole = path.read_bytes()
    path.write_bytes(whole[: 1 + int(len(whole) * part)])
    measured = measure(recording(path))

    assert not measured.sample_count or ends_early(measured, path)
